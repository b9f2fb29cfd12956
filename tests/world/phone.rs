//! A phone: a replica with a clock of its own, in memory or on a file that outlives the process. What it saved is written
//! down beside it, so that a test can ask what became of each change.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use roadbook_core::exchange::Profile;
use roadbook_core::ids::{ChangeHash, DeviceId, DocId, Ms, UserId};
use roadbook_core::replica::{Replica, ReplicaError, Stamp, Start};
use roadbook_core::store::{Check, Durability, OpenOptions, OwnStanding};
use roadbook_core::sync::Synced;

use super::chance::Chance;

/// Memory for pages of a phone in a test, in KiB.
const CACHE_KIB: u32 = 1_024;
/// More own changes than any test makes.
const OWN_MAX: usize = 100_000;

/// A device and what it holds.
pub(crate) struct Phone {
    pub(crate) name: String,
    pub(crate) user: UserId,
    pub(crate) device: DeviceId,
    /// What its clock says less the true time, in milliseconds.
    pub(crate) clock_error_ms: i64,
    /// Every change that was ever saved here, with its document: no replica's own word.
    pub(crate) saved: BTreeMap<ChangeHash, DocId>,
    replica: Option<Replica>,
    file: Option<PathBuf>,
    chance: Chance,
}

impl Phone {
    /// An enrolled phone. With a folder its file is there; without one it lives in memory and cannot crash.
    pub(crate) fn new(name: &str, user: UserId, device: DeviceId, profile: &Profile, folder: Option<&Path>, chance: Chance) -> Self {
        let file = folder.map(|folder| folder.join(format!("{name}.sqlite")));
        let mut phone =
            Self { name: name.to_owned(), user, device, clock_error_ms: 0, saved: BTreeMap::new(), replica: None, file, chance };
        phone.start(Ms(0));
        phone.replica_mut().enrolled(device, profile).unwrap();
        phone
    }

    /// Starts the process: its entropy is fresh, as after every start.
    fn start(&mut self, now: Ms) {
        let process = self.chance.bytes();
        let replica = match &self.file {
            None => Replica::in_memory(process).unwrap(),
            Some(path) => {
                // The process dies in these tests, not the machine: what SQLite was told is kept, synced or not.
                let open = OpenOptions { durability: Durability::Rebuildable, cache_kib: CACHE_KIB, check: Check::Quick, now, key: None };
                let (replica, set_aside) = Replica::open(path, &Start { open, process }).unwrap();
                assert!(set_aside.is_none(), "{}: the file was set aside", self.name);
                replica
            }
        };
        self.replica = Some(replica);
    }

    /// The process dies and is started again. In memory there is nothing that could outlive it: then nothing happens.
    pub(crate) fn crash(&mut self, now: Ms) {
        if self.file.is_some() {
            self.replica = None;
            self.start(now);
        }
    }

    /// The file as a backup takes it: while nothing runs.
    pub(crate) fn back_up(&mut self, now: Ms) -> PathBuf {
        self.replica = None;
        let file = self.file.clone().unwrap();
        let backup = file.with_extension("backup");
        std::fs::copy(&file, &backup).unwrap();
        self.start(now);
        backup
    }

    /// The phone goes on from a backup.
    pub(crate) fn restore(&mut self, backup: &Path, now: Ms) {
        self.replica = None;
        let file = self.file.clone().unwrap();
        for ending in ["-wal", "-shm"] {
            let _absent = std::fs::remove_file(format!("{}{ending}", file.display()));
        }
        std::fs::copy(backup, &file).unwrap();
        self.start(now);
    }

    /// Another phone on which a backup was restored: it believes to be the first one.
    pub(crate) fn copied(&mut self, name: &str, device: DeviceId, backup: &Path, now: Ms) -> Self {
        let file = backup.with_file_name(format!("{name}.sqlite"));
        std::fs::copy(backup, &file).unwrap();
        let chance = self.chance.branch(name);
        let mut phone = Self {
            name: name.to_owned(),
            user: self.user,
            device,
            clock_error_ms: 0,
            saved: BTreeMap::new(),
            replica: None,
            file: Some(file),
            chance,
        };
        phone.start(now);
        phone
    }

    /// The process ends; [`Self::crash`] starts it again.
    pub(crate) fn stop(&mut self) {
        self.replica = None;
    }

    /// Where its file is.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    pub(crate) fn replica(&self) -> &Replica {
        self.replica.as_ref().unwrap()
    }
    pub(crate) fn replica_mut(&mut self) -> &mut Replica {
        self.replica.as_mut().unwrap()
    }

    /// What its clock says at a true moment.
    pub(crate) const fn clock(&self, now: Ms) -> Ms {
        now.plus(self.clock_error_ms)
    }

    /// A stamp of its user at a true moment.
    pub(crate) fn stamp(&mut self, now: Ms) -> Stamp {
        Stamp { author: self.user, now: self.clock(now), entropy: self.chance.bytes() }
    }

    /// Takes an answer in, at a true moment.
    pub(crate) fn take_answer(&mut self, frame: &[u8], now: Ms) -> Result<Synced, ReplicaError> {
        let clock = self.clock(now);
        self.replica_mut().sync_answer(frame, clock)
    }

    /// Does something with the replica and writes down what it saved.
    pub(crate) fn working<T>(&mut self, work: impl FnOnce(&mut Replica) -> T) -> T {
        let replica = self.replica.as_mut().unwrap();
        let before = replica.store().read(|read| read.recorded_no()).unwrap();
        let done = work(replica);
        let new = replica.store().read(|read| read.own_changes(OwnStanding::Waiting, before, OWN_MAX)).unwrap();
        self.saved.extend(new.into_iter().map(|own| (own.hash, own.doc)));
        done
    }
}
