//! A replica on its own: what is saved is read back, rows equal the fold, an answer is taken in.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failing test says where")]

use std::collections::BTreeMap;

use super::documents::Target;
use super::field::{self, TourKey};
use super::{Replica, ReplicaError, Stamp};
use crate::exchange::{Answer, Cursor, Item, Profile};
use crate::ids::{DeviceId, EntryId, Ms, SubjectId, UserId};
use crate::model::tour::{PlannedStop, StopState};
use crate::model::{Edit, Provenance, Value, kinds};
use crate::store::{Lane, TOLD_ROW_BYTES_MAX};

const NOON: Ms = Ms(1_772_424_000_000);

fn user(n: u8) -> UserId {
    UserId::from_bytes([n; 16])
}
fn stamp(n: u8) -> Stamp {
    Stamp { author: user(1), now: NOON.plus(i64::from(n) * 1_000), entropy: [n; 16] }
}
fn fact(field: &str, value: impl Into<Value>) -> Edit {
    Edit::Assert { field: field.to_owned(), value: value.into(), provenance: Provenance::default() }
}
/// 王芳, a salesperson.
pub(super) fn profile() -> Profile {
    Profile {
        user: user(1),
        name: "王芳".to_owned(),
        role: "salesperson".to_owned(),
        territories: Vec::new(),
        offset_minutes: 480,
        people: Vec::new(),
        registry: None,
    }
}
fn customer(replica: &mut Replica, n: u8, name: &str) -> SubjectId {
    let subject = SubjectId::from_bytes([n; 16]);
    let phone = Edit::Entry {
        list: "phones".to_owned(),
        entry: EntryId::from_bytes([n; 16]),
        fields: BTreeMap::from([("number".to_owned(), Value::from(format!("139-0000-11{n:02}")))]),
        provenance: Provenance::default(),
    };
    replica.save(&stamp(n), Lane::Normal, &Target::customer(subject), &[fact("trade_name", name), phone]).unwrap();
    subject
}

#[test]
fn every_kind_is_ready() {
    for kind in kinds::ALL {
        assert!(kinds::ready(kind.id).is_some(), "{}", kind.id);
    }
}

#[test]
fn a_card_is_saved_listed_found_and_rebuilt() {
    let mut replica = Replica::in_memory([7; 16]).unwrap();
    let subject = customer(&mut replica, 9, "惠民超市");
    let card = replica.card(subject).unwrap().unwrap();
    assert_eq!(card.text("trade_name"), Some("惠民超市"));
    assert_eq!(card.lists["phones"].len(), 1);
    assert_eq!(replica.outbox_size().unwrap().changes, 1);
    let print = replica.store().read(|read| read.rows_print()).unwrap();
    replica.rebuild().unwrap();
    assert_eq!(replica.store().read(|read| read.rows_print()).unwrap(), print);
}

#[test]
fn a_change_taken_in_by_another_replica_shows_the_same_rows() {
    let mut ours = Replica::in_memory([1; 16]).unwrap();
    let mut theirs = Replica::in_memory([2; 16]).unwrap();
    let subject = customer(&mut ours, 3, "惠民超市");
    ours.enrolled(DeviceId::from_bytes([5; 16]), &profile()).unwrap();
    theirs.enrolled(DeviceId::from_bytes([6; 16]), &profile()).unwrap();
    let request = ours.request(NOON, None).unwrap();
    let items = request
        .pushed
        .iter()
        .map(|pushed| Item::Changes {
            doc: pushed.doc,
            kind: pushed.kind.clone(),
            subject: pushed.subject,
            changes: pushed.changes.clone(),
        })
        .collect();
    let cursor = Cursor { epoch: [1; 16], number: 1 };
    let answer = Answer { items, ..Answer::empty(NOON, cursor) };
    let synced = theirs.sync_answer(&answer.encode().unwrap(), NOON).unwrap();
    assert_eq!((synced.documents, synced.refused, synced.restarted), (1, 0, false));
    assert_eq!(theirs.card(subject).unwrap().unwrap().text("trade_name"), Some("惠民超市"));
    let print = |replica: &Replica| replica.store().read(|read| read.rows_print()).unwrap();
    assert_eq!(print(&ours), print(&theirs));
    assert_eq!(theirs.sync_answer(&answer.encode().unwrap(), NOON).unwrap().documents, 0, "taken in twice, nothing changes");
}

