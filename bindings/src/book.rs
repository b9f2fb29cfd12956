//! `Roadbook`: one device's customers, visits and tours. This file opens it and keeps its locks; reading, writing and the exchange are
//! the files beside it. Every call is synchronous and safe from any thread: call from a background one.
//!
//! Whoever only reads does so beside whoever writes, as of the last commit: a list is there at once while a first sync is under way.

use std::ops::Deref;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;

use roadbook_core::exchange::{Person, Profile};
use roadbook_core::ids::{DeviceId, TerritoryId, UserId};
use roadbook_core::replica::{Replica, Stamp, Start};
use roadbook_core::store::OpenOptions;

use crate::edge;
use crate::error::RoadbookError;
use crate::key::DeviceKey;
use crate::observe::{Observation, Observer, Observers};
use crate::storage;

/// Pages that reading keeps in memory beside those of writing.
const READER_CACHE_KIB: u32 = 4 << 10;

/// One device's customers, visits and tours, in one file. Open one for each file and process, and keep it while the app lives.
#[derive(uniffi::Object)]
pub struct Roadbook {
    /// Closed before the writer, which then folds the log into the file.
    reader: Mutex<Replica>,
    writer: Mutex<Replica>,
    /// Calls that wait for the writer.
    waiting: Mutex<usize>,
    nobody_waits: Condvar,
    exchanging: Mutex<()>,
    /// The thread that holds it.
    exchanges_on: Mutex<Option<ThreadId>>,
    pub(crate) key: Arc<dyn DeviceKey>,
    observers: Arc<Observers>,
    set_aside: Option<String>,
}

/// Who the device's user is, as headquarters last told.
#[uniffi::remote(Record)]
pub struct Profile {
    /// The person.
    pub user: UserId,
    /// Display name; empty before the first exchange.
    pub name: String,
    /// Role code, such as `salesperson`; empty before the first exchange.
    pub role: String,
    /// Territories worked.
    pub territories: Vec<TerritoryId>,
    /// Minutes east of UTC of the company's calendar.
    pub offset_minutes: i32,
    /// People whose names appear on cards.
    pub people: Vec<Person>,
    /// Company-defined fields, as JSON.
    pub registry: Option<String>,
}

/// A colleague's name.
#[uniffi::remote(Record)]
pub struct Person {
    /// The person.
    pub user: UserId,
    /// Display name.
    pub name: String,
}

/// Whoever has this takes in an answer, and nobody else does.
pub(crate) struct Alone<'a> {
    on: &'a Mutex<Option<ThreadId>>,
    _alone: MutexGuard<'a, ()>,
}

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        *held(self.on) = None;
    }
}

#[uniffi::export]
impl Roadbook {
    /// Opens the file at `path`, or makes it. `key` signs every request of this device. `storage_key` encrypts the file: 32 random bytes
    /// (`fresh_storage_key`) that the app keeps in Keychain (`kSecAttrAccessibleAfterFirstUnlockThisDeviceOnly`) or wraps with a key of
    /// the Keystore. A file that is not encrypted yet is encrypted now. Without a storage key the file is plain: tools and tests only.
    ///
    /// # Errors
    /// `StorageKeyNeeded`, `WrongStorageKey`, `UpdateNeeded` for the file of a newer app, `StorageBusy`, `StorageFull`. A damaged file is
    /// not an error: see `set_aside`.
    #[uniffi::constructor]
    pub fn open(path: String, key: Arc<dyn DeviceKey>, storage_key: Option<Vec<u8>>) -> Result<Arc<Self>, RoadbookError> {
        let storage_key = storage_key.map(storage::key_of).transpose()?;
        let (path, process) = (Path::new(&path), edge::random()?);
        let start = Start { open: OpenOptions::phone(edge::now()).under(storage_key.as_ref()), process };
        let (mut replica, set_aside) = Replica::open(path, &start)?;
        replica.lend_threads(edge::spare_threads());
        let reader = Replica::open_reader(path, READER_CACHE_KIB, storage_key.as_ref(), process)?;
        Ok(Arc::new(Self {
            reader: Mutex::new(reader),
            writer: Mutex::new(replica),
            waiting: Mutex::default(),
            nobody_waits: Condvar::new(),
            exchanging: Mutex::new(()),
            exchanges_on: Mutex::default(),
            key,
            observers: Arc::default(),
            set_aside: set_aside.map(|found| found.path.display().to_string()),
        }))
    }

