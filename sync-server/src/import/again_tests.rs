//! A list once more after people worked on the cards. Belongs here: tests of what stays as people left it.

use std::collections::BTreeMap;

use roadbook_core::ids::{EntryId, SubjectId};
use roadbook_core::model::Value;
use roadbook_core::model::edit::{Edit, Provenance};

use super::fault::Fault;
use super::plan_tests::{REP, Shelf, import, kinds};

fn texts(shelf: &Shelf, subject: SubjectId, list: &str, field: &str) -> Vec<String> {
    let card = shelf.card(subject);
    let entries = card.lists.get(list).map(Vec::as_slice).unwrap_or_default();
    let mut texts: Vec<String> = entries.iter().map(|entry| entry.fields[field].value.as_text().unwrap().to_owned()).collect();
    texts.sort_unstable();
    texts
}

fn entry(list: &str, fields: &[(&str, &str)]) -> Edit {
    let fields: BTreeMap<String, Value> = fields.iter().map(|(field, value)| ((*field).to_owned(), (*value).into())).collect();
    let entry = EntryId::derived(&format!("{fields:?}"));
    Edit::Entry { list: list.to_owned(), entry, fields, provenance: Provenance::default() }
}

#[test]
fn an_entry_that_says_the_same_goes_before_the_one_an_import_made() {
    let mut shelf = Shelf::default();
    let subject = import(&mut shelf, "名称,电话,地址,老板\n甲店,13900000051,人民路12号,王一\n")[0].subject;
    let ours =
        [entry("addresses", &[("kind", "shop"), ("text", "平江路5号")]), entry("stakeholders", &[("role", "owner"), ("name", "李二")])];
    shelf.edit(REP, subject, &ours, &[]);
    assert_eq!(kinds(&import(&mut shelf, "名称,电话,地址,老板\n甲店,13900000051,平江路５号,李二\n")), "=");
    assert_eq!(texts(&shelf, subject, "addresses", "text"), ["人民路12号", "平江路5号"]);
    assert_eq!(texts(&shelf, subject, "stakeholders", "name"), ["李二", "王一"]);
    // Somebody moved on: the entry that the import made is corrected, the other stays.
    assert_eq!(kinds(&import(&mut shelf, "名称,电话,地址\n甲店,13900000051,人民路30号\n")), "U");
    assert_eq!(texts(&shelf, subject, "addresses", "text"), ["人民路30号", "平江路5号"]);
}

#[test]
fn after_a_removal_the_same_statement_stays_away_and_another_one_is_written() {
    let mut shelf = Shelf::default();
    let list = "名称,电话,地址,老板\n甲店,13900000051,人民路12号,王一\n";
    let subject = import(&mut shelf, list)[0].subject;
    let card = shelf.card(subject);
    let removals: Vec<Edit> =
        ["addresses", "stakeholders"].map(|list| Edit::RemoveEntry { list: list.to_owned(), entry: card.lists[list][0].id }).into();
    shelf.edit(REP, subject, &removals, &[]);
    assert_eq!(kinds(&import(&mut shelf, list)), "=");
    let newer = "名称,电话,地址,老板\n甲店,13900000051,平江路5号,李二\n";
    assert_eq!((kinds(&import(&mut shelf, newer)).as_str(), kinds(&import(&mut shelf, newer)).as_str()), ("U", "="));
    assert_eq!(texts(&shelf, subject, "addresses", "text"), ["平江路5号"]);
    assert_eq!(texts(&shelf, subject, "stakeholders", "name"), ["李二"]);
    // That one removed as well: neither comes back.
    let card = shelf.card(subject);
    shelf.edit(REP, subject, &[Edit::RemoveEntry { list: "addresses".to_owned(), entry: card.lists["addresses"][0].id }], &[]);
    assert_eq!((kinds(&import(&mut shelf, newer)).as_str(), kinds(&import(&mut shelf, list)).as_str()), ("=", "="));
    assert_eq!(texts(&shelf, subject, "addresses", "text"), Vec::<String>::new());
    // A position without an address has no entry to go to: the report says so.
    let place = import(&mut shelf, "名称,电话,坐标\n甲店,13900000051,\"120.62,31.31\"\n");
    assert_eq!((kinds(&place).as_str(), &place[0].notes[0].fault), ("=", &Fault::RemovedSince));
}

#[test]
fn a_paragraph_is_added_once_whatever_became_of_it() {
    let mut shelf = Shelf::default();
    let list = "名称,存在的问题,经营方针\n甲店,\"上月２次拖欠\u{3000}货款\n冰柜坏了\",薄利多销\n";
    let subject = import(&mut shelf, list)[0].subject;
    let rewrite = |field: &str, text: &str| Edit::Rewrite { field: field.to_owned(), text: text.to_owned() };
    // Typed again with other blanks and letters: the same.
    shelf.edit(REP, subject, &[rewrite("problems", "上月2次拖欠 货款\n冰柜坏了，已报修"), rewrite("policy", "")], &[]);
    assert_eq!(kinds(&import(&mut shelf, list)), "=");
    // Rewritten altogether.
    shelf.edit(REP, subject, &[rewrite("problems", "都解决了")], &[]);
    assert_eq!(kinds(&import(&mut shelf, list)), "=");
    let newer = list.replace("冰柜坏了", "冰柜坏了\n门口修路");
    assert_eq!((kinds(&import(&mut shelf, &newer)).as_str(), kinds(&import(&mut shelf, &newer)).as_str()), ("U", "="));
    assert_eq!(shelf.card(subject).texts["problems"], "都解决了\n门口修路", "only what was never said");
    assert!(shelf.card(subject).texts.get("policy").is_none_or(String::is_empty));
}

#[test]
fn a_number_that_a_person_typed_with_a_plus_of_full_width_is_the_same() {
    let mut shelf = Shelf::default();
    let subject = import(&mut shelf, "名称,地址\n甲店,人民路12号\n")[0].subject;
    shelf.edit(REP, subject, &[entry("phones", &[("number", "＋８６ １３９００００００５１"), ("kind", "mobile")])], &[]);
    assert_eq!(kinds(&import(&mut shelf, "名称,地址,电话\n甲店,人民路12号,13900000051\n")), "=");
    assert_eq!(kinds(&import(&mut shelf, "名称,电话\n甲店,+86 13900000051\n")), "=");
}
