//! One SQLite file of the server: opened, migrated, one writer and a few readers.
//!
//! Belongs here: connections, pragmas, the ladder of migrations. Never here: what a table means.
//!
//! Every write is one `BEGIN IMMEDIATE` transaction under one lock (a deferred transaction that reads and then writes
//! is refused with `SQLITE_BUSY_SNAPSHOT`, and no timeout applies). Reads are snapshots on connections of their own.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

#[cfg(test)]
#[path = "../../core/src/store/steps.rs"]
pub(crate) mod steps;

/// How long a statement waits for another *process* (a command beside a running server) to finish its write.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// At most this many idle reading connections are kept; more are opened when needed and closed after use.
const READERS_IDLE_MAX: usize = 10;

/// Prepared statements kept by each connection: more than there are in all rooms together, or each use would plan anew.
const STATEMENTS_MAX: usize = 256;

/// Page cache of each connection, in KiB (SQLite writes it as a negative number).
const CACHE_KIB: i64 = 8 * 1024;

/// Largest file that [`Database::scour`] builds anew, in bytes: nobody writes meanwhile, for some seconds. In a larger one what was
/// deleted is overwritten where it lay.
pub const REBUILT_BYTES_MAX: i64 = 1 << 30;

/// `PRAGMA application_id` of our files: "RBsv". A file of another program is refused, not migrated.
const APPLICATION_ID: i32 = 0x5242_7376;

/// How much a commit survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// `synchronous=FULL`: a returned commit survives a power cut. For everything that an answer promises.
    Full,
    /// `synchronous=NORMAL`: survives the death of the process, may lose its last commits in a power cut. For scratch.
    Process,
}

impl Durability {
    const fn synchronous(self) -> &'static str {
        match self {
            Self::Full => "FULL",
            Self::Process => "NORMAL",
        }
    }
}

/// Why a file could not be opened or used.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// SQLite refused; the text is for the log.
    #[error("the database failed: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The file cannot be opened: it is damaged, or may not be read.
    #[error("{path} cannot be opened and is left as it is: {source}; when it is damaged, put a copy from a backup in its place")]
    Open {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The folder cannot be made.
    #[error("the folder of {path} cannot be made: {source}")]
    Folder {
        /// The file that was to be opened.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file belongs to another program.
    #[error("{path} is not a file of Roadbook; choose another data folder")]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file was written by a newer version of this program.
    #[error("{path} was written by a newer version (schema {found}, this program knows {known}); update the program")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema number.
        found: usize,
        /// The newest that this program knows.
        known: usize,
    },
}

/// An open file. Cheap to share behind an `Arc`; all methods take `&self`.
pub struct Database {
    path: PathBuf,
    durability: Durability,
    vfs: Option<&'static str>,
    writer: Mutex<Connection>,
    readers: Mutex<Vec<Connection>>,
}

