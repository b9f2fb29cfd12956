//! The feed: the server's truth. An append-only row of admitted changes, numbered, with the scopes they are visible in.
//!
//! Belongs here: the contract ([`Feed`]), its types, and its SQL. Never here: the gate, roles, HTTP, or what is inside a
//! change; a caller has admitted a change and decided every right before it appends.
//!
//! # The contract, for every implementation
//!
//! 1. **One push is one durable transaction.** When [`Feed::append`] returns, everything in the batch survives a power cut;
//!    when it fails, nothing of the batch is there. Appending the same batch again changes nothing.
//! 2. **Numbers are taken last.** The counter is drawn after everything else has been read and checked, and only numbered
//!    rows follow before the commit. So whoever sees number *n* sees every number below it, and a cursor never skips an entry.
//! 3. **A document is visible** in the territory of its subject (when it is a document for the territory) and to its owner:
//!    the author of an event, the rep of a tour, for cards the owner of the customer. Filing a subject elsewhere moves all
//!    its documents in the same transaction; each move has a number of its own.
//! 4. **[`Feed::page`] is complete.** Who stores all pages of a pull, and repeats from any point after losing an answer,
//!    holds exactly the documents that its scopes hold, each with all its changes; what left the scopes is in `forgets`.
//! 5. **Bounded history is a window**: a document whose window is closed leaves its scopes as if it had been moved, under a
//!    number of its own, and comes back whole when it opens. [`Feed::digest`] is what [`Feed::held`] comes to, at any head.
//! 6. **What was erased stays erased**: no scope holds it, no entry enters it, no byte of its changes is kept ([`Erasures`]).
//! 7. **The epoch** names one life of the numbers. It is new after every restore or loss; a cursor of another epoch, or ahead
//!    of the head, means nothing.

mod absence;
mod columns;
#[cfg(test)]
pub(crate) mod contract;
mod desk;
mod erase;
mod filing;
mod groups;
mod late;
mod order;
mod pull;
mod scratch;
mod sqlite;
mod steps;
mod trials;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use roadbook_core::crdt::Heads;
use roadbook_core::ids::{ActorId, ChangeHash, DeviceId, DocId, Ms, SubjectId, TerritoryId, UserId};

pub use absence::{ABSENCES_MAX, Absence, Absences, HANDED_IN_MAX, HandedIn};
pub use desk::{DECISIONS_MAX, DESK_ROWS_MAX, Decision, Desk, DeskOrder, DeskPage, DeskRow, DeskState, OpenRows, WAITING_MAX};
pub use erase::{Erased, Erasure, Erasures};
pub use late::{Handover, Handovers, Late, LateLine};
pub use scratch::{SCRATCH_MIGRATIONS, Scratch};
pub use sqlite::SqliteFeed;
pub(crate) use steps::{MIGRATION_1, MIGRATION_2, MIGRATION_ABSENCE, MIGRATION_DECIDED, MIGRATION_ERASED, MIGRATION_HANDOVER};

/// Documents of one page, at most; a page may be closed earlier by its bytes.
pub const PAGE_DOCUMENTS_MAX: usize = 2_000;

