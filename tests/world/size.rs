//! How large a random world is: drawn once for each seed.
//!
//! Most worlds are small. What breaks a law needs, in the stories of the seeds that were found, two or three devices and some ten
//! steps; a thousand small worlds meet many more mixtures of those than the same time spent on a few large ones. What grows with time
//! (long outboxes, many copies, faults during the repair of other faults) needs the large ones, so some are.

use super::chance::Chance;

/// Steps and devices of the worlds of one size, both ends included, and how much oftener than the weather says things go wrong: in a
/// small world as many of them as in a large one would be too few to meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    steps: (i64, i64),
    devices: (i64, i64),
    pub(crate) oftener: u64,
}

pub(crate) const SMALL: Size = Size { steps: (15, 40), devices: (2, 3), oftener: 6 };
pub(crate) const MIDDLE: Size = Size { steps: (60, 120), devices: (3, 5), oftener: 3 };
pub(crate) const LARGE: Size = Size { steps: (300, 340), devices: (3, 7), oftener: 1 };

/// The size of a kept seed's world, where its line says one.
fn kept(seed: u64) -> Option<Size> {
    let mut lines = include_str!("../fixtures/seeds.txt").lines().map(str::split_whitespace);
    let mut words = lines.find_map(|mut words| (words.next()?.parse() == Ok(seed)).then_some(words))?;
    named(words.next()?)
}

fn named(name: &str) -> Option<Size> {
    match name {
        "small" => Some(SMALL),
        "middle" => Some(MIDDLE),
        "large" => Some(LARGE),
        _ => None,
    }
}

impl Size {
    /// The size of a seed's world; `ROADBOOK_SIZE` (small, middle, large) says another one.
    pub(crate) fn of(seed: u64) -> Self {
        let asked = std::env::var("ROADBOOK_SIZE").ok().and_then(|name| named(&name));
        asked.or_else(|| kept(seed)).unwrap_or_else(|| match Chance::new(seed).branch("size").below(100) {
            0..=84 => SMALL,
            85..=97 => MIDDLE,
            _ => LARGE,
        })
    }

    /// How many steps.
    pub(crate) fn steps(self, chance: &mut Chance) -> u64 {
        chance.between(self.steps.0, self.steps.1) as u64
    }

    /// How many devices.
    pub(crate) fn devices(self, chance: &mut Chance) -> usize {
        chance.between(self.devices.0, self.devices.1) as usize
    }
}

#[test]
fn every_size_is_drawn() {
    let drawn = |size| (0..2_000).filter(|seed| Size::of(*seed) == size).count();
    assert!(drawn(SMALL) > 1_500 && drawn(MIDDLE) > 150 && drawn(LARGE) > 10);
}
