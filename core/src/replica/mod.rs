//! A replica: documents, rows and outbox of one phone, or of headquarters, behind one door.
//! Decides what is written together; the store knows how, the model knows what it means, the gate what may come in.
//!
//! * [`documents`] – load, prepare a change, save it, take in what was admitted.
//! * [`again`] – own changes written again, and later decisions about them.
//! * [`carrying`] – batches handed from phone to phone.
//! * [`field`] – what a representative does: visits, tours, proposals.
//! * [`fold`] – rows from documents, in the same commit; `rebuild`.
//! * `doubles` – visits that may have been entered twice.
//! * [`reading`] – cards, visits, tours, lists.
//! * [`private`] – what few may know: personal traits, credit; and how no trace of it stays.
//! * [`urgent`] – urgent reports: made, and handled.
//! * [`sequencing`] – a day's order from the cards.
//! * [`told`] – rows that travel in place of documents.
//!
//! Never here: network, clocks, rights (they are headquarters').

pub mod again;
pub mod carrying;
#[cfg(test)]
mod cost_tests;
pub mod documents;
mod doubles;
pub mod field;
pub mod fold;
pub mod private;
pub mod reading;
pub mod sequencing;
#[cfg(test)]
mod tests;
pub mod told;
mod twins;
pub mod urgent;

use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::blobs::exchange::Asked;
use crate::crdt::gate::{Gate, Refusal};
use crate::crdt::{ChangeStamp, DocumentError};
use crate::ids::{ActorId, DocId, Ms, UserId};
use crate::model::EditError;
use crate::model::clock::ClockNote;
use crate::store::{Clock, OpenOptions, SetAside, Store, StoreError, StoreKey};

pub use again::Claimed;
pub use documents::{Admitted, Prepared, Saved, Target};

/// Who writes, when, and the randomness for what is made new. One for each call that writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// The person.
    pub author: UserId,
    /// The device's clock.
    pub now: Ms,
    /// 16 random bytes, never used twice.
    pub entropy: [u8; 16],
}

impl Stamp {
    /// The `n`-th piece of randomness of this stamp.
    #[must_use]
    pub fn piece(&self, n: u32) -> [u8; 16] {
        let mut hasher = Sha256::new();
        hasher.update(self.entropy);
        hasher.update(n.to_be_bytes());
        let mut piece = [0; 16];
        piece.iter_mut().zip(hasher.finalize()).for_each(|(to, from)| *to = from);
        piece
    }
}

/// What a replica is started with.
#[derive(Debug, Clone, Copy)]
pub struct Start<'k> {
    /// How the file is opened; its `now` is the start's moment.
    pub open: OpenOptions<'k>,
    /// 16 random bytes of this process: the actor is made from them, so that no line of changes is ever continued by another process.
    pub process: [u8; 16],
}

