//! What an exchange costs as the feed grows: a device with nothing new on either side, and one that takes in one change of one card, while
//! other territories' records pile up at headquarters to `ENTRIES`. Both must stay flat (within 1.5 ×).
//! `cargo bench -p roadbook-tests --bench growth [-- ENTRIES_AT_MOST]`; the largest feed takes some 3 GB below the temporary folder.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::print_stdout, missing_docs, reason = "a bench")]

#[path = "corpus.rs"]
#[allow(dead_code, reason = "shared by the benches")]
mod corpus;
#[path = "headquarters.rs"]
#[allow(dead_code, reason = "shared by the benches")]
mod headquarters;
#[path = "proxy.rs"]
#[allow(dead_code, reason = "shared by the benches")]
mod proxy;

use std::time::{Duration, Instant};

use corpus::{Dice, MadeCard};
use headquarters::Office;
use roadbook_server::phone::Phone;
use rusqlite::{Connection, params};

/// Entries of the feed at which an exchange is timed; the first is about what the device's own cards make.
const ENTRIES: [u64; 5] = [100, 10_000, 100_000, 1_000_000, 10_000_000];
const CARDS: usize = 8;
/// Entries of one foreign document.
const ENTRIES_A_DOCUMENT: u64 = 10;
/// Entries added by one transaction.
const PART: u64 = 500_000;
const TURNS: usize = 200;
/// As many with a change each: few, for the cards grow by them.
const TURNS_WITH_NEWS: usize = 24;

fn main() {
    let at_most = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(u64::MAX);
    let mut dice = Dice::new(19);
    let office = Office::open();
    let rep = office.rep("wang", "east");
    let cards: Vec<MadeCard> = (0..CARDS).map(|_| corpus::card(&mut dice, &[rep; 3])).collect();
    office.seed(&cards, "east");
    let (mut phone, _line) = office.phone("wang");
    phone.sync().unwrap();

    let mut first: Option<(Duration, Duration)> = None;
    for entries in ENTRIES.into_iter().filter(|entries| *entries <= at_most) {
        let at = Instant::now();
        grow(&office, entries);
        let took = at.elapsed();
        // Brings the cursor up, and the pages that such an exchange needs into memory.
        (0..20).for_each(|_| assert_eq!(phone.sync().unwrap().len(), 1));
        let nothing = median_of(TURNS, &mut phone, |_| ());
        let one = median_of(TURNS_WITH_NEWS, &mut phone, |n| {
            office.edit(cards[n % CARDS].subject, &corpus::later_edits(&mut dice));
        });
        let before = *first.get_or_insert((nothing, one));
        println!(
            "{:>10} entries (grown in {took:.1?}): nothing new takes {nothing:.2?}, {:.2} × the first; one change {one:.2?}, {:.2} × (at most 1.5)",
            office.app.feed().head().unwrap(),
            nothing.as_secs_f64() / before.0.as_secs_f64(),
            one.as_secs_f64() / before.1.as_secs_f64(),
        );
    }
}

/// The median exchange, after something happened before each.
fn median_of(turns: usize, phone: &mut Phone, mut happens: impl FnMut(usize)) -> Duration {
    let mut times: Vec<Duration> = (0..turns)
        .map(|n| {
            happens(n);
            let at = Instant::now();
            assert_eq!(phone.sync().unwrap().len(), 1);
            at.elapsed()
        })
        .collect();
    times.sort();
    times[turns / 2]
}

/// Fills the feed to so many entries with documents of a territory that the device does not see, as appending them would leave it;
/// headquarters' replica is told that it has taken them in.
fn grow(office: &Office, entries: u64) {
    let folder = &office.app.config().folder;
    let server = Connection::open(folder.join("server.sqlite")).unwrap();
    server.pragma_update(None, "synchronous", "OFF").unwrap();
    server.pragma_update(None, "cache_size", -512 * 1024).unwrap();
    let mut head = office.app.feed().head().unwrap();
    while head < entries {
        let upto = entries.min(head + PART);
        let documents = (upto - head).div_ceil(ENTRIES_A_DOCUMENT);
        let (from, first_document) = (column(head), column(head / ENTRIES_A_DOCUMENT + 1_000));
        let tx = server.unchecked_transaction().unwrap();
        tx.execute(
            "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1)
             INSERT INTO doc SELECT unhex(printf('%032x', ?2 + i)), 'visit', unhex(printf('%032x', ?2 + i)), x'', 1, zeroblob(32), ?3, ?3 FROM n",
            params![column(documents), first_document, from + 1],
        )
        .unwrap();
        tx.execute(
            "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1)
             INSERT INTO doc_scope SELECT unhex(printf('%032x', ?2 + i)), 't:far', ?3, ?3, 0 FROM n",
            params![column(documents), first_document, from + 1],
        )
        .unwrap();
        tx.execute(
            "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1)
             INSERT INTO feed SELECT ?3 + 1 + i, unhex(printf('%032x', ?2 + i / ?4)), unhex(printf('%064x', ?3 + i)), zeroblob(16), x'', 0, zeroblob(90)
             FROM n",
            params![column(upto - head), first_document, from, column(ENTRIES_A_DOCUMENT)],
        )
        .unwrap();
        tx.execute("UPDATE feed_state SET head = ?1", [column(upto)]).unwrap();
        tx.commit().unwrap();
        head = upto;
    }
    server.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    let replica = Connection::open(folder.join("hq.sqlite")).unwrap();
    replica.execute("UPDATE replica SET number = ?1", [column(head)]).unwrap();
}

fn column(number: u64) -> i64 {
    i64::try_from(number).unwrap()
}
