//! Opening a replica's file: settings of the connection, migration, check, and what happens to a damaged file.
//! Decides nothing about content.

use std::path::Path;
use std::sync::Once;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::aside::{self, SetAside};
use super::codec::Codec;
use super::{Store, StoreError, StoreKey, encryption, schema};
use crate::ids::Ms;

/// Bytes of a database page. With snapshots of about 700 bytes four to five fit one page; larger pages cost more per small commit.
pub(super) const PAGE_BYTES: u32 = 4096;
/// How long a connection waits for the writer of another process.
pub(super) const BUSY_MAX: Duration = Duration::from_secs(5);
/// The write-ahead log is cut back to this after a checkpoint.
const WAL_BYTES_MAX: u32 = 4 << 20;
/// Prepared statements kept per connection.
const STATEMENTS_MAX: usize = 256;

/// What a returned commit promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// A commit that returned survives a power cut (`synchronous = FULL`): phones, and every file that is the only holder of something.
    Full,
    /// A power cut may undo the last commits but never half of one (`synchronous = NORMAL`): files that can be rebuilt from elsewhere.
    Rebuildable,
}

/// How thoroughly a file is looked at before it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// Head, schema and the replica's own row: a millisecond, at every start.
    Quick,
    /// Every page, index and reference: after [`StoreError::Corrupt`], and whenever there is time.
    Full,
}

/// How a file is opened.
#[derive(Debug, Clone, Copy)]
pub struct OpenOptions<'k> {
    /// What a returned commit promises.
    pub durability: Durability,
    /// Memory for pages, in KiB.
    pub cache_kib: u32,
    /// How thoroughly the file is looked at first.
    pub check: Check,
    /// Now: part of the name under which a damaged file is set aside.
    pub now: Ms,
    /// The key of the file; a new file is made under it, one that is not encrypted yet is encrypted first. `None`: not encrypted.
    pub key: Option<&'k StoreKey>,
    /// Name of the file layer that SQLite goes through; `None` is the system's own. Another one is registered by whoever brings a disk
    /// of its own, such as a simulated one.
    pub vfs: Option<&'static str>,
}

impl<'k> OpenOptions<'k> {
    /// A phone's file: durable, 8 MiB of pages.
    #[must_use]
    pub const fn phone(now: Ms) -> Self {
        Self { durability: Durability::Full, cache_kib: 8 << 10, check: Check::Quick, now, key: None, vfs: None }
    }
    /// Headquarters' replica: follows the feed and can be rebuilt from it; 64 MiB of pages.
    #[must_use]
    pub const fn headquarters(now: Ms) -> Self {
        Self { durability: Durability::Rebuildable, cache_kib: 64 << 10, check: Check::Quick, now, key: None, vfs: None }
    }
    /// The same, under a key.
    #[must_use]
    pub const fn under(self, key: Option<&'k StoreKey>) -> Self {
        Self { key, ..self }
    }
}

/// An open store, and what had to be moved out of its way.
#[derive(Debug)]
pub struct Opened {
    /// The store.
    pub store: Store,
    /// The damaged file that was found at its place, if any: the store is then new and empty, and the app must say so.
    pub set_aside: Option<SetAside>,
}

impl Store {
    /// Opens or makes the file at `path`. A damaged file is renamed with the moment `how.now` in its name, its `-wal` and `-shm` too; never deleted.
    ///
    /// # Errors
    /// [`StoreError::NewerFile`], [`StoreError::ForeignFile`], [`StoreError::KeyNeeded`], [`StoreError::WrongKey`] (the file stays where it
    /// is and as it is), [`StoreError::NoEncryption`], [`StoreError::Busy`], or a failure of the disk.
    pub fn open(path: &Path, how: &OpenOptions<'_>) -> Result<Opened, StoreError> {
        let orphaned = aside::set_aside_orphaned_log(path, how.now)?;
        let suspect = aside::beside(path, aside::SUSPECT);
        let how = &if suspect.exists() { OpenOptions { check: Check::Full, ..*how } } else { *how };
        let opened = Self::open_or_set_aside(path, how, orphaned)?;
        // What stays of the note costs one more look.
        let _looked_at = std::fs::remove_file(suspect).is_ok();
        Ok(opened)
    }

    fn open_or_set_aside(path: &Path, how: &OpenOptions<'_>, orphaned: Option<SetAside>) -> Result<Opened, StoreError> {
        match Self::open_checked(path, how) {
            Ok(store) => Ok(Opened { store, set_aside: orphaned }),
            Err(StoreError::Corrupt { .. }) => {
                let moved = aside::set_aside(path, how.now)?;
                let store = Self::open_checked(path, how)?;
                Ok(Opened { store, set_aside: Some(moved) })
            }
            Err(error) => Err(error),
        }
    }

