//! Headquarters of the world: accounts, feed and replica of the real server library on files of this test alone, without HTTP.
//! Its files are in a folder, or on a simulated disk. It answers frames; people at their desks write through it as the console does.
//!
//! * [`starts`] – how it starts, and starts again.

#[path = "office_starts.rs"]
mod starts;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use roadbook_core::blobs::wire::BlobRequest;
use roadbook_core::crdt::Document;
use roadbook_core::crdt::gate::Gate;
use roadbook_core::exchange::knock::{Knock, is_knock};
use roadbook_core::exchange::{Profile, Request, WireError};
use roadbook_core::ids::{BlobHash, ChangeHash, DeviceId, DocId, EntryId, Ms, SubjectId, TerritoryId, UserId};
use roadbook_core::model::{Edit, Provenance, Source, Value, kinds};
use roadbook_core::replica::Replica;
use roadbook_core::replica::field::Work;
use roadbook_server::access::Reach;
use roadbook_server::accounts::{Accounts, AccountsError, NewUser, Territory, User, Who};
use roadbook_server::blobs::{Blobs, BlobsAnswered};
use roadbook_server::device::{Caller, Standing};
use roadbook_server::erasures::{self, Line};
use roadbook_server::exchange::knocking::Knocked;
use roadbook_server::exchange::scope::{BROAD_CUSTOMERS_MIN, tells_rows};
use roadbook_server::exchange::{Answered, Exchange, Portions, profile};
use roadbook_server::feed::{Batch, DeskState, Erased, Feed, Filing, Hand, NewEntry, Quarantined};
use roadbook_server::headquarters::{Headquarters, described};
use roadbook_server::quarantine::Quarantine;
use roadbook_server::rounds::{self, UrgentRule};
use roadbook_server::storage::{BLOBS_FOLDER, ERASURES_FILE};

use super::cast::{self, OFFSET_MINUTES, PEOPLE};
use super::chance::Chance;
use super::disk::Disk;
use super::kept::Kept;

use starts::{Opened, open, said};

/// More rows than any test sets aside.
pub(crate) const QUARANTINE_MAX: usize = 100_000;

/// The server.
pub(crate) struct Office {
    pub(crate) accounts: Accounts,
    pub(crate) feed: Arc<dyn Feed>,
    headquarters: Headquarters,
    exchange: Exchange,
    pub(crate) blobs: Blobs,
    place: Place,
    /// The names of what is being tried: plain files.
    trials: tempfile::TempDir,
    chance: Chance,
    /// How often it was put back from a backup.
    life: u64,
    /// Customers from which on rows are told in place of documents.
    rows_from: u64,
    portions: Portions,
    /// Its replica's file, where that outlives its process; otherwise every start makes the replica anew from the feed.
    kept: Option<Kept>,
    /// Every life of the feed that it has seen.
    epochs: BTreeSet<[u8; 16]>,
}

/// Where its files are.
pub(crate) enum Place {
    /// In a folder of this machine. The process can die, the machine does not.
    Folder(PathBuf),
    /// On a simulated disk, as durable as the real server.
    Disk(Disk),
}

/// Why a frame got no answer.
#[derive(Debug)]
pub(crate) enum Unanswered {
    /// It is no request, or of nobody known.
    Unreadable(String),
    /// The device may hold nothing any more, and has handed in everything.
    Gone,
    /// The server failed: its disk, or it is wrong.
    Failed(String),
}

impl std::fmt::Display for Unanswered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unreadable(why) | Self::Failed(why) => f.write_str(why),
            Self::Gone => f.write_str("gone"),
        }
    }
}

impl Office {
    /// A server with the cast's territories and people, and nothing else.
    pub(crate) fn new(place: Place, chance: Chance, now: Ms) -> Self {
        let office = Self::over(place, chance, now).unwrap();
        for (id, name) in [(cast::EAST, "城东"), (cast::WEST, "城西")] {
            let territory = Territory { id: TerritoryId(id.to_owned()), parent: None, name: name.to_owned() };
            office.accounts.set_territory(now, &Who::default(), &territory).unwrap();
        }
        for person in PEOPLE {
            let territories = person.territories.iter().map(|id| TerritoryId((*id).to_owned())).collect();
            let new = NewUser {
                id: cast::user(person.login),
                login: person.login.to_owned(),
                name: person.name.to_owned(),
                role: person.role,
                password: None,
                territories,
            };
            office.accounts.add_user(now, &Who::default(), &new).unwrap();
        }
        office
    }

