//! Planning and applying on real documents. Belongs here: tests from rows to cards and back.

use std::collections::BTreeMap;

use proptest::prelude::*;
use roadbook_core::crdt::{ChangeStamp, Document};
use roadbook_core::ids::{ActorId, Ms, OrgId, SubjectId, UserId};
use roadbook_core::model::card::Card;
use roadbook_core::model::edit::{self, Edit, EditError, Provenance};
use roadbook_core::model::kinds::{CUSTOMER, OFFICE};
use roadbook_core::model::{Source, Value};

use super::apply::{Book, Origin, Work, apply, dry_run, paragraphs};
use super::columns::{ColumnOptions, matched};
use super::datum::Datum;
use super::draft::{Draft, Keys, Say, ValueOptions, draft};
use super::fault::Fault;
use super::held::Held;
use super::plan::{Decision, Duplicates, Other, PlanOptions, Planned, Why};
use super::report::Report;
use super::synonyms::KNOWN;
use super::table::{ReadOptions, Row, Table, read};
use crate::export::Language;

const IMPORTER: [u8; 16] = [7; 16];
pub(super) const REP: [u8; 16] = [9; 16];

/// Customers as documents in memory.
#[derive(Default)]
pub(crate) struct Shelf {
    pub(crate) cards: BTreeMap<SubjectId, (Document, Document)>,
    clock: i64,
    /// Number of writes after which it fails.
    fails_after: Option<usize>,
}

impl Shelf {
    pub(crate) fn card(&self, subject: SubjectId) -> Card {
        let (customer, office) = &self.cards[&subject];
        Card::fold(subject, customer, Some(office))
    }

    pub(crate) fn named(&self, name: &str) -> Card {
        let cards = self.cards.keys().map(|subject| self.card(*subject));
        cards.into_iter().find(|card| card.text("trade_name") == Some(name)).unwrap()
    }

    pub(crate) fn held_place(&self, subject: SubjectId) -> bool {
        let (customer, office) = &self.cards[&subject];
        Held::of_documents(subject, customer, Some(office)).keys().place.is_some()
    }

    pub(super) fn edit(&mut self, author: [u8; 16], subject: SubjectId, customer: &[Edit], office: &[Edit]) {
        self.clock += 1_000;
        let stamp = ChangeStamp {
            actor: ActorId::from_slice(&author).unwrap(),
            author: Some(UserId::from_bytes(author)),
            time: Ms(1_780_000_000_000 + self.clock),
            note: None,
        };
        let sides = self.cards.entry(subject).or_insert_with(|| (CUSTOMER.genesis.document().unwrap(), OFFICE.genesis.document().unwrap()));
        sides.0.write::<EditError>(None, &stamp, |writer| edit::write(&CUSTOMER, customer, writer)).unwrap();
        sides.1.write::<EditError>(None, &stamp, |writer| edit::write(&OFFICE, office, writer)).unwrap();
    }
}

impl Book for Shelf {
    type Error = &'static str;

    fn keys(&mut self) -> Result<Vec<(SubjectId, Keys)>, Self::Error> {
        let keys = |(subject, (customer, _)): (&SubjectId, &(Document, Document))| (*subject, Held::shown(*subject, customer, None).keys());
        Ok(self.cards.iter().map(keys).collect())
    }

    fn held(&mut self, subject: SubjectId) -> Result<Option<Held>, Self::Error> {
        Ok(self.cards.get(&subject).map(|(customer, office)| Held::of_documents(subject, customer, Some(office))))
    }

    fn write(&mut self, work: &Work) -> Result<(), Self::Error> {
        match &mut self.fails_after {
            Some(0) => return Err("the disk is full"),
            Some(left) => *left -= 1,
            None => {}
        }
        assert_eq!(work.new, !self.cards.contains_key(&work.subject), "{}", work.subject);
        let text = |field: &str| self.cards.get(&work.subject).and_then(|(customer, _)| customer.text(field));
        let customer: Vec<Edit> = work.customer.iter().cloned().chain(paragraphs(work, text)).collect();
        self.edit(IMPORTER, work.subject, &customer, &work.office);
        Ok(())
    }
}