impl Database {
    /// Opens `path`, makes it when it is missing, and brings its schema up to the end of `migrations`.
    ///
    /// # Errors
    /// [`DatabaseError::Newer`] and [`DatabaseError::Foreign`] leave the file untouched; a damaged file is reported
    /// as SQLite names it and is never deleted or replaced: it holds what nobody else has.
    pub fn open(path: &Path, durability: Durability, migrations: &[&str]) -> Result<Self, DatabaseError> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|source| DatabaseError::Folder { path: path.to_owned(), source })?;
        }
        Self::open_on(None, path, durability, migrations)
    }

    /// As [`Self::open`], through a file layer of SQLite that somebody registered under this name; `None` is the system's own. The
    /// folder must be there.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_on(vfs: Option<&'static str>, path: &Path, durability: Durability, migrations: &[&str]) -> Result<Self, DatabaseError> {
        let failed = |source| DatabaseError::Open { path: path.to_owned(), source };
        if is_foreign(vfs, path).map_err(failed)? {
            return Err(DatabaseError::Foreign { path: path.to_owned() });
        }
        let mut writer = connect(vfs, path, durability).map_err(failed)?;
        migrate(&mut writer, path, migrations)?;
        Ok(Self { path: path.to_owned(), durability, vfs, writer: Mutex::new(writer), readers: Mutex::new(Vec::new()) })
    }

    /// Whether [`Self::open`] would change nothing of the file: it is there, and of this version or a newer one.
    ///
    /// # Errors
    /// [`DatabaseError::Open`].
    pub fn is_current(path: &Path, migrations: &[&str]) -> Result<bool, DatabaseError> {
        let found = if path.exists() { opened(None, path).and_then(|connection| version_of(&connection)) } else { Ok(0) };
        Ok(found.map_err(|source| DatabaseError::Open { path: path.to_owned(), source })? >= migrations.len())
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs `work` as one immediate transaction: committed when it returns `Ok`, undone otherwise.
    ///
    /// # Errors
    /// What `work` returns, or the failure to begin or commit.
    pub fn write<T, E: From<rusqlite::Error>>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T, E>) -> Result<T, E> {
        let mut connection = held(&self.writer);
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let value = work(&transaction)?;
        transaction.commit()?;
        Ok(value)
    }

    /// As [`Self::write`], for what nobody was promised: it is on disk with the next commit that is, and a power cut before
    /// that may undo it. Half of it is never there.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn write_unhurried<T, E: From<rusqlite::Error>>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T, E>) -> Result<T, E> {
        let mut connection = held(&self.writer);
        connection.pragma_update(None, "synchronous", Durability::Process.synchronous())?;
        let outcome = (|| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = work(&transaction)?;
            transaction.commit()?;
            Ok(value)
        })();
        connection.pragma_update(None, "synchronous", self.durability.synchronous())?;
        outcome
    }

    /// After something was erased: builds the file anew when it is at most [`REBUILT_BYTES_MAX`] long, for SQLite copies rows about
    /// as its trees grow, and empties the log. `false`: somebody reads an old state, and the log could not be emptied.
    ///
    /// # Errors
    /// When the file cannot be written; nothing in it is lost.
    pub fn scour(&self) -> Result<bool, rusqlite::Error> {
        let connection = held(&self.writer);
        let size = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
        if connection.query_row(size, [], |row| row.get::<_, i64>(0))? <= REBUILT_BYTES_MAX {
            connection.execute_batch("VACUUM")?;
        }
        let busy: bool = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        Ok(!busy)
    }

    /// Runs `work` on one unchanging snapshot.
    ///
    /// # Errors
    /// What `work` returns, or the failure to open a connection.
    pub fn read<T, E: From<rusqlite::Error>>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T, E>) -> Result<T, E> {
        let idle = held(&self.readers).pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => {
                let connection = connect(self.vfs, &self.path, self.durability)?;
                connection.pragma_update(None, "query_only", true)?;
                connection
            }
        };
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
        let value = work(&transaction)?;
        transaction.finish()?;
        let mut readers = held(&self.readers);
        if readers.len() < READERS_IDLE_MAX {
            readers.push(connection);
        }
        Ok(value)
    }
}

/// A lock whose holder panicked is still good here: the transaction of that holder was rolled back when it unwound.
fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

fn opened(vfs: Option<&str>, path: &Path) -> Result<Connection, rusqlite::Error> {
    // The same library as the core has: made ready in one place.
    roadbook_core::store::ready();
    match vfs {
        Some(vfs) => Connection::open_with_flags_and_vfs(path, OpenFlags::default(), vfs),
        None => Connection::open(path),
    }
}

fn connect(vfs: Option<&str>, path: &Path, durability: Durability) -> Result<Connection, rusqlite::Error> {
    let connection = opened(vfs, path)?;
    #[cfg(test)]
    let connection = steps::watched(connection)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // A plan is for all values: else SQLite plans a kept statement anew for each value that is compared with a partial index or a sample.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", durability.synchronous())?;
    // On Apple's systems a sync leaves the last writes in the drive unless it is asked for whole. Elsewhere this changes nothing.
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    // What is deleted is overwritten: an erased document leaves no byte.
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    Ok(connection)
}

