//! A phone: a replica with a clock of its own, in memory, on a file that outlives the process, or on a simulated disk. What it saved is written
//! down beside it, so that a test can ask what became of each change.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use roadbook_core::exchange::Profile;
use roadbook_core::exchange::knock::is_knock;
use roadbook_core::ids::{BlobHash, ChangeHash, DeviceId, DocId, Ms, UserId};
use roadbook_core::replica::{Claimed, Replica, ReplicaError, Stamp, Start};
use roadbook_core::store::{Check, Durability, OpenOptions, OwnStanding, StoreError};
use roadbook_core::sync::{Opening, Synced};

use super::chance::Chance;
use super::disk::{Disk, Trouble};
use super::platter::{Loss, Platter};

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
    /// What it wrote anew without what was refused beneath it, with the new change: a wiped phone cannot tell any more.
    pub(crate) rewritten: BTreeMap<ChangeHash, ChangeHash>,
    /// The last answer was kept and left for later: the next one is not.
    left_last: bool,
    /// The photos of its visits that were taken in here and not taken back, since its storage was last put back.
    pub(crate) photos: BTreeSet<(DocId, BlobHash)>,
    /// Its storage was put back without the photos.
    pub(crate) lacks_files: bool,
    /// Where its clock has stopped, if it has.
    pub(crate) clock_stands_at: Option<Ms>,
    /// Its storage was put back, so that it may have forgotten what it was told.
    pub(crate) restored: bool,
    /// Number of the last save that returned.
    promised: u64,
    /// Number of the last save that is written down in `saved`.
    written_down: u64,
    replica: Option<Replica>,
    home: Home,
    chance: Chance,
}

/// Where a phone's file is.
pub(crate) enum Home {
    /// Nowhere: it lives in memory and cannot crash.
    Memory,
    /// In a folder of this machine. The process can die, the machine does not.
    File(PathBuf),
    /// On a simulated disk, as durable as a real phone.
    Disk(Disk),
}

/// Name of a phone's file on its disk.
pub(crate) const FILE: &str = "phone.sqlite";

impl Phone {
    /// An enrolled phone.
    pub(crate) fn new(name: &str, user: UserId, device: DeviceId, profile: &Profile, home: Home, chance: Chance) -> Self {
        let mut phone = Self {
            name: name.to_owned(),
            user,
            device,
            clock_error_ms: 0,
            saved: BTreeMap::new(),
            clock_stands_at: None,
            rewritten: BTreeMap::new(),
            left_last: false,
            photos: BTreeSet::new(),
            lacks_files: false,
            restored: false,
            promised: 0,
            written_down: 0,
            replica: None,
            home,
            chance,
        };
        phone.start(Ms(0)).unwrap();
        phone.replica_mut().enrolled(device, profile).unwrap();
        phone
    }

    /// The phone that has a file in a folder.
    pub(crate) fn in_folder(folder: &Path, name: &str) -> Home {
        Home::File(folder.join(format!("{name}.sqlite")))
    }

    /// Starts the process: its entropy is fresh, as after every start. What the last one promised must be there.
    pub(crate) fn start(&mut self, now: Ms) -> Result<(), String> {
        let (process, now) = (self.chance.bytes(), self.clock(now));
        let options = |durability, vfs| OpenOptions { durability, cache_kib: CACHE_KIB, check: Check::Quick, now, vfs, key: None };
        let opened = match &self.home {
            Home::Memory => Replica::in_memory(process).map(|replica| (replica, None)),
            // The process dies in these tests, not the machine: what SQLite was told is kept, synced or not.
            Home::File(path) => Replica::open(path, &Start { open: options(Durability::Rebuildable, None), process }),
            Home::Disk(disk) => Replica::open(&disk.path(FILE), &Start { open: options(Durability::Full, Some(disk.layer())), process }),
        };
        let (replica, set_aside) = opened.map_err(|error| format!("{} does not start: {error}", self.name))?;
        if let Some(aside) = set_aside {
            return Err(format!("{}: the file was set aside: {}", self.name, aside.path.display()));
        }
        let recorded = replica.store().read(|read| read.recorded_no()).map_err(|error: StoreError| error.to_string())?;
        if recorded < self.promised {
            return Err(format!("{}: save {} was promised, the file ends at {recorded}", self.name, self.promised));
        }
        self.replica = Some(replica);
        self.write_down().map_err(|error| error.to_string())
    }