pub(crate) fn drafts(table: &Table, options: &ValueOptions) -> Vec<Draft> {
    let columns = matched(&table.headers, &ColumnOptions::default()).unwrap();
    table.rows.iter().map(|row| draft(row, &columns, options)).collect()
}

pub(crate) fn options() -> PlanOptions {
    PlanOptions { org: OrgId::from_bytes([1; 16]), duplicates: Duplicates::HoldBack, lifecycle: Some("active".to_owned()) }
}

pub(super) fn values() -> ValueOptions {
    let mut options = ValueOptions::default();
    options.directory.territories.insert("城东".to_owned(), "t-east".to_owned());
    options.directory.people.insert("王芳".to_owned(), UserId::from_bytes(REP).to_string());
    options
}

pub(crate) fn origin() -> Origin {
    Origin { file: "客户.csv".to_owned(), sheet: String::new() }
}

pub(super) fn csv(text: &str) -> Table {
    read(text.as_bytes(), &ReadOptions::default()).unwrap()
}

/// Plans a list and writes it.
pub(super) fn import(shelf: &mut Shelf, text: &str) -> Vec<Planned> {
    let planned = dry_run(drafts(&csv(text), &values()), shelf, &options()).unwrap();
    apply(&planned, &origin(), shelf).unwrap();
    planned
}

pub(super) fn kinds(planned: &[Planned]) -> String {
    let letter = |row: &Planned| match row.decision {
        Decision::Create => 'C',
        Decision::Update { .. } => 'U',
        Decision::Unchanged => '=',
        Decision::PossibleDuplicate { .. } => '?',
        Decision::Refused => '!',
    };
    planned.iter().map(letter).collect()
}

pub(super) const LIST: &str = "\
客户编号,客户名称,统一社会信用代码,地址,经度,纬度,电话,联系人,等级,区域,业务员,营业时间,年销售额(万元),标签,存在的问题,备注,建档人,日期
K001,惠民超市,91350100M000100Y43,人民路12号,120.62,31.31,0512-88880001/13900000001,王老板,B级,城东,王芳,08:00-11:30/14:00-18:00,30,\"冷柜、临街\",上月两次拖欠货款,老客户,李强,2026-03-02
K002,鑫鑫便利店,,平江路5号,,,13900000002,,C,城东,,24小时,,,,,,
,无名氏面馆,,,,,,,,,,,,,,,,
";

#[test]
fn a_list_becomes_cards_and_the_same_list_changes_nothing() {
    let mut shelf = Shelf::default();
    let planned = import(&mut shelf, LIST);
    assert_eq!(kinds(&planned), "CCC");
    assert!(planned.iter().all(|row| row.notes.is_empty()), "{planned:?}");
    let card = shelf.named("惠民超市");
    assert_eq!(card.text("uscc"), Some("91350100M000100Y43"));
    assert_eq!(card.office["grade"].value, "B".into());
    assert_eq!(card.office["territory"].value, "t-east".into());
    assert_eq!(card.office["lifecycle"].value, "active".into());
    assert_eq!(card.value("turnover").get("amount"), Some(&30_000_000.into()));
    assert_eq!(card.lists["phones"].len(), 2);
    assert_eq!(card.lists["time_windows"].len(), 2);
    assert_eq!(card.sets["tags"].len(), 2);
    assert_eq!(card.texts["problems"], "上月两次拖欠货款");
    assert_eq!(card.text("x.remark"), Some("老客户"));
    // The list is the source; its author and day are claimed; the importer is the change's author.
    let said = &card.facts["trade_name"].rivals[0];
    assert_eq!((said.source, said.source_doc.as_deref()), (Source::Import, Some("客户.csv!!2")));
    assert_eq!(said.claimed_author.as_deref(), Some("李强"));
    assert_eq!(said.author, Some(UserId::from_bytes(IMPORTER)));
    assert_eq!(said.observed, Ms(1_772_380_800_000), "2026-03-02 00:00 +08:00");
    assert_eq!(kinds(&import(&mut shelf, LIST)), "===");
    assert_eq!(shelf.cards.len(), 3);
}