/// Whether the file is of another program, which is found out without changing a byte of it.
fn is_foreign(vfs: Option<&str>, path: &Path) -> Result<bool, rusqlite::Error> {
    let connection = opened(vfs, path)?;
    let application: i32 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(application != APPLICATION_ID && (application != 0 || tables > 0))
}

/// How many steps the file has: `PRAGMA user_version` counts them.
fn version_of(connection: &Connection) -> Result<usize, rusqlite::Error> {
    connection.query_row("PRAGMA user_version", [], |row| row.get::<_, u32>(0)).map(|found| found as usize)
}

/// Runs the steps that the file does not have yet, all in one transaction.
fn migrate(connection: &mut Connection, path: &Path, migrations: &[&str]) -> Result<(), DatabaseError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = version_of(&transaction)?;
    if found > migrations.len() {
        return Err(DatabaseError::Newer { path: path.to_owned(), found, known: migrations.len() });
    }
    if found == migrations.len() && found > 0 {
        return Ok(());
    }
    for step in migrations.iter().skip(found) {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", u32::try_from(migrations.len()).unwrap_or(u32::MAX))?;
    transaction.commit()?;
    Ok(())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "a failing test says where")]
mod tests {
    use super::*;

    const ONE: &str = "CREATE TABLE a (id INTEGER PRIMARY KEY, word TEXT NOT NULL) STRICT;";
    const TWO: &str = "CREATE TABLE b (id INTEGER PRIMARY KEY) STRICT;";

    #[test]
    fn an_old_file_moves_up_and_a_newer_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x/y.sqlite");
        let is_current = |migrations: &[&str]| Database::is_current(&path, migrations).unwrap();
        assert!(!is_current(&[ONE]) && !path.exists());
        let old = Database::open(&path, Durability::Full, &[ONE]).unwrap();
        assert!(is_current(&[ONE]) && !is_current(&[ONE, TWO]));
        old.write(|tx| tx.execute("INSERT INTO a (id, word) VALUES (1, '惠民')", [])).unwrap();
        drop(old);
        let new = Database::open(&path, Durability::Full, &[ONE, TWO]).unwrap();
        let word: String = new.read(|tx| tx.query_row("SELECT word FROM a", [], |row| row.get(0))).unwrap();
        assert_eq!(word, "惠民");
        drop(new);
        let Err(DatabaseError::Newer { found: 2, known: 1, .. }) = Database::open(&path, Durability::Full, &[ONE]) else {
            panic!("a newer file must be refused");
        };
    }

    #[test]
    fn a_foreign_file_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("other.sqlite");
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
        assert!(matches!(Database::open(&path, Durability::Full, &[ONE]), Err(DatabaseError::Foreign { .. })));
        let not_sqlite = folder.path().join("text.sqlite");
        std::fs::write(&not_sqlite, "this is not a database, it is a text that is long enough").unwrap();
        assert!(matches!(Database::open(&not_sqlite, Durability::Full, &[ONE]), Err(DatabaseError::Open { .. })));
        assert!(std::fs::read_to_string(&not_sqlite).unwrap().starts_with("this is not"));
    }

    #[test]
    fn an_error_undoes_the_whole_write() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("d.sqlite"), Durability::Full, &[ONE]).unwrap();
        let failed: Result<(), rusqlite::Error> = database.write(|tx| {
            tx.execute("INSERT INTO a (id, word) VALUES (1, 'x')", [])?;
            Err(rusqlite::Error::InvalidQuery)
        });
        assert!(failed.is_err());
        let count: i64 = database.read(|tx| tx.query_row("SELECT count(*) FROM a", [], |row| row.get(0))).unwrap();
        assert_eq!(count, 0);
    }
}
