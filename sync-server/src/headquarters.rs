//! The headquarters replica: a core store with full scope, in step with the feed. The gate tries changes on it, the console reads
//! its rows, and headquarters' own edits are changes like any other: prepared here, appended to the feed, taken in.
//!
//! Belongs here: following the feed, committing work of headquarters, carrying out what is owed (`duties`). Never here: HTTP, rights
//! of a request, SQL. The file can be thrown away: it is rebuilt from the feed at the next start.

mod desk;
mod entering;
mod erasing;
mod filing;
mod founding;
mod renewal;
mod settled;
mod step;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use roadbook_core::crdt::gate::{Gate, Refusal};
use roadbook_core::crdt::{Document as CrdtDocument, DocumentError, RawChange};
use roadbook_core::ids::{DocId, Ms, SubjectId, UserId};
use roadbook_core::model::kinds;
use roadbook_core::replica::field::Work;
use roadbook_core::replica::{Admitted, Replica, ReplicaError, Start};
use roadbook_core::store::{OpenOptions, PullPosition, StoreError};

use crate::accounts::{Accounts, AccountsError, Act};
use crate::clock::{NoEntropy, random};
use crate::duties::{self, Duty};
use crate::feed::{Entry, Feed, FeedError};
use desk::Desk;
pub use filing::{command_for, described, filed_by, fits};
pub use founding::{Founder, founds, owner_of};
pub use renewal::renew;
use renewal::renew_when_it_went_back;

/// Entries of the feed taken in by one commit.
const FOLLOW_ENTRIES_MAX: usize = 1_000;
/// Rounds of duties after one push: a duty may bring about another (a decision, then its effect), never more than a few.
const DUTY_ROUNDS_MAX: usize = 8;
/// Reading connections that are kept open.
const READERS_IDLE_MAX: usize = 10;
/// Page cache of a reading connection, in KiB.
const READER_CACHE_KIB: u32 = 8 << 10;

/// Why headquarters could not follow or write.
#[derive(Debug, thiserror::Error)]
pub enum HeadquartersError {
    /// The replica refused.
    #[error(transparent)]
    Replica(#[from] ReplicaError),
    /// The feed failed.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// The account tables failed.
    #[error(transparent)]
    Accounts(#[from] AccountsError),
    /// No randomness.
    #[error(transparent)]
    NoEntropy(#[from] NoEntropy),
    /// A change of headquarters' own did not pass its own reading.
    #[error("headquarters made a change that it refuses itself: {0}")]
    OwnChange(#[from] Refusal),
    /// One piece of work writes a document twice, from two states of it or as two kinds. Nothing was written.
    #[error(
        "{kind} {doc} is written twice by one piece of work, from two states of it: put its edits together, or commit them one after the other"
    )]
    TwiceInOne {
        /// The document.
        doc: DocId,
        /// Its kind.
        kind: &'static str,
    },
    /// What the feed holds of a document cannot be put together.
    #[error(
        "{kind} {doc} of the feed cannot be opened with its changes up to {number}: {source}; restore the latest backup in which it opens: the phones hand in what came since"
    )]
    Unreadable {
        /// The document.
        doc: DocId,
        /// Its kind.
        kind: String,
        /// The last of the entries that were tried.
        number: u64,
        /// What the engine said.
        source: DocumentError,
    },
    /// The replica's file cannot be moved out of the way.
    #[error("{path} is of another life of the feed and cannot be removed: {source}")]
    Remove {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl HeadquartersError {
    /// Whether the same work would fail in the same way whenever it is tried again: nothing is wrong with a disk.
    fn is_for_good(&self) -> bool {
        match self {
            Self::Replica(error) => !matches!(error, ReplicaError::Store(_)),
            Self::Feed(error) => match error {
                FeedError::ActorTaken(_) | FeedError::AnotherDocument(_) | FeedError::Erased(_) | FeedError::NoDocument(_) => true,
                FeedError::Sqlite(_) | FeedError::Trials(_) | FeedError::NoEntropy(_) => false,
            },
            Self::OwnChange(_) | Self::TwiceInOne { .. } => true,
            Self::Accounts(_) | Self::NoEntropy(_) | Self::Unreadable { .. } | Self::Remove { .. } => false,
        }
    }
}

impl From<StoreError> for HeadquartersError {
    fn from(error: StoreError) -> Self {
        Self::Replica(error.into())
    }
}

/// A document that changed, as whoever listens for news is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The document.
    pub doc: DocId,
    /// Its kind.
    pub kind: String,
    /// What it is about.
    pub subject: SubjectId,
}

/// What following or a commit brought.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Followed {
    /// Documents that changed, each once.
    pub changed: Vec<Changed>,
    /// Customers that changed territory or owner by what was committed or carried out.
    pub filed: BTreeSet<SubjectId>,
    /// Headquarters' sides of cards that somebody's decision wrote when it was carried out.
    pub guarded: BTreeSet<DocId>,
    /// Everything up to this number is taken in.
    pub number: u64,
}