#[test]
fn what_people_changed_since_stays() {
    let mut shelf = Shelf::default();
    import(&mut shelf, LIST);
    let card = shelf.named("惠民超市");
    let phone = card.lists["phones"].iter().find(|entry| entry.fields["number"].value == "13900000001".into()).unwrap();
    let address = &card.lists["addresses"][0];
    let assert = |field: &str, value: Value| Edit::Assert { field: field.to_owned(), value, provenance: Provenance::default() };
    let edits = [
        assert("trade_name", "惠民生活超市".into()),
        Edit::RemoveEntry { list: "phones".to_owned(), entry: phone.id },
        Edit::Exclude { field: "tags".to_owned(), element: "冷柜".to_owned() },
        Edit::Entry {
            list: "addresses".to_owned(),
            entry: address.id,
            fields: BTreeMap::from([("text".to_owned(), "人民路21号".into())]),
            provenance: Provenance::default(),
        },
        Edit::Rewrite { field: "problems".to_owned(), text: "上月两次拖欠货款\n已结清".to_owned() },
    ];
    shelf.edit(REP, card.subject, &edits, &[assert("grade", "A".into())]);
    assert_eq!(kinds(&import(&mut shelf, LIST)), "===");
    // A newer list with a newer value is news, and says what changed.
    let newer = LIST.replace("人民路12号", "人民路30号").replace(",30,", ",45,");
    let planned = import(&mut shelf, &newer);
    assert_eq!(kinds(&planned), "U==");
    let Decision::Update { changes } = &planned[0].decision else { panic!("{planned:?}") };
    let fields: Vec<&str> = changes.iter().map(|change| change.field.as_str()).collect();
    assert_eq!(fields, ["turnover", "addresses.text"]);
    assert_eq!(changes[1].from, "人民路21号".into());
    let card = shelf.named("惠民生活超市");
    assert_eq!(card.lists["phones"].len(), 1);
    assert_eq!(card.office["grade"].value, "A".into());
    assert_eq!(kinds(&import(&mut shelf, &newer)), "===");
}

#[test]
fn a_failure_in_the_middle_is_picked_up_where_it_stopped() {
    let mut shelf = Shelf { fails_after: Some(1), ..Shelf::default() };
    let planned = dry_run(drafts(&csv(LIST), &values()), &mut shelf, &options()).unwrap();
    assert_eq!(apply(&planned, &origin(), &mut shelf), Err((3, "the disk is full")));
    shelf.fails_after = None;
    assert_eq!(kinds(&import(&mut shelf, LIST)), "=CC");
    let whole = {
        let mut other = Shelf::default();
        import(&mut other, LIST);
        other.cards.into_keys().collect::<Vec<_>>()
    };
    assert_eq!(shelf.cards.into_keys().collect::<Vec<_>>(), whole);
}

#[test]
fn doubles_inside_a_file_and_bad_rows_are_told() {
    let text = "\
名称,统一社会信用代码,电话,地址,职工人数,成立日期,区域
惠民超市,91350100M000100Y43,13900000001,人民路12号,5人,2019年5月,城东
惠民超市,91350100M000100Y43,13900000001,人民路12号,5人,2019年5月,城东
惠民生活超市,,,人民路14号,,,
坏码店,91350100M000100Y44,,,,,
短码店,9135,,,,,
,,13900000009,,,,
好店,,同上,,十几个,02/03/2026,城外
错店,,#N/A,,,,
";
    let mut shelf = Shelf::default();
    let table = csv(text);
    let planned = dry_run(drafts(&table, &values()), &mut shelf, &options()).unwrap();
    assert_eq!(kinds(&planned), "C??!!!CC");
    let Decision::PossibleDuplicate { of, why, created } = &planned[2].decision else { panic!() };
    assert_eq!((of.as_slice(), why.contains(&Why::LikeNameSameStreet), *created), ([Other::Row(2)].as_slice(), true, false));
    assert_eq!(planned[6].notes.len(), 4);
    let columns = matched(&table.headers, &ColumnOptions::default()).unwrap();
    let report = Report::new("客户.csv", &table, columns, planned, true);
    assert_eq!((report.counts.created, report.counts.possible_duplicates, report.counts.refused), (3, 2, 3));
    let zh = report.text(Language::Zh, false);
    for words in [
        "试运行",
        "第 3 行 惠民超市：可能重复",
        "第 2 行：本文件中已有",
        "校验位不符",
        "第 7 行：拒绝。名称：没有名称",
        "成立日期：日和月无法区分",
    ] {
        assert!(zh.contains(words), "{words}\n{zh}");
    }
    let en = report.text(Language::En, true);
    for words in ["dry run", "row 2 惠民超市: created", "row 6 短码店: refused. 统一社会信用代码: a unified social credit code has 18"]
    {
        assert!(en.contains(words), "{words}\n{en}");
    }
    assert!(String::from_utf8(report.csv(Language::Zh).unwrap()).unwrap().lines().count() == 9);
    serde_json::to_string(&report).unwrap();
    // The rows to put right are a list of their own.
    let again = read(&report.rows_to_put_right(&table, Language::Zh).unwrap().unwrap(), &ReadOptions::default()).unwrap();
    assert_eq!(again.rows.iter().map(|row| row.cell(0)).collect::<Vec<_>>(), ["3", "4", "5", "6", "7"]);
    assert_eq!(again.rows[2].cell(4), "91350100M000100Y44");
    assert_eq!(drafts(&again, &values()).len(), 5);
}

