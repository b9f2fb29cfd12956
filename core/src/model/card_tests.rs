//! The display rule, reviews, sets, lists and freshness of a card, case by case.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failing test says where")]

use super::*;
use crate::crdt::ChangeStamp;
use crate::ids::ActorId;
use crate::model::edit;
use crate::model::{Edit, EditError, Provenance, kinds};

const DAY: i64 = Ms::DAY;
const NOW: i64 = 1_772_409_600_000;

fn subject() -> SubjectId {
    SubjectId::from_bytes([9; 16])
}
fn fact(field: &str, value: impl Into<Value>, observed: Option<i64>) -> Edit {
    let provenance = Provenance { observed_at: observed.map(Ms), ..Provenance::default() };
    Edit::Assert { field: field.to_owned(), value: value.into(), provenance }
}
fn write(document: &mut Document, who: u8, at: i64, edits: &[Edit]) {
    let kind = if document.has_container("sets") { &kinds::CUSTOMER } else { &kinds::OFFICE };
    let stamp = ChangeStamp {
        actor: ActorId::from_slice(&[who; 16]).unwrap(),
        author: Some(UserId::from_bytes([who; 16])),
        time: Ms(at),
        note: None,
    };
    document.write::<EditError>(None, &stamp, |writer| edit::write(kind, edits, writer)).unwrap();
}
fn blank(kind: &str) -> Document {
    kinds::ready(kind).unwrap().genesis.clone()
}
/// Two people edit the same state apart, and both edits meet.
fn apart(base: &Document, ours: (i64, &[Edit]), theirs: (i64, &[Edit])) -> Document {
    let (mut a, mut b) = (base.clone(), base.clone());
    write(&mut a, 1, ours.0, ours.1);
    write(&mut b, 2, theirs.0, theirs.1);
    a.apply(&b.changes_since(&a.heads())).unwrap();
    a
}
fn verified(value: impl Into<Value>, op: Option<String>, observed: i64) -> Document {
    let mut office = blank("office");
    let slot = Verified {
        value: value.into(),
        op,
        observed: Some(Ms(observed)),
        by: None,
        at: Ms(observed),
        method: None,
        reason: None,
        seen: Vec::new(),
    };
    write(&mut office, 7, NOW, &[Edit::Put { container: "verified".to_owned(), key: "turnover".to_owned(), value: slot.to_value() }]);
    office
}
fn money(yuan: i64) -> Value {
    Value::map([("amount", Value::Int(yuan * 100)), ("currency", "CNY".into())])
}

#[test]
fn the_later_observation_is_shown_and_a_material_field_is_reviewed_once() {
    let both =
        apart(&blank("customer"), (NOW, &[fact("trade_name", "惠民超市", None)]), (NOW + 5, &[fact("trade_name", "惠民商店", None)]));
    let card = Card::fold(subject(), &both, None);
    assert_eq!(card.text("trade_name"), Some("惠民商店"));
    assert_eq!(card.reviews.len(), 1);
    assert_eq!(card.reviews[0].options.len(), 2);
}

#[test]
fn the_same_value_twice_and_free_fields_are_no_matter_for_review() {
    let same = apart(
        &blank("customer"),
        (NOW, &[fact("location_type", "residential", None)]),
        (NOW, &[fact("location_type", "residential", None)]),
    );
    assert!(Card::fold(subject(), &same, None).reviews.is_empty());
    let free =
        apart(&blank("customer"), (NOW, &[fact("line_of_business", "食品", None)]), (NOW, &[fact("line_of_business", "烟酒", None)]));
    assert!(Card::fold(subject(), &free, None).reviews.is_empty());
}

#[test]
fn an_observation_is_never_later_than_it_was_written() {
    let both = apart(
        &blank("customer"),
        (NOW, &[fact("founded_on", "2001", Some(NOW + 90 * DAY))]),
        (NOW + 10, &[fact("founded_on", "2002", None)]),
    );
    assert_eq!(Card::fold(subject(), &both, None).text("founded_on"), Some("2002"));
}