    /// Puts the closed file at `path` under the key `new`; `old` is the key that it is under now, `None` when it has none. Crash-safe: the
    /// file is under the one or the other, never between. Keep the old key until this has returned; doing it again changes nothing.
    ///
    /// # Errors
    /// [`StoreError::WrongKey`], [`StoreError::KeyNeeded`], [`StoreError::Busy`] while something has it open, [`StoreError::Full`],
    /// [`StoreError::NoEncryption`]; the file is then as it was.
    pub fn rekey(path: &Path, old: Option<&StoreKey>, new: &StoreKey) -> Result<(), StoreError> {
        encryption::rekey(path, old, new)
    }

    /// A second, read-only connection to a file that another [`Store`] of this process writes, under the same key. Its [`Store::write`]
    /// always fails.
    ///
    /// # Errors
    /// The file is absent, of another version, or unreadable; [`StoreError::KeyNeeded`], [`StoreError::WrongKey`].
    pub fn open_reader(path: &Path, cache_kib: u32, key: Option<&StoreKey>) -> Result<Self, StoreError> {
        ready();
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags(path, flags)?;
        encryption::unlock(&conn, path, key)?;
        configure(&conn, cache_kib)?;
        match schema::head(&conn)? {
            schema::Head::Version(schema::KNOWN) => Ok(Self { conn, codec: Codec::default(), path: Some(path.into()) }),
            schema::Head::Version(_) | schema::Head::Empty => Err(StoreError::Damaged { what: "schema" }),
        }
    }

    /// A store that lives in memory: for tests and for looking at things.
    ///
    /// # Errors
    /// Memory is short.
    pub fn in_memory() -> Result<Self, StoreError> {
        ready();
        let mut conn = Connection::open_in_memory()?;
        configure(&conn, 8 << 10)?;
        schema::migrate(&mut conn)?;
        #[cfg(test)]
        let conn = super::steps::watched(conn)?;
        Ok(Self { conn, codec: Codec::default(), path: None })
    }

    /// Looks at every page, index and reference: `Ok(true)` when all is well.
    ///
    /// # Errors
    /// The file cannot be read at all.
    pub fn is_sound(&self) -> Result<bool, StoreError> {
        is_sound(&self.conn)
    }

    /// Length of the write-ahead log in bytes: above some 10 MB a reader is holding it open.
    ///
    /// # Errors
    /// The system refuses to say.
    pub fn wal_bytes(&self) -> Result<u64, StoreError> {
        let Some(path) = &self.path else { return Ok(0) };
        match std::fs::metadata(aside::beside(path, "-wal")) {
            Ok(found) => Ok(found.len()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0),
            Err(source) => Err(StoreError::File { doing: "measuring the log", source }),
        }
    }

    /// Closes the file, folding the write-ahead log into it. Dropping a store does the same but cannot report.
    ///
    /// # Errors
    /// The last checkpoint failed; nothing is lost, the log stays.
    pub fn close(self) -> Result<(), StoreError> {
        self.conn.close().map_err(|(_, error)| error.into())
    }