#[test]
fn doubles_can_be_created_all_the_same_once() {
    let mut shelf = Shelf::default();
    import(&mut shelf, LIST);
    let text = "名称,地址,电话\n鑫鑫便民店,平江路7号,13900000077\n鑫鑫便民店,平江路7号,13900000077\n";
    let create = PlanOptions { duplicates: Duplicates::Create, ..options() };
    for expected in [1, 0] {
        let planned = dry_run(drafts(&csv(text), &values()), &mut shelf, &create).unwrap();
        assert_eq!(planned.iter().filter(|row| row.creates()).count(), expected);
        apply(&planned, &origin(), &mut shelf).unwrap();
        assert_eq!(shelf.cards.len(), 4);
    }
}

#[test]
fn what_positions_refer_to_is_said_by_cell_option_or_title() {
    let datum = |titles: &str, cells: &str, asked: Option<Datum>| {
        let table = csv(&format!("名称,{titles}\n甲店,{cells}\n"));
        let drafts = drafts(&table, &ValueOptions { datum: asked, ..values() });
        (drafts[0].datum(), drafts[0].notes.first().map(|note| note.fault.clone()))
    };
    for (titles, cells, asked, expected) in [
        ("经度,纬度", "120.62,31.31", None, Datum::Wgs84),
        ("经度(GCJ-02),纬度", "120.62,31.31", None, Datum::Gcj02),
        ("经度,纬度（高德地图）", "120.62,31.31", None, Datum::Gcj02),
        ("坐标(百度BD-09)", "120.62 31.31", None, Datum::Bd09),
        ("GPS坐标（WGS84）", "120.62 31.31", None, Datum::Wgs84),
        ("经度(GCJ-02),纬度", "120.62,31.31", Some(Datum::Bd09), Datum::Bd09),
        ("经度(GCJ-02),纬度,坐标系", "120.62,31.31,WGS-84", Some(Datum::Bd09), Datum::Wgs84),
    ] {
        assert_eq!(datum(titles, cells, asked), (Some(expected), None), "{titles}");
    }
    let unclear = "经度(GCJ-02),纬度(百度)";
    assert_eq!(datum(unclear, "120.62,31.31", None), (None, Some(Fault::TwoDatums)));
    assert_eq!(datum(unclear, ",", None), (None, None));
}

#[test]
fn a_name_that_several_people_have_is_nobodys() {
    let mut options = values();
    let people = &mut options.directory.people;
    people.add("wang1", "王芳", "u-1");
    people.add("wang2", "王芳", "u-2");
    people.add_switched_off("liu", "u-3");
    options.directory.territories.add("t-9", "城东", "t-9");
    let table = csv("名称,业务员,区域\n甲店,王芳,城东\n乙店,wang2,t-9\n丙店,liu,\n");
    let planned = dry_run(drafts(&table, &options), &mut Shelf::default(), &self::options()).unwrap();
    let faults: Vec<Vec<&Fault>> = planned.iter().map(|row| row.notes.iter().map(|note| &note.fault).collect()).collect();
    assert_eq!(faults, [vec![&Fault::SeveralPeople, &Fault::SeveralTerritories], vec![], vec![&Fault::PersonSwitchedOff]]);
    let owner = |row: &Planned| row.says.iter().any(|say| matches!(say, Say::Office { field, .. } if field == "owner"));
    assert_eq!(planned.iter().map(owner).collect::<Vec<_>>(), [false, true, true]);
    let columns = matched(&table.headers, &ColumnOptions::default()).unwrap();
    assert_eq!(Report::new("客户.csv", &table, columns, planned, true).counts.cells_left_out, 2);
}

