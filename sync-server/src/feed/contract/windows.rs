//! Bounded history and digests, as part of the contract of [`Feed`](super::super::Feed).
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failing test says where")]

use std::collections::BTreeSet;

use super::{Phone, card_in, doc, entry, file, filed, hand, new_card, territory, user};
use crate::feed::{Ask, Batch, Document, Feed, Scope, Window};

/// What is kept with every append is what all documents of the scopes come to.
pub(super) fn digest_is_the_held_set(feed: &impl Feed, who: u8, territories: &BTreeSet<&str>) {
    let scopes: BTreeSet<Scope> = territories.iter().map(|id| Scope::territory(&territory(id))).chain([Scope::user(user(who))]).collect();
    let kinds: BTreeSet<&'static str> = BTreeSet::from(["customer", "visit"]);
    let grants = feed.grant(user(who), "salesperson", &scopes).unwrap();
    let ask = Ask { grants: &grants, own_kinds: &kinds, territory_kinds: &kinds, base: 0, begun: None, again: false, documents_max: 1 };
    let (head, held) = feed.held(&ask).unwrap();
    let xor = held.iter().fold(0, |sum, held| sum ^ roadbook_core::exchange::fingerprint(held.doc, &held.heads));
    assert_eq!(feed.digest(&ask).unwrap(), (head, held.len() as u64, xor), "person {who}");
}

/// Whoever has a customer has its latest visits, though they work elsewhere: it is theirs to know what was agreed there.
pub(crate) fn the_visits_of_a_customer_go_where_its_owner_is(feed: &impl Feed) {
    let visit = |n: u32| Document { id: doc(n), kind: "visit".into(), subject: doc(1).into(), owner: Some(user(1)), in_territory: true };
    let proposal = Document { kind: "proposal".into(), ..visit(4) };
    new_card(feed, 1, filed("west", Some(1)));
    let batch = Batch {
        documents: vec![visit(2), visit(3), proposal],
        entries: vec![entry(2, 1, 1), entry(3, 1, 1), entry(4, 1, 1)],
        windows: vec![(doc(2), Window { territory: Some(false), person: None })],
        ..Batch::default()
    };
    feed.append(&hand(1), &batch).unwrap();
    let (mut former, mut owner) = (Phone::default(), Phone::default());
    owner.pull(feed, 2, "salesperson", &["east"]);
    assert_eq!(owner.docs(), []);
    file(feed, 1, filed("west", Some(2)));
    owner.pull(feed, 2, "salesperson", &["east"]);
    assert_eq!(owner.docs(), [doc(1), doc(3)], "the visit in the window");
    former.pull(feed, 1, "salesperson", &["east"]);
    assert_eq!(former.docs(), [doc(2), doc(3)], "what one made oneself one keeps");
    // Two persons have the visit, and neither works in its territory: both count it.
    for (who, territory) in [(1, "east"), (2, "east"), (1, "west"), (2, "west"), (3, "west")] {
        digest_is_the_held_set(feed, who, &BTreeSet::from([territory]));
    }
    let kinds = BTreeSet::from(["customer", "visit", "proposal"]);
    let grants = feed.grant(user(2), "salesperson", &BTreeSet::from([Scope::territory(&territory("east")), Scope::user(user(2))])).unwrap();
    let ask = Ask { grants: &grants, own_kinds: &kinds, territory_kinds: &kinds, base: 0, begun: None, again: false, documents_max: 1 };
    let held: Vec<_> = feed.held(&ask).unwrap().1.into_iter().map(|held| held.doc).collect();
    assert_eq!(held, [doc(1), doc(3)], "nobody's wishes");
    file(feed, 1, filed("west", None));
    owner.pull(feed, 2, "salesperson", &["east"]);
    assert_eq!(owner.docs(), []);
    for who in [1, 2] {
        digest_is_the_held_set(feed, who, &BTreeSet::from(["east"]));
    }
}

/// Bounded history: what a window closes is forgotten, what it opens comes whole, and a document that is closed from the start
/// is forgotten by the device that made it.
pub(crate) fn a_closed_window_is_forgotten_and_an_open_one_comes_whole(feed: &impl Feed) {
    let visit = |n: u32| Document { id: doc(n), kind: "visit".into(), subject: doc(1).into(), owner: Some(user(1)), in_territory: true };
    let shut = Window { territory: Some(false), person: Some(false) };
    card_in(feed, 1, "east");
    let batch = Batch { documents: vec![visit(2), visit(3)], entries: vec![entry(2, 1, 1), entry(3, 1, 1)], ..Batch::default() };
    feed.append(&hand(1), &batch).unwrap();
    let (mut maker, mut other) = (Phone::default(), Phone::default());
    maker.pull(feed, 1, "salesperson", &["east"]);
    other.pull(feed, 2, "salesperson", &["east"]);
    assert_eq!((maker.held.len(), other.held.len()), (3, 3));
    // It leaves the territory and stays with its maker.
    let left = Window { territory: Some(false), person: None };
    feed.append(&hand(0), &Batch { windows: vec![(doc(2), left)], ..Batch::default() }).unwrap();
    maker.pull(feed, 1, "salesperson", &["east"]);
    other.pull(feed, 2, "salesperson", &["east"]);
    assert!(maker.held.contains_key(&doc(2)) && !other.held.contains_key(&doc(2)));
    // An entry in a closed document reaches nobody; when the window opens all of it comes.
    feed.append(&hand(0), &Batch { entries: vec![entry(2, 2, 9)], windows: vec![(doc(2), shut)], ..Batch::default() }).unwrap();
    maker.pull(feed, 1, "salesperson", &["east"]);
    assert!(!maker.held.contains_key(&doc(2)));
    feed.append(&hand(0), &Batch { windows: vec![(doc(2), Window { territory: Some(true), person: None })], ..Batch::default() }).unwrap();
    other.pull(feed, 2, "salesperson", &["east"]);
    assert_eq!(other.held[&doc(2)].len(), 2);
    // Closed from the start: the maker holds it, and is told to forget it.
    let batch = Batch { documents: vec![visit(4)], entries: vec![entry(4, 1, 1)], windows: vec![(doc(4), shut)], ..Batch::default() };
    maker.held.entry(doc(4)).or_default();
    feed.append(&hand(1), &batch).unwrap();
    maker.pull(feed, 1, "salesperson", &["east"]);
    assert!(!maker.held.contains_key(&doc(4)));
    for who in [1, 2] {
        digest_is_the_held_set(feed, who, &BTreeSet::from(["east"]));
    }
}
