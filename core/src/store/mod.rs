//! One SQLite file a replica: documents as snapshot plus later changes, what the device wrote and what became of it, rows for lists,
//! and the search index, all in one commit.
//!
//! The room that names `rusqlite`, and the only one in core. It knows bytes, hashes and rows; it never opens a document, never
//! decides who is right, never asks the time.
//!
//! * [`Store::write`]: the closure is the transaction (`BEGIN IMMEDIATE`, one writer). It commits when the closure returns `Ok`.
//! * [`Store::read`]: the closure sees one state of the file, however long it runs; a read within a read sees the same one.
//! * With [`OpenOptions::key`] every page, of the log too, is encrypted (SQLCipher, cargo feature `encryption`).
//! * With [`Durability::Full`] a commit that returned survives a power cut.

mod apart;
mod aside;
mod ballast;
mod besides;
mod blobs;
mod changes;
mod codec;
mod device;
mod documents;
mod encryption;
mod erase;
mod error;
mod open;
mod received;
pub mod rows;
mod schema;
pub mod search;
mod standing;
#[cfg(test)]
pub(crate) mod steps;
mod wipe;

pub use apart::{Apart, TOLD_ROW_BYTES_MAX, ToldRow};
pub use aside::{Salvage, SalvagedChange, SetAside, salvage};
pub use ballast::{BALLAST_BYTES, keep_ballast, release_ballast};
pub use besides::{CARRIED_BYTES_MAX, CARRIED_MAX, CarriedPacket, Notice};
pub use blobs::{BlobName, BlobRow, BlobsWaiting, NameState};
pub use changes::{Appended, OutboxSize, OwnChange, QuarantinedChange, Settled};
pub use device::{ActorBinding, Checkpoint, Clock, Draft, HeldScope, PullPosition};
pub use documents::{Described, Digest, DocumentBytes, Forgotten, Holding, TAIL_BYTES_MAX, TAIL_CHANGES_MAX};
pub use encryption::{STORE_KEY_BYTES, StoreKey};
pub use error::StoreError;
pub use open::{Check, Durability, OpenOptions, Opened, ready};
pub use received::{RECEIVED_BYTES_MAX, Received};
pub use standing::{Lane, OwnStanding, Standing};

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use codec::Codec;

/// Longest snapshot of a document, in bytes before compression.
pub const SNAPSHOT_BYTES_MAX: usize = 4 << 20;
/// Longest single change, in bytes.
pub const CHANGE_BYTES_MAX: usize = 1 << 20;
/// Longest body of a draft, in bytes.
pub const DRAFT_BYTES_MAX: usize = 1 << 20;
/// Longest value of a setting, in bytes.
pub const SETTING_BYTES_MAX: usize = 1 << 20;
/// Most heads a document may have.
pub const HEADS_MAX: usize = 1_000;
/// Longest stored reason, in characters; the rest is cut.
pub const REASON_CHARS_MAX: usize = 200;

/// A replica's file, open for reading and writing. One per file and process.
pub struct Store {
    conn: Connection,
    codec: Codec,
    path: Option<PathBuf>,
}

/// The file as it stands, seen by a closure of [`Store::read`].
pub struct Reading<'a> {
    conn: &'a Connection,
    codec: &'a Codec,
}

/// The one transaction of a closure of [`Store::write`]. Reads through it see what it wrote, but for the search index, which is
/// written last.
pub struct Writing<'a> {
    reading: Reading<'a>,
    /// Search words of customers, by row number, that are still to be written: [`Writing::put_words`].
    words: BTreeMap<i64, String>,
}

impl<'a> std::ops::Deref for Writing<'a> {
    type Target = Reading<'a>;
    fn deref(&self) -> &Self::Target {
        &self.reading
    }
}

impl Store {
    /// Runs a closure on one unchanging state of the file. Keep it short: an old reader lets the write-ahead log grow.
    /// Within the closure of another read it runs on the state that that one sees.
    ///
    /// # Errors
    /// What the closure returns, or a failure to read.
    pub fn read<T, E: From<StoreError>>(&self, body: impl FnOnce(&Reading<'_>) -> Result<T, E>) -> Result<T, E> {
        let reading = Reading { conn: &self.conn, codec: &self.codec };
        if !self.conn.is_autocommit() {
            return body(&reading);
        }
        let done = Transaction::begin(&self.conn, "BEGIN").map_err(E::from).and_then(|tx| {
            let out = body(&reading)?;
            tx.commit()?;
            Ok(out)
        });
        if done.is_err() {
            self.note_damage();
        }
        done
    }

    /// Runs a closure as one transaction: all of it is in the file when this returns `Ok`, nothing of it otherwise.
    ///
    /// # Errors
    /// What the closure returns, or a failure to write or commit.
    pub fn write<T, E: From<StoreError>>(&mut self, body: impl FnOnce(&mut Writing<'_>) -> Result<T, E>) -> Result<T, E> {
        let tx = Transaction::begin(&self.conn, "BEGIN IMMEDIATE")?;
        let mut writing = Writing { reading: Reading { conn: &self.conn, codec: &self.codec }, words: BTreeMap::new() };
        let out = body(&mut writing);
        let done = out.and_then(|out| Ok(writing.write_words().and_then(|()| tx.commit()).map(|()| out)?));
        if done.is_err() {
            // What was rolled back taught the codec of rows that do not exist.
            self.codec.forget_dictionaries();
            self.note_damage();
        }
        done
    }

    /// After a failure: where SQLite says that the file is damaged, the next opening looks it through.
    fn note_damage(&self) {
        if error::take_corruption()
            && let Some(path) = &self.path
        {
            aside::note_suspicion(path);
        }
    }

    /// Where the file is; `None` in memory.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }
}

/// A transaction under way, rolled back when it is dropped before its commit. Its statements are kept: to parse them anew each time
/// would be a tenth of a save.
struct Transaction<'a> {
    conn: &'a Connection,
}

impl<'a> Transaction<'a> {
    fn begin(conn: &'a Connection, how: &str) -> Result<Self, StoreError> {
        conn.prepare_cached(how)?.execute([])?;
        Ok(Self { conn })
    }
    fn commit(self) -> Result<(), StoreError> {
        self.conn.prepare_cached("COMMIT")?.execute([])?;
        Ok(())
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        // After a commit, and after an error at which SQLite rolled back by itself, there is none.
        if !self.conn.is_autocommit() {
            // Should it fail, the next one cannot begin, and says so.
            let _rolled_back = self.conn.execute_batch("ROLLBACK");
        }
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

/// Refuses what is longer than its limit.
fn within(what: &'static str, found: usize, max: usize) -> Result<(), StoreError> {
    if found > max { Err(StoreError::TooLarge { what, found, max }) } else { Ok(()) }
}

/// A count or length as SQLite holds it; lengths in memory always fit.
fn int(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

/// A stored count, never negative.
fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
