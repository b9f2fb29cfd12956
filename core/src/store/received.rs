//! The long answer that has come and is not wholly opened yet: at most one, as it came. What is in it is none of this room's business.

use rusqlite::{OptionalExtension as _, params};

use super::{Reading, StoreError, Writing, within};
use crate::ids::Ms;

/// Longest answer that is kept, in bytes.
pub const RECEIVED_BYTES_MAX: usize = 16 << 20;

/// An answer as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// When, by the device clock.
    pub at: Ms,
    /// Its frame.
    pub bytes: Vec<u8>,
}

impl Reading<'_> {
    /// The answer that is kept.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn received(&self) -> Result<Option<Received>, StoreError> {
        let mut find = self.conn.prepare_cached("SELECT received_ms, bytes FROM received")?;
        Ok(find.query_row([], |row| Ok(Received { at: Ms(row.get(0)?), bytes: row.get(1)? })).optional()?)
    }
}

impl Writing<'_> {
    /// Keeps an answer in place of the one before.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`], or the file cannot be written.
    pub fn put_received(&mut self, bytes: &[u8], at: Ms) -> Result<(), StoreError> {
        within("an answer (bytes)", bytes.len(), RECEIVED_BYTES_MAX)?;
        self.conn
            .prepare_cached("INSERT OR REPLACE INTO received (one, received_ms, bytes) VALUES (1, ?1, ?2)")?
            .execute(params![at.0, bytes])?;
        Ok(())
    }

    /// It is opened. It may have brought what this device may hold no more: [`super::Store::scour`] does the rest.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn drop_received(&mut self) -> Result<(), StoreError> {
        let dropped = self.conn.prepare_cached("DELETE FROM received")?.execute([])?;
        if dropped > 0 { self.leave_residue_in_the_log() } else { Ok(()) }
    }
}
