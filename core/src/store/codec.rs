//! Snapshots on disk: zstd, with a dictionary where the file has one for the kind. Knows nothing of what a snapshot says.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension};

use super::{SNAPSHOT_BYTES_MAX, StoreError, within};

/// zstd level of stored snapshots: a save is followed by an fsync of milliseconds, this costs tens of microseconds.
const LEVEL: i32 = 3;

/// Compresses and decompresses; keeps the dictionaries of the file prepared.
#[derive(Default)]
pub(super) struct Codec {
    dictionaries: RefCell<BTreeMap<i64, Arc<Vec<u8>>>>,
}

impl Codec {
    pub(super) fn compress(&self, bytes: &[u8]) -> Result<Vec<u8>, StoreError> {
        within("a snapshot (bytes)", bytes.len(), SNAPSHOT_BYTES_MAX)?;
        zstd::bulk::compress(bytes, LEVEL).map_err(|source| StoreError::File { doing: "compressing", source })
    }

    /// Decompresses to exactly `length` bytes.
    pub(super) fn decompress(&self, conn: &Connection, dictionary: i64, bytes: &[u8], length: usize) -> Result<Vec<u8>, StoreError> {
        within("a snapshot (bytes)", length, SNAPSHOT_BYTES_MAX)?;
        let damaged = |_| StoreError::Damaged { what: "snapshot" };
        let out = if dictionary == 0 {
            zstd::bulk::decompress(bytes, length).map_err(damaged)?
        } else {
            let dictionary = self.dictionary(conn, dictionary)?;
            let mut with = zstd::bulk::Decompressor::with_dictionary(&dictionary).map_err(damaged)?;
            with.decompress(bytes, length).map_err(damaged)?
        };
        if out.len() == length { Ok(out) } else { Err(StoreError::Damaged { what: "snapshot" }) }
    }

    /// Forgets what was read: the rows may have been rolled back.
    pub(super) fn forget_dictionaries(&self) {
        self.dictionaries.borrow_mut().clear();
    }

    fn dictionary(&self, conn: &Connection, no: i64) -> Result<Arc<Vec<u8>>, StoreError> {
        if let Some(known) = self.dictionaries.borrow().get(&no) {
            return Ok(Arc::clone(known));
        }
        let found: Option<Vec<u8>> =
            conn.prepare_cached("SELECT bytes FROM dictionary WHERE no = ?1")?.query_row([no], |row| row.get(0)).optional()?;
        let found = Arc::new(found.ok_or(StoreError::Damaged { what: "dictionary" })?);
        self.dictionaries.borrow_mut().insert(no, Arc::clone(&found));
        Ok(found)
    }
}
