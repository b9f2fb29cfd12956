//! Roadbook's side of `tests/bench/peers/run`: the corpus written out for the peers, and the same four workloads through our own
//! server (a process of its own) and phones, counted at the socket. Prints one JSON line a workload.
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

use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use corpus::{Dice, MadeCard, later_edits};
use hall::{Hall, Running, a_day, open, sync_patiently};
use proxy::Proxy;
use roadbook_core::ids::SubjectId;
use roadbook_core::replica::Target;
use roadbook_core::store::Lane;
use roadbook_server::phone::Phone;
use serde_json::json;

const VISITS: usize = 40;
const EDITS: usize = 25;
const CHANGED_BY_OTHERS: usize = 100;
const CARDS_A_DEVICE: usize = 70;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["export", path, cards] => export(Path::new(path), cards.parse().unwrap()),
        ["run", cards, devices] => run(cards.parse().unwrap(), devices.parse().unwrap()),
        // Part of `cargo bench` without a word: there is nothing to compare with here.
        _ => println!("tests/bench/peers/run compares with other engines"),
    }
}

/// One card a line: what each of its changes writes.
fn export(path: &Path, cards: usize) {
    let mut dice = Dice::new(7);
    let mut file = std::io::BufWriter::new(std::fs::File::create(path).unwrap());
    for _ in 0..cards {
        let id = SubjectId::from_bytes(dice.bytes());
        writeln!(file, "{}", json!({ "id": id, "changes": corpus::history(&mut dice) })).unwrap();
    }
    file.flush().unwrap();
}

/// Counts one workload.
fn measure(phase: &str, server: &Running, line: &Proxy, work: impl FnOnce()) -> f64 {
    let cpu = server.cpu();
    line.reset();
    let at = Instant::now();
    work();
    let seconds = at.elapsed().as_secs_f64();
    let (up, down) = line.counted();
    let cpu = (server.cpu() - cpu).as_secs_f64();
    let mut row =
        json!({ "phase": phase, "seconds": seconds, "up": up, "down": down, "turns": line.turns(), "cpu": cpu, "mb": server.memory_mb() });
    if let Some(devices) = phase.strip_prefix("W4 ") {
        row["phase"] = json!("W4");
        row["rate"] = json!(devices.parse::<f64>().unwrap() / seconds);
    }
    println!("{row}");
    seconds
}

fn run(cards: usize, devices: usize) {
    let mut dice = Dice::new(7);
    let hall = Hall::new();
    let place = tempfile::tempdir().unwrap();
    let (rep, _) = (hall.rep("phone", "all"), hall.rep("others", "all"));
    let made: Vec<MadeCard> = (0..cards).map(|_| corpus::card(&mut dice, &[rep; 3])).collect();
    made.chunks(250).for_each(|cards| hall.seed(cards, "all"));
    let (phone, others) = (hall.phone("phone", place.path()), hall.phone("others", place.path()));
    let days = hall.phones(devices, CARDS_A_DEVICE, place.path(), &mut dice);
    let server = hall.serve();
    let line = Proxy::before(server.address);
    let mut phone = server.behind(&line, &phone);
    // Everything is in the phone's file, through rights, and durable; then the gate, lists and search of all of it.
    let mut came = None;
    measure("W1", &server, &line, || came = Some(phone.receive().unwrap()));
    measure("W1 opened", &server, &line, || {
        let taken = phone.take_in(came.take().unwrap()).unwrap();
        assert!(taken.documents >= 2 * cards, "both sides of every card came with the first answer");
        sync_patiently(&mut phone);
    });

    let subjects: Vec<SubjectId> = made.iter().map(|card| card.subject).collect();
    let mut others = open(&others);
    sync_patiently(&mut others);
    for subject in subjects.iter().rev().take(CHANGED_BY_OTHERS) {
        let stamp = others.stamp().unwrap();
        others.replica_mut().save(&stamp, Lane::Normal, &Target::customer(*subject), &later_edits(&mut dice)).unwrap();
    }
    sync_patiently(&mut others);
    a_day(&mut phone, &subjects[..EDITS.max(VISITS)], VISITS, EDITS, &mut dice);
    measure("W2", &server, &line, || {
        sync_patiently(&mut phone);
    });
    sync_patiently(&mut phone);
    measure("W3", &server, &line, || {
        sync_patiently(&mut phone);
    });
    drop((phone, others));

    let mut many: Vec<Phone> = days
        .iter()
        .map(|(folder, subjects)| {
            let mut phone = server.behind(&line, folder);
            sync_patiently(&mut phone);
            a_day(&mut phone, subjects, VISITS, EDITS, &mut dice);
            phone
        })
        .collect();
    measure(&format!("W4 {devices}"), &server, &line, || {
        std::thread::scope(|scope| {
            for phone in &mut many {
                scope.spawn(move || sync_patiently(phone));
            }
        });
    });
}