/// Why the feed could not answer or append.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// SQLite refused; the text is for the log.
    #[error("the feed failed: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The changes under trial cannot be noted.
    #[error("the changes under trial cannot be noted: {0}; see to the space and the rights of the data folder")]
    Trials(#[from] std::io::Error),
    /// No randomness for an epoch.
    #[error(transparent)]
    NoEntropy(#[from] crate::clock::NoEntropy),
    /// An actor is bound to another device or document. Nothing was appended.
    #[error("actor {0} belongs to another device or document")]
    ActorTaken(ActorId),
    /// A document came with another kind, subject or owner than it was made with. Nothing was appended.
    #[error("document {0} exists with another kind, subject or owner")]
    AnotherDocument(DocId),
    /// An entry is for a document that was erased for good. Nothing was appended.
    #[error("document {0} was erased for good")]
    Erased(DocId),
    /// An entry names a document that is neither known nor in the batch. Nothing was appended.
    #[error("document {0} was not introduced")]
    NoDocument(DocId),
}

/// A set of documents that are seen together: `t:` and a territory, or `u:` and a person.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope(String);

impl Scope {
    /// What the territory sees.
    #[must_use]
    pub fn territory(territory: &TerritoryId) -> Self {
        Self(format!("t:{territory}"))
    }
    /// What one person sees because it is theirs.
    #[must_use]
    pub fn user(user: UserId) -> Self {
        Self(format!("u:{user}"))
    }
    /// Its text in tables.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// Whether it is a person's own.
    #[must_use]
    pub fn is_personal(&self) -> bool {
        self.0.starts_with("u:")
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a subject is filed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filing {
    /// The territory (区域).
    pub territory: Option<TerritoryId>,
    /// The owner (负责人).
    pub owner: Option<UserId>,
}

/// A document as the feed knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Its id.
    pub id: DocId,
    /// Its kind.
    pub kind: String,
    /// What it is about.
    pub subject: SubjectId,
    /// Author of an event, rep of a tour; `None`: it belongs to whoever owns the subject.
    pub owner: Option<UserId>,
    /// Whether the territory of its subject sees it.
    pub in_territory: bool,
}

/// A change to be appended. The caller has put it through the gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEntry {
    /// Its document.
    pub doc: DocId,
    /// Its name.
    pub hash: ChangeHash,
    /// The changes it follows.
    pub deps: Vec<ChangeHash>,
    /// The line of changes it belongs to.
    pub actor: ActorId,
    /// Who made it.
    pub author: UserId,
    /// The raw change.
    pub bytes: Vec<u8>,
}

/// A change that was not admitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The document it was for, as the device said.
    pub doc: DocId,
    /// The kind, as the device said.
    pub kind: String,
    /// The subject, as the device said.
    pub subject: SubjectId,
    /// SHA-256 over the bytes, or the change's own name where it could be read.
    pub hash: ChangeHash,
    /// Stable code of the reason.
    pub code: String,
    /// The reason for a person.
    pub why: String,
    /// What came.
    pub bytes: Vec<u8>,
}

/// One push, or one edit of headquarters: all or nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// Documents that the feed may not know yet. Known ones must be the same.
    pub documents: Vec<Document>,
    /// Changes, dependencies before dependents. Known ones are skipped.
    pub entries: Vec<NewEntry>,
    /// Subjects filed by this batch. The same filing again changes nothing.
    pub filings: Vec<(SubjectId, Filing)>,
    /// Changes set aside.
    pub refused: Vec<Refused>,
    /// Which of the entries come late: their author has lost the right since.
    pub late: Vec<Late>,
    /// Documents that come into or fall out of the history that devices hold.
    pub windows: Vec<(DocId, Window)>,
}

/// What bounded history makes of a document: see `core::model::window`. `None` leaves a side as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Window {
    /// Whether its territory's scope holds it.
    pub territory: Option<bool>,
    /// Whether its person's scope holds it.
    pub person: Option<bool>,
}

/// A document that a person's devices hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldDocument {
    /// Its id.
    pub doc: DocId,
    /// Its kind.
    pub kind: String,
    /// What it is about.
    pub subject: SubjectId,
    /// Its state.
    pub heads: Heads,
    /// It is the person's own, whatever territories show it too.
    pub own: bool,
}

/// Who hands a batch in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hand {
    /// The device; `None`: headquarters itself.
    pub device: Option<DeviceId>,
    /// The person.
    pub user: UserId,
    /// The server's clock.
    pub now: Ms,
}

/// What an actor belongs to, for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binding {
    /// The device that first used it; `None`: headquarters itself.
    pub device: Option<DeviceId>,
    /// The document that it writes: so a change's hash, which covers its actor, names one change in one document.
    pub doc: DocId,
}

/// What an append did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// For every entry of the batch, in order: its number, and whether it was new.
    pub numbers: Vec<(u64, bool)>,
    /// The head after it.
    pub head: u64,
}

