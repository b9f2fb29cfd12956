//! Many devices on one server, which runs as a process of its own: 50 and 200 handing in their day at once, a Monday morning with a
//! thousand enrolled phones, new phones that all take a large territory at once, and one phone on a slow line.
//! `cargo build --profile bench -p roadbook-server && cargo bench -p roadbook-tests --bench devices [-- 50] [200] [new] [storm] [slow]`
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    missing_docs,
    reason = "a bench"
)]

#[path = "corpus.rs"]
#[allow(dead_code, reason = "shared by the benches")]
mod corpus;
#[path = "hall.rs"]
mod hall;
#[path = "proxy.rs"]
#[allow(dead_code, reason = "shared by the benches")]
mod proxy;

use std::path::PathBuf;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use corpus::{Dice, MadeCard};
use hall::{Hall, Running, a_day, open, sync_patiently};
use proxy::{Pace, Proxy};
use roadbook_core::ids::SubjectId;
use roadbook_server::phone::Phone;

const VISITS: usize = 40;
const EDITS: usize = 25;
const CARDS_A_DEVICE: usize = 70;
/// The storm: territories, and phones of each.
const STORM: (usize, usize) = (20, 50);
const STORM_CARDS: usize = 30;
const STORM_VISITS: usize = 5;
const STORM_EDITS: usize = 3;
/// New phones of one territory, and its cards.
const NEW: (usize, usize) = (24, 5_000);
const SLOW: Pace = Pace { bits_per_second: 256_000, round_trip: Duration::from_millis(300) };
const SLOW_VISITS: usize = 35;

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let wants = |word: &str| asked.is_empty() || asked.iter().any(|one| one == word);
    for (word, count) in [("50", 50), ("200", 200)] {
        if wants(word) {
            at_once(count);
        }
    }
    if wants("new") {
        new_phones();
    }
    if wants("slow") {
        slow_line();
    }
    if wants("storm") {
        storm();
    }
}

/// What all phones together took, and each.
struct Taken {
    all: Duration,
    each: Vec<Duration>,
    asked_again: usize,
}

/// Every phone syncs at the same moment.
fn all_at_once(mut phones: Vec<Phone>) -> Taken {
    let gate = Barrier::new(phones.len() + 1);
    let gate = &gate;
    let (all, results) = std::thread::scope(|scope| {
        let running: Vec<_> = phones
            .iter_mut()
            .map(|phone| {
                let run = move || {
                    gate.wait();
                    let at = Instant::now();
                    let asked = sync_patiently(phone);
                    (at.elapsed(), asked)
                };
                std::thread::Builder::new().stack_size(1 << 20).spawn_scoped(scope, run).unwrap()
            })
            .collect();
        gate.wait();
        let at = Instant::now();
        let results: Vec<(Duration, usize)> = running.into_iter().map(|one| one.join().unwrap()).collect();
        (at.elapsed(), results)
    });
    let mut each: Vec<Duration> = results.iter().map(|(took, _)| *took).collect();
    each.sort();
    Taken { all, each, asked_again: results.iter().map(|(_, asked)| asked).sum() }
}

fn report(what: &str, taken: &Taken, server: &Running, cpu_before: Duration, memory_before: u64) {
    let count = taken.each.len();
    let part = |share: usize| taken.each[(count * share / 100).min(count - 1)];
    println!(
        "{what}: {:.2?}, {:.1} devices a second; median {:.2?}, p99 {:.2?}; asked to come again {} times; \
         server {:.1} ms of CPU a device, {} MB at most (before {memory_before} MB)",
        taken.all,
        count as f64 / taken.all.as_secs_f64(),
        part(50),
        part(99),
        taken.asked_again,
        (server.cpu() - cpu_before).as_secs_f64() * 1_000.0 / count as f64,
        server.memory_mb(),
    );
}