    /// A server over what its files hold.
    pub(crate) fn over(place: Place, mut chance: Chance, now: Ms) -> Result<Self, String> {
        let trials = super::folder();
        let Opened { accounts, feed, headquarters, exchange, blobs } = open(&place, trials.path(), None, chance.bytes(), now)?;
        let epochs = BTreeSet::from([feed.epoch().map_err(said)?]);
        Ok(Self {
            accounts,
            feed,
            headquarters,
            exchange,
            blobs,
            place,
            trials,
            chance,
            life: 0,
            rows_from: BROAD_CUSTOMERS_MIN,
            portions: Portions::default(),
            kept: None,
            epochs,
        })
    }

    /// From now on rows are told in place of documents to whoever oversees so many customers.
    pub(crate) fn tell_rows_from(&mut self, customers: u64, now: Ms) {
        self.rows_from = customers;
        self.start(now).unwrap();
    }

    /// From now on answers come in such portions.
    pub(crate) fn answer_in(&mut self, portions: Portions, now: Ms) {
        self.portions = portions;
        self.start(now).unwrap();
    }

    /// Whether a person was told rows in place of documents when they last asked.
    pub(crate) fn tells_rows(&self, user: &User) -> bool {
        tells_rows(self.feed.as_ref(), user).unwrap()
    }

    /// Customers from which on that is so.
    pub(crate) const fn rows_from(&self) -> u64 {
        self.rows_from
    }

    /// How often it was put back from a backup.
    pub(crate) const fn life(&self) -> u64 {
        self.life
    }

    /// Its simulated disk.
    pub(crate) fn disk(&self) -> &Disk {
        match &self.place {
            Place::Disk(disk) => disk,
            Place::Folder(_) => panic!("this server has no simulated disk"),
        }
    }

    /// Enrols a device of a person and returns what it is told.
    pub(crate) fn enrol(&mut self, user: UserId, device: DeviceId, name: &str, now: Ms) -> Profile {
        let code = self.accounts.issue_code(now, &Who::default(), user).unwrap();
        self.accounts.enroll_device(now, "test", &code, device, &cast::key(device).public().to_sec1(), name).unwrap().unwrap();
        self.profile(user)
    }

    /// What a person's device is told of them.
    pub(crate) fn profile(&self, user: UserId) -> Profile {
        profile::of(&self.accounts, OFFSET_MINUTES, &self.person(user)).unwrap()
    }

    /// Puts a customer's card with its history into the feed as headquarters' own, filed so.
    pub(crate) fn plant(&self, now: Ms, subject: SubjectId, filing: Filing, document: &Document) {
        let (gate, user, doc) = (Gate::strict(), cast::user("ad"), subject.customer());
        let known = kinds::ready(kinds::CUSTOMER.id).unwrap().genesis.heads();
        let entries = document.changes_since(&known).into_iter().map(|change| {
            let identity = gate.identify(&change.bytes).unwrap();
            NewEntry { doc, hash: change.hash, deps: identity.deps, actor: identity.actor, author: user, bytes: change.bytes }
        });
        let batch = Batch {
            entries: entries.collect(),
            documents: vec![described(doc, kinds::CUSTOMER.id, subject, None)],
            filings: vec![(subject, filing)],
            ..Batch::default()
        };
        self.feed.append(&Hand { device: None, user, now }, &batch).unwrap();
        self.headquarters.hold().follow(now, BTreeMap::new()).unwrap();
    }

    /// A person.
    pub(crate) fn person(&self, user: UserId) -> User {
        self.accounts.user(user).unwrap().unwrap()
    }

