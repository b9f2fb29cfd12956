//! The encrypted files of photos, in a folder beside the replica's own file. A file that is there under its name is whole: it is written
//! under another name, synced and then renamed; what a crash leaves is swept away at the next start.
//!
//! ```text
//! <hash>        format:u8 (1), then for each chunk of 256 KiB: its ciphertext and a tag of 16 bytes
//! <hash>.part   being written
//! key of a blob = SHA-256("roadbook-blob-key-v1" ‖ key of the replica ‖ hash)
//! cipher        = ChaCha20-Poly1305; nonce = 8 zero bytes ‖ number of the chunk (u32, big-endian);
//!                 associated data = hash ‖ bytes of the whole (u64, big-endian) ‖ number of the chunk (u32, big-endian)
//! ```
//!
//! A blob's key belongs to its hash and so to its bytes: the same key and nonce never meet other bytes.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, KeyInit as _, Nonce};
use sha2::{Digest as _, Sha256};

use super::{BlobError, BlobHash, CHUNK_BYTES, chunk_count};

/// Bytes of the replica's key of photos.
pub const KEY_BYTES: usize = 32;
/// First byte of a file.
const FORMAT: u8 = 1;
/// Bytes that a sealed chunk has more than a plain one.
const TAG_BYTES: usize = 16;
/// End of the name of a file that is being written.
const PART: &str = "part";

/// The folder and its key.
pub struct BlobFolder {
    path: PathBuf,
    key: [u8; KEY_BYTES],
}

impl std::fmt::Debug for BlobFolder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BlobFolder").field("path", &self.path).finish_non_exhaustive()
    }
}

fn failed(doing: &'static str) -> impl FnOnce(std::io::Error) -> BlobError {
    move |source| BlobError::File { doing, source }
}

impl BlobFolder {
    /// The folder of a replica's file: its name with `-photos` after it.
    #[must_use]
    pub fn beside(replica: &Path) -> PathBuf {
        let mut name = replica.file_name().unwrap_or_default().to_owned();
        name.push("-photos");
        replica.with_file_name(name)
    }

    /// Opens the folder, making it when it is missing.
    ///
    /// # Errors
    /// [`BlobError::File`].
    pub fn open(path: PathBuf, key: [u8; KEY_BYTES]) -> Result<Self, BlobError> {
        std::fs::create_dir_all(&path).map_err(failed("making the folder"))?;
        Ok(Self { path, key })
    }

    /// Writes a whole blob; it is there, whole and durable, when this returns, or not at all.
    ///
    /// # Errors
    /// [`BlobError::File`].
    pub fn put(&self, hash: BlobHash, bytes: &[u8]) -> Result<(), BlobError> {
        let part = self.part(hash);
        let mut file = File::create(&part).map_err(failed("making a file"))?;
        let written = file.write_all(&[FORMAT]).and_then(|()| {
            bytes.chunks(CHUNK_BYTES).enumerate().try_for_each(|(no, chunk)| file.write_all(&self.sealed(hash, bytes.len(), no, chunk)?))
        });
        written.and_then(|()| file.sync_all()).map_err(failed("writing a file"))?;
        drop(file);
        self.name(hash)
    }

    /// Gives a finished file its name.
    ///
    /// # Errors
    /// [`BlobError::File`].
    pub fn name(&self, hash: BlobHash) -> Result<(), BlobError> {
        std::fs::rename(self.part(hash), self.file(hash)).map_err(failed("naming a file"))?;
        self.sync()
    }

    /// Writes one chunk of a blob that comes in pieces, durable when this returns. The file gets its name by [`Self::name`].
    ///
    /// # Errors
    /// [`BlobError::File`].
    pub fn put_chunk(&self, hash: BlobHash, bytes: usize, no: usize, chunk: &[u8]) -> Result<(), BlobError> {
        let mut file =
            OpenOptions::new().create(true).truncate(false).write(true).open(self.part(hash)).map_err(failed("making a file"))?;
        let written = file
            .write_all(&[FORMAT])
            .and_then(|()| file.seek(SeekFrom::Start(place(no))))
            .and_then(|_| file.write_all(&self.sealed(hash, bytes, no, chunk)?))
            .and_then(|()| file.sync_all());
        written.map_err(failed("writing a file"))
    }

    /// One chunk of a blob of so many bytes.
    ///
    /// # Errors
    /// [`BlobError::NotHere`], [`BlobError::Damaged`], [`BlobError::File`].
    pub fn chunk(&self, hash: BlobHash, bytes: usize, no: usize) -> Result<Vec<u8>, BlobError> {
        self.chunk_of(&self.file(hash), hash, bytes, no)
    }

