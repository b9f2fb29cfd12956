//! Power cuts and killed processes: what was promised is there afterwards, and every store opens.
//!
//! * [`power`] – every write of a phone and of the server recorded, replayed up to a cut, with five kinds of loss of what was not synced.
//! * [`kills`] – `kill -9` of the real server and of real phone processes under load.
//! * [`recorded`] – power cuts of the real server process, seen from outside: a preloaded library writes down what it tells the system.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a failing test says where")]

mod kills;
mod power;
pub(crate) mod process;
#[cfg(target_os = "linux")]
mod recorded;

/// A number from the environment.
fn number(name: &str) -> Option<usize> {
    std::env::var(name).ok()?.parse().ok()
}

/// So many places of `all`, evenly, and not always the same ones; all of them when there are not more.
fn spread(all: &[usize], wanted: usize) -> Vec<usize> {
    if all.len() <= wanted {
        return all.to_vec();
    }
    (0..wanted).map(|n| all[n * all.len() / wanted]).collect()
}