#[test]
fn a_newer_report_waits_behind_a_verified_value_and_a_high_one_is_marked() {
    let mut customer = blank("customer");
    write(&mut customer, 1, NOW, &[fact("turnover", money(8_000_000), Some(NOW - DAY))]);
    let card = Card::fold(subject(), &customer, Some(&verified(money(3_000_000), None, NOW - 50 * DAY)));
    let turnover = &card.facts["turnover"];
    assert_eq!((turnover.badge, turnover.high), (Badge::ReportWaiting, true));
    assert_eq!(turnover.value, money(3_000_000));
    let older = Card::fold(subject(), &customer, Some(&verified(money(3_000_000), None, NOW)));
    assert_eq!(older.facts["turnover"].badge, Badge::Verified, "a report observed before the verified one is superseded");
}

#[test]
fn an_edit_beats_a_removal_made_apart_and_says_so() {
    let entry = EntryId::from_bytes([3; 16]);
    let label = |text: &str| Edit::Entry {
        list: "phones".to_owned(),
        entry,
        fields: [("number".to_owned(), Value::from("13900001111")), ("label".to_owned(), text.into())].into(),
        provenance: Provenance::default(),
    };
    let mut base = blank("customer");
    write(&mut base, 1, NOW, &[label("店里")]);
    let remove = Edit::RemoveEntry { list: "phones".to_owned(), entry };
    let kept = Card::fold(subject(), &apart(&base, (NOW + 1, &[label("老板娘")]), (NOW + 2, std::slice::from_ref(&remove))), None);
    assert_eq!(kept.lists["phones"][0].fields["label"].value, Value::from("老板娘"));
    assert!(kept.lists["phones"][0].kept);
    write(&mut base, 2, NOW + 3, &[remove]);
    assert!(!Card::fold(subject(), &base, None).lists.contains_key("phones"));
}

#[test]
fn a_confirmation_keeps_a_value_fresh_and_belongs_to_that_value_only() {
    let mut customer = blank("customer");
    write(&mut customer, 1, NOW, &[fact("headcount", Value::Int(6), None)]);
    let confirm = |value: i64| Edit::Confirm { field: "headcount".to_owned(), value: Value::Int(value), at: Ms(NOW + 300 * DAY) };
    write(&mut customer, 2, NOW + 300 * DAY, &[confirm(7)]);
    assert_eq!(Card::fold(subject(), &customer, None).facts["headcount"].fresh_until, Some(Ms(NOW + 365 * DAY)));
    write(&mut customer, 2, NOW + 300 * DAY, &[confirm(6)]);
    let card = Card::fold(subject(), &customer, None);
    assert_eq!(card.facts["headcount"].fresh_until, Some(Ms(NOW + 665 * DAY)));
    assert_eq!(card.stale_from(), Some(Ms(NOW + 665 * DAY)));
    assert_eq!((card.freshness_percent(Ms(NOW)), card.freshness_percent(Ms(NOW + 700 * DAY))), (Some(100), Some(0)));
}

#[test]
fn one_number_in_two_writings_is_one_phone() {
    let phone = |n: u8, number: &str| Edit::Entry {
        list: "phones".to_owned(),
        entry: EntryId::from_bytes([n; 16]),
        fields: [("number".to_owned(), Value::from(number))].into(),
        provenance: Provenance::default(),
    };
    let both = apart(&blank("customer"), (NOW, &[phone(8, "0571 8888-1234")]), (NOW, &[phone(4, "057188881234")]));
    let phones = &Card::fold(subject(), &both, None).lists["phones"];
    assert_eq!((phones.len(), phones[0].id, phones[0].twins.len()), (1, EntryId::from_bytes([4; 16]), 1));
    assert_eq!(phones[0].fields["number"].rivals.len(), 2, "both provenances are visible");
}

#[test]
fn a_movement_counts_once_however_often_it_is_written() {
    let entry = EntryId::from_bytes([5; 16]);
    let by = |by: i64, n: u8| Edit::Move {
        list: "placed_units".to_owned(),
        entry,
        field: "moved".to_owned(),
        by,
        movement: EntryId::from_bytes([n; 16]),
    };
    let both = apart(&blank("customer"), (NOW, &[by(5, 1), by(2, 2)]), (NOW, &[by(5, 1), by(-1, 3)]));
    assert_eq!(Card::fold(subject(), &both, None).lists["placed_units"][0].fields["moved"].value, Value::Int(6));
}
