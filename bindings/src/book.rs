//! `Roadbook`: one device's customers, visits and tours. This file opens it and keeps its lock; reading, writing and the exchange are
//! the files beside it. Every call is synchronous and safe from any thread: call from a background one.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use roadbook_core::exchange::{Person, Profile};
use roadbook_core::ids::{DeviceId, TerritoryId, UserId};
use roadbook_core::replica::{Replica, Stamp, Start};
use roadbook_core::store::OpenOptions;

use crate::edge;
use crate::error::RoadbookError;
use crate::key::DeviceKey;
use crate::observe::{Observation, Observer, Observers};
use crate::storage;

/// One device's customers, visits and tours, in one file. Open one for each file and process, and keep it while the app lives.
#[derive(uniffi::Object)]
pub struct Roadbook {
    replica: Mutex<Replica>,
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
        let start = Start { open: OpenOptions::phone(edge::now()).under(storage_key.as_ref()), process: edge::random()? };
        let (mut replica, set_aside) = Replica::open(Path::new(&path), &start)?;
        replica.lend_threads(edge::spare_threads());
        let set_aside = set_aside.map(|found| found.path.display().to_string());
        Ok(Arc::new(Self { replica: Mutex::new(replica), key, observers: Arc::default(), set_aside }))
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

impl Roadbook {
    /// The replica. A call that panicked left its transaction rolled back: the next one may go on.
    pub(crate) fn read(&self) -> MutexGuard<'_, Replica> {
        self.replica.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One write by the device's user, now; observers are told afterwards, when the lock is free again.
    pub(crate) fn write<T, E: Into<RoadbookError>>(
        &self,
        body: impl FnOnce(&mut Replica, &Stamp) -> Result<T, E>,
    ) -> Result<T, RoadbookError> {
        let done = {
            let mut replica = self.read();
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
