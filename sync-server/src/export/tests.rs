//! Lists written and read again. Belongs here: tests of the room as a whole, through the import.

use std::collections::BTreeMap;

use roadbook_core::ids::SubjectId;
use roadbook_core::model::Value;

use super::columns::{Column, columns};
use super::files::{csv, guarded, xlsx};
use super::row::{Cell, Names, Row, of_card};
use super::words::{label_at, words};
use super::{FORMULA_SIGNS, Language};
use crate::import::apply::{apply, dry_run};
use crate::import::draft::ValueOptions;
use crate::import::fault::Fault;
use crate::import::plan::Decision;
use crate::import::plan_tests::{Shelf, drafts, options, origin};
use crate::import::table::{ReadOptions, read};

const LIST: &str = "\
客户编号,客户名称,简称,别名,统一社会信用代码,地址,停车,经度,纬度,电话,老板,店长,法人,成立日期,类型,业态,地域,等级,区域,业务员,营业时间,店休日,服务时长,资产,销售额,人数,潜力,竞品,标签,品类,存在的问题,拜访间隔,状态,备注
K001,惠民超市,惠民,老惠民、惠民店,91350100M000100Y43,\"人民路12号，\"\"东门\"\"\",门口可停,120.6212345,31.31,+86 139-0000-0001;0512-88880001,王一,李二,张三,2019-05-01,零售,超市,居民区,B,城东,王芳,周一至周五 08:00-11:30;周六 09:00-12:00,周日、周三,15,50万,300.55万,6,4分 回款及时,甲牌、乙牌,冷柜、临街,食品,上月两次拖欠货款,14,正常,@老客户
K002,=1+1超市,-,,,-5号仓库,,,,13900000002,,,,2020-06,批发,,,C,城西,,24小时,,,,,,,,,,,,,
";

fn values() -> ValueOptions {
    let mut options = ValueOptions::default();
    for (name, id) in [("城东", "t-east"), ("城西", "t-west")] {
        options.directory.territories.insert(name.to_owned(), id.to_owned());
    }
    options.directory.people.insert("王芳".to_owned(), "u-wang".to_owned());
    options
}

fn names() -> Names {
    Names {
        territories: BTreeMap::from([("t-east".to_owned(), "城东".to_owned()), ("t-west".to_owned(), "城西".to_owned())]),
        people: BTreeMap::from([("u-wang".to_owned(), "王芳".to_owned())]),
    }
}

fn filled() -> Shelf {
    let mut shelf = Shelf::default();
    let table = read(LIST.as_bytes(), &ReadOptions::default()).unwrap();
    let planned = dry_run(drafts(&table, &values()), &mut shelf, &options()).unwrap();
    assert!(planned.iter().all(|row| row.notes.is_empty()), "{planned:?}");
    apply(&planned, &origin(), &mut shelf).unwrap();
    shelf
}

fn list(shelf: &Shelf, language: Language) -> (Vec<Column>, Vec<Row>) {
    let rows = shelf.cards.keys().map(|subject| of_card(&shelf.card(*subject), &names(), language)).collect();
    (columns(language, &["x.remark".to_owned()]), rows)
}

#[test]
fn what_is_written_says_the_same_when_read() {
    for language in [Language::Zh, Language::En] {
        let mut shelf = filled();
        let (columns, rows) = list(&shelf, language);
        for bytes in [xlsx("客户", &columns, rows.clone()).unwrap(), csv(&columns, rows.clone()).unwrap()] {
            let table = read(&bytes, &ReadOptions::default()).unwrap();
            let mut drafts = drafts(&table, &values());
            for draft in &mut drafts {
                assert_eq!(draft.notes, [], "{language:?} {}", draft.name);
            }
            let planned = dry_run(drafts.clone(), &mut shelf, &options()).unwrap();
            for row in &planned {
                assert_eq!(row.decision, Decision::Unchanged, "{language:?} {}", row.name);
            }
            // And nothing is missing: into an empty house it makes the same cards.
            let mut other = Shelf::default();
            let planned = dry_run(drafts, &mut other, &options()).unwrap();
            apply(&planned, &origin(), &mut other).unwrap();
            assert_eq!(list(&other, language).1, rows, "{language:?}");
        }
    }
}

#[test]
fn a_corrected_list_finds_its_customers() {
    let mut shelf = filled();
    let (columns, mut rows) = list(&shelf, Language::Zh);
    for (row, name) in rows.iter_mut().zip(["甲乙丙丁", "戊己庚辛"]) {
        for id in ["uscc", "customer_no", "phones.number", "addresses.text"] {
            row.remove(id);
        }
        row.insert("trade_name".to_owned(), Cell::Text(name.to_owned()));
    }
    let bytes = xlsx("客户", &columns, rows.clone()).unwrap();
    let planned = dry_run(drafts(&read(&bytes, &ReadOptions::default()).unwrap(), &values()), &mut shelf, &options()).unwrap();
    assert!(planned.iter().all(|row| matches!(row.decision, Decision::Update { .. }) && row.notes.is_empty()), "{planned:?}");
    assert_eq!(planned.iter().map(|row| row.subject).collect::<Vec<_>>(), shelf.cards.keys().copied().collect::<Vec<_>>());
    // An id that nobody has says so; the row is recognised by its other keys.
    rows.truncate(1);
    rows[0].insert("import.customer".to_owned(), Cell::Text(SubjectId::derived("nobody").to_string()));
    let bytes = csv(&columns, rows).unwrap();
    let planned = dry_run(drafts(&read(&bytes, &ReadOptions::default()).unwrap(), &values()), &mut shelf, &options()).unwrap();
    assert_eq!((&planned[0].decision, &planned[0].notes[0].fault), (&Decision::Create, &Fault::NoSuchCustomer));
}

#[test]
fn no_cell_of_a_text_file_is_a_formula() {
    let (columns, rows) = list(&filled(), Language::Zh);
    let bytes = csv(&columns, rows).unwrap();
    let text = std::str::from_utf8(bytes.strip_prefix(&[0xEF, 0xBB, 0xBF]).unwrap()).unwrap();
    assert!(text.contains("'=1+1超市") && text.contains("'-5号仓库") && text.contains("'+86 139") && text.contains("'@老客户"), "{text}");
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    for record in reader.records() {
        for cell in &record.unwrap() {
            assert!(!cell.starts_with(FORMULA_SIGNS), "{cell}");
        }
    }
    assert_eq!(guarded("'=1"), "''=1");
    assert_eq!(guarded("惠民"), "惠民");
}

#[test]
fn places_and_values_of_a_card_are_said_in_words() {
    let label = |path: &str| (label_at(path, Language::Zh), label_at(path, Language::En));
    assert_eq!(label("addresses/4b1e/text"), ("地址".to_owned(), "Address".to_owned()));
    assert_eq!(label("headcount"), ("职工人数".to_owned(), "Headcount".to_owned()));
    assert_eq!(label("x.remark").0, "备注");
    let window = [("days", Value::from("12345")), ("open", 480.into()), ("close", 690.into())];
    let window = Value::Map(window.into_iter().map(|(name, value)| (name.to_owned(), value)).collect());
    assert_eq!(words("time_windows.window", &window, Language::Zh), "周一至周五 08:00-11:30");
}