/// Devices that each hand in a whole day, through signatures, rights and the gate, durable.
fn at_once(count: usize) {
    let mut dice = Dice::new(11);
    let hall = Hall::new();
    let place = tempfile::tempdir().unwrap();
    let days = hall.phones(count, CARDS_A_DEVICE, place.path(), &mut dice);
    let server = hall.serve();
    let mut phones = Vec::new();
    for (folder, subjects) in &days {
        let mut phone = open(folder);
        sync_patiently(&mut phone);
        a_day(&mut phone, subjects, VISITS, EDITS, &mut dice);
        phones.push(phone);
    }
    let (cpu, memory) = (server.cpu(), server.memory_mb());
    let taken = all_at_once(phones);
    report(&format!("{count} devices at once, {VISITS} visits and {EDITS} edits each"), &taken, &server, cpu, memory);
}

/// New phones of one territory: every one of them takes all of it, and all at once.
fn new_phones() {
    let mut dice = Dice::new(23);
    let hall = Hall::new();
    let place = tempfile::tempdir().unwrap();
    let (count, cards) = NEW;
    let reps: Vec<String> = (0..count).map(|n| format!("rep{n}")).collect();
    let ids: Vec<_> = reps.iter().map(|login| hall.rep(login, "east")).collect();
    let cards: Vec<MadeCard> = (0..cards).map(|_| corpus::card(&mut dice, &[ids[0]; 3])).collect();
    hall.seed(&cards, "east");
    let folders: Vec<PathBuf> = reps.iter().map(|login| hall.phone(login, place.path())).collect();
    let server = hall.serve();
    let (cpu, memory) = (server.cpu(), server.memory_mb());
    let taken = all_at_once(folders.iter().map(|folder| open(folder)).collect());
    report(&format!("{count} new phones take {} cards each (below 512 MB)", cards.len()), &taken, &server, cpu, memory);
}

/// Monday, eight o'clock: a thousand phones open their app.
fn storm() {
    let mut dice = Dice::new(13);
    let hall = Hall::new();
    let place = tempfile::tempdir().unwrap();
    let mut days: Vec<(PathBuf, Vec<SubjectId>)> = Vec::new();
    let (territories, each) = STORM;
    for t in 0..territories {
        let territory = format!("t{t}");
        let reps: Vec<String> = (0..each).map(|n| format!("rep{t}-{n}")).collect();
        let ids: Vec<_> = reps.iter().map(|login| hall.rep(login, &territory)).collect();
        let cards: Vec<MadeCard> = (0..STORM_CARDS).map(|_| corpus::card(&mut dice, &[ids[0]; 3])).collect();
        hall.seed(&cards, &territory);
        let subjects: Vec<SubjectId> = cards.iter().map(|card| card.subject).collect();
        days.extend(reps.iter().map(|login| (hall.phone(login, place.path()), subjects.clone())));
    }
    let server = hall.serve();
    let mut phones = Vec::new();
    for (n, (folder, subjects)) in days.iter().enumerate() {
        let mut phone = open(folder);
        // Half of them come for the first time; the others hold their territory and hand in a morning.
        if n % 2 == 0 {
            sync_patiently(&mut phone);
            a_day(&mut phone, subjects, STORM_VISITS, STORM_EDITS, &mut dice);
        }
        phones.push(phone);
    }
    let (cpu, memory) = (server.cpu(), server.memory_mb());
    let taken = all_at_once(phones);
    report(&format!("{} phones on a Monday at eight (in less than 2 min, below 512 MB)", days.len()), &taken, &server, cpu, memory);
}

/// The daily exchange on a line of 256 kbit/s whose round trip takes 300 ms.
fn slow_line() {
    let mut dice = Dice::new(17);
    let hall = Hall::new();
    let place = tempfile::tempdir().unwrap();
    let days = hall.phones(1, CARDS_A_DEVICE, place.path(), &mut dice);
    let (folder, subjects) = &days[0];
    let server = hall.serve();
    sync_patiently(&mut open(folder));
    let line = Proxy::paced(server.address, Some(SLOW));
    let mut phone = server.behind(&line, folder);
    a_day(&mut phone, subjects, SLOW_VISITS, 0, &mut dice);
    line.reset();
    let at = Instant::now();
    let turns = phone.sync().unwrap();
    let took = at.elapsed();
    let (up, down) = line.counted();
    println!(
        "{SLOW_VISITS} visits on 256 kbit/s with a round trip of 300 ms: {took:.2?} (at most 3 s), {} exchange(s), {} turn(s) of the line, {up} B up, {down} B down",
        turns.len(),
        line.turns(),
    );
}
