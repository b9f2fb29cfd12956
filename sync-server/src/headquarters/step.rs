//! In step with the feed: what readers wait for, and what whoever judges or writes begins with.

use std::collections::BTreeMap;
use std::sync::MutexGuard;
use std::sync::atomic::Ordering;

use roadbook_core::ids::{Ms, UserId};
use roadbook_core::replica::Replica;
use roadbook_core::replica::field::Work;

use super::{Followed, Headquarters, HeadquartersError, Inner};

impl Headquarters {
    /// Waits until readers see everything of the feed up to `number`. Whoever appends takes in before it lets headquarters go; a
    /// reader may look in between.
    ///
    /// # Errors
    /// [`HeadquartersError`] when what is missing cannot be taken in.
    pub fn in_step(&self, now: Ms, number: u64) -> Result<(), HeadquartersError> {
        if self.reached.load(Ordering::Acquire) < number {
            self.hold().follow(now, BTreeMap::new())?;
        }
        Ok(())
    }

    /// As [`Self::hold`], with everything taken in that the feed holds: whoever judges what is to be appended begins here.
    ///
    /// # Errors
    /// [`HeadquartersError`] when what is missing cannot be taken in.
    pub fn hold_in_step(&self) -> Result<MutexGuard<'_, Inner>, HeadquartersError> {
        let mut inner = self.hold();
        inner.in_step()?;
        Ok(inner)
    }

    /// Commits work in a person's name if `stands` finds in the replica what the work builds on; `None` when it does not. Nobody else
    /// writes in between.
    ///
    /// # Errors
    /// [`HeadquartersError`]; nothing is then written.
    pub fn commit_if(
        &self,
        author: UserId,
        now: Ms,
        work: &Work,
        stands: impl FnOnce(&Replica) -> Result<bool, HeadquartersError>,
    ) -> Result<Option<Followed>, HeadquartersError> {
        let mut inner = self.hold_in_step()?;
        if !stands(inner.replica())? {
            return Ok(None);
        }
        inner.commit(author, now, work).map(Some)
    }
}

impl Inner {
    /// Takes in what the feed holds and the replica lacks: a disk failed right after an append. Whoever judges or writes builds on the
    /// replica, and on one that lags an actor would write the same number twice, which no reader can open.
    pub(super) fn in_step(&mut self) -> Result<(), HeadquartersError> {
        if self.reached.load(Ordering::Acquire) < self.feed.head()? {
            let left = std::mem::replace(&mut self.unsettled, true);
            let followed = self.take_in(BTreeMap::new())?;
            self.unsettled = left || !followed.changed.is_empty();
        }
        Ok(())
    }
}