    /// Answers a frame of a device; what cannot be read is refused, as the HTTP room does.
    pub(crate) fn answer(&mut self, device: DeviceId, frame: &[u8], now: Ms) -> Result<Vec<u8>, Unanswered> {
        let unreadable = |e: WireError| Unanswered::Unreadable(e.to_string());
        let failed = |error: &dyn std::fmt::Display| Unanswered::Failed(error.to_string());
        let caller = self.caller(device)?;
        let answered = if is_knock(frame) {
            match self.exchange.knock(now, &caller, &Knock::decode(frame).map_err(unreadable)?).map_err(|e| failed(&e))?.0 {
                Knocked::Reply(reply) => return Ok(reply.encode()),
                Knocked::Answered(answered) => answered,
            }
        } else {
            self.exchange.answer(now, &caller, &Request::decode(frame).map_err(unreadable)?).map_err(|e| failed(&e))?.0
        };
        match answered {
            Answered::Answer(answer) => answer.encode().map_err(|e| failed(&e)),
            Answered::Gone => Err(Unanswered::Gone),
        }
    }

    fn caller(&self, device: DeviceId) -> Result<Caller, Unanswered> {
        let failed = |error: AccountsError| Unanswered::Failed(error.to_string());
        let device = self.accounts.device(device).map_err(failed)?;
        let device = device.ok_or_else(|| Unanswered::Unreadable("nobody known".to_owned()))?;
        let user = self.accounts.user(device.user).map_err(failed)?.unwrap();
        let standing = Standing::of(&device, &user);
        Ok(Caller { device, user, standing })
    }

    /// Answers a frame about photos.
    pub(crate) fn answer_blobs(&self, device: DeviceId, frame: &[u8], now: Ms) -> Result<Vec<u8>, Unanswered> {
        let request = BlobRequest::decode(frame).map_err(|e| Unanswered::Unreadable(e.to_string()))?;
        match self.blobs.answer(now, &self.caller(device)?, &request).map_err(|e| Unanswered::Failed(e.to_string()))? {
            BlobsAnswered::Answer(answer) => Ok(answer.encode().unwrap()),
            BlobsAnswered::Gone => Err(Unanswered::Gone),
        }
    }

    /// The chunks of photos go back to what the tables know of: their folder comes from the same backup.
    pub(crate) fn forget_chunks_of_nobody(&self) {
        for chunk in self.chunk_files() {
            let hash: BlobHash = chunk.file_name().unwrap().to_str().unwrap().parse().unwrap();
            if self.blobs.table().stored(&[hash]).unwrap().is_empty() {
                std::fs::remove_file(chunk).unwrap();
            }
        }
    }

    /// The files of the chunks of photos, in the order of their names.
    pub(crate) fn chunk_files(&self) -> Vec<PathBuf> {
        let folder = match &self.place {
            Place::Folder(folder) => folder.as_path(),
            Place::Disk(_) => self.trials.path(),
        };
        let Ok(shelves) = std::fs::read_dir(folder.join(BLOBS_FOLDER).join("chunk")) else { return Vec::new() };
        let files = shelves.flat_map(|shelf| std::fs::read_dir(shelf.unwrap().path()).unwrap());
        let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
        files.sort();
        files
    }

    /// How many chunks of photos lie at headquarters.
    pub(crate) fn chunks_stored(&self) -> usize {
        self.chunk_files().len()
    }

    /// How many photos of a visit headquarters still waits for, and whether the visit is complete.
    pub(crate) fn photos_missing(&self, visit: DocId) -> (usize, bool) {
        let photos = self.read(|replica| replica.visit(visit)).unwrap().map(|visit| visit.photos()).unwrap_or_default();
        let held = self.blobs.table().held_of(&[visit]).unwrap().remove(&visit).unwrap_or_default();
        let missing = photos.iter().filter(|photo| !held.contains(&photo.hash)).count();
        (missing, photos.iter().flat_map(|photo| photo.hashes()).all(|hash| held.contains(&hash)))
    }

    /// A photo as a person gets it at the console.
    pub(crate) fn photo(&self, login: &str, visit: DocId, hash: BlobHash) -> Option<Vec<u8>> {
        let user = self.person(cast::user(login));
        let reach = Reach::of(user.role, self.accounts.territories_below(&user.territories).unwrap());
        self.blobs.read(&user, &reach, visit, hash).unwrap().map(|whole| whole.bytes)
    }

    /// What headquarters does on its own as time passes; returns how many documents changed.
    pub(crate) fn round(&self, rule: &UrgentRule, now: Ms) -> usize {
        let changed = rounds::escalate(&self.headquarters, &self.accounts, rule, now).unwrap().changed.len();
        self.rest(now);
        self.blobs.sweep(now).unwrap();
        changed
    }

