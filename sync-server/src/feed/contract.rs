//! The contract of [`Feed`](super::Feed) as tests, generic over implementations. Each takes a freshly opened feed.
//! `tests!(open)` makes a test of every one of them; `open` gets a folder and returns a feed.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a failing test says where")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};

use roadbook_core::ids::{ActorId, ChangeHash, DeviceId, DocId, Ms, TerritoryId, UserId};

use super::*;

mod erased;
mod random;
mod windows;

pub(crate) use erased::what_was_erased_stays_erased;
pub(crate) use random::random_histories_always_converge;
pub(crate) use windows::{a_closed_window_is_forgotten_and_an_open_one_comes_whole, the_visits_of_a_customer_go_where_its_owner_is};

macro_rules! tests {
    ($open:ident) => {
        $crate::feed::contract::tests!($open:
            appending_again_changes_nothing,
            a_batch_is_all_or_nothing,
            a_pull_holds_what_the_scopes_hold,
            a_long_pull_survives_any_interruption,
            what_moves_is_forgotten_here_and_whole_there,
            a_new_territory_comes_whole_and_a_lost_one_goes,
            another_role_takes_everything_again,
            a_grant_in_the_middle_of_a_long_pull_loses_nothing,
            heads_and_the_held_set_follow_the_entries,
            a_batch_in_any_order_moves_the_heads_on,
            a_closed_window_is_forgotten_and_an_open_one_comes_whole,
            the_visits_of_a_customer_go_where_its_owner_is,
            refused_changes_are_kept,
            what_was_erased_stays_erased,
            eight_writers_and_a_cursor_that_misses_nothing,
            random_histories_always_converge);
    };
    ($open:ident: $($name:ident),* $(,)?) => {$(
        #[test]
        fn $name() {
            let folder = tempfile::tempdir().map_err(|e| e.to_string());
            let folder = $crate::feed::contract::opened(folder);
            $crate::feed::contract::$name(&$open(folder.path()));
        }
    )*};
}
pub(crate) use tests;

/// A test's way to say that nothing works without a feed.
pub(crate) fn opened<T>(result: Result<T, String>) -> T {
    match result {
        Ok(value) => value,
        Err(why) => panic!("{why}"),
    }
}

fn user(n: u8) -> UserId {
    UserId::from_bytes([n; 16])
}
fn doc(n: u32) -> DocId {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&n.to_be_bytes());
    DocId::from_bytes(bytes)
}
fn hand(n: u8) -> Hand {
    Hand { device: (n > 0).then(|| DeviceId::from_bytes([n; 16])), user: user(n), now: Ms(1) }
}
fn territory(id: &str) -> TerritoryId {
    TerritoryId(id.to_owned())
}
fn filed(id: &str, owner: Option<u8>) -> Filing {
    Filing { territory: Some(territory(id)), owner: owner.map(user) }
}
fn card(n: u32) -> Document {
    Document { id: doc(n), kind: "customer".into(), subject: doc(n).into(), owner: None, in_territory: true }
}
fn entry(n: u32, seq: u32, actor: u8) -> NewEntry {
    let mut hash = [actor; 32];
    hash[..4].copy_from_slice(&n.to_be_bytes());
    hash[4..8].copy_from_slice(&seq.to_be_bytes());
    let deps = if seq > 1 {
        let mut before = hash;
        before[4..8].copy_from_slice(&(seq - 1).to_be_bytes());
        vec![ChangeHash(before)]
    } else {
        vec![]
    };
    let line = [[actor; 4], n.to_be_bytes()].concat();
    NewEntry {
        doc: doc(n),
        hash: ChangeHash(hash),
        deps,
        actor: ActorId::from_slice(&line).unwrap(),
        author: user(actor),
        bytes: hash.to_vec(),
    }
}
fn new_card(feed: &impl Feed, n: u32, filing: Filing) {
    let batch =
        Batch { documents: vec![card(n)], entries: vec![entry(n, 1, 0)], filings: vec![(doc(n).into(), filing)], ..Batch::default() };
    feed.append(&hand(0), &batch).unwrap();
}
fn card_in(feed: &impl Feed, n: u32, place: &str) {
    new_card(feed, n, filed(place, None));
}
fn edit(feed: &impl Feed, n: u32, seq: u32) {
    feed.append(&hand(0), &Batch { entries: vec![entry(n, seq, 0)], ..Batch::default() }).unwrap();
}
fn file(feed: &impl Feed, n: u32, filing: Filing) {
    feed.append(&hand(0), &Batch { filings: vec![(doc(n).into(), filing)], ..Batch::default() }).unwrap();
}