/// One admitted change, read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its number.
    pub no: u64,
    /// Its document.
    pub doc: DocId,
    /// The document's kind.
    pub kind: String,
    /// The document's subject.
    pub subject: SubjectId,
    /// Its name.
    pub hash: ChangeHash,
    /// The device that handed it in; `None`: headquarters.
    pub device: Option<DeviceId>,
    /// When it arrived, by the server's clock.
    pub received_at: Ms,
    /// The raw change.
    pub bytes: Vec<u8>,
}

/// A change in quarantine, read back for the desk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// Its row.
    pub id: i64,
    /// What was refused and why.
    pub refused: Refused,
    /// Who handed it in.
    pub device: Option<DeviceId>,
    /// The person of that device.
    pub user: UserId,
    /// When it arrived.
    pub received_at: Ms,
}

/// A change that a device handed in before in vain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// Code of the reason.
    pub code: String,
    /// Nobody has decided.
    pub open: bool,
}

/// A scope that a person holds or held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The scope.
    pub scope: Scope,
    /// Since which number; a device whose cursor is older lacks all of it.
    pub granted_no: u64,
    /// Since which number no longer; a device whose cursor is older must forget it.
    pub revoked_no: Option<u64>,
}

/// Where a long pull stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Begun {
    /// The head of its first page. What is granted later makes it begin again.
    pub head: u64,
    /// Everything up to this number was received.
    pub upto: u64,
}

/// What a device asks for.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// The person's scopes, from [`Feed::grant`].
    pub grants: &'a [Grant],
    /// The kinds that the person may read of what is their own.
    pub own_kinds: &'a BTreeSet<&'static str>,
    /// The kinds that the person may read in their territories.
    pub territory_kinds: &'a BTreeSet<&'static str>,
    /// The device's cursor: it holds everything up to this number. 0: nothing.
    pub base: u64,
    /// A long pull that goes on.
    pub begun: Option<Begun>,
    /// It stands at 0 because it was told to start again: it may hold documents that have left the scopes long ago.
    pub again: bool,
    /// At most this many documents.
    pub documents_max: usize,
}

/// A document on a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageDocument {
    /// Its id.
    pub doc: DocId,
    /// Its kind.
    pub kind: String,
    /// What it is about.
    pub subject: SubjectId,
    /// Its place in the pull.
    pub last_no: u64,
    /// `Some(n)`: the device holds it as of number `n` and lacks what came after. `None`: it lacks all of it.
    pub since: Option<u64>,
    /// It is the person's own, whatever territories show it too.
    pub own: bool,
}

/// One page of a pull, in order of number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The head of the snapshot that this page was read from.
    pub head: u64,
    /// Documents to give, by `last_no`, each once.
    pub documents: Vec<PageDocument>,
    /// Documents that left the person's scopes, with the number at which they left, by number.
    pub forgets: Vec<(u64, DocId)>,
    /// Everything up to this number is on this page.
    pub until: u64,
    /// Whether nothing follows: the device then stands at `head`.
    pub complete: bool,
}

/// The feed of one organisation. The module's head is its contract.
pub trait Feed: Handovers + Desk + Erasures + Absences + Send + Sync {
    /// The life of these numbers.
    ///
    /// # Errors
    /// When the storage fails.
    fn epoch(&self) -> Result<[u8; 16], FeedError>;

    /// Begins a new life: to be called once after a restore or a failover with loss.
    ///
    /// # Errors
    /// When the storage fails or there is no randomness.
    fn renew_epoch(&self) -> Result<[u8; 16], FeedError>;

    /// The last number given out; 0 when nothing was appended yet.
    ///
    /// # Errors
    /// When the storage fails.
    fn head(&self) -> Result<u64, FeedError>;

    /// Appends a batch, all or nothing, durably.
    ///
    /// # Errors
    /// [`FeedError::ActorTaken`], [`FeedError::AnotherDocument`], [`FeedError::NoDocument`], or the storage.
    fn append(&self, hand: &Hand, batch: &Batch) -> Result<Appended, FeedError>;

    /// A document as the feed knows it.
    ///
    /// # Errors
    /// When the storage fails.
    fn document(&self, doc: DocId) -> Result<Option<Document>, FeedError>;