    /// Where a damaged file was moved to when this was opened; none when all was well. Tell the person, and send the file to support:
    /// it may hold work that nobody else has.
    pub fn set_aside(&self) -> Option<String> {
        self.set_aside.clone()
    }

    /// The enrolled device; none before enrolment.
    ///
    /// # Errors
    /// `StorageDamaged`.
    pub fn device(&self) -> Result<Option<DeviceId>, RoadbookError> {
        match self.read().device().map_err(RoadbookError::from) {
            Ok(device) => Ok(Some(device)),
            Err(RoadbookError::NotEnrolled) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Who the user is; none before enrolment.
    ///
    /// # Errors
    /// `StorageDamaged`.
    pub fn profile(&self) -> Result<Option<Profile>, RoadbookError> {
        Ok(self.read().profile()?)
    }

    /// Tells `observer` of every change until the returned handle is closed or let go of.
    pub fn observe(&self, observer: Arc<dyn Observer>) -> Arc<Observation> {
        self.observers.add(observer)
    }

    /// How many observers listen: for an app's own leak test.
    pub fn observer_count(&self) -> u64 {
        self.observers.count() as u64
    }
}

/// The replica as of its last commit: to be read, and no more.
pub(crate) struct Look<'a>(MutexGuard<'a, Replica>);

impl Deref for Look<'_> {
    type Target = Replica;

    fn deref(&self) -> &Replica {
        &self.0
    }
}

/// A call that panicked left its transaction rolled back: the next one may go on.
fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Roadbook {
    /// The replica as of its last commit, beside whoever writes.
    pub(crate) fn read(&self) -> Look<'_> {
        Look(held(&self.reader))
    }

    /// The replica, to be written.
    pub(crate) fn hold(&self) -> MutexGuard<'_, Replica> {
        *held(&self.waiting) += 1;
        let writer = held(&self.writer);
        let mut waiting = held(&self.waiting);
        *waiting -= 1;
        if *waiting == 0 {
            self.nobody_waits.notify_all();
        }
        writer
    }

    /// One answer is taken in after the other: whoever does so keeps this.
    pub(crate) fn exchanging(&self) -> Result<Alone<'_>, RoadbookError> {
        let this = std::thread::current().id();
        // An observer is told on the thread that takes an answer in: it would wait for itself.
        if *held(&self.exchanges_on) == Some(this) {
            return Err(RoadbookError::ExchangeUnderWay);
        }
        let alone = held(&self.exchanging);
        *held(&self.exchanges_on) = Some(this);
        Ok(Alone { on: &self.exchanges_on, _alone: alone })
    }

    /// Between two pieces of much work: whoever waits for the writer goes first.
    pub(crate) fn give_way(&self) {
        let waiting = held(&self.waiting);
        let _nobody = self.nobody_waits.wait_while(waiting, |waiting| *waiting > 0).unwrap_or_else(PoisonError::into_inner);
    }

    /// The file is gone, and nothing of it is to be read any more.
    pub(crate) fn wiped(&self) -> Result<(), RoadbookError> {
        *held(&self.reader) = Replica::in_memory([0; 16])?;
        Ok(())
    }

    /// One write by the device's user, now; observers are told afterwards, when the lock is free again.
    pub(crate) fn write<T, E: Into<RoadbookError>>(
        &self,
        body: impl FnOnce(&mut Replica, &Stamp) -> Result<T, E>,
    ) -> Result<T, RoadbookError> {
        let done = {
            let mut replica = self.hold();
            let author = replica.profile()?.ok_or(RoadbookError::NotEnrolled)?.user;
            let stamp = Stamp { author, now: edge::now(), entropy: edge::random()? };
            body(&mut replica, &stamp).map_err(Into::into)?
        };
        self.observers.tell();
        Ok(done)
    }

    /// Something that came from outside was stored.
    pub(crate) fn tell(&self) {
        self.observers.tell();
    }
}