/// A phone as far as the feed is concerned: what it holds, and where it stands.
#[derive(Default)]
struct Phone {
    held: BTreeMap<DocId, BTreeSet<Vec<u8>>>,
    cursor: u64,
    begun: Option<Begun>,
}

impl Phone {
    /// One request and answer. Returns whether it is at rest.
    fn turn(&mut self, feed: &impl Feed, who: u8, role: &str, territories: &[&str], documents_max: usize) -> bool {
        let scopes: BTreeSet<Scope> =
            territories.iter().map(|id| Scope::territory(&territory(id))).chain([Scope::user(user(who))]).collect();
        let kinds: BTreeSet<&'static str> =
            if role == "finance" { BTreeSet::from(["customer"]) } else { BTreeSet::from(["customer", "visit"]) };
        let grants = feed.grant(user(who), role, &scopes).unwrap();
        let ask = Ask {
            grants: &grants,
            own_kinds: &kinds,
            territory_kinds: &kinds,
            base: self.cursor,
            begun: self.begun,
            again: false,
            documents_max,
        };
        let page = feed.page(&ask).unwrap();
        assert!(page.documents.len() <= documents_max);
        for document in &page.documents {
            let held = self.held.entry(document.doc).or_default();
            match document.since {
                None => *held = feed.changes(document.doc, 0, &BTreeSet::new()).unwrap().into_iter().collect(),
                Some(since) => held.extend(feed.changes(document.doc, since, &BTreeSet::new()).unwrap()),
            }
        }
        for (_, doc) in &page.forgets {
            self.held.remove(doc);
        }
        if page.complete {
            (self.cursor, self.begun) = (page.head, None);
        } else {
            let head = self.begun.map_or(page.head, |begun| begun.head);
            let restarted = grants.iter().any(|grant| grant.revoked_no.is_none() && grant.granted_no > head);
            self.begun = Some(Begun { head: if restarted { page.head } else { head }, upto: page.until });
        }
        page.complete
    }
    fn pull(&mut self, feed: &impl Feed, who: u8, role: &str, territories: &[&str]) {
        let mut turns = 0;
        while !self.turn(feed, who, role, territories, 3) {
            turns += 1;
            assert!(turns < 10_000, "a pull never ended");
        }
    }
    fn docs(&self) -> Vec<DocId> {
        self.held.keys().copied().collect()
    }
}

pub(crate) fn appending_again_changes_nothing(feed: &impl Feed) {
    let batch = Batch {
        documents: vec![card(1)],
        entries: vec![entry(1, 1, 5), entry(1, 2, 5), entry(1, 1, 5)],
        filings: vec![(doc(1).into(), filed("east", None))],
        ..Batch::default()
    };
    let first = feed.append(&hand(5), &batch).unwrap();
    assert_eq!(first.numbers.iter().map(|(_, new)| *new).collect::<Vec<_>>(), [true, true, false]);
    let again = feed.append(&hand(5), &batch).unwrap();
    assert_eq!((again.head, again.numbers.iter().filter(|(_, new)| *new).count()), (first.head, 0));
    assert_eq!(feed.follow(0, 10).unwrap().len(), 2);
    assert_eq!(feed.known(doc(1), &[entry(1, 1, 5).hash, entry(9, 9, 9).hash]).unwrap().len(), 1);
    assert_eq!(feed.filing(doc(1).into()).unwrap(), Some(filed("east", None)));
    assert_eq!(feed.actor(&entry(1, 1, 5).actor).unwrap(), Some(Binding { device: hand(5).device, doc: doc(1) }));
    assert_eq!(feed.actor(&entry(1, 1, 6).actor).unwrap(), None);
    let these = |numbers: &[u32]| -> BTreeSet<ChangeHash> { numbers.iter().map(|n| entry(1, *n, 5).hash).collect() };
    let all = [these(&[1, 2, 3]), these(&[2]), these(&[])].map(|these| feed.is_all_of(doc(1), &these, 0).unwrap());
    assert_eq!((all, feed.is_all_of(doc(1), &these(&[1, 2]), 1).unwrap()), ([true, false, false], false));
    let counts = [these(&[]), these(&[1, 2]), these(&[1])].map(|but| feed.changes(doc(1), 0, &but).unwrap().len());
    assert_eq!(counts, [2, 0, 1]);
}