impl Followed {
    /// What moved and what was decided about guarded values, as the audit log says it.
    pub fn decided_lines(&self) -> impl Iterator<Item = (Act, String)> {
        let filed = self.filed.iter().map(|subject| (Act::CustomerFiled, subject.to_string()));
        filed.chain(self.guarded.iter().map(|doc| (Act::GuardedValueSet, format!("{} {doc}", kinds::OFFICE.id))))
    }
}

/// Headquarters. Cheap to share; one writer at a time.
#[derive(Clone)]
pub struct Headquarters {
    inner: Arc<Mutex<Inner>>,
    readers: Arc<Readers>,
    reached: Arc<AtomicU64>,
}

/// Connections that only read, so that nobody who looks waits for whoever writes.
struct Readers {
    /// `None`: headquarters is in memory, and is read where it is written.
    file: Option<(PathBuf, [u8; 16])>,
    idle: Mutex<Vec<Replica>>,
}

impl Readers {
    fn take(&self) -> Option<Replica> {
        let (path, process) = self.file.as_ref()?;
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.or_else(|| match Replica::open_reader(path, READER_CACHE_KIB, None, *process) {
            Ok(replica) => Some(replica),
            Err(error) => {
                tracing::warn!(%error, "headquarters is read through its writer");
                None
            }
        })
    }
    fn give_back(&self, replica: Replica) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < READERS_IDLE_MAX {
            idle.push(replica);
        }
    }
}

/// The replica with the feed it follows, held by one thread.
pub struct Inner {
    replica: Replica,
    feed: Arc<dyn Feed>,
    accounts: Accounts,
    gate: Gate,
    /// Something was taken in, and what it owes is not carried out yet: a disk failed in between.
    unsettled: bool,
    /// Everything of the feed up to this number is in the replica, for readers too.
    reached: Arc<AtomicU64>,
}

impl Headquarters {
    /// Opens the replica's file, rebuilding it when it belongs to another life of the feed (which begins when the feed's file went
    /// back), and catches up.
    ///
    /// # Errors
    /// [`HeadquartersError`].
    pub fn open(path: &Path, feed: Arc<dyn Feed>, accounts: Accounts, offset_minutes: i32, now: Ms) -> Result<Self, HeadquartersError> {
        let start = Start { open: OpenOptions::headquarters(now), process: random()? };
        let (mut replica, aside) = Replica::open(path, &start)?;
        if let Some(aside) = aside {
            let file = aside.path.display();
            tracing::warn!(%file, "headquarters' replica was damaged: it is made anew from the feed; the damaged file may be deleted");
        }
        let position = replica.store().read(|read| read.pull_position())?;
        renew_when_it_went_back(feed.as_ref(), &accounts, now, position)?;
        if position.epoch != [0; 16] && position.epoch != feed.epoch()? {
            drop(replica);
            for end in ["", "-wal", "-shm"] {
                remove(&PathBuf::from(format!("{}{end}", path.display())))?;
            }
            replica = Replica::open(path, &start)?.0;
        }
        let inner = Self::catch_up(replica, feed, accounts, offset_minutes, now)?;
        Ok(Self::over(inner, Some((path.to_owned(), start.process))))
    }

    /// Headquarters in memory: for tests and tools.
    ///
    /// # Errors
    /// [`HeadquartersError`].
    pub fn in_memory(
        feed: Arc<dyn Feed>,
        accounts: Accounts,
        offset_minutes: i32,
        process: [u8; 16],
        now: Ms,
    ) -> Result<Self, HeadquartersError> {
        Ok(Self::over(Self::catch_up(Replica::in_memory(process)?, feed, accounts, offset_minutes, now)?, None))
    }

    fn over(inner: Inner, file: Option<(PathBuf, [u8; 16])>) -> Self {
        let reached = Arc::clone(&inner.reached);
        Self { inner: Arc::new(Mutex::new(inner)), readers: Arc::new(Readers { file, idle: Mutex::default() }), reached }
    }

    fn catch_up(
        mut replica: Replica,
        feed: Arc<dyn Feed>,
        accounts: Accounts,
        offset_minutes: i32,
        now: Ms,
    ) -> Result<Inner, HeadquartersError> {
        replica.put_offset_minutes(offset_minutes)?;
        let mut inner = Inner { replica, feed, accounts, gate: Gate::strict(), unsettled: false, reached: Arc::default() };
        inner.forget_erased()?;
        inner.begin(now)?;
        Ok(inner)
    }

