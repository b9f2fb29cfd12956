//! Starts of headquarters: after a crash or a power cut, from a backup, over its replica's own file or without one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use roadbook_core::ids::Ms;
use roadbook_server::accounts::Accounts;
use roadbook_server::blobs::{BlobLimits, BlobTable, Blobs, Depot, DepotConfig};
use roadbook_server::database::{Database, Durability};
use roadbook_server::erasures;
use roadbook_server::exchange::Exchange;
use roadbook_server::feed::{Feed, SCRATCH_MIGRATIONS, Scratch, SqliteFeed};
use roadbook_server::headquarters::Headquarters;
use roadbook_server::storage::{BLOBS_FOLDER, ERASURES_FILE, SCRATCH_FILE, SERVER_FILE, SERVER_MIGRATIONS};

use super::{Office, Place};
use crate::world::cast::OFFSET_MINUTES;
use crate::world::chance::Chance;
use crate::world::disk::Trouble;
use crate::world::kept::{Kept, copy};
use crate::world::platter::{Loss, Platter};

/// What is opened from the folder at every start.
pub(super) struct Opened {
    pub(super) accounts: Accounts,
    pub(super) feed: Arc<dyn Feed>,
    pub(super) headquarters: Headquarters,
    pub(super) exchange: Exchange,
    pub(super) blobs: Blobs,
}

/// Opens everything; `kept`: the replica's own file.
pub(super) fn open(place: &Place, trials: &Path, kept: Option<&Path>, process: [u8; 16], now: Ms) -> Result<Opened, String> {
    let (server, scratch) = match place {
        Place::Folder(folder) => (
            // The process dies in these tests, not the machine: what SQLite was told is kept, synced or not.
            Database::open(&folder.join(SERVER_FILE), Durability::Process, SERVER_MIGRATIONS),
            Database::open(&folder.join(SCRATCH_FILE), Durability::Process, SCRATCH_MIGRATIONS),
        ),
        Place::Disk(disk) => {
            let open = |file, durability, steps| Database::open_on(Some(disk.layer()), &disk.path(file), durability, steps);
            (open(SERVER_FILE, Durability::Full, SERVER_MIGRATIONS), open(SCRATCH_FILE, Durability::Process, SCRATCH_MIGRATIONS))
        }
    };
    let server = Arc::new(server.map_err(said)?);
    let scratch = Arc::new(scratch.and_then(|scratch| Scratch::over(scratch, trials)).map_err(said)?);
    let table = BlobTable::new(Arc::clone(&server));
    let accounts = Accounts::new(Arc::clone(&server));
    let feed: Arc<dyn Feed> = Arc::new(SqliteFeed::open(server).map_err(said)?);
    let headquarters = match kept {
        Some(file) => Headquarters::open(file, Arc::clone(&feed), accounts.clone(), OFFSET_MINUTES, now),
        None => Headquarters::in_memory(Arc::clone(&feed), accounts.clone(), OFFSET_MINUTES, process, now),
    };
    let headquarters = headquarters.map_err(said)?;
    // The journal is older than no backup: it lies elsewhere.
    headquarters.erase_again(&erasures::read(&trials.join(ERASURES_FILE)).map_err(said)?).map_err(said)?;
    let exchange = Exchange::new(accounts.clone(), Arc::clone(&feed), headquarters.clone(), scratch, OFFSET_MINUTES);
    // Photos are plain files, on a simulated disk's server too.
    let folder = match place {
        Place::Folder(folder) => folder.as_path(),
        Place::Disk(_) => trials,
    };
    let depot = Depot::open(&DepotConfig::Folder, folder.join(BLOBS_FOLDER)).map_err(said)?;
    let blobs = Blobs::new(table, depot, accounts.clone(), Arc::clone(&feed), headquarters.clone(), BlobLimits::default());
    Ok(Opened { accounts, feed, headquarters, exchange, blobs })
}

pub(super) fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}