    /// Where a subject is filed.
    ///
    /// # Errors
    /// When the storage fails.
    fn filing(&self, subject: SubjectId) -> Result<Option<Filing>, FeedError>;

    /// What an actor belongs to; `None` when nobody used it yet.
    ///
    /// # Errors
    /// When the storage fails.
    fn actor(&self, actor: &ActorId) -> Result<Option<Binding>, FeedError>;

    /// Which of these changes of a document the feed holds.
    ///
    /// # Errors
    /// When the storage fails.
    fn known(&self, doc: DocId, hashes: &[ChangeHash]) -> Result<BTreeSet<ChangeHash>, FeedError>;

    /// Which of these changes of a document were refused before, and do not only wait for what they build on.
    ///
    /// # Errors
    /// When the storage fails.
    fn refused(&self, doc: DocId, hashes: &[ChangeHash]) -> Result<BTreeSet<ChangeHash>, FeedError>;

    /// Which of these changes of a document this device handed in before in vain. What has come into the feed all the same, from a copy of
    /// the device or by way of another one, is not among them.
    ///
    /// # Errors
    /// When the storage fails.
    fn set_aside(&self, device: DeviceId, doc: DocId, hashes: &[ChangeHash]) -> Result<BTreeMap<ChangeHash, SetAside>, FeedError>;

    /// The changes of a document after a number, in order, raw; without these.
    ///
    /// # Errors
    /// When the storage fails.
    fn changes(&self, doc: DocId, after: u64, but: &BTreeSet<ChangeHash>) -> Result<Vec<Vec<u8>>, FeedError>;

    /// Whether every change of a document is one of these, and came after number `above`.
    ///
    /// # Errors
    /// When the storage fails.
    fn is_all_of(&self, doc: DocId, these: &BTreeSet<ChangeHash>, above: u64) -> Result<bool, FeedError>;

    /// Entries after a number, whatever their scope, at most `entries_max`: how the headquarters replica follows.
    ///
    /// # Errors
    /// When the storage fails.
    fn follow(&self, after: u64, entries_max: usize) -> Result<Vec<Entry>, FeedError>;

    /// Compares the scopes that a person has now with those given before, records the difference under new numbers, and
    /// returns all that were ever given.
    ///
    /// # Errors
    /// When the storage fails.
    fn grant(&self, user: UserId, role: &str, scopes: &BTreeSet<Scope>) -> Result<Vec<Grant>, FeedError>;

    /// One page of a pull.
    ///
    /// # Errors
    /// When the storage fails.
    fn page(&self, ask: &Ask<'_>) -> Result<Page, FeedError>;

    /// Every document that the asker may hold, with its heads, at the returned head: what the digest is made of.
    ///
    /// # Errors
    /// When the storage fails.
    fn held(&self, ask: &Ask<'_>) -> Result<(u64, Vec<HeldDocument>), FeedError>;

    /// The head, how many documents the asker's devices hold when at rest, and the XOR of their fingerprints: what
    /// [`Self::held`] comes to, kept with every append, so that asking costs the same whatever the size of the feed.
    ///
    /// # Errors
    /// When the storage fails.
    fn digest(&self, ask: &Ask<'_>) -> Result<(u64, u64, u64), FeedError>;

    /// Of these documents, those that the asker may hold, each as one of which the device lacks all.
    ///
    /// # Errors
    /// When the storage fails.
    fn seen(&self, ask: &Ask<'_>, docs: &[DocId]) -> Result<Vec<PageDocument>, FeedError>;

    /// A number kept under a name beside the feed, such as the day for which windows were last moved on.
    ///
    /// # Errors
    /// When the storage fails.
    fn mark(&self, name: &str) -> Result<Option<i64>, FeedError>;

    /// Keeps a number under a name.
    ///
    /// # Errors
    /// When the storage fails.
    fn put_mark(&self, name: &str, value: i64) -> Result<(), FeedError>;

    /// The newest rows of the quarantine.
    ///
    /// # Errors
    /// When the storage fails.
    fn quarantine(&self, rows_max: usize) -> Result<Vec<Quarantined>, FeedError>;
}