    /// Holds headquarters for this thread: judging, appending and taking in belong together.
    pub fn hold(&self) -> MutexGuard<'_, Inner> {
        // A panic while it was held left the file consistent: every write is one transaction.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the replica as of its last commit, beside whoever writes.
    pub fn read<T>(&self, read: impl FnOnce(&Replica) -> T) -> T {
        let Some(reader) = self.readers.take() else { return read(&self.hold().replica) };
        let value = read(&reader);
        self.readers.give_back(reader);
        value
    }

    /// Commits work in a person's name, and what it makes owed.
    ///
    /// # Errors
    /// [`HeadquartersError`]; nothing is then written.
    pub fn commit(&self, author: UserId, now: Ms, work: &Work) -> Result<Followed, HeadquartersError> {
        self.hold().commit(author, now, work)
    }
}

impl Inner {
    /// The replica.
    #[must_use]
    pub const fn replica(&self) -> &Replica {
        &self.replica
    }
    /// The feed.
    #[must_use]
    pub fn feed(&self) -> &dyn Feed {
        self.feed.as_ref()
    }
    /// The gate for what devices hand in.
    #[must_use]
    pub const fn gate(&self) -> &Gate {
        &self.gate
    }

    /// The replica, to mend what is damaged in it.
    pub(crate) const fn replica_mut(&mut self) -> &mut Replica {
        &mut self.replica
    }

    /// Takes in what the feed has, and carries out what is owed for it, until nothing is left. `at_hand` are documents whose new
    /// state the caller has just worked out and appended; they are not loaded again.
    ///
    /// # Errors
    /// [`HeadquartersError`].
    pub fn follow(&mut self, now: Ms, at_hand: BTreeMap<DocId, CrdtDocument>) -> Result<Followed, HeadquartersError> {
        self.follow_corrected(now, at_hand, &Work::new())
    }

    /// As [`Self::follow`], with corrections of the clocks that made what has just arrived: they are written before anything is
    /// worked out that depends on when things happened.
    ///
    /// # Errors
    /// [`HeadquartersError`].
    pub fn follow_corrected(
        &mut self,
        now: Ms,
        at_hand: BTreeMap<DocId, CrdtDocument>,
        clocks: &Work,
    ) -> Result<Followed, HeadquartersError> {
        // Before anything that may fail: what is written next must build on it.
        let left = std::mem::replace(&mut self.unsettled, true);
        let mut followed = self.take_in(at_hand)?;
        if !clocks.is_empty() {
            self.append(duties::SYSTEM, now, clocks)?;
            let corrected = self.take_in(BTreeMap::new())?;
            followed.number = corrected.number;
            followed.changed.extend(corrected.changed);
        }
        if left {
            self.settle_what_a_crash_left(now)?;
        }
        if followed.changed.is_empty() {
            self.unsettled = false;
            return Ok(followed);
        }
        let fresh = followed.changed.clone();
        self.carry_out(now, fresh, &mut followed)?;
        self.unsettled = false;
        let mut told = BTreeSet::new();
        followed.changed.retain(|changed| told.insert(changed.doc));
        Ok(followed)
    }

    /// Carries out what is owed to these documents, and to those that it changes, and notes that it was done.
    fn carry_out(&mut self, now: Ms, mut fresh: Vec<Changed>, followed: &mut Followed) -> Result<(), HeadquartersError> {
        for _ in 0..DUTY_ROUNDS_MAX {
            let mut next = Vec::new();
            let mut asked = BTreeSet::new();
            for changed in fresh.iter().filter(|changed| asked.insert(changed.doc)) {
                for duty in self.owed(changed)? {
                    let (doc, decided) = (duty.target.doc, duty.target.kind.id == kinds::OFFICE.id && duty.author != duties::SYSTEM);
                    let work = vec![(duty.target, duty.edits)];
                    match self.append(duty.author, now, &work) {
                        Ok(filed) => {
                            followed.filed.extend(filed);
                            followed.guarded.extend(decided.then_some(doc));
                        }
                        // What came from outside may ask for something that can never be written (a field that does not exist, an
                        // id that another document has). It stays as it is, to be seen; it must not hold up anybody else.
                        Err(error) if error.is_for_good() => {
                            tracing::error!(%doc, %error, "something owed can never be written and is left; everything else goes on");
                        }
                        Err(other) => return Err(other),
                    }
                    // Taken in at once: the next duty may be about the same document, or owed no longer.
                    let round = self.take_in(BTreeMap::new())?;
                    followed.number = round.number;
                    next.extend(round.changed);
                }
            }
            if next.is_empty() {
                break;
            }
            followed.changed.extend(next.iter().cloned());
            fresh = next;
        }
        self.note_carried_out(followed.number)
    }

