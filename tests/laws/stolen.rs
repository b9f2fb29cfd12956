//! A phone that somebody ordered to wipe itself takes with it what it had not handed in. Headquarters knows how much that is at most: what
//! it said last that waits, and what was recorded since.

use std::collections::BTreeMap;

use roadbook_core::ids::DeviceId;

use crate::world::office::Office;
use crate::world::phone::Phone;

/// What headquarters heard of what waits on phones, and how much they had recorded when they said so.
#[derive(Default)]
pub(super) struct Heard {
    /// Changes recorded when a frame was made.
    recorded: BTreeMap<Vec<u8>, usize>,
    /// By device: what waited, with the fewest changes recorded of those times when that was said.
    said: BTreeMap<DeviceId, BTreeMap<u64, usize>>,
}

impl Heard {
    /// A phone asks.
    pub(super) fn asked(&mut self, phone: &Phone, frame: &[u8]) {
        self.recorded.insert(frame.to_vec(), phone.saved.len());
    }

    /// Headquarters took a frame in.
    pub(super) fn answered(&mut self, office: &Office, device: DeviceId, frame: &[u8]) {
        let Some(recorded) = self.recorded.get(frame) else { return };
        let Some(waiting) = office.waits_on(device) else { return };
        let least = self.said.entry(device).or_default().entry(waiting).or_insert(*recorded);
        *least = (*least).min(*recorded);
    }

    /// No more is missing of a phone that was ordered to wipe itself, and did, than headquarters could know.
    pub(super) fn holds(&self, office: &Office, phone: &Phone) -> Result<(), String> {
        if !office.ordered_to_wipe(phone.device) {
            return Ok(());
        }
        let Some(waiting) = office.waits_on(phone.device) else { return Ok(()) };
        let Some(recorded) = self.said.get(&phone.device).and_then(|said| said.get(&waiting)) else { return Ok(()) };
        let since = phone.saved.len() - recorded;
        let there = office.has(&phone.saved);
        let missing = phone.saved.iter().filter(|(hash, doc)| {
            let anew = phone.rewritten.get(hash).is_some_and(|new| !office.has(&BTreeMap::from([(*new, **doc)])).is_empty());
            !there.contains(hash) && !anew && office.feed.erased(**doc).unwrap().is_none()
        });
        let missing = missing.count();
        if missing as u64 > waiting + since as u64 {
            return Err(format!("{} was wiped, {missing} changes are missing: {waiting} waited, {since} were recorded since", phone.name));
        }
        Ok(())
    }
}
