//! The network between phones and headquarters: frames on their way, and what can happen to them. A frame is lost, arrives twice,
//! late and after later ones, or cut in the middle; what is drawn comes from the world's seed. It reads no frame.

use std::collections::BTreeMap;

use roadbook_core::ids::DeviceId;

use super::chance::Chance;

/// How often what happens to a frame, in a thousand.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Faults {
    pub(crate) lost: u64,
    /// Answers that are lost after headquarters committed what they answer.
    pub(crate) answers_lost: u64,
    pub(crate) repeated: u64,
    pub(crate) delayed: u64,
    pub(crate) cut: u64,
    /// Longest delay, in steps of the world.
    pub(crate) longest: i64,
}

impl Faults {
    /// Drawn anew for each seed: from a quiet line to a very bad one.
    pub(crate) fn drawn(chance: &mut Chance) -> Self {
        let mut up_to = |most: i64| chance.between(0, most) as u64;
        let (lost, answers_lost, repeated, delayed, cut) = (up_to(300), up_to(300), up_to(500), up_to(500), up_to(100));
        Self { lost, answers_lost, repeated, delayed, cut, longest: *chance.pick(&[5, 40, 200, 1_000]) }
    }
}

/// Which way a frame goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// From a phone to headquarters.
    Up,
    /// From headquarters to a phone.
    Down,
}

/// What a frame is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum About {
    Text,
    Photos,
}

/// Something on its way.
#[derive(Debug, Clone)]
pub(crate) struct Flight {
    pub(crate) way: Way,
    pub(crate) about: About,
    pub(crate) phone: String,
    /// The phone may be another device by the time the frame arrives.
    pub(crate) device: DeviceId,
    pub(crate) frame: Vec<u8>,
    /// Nothing was cut off.
    pub(crate) whole: bool,
}

/// What is on its way, by the step at which it arrives.
#[derive(Debug, Default)]
pub(crate) struct Network {
    flights: BTreeMap<(u64, u64), Flight>,
    sent: u64,
}

impl Network {
    /// Sends a frame off at a step, through the faults.
    pub(crate) fn send(&mut self, step: u64, flight: Flight, faults: Faults, chance: &mut Chance) {
        let lost = if flight.way == Way::Up { faults.lost } else { faults.answers_lost };
        if chance.in_thousand(lost) {
            return;
        }
        let copies = if chance.in_thousand(faults.repeated) { 2 } else { 1 };
        for _ in 0..copies {
            let delay = if chance.in_thousand(faults.delayed) { chance.between(1, faults.longest) as u64 } else { 0 };
            let mut flight = flight.clone();
            if chance.in_thousand(faults.cut) {
                flight.frame.truncate(chance.below(flight.frame.len()));
                flight.whole = false;
            }
            self.sent += 1;
            self.flights.insert((step + delay, self.sent), flight);
        }
    }

    /// What arrives next, not later than a step.
    pub(crate) fn arrival(&mut self, step: u64) -> Option<Flight> {
        let first = self.flights.first_entry().filter(|entry| entry.key().0 <= step)?;
        Some(first.remove())
    }

    /// Nothing of this kind arrives any more.
    pub(crate) fn lose(&mut self, way: Way, about: About) {
        self.flights.retain(|_, flight| flight.way != way || flight.about != about);
    }

    /// Whether anything is still on its way.
    pub(crate) fn is_quiet(&self) -> bool {
        self.flights.is_empty()
    }
}
