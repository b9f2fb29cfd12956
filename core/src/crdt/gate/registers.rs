//! What registers and elements of sequences hold at some heads: so that a change overwrites exactly what its writer saw, never
//! less (rivals out of nowhere, thousands of them) and never more (values nobody showed them).

use std::collections::BTreeMap;

use super::survey::{Clock, GlobalId, covers};
use crate::crdt::chunk::change::Key;

/// A register of a map, or an element of a sequence.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Slot {
    /// A key of an object; `None` is the root.
    Name(Option<GlobalId>, Box<str>),
    /// The element that this operation inserted.
    Element(GlobalId),
}

impl Slot {
    /// The slot that an operation writes which is no insertion; `None` for the head of a sequence.
    pub(super) fn of(object: Option<GlobalId>, key: &Key<GlobalId>) -> Option<Self> {
        match key {
            Key::Name(name) => Some(Self::Name(object, name.clone())),
            Key::Element(id) => Some(Self::Element(*id)),
            Key::Head => None,
        }
    }
}

#[derive(Debug)]
struct Written {
    id: GlobalId,
    successors: Vec<GlobalId>,
}

/// Everything ever written to the slots that matter to one call.
#[derive(Debug, Default)]
pub(super) struct Registers {
    slots: BTreeMap<Slot, Vec<Written>>,
}

impl Registers {
    /// Marks a slot as one that matters.
    pub(super) fn want(&mut self, slot: Slot) {
        self.slots.entry(slot).or_default();
    }

    /// Records an operation on a slot, if the slot matters, with what has overwritten or deleted it.
    pub(super) fn write(&mut self, slot: &Slot, id: GlobalId, successors: impl Iterator<Item = GlobalId>) {
        if let Some(written) = self.slots.get_mut(slot) {
            written.push(Written { id, successors: successors.collect() });
        }
    }

    /// Records that an operation overwrote or deleted others of a slot; `predecessors` are sorted.
    pub(super) fn succeed(&mut self, slot: &Slot, predecessors: &[GlobalId], successor: GlobalId) {
        for written in self.slots.get_mut(slot).into_iter().flatten() {
            if predecessors.binary_search(&written.id).is_ok() {
                written.successors.push(successor);
            }
        }
    }

    /// How often a slot was written.
    pub(super) fn writes(&self, slot: &Slot) -> usize {
        self.slots.get(slot).map_or(0, Vec::len)
    }

    /// What a slot shows at some heads, sorted.
    pub(super) fn shown(&self, slot: &Slot, clock: &Clock) -> Vec<GlobalId> {
        let written = self.slots.get(slot).map(Vec::as_slice).unwrap_or_default();
        let visible = |written: &&Written| covers(clock, written.id) && !written.successors.iter().any(|id| covers(clock, *id));
        let mut shown: Vec<GlobalId> = written.iter().filter(visible).map(|written| written.id).collect();
        shown.sort_unstable();
        shown
    }
}