    /// Commits work in a person's name, and what it makes owed.
    ///
    /// # Errors
    /// [`HeadquartersError`]; nothing is then written.
    pub fn commit(&mut self, author: UserId, now: Ms, work: &Work) -> Result<Followed, HeadquartersError> {
        let filed = self.append(author, now, work)?;
        let mut followed = self.follow(now, BTreeMap::new())?;
        followed.filed.extend(filed);
        Ok(followed)
    }

    fn owed(&self, changed: &Changed) -> Result<Vec<Duty>, HeadquartersError> {
        if changed.kind == kinds::CUSTOMER.id {
            if self.replica.store().read(|read| read.holding(changed.subject.office()))?.is_some() {
                return Ok(Vec::new());
            }
            let Some(filing) = self.feed.filing(changed.subject)? else { return Ok(Vec::new()) };
            let territory = filing.territory.as_ref().map(|territory| territory.0.as_str());
            return Ok(vec![duties::office_of(changed.subject, territory, filing.owner, "active")]);
        }
        Ok(duties::owed(&self.replica, &Desk { inner: self }, changed.doc, changed.subject, &changed.kind)?)
    }

    fn take_in(&mut self, mut at_hand: BTreeMap<DocId, CrdtDocument>) -> Result<Followed, HeadquartersError> {
        // Before the look for entries: nobody else appends while headquarters is held.
        let (epoch, head) = (self.feed.epoch()?, self.feed.head()?);
        let mut followed = Followed { number: self.replica.store().read(|read| read.pull_position())?.number, ..Followed::default() };
        loop {
            let entries = self.feed.follow(followed.number, FOLLOW_ENTRIES_MAX)?;
            let Some(last) = entries.last() else {
                self.reached.store(head, Ordering::Release);
                return Ok(followed);
            };
            let number = last.no;
            let admitted = self.grouped(number, entries, &mut at_hand)?;
            self.replica.absorb(&admitted, |write| {
                write.put_pull_position(&PullPosition { epoch, number, checkpoint: None })?;
                Ok(())
            })?;
            followed.number = number;
            followed.changed.extend(admitted.into_iter().map(|item| Changed { doc: item.doc, kind: item.kind, subject: item.subject }));
        }
    }

    fn grouped(
        &self,
        number: u64,
        entries: Vec<Entry>,
        at_hand: &mut BTreeMap<DocId, CrdtDocument>,
    ) -> Result<Vec<Admitted>, HeadquartersError> {
        let mut order: Vec<DocId> = Vec::new();
        let mut groups: BTreeMap<DocId, (String, SubjectId, Vec<RawChange>)> = BTreeMap::new();
        for entry in entries {
            let group = groups.entry(entry.doc).or_insert_with(|| {
                order.push(entry.doc);
                (entry.kind, entry.subject, Vec::new())
            });
            group.2.push(RawChange { hash: entry.hash, bytes: entry.bytes });
        }
        let mut admitted = Vec::with_capacity(order.len());
        for doc in order {
            let Some((kind, subject, changes)) = groups.remove(&doc) else { continue };
            let known = at_hand.remove(&doc).filter(|document| changes.iter().all(|change| document.holds(&change.hash)));
            let document = match known {
                Some(document) => document,
                None => self.applied(number, doc, &kind, &changes)?,
            };
            admitted.push(Admitted { doc, kind, subject, document, changes });
        }
        Ok(admitted)
    }

    fn applied(&self, number: u64, doc: DocId, kind: &str, changes: &[RawChange]) -> Result<CrdtDocument, HeadquartersError> {
        let mut document = match self.replica.document(doc)? {
            Some(held) => held.document,
            None => {
                kinds::ready(kind).map(|ready| ready.genesis.clone()).ok_or_else(|| ReplicaError::NewerKind { kind: kind.to_owned() })?
            }
        };
        let unreadable = |source| HeadquartersError::Unreadable { doc, kind: kind.to_owned(), number, source };
        document.apply(changes).map_err(unreadable)?;
        Ok(document)
    }
}

/// Work handed over piece by piece in one person's name while headquarters is held: an import.
pub struct Importer<'a> {
    /// Headquarters, held.
    pub inner: &'a mut Inner,
    /// In whose name.
    pub author: UserId,
    /// When.
    pub now: Ms,
}

fn remove(path: &Path) -> Result<(), HeadquartersError> {
    match std::fs::remove_file(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(HeadquartersError::Remove { path: path.to_owned(), source }),
        _ => Ok(()),
    }
}
