//! Up to where the duties of what has arrived are carried out. The replica knows it to the last entry; the feed is told now and then,
//! for a replica that is thrown away and made anew: what was not owed when it came, by what its author might do then, does not become
//! owed because of what they may do today.

use std::collections::BTreeMap;

use roadbook_core::ids::Ms;

use super::{Changed, FOLLOW_ENTRIES_MAX, Followed, Headquarters, HeadquartersError, Inner};

/// Setting of the replica: everything up to this feed number has had its duties carried out (8 bytes, big-endian). It lags the
/// position by the work in hand, so that a crash between taking in and carrying out leaves nothing owed for ever.
const SETTING_SETTLED: &str = "headquarters/settled";
/// The same as a mark of the feed.
const MARK_SETTLED: &str = "settled";

impl Headquarters {
    /// Carries out what is still owed because it failed (a disk that refused once), and tells the feed up to where duties are carried out,
    /// when that has moved: one small durable write. Returns what changed.
    ///
    /// # Errors
    /// [`HeadquartersError`].
    pub fn note_settled(&self, now: Ms) -> Result<Followed, HeadquartersError> {
        let mut inner = self.hold();
        let followed = if inner.unsettled { inner.follow(now, BTreeMap::new())? } else { Followed::default() };
        let settled = i64::try_from(inner.settled_here()?).unwrap_or(i64::MAX);
        if inner.feed.mark(MARK_SETTLED)? < Some(settled) {
            inner.feed.put_mark(MARK_SETTLED, settled)?;
        }
        Ok(followed)
    }
}

impl Inner {
    /// At the start: takes in what the feed has, and carries out what is still owed.
    pub(super) fn begin(&mut self, now: Ms) -> Result<(), HeadquartersError> {
        self.take_in(BTreeMap::new())?;
        self.settle_what_a_crash_left(now)
    }

    pub(super) fn note_carried_out(&mut self, number: u64) -> Result<(), HeadquartersError> {
        Ok(self.replica.store_mut().write(|write| write.put_setting(SETTING_SETTLED, &number.to_be_bytes()))?)
    }

    fn settled_here(&self) -> Result<u64, HeadquartersError> {
        let bytes = self.replica.store().read(|read| read.setting(SETTING_SETTLED))?;
        Ok(bytes.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes))
    }

    fn settled(&self) -> Result<u64, HeadquartersError> {
        let noted = self.feed.mark(MARK_SETTLED)?.and_then(|mark| u64::try_from(mark).ok()).unwrap_or(0);
        Ok(noted.max(self.settled_here()?))
    }

    /// What was taken in when the last process ended, and not yet carried out. Duties that were done are not owed again.
    pub(super) fn settle_what_a_crash_left(&mut self, now: Ms) -> Result<(), HeadquartersError> {
        let (position, settled) = (self.replica.store().read(|read| read.pull_position())?.number, self.settled()?);
        let (mut at, mut left) = (settled, BTreeMap::new());
        while at < position {
            let entries = self.feed.follow(at, FOLLOW_ENTRIES_MAX)?;
            let Some(last) = entries.last() else { break };
            at = last.no;
            for entry in entries.into_iter().filter(|entry| entry.no <= position) {
                left.insert(entry.doc, Changed { doc: entry.doc, kind: entry.kind, subject: entry.subject });
            }
        }
        if left.is_empty() {
            return Ok(());
        }
        let mut followed = Followed { number: position, ..Followed::default() };
        self.carry_out(now, left.into_values().collect(), &mut followed)
    }
}
