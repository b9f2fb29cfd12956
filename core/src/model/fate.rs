//! What became of what somebody wrote into a document: it is shown, it stands beside what is shown, or something newer took its place.
//! Pure; for one opened document, for it walks all of its changes.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::card::{LIVE, Said};
use super::clock::Clocks;
use super::schema::Kind;
use crate::crdt::{Document, Shape};
use crate::ids::ChangeHash;

/// How many registers of a document hold what some changes wrote, by what became of it. Of several writings of one register by these
/// changes the last counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Fate {
    /// It is what is shown.
    pub shown: u64,
    /// Somebody else wrote at the same time; both are kept, the other is shown.
    pub beside: u64,
    /// Something newer took its place.
    pub superseded: u64,
}

impl Fate {
    /// What became of these changes of a document.
    #[must_use]
    pub fn of(document: &Document, kind: &Kind, changes: &BTreeSet<ChangeHash>) -> Self {
        let reader = document.reader();
        let clocks = Clocks::of(&reader);
        let mut fate = Self::default();
        let said_in =
            kind.containers.iter().filter(|container| container.shape == Shape::Registers && !container.part.0.starts_with("system."));
        for container in said_in {
            let past = document.history_of(container.name, |key| !key.ends_with(&format!("/{LIVE}")));
            // In dependency order: the last writing of each register stays.
            let last: BTreeMap<String, ChangeHash> = past
                .into_iter()
                .filter(|(_, past)| changes.contains(&past.change.hash))
                .map(|(key, past)| (key, past.change.hash))
                .collect();
            if last.is_empty() {
                continue;
            }
            let registers = reader.registers(container.name).into_iter();
            let now: BTreeMap<String, Vec<Said>> =
                registers.map(|register| (register.key.clone(), Said::rivals(&register, &clocks))).collect();
            for (key, change) in &last {
                let rivals = now.get(key).map(Vec::as_slice).unwrap_or_default();
                match rivals.iter().position(|said| said.change == *change) {
                    Some(0) => fate.shown += 1,
                    Some(_) => fate.beside += 1,
                    None => fate.superseded += 1,
                }
            }
        }
        fate
    }

    /// Both together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            shown: self.shown.saturating_add(other.shown),
            beside: self.beside.saturating_add(other.beside),
            superseded: self.superseded.saturating_add(other.superseded),
        }
    }
}