impl Office {
    /// The process dies and is started again.
    pub(crate) fn crash(&mut self, now: Ms) {
        if let Place::Disk(disk) = &self.place {
            disk.cut(Loss::None, &mut self.chance.branch("no loss"));
        }
        self.start(now).unwrap();
    }

    /// Starts the server over what its files hold.
    pub(crate) fn start(&mut self, now: Ms) -> Result<(), String> {
        let (kept, process) = (self.kept.as_mut().map(Kept::for_the_next_start), self.chance.bytes());
        let opened = open(&self.place, self.trials.path(), kept.as_deref(), process, now)?;
        let Opened { accounts, feed, headquarters, exchange, blobs } = opened;
        (self.accounts, self.feed, self.headquarters, self.blobs) = (accounts, feed, headquarters, blobs);
        self.exchange = exchange.with_rows_from(self.rows_from()).with_portions(self.portions);
        Ok(())
    }

    /// From now on its replica's file outlives its process.
    pub(crate) fn keep_its_file(&mut self, now: Ms) {
        self.kept = Some(Kept::new());
        self.start(now).unwrap();
    }

    /// Its replica's file is taken away, if it has one: the next start makes it anew.
    pub(crate) fn take_its_file_away(&mut self) -> bool {
        self.kept.as_mut().map(Kept::take_away).is_some()
    }

    /// The power goes, comes back, and perhaps goes again while the server starts. `Err`: it does not start any more.
    pub(crate) fn power_cut(&mut self, loss: Loss, again: bool, now: Ms, chance: &mut Chance) -> Result<(), String> {
        self.disk().cut(loss, chance);
        let unsynced = loss != Loss::None && chance.branch("unsynced").in_thousand(500);
        if let Some(kept) = self.kept.as_mut().filter(|_| unsynced) {
            kept.lose_the_latest();
        }
        if again {
            self.disk().plant(Trouble::PowerCut, 30, chance);
        }
        let started = self.start(now);
        // The write at which the power goes may be the last of a start that looks well.
        if self.disk().is_stopped() {
            self.disk().cut(loss, chance);
            return self.start(now);
        }
        started?;
        self.disk().mend();
        Ok(())
    }

    /// An old backup is put in place of everything, and the server told so, as the manual says; where its replica shows that the feed went
    /// back nobody has to.
    pub(crate) fn restore_disk(&mut self, backup: Platter, now: Ms) -> Result<(), String> {
        self.disk().restore(backup);
        self.life += 1;
        let taken_away = self.chance.branch("taken away").in_thousand(300) && self.take_its_file_away();
        let shows = self.kept.is_some() && !taken_away;
        let followed = self.read(|replica| replica.store().read(|read| read.pull_position())).map_err(said)?;
        self.start(now)?;
        let (epoch, head) = (self.feed.epoch().map_err(said)?, self.feed.head().map_err(said)?);
        if self.epochs.contains(&epoch) {
            if shows && followed.epoch == epoch && followed.number > head {
                return Err(format!("the feed went back from {} to {head}, and its numbers are given again", followed.number));
            }
            self.begin_new_life(now)?;
        }
        self.epochs.insert(self.feed.epoch().map_err(said)?);
        Ok(())
    }

    /// A copy of the server's files in a folder beside, as a backup makes it.
    pub(crate) fn back_up(&self, name: &str) -> PathBuf {
        let own = self.folder();
        let folder = own.join(name);
        std::fs::create_dir_all(&folder).unwrap();
        copy(&own.join(SERVER_FILE), &folder.join(SERVER_FILE));
        folder
    }

    /// The server goes on from a backup: its numbers begin a new life.
    pub(crate) fn restore(&mut self, backup: PathBuf, now: Ms) {
        self.place = Place::Folder(backup);
        self.life += 1;
        self.crash(now);
        self.begin_new_life(now).unwrap();
    }

    /// As the manual says after a restore, without the audit log's line.
    fn begin_new_life(&mut self, now: Ms) -> Result<(), String> {
        self.feed.renew_epoch().map_err(said)?;
        self.feed.note_renewal(now).map_err(said)?;
        self.start(now)
    }
}
