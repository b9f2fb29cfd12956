//! Silent divergence is found and mended, a document at a time: the digest says that something differs, fingerprints say what,
//! headquarters sends those documents anew, and what this device wrote itself in them is handed in again.

use std::collections::BTreeSet;

use super::items::give_up;
use super::{Synced, stand};
use crate::crdt::{Document, Heads};
use crate::exchange::pull::{Prints, Pull, READS_ROWS, WANTED_MAX};
use crate::exchange::{Answer, Item};
use crate::ids::{DocId, Ms};
use crate::replica::fold::{Subjects, drop_rows, fold_rows};
use crate::replica::reading::SETTING_COMPARE;
use crate::replica::{Replica, ReplicaError};
use crate::store::{Apart, OwnStanding, Reading, StoreError};

/// Setting: the document up to which stored bytes were looked at for damage.
const SETTING_SCRUBBED: &str = "pull/scrubbed";
/// Documents looked at for damage at a time, after an exchange that brought nothing.
const SCRUB_DOCUMENTS: usize = 20;
/// How often at most, in milliseconds. Every look is a commit, and a phone that follows the news is at rest many times an hour.
const SCRUB_EVERY_MS: i64 = 600_000;

/// What a request says of the pull. `at_rest`: nothing of the device's own waits, and no pull is under way.
pub(super) fn pull(read: &Reading<'_>, at_rest: bool) -> Result<Pull, StoreError> {
    let from = read.setting(SETTING_COMPARE)?.and_then(|bytes| bytes.try_into().ok()).map(u64::from_be_bytes);
    let prints = match from.filter(|_| at_rest) {
        Some(from) => Some(Prints::of(&read.prints()?, from)),
        None => None,
    };
    let wishes = read.wishes(WANTED_MAX)?;
    let wanted = wishes.iter().filter_map(|wish| minicbor::decode(wish).ok()).collect();
    let wanted = (!wishes.is_empty()).then_some(wanted);
    let holds = Some(stand::holds(read)?).filter(|holds| !holds.is_empty());
    let (documents, stand, profile) = (read.digest()?.documents, Some(stand::here(read)?), stand::profile(read)?);
    Ok(Pull { reads: READS_ROWS, documents, wanted, prints, stand, holds, profile })
}

impl Replica {
    /// Documents that left the scopes while own changes in them waited are given up as soon as those have their verdicts; lent
    /// ones when their time is over.
    pub(super) fn let_go(&mut self, now: Ms, synced: &mut Synced) -> Result<(), ReplicaError> {
        let apart = self.store().read(|read| read.all_apart())?;
        if apart.is_empty() {
            return Ok(());
        }
        let leaving: Vec<DocId> = apart.into_iter().filter_map(|(doc, apart)| (apart == Apart::Leaving).then_some(doc)).collect();
        let offset_minutes = self.offset_minutes()?;
        let gone = self.store_mut().write(|write| {
            let mut subjects = Subjects::default();
            for doc in &leaving {
                give_up(write, &mut subjects, *doc)?;
            }
            super::told::evict(write, &mut subjects, now)?;
            fold_rows(write, &subjects, offset_minutes)?;
            Ok::<_, ReplicaError>(subjects.ids().collect::<Vec<_>>())
        })?;
        synced.forgotten += gone.len();
        synced.subjects.extend(gone);
        Ok(())
    }

    /// What headquarters finds strange is given up, so that its state of it can take the place; own changes in it go into the
    /// outbox once more, for headquarters may have lost them.
    pub(super) fn give_back(&mut self, answer: &Answer, now: Ms, synced: &mut Synced) -> Result<(), ReplicaError> {
        let strange: BTreeSet<u64> = answer.compare.iter().flat_map(|compare| compare.strange()).collect();
        if strange.is_empty() {
            return Ok(());
        }
        let coming: BTreeSet<DocId> = answer.items.iter().filter_map(brought).collect();
        let docs = self.store().read(|read| read.with_prints(&strange))?;
        let offset_minutes = self.offset_minutes()?;
        let touched = self.store_mut().write(|write| {
            let mut subjects = Subjects::default();
            for doc in docs {
                if let Some(row) = write.drop_told_row(doc)? {
                    super::told::drop_row(write, &row)?;
                    subjects.touch(&row.kind, row.subject, doc, None);
                    // What was lent of it goes with it, unless its row only changed.
                    if coming.contains(&doc) {
                        continue;
                    }
                }
                let Some(held) = write.holding(doc)? else { continue };
                write.hand_in_again_of(doc)?;
                if !coming.contains(&doc) {
                    give_up(write, &mut subjects, doc)?;
                    continue;
                }
                drop_rows(write, &held)?;
                write.forget(doc)?;
                subjects.touch(&held.kind, held.subject, doc, None);
            }
            super::told::evict(write, &mut subjects, now)?;
            fold_rows(write, &subjects, offset_minutes)?;
            Ok::<_, ReplicaError>(subjects.ids().collect::<Vec<_>>())
        })?;
        synced.subjects.extend(touched);
        Ok(())
    }