    fn open_checked(path: &Path, how: &OpenOptions<'_>) -> Result<Self, StoreError> {
        ready();
        if let Some(key) = how.key {
            encryption::encrypt_plain(path, key)?;
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut conn = match how.vfs {
            Some(vfs) => Connection::open_with_flags_and_vfs(path, flags, vfs)?,
            None => Connection::open_with_flags(path, flags)?,
        };
        conn.busy_timeout(BUSY_MAX)?;
        encryption::unlock(&conn, path, how.key)?;
        if schema::head(&conn)? == schema::Head::Empty {
            conn.pragma_update(None, "page_size", PAGE_BYTES)?;
        }
        let mode: String = conn.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
        if mode != "wal" {
            return Err(StoreError::Damaged { what: "journal mode" });
        }
        configure(&conn, how.cache_kib)?;
        let synchronous = match how.durability {
            Durability::Full => "FULL",
            Durability::Rebuildable => "NORMAL",
        };
        conn.pragma_update(None, "synchronous", synchronous)?;
        // On Apple's systems a sync leaves the last writes in the drive unless it is asked for whole. Elsewhere this changes nothing.
        conn.pragma_update(None, "fullfsync", true)?;
        schema::migrate(&mut conn)?;
        if how.check == Check::Full && !is_sound(&conn)? {
            return Err(StoreError::Corrupt { source: None });
        }
        let own_rows: i64 = conn.query_row("SELECT count(*) FROM replica", [], |row| row.get(0))?;
        if own_rows != 1 {
            return Err(StoreError::Corrupt { source: None });
        }
        Ok(Self { conn, codec: Codec::default(), path: Some(path.into()) })
    }
}

/// Makes SQLite ready, once in a process, before the first connection. SQLCipher gets ready only after SQLite has said that it is: whoever
/// opened an encrypted file on another thread in that moment found a build without encryption.
pub fn ready() {
    static READY: Once = Once::new();
    // A failure shows again when a file is opened.
    READY.call_once(|| drop(Connection::open_in_memory()));
}

/// Settings that every connection shares.
fn configure(conn: &Connection, cache_kib: u32) -> Result<(), StoreError> {
    conn.busy_timeout(BUSY_MAX)?;
    // A plan is for all values: else SQLite plans a kept statement anew for each value that is compared with a partial index or a sample.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    conn.pragma_update(None, "foreign_keys", true)?;
    conn.pragma_update(None, "trusted_schema", false)?;
    // What is deleted is overwritten: see `erase`.
    conn.pragma_update(None, "secure_delete", true)?;
    conn.pragma_update(None, "cell_size_check", true)?;
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    conn.pragma_update(None, "cache_size", -i64::from(cache_kib))?;
    conn.pragma_update(None, "journal_size_limit", WAL_BYTES_MAX)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    Ok(())
}

fn is_sound(conn: &Connection) -> Result<bool, StoreError> {
    let verdict: Result<String, rusqlite::Error> = conn.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0));
    match verdict.map_err(StoreError::from) {
        Ok(verdict) if verdict == "ok" => {}
        Ok(_) | Err(StoreError::Corrupt { .. }) => return Ok(false),
        Err(error) => return Err(error),
    }
    let mut dangling = conn.prepare("PRAGMA foreign_key_check")?;
    Ok(!dangling.exists([])?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a failing test says where")]

    use super::*;
    use crate::store::{Lane, salvage};

    const NOW: Ms = Ms(1_772_400_000_000);

    fn phone() -> OpenOptions<'static> {
        OpenOptions::phone(NOW)
    }

    #[test]
    fn a_new_file_is_made_and_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("replica.sqlite");
        let mut opened = Store::open(&path, &phone()).unwrap();
        assert!(opened.set_aside.is_none());
        opened.store.write(|w| w.put_setting("a", b"b")).unwrap();
        opened.store.close().unwrap();
        let again = Store::open(&path, &OpenOptions { check: Check::Full, ..phone() }).unwrap();
        assert!(again.set_aside.is_none());
        assert_eq!(again.store.read(|r| r.setting("a")).unwrap().unwrap(), b"b");
        let page: u32 = again.store.conn.query_row("PRAGMA page_size", [], |row| row.get(0)).unwrap();
        assert_eq!(page, PAGE_BYTES);
        let synchronous: u32 = again.store.conn.query_row("PRAGMA synchronous", [], |row| row.get(0)).unwrap();
        assert_eq!(synchronous, 2);
        assert!(again.store.conn.query_row("PRAGMA fullfsync", [], |row| row.get::<_, bool>(0)).unwrap());
        let reader = Store::open_reader(&path, 1024, None).unwrap();
        assert_eq!(reader.read(|r| r.setting("a")).unwrap().unwrap(), b"b");
    }

    #[test]
    fn a_newer_file_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("replica.sqlite");
        let opened = Store::open(&path, &phone()).unwrap();
        opened.store.conn.execute_batch(&format!("PRAGMA user_version = {}", schema::KNOWN + 3)).unwrap();
        opened.store.close().unwrap();
        let before = std::fs::read(&path).unwrap();
        let refused = Store::open(&path, &phone()).unwrap_err();
        assert!(matches!(refused, StoreError::NewerFile { found, known } if found == known + 3), "{refused:?}");
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }

    #[test]
    fn a_missing_folder_and_a_reader_that_writes_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let nowhere = Store::open(&folder.path().join("absent/replica.sqlite"), &phone());
        assert!(matches!(nowhere, Err(StoreError::NoAccess { .. })), "{nowhere:?}");
        let path = folder.path().join("replica.sqlite");
        let opened = Store::open(&path, &phone()).unwrap();
        let mut reader = Store::open_reader(&path, 512, None).unwrap();
        let refused = reader.write(|w| w.put_setting("a", b"b"));
        assert!(matches!(refused, Err(StoreError::NoAccess { .. })), "{refused:?}");
        drop(opened);
    }

    #[test]
    fn a_full_disk_is_named_and_leaves_the_file_sound() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(&folder.path().join("replica.sqlite"), &phone()).unwrap().store;
        let pages: u32 = store.conn.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
        store.conn.execute_batch(&format!("PRAGMA max_page_count = {}", pages + 2)).unwrap();
        let full = store.write(|w| w.put_setting("a", &[7; 100_000]));
        assert!(matches!(full, Err(StoreError::Full { .. })), "{full:?}");
        store.write(|w| w.put_setting("a", b"b")).unwrap();
        assert!(store.is_sound().unwrap());
    }

    #[test]
    fn a_database_of_another_program_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("replica.sqlite");
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (a); PRAGMA application_id = 7").unwrap();
        assert!(matches!(Store::open(&path, &phone()), Err(StoreError::ForeignFile { application_id: 7 })));
        assert!(path.exists());
    }

    #[test]
    fn what_is_no_database_is_set_aside_unchanged() {
        for garbage in [vec![7u8; 40], vec![7u8; 20_000], b"SQLite format 3\0 but not really".repeat(300)] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("replica.sqlite");
            std::fs::write(&path, &garbage).unwrap();
            let mut opened = Store::open(&path, &phone()).unwrap();
            let aside = opened.set_aside.take().unwrap();
            assert_eq!(std::fs::read(&aside.path).unwrap(), garbage);
            opened.store.write(|w| w.put_setting("a", b"b")).unwrap();
            drop(opened);
            // A second accident within the same millisecond takes another name.
            std::fs::write(&path, &garbage).unwrap();
            let again = Store::open(&path, &phone()).unwrap().set_aside.unwrap();
            assert_ne!(again.path, aside.path);
            assert!(aside.path.exists());
        }
    }

    #[test]
    fn a_damaged_page_is_found_by_the_full_check_and_own_work_is_salvaged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("replica.sqlite");
        let mut opened = Store::open(&path, &phone()).unwrap();
        let (doc, hash) = crate::store::documents::tests::one_document(&mut opened.store, 1, Lane::Urgent);
        opened.store.close().unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        // The tree of a table that salvage does not read.
        let conn = Connection::open(&path).unwrap();
        let root: usize = conn
            .query_row("SELECT rootpage FROM sqlite_schema WHERE name = 'tour_row'", [], |row| row.get::<_, i64>(0))
            .unwrap()
            .try_into()
            .unwrap();
        drop(conn);
        let at = (root - 1) * PAGE_BYTES as usize;
        bytes[at..at + 100].fill(0xee);
        std::fs::write(&path, &bytes).unwrap();
        let opened = Store::open(&path, &OpenOptions { check: Check::Full, ..phone() }).unwrap();
        let aside = opened.set_aside.unwrap();
        assert_eq!(std::fs::read(&aside.path).unwrap(), bytes);
        let saved = salvage(&aside.path, None).unwrap();
        assert_eq!(saved.changes.len(), 1);
        assert_eq!((saved.changes[0].doc, saved.changes[0].hash), (doc, hash));
        assert!(opened.store.is_sound().unwrap());
    }

    #[test]
    fn a_file_that_showed_damage_while_open_is_looked_through_and_set_aside_with_its_photos() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("replica.sqlite");
        let mut store = Store::open(&path, &phone()).unwrap().store;
        crate::store::documents::tests::one_document(&mut store, 1, Lane::Urgent);
        let root: i64 = store.conn.query_row("SELECT rootpage FROM sqlite_schema WHERE name = 'setting'", [], |row| row.get(0)).unwrap();
        store.close().unwrap();
        let photos = aside::beside(&path, aside::PHOTOS);
        std::fs::create_dir(&photos).unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        let at = usize::try_from(root - 1).unwrap() * PAGE_BYTES as usize;
        bytes[at..at + 100].fill(0xee);
        std::fs::write(&path, &bytes).unwrap();
        // The quick look finds nothing; what is read then does.
        let opened = Store::open(&path, &phone()).unwrap();
        assert!(opened.set_aside.is_none());
        let read = opened.store.read(|read| read.setting("a"));
        assert!(matches!(read, Err(StoreError::Corrupt { .. })), "{read:?}");
        drop(opened);
        let again = Store::open(&path, &phone()).unwrap();
        let moved = again.set_aside.unwrap().path;
        assert!(aside::beside(&moved, aside::PHOTOS).is_dir() && !photos.exists(), "the photos stay with the file that has their key");
        drop(again.store);
        let mut sound = Store::open(&path, &phone()).unwrap();
        assert!(sound.set_aside.is_none() && !aside::beside(&path, aside::SUSPECT).exists(), "once");
        sound.store.wipe().unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "a wipe leaves nothing of it");
    }

    #[test]
    fn a_log_without_its_database_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("replica.sqlite");
        std::fs::write(aside::beside(&path, "-wal"), b"precious").unwrap();
        let opened = Store::open(&path, &phone()).unwrap();
        let aside = opened.set_aside.unwrap();
        assert_eq!(std::fs::read(aside::beside(&aside.path, "-wal")).unwrap(), b"precious");
    }
}