#[test]
fn a_visit_on_a_tour_from_check_in_to_check_out() {
    let mut replica = Replica::in_memory([7; 16]).unwrap();
    let subject = customer(&mut replica, 9, "惠民超市");
    let key = TourKey { route: "east-1".to_owned(), day: NOON.day(480).unwrap(), rep: user(1) };
    let stop = PlannedStop { stop: subject, arrive_s: Some(36_000), service_s: Some(900), note: None, urgent: false };
    let (target, edits) = field::publish(&stamp(20), &key, None, &[stop], None, &[]);
    replica.save(&stamp(20), Lane::Normal, &target, &edits).unwrap();
    let mut draft = replica.check_in(&stamp(21), subject, Some(key.doc()), None).unwrap();
    assert_eq!(replica.tour(key.doc()).unwrap().unwrap().stops[0].state, StopState::InProgress);
    draft.fields.insert("outcome".to_owned(), "order".into());
    replica.save_draft(&draft, NOON).unwrap();
    assert_eq!(replica.drafts().unwrap(), vec![draft.clone()]);
    let visit = replica.check_out(&stamp(22), &draft, None).unwrap();
    assert!(replica.drafts().unwrap().is_empty());
    assert_eq!(replica.tour(key.doc()).unwrap().unwrap().stops[0].state, StopState::Visited);
    assert_eq!(replica.visit(visit).unwrap().unwrap().text("outcome"), Some("order"));
    let print = replica.store().read(|read| read.rows_print()).unwrap();
    replica.rebuild().unwrap();
    assert_eq!(replica.store().read(|read| read.rows_print()).unwrap(), print);
}

#[test]
fn a_form_that_speaks_late_brings_no_visit_back() {
    let mut replica = Replica::in_memory([7; 16]).unwrap();
    let subject = customer(&mut replica, 9, "惠民超市");
    let mut draft = replica.check_in(&stamp(21), subject, None, None).unwrap();
    draft.fields.insert("outcome".to_owned(), "order".into());
    let visit = replica.check_out(&stamp(22), &draft, None).unwrap();
    let sealed = |done: Result<(), ReplicaError>| matches!(done, Err(ReplicaError::Sealed { doc }) if doc == visit);
    draft.fields.insert("outcome".to_owned(), "no_order".into());
    assert!(sealed(replica.save_draft(&draft, NOON)));
    assert!(sealed(replica.check_out(&stamp(23), &draft, None).map(drop)), "a second tap");
    assert!(replica.drafts().unwrap().is_empty());
    assert_eq!(replica.visit(visit).unwrap().unwrap().text("outcome"), Some("order"));
    let given_up = replica.check_in(&stamp(24), subject, None, None).unwrap();
    replica.drop_draft(&stamp(25), given_up.doc).unwrap();
    let gone = |done: Result<(), ReplicaError>| matches!(done, Err(ReplicaError::Unknown { .. }));
    assert!(gone(replica.save_draft(&given_up, NOON)) && gone(replica.check_out(&stamp(26), &given_up, None).map(drop)));
}

#[test]
fn a_second_visit_given_up_leaves_a_stop_visited() {
    let mut replica = Replica::in_memory([7; 16]).unwrap();
    let subject = customer(&mut replica, 9, "惠民超市");
    let key = TourKey { route: "east-1".to_owned(), day: NOON.day(480).unwrap(), rep: user(1) };
    let stop = PlannedStop { stop: subject, arrive_s: Some(36_000), service_s: Some(900), note: None, urgent: false };
    let (target, edits) = field::publish(&stamp(20), &key, None, &[stop], None, &[]);
    replica.save(&stamp(20), Lane::Normal, &target, &edits).unwrap();
    let draft = replica.check_in(&stamp(21), subject, Some(key.doc()), None).unwrap();
    let visit = replica.check_out(&stamp(22), &draft, None).unwrap();
    let again = replica.check_in(&stamp(23), subject, Some(key.doc()), None).unwrap();
    replica.drop_draft(&stamp(24), again.doc).unwrap();
    let stop = replica.tour(key.doc()).unwrap().unwrap().stops[0].clone();
    assert_eq!((stop.state, stop.visit.unwrap().visit), (StopState::Visited, Some(visit)));
}

