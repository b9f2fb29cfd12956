//! Files under a key (SQLCipher): the key, what the head of a file says about it, handing it to a connection, and writing a file
//! anew under another key. Rows, search index and log are pages of the same file, so one key covers them all.
//!
//! The first 16 bytes of an encrypted file are SQLCipher's salt. Ours is not random, which a raw 256-bit key does not need, but says
//! what the file is, so that a missing or wrong key is never taken for damage:
//!
//! ```text
//! 0   8   52 64 42 6b 45 6e 63 01     "RdBkEnc", version 1
//! 8   8   check: first bytes of SHA-256("roadbook store key check 1" ‖ key)
//! ```
//!
//! Another key, or a key for a file that had none: the content is exported into `<file>.rekey` under the new key, compared, synced, and
//! renamed over the file, all while nobody else can open it and its log is folded in and gone. Before the rename the file is as it was;
//! from then on it is the new one; there is no state between. A `.rekey` that a crash left behind is a copy and is removed. The old
//! file's blocks may live on in flash until the device reuses them.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::aside::beside;
use super::open::BUSY_MAX;
use super::{StoreError, schema};

/// Bytes of a key.
pub const STORE_KEY_BYTES: usize = 32;
/// First bytes of a file without encryption.
const PLAIN: &[u8; 16] = b"SQLite format 3\0";
/// First bytes of a file of ours under a key.
const ENCRYPTED: &[u8; 8] = b"RdBkEnc\x01";
/// What a file that is being written under another key ends with.
const REKEY: &str = ".rekey";
/// What only this device may have: counted on both sides before a copy takes the place of a file.
const PRECIOUS: [&str; 6] = ["document", "snapshot", "change", "own_change", "draft", "setting"];

/// The key of a replica's file: 32 random bytes from Keychain or Keystore. Wiped from memory when dropped; `Debug` hides it.
#[derive(Clone)]
pub struct StoreKey(Zeroizing<[u8; STORE_KEY_BYTES]>);

impl StoreKey {
    /// A key of these bytes: random ones, never a password.
    #[must_use]
    pub fn new(bytes: [u8; STORE_KEY_BYTES]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// A key of exactly [`STORE_KEY_BYTES`] bytes; the bytes handed in are wiped.
    #[must_use]
    pub fn from_vec(bytes: Vec<u8>) -> Option<Self> {
        let bytes = Zeroizing::new(bytes);
        <[u8; STORE_KEY_BYTES]>::try_from(bytes.as_slice()).ok().map(Self::new)
    }

    fn check(&self) -> [u8; 8] {
        let mut hasher = Sha256::new();
        hasher.update(b"roadbook store key check 1");
        hasher.update(self.0.as_slice());
        let mut check = [0; 8];
        check.iter_mut().zip(hasher.finalize()).for_each(|(to, from)| *to = from);
        check
    }

    /// Key and salt as SQLCipher takes them: `x'…'`.
    fn specification(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(3 + 2 * (STORE_KEY_BYTES + PLAIN.len())));
        text.push_str("x'");
        for byte in self.0.iter().chain(ENCRYPTED).chain(&self.check()) {
            for half in [byte >> 4, byte & 15] {
                text.push(char::from_digit(u32::from(half), 16).unwrap_or('0'));
            }
        }
        text.push('\'');
        text
    }
}

impl std::fmt::Debug for StoreKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StoreKey(…)")
    }
}

/// What the first bytes of a file say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Head {
    /// No file, or nothing in it.
    Empty,
    /// An SQLite file that is not encrypted.
    Plain,
    /// Ours, under the key with this check.
    Encrypted([u8; 8]),
    /// Neither.
    Strange,
}

fn head(path: &Path) -> Result<Head, StoreError> {
    let mut bytes = Vec::with_capacity(PLAIN.len());
    match File::open(path) {
        Ok(file) => {
            let read = file.take(PLAIN.len() as u64).read_to_end(&mut bytes);
            read.map_err(|source| StoreError::File { doing: "reading its head", source })?;
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(source) => return Err(StoreError::File { doing: "opening it", source }),
    }
    if bytes.is_empty() {
        return Ok(Head::Empty);
    }
    if bytes == PLAIN {
        return Ok(Head::Plain);
    }
    Ok(match bytes.split_first_chunk::<8>() {
        Some((ENCRYPTED, check)) => <[u8; 8]>::try_from(check).map_or(Head::Strange, Head::Encrypted),
        _ => Head::Strange,
    })
}

/// Hands the key to a fresh connection on the file at `path` (`None`: in memory) and proves it by reading the schema. A file that is
/// not encrypted is read without the key.
///
/// # Errors
/// [`StoreError::KeyNeeded`], [`StoreError::WrongKey`], [`StoreError::NoEncryption`], [`StoreError::Corrupt`].
pub(super) fn unlock(conn: &Connection, path: &Path, key: Option<&StoreKey>) -> Result<(), StoreError> {
    let head = head(path)?;
    let Some(key) = key else {
        return if matches!(head, Head::Encrypted(_)) { Err(StoreError::KeyNeeded) } else { Ok(()) };
    };
    if !is_built_in(conn)? {
        return Err(StoreError::NoEncryption);
    }
    if head == Head::Plain {
        return Ok(());
    }
    // Else it writes what went wrong to the app's standard error, in its own words; here the error says it.
    conn.execute_batch("PRAGMA cipher_log_level = NONE")?;
    let statement = Zeroizing::new(format!("PRAGMA key = \"{}\"", key.specification().as_str()));
    // What SQLite says of a failed statement quotes it: dropped here, with the key in it.
    conn.execute_batch(&statement).map_err(|_| StoreError::NoEncryption)?;
    let read = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0));
    match read.map_err(StoreError::from) {
        Ok(_) => Ok(()),
        Err(StoreError::Corrupt { source }) => match head {
            Head::Encrypted(check) if check != key.check() => Err(StoreError::WrongKey),
            Head::Empty | Head::Plain | Head::Encrypted(_) | Head::Strange => Err(StoreError::Corrupt { source }),
        },
        Err(error) => Err(error),
    }
}