    /// The process dies and is started again. In memory there is nothing that could outlive it: then nothing happens.
    pub(crate) fn crash(&mut self, now: Ms) {
        if matches!(self.home, Home::Memory) {
            return;
        }
        if let Home::Disk(disk) = &self.home {
            disk.cut(Loss::None, &mut self.chance.branch("no loss"));
        }
        self.replica = None;
        self.start(now).unwrap();
    }

    /// The battery dies, comes back, and perhaps dies again while the app starts. `Err`: what was promised is not there.
    pub(crate) fn power_cut(&mut self, loss: Loss, again: bool, now: Ms, chance: &mut Chance) -> Result<(), String> {
        self.replica = None;
        self.disk().cut(loss, chance);
        if again {
            self.disk().plant(Trouble::PowerCut, 12, chance);
        }
        let started = self.start(now);
        if self.disk().is_stopped() {
            self.replica = None;
            self.disk().cut(loss, chance);
            return self.start(now);
        }
        started?;
        self.disk().mend();
        Ok(())
    }

    /// An old backup is put in place of what it holds. What it saved since then and did not hand in is gone with it.
    pub(crate) fn restore_disk(
        &mut self,
        backup: Platter,
        now: Ms,
        handed_in: impl Fn(&BTreeMap<ChangeHash, DocId>) -> BTreeSet<ChangeHash>,
    ) {
        self.replica = None;
        self.photos.clear();
        self.disk().restore(backup);
        let known = handed_in(&self.saved);
        self.saved.retain(|hash, _| known.contains(hash));
        (self.promised, self.written_down, self.restored) = (0, 0, true);
        self.start(now).unwrap();
    }

    /// Whether its file is on a simulated disk.
    pub(crate) const fn on_simulated_disk(&self) -> bool {
        matches!(self.home, Home::Disk(_))
    }

    /// It was ordered to wipe itself, and knows of no device any more.
    pub(crate) fn was_wiped(&self) -> bool {
        self.on_simulated_disk() && self.replica().device().is_err()
    }

    /// Its simulated disk.
    pub(crate) fn disk(&self) -> &Disk {
        match &self.home {
            Home::Disk(disk) => disk,
            Home::Memory | Home::File(_) => panic!("{} has no simulated disk", self.name),
        }
    }

    /// The file as a backup takes it: while nothing runs.
    pub(crate) fn back_up(&mut self, now: Ms) -> PathBuf {
        self.replica = None;
        let file = self.file().unwrap().to_owned();
        let backup = file.with_extension("backup");
        std::fs::copy(&file, &backup).unwrap();
        self.start(now).unwrap();
        backup
    }

