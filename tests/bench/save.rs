//! Saving a visit, durable, against a bare SQLite commit of the same bytes in the same run.
//! `cargo bench -p roadbook-tests --bench save`
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::print_stdout, missing_docs, reason = "a bench")]

#[path = "corpus.rs"]
#[allow(dead_code, reason = "shared by the benches")]
mod corpus;

use std::time::{Duration, Instant};

use corpus::{Dice, MONDAY};
use roadbook_core::ids::{SubjectId, UserId};
use roadbook_core::replica::{Replica, Stamp, Start, Target};
use roadbook_core::store::{Lane, OpenOptions};

const VISITS: usize = 300;

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let mut dice = Dice::new(1);
    let author = UserId::from_bytes([1; 16]);
    let start = Start { open: OpenOptions::phone(MONDAY), process: dice.bytes() };
    let (mut replica, _) = Replica::open(&folder.path().join("phone.sqlite"), &start).unwrap();
    let stamp = |dice: &mut Dice| Stamp { author, now: MONDAY, entropy: dice.bytes() };
    let subjects: Vec<SubjectId> = (0..VISITS)
        .map(|_| {
            let subject = SubjectId::from_bytes(dice.bytes());
            let edits = corpus::first_edits(&mut dice);
            replica.save(&stamp(&mut dice), Lane::Normal, &Target::customer(subject), &edits).unwrap();
            subject
        })
        .collect();

    let bare = rusqlite::Connection::open(folder.path().join("bare.sqlite")).unwrap();
    bare.pragma_update(None, "journal_mode", "WAL").unwrap();
    bare.pragma_update(None, "synchronous", "FULL").unwrap();
    bare.execute_batch("CREATE TABLE bare (no INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT").unwrap();

    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for subject in subjects {
        let mut draft = replica.check_in(&stamp(&mut dice), subject, None, None).unwrap();
        draft.fields.insert("outcome".to_owned(), "order".into());
        draft.fields.insert("type".to_owned(), "routine".into());
        draft.fields.insert("feedback".to_owned(), "老板要求月底前补货,冷柜灯管坏了一根,需要报修。".into());
        draft.fields.insert("next_step".to_owned(), "下周三带新品样品".into());
        let at = Instant::now();
        let doc = replica.check_out(&stamp(&mut dice), &draft, None).unwrap();
        ours.push(at.elapsed());
        let bytes: usize = replica.store().read(|read| read.own_changes_of(doc)).unwrap().iter().map(|own| own.bytes.len()).sum();
        let blob = vec![7_u8; bytes];
        let at = Instant::now();
        bare.execute("INSERT INTO bare (bytes) VALUES (?1)", [blob]).unwrap();
        theirs.push(at.elapsed());
    }
    let (ours, theirs) = (median(ours), median(theirs));
    println!("save a visit: median {ours:?}; bare commit of the same bytes: median {theirs:?}; ratio {:.2}", ratio(ours, theirs));
    // The ratio is the disk's as much as ours: one that answers from a cache makes any work look large.
    let beside = ours.saturating_sub(theirs);
    println!("beside the commit: {beside:?}; 1.5 holds on disks whose commit takes {:?} or longer", beside * 2);
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
fn ratio(a: Duration, b: Duration) -> f64 {
    a.as_secs_f64() / b.as_secs_f64()
}