    fn chunk_of(&self, path: &Path, hash: BlobHash, bytes: usize, no: usize) -> Result<Vec<u8>, BlobError> {
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(BlobError::NotHere { hash }),
            Err(source) => return Err(BlobError::File { doing: "opening a file", source }),
        };
        let length = bytes.saturating_sub(no.saturating_mul(CHUNK_BYTES)).min(CHUNK_BYTES);
        let mut sealed = Vec::new();
        let mut format = [0u8];
        let read = file.read_exact(&mut format).and_then(|()| file.seek(SeekFrom::Start(place(no))));
        let limit = u64::try_from(length + TAG_BYTES).unwrap_or(u64::MAX);
        match read.and_then(|_| file.take(limit).read_to_end(&mut sealed)) {
            // An empty file, as a damaged file system leaves it.
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Err(BlobError::Damaged { hash }),
            read => read.map_err(failed("reading a file"))?,
        };
        if length == 0 || format != [FORMAT] {
            return Err(BlobError::Damaged { hash });
        }
        let aad = aad(hash, bytes, no);
        let payload = Payload { msg: &sealed, aad: &aad };
        self.cipher(hash).decrypt(&nonce(no), payload).map_err(|_| BlobError::Damaged { hash })
    }

    /// All bytes of a blob, checked against its hash.
    ///
    /// # Errors
    /// As [`Self::chunk`].
    pub fn read(&self, hash: BlobHash, bytes: usize) -> Result<Vec<u8>, BlobError> {
        self.whole(&self.file(hash), hash, bytes)
    }

    /// As [`Self::read`], of a file that has no name yet.
    ///
    /// # Errors
    /// As [`Self::chunk`].
    pub fn read_unnamed(&self, hash: BlobHash, bytes: usize) -> Result<Vec<u8>, BlobError> {
        self.whole(&self.part(hash), hash, bytes)
    }

    fn whole(&self, path: &Path, hash: BlobHash, bytes: usize) -> Result<Vec<u8>, BlobError> {
        let mut all = Vec::with_capacity(bytes);
        for no in 0..chunk_count(bytes) {
            all.extend(self.chunk_of(path, hash, bytes, no)?);
        }
        if BlobHash::of(&all) == hash { Ok(all) } else { Err(BlobError::Damaged { hash }) }
    }

    /// Whether the file of a blob is here.
    #[must_use]
    pub fn holds(&self, hash: BlobHash) -> bool {
        self.file(hash).is_file()
    }

    /// Removes a blob's file, finished or not; one that is not there is fine.
    ///
    /// # Errors
    /// [`BlobError::File`].
    pub fn remove(&self, hash: BlobHash) -> Result<(), BlobError> {
        for path in [self.file(hash), self.part(hash)] {
            match std::fs::remove_file(path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(BlobError::File { doing: "removing a file", source: error });
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Removes every file that no row speaks of: what a crash left. `whole` keep their file, `coming` also an unfinished one.
    ///
    /// # Errors
    /// [`BlobError::File`].
    pub fn sweep(&self, whole: &BTreeSet<BlobHash>, coming: &BTreeSet<BlobHash>) -> Result<usize, BlobError> {
        let mut swept = 0;
        for entry in std::fs::read_dir(&self.path).map_err(failed("listing the folder"))? {
            let path = entry.map_err(failed("listing the folder"))?.path();
            let hash = path.file_stem().and_then(|stem| stem.to_str()?.parse::<BlobHash>().ok());
            let unfinished = path.extension().is_some_and(|end| end == PART);
            let spoken_of = hash.is_some_and(|hash| if unfinished { coming.contains(&hash) } else { whole.contains(&hash) });
            // A file that is not ours by its name is left alone.
            if hash.is_some() && !spoken_of {
                std::fs::remove_file(&path).map_err(failed("removing a file"))?;
                swept += 1;
            }
        }
        Ok(swept)
    }

    /// Removes the folder with everything in it.
    ///
    /// # Errors
    /// [`BlobError::File`].
    pub fn wipe(self) -> Result<(), BlobError> {
        std::fs::remove_dir_all(&self.path).map_err(failed("removing the folder"))
    }

    fn file(&self, hash: BlobHash) -> PathBuf {
        self.path.join(hash.to_string())
    }
    fn part(&self, hash: BlobHash) -> PathBuf {
        self.path.join(format!("{hash}.{PART}"))
    }

    fn cipher(&self, hash: BlobHash) -> ChaCha20Poly1305 {
        let mut hasher = Sha256::new();
        hasher.update(b"roadbook-blob-key-v1");
        hasher.update(self.key);
        hasher.update(hash.0);
        let key: [u8; KEY_BYTES] = hasher.finalize().into();
        ChaCha20Poly1305::new(&Key::from(key))
    }

    fn sealed(&self, hash: BlobHash, bytes: usize, no: usize, chunk: &[u8]) -> std::io::Result<Vec<u8>> {
        let aad = aad(hash, bytes, no);
        let sealed = self.cipher(hash).encrypt(&nonce(no), Payload { msg: chunk, aad: &aad });
        sealed.map_err(|_| std::io::Error::other("a chunk is too long to be sealed"))
    }

    /// A renamed file is only there for good when its folder is synced too.
    fn sync(&self) -> Result<(), BlobError> {
        #[cfg(unix)]
        File::open(&self.path).and_then(|folder| folder.sync_all()).map_err(failed("syncing the folder"))?;
        Ok(())
    }
}

/// Where a sealed chunk begins.
fn place(no: usize) -> u64 {
    u64::try_from(no.saturating_mul(CHUNK_BYTES + TAG_BYTES).saturating_add(1)).unwrap_or(u64::MAX)
}

fn number(no: usize) -> [u8; 4] {
    u32::try_from(no).unwrap_or(u32::MAX).to_be_bytes()
}

fn nonce(no: usize) -> Nonce {
    let [a, b, c, d] = number(no);
    Nonce::from([0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d])
}

fn aad(hash: BlobHash, bytes: usize, no: usize) -> Vec<u8> {
    [hash.0.as_slice(), &u64::try_from(bytes).unwrap_or(u64::MAX).to_be_bytes(), &number(no)].concat()
}