    /// The phone goes on from a backup.
    pub(crate) fn restore(&mut self, backup: &Path, now: Ms) {
        self.replica = None;
        let file = self.file().unwrap().to_owned();
        for ending in ["-wal", "-shm"] {
            let _absent = std::fs::remove_file(format!("{}{ending}", file.display()));
        }
        std::fs::copy(backup, &file).unwrap();
        (self.promised, self.written_down, self.restored) = (0, 0, true);
        self.start(now).unwrap();
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
            clock_stands_at: None,
            rewritten: BTreeMap::new(),
            left_last: false,
            photos: BTreeSet::new(),
            lacks_files: false,
            restored: true,
            promised: 0,
            written_down: 0,
            replica: None,
            home: Home::File(file),
            chance,
        };
        phone.start(now).unwrap();
        phone
    }

    /// Another phone onto which all of this one's disk was copied, and which was enrolled anew for it.
    pub(crate) fn copied_onto(&mut self, name: &str, device: DeviceId, profile: &Profile, now: Ms) -> Self {
        // Each installation keeps a number of its own where no copy takes it.
        let own = self.device;
        let _first_or_same = self.replica_mut().claim(*own.as_bytes()).unwrap();
        let disk = Disk::of(self.disk().copy());
        let mut phone = Self {
            name: name.to_owned(),
            user: self.user,
            device,
            clock_error_ms: self.clock_error_ms,
            saved: BTreeMap::new(),
            rewritten: BTreeMap::new(),
            left_last: false,
            photos: BTreeSet::new(),
            lacks_files: self.lacks_files,
            clock_stands_at: self.clock_stands_at,
            restored: true,
            promised: 0,
            written_down: 0,
            replica: None,
            home: Home::Disk(disk),
            chance: self.chance.branch(name),
        };
        phone.start(now).unwrap();
        assert_eq!(phone.replica_mut().claim(*device.as_bytes()).unwrap(), Claimed::Copy);
        phone.replica_mut().enrolled(device, profile).unwrap();
        phone
    }

    /// The process ends; [`Self::crash`] starts it again.
    pub(crate) fn stop(&mut self) {
        self.replica = None;
    }

    /// Where its file is.
    pub(crate) fn file(&self) -> Option<&Path> {
        match &self.home {
            Home::File(file) => Some(file),
            Home::Memory | Home::Disk(_) => None,
        }
    }

    pub(crate) fn replica(&self) -> &Replica {
        self.replica.as_ref().unwrap()
    }
    pub(crate) fn replica_mut(&mut self) -> &mut Replica {
        self.replica.as_mut().unwrap()
    }

    /// What its clock says at a true moment.
    pub(crate) fn clock(&self, now: Ms) -> Ms {
        self.clock_stands_at.unwrap_or_else(|| now.plus(self.clock_error_ms))
    }

    /// A stamp of its user at a true moment.
    pub(crate) fn stamp(&mut self, now: Ms) -> Stamp {
        Stamp { author: self.user, now: self.clock(now), entropy: self.chance.bytes() }
    }

    /// Takes an answer in, at a true moment. In random worlds some answers are kept first, however short they are, and some of those are
    /// left at that, as when the app ends: they are taken in before the phone asks again.
    pub(crate) fn take_answer(&mut self, frame: &[u8], now: Ms) -> Result<Synced, ReplicaError> {
        let clock = self.clock(now);
        let keeps = self.on_simulated_disk() && frame.len().is_multiple_of(3);
        let replica = self.replica_mut();
        let opening = if keeps { replica.keep(frame, clock) } else { replica.receive(frame, clock) };
        self.left_last = keeps && !self.left_last && frame.len().is_multiple_of(2) && opening.is_ok() && !is_knock(frame);
        if self.left_last {
            return Ok(Synced { more: true, ..Synced::default() });
        }
        self.take_in(opening)
    }

    /// Takes in what came before and was left.
    pub(crate) fn take_in_what_came(&mut self) -> Result<Synced, ReplicaError> {
        match self.replica_mut().received().transpose() {
            Some(opening) => self.take_in(opening),
            None => Ok(Synced::default()),
        }
    }

    fn take_in(&mut self, opening: Result<Opening, ReplicaError>) -> Result<Synced, ReplicaError> {
        let taken = opening.and_then(|opening| self.replica_mut().open_rest(opening));
        if let (Ok(Synced { wiped: true, .. }), Home::Disk(disk)) = (&taken, &self.home) {
            disk.forget_files();
            self.promised = 0;
        }
        if taken.as_ref().map_or(true, |synced| synced.rewritten > 0 || synced.handed_on > 0 || !synced.quarantined.is_empty()) {
            self.note_rewritten();
        }
        taken
    }

    fn note_rewritten(&mut self) {
        let store = self.replica.as_ref().unwrap().store();
        let new = |hash: &ChangeHash| Some((*hash, store.read(|read| read.rewritten(*hash)).ok()??));
        self.rewritten.extend(self.saved.keys().filter_map(new));
    }

    /// Does something with the replica and writes down what it saved.
    pub(crate) fn working<T, E>(&mut self, work: impl FnOnce(&mut Replica) -> Result<T, E>) -> Result<T, E> {
        let done = work(self.replica_mut());
        self.write_down().unwrap();
        done
    }

    fn write_down(&mut self) -> Result<(), StoreError> {
        let store = self.replica.as_ref().unwrap().store();
        let after = self.written_down;
        let (no, new) =
            store.read(|read| Ok::<_, StoreError>((read.recorded_no()?, read.own_changes(OwnStanding::Waiting, after, OWN_MAX)?)))?;
        self.saved.extend(new.into_iter().map(|own| (own.hash, own.doc)));
        self.written_down = no;
        self.promised = self.promised.max(no);
        Ok(())
    }
}
