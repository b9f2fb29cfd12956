//! The scratch file: what must outlast the death of the process and is worth nothing after minutes. Nonces of signed
//! requests, and the names of changes that took an earlier process down: those are quarantined instead of tried again. What
//! is being tried at this moment stands in files beside it (`trials`).

use std::collections::BTreeSet;
use std::path::Path;

use roadbook_core::ids::{ChangeHash, DeviceId};
use rusqlite::params;

use super::FeedError;
use super::trials::Trials;
use crate::database::{Database, DatabaseError, Durability};

/// The schema steps of the scratch file, oldest first.
pub const SCRATCH_MIGRATIONS: &[&str] = &[include_str!("migrations/0001_scratch.sql")];

/// The open scratch file.
pub struct Scratch {
    database: Database,
    trials: Trials,
    suspects: BTreeSet<ChangeHash>,
}

impl Scratch {
    /// Opens or makes the file, and reads which changes were in trial when the process ended.
    ///
    /// # Errors
    /// When the file cannot be opened, read or written.
    pub fn open(path: &Path) -> Result<Self, DatabaseError> {
        let database = Database::open(path, Durability::Process, SCRATCH_MIGRATIONS)?;
        Self::over(database, &path.with_extension("trials"))
    }

    /// As [`Self::open`], of a file that is open already, with the migrations of this room, and of the folder of what is being tried.
    ///
    /// # Errors
    /// When one of them cannot be read or written.
    pub fn over(database: Database, trials: &Path) -> Result<Self, DatabaseError> {
        let failed = |source| DatabaseError::Folder { path: trials.to_owned(), source };
        let (trials, unfinished) = Trials::open(trials).map_err(failed)?;
        let suspects = database.write(|tx| {
            let mut insert = tx.prepare("INSERT OR IGNORE INTO suspect (hash) VALUES (?1)")?;
            unfinished.iter().try_for_each(|hash| insert.execute([hash.0]).map(|_| ()))?;
            let mut statement = tx.prepare("SELECT hash FROM suspect")?;
            let rows = statement.query_map([], |row| row.get(0).map(ChangeHash))?;
            rows.collect::<Result<BTreeSet<_>, rusqlite::Error>>()
        })?;
        trials.clear().map_err(failed)?;
        Ok(Self { database, trials, suspects })
    }

    /// Notes a nonce. `false`: this device used it before.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn take_nonce(&self, device: DeviceId, nonce: [u8; 16], now_ms: i64) -> Result<bool, FeedError> {
        self.database.write(|tx| {
            let taken = tx.prepare_cached("INSERT OR IGNORE INTO nonce (device, nonce, at_ms) VALUES (?1, ?2, ?3)")?.execute(params![
                device.as_bytes(),
                nonce,
                now_ms
            ])?;
            Ok(taken == 1)
        })
    }

    /// Throws away nonces noted before a moment.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn forget_nonces(&self, before_ms: i64) -> Result<(), FeedError> {
        self.database.write(|tx| {
            tx.prepare_cached("DELETE FROM nonce WHERE at_ms < ?1")?.execute([before_ms])?;
            Ok(())
        })
    }

    /// Whether a change was in trial when an earlier process died.
    #[must_use]
    pub fn is_suspect(&self, hash: &ChangeHash) -> bool {
        self.suspects.contains(hash)
    }

    /// Notes changes as being tried, runs the trial, and strikes them out.
    ///
    /// # Errors
    /// When they cannot be noted.
    pub fn trial<T>(&self, hashes: &[ChangeHash], work: impl FnOnce() -> T) -> Result<T, FeedError> {
        let trial = self.trials.begin(hashes)?;
        let outcome = work();
        trial.end()?;
        Ok(outcome)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "a failing test says where")]
mod tests {
    use super::*;

    #[test]
    fn a_change_that_took_the_process_down_is_suspect_for_good() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scratch.sqlite");
        let (good, bad) = (ChangeHash([1; 32]), ChangeHash([2; 32]));
        let scratch = Scratch::open(&path).unwrap();
        assert_eq!(scratch.trial(&[good], || 7).unwrap(), 7);
        // The process dies inside: simulated by unwinding past the strike-out.
        let died = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| scratch.trial(&[bad], || panic!("died"))));
        assert!(died.is_err());
        drop(scratch);
        for _ in 0..2 {
            let scratch = Scratch::open(&path).unwrap();
            assert!(scratch.is_suspect(&bad) && !scratch.is_suspect(&good));
        }
    }
}
