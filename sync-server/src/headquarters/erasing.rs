//! Erasing for good, at headquarters: the feed first, where the tombstone stands; then the replica; then both files are scoured. A crash in
//! between leaves work that the next start does.

use roadbook_core::ids::DocId;
use roadbook_core::model::kinds;

use super::{Changed, Headquarters, HeadquartersError, Inner, described};
use crate::erasures::Line;
use crate::feed::{Erased, Erasure};

impl Headquarters {
    /// Erases what is known of a stakeholder of a customer, on demand of somebody and for a reason. What phones hold of it goes at their
    /// next contact, and nothing of it is taken in any more. Durable when this returns. What is told is the tombstone, and that the
    /// document changed.
    ///
    /// # Errors
    /// [`HeadquartersError`]; where the feed failed nothing is changed.
    pub fn erase_person(&self, asked: &Line) -> Result<(Erased, Changed), HeadquartersError> {
        let doc = asked.customer.person(asked.stakeholder);
        let mut inner = self.hold();
        let document = match inner.feed.document(doc)? {
            Some(known) => known,
            None => described(doc, kinds::PERSON.id, asked.customer, None),
        };
        let Line { at_ms, by, asked_by, reason, .. } = asked;
        let erased = inner.feed.erase(&Erasure { document, asked_by, reason, by: *by, now: *at_ms })?;
        inner.forget(doc)?;
        if !inner.feed.scour()? {
            tracing::warn!("somebody is reading the feed: its log is emptied in a later round");
        }
        Ok((erased, Changed { doc, kind: kinds::PERSON.id.to_owned(), subject: asked.customer }))
    }

    /// At a start: what the journal names and these tables do not know was erased since the backup that they came from. It is erased
    /// again.
    ///
    /// # Errors
    /// [`HeadquartersError`]; the lines before the one that failed are done.
    pub fn erase_again(&self, journal: &[Line]) -> Result<(), HeadquartersError> {
        for line in journal {
            let known = self.hold().feed.erased(line.customer.person(line.stakeholder))?.is_some();
            if !known {
                tracing::warn!("what was erased is back, by an older backup; it is erased again");
                self.erase_person(line)?;
            }
        }
        Ok(())
    }

    /// What an erasure left to be done because somebody was reading.
    ///
    /// # Errors
    /// [`HeadquartersError`]; it stays due.
    pub fn scour(&self) -> Result<(), HeadquartersError> {
        let mut inner = self.hold();
        inner.replica.store_mut().scour()?;
        inner.feed.scour()?;
        Ok(())
    }
}

impl Inner {
    /// What was erased in the feed while the last process died, before the replica followed.
    pub(super) fn forget_erased(&mut self) -> Result<(), HeadquartersError> {
        for erased in self.feed.all_erased(None)? {
            self.forget(erased.doc)?;
        }
        Ok(())
    }

    fn forget(&mut self, doc: DocId) -> Result<(), HeadquartersError> {
        if self.replica.store().read(|read| read.document_kept(doc))? {
            self.replica.erase(doc)?;
        }
        Ok(())
    }
}