pub(crate) fn a_batch_is_all_or_nothing(feed: &impl Feed) {
    new_card(feed, 1, filed("east", None));
    let head = feed.head().unwrap();
    // Actor 0 belongs to headquarters; a device may not use it.
    let spoofed = Batch { entries: vec![entry(1, 2, 7), entry(1, 3, 0)], ..Batch::default() };
    assert!(matches!(feed.append(&hand(7), &spoofed), Err(FeedError::ActorTaken(_))));
    let mut elsewhere = entry(2, 1, 7);
    elsewhere.actor = entry(1, 2, 7).actor;
    let shared = Batch { documents: vec![card(2)], entries: vec![entry(1, 2, 7), elsewhere], ..Batch::default() };
    assert!(matches!(feed.append(&hand(7), &shared), Err(FeedError::ActorTaken(_))), "one actor in two documents");
    let orphan = Batch { entries: vec![entry(1, 2, 7), entry(2, 1, 7)], ..Batch::default() };
    assert!(matches!(feed.append(&hand(7), &orphan), Err(FeedError::NoDocument(_))));
    let other = Batch { documents: vec![Document { kind: "visit".into(), ..card(1) }], entries: vec![entry(1, 2, 7)], ..Batch::default() };
    assert!(matches!(feed.append(&hand(7), &other), Err(FeedError::AnotherDocument(_))));
    assert_eq!((feed.head().unwrap(), feed.follow(0, 10).unwrap().len()), (head, 1));
    assert_eq!(feed.actor(&entry(1, 2, 7).actor).unwrap(), None);
}

pub(crate) fn a_pull_holds_what_the_scopes_hold(feed: &impl Feed) {
    new_card(feed, 1, filed("east", None));
    new_card(feed, 2, filed("west", None));
    new_card(feed, 3, filed("west", Some(1)));
    new_card(feed, 4, Filing::default());
    let visit = Document { id: doc(5), kind: "visit".into(), subject: doc(2).into(), owner: Some(user(1)), in_territory: true };
    feed.append(&hand(1), &Batch { documents: vec![visit], entries: vec![entry(5, 1, 1)], ..Batch::default() }).unwrap();
    let mut phone = Phone::default();
    phone.pull(feed, 1, "salesperson", &["east"]);
    assert_eq!(phone.docs(), [doc(1), doc(3), doc(5)], "the territory, the own customer, the own visit");
    let mut other = Phone::default();
    other.pull(feed, 2, "salesperson", &["west"]);
    assert_eq!(other.docs(), [doc(2), doc(3), doc(5)], "the visit belongs to its customer's territory too");
    edit(feed, 1, 2);
    assert!(phone.turn(feed, 1, "salesperson", &["east"], 3));
    assert_eq!(phone.held[&doc(1)].len(), 2);
    let mut clerk = Phone::default();
    clerk.pull(feed, 3, "finance", &["west"]);
    assert_eq!(clerk.docs(), [doc(2), doc(3)], "a kind that the role may not read stays away");
}

pub(crate) fn a_long_pull_survives_any_interruption(feed: &impl Feed) {
    for n in 0..20 {
        new_card(feed, n, filed("east", Some(u8::try_from(n % 3).unwrap())));
    }
    let mut phone = Phone::default();
    let mut turns = 0;
    while !phone.turn(feed, 1, "salesperson", &["east"], 3) {
        turns += 1;
        // Meanwhile others write, also to what has passed and to what has not.
        if turns < 6 {
            edit(feed, 0, turns + 1);
            edit(feed, 19, turns + 1);
        }
        // The answer is lost: ask the same again.
        let (cursor, begun) = (phone.cursor, phone.begun);
        phone.turn(feed, 1, "salesperson", &["east"], 3);
        (phone.cursor, phone.begun) = (cursor, begun);
    }
    assert_eq!(phone.docs().len(), 20);
    assert_eq!((phone.held[&doc(0)].len(), phone.held[&doc(19)].len()), (6, 6));
}

