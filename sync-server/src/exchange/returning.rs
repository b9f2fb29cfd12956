//! Devices that come back after a long time: noted when they do, and followed until they have handed in everything, so that what became
//! of it can be told (`crate::absence`).

use std::collections::BTreeSet;

use roadbook_core::exchange::{Outcome, Request, Verdict};
use roadbook_core::ids::{DeviceId, Ms};

use super::{Exchange, ExchangeError, held};
use crate::absence::ABSENT_DAYS_MIN;
use crate::device::Caller;

impl Exchange {
    /// Before anything is taken in: notes that the device was away for long, if it was.
    pub(super) fn note_return(&self, now: Ms, caller: &Caller) -> Result<(), ExchangeError> {
        let device = &caller.device;
        let Some(left) = device.seen_at.filter(|seen| now.since(*seen) >= ABSENT_DAYS_MIN * Ms::DAY) else { return Ok(()) };
        self.feed.note_return(device.id, caller.user.id, left, now, device.cursor_no)?;
        self.with_returning(|returning| returning.insert(device.id))?;
        Ok(())
    }

    /// After a push: counts what was there already, and notes when the device has handed in everything.
    pub(super) fn note_handed_in(&self, now: Ms, caller: &Caller, request: &Request, verdicts: &[Verdict]) -> Result<(), ExchangeError> {
        let device = caller.device.id;
        if !self.with_returning(|returning| returning.contains(&device))? {
            return Ok(());
        }
        let known = verdicts.iter().filter(|verdict| verdict.outcome == Outcome::AlreadyKnown).count() as u64;
        // What found no verdict, and what was no part of this request, is still to come.
        let settled = verdicts.iter().filter(|verdict| verdict.outcome.is_decided()).count() as u64;
        let done = settled >= u64::from(request.heartbeat.unsent_changes);
        if known > 0 || done {
            self.feed.note_handed_in(device, known, done.then_some(now))?;
        }
        // An answer may have been lost: what then comes again is counted until the device itself has nothing left.
        if done && request.pushed.is_empty() {
            self.with_returning(|returning| returning.remove(&device))?;
        }
        Ok(())
    }

    /// The devices that are handing in after a long absence: few, and asked for with every exchange.
    fn with_returning<T>(&self, act: impl FnOnce(&mut BTreeSet<DeviceId>) -> T) -> Result<T, ExchangeError> {
        let mut returning = held(&self.returning);
        let known = match returning.take() {
            Some(known) => known,
            None => self.feed.coming_back()?.into_iter().collect(),
        };
        Ok(act(returning.insert(known)))
    }
}