    /// Some time passes in which headquarters does what it does then.
    pub(crate) fn rest(&self, now: Ms) {
        self.headquarters.note_settled(now).unwrap();
    }

    /// Commits work in a person's name, as the console does; headquarters files a customer by what its side of the card says.
    pub(crate) fn commit(&mut self, author: UserId, now: Ms, work: &Work) {
        self.headquarters.commit(author, now, work).unwrap();
    }

    /// Reads the replica.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&Replica) -> T) -> T {
        self.headquarters.read(read)
    }

    /// The last number of the feed.
    pub(crate) fn head(&self) -> u64 {
        self.feed.head().unwrap()
    }

    /// Which of these changes the feed holds.
    pub(crate) fn known(&self, saved: &BTreeMap<ChangeHash, DocId>) -> BTreeSet<ChangeHash> {
        let mut by_doc: BTreeMap<DocId, Vec<ChangeHash>> = BTreeMap::new();
        for (hash, doc) in saved {
            by_doc.entry(*doc).or_default().push(*hash);
        }
        by_doc.into_iter().flat_map(|(doc, hashes)| self.feed.known(doc, &hashes).unwrap()).collect()
    }

    /// Erases what is known of a stakeholder.
    pub(crate) fn erase(&self, now: Ms, customer: SubjectId, stakeholder: EntryId) -> Erased {
        let (by, asked_by, reason) = (cast::user("cg"), "张老板本人".to_owned(), "不再合作".to_owned());
        let line = Line { at_ms: now, customer, stakeholder, by, asked_by, reason };
        erasures::append(&self.trials.path().join(ERASURES_FILE), &line).unwrap();
        self.headquarters.erase_person(&line).unwrap().0
    }

    /// What an erasure left to be done, as the rounds of the server do it.
    pub(crate) fn scour(&self) {
        self.headquarters.scour().unwrap();
    }

    /// What people decide about what was set aside.
    pub(crate) fn desk(&self) -> Quarantine<'_> {
        Quarantine { accounts: &self.accounts, feed: self.feed.as_ref(), headquarters: &self.headquarters }
    }

    fn folder(&self) -> PathBuf {
        match &self.place {
            Place::Folder(folder) => folder.clone(),
            Place::Disk(_) => panic!("this server has no folder"),
        }
    }

    /// Which of these changes are in the feed or set aside.
    pub(crate) fn has(&self, saved: &BTreeMap<ChangeHash, DocId>) -> BTreeSet<ChangeHash> {
        let mut has = self.known(saved);
        has.extend(self.quarantine().into_iter().map(|row| row.refused.hash).filter(|hash| saved.contains_key(hash)));
        has
    }

    /// Whether a device may hold anything.
    pub(crate) fn serves(&self, device: DeviceId) -> bool {
        let Some(device) = self.accounts.device(device).unwrap() else { return false };
        device.revoked_at.is_none() && !self.person(device.user).disabled
    }

    /// How many changes waited on a device when it was last heard of.
    pub(crate) fn waits_on(&self, device: DeviceId) -> Option<u64> {
        let device = self.accounts.device(device).unwrap()?;
        device.seen_at.map(|_| device.waiting)
    }

    /// Whether somebody ordered a device to wipe itself.
    pub(crate) fn ordered_to_wipe(&self, device: DeviceId) -> bool {
        self.accounts.orders(device).unwrap().wipe_at.is_some()
    }

    /// Whether whoever decides about what was set aside has news.
    pub(crate) fn desk_has_moved(&self) -> bool {
        self.exchange.desk_has_moved()
    }

    /// The reasons of what waits for somebody to decide.
    pub(crate) fn open_rows(&self) -> Vec<String> {
        self.feed.desk(Some(DeskState::Open), QUARANTINE_MAX).unwrap().into_iter().map(|row| row.row.refused.code).collect()
    }

    /// What was set aside.
    pub(crate) fn quarantine(&self) -> Vec<Quarantined> {
        self.feed.quarantine(QUARANTINE_MAX).unwrap()
    }
}

/// An edit of the office side.
pub(crate) fn office_fact(field: &str, value: impl Into<Value>) -> Edit {
    Edit::Assert { field: field.to_owned(), value: value.into(), provenance: Provenance::of(Source::Office) }
}