    /// Looks at some documents for damage when it is time; returns how many are damaged. Where one is, others may be: the next exchange
    /// at rest goes on.
    pub(super) fn scrub_now_and_then(&mut self, now: Ms) -> Result<usize, ReplicaError> {
        if self.scrubbed().is_some_and(|last| now.since(last).abs() < SCRUB_EVERY_MS) {
            return Ok(0);
        }
        let damaged = self.scrub(SCRUB_DOCUMENTS)?.len();
        self.put_scrubbed((damaged == 0).then_some(now));
        Ok(damaged)
    }

    /// Looks at the next `documents_max` documents: their bytes must open to what their row says, and the rows are written anew.
    /// Damaged ones get a fingerprint that no document has, so that the next comparison brings them. Returns the
    /// damaged ones. Nothing that only this device has is touched.
    ///
    /// # Errors
    /// [`ReplicaError::Store`].
    pub fn scrub(&mut self, documents_max: usize) -> Result<Vec<DocId>, ReplicaError> {
        let after = self.store().read(|read| read.setting(SETTING_SCRUBBED))?.and_then(|bytes| DocId::from_slice(&bytes));
        let holdings = self.store().read(|read| read.holdings_after(after, documents_max))?;
        let (mut damaged, mut whole) = (Vec::new(), Vec::new());
        for holding in &holdings {
            match self.document(holding.doc) {
                Ok(Some(held)) if held.document.heads() == Heads::new(holding.heads.clone()) => whole.push((holding, held.document)),
                Ok(None) => {}
                Ok(Some(_)) => damaged.push(holding.doc),
                Err(error) if error.is_damage() => damaged.push(holding.doc),
                // A kind of a newer schema without a snapshot: not for us to judge.
                Err(ReplicaError::NewerKind { .. }) => {}
                Err(other) => return Err(other),
            }
        }
        let mut subjects = Subjects::default();
        for (holding, document) in &whole {
            subjects.touch(&holding.kind, holding.subject, holding.doc, Some(document));
        }
        let offset_minutes = self.offset_minutes()?;
        self.store_mut().write(|write| {
            for doc in &damaged {
                write.mark_damaged(*doc)?;
            }
            if !damaged.is_empty() {
                write.put_setting(SETTING_COMPARE, &0_u64.to_be_bytes())?;
            }
            match holdings.last().filter(|_| holdings.len() >= documents_max) {
                Some(last) => write.put_setting(SETTING_SCRUBBED, last.doc.as_bytes())?,
                None => write.drop_setting(SETTING_SCRUBBED)?,
            }
            // A card one half of which is damaged is not folded: its row stays until both halves are here.
            if damaged.is_empty() { fold_rows(write, &subjects, offset_minutes) } else { Ok(()) }
        })?;
        Ok(damaged)
    }

    /// Whether a document is what its row says.
    pub(super) fn is_intact(&self, doc: DocId, document: &Document) -> Result<bool, ReplicaError> {
        let holding = self.store().read(|read| read.holding(doc))?;
        Ok(holding.is_some_and(|holding| document.heads() == Heads::new(holding.heads)))
    }

    /// Whether own changes of a document wait for their verdicts.
    pub(crate) fn waits(read: &Reading<'_>, doc: DocId) -> Result<bool, StoreError> {
        Ok(read.own_changes_of(doc)?.iter().any(|own| own.standing.kind() == OwnStanding::Waiting))
    }
}

fn brought(item: &Item) -> Option<DocId> {
    match item {
        Item::Document { doc, .. } | Item::Row { doc, .. } => Some(*doc),
        Item::Changes { .. } | Item::Forget { .. } | Item::Lent { .. } => None,
    }
}