/// Why a replica could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum ReplicaError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A document refused.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// An edit is not what the schema takes.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// The gate refused what came in.
    #[error("what arrived was refused: {0}")]
    Refused(#[from] Refusal),
    /// Nothing of this id is held here.
    #[error("{what} {doc} is not on this device; sync, or ask for access")]
    Unknown {
        /// Kind or word for it.
        what: &'static str,
        /// The id.
        doc: DocId,
    },
    /// A kind of a newer schema: carried, but not written here.
    #[error("kind {kind:?} is newer than this app: update the app to change it")]
    NewerKind {
        /// The kind's id.
        kind: String,
    },
    /// The document is sealed.
    #[error("visit {doc} is sealed since check-out: amend it instead")]
    Sealed {
        /// The visit.
        doc: DocId,
    },
    /// A draft's bytes are not readable.
    #[error("the draft of visit {doc} is damaged")]
    DamagedDraft {
        /// The visit.
        doc: DocId,
    },
    /// The device is not enrolled.
    #[error("this device is not enrolled: enrol it with a code from headquarters")]
    NotEnrolled,
    /// A day's stops cannot be sequenced.
    #[error("the day cannot be sequenced: {0}")]
    Sequencing(crate::route::ProblemError),
    /// A photo or file.
    #[error(transparent)]
    Blob(#[from] crate::blobs::BlobError),
    /// A frame from the other side cannot be read.
    #[error(transparent)]
    Wire(#[from] crate::exchange::WireError),
}

impl ReplicaError {
    /// Whether it says that a document's bytes are damaged: the others are well, and the next comparison brings this one.
    pub(crate) const fn is_damage(&self) -> bool {
        matches!(self, Self::Document(_) | Self::Store(StoreError::Damaged { .. }))
    }
}

/// One replica. One per file and process.
#[derive(Debug)]
pub struct Replica {
    store: Store,
    gate: Gate,
    process: [u8; 16],
    /// When some of its documents were looked at for damage last.
    scrubbed: Option<Ms>,
    /// See [`Replica::lend_threads`].
    threads: usize,
    /// What headquarters was asked about photos.
    asked: Asked,
}

impl Replica {
    /// Opens or makes a replica's file. What was moved out of its way is returned and must be told to the user.
    ///
    /// # Errors
    /// [`ReplicaError::Store`].
    pub fn open(path: &Path, start: &Start<'_>) -> Result<(Self, Option<SetAside>), ReplicaError> {
        let opened = Store::open(path, &start.open)?;
        let mut replica = Self::over(opened.store, start.process);
        replica.set_aside_unfinished(start.open.now)?;
        replica.bring_rows_up_to_date()?;
        replica.sweep_photos(start.open.now)?;
        Ok((replica, opened.set_aside))
    }

    /// A second look at a file that another replica of this process writes, under the same key: it sees the last commit and writes
    /// nothing. `process` is the writer's, so that what is prepared here is what would be prepared there.
    ///
    /// # Errors
    /// [`ReplicaError::Store`].
    pub fn open_reader(path: &Path, cache_kib: u32, key: Option<&StoreKey>, process: [u8; 16]) -> Result<Self, ReplicaError> {
        Ok(Self::over(Store::open_reader(path, cache_kib, key)?, process))
    }

    /// A replica in memory: for tests and for looking at things.
    ///
    /// # Errors
    /// [`ReplicaError::Store`].
    pub fn in_memory(process: [u8; 16]) -> Result<Self, ReplicaError> {
        Ok(Self::over(Store::in_memory()?, process))
    }

    fn over(store: Store, process: [u8; 16]) -> Self {
        Self { store, gate: Gate::lenient(), process, scrubbed: None, threads: 0, asked: Asked::default() }
    }

    /// How many threads a call may use beside its caller's; none until this is said. With one or more, [`Self::open_part`] opens the
    /// documents of a long answer ahead of the commits that store them, and gives what it gives without. Cores less one is good advice.
    pub const fn lend_threads(&mut self, threads: usize) {
        self.threads = threads;
    }

    pub(crate) const fn threads(&self) -> usize {
        self.threads
    }

    /// The store, for the queries of its rows.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// The store, for what is the device's own: settings, pull position.
    pub const fn store_mut(&mut self) -> &mut Store {
        &mut self.store
    }

    pub(crate) const fn process(&self) -> [u8; 16] {
        self.process
    }

    pub(crate) const fn scrubbed(&self) -> Option<Ms> {
        self.scrubbed
    }
    pub(crate) const fn put_scrubbed(&mut self, at: Option<Ms>) {
        self.scrubbed = at;
    }

    pub(crate) const fn asked(&mut self) -> &mut Asked {
        &mut self.asked
    }

    pub(crate) const fn gate(&self) -> &Gate {
        &self.gate
    }

    /// The actor of an author in a document in this process: fresh for every start, and another one in each document. The same
    /// words written into two documents in the same millisecond would else be the same bytes, and a change's hash no name.
    #[must_use]
    pub fn actor(&self, author: UserId, doc: DocId) -> ActorId {
        let mut hasher = Sha256::new();
        hasher.update(self.process);
        hasher.update(author.as_bytes());
        hasher.update(doc.as_bytes());
        ActorId::short(hasher.finalize().into())
    }

    /// What is known of the device's clock at a moment: see `model::clock`.
    ///
    /// # Errors
    /// [`ReplicaError::Store`].
    pub fn clock_note(&self, now: Ms) -> Result<ClockNote, ReplicaError> {
        Ok(judge(now, self.store.read(|read| read.clock())?))
    }

    fn change_stamp(&self, stamp: &Stamp, doc: DocId, note: ClockNote) -> ChangeStamp {
        ChangeStamp { actor: self.actor(stamp.author, doc), author: Some(stamp.author), time: stamp.now, note: note.to_note() }
    }
}

/// What is known of a device's clock, by what was last measured of it.
fn judge(now: Ms, clock: Clock) -> ClockNote {
    ClockNote::judge(now, clock.offset_ms.unwrap_or(0), clock.floor)
}
