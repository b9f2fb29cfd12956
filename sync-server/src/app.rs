//! What every request shares: the open files, the channel of news, the limits under which work is done.
//!
//! Belongs here: opening a data folder and running blocking work. Never here: what any one endpoint does.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use roadbook_core::ids::{EntryId, Ms, SubjectId, UserId};
use roadbook_core::replica::Replica;
use roadbook_core::replica::field::Work;
use tokio::sync::{Semaphore, watch};

use crate::accounts::Accounts;
use crate::auth::password::HASHES_AT_ONCE_MAX;
use crate::auth::throttle::Throttle;
use crate::blobs::{BlobTable, Blobs, Depot, DepotError};
use crate::clock::Clock;
use crate::config::{Config, ConfigError, Limits};
use crate::database::{Database, DatabaseError, Durability};
use crate::device::Doorkeeper;
use crate::erasures::{self, JournalError};
use crate::exchange::Exchange;
use crate::feed::{Erased, Feed, FeedError, Scratch, SqliteFeed};
use crate::headquarters::{Changed, Followed, Headquarters, HeadquartersError};
use crate::http::body::Room;
use crate::http::rate::Rate;
use crate::http::tls::{Tls, TlsError};
use crate::news::{News, Touched};
use crate::quarantine::Quarantine;
use crate::storage;

/// Blocking work that runs at once: more only makes SQLite's one writer queue.
pub const WORK_AT_ONCE_MAX: usize = 8;

/// Exchanges that are worked on at once: each may take a decompressed request and the pages of an answer, some tens of MB at most.
pub const EXCHANGES_AT_ONCE_MAX: usize = 4;

