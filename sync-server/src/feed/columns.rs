//! How the feed's tables keep numbers, ids and what was set aside. Never here: questions to the tables.

use roadbook_core::ids::{ChangeHash, DeviceId, DocId, Ms, SubjectId, UserId};
use rusqlite::Row;

use super::{Quarantined, Refused};

/// An id column in which empty means none.
pub(super) fn optional_id(row: &Row<'_>, index: usize) -> Result<Option<[u8; 16]>, rusqlite::Error> {
    let bytes: Vec<u8> = row.get(index)?;
    if bytes.is_empty() { Ok(None) } else { row.get(index).map(Some) }
}

pub(super) fn number(row: &Row<'_>, index: usize) -> Result<u64, rusqlite::Error> {
    row.get::<_, i64>(index).map(|no| u64::try_from(no).unwrap_or(0))
}

/// A number as SQLite stores it.
pub(super) fn column(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// What was set aside.
pub(super) const QUARANTINED: &str = "SELECT id, doc, kind, subject, hash, code, why, bytes, device, user, received_ms FROM quarantine";

/// Reads the columns of [`QUARANTINED`].
pub(super) fn quarantined(row: &Row<'_>) -> Result<Quarantined, rusqlite::Error> {
    Ok(Quarantined {
        id: row.get(0)?,
        refused: Refused {
            doc: DocId::from_bytes(row.get(1)?),
            kind: row.get(2)?,
            subject: SubjectId::from_bytes(row.get(3)?),
            hash: ChangeHash(row.get(4)?),
            code: row.get(5)?,
            why: row.get(6)?,
            bytes: row.get(7)?,
        },
        device: optional_id(row, 8)?.map(DeviceId::from_bytes),
        user: UserId::from_bytes(row.get(9)?),
        received_at: Ms(row.get(10)?),
    })
}