pub(crate) fn what_moves_is_forgotten_here_and_whole_there(feed: &impl Feed) {
    new_card(feed, 1, filed("east", None));
    new_card(feed, 2, filed("east", None));
    let (mut east, mut west) = (Phone::default(), Phone::default());
    east.pull(feed, 1, "salesperson", &["east"]);
    west.pull(feed, 2, "salesperson", &["west"]);
    assert_eq!((east.docs().len(), west.docs().len()), (2, 0));
    edit(feed, 1, 2);
    file(feed, 1, filed("west", None));
    edit(feed, 1, 3);
    east.pull(feed, 1, "salesperson", &["east"]);
    west.pull(feed, 2, "salesperson", &["west"]);
    assert_eq!((east.docs(), west.docs()), (vec![doc(2)], vec![doc(1)]));
    assert_eq!(west.held[&doc(1)].len(), 3, "with all that happened before");
    // And back again, while the phone of the east is away.
    file(feed, 1, filed("north", None));
    file(feed, 1, filed("east", None));
    east.pull(feed, 1, "salesperson", &["east"]);
    west.pull(feed, 2, "salesperson", &["west"]);
    assert_eq!((east.docs().len(), west.docs().len()), (2, 0));
    assert_eq!(east.held[&doc(1)].len(), 3);
}

pub(crate) fn a_new_territory_comes_whole_and_a_lost_one_goes(feed: &impl Feed) {
    for n in 0..5 {
        new_card(feed, n, filed("east", None));
        new_card(feed, n + 10, filed("west", None));
    }
    let mut phone = Phone::default();
    phone.pull(feed, 1, "salesperson", &["east"]);
    assert_eq!(phone.docs().len(), 5);
    phone.pull(feed, 1, "salesperson", &["east", "west"]);
    assert_eq!(phone.docs().len(), 10);
    phone.pull(feed, 1, "salesperson", &["west"]);
    assert_eq!(phone.docs(), (10..15).map(doc).collect::<Vec<_>>());
    // A second device of the same person that slept through all of it.
    let mut tablet = Phone { cursor: 1, ..Phone::default() };
    tablet.held.insert(doc(0), BTreeSet::new());
    tablet.pull(feed, 1, "salesperson", &["west"]);
    assert_eq!(tablet.docs(), phone.docs());
}

pub(crate) fn another_role_takes_everything_again(feed: &impl Feed) {
    new_card(feed, 1, filed("east", None));
    let visit = Document { id: doc(5), kind: "visit".into(), subject: doc(1).into(), owner: Some(user(9)), in_territory: true };
    feed.append(&hand(9), &Batch { documents: vec![visit], entries: vec![entry(5, 1, 9)], ..Batch::default() }).unwrap();
    let mut phone = Phone::default();
    phone.pull(feed, 1, "finance", &["east"]);
    assert_eq!(phone.docs(), [doc(1)]);
    phone.pull(feed, 1, "salesperson", &["east"]);
    assert_eq!(phone.docs(), [doc(1), doc(5)]);
    phone.pull(feed, 1, "finance", &["east"]);
    assert_eq!(phone.docs(), [doc(1)], "the visit may not be held any more");
}

pub(crate) fn a_grant_in_the_middle_of_a_long_pull_loses_nothing(feed: &impl Feed) {
    for n in 0..10 {
        new_card(feed, n, filed("east", None));
        new_card(feed, n + 10, filed("west", None));
    }
    let mut phone = Phone::default();
    assert!(!phone.turn(feed, 1, "salesperson", &["west"], 3));
    assert!(!phone.turn(feed, 1, "salesperson", &["west"], 3));
    phone.pull(feed, 1, "salesperson", &["east", "west"]);
    assert_eq!(phone.docs().len(), 20);
}