/// Whether this build can encrypt at all.
fn is_built_in(conn: &Connection) -> Result<bool, StoreError> {
    let mut ask = conn.prepare("PRAGMA cipher_version")?;
    Ok(ask.exists([])?)
}

/// Encrypts the file at `path` when it is not encrypted; see the head of this file for how a crash at any step leaves it.
///
/// # Errors
/// As [`rekey`].
pub(super) fn encrypt_plain(path: &Path, key: &StoreKey) -> Result<(), StoreError> {
    remove_leftover(path)?;
    if head(path)? == Head::Plain { Copied::make(path, None, key)?.put_in_place() } else { Ok(()) }
}

/// Puts the file at `path` under `new`; `old` is the key that it is under now (`None`: none). No store may be open on it. Keep the old
/// key until this has returned: after an interrupted call the file is under one or the other. Doing it again changes nothing.
///
/// # Errors
/// [`StoreError::WrongKey`], [`StoreError::KeyNeeded`], [`StoreError::Busy`] when something else has it open, [`StoreError::Full`],
/// [`StoreError::NoEncryption`]; the file is then as it was.
pub(super) fn rekey(path: &Path, old: Option<&StoreKey>, new: &StoreKey) -> Result<(), StoreError> {
    remove_leftover(path)?;
    if head(path)? == Head::Encrypted(new.check()) {
        let conn = connect(path)?;
        return unlock(&conn, path, Some(new));
    }
    let copied = Copied::make(path, old, new);
    if copied.is_err() {
        // Half a copy would keep the space that is wanted; one that cannot be removed now goes with the next attempt.
        let _later = remove_leftover(path);
    }
    copied?.put_in_place()
}

/// A finished copy under another key, not yet in its place. The connection keeps everybody else out of the old file.
struct Copied {
    conn: Connection,
    old: PathBuf,
    new: PathBuf,
}

impl Copied {
    fn make(path: &Path, old: Option<&StoreKey>, key: &StoreKey) -> Result<Self, StoreError> {
        let conn = connect(path)?;
        if !is_built_in(&conn)? {
            return Err(StoreError::NoEncryption);
        }
        unlock(&conn, path, old)?;
        let version = match schema::head(&conn)? {
            schema::Head::Version(version) => version,
            schema::Head::Empty => 0,
        };
        conn.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        // Folds the log in, deletes it, and fails while anybody else has the file open.
        let mode: String = conn.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get(0))?;
        if mode != "delete" {
            return Err(StoreError::Damaged { what: "journal mode" });
        }
        let new = beside(path, REKEY);
        let name = new.to_str().ok_or(StoreError::Damaged { what: "path" })?;
        // What is attached is opened as the first file was: it must be there.
        File::create(&new).map_err(|source| StoreError::File { doing: "making the copy", source })?;
        conn.execute("ATTACH ?1 AS copy KEY ?2", [name, key.specification().as_str()])?;
        conn.execute_batch("PRAGMA copy.synchronous = FULL")?;
        conn.query_row("SELECT sqlcipher_export('copy')", [], |_| Ok(()))?;
        if version > 0 {
            let application = schema::APPLICATION_ID;
            conn.execute_batch(&format!("PRAGMA copy.application_id = {application}; PRAGMA copy.user_version = {version}"))?;
            for table in PRECIOUS {
                let same: bool = conn.query_row(
                    &format!("SELECT (SELECT count(*) FROM main.{table}) = (SELECT count(*) FROM copy.{table})"),
                    [],
                    |row| row.get(0),
                )?;
                if !same {
                    return Err(StoreError::Damaged { what: "copy under the new key" });
                }
            }
        }
        conn.execute_batch("DETACH copy")?;
        File::open(&new).and_then(|file| file.sync_all()).map_err(|source| StoreError::File { doing: "syncing the copy", source })?;
        Ok(Self { conn, old: path.to_owned(), new })
    }

    fn put_in_place(self) -> Result<(), StoreError> {
        let failed = |source| StoreError::File { doing: "putting the copy in its place", source };
        std::fs::rename(&self.new, &self.old).map_err(failed)?;
        sync_folder(&self.old).map_err(failed)?;
        drop(self.conn);
        Ok(())
    }
}

fn connect(path: &Path) -> Result<Connection, StoreError> {
    super::open::ready();
    let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    conn.busy_timeout(BUSY_MAX)?;
    Ok(conn)
}

/// Removes a copy that a crash left behind. While its original is there it holds nothing that the original lacks.
fn remove_leftover(path: &Path) -> Result<(), StoreError> {
    if head(path)? == Head::Empty {
        return Ok(());
    }
    let copy = beside(path, REKEY);
    for name in [beside(&copy, "-journal"), copy] {
        match std::fs::remove_file(name) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(source) => return Err(StoreError::File { doing: "removing an unfinished copy", source }),
        }
    }
    Ok(())
}

/// A rename is durable once its folder is.
fn sync_folder(path: &Path) -> std::io::Result<()> {
    match path.parent() {
        Some(folder) if cfg!(unix) => {
            let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            File::open(folder)?.sync_all()
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
#[path = "encryption_tests.rs"]
mod tests;
