//! Random histories, as part of the contract of [`Feed`](super::super::Feed).
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failing test says where")]

use std::collections::{BTreeMap, BTreeSet};

use roadbook_core::ids::DocId;

use super::windows::digest_is_the_held_set;
use super::{Phone, doc, edit, file, filed, hand, new_card, user};
use crate::feed::{Batch, Feed, Filing, Window};

/// Random edits, moves, grants, page sizes and lost answers; at the end everyone pulls until quiet and holds exactly what
/// the model says. The numbers come from a fixed linear congruential generator: the same every run.
pub(crate) fn random_histories_always_converge(feed: &impl Feed) {
    const TERRITORIES: [&str; 3] = ["east", "north", "west"];
    let mut state: u64 = 0x5eed;
    let mut draw = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut filings: BTreeMap<u32, Filing> = BTreeMap::new();
    let mut seqs: BTreeMap<u32, u32> = BTreeMap::new();
    let mut windows: BTreeMap<u32, (bool, bool)> = BTreeMap::new();
    let mut phones: Vec<Phone> = (0..3).map(|_| Phone::default()).collect();
    let mut rights: Vec<BTreeSet<&str>> = (0..3).map(|n| BTreeSet::from([TERRITORIES[n]])).collect();
    let go = |phone: &mut Phone, who: usize, rights: &[BTreeSet<&str>], max| {
        let territories: Vec<&str> = rights[who].iter().copied().collect();
        phone.turn(feed, u8::try_from(who + 1).unwrap(), "salesperson", &territories, max)
    };
    for _ in 0..400 {
        match draw(10) {
            0 | 1 => {
                let n = u32::try_from(filings.len()).unwrap();
                let filing = filed(TERRITORIES[usize::try_from(draw(3)).unwrap()], (draw(3) == 0).then_some(1));
                new_card(feed, n, filing.clone());
                filings.insert(n, filing);
                seqs.insert(n, 1);
            }
            2..=4 if !filings.is_empty() => {
                let n = u32::try_from(draw(filings.len() as u64)).unwrap();
                let seq = seqs[&n] + 1;
                edit(feed, n, seq);
                seqs.insert(n, seq);
            }
            5 if !filings.is_empty() => {
                let n = u32::try_from(draw(filings.len() as u64)).unwrap();
                let filing =
                    filed(TERRITORIES[usize::try_from(draw(3)).unwrap()], (draw(2) == 0).then(|| u8::try_from(draw(3) + 1).unwrap()));
                file(feed, n, filing.clone());
                filings.insert(n, filing);
            }
            6 => {
                let place = TERRITORIES[usize::try_from(draw(3)).unwrap()];
                let mine = &mut rights[usize::try_from(draw(3)).unwrap()];
                if !mine.remove(place) {
                    mine.insert(place);
                }
            }
            7 if !filings.is_empty() => {
                let n = u32::try_from(draw(filings.len() as u64)).unwrap();
                let window = Window { territory: Some(draw(2) == 0), person: (draw(2) == 0).then(|| draw(2) == 0) };
                feed.append(&hand(0), &Batch { windows: vec![(doc(n), window)], ..Batch::default() }).unwrap();
                let open = windows.entry(n).or_insert((true, true));
                *open = (window.territory.unwrap_or(open.0), window.person.unwrap_or(open.1));
            }
            _ => {
                let who = usize::try_from(draw(3)).unwrap();
                let max = usize::try_from(draw(4) + 1).unwrap();
                let before = (phones[who].cursor, phones[who].begun);
                go(&mut phones[who], who, &rights, max);
                // The answer was taken in and its cursor lost. What the very first page of all brought so is the digest's to find.
                if draw(5) == 0 && (before.0 > 0 || before.1.is_some()) {
                    (phones[who].cursor, phones[who].begun) = before;
                }
            }
        }
    }
    for (who, phone) in phones.iter_mut().enumerate() {
        let mut turns = 0;
        while !go(phone, who, &rights, 2) {
            turns += 1;
            assert!(turns < 10_000);
        }
        let expected: BTreeMap<DocId, usize> = filings
            .iter()
            .filter(|(n, filing)| {
                let (territory, person) = windows.get(n).copied().unwrap_or((true, true));
                (person && filing.owner == Some(user(u8::try_from(who + 1).unwrap())))
                    || (territory && filing.territory.as_ref().is_some_and(|place| rights[who].contains(place.0.as_str())))
            })
            .map(|(n, _)| (doc(*n), seqs[n] as usize))
            .collect();
        let held: BTreeMap<DocId, usize> = phone.held.iter().map(|(doc, changes)| (*doc, changes.len())).collect();
        assert_eq!(held, expected, "phone {who}");
        digest_is_the_held_set(feed, u8::try_from(who + 1).unwrap(), &rights[who]);
    }
}