#[test]
fn no_column_is_left_out_without_a_word() {
    let table = csv("名称,省,市,区,,电话,人数(刻)\n甲店,江苏省,苏州市,姑苏区,左手边,13900000041,3\n甲店,江苏省,南京市,,,13900000042,\n");
    let planned = dry_run(drafts(&table, &values()), &mut Shelf::default(), &options()).unwrap();
    assert_eq!(kinds(&planned), "CC", "two cities, two phones: two branches");
    let columns = matched(&table.headers, &ColumnOptions::default()).unwrap();
    let report = Report::new("客户.csv", &table, columns, planned.clone(), true);
    assert!(report.text(Language::Zh, false).contains("未识别的列（未导入）：第 5 列（无标题）"));
    assert!(report.text(Language::Zh, false).contains("人数(刻)：“刻”不是已知单位，数值按原样导入"));
    assert!(report.text(Language::En, false).contains("unknown columns (not imported): column 5 (no title)"));
    let mut shelf = Shelf::default();
    apply(&planned, &origin(), &mut shelf).unwrap();
    assert_eq!(shelf.card(planned[0].subject).lists["addresses"][0].fields["text"].value, "江苏省苏州市姑苏区".into());
    // A release that passed over them made the customer from the name alone: the same list finds it.
    let mut shelf = Shelf::default();
    import(&mut shelf, "名称,标签\n乙店,冷柜\n");
    assert_eq!(kinds(&import(&mut shelf, "名称,市\n乙店,苏州市\n")), "U");
    assert_eq!(kinds(&import(&mut shelf, "名称,市\n乙店,苏州市\n")), "=");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_a_row_says_core_takes_it(cells in prop::collection::vec(cell(), KNOWN.len())) {
        let headers: Vec<String> = KNOWN.iter().map(|known| known.titles[0].to_owned()).collect();
        let columns = matched(&headers, &ColumnOptions::default()).unwrap();
        let row = Row { number: 2, cells };
        let planned = dry_run(vec![draft(&row, &columns, &values())], &mut Shelf::default(), &options()).unwrap();
        let mut shelf = Shelf::default();
        apply(&planned, &origin(), &mut shelf).unwrap();
        let again = dry_run(vec![draft(&row, &columns, &values())], &mut shelf, &options()).unwrap();
        prop_assert!(again.iter().all(|row| matches!(row.decision, Decision::Unchanged | Decision::Refused)), "{again:?}");
    }
}

/// What stands in cells, and what should not.
fn cell() -> impl Strategy<Value = String> {
    let usual = prop::sample::select(vec![
        "惠民超市",
        "人民路12号",
        "13900000001/0512-88880001、+86 139",
        "8-24",
        "24:00-24:00",
        "22:00-22:00",
        "周一至周日 08:00-12:00;12:30-1:00",
        "周六、周日",
        "A级",
        "超市",
        "城东",
        "王芳",
        "2026-03-02",
        "46083",
        "1.5亿",
        "999999999万",
        "5 很好",
        "120.62,31.31",
        "-120.5",
        "31.3",
        "91350100M000100Y43",
        "GCJ-02",
        "a/b,c、d",
        "每周",
        "正常",
        "#REF!",
        "=1+1",
        "无",
        "0",
        "\u{0}\u{7}x\r\ny",
        "１２３",
    ]);
    prop_oneof![3 => usual.prop_map(str::to_owned), 1 => any::<String>(), 1 => "[0-9 :\\-~至/;,.年月日万元+()转]{0,80}", 1 => "\\PC{0,400}"]
}
