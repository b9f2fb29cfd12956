//! Erasure, as part of the contract of [`Feed`](super::super::Feed).
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failing test says where")]

use std::collections::BTreeSet;

use roadbook_core::ids::{ChangeHash, Ms};

use super::windows::digest_is_the_held_set;
use super::{Phone, card, doc, edit, entry, file, filed, hand, new_card, user};
use crate::feed::{Batch, DeskState, Erasure, Feed, FeedError, Refused};

/// What was erased leaves every scope and comes into none, keeps no change, takes none, and tells who asked and why.
pub(crate) fn what_was_erased_stays_erased(feed: &impl Feed) {
    new_card(feed, 1, filed("east", Some(1)));
    new_card(feed, 2, filed("east", None));
    edit(feed, 1, 2);
    let refused = |n: u32| Refused {
        doc: doc(n),
        kind: "customer".into(),
        subject: doc(n).into(),
        hash: ChangeHash([3; 32]),
        code: "no_right".into(),
        why: "no".into(),
        bytes: vec![1, 2, 3],
    };
    feed.append(&hand(4), &Batch { refused: vec![refused(1), refused(2)], ..Batch::default() }).unwrap();
    let (mut owner, mut other, mut late) = (Phone::default(), Phone::default(), Phone::default());
    owner.pull(feed, 1, "salesperson", &["east"]);
    other.pull(feed, 2, "salesperson", &["east"]);
    assert!(!late.turn(feed, 3, "salesperson", &["east"], 1), "a long pull is under way");

    let erasure = |n: u32| Erasure { document: card(n), asked_by: "本人", reason: "不再合作", by: user(9), now: Ms(7) };
    let erased = feed.erase(&erasure(1)).unwrap();
    assert_eq!((erased.doc, erased.changes, erased.by, erased.at), (doc(1), 2, user(9), Ms(7)));
    assert_eq!((erased.asked_by.as_str(), erased.reason.as_str(), erased.kind.as_str()), ("本人", "不再合作", "customer"));
    let again = feed.erase(&Erasure { reason: "again", ..erasure(1) }).unwrap();
    assert_eq!(again, erased, "once erased it stays so, with the first reason");
    assert_eq!(feed.erased(doc(1)).unwrap().as_ref(), Some(&erased));
    assert_eq!(feed.erased(doc(2)).unwrap(), None);
    assert_eq!(feed.all_erased(Some(doc(1).into())).unwrap(), [erased]);
    assert!(feed.all_erased(Some(doc(2).into())).unwrap().is_empty());

    assert!(feed.changes(doc(1), 0, &BTreeSet::new()).unwrap().is_empty());
    let aside: Vec<_> =
        feed.desk(None, 10).unwrap().into_iter().map(|row| (row.row.refused.doc, row.state, row.row.refused.bytes.len())).collect();
    assert_eq!(aside, [(doc(1), DeskState::Rejected, 0), (doc(2), DeskState::Open, 3)], "the line stays, without what it held");
    let told = feed.decided(hand(4).device.unwrap(), 0).unwrap();
    assert_eq!(told.len(), 1);
    assert!(roadbook_core::exchange::says_erased(&told[0].remark), "{}", told[0].remark);
    for (phone, who) in [(&mut owner, 1), (&mut other, 2), (&mut late, 3)] {
        phone.pull(feed, who, "salesperson", &["east"]);
        assert_eq!(phone.docs(), [doc(2)], "person {who}");
        digest_is_the_held_set(feed, who, &BTreeSet::from(["east"]));
    }
    // Nothing enters it, and moving its subject brings it nowhere.
    let into = Batch { entries: vec![entry(1, 3, 5)], ..Batch::default() };
    assert!(matches!(feed.append(&hand(5), &into), Err(FeedError::Erased(found)) if found == doc(1)));
    feed.append(&hand(5), &Batch { refused: vec![refused(1)], ..Batch::default() }).unwrap();
    assert_eq!(feed.quarantine(10).unwrap().len(), 2, "nothing more of it is set aside");
    file(feed, 1, filed("west", Some(2)));
    other.pull(feed, 2, "salesperson", &["east", "west"]);
    assert_eq!(other.docs(), [doc(2)]);
    // One that the feed has never seen may be waiting on a phone.
    assert_eq!(feed.erase(&erasure(5)).unwrap().changes, 0);
    assert!(matches!(
        feed.append(&hand(5), &Batch { documents: vec![card(5)], entries: vec![entry(5, 1, 5)], ..Batch::default() }),
        Err(FeedError::Erased(_))
    ));
    assert!(feed.scour().unwrap());
}