#[test]
fn a_row_that_is_too_long_holds_up_nothing() {
    let mut replica = Replica::in_memory([7; 16]).unwrap();
    let row = |n: u8, bytes: usize| Item::Row {
        doc: SubjectId::from_bytes([n; 16]).customer(),
        kind: "customer".to_owned(),
        subject: SubjectId::from_bytes([n; 16]),
        heads: vec![n; 32].into(),
        row: vec![1; bytes].into(),
    };
    let items = vec![row(1, TOLD_ROW_BYTES_MAX + 1), row(2, 40)];
    let answer = Answer { items, ..Answer::empty(NOON, Cursor { epoch: [1; 16], number: 9 }) };
    replica.sync_answer(&answer.encode().unwrap(), NOON).unwrap();
    assert_eq!(replica.store().read(|read| read.pull_position()).unwrap().number, 9);
    let told = |n: u8| replica.store().read(|read| read.told_row(SubjectId::from_bytes([n; 16]).customer())).unwrap().unwrap().bytes.len();
    assert_eq!((told(1), told(2)), (0, 40));
}

#[test]
fn a_day_is_sequenced_from_the_cards() {
    let mut replica = Replica::in_memory([7; 16]).unwrap();
    let place = |n: u8, lat: i64, window: Option<(i64, i64)>| {
        let address = Edit::Entry {
            list: "addresses".to_owned(),
            entry: EntryId::from_bytes([n; 16]),
            fields: BTreeMap::from([("geo".to_owned(), Value::map([("lat", Value::Int(lat)), ("lon", Value::Int(1_206_000_000))]))]),
            provenance: Provenance::default(),
        };
        let mut edits = vec![fact("trade_name", format!("店{n}")), address];
        edits.extend(window.map(|(open, close)| Edit::Entry {
            list: "time_windows".to_owned(),
            entry: EntryId::from_bytes([n + 100; 16]),
            fields: BTreeMap::from([("window".to_owned(), Value::map([("open", Value::Int(open)), ("close", Value::Int(close))]))]),
            provenance: Provenance::default(),
        }));
        edits
    };
    let subjects: Vec<SubjectId> = (1..=4).map(|n| SubjectId::from_bytes([n; 16])).collect();
    // Along a street going north; the nearest one opens only in the afternoon.
    let morning = Some((480, 720));
    let hours = [Some((840, 1_080)), morning, morning, morning];
    for (n, (subject, window)) in (1..).zip(subjects.iter().zip(hours)) {
        let edits = place(n, 313_000_000 + i64::from(n) * 100_000, window);
        replica.save(&stamp(n), Lane::Normal, &Target::customer(*subject), &edits).unwrap();
    }
    let question = super::sequencing::DayQuestion {
        open: &[subjects[2], subjects[0], subjects[3], subjects[1]],
        known: &[],
        from: Some((313_000_000, 1_206_000_000)),
        leave_s: 8 * 3_600,
        weekday: None,
        moved_s: 0,
    };
    let plan = replica.sequence(&question).unwrap();
    let order: Vec<SubjectId> = plan.stops.iter().map(|stop| stop.stop).collect();
    assert_eq!(order.last(), Some(&subjects[0]), "the one that opens at 14:00 comes last");
    assert_eq!(plan.late_s, 0);
    assert!(plan.stops[3].arrive_s.unwrap() < 14 * 3_600 && plan.unlocated.is_empty());
    let given = replica.schedule(&question).unwrap();
    assert_eq!(given.stops.iter().map(|stop| stop.stop).collect::<Vec<_>>(), question.open, "the order given stands");
    assert!(given.distance_m > plan.distance_m, "{} > {}", given.distance_m, plan.distance_m);
    assert_eq!(given.late, [subjects[3], subjects[1]], "after two in the afternoon the others are too late");
}
