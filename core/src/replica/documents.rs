//! Documents of a replica: loaded, written as one change, kept with their rows in one commit, taken in when admitted.

use super::fold::{Subjects, fold_rows};
use super::reading::offset_minutes;
use super::twins::with_twins;
use super::{Replica, ReplicaError, Stamp, judge};
use crate::crdt::{Document, Heads, RawChange};
use crate::exchange::fingerprint;
use crate::ids::{ChangeHash, DocId, Ms, SubjectId};
use crate::model::clock::ClockNote;
use crate::model::edit;
use crate::model::kinds;
use crate::model::{Edit, Kind};
use crate::store::{Described, Lane, QuarantinedChange, Reading, Writing};

/// Which document is written, and at which state of it.
#[derive(Debug, Clone)]
pub struct Target {
    /// The document; made when it is not there.
    pub doc: DocId,
    /// Its kind.
    pub kind: &'static Kind,
    /// What it is about.
    pub subject: SubjectId,
    /// Heads that the form showed; `None` for the current ones.
    pub at: Option<Heads>,
}

impl Target {
    /// A customer's field side.
    #[must_use]
    pub fn customer(subject: SubjectId) -> Self {
        Self { doc: subject.customer(), kind: &kinds::CUSTOMER, subject, at: None }
    }
    /// A customer's office side.
    #[must_use]
    pub fn office(subject: SubjectId) -> Self {
        Self { doc: subject.office(), kind: &kinds::OFFICE, subject, at: None }
    }
    /// A document about a customer.
    #[must_use]
    pub const fn about(subject: SubjectId, kind: &'static Kind, doc: DocId) -> Self {
        Self { doc, kind, subject, at: None }
    }
    /// A tour: its own subject.
    #[must_use]
    pub fn tour(doc: DocId) -> Self {
        Self { doc, kind: &kinds::TOUR, subject: doc.into(), at: None }
    }
    /// At the heads that a form showed.
    #[must_use]
    pub fn seen(mut self, heads: Heads) -> Self {
        self.at = Some(heads);
        self
    }
}

/// A change that is made but not yet kept: headquarters hands it to the feed first.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// The document.
    pub doc: DocId,
    /// Its kind.
    pub kind: &'static str,
    /// What it is about.
    pub subject: SubjectId,
    /// The change.
    pub change: RawChange,
    /// The document with the change.
    pub document: Document,
}

/// What a save did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// The document.
    pub doc: DocId,
    /// The change; `None` when nothing was different.
    pub change: Option<ChangeHash>,
    /// Its heads now.
    pub heads: Heads,
}

/// A document that passed the gate, with the changes that are new in it.
#[derive(Debug, Clone)]
pub struct Admitted {
    /// The document.
    pub doc: DocId,
    /// Its kind; one of a newer schema is carried.
    pub kind: String,
    /// What it is about.
    pub subject: SubjectId,
    /// Its new state.
    pub document: Document,
    /// What is new: single changes, or nothing when the whole document is to be kept as a snapshot.
    pub changes: Vec<RawChange>,
}

/// A document as it is held.
#[derive(Debug, Clone)]
pub struct Held {
    /// Its kind.
    pub kind: String,
    /// What it is about.
    pub subject: SubjectId,
    /// Its state.
    pub document: Document,
}

/// Loads a document; `None` when it is not held.
pub(crate) fn load(read: &Reading<'_>, doc: DocId) -> Result<Option<Held>, ReplicaError> {
    let Some(holding) = read.holding(doc)? else { return Ok(None) };
    let bytes = read.document_bytes(doc)?;
    let mut document = match &bytes.snapshot {
        Some(snapshot) => Document::load(snapshot)?,
        None => genesis(&holding.kind)?,
    };
    document.apply_bytes(&bytes.tail)?;
    Ok(Some(Held { kind: holding.kind, subject: holding.subject, document }))
}

/// The state in which every document of a kind begins.
fn genesis(kind: &str) -> Result<Document, ReplicaError> {
    kinds::ready(kind).map(|ready| ready.genesis.clone()).ok_or_else(|| ReplicaError::NewerKind { kind: kind.to_owned() })
}