/// Why a data folder could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The setting is refused.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Certificate or key cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A file cannot be opened.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The feed cannot be read.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// The headquarters replica cannot be opened or brought up to date.
    #[error(transparent)]
    Headquarters(#[from] HeadquartersError),
    /// The store of photos cannot be opened.
    #[error(transparent)]
    Depot(#[from] DepotError),
    /// The journal of erasures cannot be read.
    #[error(transparent)]
    Erasures(#[from] JournalError),
    /// Another process serves this folder.
    #[error("{0} is in use by another roadbook-server; stop that one first, work in its console, or choose another folder with --data")]
    InUse(PathBuf),
    /// The lock cannot be made.
    #[error("{path} cannot be locked: {source}")]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Why something could not be erased.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// The journal could not be written: nothing was erased.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The feed or the replica failed. What the feed did not erase yet is erased at the next start.
    #[error(transparent)]
    Headquarters(#[from] HeadquartersError),
}

/// Too much is waiting already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too much is waiting already")]
pub struct Overloaded;

/// The open server. Shared by all requests behind an `Arc`.
pub struct App {
    config: Config,
    clock: Clock,
    accounts: Accounts,
    feed: Arc<dyn Feed>,
    headquarters: Headquarters,
    exchange: Exchange,
    news: News,
    door: Doorkeeper,
    throttle: Mutex<Throttle>,
    hashing: Arc<Semaphore>,
    work: Arc<Semaphore>,
    exchanges: Arc<Semaphore>,
    waiting: AtomicUsize,
    requests: Semaphore,
    bodies: Room,
    answers: Room,
    tls: Option<Arc<Tls>>,
    ending: watch::Sender<bool>,
    rate: Rate,
    blob_rate: Rate,
    blobs: Blobs,
    /// Held open for as long as the folder is served.
    _lock: std::fs::File,
}

impl App {
    /// Opens the data folder of `config`, making what is missing.
    ///
    /// # Errors
    /// [`OpenError`] says which file, why, and what to do.
    pub fn open(config: Config, clock: Clock) -> Result<Arc<Self>, OpenError> {
        config.check()?;
        let tls = config.tls.as_ref().map(|files| Tls::open(files, clock.now()).map(Arc::new)).transpose()?;
        let lock = lock(&config)?;
        let server = Arc::new(Database::open(&config.server_file(), Durability::Full, storage::SERVER_MIGRATIONS)?);
        let server_tables = Arc::clone(&server);
        let scratch = Arc::new(Scratch::open(&config.file(storage::SCRATCH_FILE))?);
        let accounts = Accounts::new(Arc::clone(&server));
        let feed: Arc<dyn Feed> = Arc::new(SqliteFeed::open(server)?);
        let headquarters = Headquarters::open(
            &config.file(storage::HEADQUARTERS_FILE),
            Arc::clone(&feed),
            accounts.clone(),
            config.offset_minutes,
            clock.now(),
        )?;
        headquarters.erase_again(&erasures::read(&config.file(storage::ERASURES_FILE))?)?;
        let exchange =
            Exchange::new(accounts.clone(), Arc::clone(&feed), headquarters.clone(), Arc::clone(&scratch), config.offset_minutes);
        let limits = config.limits;
        let depot = Depot::open(&config.depot, config.file(storage::BLOBS_FOLDER))?;
        let table = BlobTable::new(server_tables);
        let blobs = Blobs::new(table, depot, accounts.clone(), Arc::clone(&feed), headquarters.clone(), config.limits.blobs);
        let rate = Rate::new(&config.limits);
        let per_minute = config.limits.device_blob_requests_per_minute;
        let blob_rate = Rate::new(&Limits { device_requests_per_minute: per_minute, ..config.limits });
        Ok(Arc::new(Self {
            door: Doorkeeper::new(accounts.clone(), scratch),
            config,
            clock,
            accounts,
            feed,
            headquarters,
            exchange,
            news: News::default(),
            throttle: Mutex::new(Throttle::default()),
            hashing: Arc::new(Semaphore::new(HASHES_AT_ONCE_MAX)),
            work: Arc::new(Semaphore::new(WORK_AT_ONCE_MAX)),
            exchanges: Arc::new(Semaphore::new(EXCHANGES_AT_ONCE_MAX)),
            waiting: AtomicUsize::new(0),
            requests: Semaphore::new(limits.requests),
            bodies: Room::new(limits.bodies_bytes),
            answers: Room::new(limits.answers_bytes),
            tls,
            ending: watch::Sender::new(false),
            rate,
            blob_rate,
            blobs,
            _lock: lock,
        }))
    }

    /// How the server is set up.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }
    /// The present time.
    #[must_use]
    pub fn now(&self) -> Ms {
        self.clock.now()
    }
    /// People, devices, territories, the audit log.
    #[must_use]
    pub const fn accounts(&self) -> &Accounts {
        &self.accounts
    }
    /// The feed: the truth about documents.
    #[must_use]
    pub fn feed(&self) -> &dyn Feed {
        self.feed.as_ref()
    }
    /// The replica with full scope: what the console reads. To write, use [`Self::commit`].
    #[must_use]
    pub const fn headquarters(&self) -> &Headquarters {
        &self.headquarters
    }
    /// The server's half of exchanges.
    #[must_use]
    pub const fn exchange(&self) -> &Exchange {
        &self.exchange
    }
    /// Writes work of headquarters in a person's name (their right to it was checked before), carries out what it makes owed,
    /// and tells the news. Durable when this returns.
    ///
    /// # Errors
    /// [`HeadquartersError`]; nothing is then written.
    pub fn commit(&self, author: UserId, work: &Work) -> Result<Followed, HeadquartersError> {
        let followed = self.headquarters.commit(author, self.now(), work)?;
        self.tell(followed.changed.clone());
        Ok(followed)
    }
    /// As [`Self::commit`], if `stands` finds that what the work builds on is still in force; `None` when it is not. It must not read
    /// headquarters in any other way than by the replica that it is given.
    ///
    /// # Errors
    /// [`HeadquartersError`]; nothing is then written.
    pub fn commit_if(
        &self,
        author: UserId,
        work: &Work,
        stands: impl FnOnce(&Replica) -> Result<bool, HeadquartersError>,
    ) -> Result<Option<Followed>, HeadquartersError> {
        let followed = self.headquarters.commit_if(author, self.now(), work, stands)?;
        if let Some(followed) = &followed {
            self.tell(followed.changed.clone());
        }
        Ok(followed)
    }
    /// Erases what is known of a stakeholder for good, and tells the news. See [`Headquarters::erase_person`]; the right to it was checked
    /// before.
    ///
    /// # Errors
    /// [`EraseError`]; what the journal could not be told of is not erased.
    pub fn erase_person(
        &self,
        by: UserId,
        customer: SubjectId,
        stakeholder: EntryId,
        asked_by: &str,
        reason: &str,
    ) -> Result<Erased, EraseError> {
        let (asked_by, reason) = (asked_by.to_owned(), reason.to_owned());
        let line = erasures::Line { at_ms: self.now(), customer, stakeholder, by, asked_by, reason };
        erasures::append(&self.config.file(storage::ERASURES_FILE), &line)?;
        let (erased, changed) = self.headquarters.erase_person(&line)?;
        self.tell(vec![changed]);
        Ok(erased)
    }
    /// What was set aside, and decisions about it.
    #[must_use]
    pub fn quarantine(&self) -> Quarantine<'_> {
        Quarantine { accounts: &self.accounts, feed: self.feed.as_ref(), headquarters: &self.headquarters }
    }
    /// Tells the news of documents that changed.
    pub fn tell(&self, changed: Vec<Changed>) {
        if changed.is_empty() {
            return;
        }
        // Where the head cannot be read the next query will say so; the news themselves are still true.
        let head = self.feed.head().unwrap_or(0);
        let touched = changed.into_iter().map(|Changed { doc, kind, subject }| Touched { doc, kind, subject });
        self.news.tell(head, Some(touched.collect()));
    }
    /// Tells that a device's changes were set aside.
    pub fn tell_aside(&self) {
        self.news.tell_aside(self.feed.head().unwrap_or(0));
    }
    /// Tells that rights changed: anything may look different to anybody.
    pub fn tell_rights_changed(&self) {
        self.news.tell(self.feed.head().unwrap_or(0), None);
    }
    /// The wake-up channel.
    #[must_use]
    pub const fn news(&self) -> &News {
        &self.news
    }
    /// Checks signed requests of devices.
    #[must_use]
    pub const fn door(&self) -> &Doorkeeper {
        &self.door
    }
    /// What is remembered of failed log-ins.
    #[must_use]
    pub const fn throttle(&self) -> &Mutex<Throttle> {
        &self.throttle
    }
    /// The budgets of devices.
    #[must_use]
    pub const fn rate(&self) -> &Rate {
        &self.rate
    }
    /// The places for requests under way.
    #[must_use]
    pub const fn requests(&self) -> &Semaphore {
        &self.requests
    }
    /// Memory for request bodies.
    #[must_use]
    pub const fn bodies(&self) -> &Room {
        &self.bodies
    }
    /// Memory for large answers that are being sent.
    #[must_use]
    pub const fn answers(&self) -> &Room {
        &self.answers
    }
    /// TLS, when this server speaks it itself.
    #[must_use]
    pub const fn tls(&self) -> Option<&Arc<Tls>> {
        self.tls.as_ref()
    }
    /// The budgets of devices for photos.
    #[must_use]
    pub const fn blob_rate(&self) -> &Rate {
        &self.blob_rate
    }
    /// Photos and files.
    #[must_use]
    pub const fn blobs(&self) -> &Blobs {
        &self.blobs
    }
    /// Resolves when the server is asked to end: open channels close then.
    #[must_use]
    pub fn ending(&self) -> watch::Receiver<bool> {
        self.ending.subscribe()
    }
    /// Asks all open channels to close.
    pub fn end(&self) {
        self.ending.send_replace(true);
    }

    /// Runs work that blocks (SQLite, the gate) off the async threads, [`WORK_AT_ONCE_MAX`] at once.
    ///
    /// Work that has begun goes on when whoever asked has gone, and so long it keeps its place: what it holds is to be moved into it.
    ///
    /// # Errors
    /// [`Overloaded`] when too much is waiting already, or the work panicked; nothing was begun in the first case.
    pub async fn blocking<T: Send + 'static>(self: &Arc<Self>, work: impl FnOnce(&Self) -> T + Send + 'static) -> Result<T, Overloaded> {
        self.off_thread(&self.work, work).await
    }

    /// As [`Self::blocking`], for exchanges: at most [`EXCHANGES_AT_ONCE_MAX`] at once.
    ///
    /// # Errors
    /// As [`Self::blocking`].
    pub async fn exchanging<T: Send + 'static>(self: &Arc<Self>, work: impl FnOnce(&Self) -> T + Send + 'static) -> Result<T, Overloaded> {
        self.off_thread(&self.exchanges, work).await
    }

    /// As [`Self::blocking`], for work that hashes a password: fewer at once, each takes 19 MiB.
    ///
    /// # Errors
    /// As [`Self::blocking`].
    pub async fn hashing<T: Send + 'static>(self: &Arc<Self>, work: impl FnOnce(&Self) -> T + Send + 'static) -> Result<T, Overloaded> {
        self.off_thread(&self.hashing, work).await
    }

    async fn off_thread<T: Send + 'static>(
        self: &Arc<Self>,
        places: &Arc<Semaphore>,
        work: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> Result<T, Overloaded> {
        let waiting = Waiting::begin(self)?;
        let place = Arc::clone(places).acquire_owned().await.map_err(|_| Overloaded)?;
        let app = Arc::clone(self);
        let running = move || {
            let done = work(&app);
            drop((place, waiting));
            done
        };
        tokio::task::spawn_blocking(running).await.map_err(|_| Overloaded)
    }
}

