//! The computed order under random plans, visits, pins, skips and ad hoc stops written on two replicas that know nothing of each other.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failing test says where")]

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::crdt::ChangeStamp;
use crate::ids::ActorId;
use crate::model::edit;
use crate::model::{Edit, EditError, kinds};

fn stop(n: u8) -> StopId {
    StopId::from_bytes([n; 16])
}
fn revision(n: u8) -> EntryId {
    EntryId::from_bytes([n; 16])
}
fn plan(n: u8, parent: Option<u8>, stops: &[u8], moved: &[u8]) -> Plan {
    let planned = |n: &u8| PlannedStop { stop: stop(*n), arrive_s: None, service_s: None, note: None, urgent: false };
    Plan {
        revision: revision(n),
        parent: parent.map(revision),
        stops: stops.iter().map(planned).collect(),
        moved: moved.iter().map(|n| stop(*n)).collect(),
        cleared: Vec::new(),
        by: None,
        at: Ms(0),
    }
}
fn put(container: &str, key: String, value: Value) -> Edit {
    Edit::Put { container: container.to_owned(), key, value }
}
fn publish(plan: &Plan) -> Vec<Edit> {
    vec![put("plan", format!("rev/{}", plan.revision), plan.to_value()), put("plan", HEAD.to_owned(), plan.revision.to_string().into())]
}
fn write(document: &mut Document, actor: u8, at: i64, edits: &[Edit]) {
    let stamp = ChangeStamp {
        actor: ActorId::from_slice(&[actor; 16]).unwrap(),
        author: Some(UserId::from_bytes([actor; 16])),
        time: Ms(at),
        note: None,
    };
    document.write::<EditError>(None, &stamp, |writer| edit::write(&kinds::TOUR, edits, writer)).unwrap();
}
fn merged(a: &Document, b: &Document) -> Document {
    let mut both = a.clone();
    both.apply(&b.changes_since(&a.heads())).unwrap();
    both
}
fn stops_of(document: &Document) -> Vec<StopId> {
    Tour::fold(DocId::from_bytes([0; 16]), document).stops.into_iter().map(|stop| stop.stop).collect()
}

#[test]
fn a_stop_dragged_past_its_neighbours_is_the_one_that_moved() {
    let stops = |list: &[u8]| list.iter().map(|n| stop(*n)).collect::<Vec<_>>();
    assert_eq!(moved(&stops(&[1, 2, 3, 4, 5]), &stops(&[1, 5, 2, 3, 4])), stops(&[5]));
    assert_eq!(moved(&stops(&[1, 2, 3, 4, 5]), &stops(&[1, 9, 2, 3, 4])), stops(&[]), "new and gone stops did not move");
    assert_eq!(moved(&stops(&[1, 2, 3]), &stops(&[])), stops(&[]));
}

#[test]
fn a_pin_yields_only_to_a_revision_that_its_writer_had_not_seen() {
    let first = plan(1, None, &[1, 2, 3, 4], &[]);
    let second = plan(2, Some(1), &[1, 3, 2, 4], &[3]);
    let mut document = kinds::ready("tour").unwrap().genesis.clone();
    write(&mut document, 1, 10, &publish(&first));
    let pin = |seen: u8| Pin { before: Some(stop(1)), after: None, seen: Some(revision(seen)), reason: None, by: None, at: Ms(0) };
    let pinned = |seen: u8| {
        let mut document = document.clone();
        write(&mut document, 1, 20, &publish(&second));
        write(&mut document, 2, 30, &[put("progress", format!("pin/{}", stop(3)), pin(seen).to_value())]);
        Tour::fold(DocId::from_bytes([0; 16]), &document).stops
    };
    let ignorant = pinned(1);
    assert_eq!(ignorant.iter().map(|entry| entry.stop).collect::<Vec<_>>(), [1, 3, 2, 4].map(stop));
    assert!(ignorant[1].deviation.is_some() && ignorant[1].pin.is_none());
    let informed = pinned(2);
    assert_eq!(informed.iter().map(|entry| entry.stop).collect::<Vec<_>>(), [3, 1, 2, 4].map(stop));
    assert!(informed[0].pin.is_some());
}

/// What one side does: the representative visits, drags, skips, adds; the dispatcher publishes another plan.
#[derive(Debug, Clone)]
enum Act {
    Visit(u8),
    Pin(u8, u8),
    Skip(u8),
    Add(u8),
}

fn act() -> impl Strategy<Value = Act> {
    let stop = || 1..20_u8;
    prop_oneof![
        stop().prop_map(Act::Visit),
        (stop(), stop()).prop_map(|(a, b)| Act::Pin(a, b)),
        stop().prop_map(Act::Skip),
        (30..34_u8).prop_map(Act::Add)
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn two_sides_never_double_lose_or_revive_a_stop(
        acts in prop::collection::vec(act(), 0..14),
        second in Just((1..20_u8).collect::<Vec<_>>()).prop_shuffle(),
        kept in 10..19_usize,
    ) {
        let base: Vec<u8> = (1..20).collect();
        let mut start = kinds::ready("tour").unwrap().genesis.clone();
        write(&mut start, 1, 10, &publish(&plan(1, None, &base, &[])));
        let (mut office, mut phone) = (start.clone(), start);

        let new: Vec<u8> = second.into_iter().take(kept).chain([25]).collect();
        let ids = |list: &[u8]| list.iter().map(|n| stop(*n)).collect::<Vec<_>>();
        let by_hand = moved(&ids(&base), &ids(&new));
        let replanned = Plan { moved: by_hand.clone(), ..plan(2, Some(1), &new, &[]) };
        write(&mut office, 1, 20, &publish(&replanned));

        let (mut visited, mut skipped, mut added) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
        for (at, act) in (100..).zip(&acts) {
            let edit = match act {
                Act::Visit(n) if !visited.contains(n) => {
                    visited.push(*n);
                    put("progress", format!("visit/{}", stop(*n)), Value::map([("arrived", Value::Int(at))]))
                }
                Act::Pin(n, before) => {
                    let pin = Pin { before: Some(stop(*before)), after: None, seen: Some(revision(1)), reason: None, by: None, at: Ms(0) };
                    put("progress", format!("pin/{}", stop(*n)), pin.to_value())
                }
                Act::Skip(n) => {
                    skipped.insert(*n);
                    put("progress", format!("skip/{}", stop(*n)), Value::map([("reason", "closed".into())]))
                }
                Act::Add(n) => {
                    added.insert(*n);
                    put("progress", format!("adhoc/{}", stop(*n)), Value::Bool(true))
                }
                Act::Visit(_) => continue,
            };
            write(&mut phone, 2, at, &[edit]);
        }

        let order = stops_of(&merged(&office, &phone));
        prop_assert_eq!(&order, &stops_of(&merged(&phone, &office)), "the same on every replica");
        let unique: BTreeSet<_> = order.iter().copied().collect();
        prop_assert_eq!(unique.len(), order.len(), "no stop twice");
        let expected: BTreeSet<StopId> = new.iter().filter(|n| !skipped.contains(n)).chain(&visited).chain(&added).map(|n| stop(*n)).collect();
        prop_assert_eq!(unique, expected, "none lost, none revived");
        prop_assert_eq!(&order[..visited.len()], &ids(&visited)[..], "what was visited stays in front, in its order");
    }
}