/// Writes a document's row, its new changes or a snapshot of all of it.
pub(super) fn keep(write: &mut Writing<'_>, admitted: &Admitted) -> Result<(), ReplicaError> {
    describe(write, admitted.doc, &admitted.kind, admitted.subject, &admitted.document)?;
    if admitted.changes.is_empty() {
        write.put_snapshot(admitted.doc, &admitted.document.save())?;
        return Ok(());
    }
    for change in &admitted.changes {
        let _known = write.append_received(admitted.doc, change.hash, &change.bytes)?;
    }
    compact(write, admitted.doc, &admitted.document)
}

pub(super) fn describe(
    write: &mut Writing<'_>,
    doc: DocId,
    kind: &str,
    subject: SubjectId,
    document: &Document,
) -> Result<(), ReplicaError> {
    let heads = document.heads();
    write.put_document(&Described { doc, kind, subject, heads: heads.hashes(), fingerprint: fingerprint(doc, &heads) })?;
    Ok(())
}

/// Folds a long tail into a snapshot, unless something in it still waits for a verdict: that may have to be taken out again.
fn compact(write: &mut Writing<'_>, doc: DocId, document: &Document) -> Result<(), ReplicaError> {
    let due = write.holding(doc)?.is_some_and(|holding| holding.compaction_due());
    if due && !write.own_changes_of(doc)?.iter().any(|own| own.standing == crate::store::Standing::Waiting) {
        write.put_snapshot(doc, &document.save())?;
    }
    Ok(())
}

impl Replica {
    /// A document as it is held; `None` when it is not.
    ///
    /// # Errors
    /// [`ReplicaError::Store`], [`ReplicaError::Document`].
    pub fn document(&self, doc: DocId) -> Result<Option<Held>, ReplicaError> {
        self.store.read(|read| load(read, doc))
    }

    /// Makes a change without keeping it; `None` when nothing would be different.
    ///
    /// # Errors
    /// [`ReplicaError::Edit`] names the field; [`ReplicaError::Document`] when the form showed a state that is not held.
    pub fn prepare(&self, stamp: &Stamp, target: &Target, edits: &[Edit]) -> Result<Option<Prepared>, ReplicaError> {
        let note = self.clock_note(stamp.now)?;
        let document = match self.document(target.doc)? {
            Some(held) => held.document,
            None => genesis(target.kind.id)?,
        };
        self.prepare_on(document, stamp, note, target, edits)
    }

    /// As [`Self::prepare`], on a state of the document that the caller holds.
    ///
    /// # Errors
    /// As [`Self::prepare`].
    pub fn prepare_on(
        &self,
        mut document: Document,
        stamp: &Stamp,
        note: ClockNote,
        target: &Target,
        edits: &[Edit],
    ) -> Result<Option<Prepared>, ReplicaError> {
        let edits = with_twins(&document, target, edits);
        let change = document
            .write(target.at.as_ref(), &self.change_stamp(stamp, target.doc, note), |writer| edit::write(target.kind, &edits, writer))?;
        Ok(change.map(|change| Prepared { doc: target.doc, kind: target.kind.id, subject: target.subject, change, document }))
    }

    /// Writes edits as one change, durable with its rows and its place in the outbox when this returns.
    ///
    /// # Errors
    /// As [`Self::prepare`]; nothing is then written.
    pub fn save(&mut self, stamp: &Stamp, lane: Lane, target: &Target, edits: &[Edit]) -> Result<Saved, ReplicaError> {
        let saved = self.save_all(stamp, lane, &[(target.clone(), edits.to_vec())])?;
        saved.into_iter().next().ok_or(ReplicaError::Unknown { what: target.kind.id, doc: target.doc })
    }

    /// Writes several documents in one commit: all of them are kept, or none.
    ///
    /// # Errors
    /// As [`Self::save`].
    pub fn save_all(&mut self, stamp: &Stamp, lane: Lane, work: &[(Target, Vec<Edit>)]) -> Result<Vec<Saved>, ReplicaError> {
        let prepared = self.prepare_all(stamp, work)?;
        let saved = prepared
            .iter()
            .zip(work)
            .map(|(prepared, (target, _))| {
                let heads = match prepared {
                    Some(prepared) => prepared.document.heads(),
                    None => self.document(target.doc)?.map(|held| held.document.heads()).unwrap_or_default(),
                };
                Ok(Saved { doc: target.doc, change: prepared.as_ref().map(|prepared| prepared.change.hash), heads })
            })
            .collect::<Result<Vec<_>, ReplicaError>>()?;
        self.keep_own(stamp, lane, &prepared, |_| Ok(()))?;
        Ok(saved)
    }