pub(crate) fn heads_and_the_held_set_follow_the_entries(feed: &impl Feed) {
    new_card(feed, 1, filed("east", None));
    feed.append(&hand(5), &Batch { entries: vec![entry(1, 1, 5)], ..Batch::default() }).unwrap();
    edit(feed, 1, 2);
    new_card(feed, 2, filed("west", None));
    let grants = feed.grant(user(1), "salesperson", &BTreeSet::from([Scope::territory(&territory("east"))])).unwrap();
    let kinds = BTreeSet::from(["customer"]);
    let ask = Ask { grants: &grants, own_kinds: &kinds, territory_kinds: &kinds, base: 0, begun: None, again: false, documents_max: 10 };
    let (head, held) = feed.held(&ask).unwrap();
    assert_eq!(head, feed.head().unwrap());
    let held: Vec<_> = held.into_iter().map(|held| (held.doc, held.heads)).collect();
    assert_eq!(held, [(doc(1), Heads::new(vec![entry(1, 2, 0).hash, entry(1, 1, 5).hash]))]);
}

pub(crate) fn a_batch_in_any_order_moves_the_heads_on(feed: &impl Feed) {
    new_card(feed, 1, filed("east", None));
    let batch = Batch { entries: vec![entry(1, 4, 0), entry(1, 2, 0), entry(1, 3, 0)], ..Batch::default() };
    let appended = feed.append(&hand(0), &batch).unwrap();
    assert!(appended.numbers[1].0 < appended.numbers[2].0 && appended.numbers[2].0 < appended.numbers[0].0, "{appended:?}");
    let scopes = BTreeSet::from([Scope::territory(&territory("east"))]);
    let grants = feed.grant(user(1), "salesperson", &scopes).unwrap();
    let kinds = BTreeSet::from(["customer"]);
    let ask = Ask { grants: &grants, own_kinds: &kinds, territory_kinds: &kinds, base: 0, begun: None, again: false, documents_max: 10 };
    let (_, held) = feed.held(&ask).unwrap();
    assert_eq!(held[0].heads.hashes(), [entry(1, 4, 0).hash], "one head: the last of the line");
}

pub(crate) fn refused_changes_are_kept(feed: &impl Feed) {
    let refused = Refused {
        doc: doc(1),
        kind: "customer".into(),
        subject: doc(1).into(),
        hash: ChangeHash([3; 32]),
        code: "no_right".into(),
        why: "not your territory".into(),
        bytes: vec![1, 2, 3],
    };
    for _ in 0..2 {
        feed.append(&hand(4), &Batch { refused: vec![refused.clone()], ..Batch::default() }).unwrap();
    }
    let rows = feed.quarantine(10).unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!((&rows[0].refused, rows[0].device), (&refused, hand(4).device));
    assert_eq!(feed.head().unwrap(), 0);
    assert_eq!(feed.refused(doc(1), &[ChangeHash([3; 32]), ChangeHash([4; 32])]).unwrap(), BTreeSet::from([ChangeHash([3; 32])]));
    assert!(feed.refused(doc(2), &[ChangeHash([3; 32])]).unwrap().is_empty());
    // A copy of the phone hands in the same. What is rejected is rejected for one of them, what is approved is in the feed for both.
    let decide = |id, state| feed.decide(id, &Decision { state, by: user(9), now: hand(0).now, remark: "" }).unwrap();
    feed.append(&hand(5), &Batch { refused: vec![refused.clone()], ..Batch::default() }).unwrap();
    let other = ChangeHash([5; 32]);
    for device in [4, 5] {
        feed.append(&hand(device), &Batch { refused: vec![Refused { hash: other, ..refused.clone() }], ..Batch::default() }).unwrap();
    }
    let row = |hash: ChangeHash, device: u8| {
        let rows = feed.desk(None, 10).unwrap();
        rows.into_iter().find(|row| row.row.refused.hash == hash && row.row.device == hand(device).device).unwrap()
    };
    let (state, id) = (|hash, device| row(hash, device).state, |hash, device| row(hash, device).row.id);
    assert!(decide(id(other, 5), DeskState::Rejected) && !decide(id(other, 5), DeskState::Approved));
    assert_eq!((state(other, 4), state(other, 5)), (DeskState::Open, DeskState::Rejected));
    assert!(decide(id(refused.hash, 5), DeskState::Approved));
    assert_eq!((state(refused.hash, 4), state(refused.hash, 5)), (DeskState::Approved, DeskState::Approved));
    assert_eq!(feed.decided(hand(4).device.unwrap(), 0).unwrap().len(), 1, "each of them hears of it");
    // What only waits is not refused, until somebody says so; another reason, found once it could be judged, takes the place of that.
    let (waits, aside) = (ChangeHash([6; 32]), |hash: ChangeHash| feed.set_aside(hand(4).device.unwrap(), doc(1), &[hash]).unwrap());
    let put = |code: &str| {
        let refused = vec![Refused { hash: waits, code: code.into(), ..refused.clone() }];
        feed.append(&hand(4), &Batch { refused, ..Batch::default() }).unwrap();
    };
    put("waits");
    assert!(feed.refused(doc(1), &[waits]).unwrap().is_empty());
    assert_eq!(feed.desk_waiting(doc(1)).unwrap().iter().map(|row| row.row.refused.hash).collect::<Vec<_>>(), [waits]);
    assert_eq!(aside(waits)[&waits], SetAside { code: "waits".to_owned(), open: true });
    put("no_right");
    put("waits");
    assert_eq!(aside(waits)[&waits].code, "no_right");
    assert!(feed.desk_waiting(doc(1)).unwrap().is_empty() && feed.refused(doc(1), &[waits]).unwrap().contains(&waits));
    assert!(feed.rewritten(doc(1), &[waits]).unwrap().is_empty());
    assert!(decide(id(waits, 4), DeskState::Rewritten));
    assert_eq!(feed.rewritten(doc(1), &[waits, other]).unwrap(), BTreeSet::from([waits]));
    assert!(!aside(waits)[&waits].open);
}

