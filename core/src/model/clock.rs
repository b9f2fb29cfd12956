//! When something happened, as far as a device's clock can be believed. Pure: notes of changes and measured offsets in, corrected times out.
//!
//! A change's time is the device's clock. Its note says what the device knew of that clock when it wrote:
//!
//! ```text
//! (none)      the clock agreed with headquarters' within [`OFFSET_TRUSTED_MS`] at the last contact
//! o<ms>       headquarters' clock was ahead by <ms> (may be negative) at the last contact
//! u<ms>       the clock is not to be believed: it runs before <ms>, a moment that had already passed
//! ```
//! At the next contact headquarters measures the clock and, where it differs, writes the offset into container `clocks` of the
//! documents concerned, under the change's actor. From then on the corrected time is exact, the same on every replica.

use std::collections::BTreeMap;

use serde::Serialize;

use super::assertion::Assertion;
use crate::crdt::document::Reader;
use crate::crdt::{ChangeMeta, Document};
use crate::ids::Ms;

/// Container of measured offsets: key = actor in hexadecimal, value = offset in milliseconds.
pub const CLOCKS: &str = "clocks";
/// Differences up to this are no one's fault, in milliseconds.
pub const OFFSET_TRUSTED_MS: i64 = 120_000;
/// A clock this far before a moment already passed is not believed, in milliseconds.
pub const BACKWARDS_TOLERATED_MS: i64 = 300_000;

/// Whether a difference is more than anybody's clock has.
const fn is_off(offset_ms: i64) -> bool {
    offset_ms.unsigned_abs() > OFFSET_TRUSTED_MS.unsigned_abs()
}

/// What a device knows about its clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockNote {
    /// Agreed at the last contact.
    Agreed,
    /// Headquarters is ahead by so many milliseconds.
    Offset(i64),
    /// Not to be believed; this moment had already passed.
    Unsure {
        /// A moment that had already passed, by headquarters' clock.
        floor: Ms,
    },
}

impl ClockNote {
    /// What a device may claim now, from its last measured offset and the latest moment that it knows to have passed.
    #[must_use]
    pub fn judge(now: Ms, last_offset_ms: i64, floor: Option<Ms>) -> Self {
        match floor {
            Some(floor) if now.plus(last_offset_ms).plus(BACKWARDS_TOLERATED_MS) < floor => Self::Unsure { floor },
            _ if is_off(last_offset_ms) => Self::Offset(last_offset_ms),
            _ => Self::Agreed,
        }
    }
    /// The note of a change.
    #[must_use]
    pub fn to_note(self) -> Option<String> {
        match self {
            Self::Agreed => None,
            Self::Offset(ms) => Some(format!("o{ms}")),
            Self::Unsure { floor } => Some(format!("u{}", floor.0)),
        }
    }
    /// Reads the note of a change; what is not understood counts as agreed.
    #[must_use]
    pub fn of_note(note: Option<&str>) -> Self {
        let Some(note) = note else { return Self::Agreed };
        let number = |text: &str| text.parse::<i64>().ok();
        match (note.strip_prefix('o').and_then(number), note.strip_prefix('u').and_then(number)) {
            (Some(ms), _) => Self::Offset(ms),
            (_, Some(floor)) => Self::Unsure { floor: Ms(floor) },
            (None, None) => Self::Agreed,
        }
    }
}

/// The offset to write into container [`CLOCKS`] for a change that has just arrived; `None` when its own note serves.
///
/// `measured_ms` is headquarters' clock minus the device's, taken now; `last_contact` is when the device was last heard of. The
/// device's clock is taken to have run evenly since: a correction that would put the change before the last contact or into the
/// future is no better than what the note says, and is not made.
#[must_use]
pub fn correction(change: &ChangeMeta, measured_ms: i64, last_contact: Option<Ms>, now: Ms) -> Option<i64> {
    let claimed_offset = match ClockNote::of_note(change.note.as_deref()) {
        ClockNote::Agreed => Some(0),
        ClockNote::Offset(ms) => Some(ms),
        ClockNote::Unsure { .. } => None,
    };
    if claimed_offset.is_some_and(|claimed| !is_off(claimed.saturating_sub(measured_ms))) {
        return None;
    }
    let at = change.time.plus(measured_ms);
    let after_contact = last_contact.is_none_or(|contact| at.plus(OFFSET_TRUSTED_MS) >= contact);
    (after_contact && at <= now.plus(OFFSET_TRUSTED_MS)).then_some(measured_ms)
}

/// A moment with what is known about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Corrected {
    /// The device's clock.
    pub claimed: Ms,
    /// The best knowledge of the true moment.
    pub at: Ms,
    /// Whether [`Self::at`] is only the earliest possible moment.
    pub unsure: bool,
    /// How far headquarters' clock was ahead of the device's, where that is known and more than trusted.
    pub offset_ms: Option<i64>,
}

/// The measured offsets of one document.
#[derive(Debug, Clone, Default)]
pub struct Clocks {
    /// By the actor as it is written.
    by_actor: BTreeMap<String, i64>,
}

impl Clocks {
    /// Reads a document's measured offsets.
    #[must_use]
    pub fn of(reader: &Reader<'_>) -> Self {
        let by_actor = reader
            .registers(CLOCKS)
            .into_iter()
            .filter_map(|register| {
                let last = register.rivals.last()?;
                Some((register.key.clone(), Assertion::of_rival(last)?.value.as_int()?))
            })
            .collect();
        Self { by_actor }
    }
    /// Reads a document's measured offsets.
    #[must_use]
    pub fn of_document(doc: &Document) -> Self {
        Self::of(&doc.reader())
    }
    /// The corrected time of a change.
    #[must_use]
    pub fn correct(&self, change: &ChangeMeta) -> Corrected {
        let claimed = change.time;
        let measured = if self.by_actor.is_empty() { None } else { self.by_actor.get(&change.actor.to_string()) };
        if let Some(offset) = measured {
            let offset_ms = Some(*offset).filter(|offset| is_off(*offset));
            return Corrected { claimed, at: claimed.plus(*offset), unsure: false, offset_ms };
        }
        match ClockNote::of_note(change.note.as_deref()) {
            ClockNote::Agreed => Corrected { claimed, at: claimed, unsure: false, offset_ms: None },
            ClockNote::Offset(ms) => Corrected { claimed, at: claimed.plus(ms), unsure: false, offset_ms: Some(ms) },
            ClockNote::Unsure { floor } => Corrected { claimed, at: claimed.max(floor), unsure: true, offset_ms: None },
        }
    }
}