    /// As [`Self::save_all`], with something of the device's own in the same commit.
    ///
    /// # Errors
    /// As [`Self::save`], and what `also` returns.
    pub fn commit(
        &mut self,
        stamp: &Stamp,
        lane: Lane,
        work: &[(Target, Vec<Edit>)],
        also: impl FnOnce(&mut Writing<'_>) -> Result<(), ReplicaError>,
    ) -> Result<(), ReplicaError> {
        let prepared = self.prepare_all(stamp, work)?;
        self.keep_own(stamp, lane, &prepared, also)
    }

    /// As [`Self::prepare`] for several documents, each written once.
    ///
    /// # Errors
    /// As [`Self::prepare`].
    pub fn prepare_all(&self, stamp: &Stamp, work: &[(Target, Vec<Edit>)]) -> Result<Vec<Option<Prepared>>, ReplicaError> {
        self.store.read(|_| work.iter().map(|(target, edits)| self.prepare(stamp, target, edits)).collect())
    }

    /// Keeps what was made, with its rows and its place in the outbox, and something of the device's own, in one commit.
    pub(super) fn keep_own(
        &mut self,
        stamp: &Stamp,
        lane: Lane,
        prepared: &[Option<Prepared>],
        also: impl FnOnce(&mut Writing<'_>) -> Result<(), ReplicaError>,
    ) -> Result<(), ReplicaError> {
        self.store.write(|write| {
            let offset_minutes = offset_minutes(write)?;
            let mut subjects = Subjects::default();
            for prepared in prepared.iter().flatten() {
                describe(write, prepared.doc, prepared.kind, prepared.subject, &prepared.document)?;
                write.append_own(prepared.doc, prepared.change.hash, &prepared.change.bytes, lane, stamp.now)?;
                compact(write, prepared.doc, &prepared.document)?;
                subjects.touch(prepared.kind, prepared.subject, prepared.doc, Some(&prepared.document));
            }
            raise_floor(write, stamp.now)?;
            fold_rows(write, &subjects, offset_minutes)?;
            also(write)
        })
    }

    /// Takes in documents that passed the gate, in one commit with their rows; `position` is stored with them.
    ///
    /// # Errors
    /// [`ReplicaError::Store`].
    pub fn absorb(
        &mut self,
        admitted: &[Admitted],
        position: impl FnOnce(&mut Writing<'_>) -> Result<(), ReplicaError>,
    ) -> Result<(), ReplicaError> {
        self.store.write(|write| {
            let offset_minutes = offset_minutes(write)?;
            let mut subjects = Subjects::default();
            for item in admitted {
                keep(write, item)?;
                subjects.touch(&item.kind, item.subject, item.doc, Some(&item.document));
            }
            fold_rows(write, &subjects, offset_minutes)?;
            position(write)
        })
    }

    /// Quarantines what was under trial when the last process died: it is not tried again.
    pub(super) fn set_aside_unfinished(&mut self, now: Ms) -> Result<(), ReplicaError> {
        let hashes = self.store.read(|read| read.in_flight())?;
        if hashes.is_empty() {
            return Ok(());
        }
        self.store.write(|write| {
            for hash in &hashes {
                let known = QuarantinedChange {
                    hash: *hash,
                    doc: DocId::from_bytes([0; 16]),
                    received_at: now,
                    reason: "died_in_trial".to_owned(),
                    bytes: Vec::new(),
                };
                write.quarantine(&known)?;
            }
            write.clear_in_flight(&hashes)?;
            Ok(())
        })
    }
}

/// Raises the latest moment that is known to have passed, by headquarters' clock. Under a clock that is not believed each save
/// passes one millisecond, so that what was recorded first stays first.
fn raise_floor(write: &mut Writing<'_>, now: Ms) -> Result<(), ReplicaError> {
    let clock = write.clock()?;
    let floor = match clock.floor {
        Some(floor) if matches!(judge(now, clock), ClockNote::Unsure { .. }) => floor.plus(1),
        _ => now.plus(clock.offset_ms.unwrap_or(0)),
    };
    write.raise_clock_floor(floor)?;
    Ok(())
}