/// Eight threads append as fast as they can while a reader follows by number and a phone pulls by page. Threads, because
/// the question is what another connection sees between an insert and its commit.
pub(crate) fn eight_writers_and_a_cursor_that_misses_nothing(feed: &impl Feed) {
    const EACH: u32 = 25;
    for n in 0..8 {
        new_card(feed, n, filed("east", None));
    }
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..8_u32)
            .map(|writer| {
                scope.spawn(move || {
                    let device = u8::try_from(writer + 1).unwrap();
                    for seq in 1..=EACH {
                        // Every third push is about a neighbour's card as well.
                        let mut entries = vec![entry(writer, seq, device)];
                        if seq % 3 == 0 {
                            entries.push(entry((writer + 1) % 8, seq + 1000, device));
                        }
                        feed.append(&hand(device), &Batch { entries, ..Batch::default() }).unwrap();
                    }
                })
            })
            .collect();
        let done = &done;
        let follower = scope.spawn(move || {
            let (mut seen, mut cursor) = (Vec::new(), 0);
            loop {
                let last_round = done.load(Ordering::SeqCst);
                let entries = feed.follow(cursor, 7).unwrap();
                cursor = entries.last().map_or(cursor, |entry| entry.no);
                let quiet = entries.is_empty();
                seen.extend(entries.into_iter().map(|entry| entry.no));
                if last_round && quiet {
                    return seen;
                }
            }
        });
        let puller = scope.spawn(move || {
            let mut phone = Phone::default();
            loop {
                let last_round = done.load(Ordering::SeqCst);
                if phone.turn(feed, 200, "salesperson", &["east"], 3) && last_round {
                    return phone;
                }
            }
        });
        for writer in writers {
            writer.join().unwrap();
        }
        done.store(true, Ordering::SeqCst);
        let all: Vec<Entry> = feed.follow(0, 10_000).unwrap();
        assert_eq!(all.len(), 8 + 8 * (EACH as usize + EACH as usize / 3));
        assert_eq!(follower.join().unwrap(), all.iter().map(|entry| entry.no).collect::<Vec<_>>());
        let mut expected: BTreeMap<DocId, BTreeSet<Vec<u8>>> = BTreeMap::new();
        for entry in all {
            expected.entry(entry.doc).or_default().insert(entry.bytes);
        }
        assert_eq!(puller.join().unwrap().held, expected);
    });
}