struct Waiting(Arc<App>);

impl Waiting {
    fn begin(app: &Arc<App>) -> Result<Self, Overloaded> {
        let before = app.waiting.fetch_add(1, Ordering::Relaxed);
        let waiting = Self(Arc::clone(app));
        if before >= app.config.limits.waiting { Err(Overloaded) } else { Ok(waiting) }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Takes the folder for this process. The system frees it when the process ends, however it ends.
pub(crate) fn lock(config: &Config) -> Result<std::fs::File, OpenError> {
    let path = config.file(storage::LOCK_FILE);
    let failed = |source| OpenError::Lock { path: path.clone(), source };
    std::fs::create_dir_all(&config.folder).map_err(failed)?;
    let file = std::fs::OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(OpenError::InUse(config.folder.clone())),
        Err(std::fs::TryLockError::Error(source)) => Err(failed(source)),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failing test says where")]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn work_keeps_its_place_when_whoever_asked_has_gone() {
        let folder = tempfile::tempdir().unwrap();
        let app = App::open(Config::in_folder(folder.path()), Clock::system()).unwrap();
        let (begun, has_begun) = oneshot::channel();
        let (end, ended) = std::sync::mpsc::channel::<()>();
        let asking = Arc::clone(&app);
        let asked = tokio::spawn(async move {
            let work = move |_: &App| {
                begun.send(()).unwrap();
                ended.recv().unwrap();
            };
            asking.exchanging(work).await
        });
        has_begun.await.unwrap();
        asked.abort();
        assert!(asked.await.unwrap_err().is_cancelled());
        let taken = || (EXCHANGES_AT_ONCE_MAX - app.exchanges.available_permits(), app.waiting.load(Ordering::Relaxed));
        assert_eq!(taken(), (1, 1), "what nobody waits for any more still runs");
        end.send(()).unwrap();
        let begin = std::time::Instant::now();
        while taken() != (0, 0) {
            assert!(begin.elapsed() < std::time::Duration::from_secs(30), "its place comes back");
            tokio::task::yield_now().await;
        }
    }
}
