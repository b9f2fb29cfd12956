//! Damaged files: moved out of the way, never deleted, and read for what only this device has.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::{Draft, Lane, StoreError, StoreKey, encryption};
use crate::ids::{ChangeHash, DocId, Ms, SubjectId};

/// A damaged file that was moved out of the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// Where it is now; its `-wal` and `-shm` beside it under the same new name.
    pub path: PathBuf,
}

/// What could still be read of a damaged file: the work that perhaps nobody else has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Salvage {
    /// Own changes without an accepted verdict, in the order in which they were saved.
    pub changes: Vec<SalvagedChange>,
    /// Visits under way.
    pub drafts: Vec<Draft>,
    /// Reading stopped at damage: there was perhaps more.
    pub cut_short: bool,
}

/// An own change read out of a damaged file. Its bytes are to be checked like any from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SalvagedChange {
    /// Document it belongs to.
    pub doc: DocId,
    /// Kind of that document.
    pub kind: String,
    /// Subject of that document.
    pub subject: SubjectId,
    /// Its hash, as stored.
    pub hash: ChangeHash,
    /// Its lane.
    pub lane: Lane,
    /// When it was saved, by the device clock.
    pub recorded_at: Ms,
    /// Its bytes, as stored.
    pub bytes: Vec<u8>,
}

/// Reads a file that was set aside for own changes without an accepted verdict and for drafts; `key` is the key that it was under, if
/// any. Never writes to it.
///
/// # Errors
/// The file cannot be opened at all; [`StoreError::KeyNeeded`], [`StoreError::WrongKey`].
pub fn salvage(path: &Path, key: Option<&StoreKey>) -> Result<Salvage, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    // Opened for writing only so that its log is read as well; query_only keeps content as it is.
    super::open::ready();
    let conn = Connection::open_with_flags(path, flags)?;
    let mut out = Salvage::default();
    match encryption::unlock(&conn, path, key) {
        Ok(()) => {}
        Err(StoreError::Corrupt { .. }) => return Ok(Salvage { cut_short: true, ..out }),
        Err(error) => return Err(error),
    }
    if conn.pragma_update(None, "query_only", true).is_err() {
        return Ok(Salvage { cut_short: true, ..out });
    }
    out.cut_short |= salvage_changes(&conn, &mut out.changes).is_err();
    out.cut_short |= salvage_drafts(&conn, &mut out.drafts).is_err();
    Ok(out)
}

fn salvage_changes(conn: &Connection, into: &mut Vec<SalvagedChange>) -> Result<(), rusqlite::Error> {
    let mut find = conn.prepare(
        "SELECT d.doc, d.kind, d.subject, c.hash, o.lane, o.recorded_ms, c.bytes
         FROM own_change o JOIN change c ON c.no = o.change JOIN document d ON d.no = c.document
         WHERE o.standing <> 1 ORDER BY o.recorded_no",
    )?;
    let rows = find.query_map([], |row| {
        Ok(SalvagedChange {
            doc: DocId::from_bytes(row.get(0)?),
            kind: row.get(1)?,
            subject: SubjectId::from_bytes(row.get(2)?),
            hash: ChangeHash(row.get(3)?),
            lane: Lane::of(row.get(4)?),
            recorded_at: Ms(row.get(5)?),
            bytes: row.get(6)?,
        })
    })?;
    for row in rows {
        into.push(row?);
    }
    Ok(())
}

fn salvage_drafts(conn: &Connection, into: &mut Vec<Draft>) -> Result<(), rusqlite::Error> {
    let mut find = conn.prepare("SELECT doc, subject, saved_ms, body FROM draft ORDER BY saved_ms, doc")?;
    let rows = find.query_map([], |row| {
        Ok(Draft {
            doc: DocId::from_bytes(row.get(0)?),
            subject: SubjectId::from_bytes(row.get(1)?),
            saved_at: Ms(row.get(2)?),
            body: row.get(3)?,
        })
    })?;
    for row in rows {
        into.push(row?);
    }
    Ok(())
}

/// Renames a file with its log and index, to a name that is free.
pub(super) fn set_aside(path: &Path, now: Ms) -> Result<SetAside, StoreError> {
    let new = free_name(path, now);
    // The log first: if the power goes between two renames, the log without its database is found and kept as well. The photos go with the
    // file that has their key.
    for suffix in ["-wal", "-shm", PHOTOS, ""] {
        rename(&beside(path, suffix), &beside(&new, suffix))?;
    }
    Ok(SetAside { path: new })
}

/// SQLite deletes a log whose database is absent or empty. It may hold the last day's work: moved aside instead.
pub(super) fn set_aside_orphaned_log(path: &Path, now: Ms) -> Result<Option<SetAside>, StoreError> {
    let length = |suffix| std::fs::metadata(beside(path, suffix)).map_or(0, |found| found.len());
    if length("") > 0 || length("-wal") == 0 {
        return Ok(None);
    }
    let new = free_name(path, now);
    for suffix in ["-wal", "-shm"] {
        rename(&beside(path, suffix), &beside(&new, suffix))?;
    }
    Ok(Some(SetAside { path: new }))
}

/// Ending of the folder of a file's photos: see `blobs::folder`.
pub(super) const PHOTOS: &str = "-photos";
/// Ending of the note that a file was found damaged while it was open: see [`note_suspicion`].
pub(super) const SUSPECT: &str = "-suspect";

/// Notes beside a file that SQLite found it damaged: the next time it is opened it is looked through, and set aside if it is.
pub(super) fn note_suspicion(path: &Path) {
    // Where the note cannot be written the damage shows again.
    let _noted = std::fs::File::create(beside(path, SUSPECT)).is_ok();
}

/// `path` with text appended to its last part.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Every file that was ever set aside from this one.
pub(super) fn all_of(path: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return Ok(Vec::new()) };
    let mut begins = name.to_owned();
    begins.push(".damaged-");
    let begins = begins.to_string_lossy().into_owned();
    let failed = |source| StoreError::File { doing: "looking for files that were set aside", source };
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.file_name().to_string_lossy().starts_with(&begins) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

fn free_name(path: &Path, now: Ms) -> PathBuf {
    let taken = |name: &Path| ["", "-wal", PHOTOS].iter().any(|suffix| beside(name, suffix).exists());
    let mut name = beside(path, &format!(".damaged-{}", now.0));
    let mut n = 1u32;
    while taken(&name) {
        n = n.saturating_add(1);
        name = beside(path, &format!(".damaged-{}-{n}", now.0));
    }
    name
}

fn rename(from: &Path, to: &Path) -> Result<(), StoreError> {
    match std::fs::rename(from, to) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(StoreError::File { doing: "setting a damaged file aside", source }),
    }
}
