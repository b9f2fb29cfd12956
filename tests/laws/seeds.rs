//! Which seeds are run, and how what they found is told. See `storm` for the environment that chooses them.

use std::sync::atomic::{AtomicU64, Ordering};

use super::misfortune::loss;
use super::storm::{Storm, history};
use super::story::{broken, story};
use crate::world::chance::Chance;
use crate::world::mishap::attempt;
use crate::world::platter::{LOSSES, Loss};

/// Seeds of an ordinary test run, split over [`PARTS`] tests that run beside each other.
const SEEDS: u64 = 2_000;
const PARTS: u64 = 4;

fn every<'a>(seeds: impl Iterator<Item = (u64, &'a str)>, telling: bool) {
    let mut failed: Vec<String> = Vec::new();
    for (seed, without) in seeds {
        if let Some(law) = broken(seed, without) {
            failed.push(if telling { story(seed, &law) } else { format!("seed {seed}: {law}\n  its story: ROADBOOK_SEED={seed}") });
        }
        if failed.len() >= 10 {
            break;
        }
    }
    assert!(failed.is_empty(), "\n{}", failed.join("\n"));
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Kept seeds, with what they found.
const KEPT: &str = include_str!("../fixtures/seeds.txt");

/// The seeds that are kept, each with the kinds of fault that there were not yet when it failed.
fn kept() -> Vec<(u64, &'static str)> {
    let (mut seeds, mut without) = (Vec::new(), "");
    for line in KEPT.lines() {
        if let Some(kinds) = line.strip_prefix("without ") {
            without = kinds;
        } else if let Some(seed) = line.split_whitespace().next().and_then(|first| first.parse().ok()) {
            seeds.push((seed, without));
        }
    }
    seeds
}

/// Seeds that are known to fail still.
fn open() -> Vec<u64> {
    KEPT.lines().filter_map(|line| line.strip_prefix("open ")?.split_whitespace().next()?.parse().ok()).collect()
}

fn part(part: u64) {
    match number("ROADBOOK_SEED") {
        Some(seed) if part == 0 => every(std::iter::once((seed, "")), true),
        Some(_) => {}
        None => {
            let from = number("ROADBOOK_FROM").unwrap_or(0);
            let seeds = from..from + number("ROADBOOK_SEEDS").unwrap_or(SEEDS);
            every(seeds.filter(|seed| seed % PARTS == part && !open().contains(seed)).map(|seed| (seed, "")), false);
        }
    }
}

#[test]
fn the_laws_hold_in_random_worlds_1_of_4() {
    part(0);
}
#[test]
fn the_laws_hold_in_random_worlds_2_of_4() {
    part(1);
}
#[test]
fn the_laws_hold_in_random_worlds_3_of_4() {
    part(2);
}
#[test]
fn the_laws_hold_in_random_worlds_4_of_4() {
    part(3);
}

#[test]
fn seeds_that_once_failed_hold_now() {
    every(kept().into_iter(), false);
}

#[test]
fn a_seed_gives_the_same_world_twice() {
    let prints = || {
        let mut storm = Storm::new(5, "", true);
        let _broken = attempt(|| storm.run(&history(5)));
        (storm.world.office.head(), storm.told.take())
    };
    assert_eq!(prints(), prints());
}

/// `tests/long seeds n`: on all cores, saying how far it is.
#[test]
#[ignore = "as long as one likes: tests/long seeds"]
#[expect(clippy::print_stderr, reason = "a long run says how far it is")]
fn a_long_storm() {
    let (from, count) = (number("ROADBOOK_FROM").unwrap_or(0), number("ROADBOOK_SEEDS").unwrap_or(SEEDS));
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let (next, done) = (AtomicU64::new(0), AtomicU64::new(0));
    let failed = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= count {
                        break;
                    }
                    if let Some(law) = broken(from + at, "") {
                        eprintln!("seed {}: {law}", from + at);
                        failed.lock().unwrap().push(from + at);
                    }
                    let ran = done.fetch_add(1, Ordering::Relaxed) + 1;
                    if ran.is_multiple_of(500) {
                        eprintln!("{ran} of {count} seeds, {} failed", failed.lock().unwrap().len());
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    eprintln!("{count} seeds from {from}, {} failed", failed.len());
    assert!(failed.is_empty(), "failed: {failed:?}");
}

#[test]
fn every_kind_of_loss_is_drawn() {
    let mut chance = Chance::new(1);
    let drawn: Vec<Loss> = (0..2_000).map(|_| loss(900, &mut chance)).collect();
    assert!(LOSSES.iter().all(|kind| drawn.contains(kind)));
}
