//! Which changes are being tried at this moment, kept so that it outlasts the death of the process: a change that takes the
//! process down with it is found at the next start and is not tried again.
//!
//! A write to a file survives the process without being synced to disk, and costs microseconds; a power cut may forget it,
//! and then the change is tried once more. One small file for each trial under way:
//!
//! ```text
//! trial-<n>   count:u32-le  count × hash:32 bytes; an empty file or a count of 0: nothing is being tried
//! ```

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use roadbook_core::ids::ChangeHash;

/// Files that are kept open when their trial is over.
const IDLE_MAX: usize = 8;
/// Beginning of the files' names.
const PREFIX: &str = "trial-";
/// Most bytes that are read of one file: what a call of the gate may hold, and more.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The files of trials of one folder.
#[derive(Debug)]
pub(super) struct Trials {
    folder: PathBuf,
    /// Open files without a trial, and the number of the next one.
    idle: Mutex<(Vec<File>, u64)>,
}

/// The changes of one trial; struck out when the trial returns.
#[derive(Debug)]
pub(super) struct Trial<'a> {
    trials: &'a Trials,
    file: File,
}

impl Trials {
    /// Opens the folder, and takes out what was being tried when the last process ended.
    pub(super) fn open(folder: &Path) -> std::io::Result<(Self, BTreeSet<ChangeHash>)> {
        std::fs::create_dir_all(folder)?;
        let mut unfinished = BTreeSet::new();
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(PREFIX)) {
                unfinished.extend(read(&path)?);
            }
        }
        Ok((Self { folder: folder.to_owned(), idle: Mutex::default() }, unfinished))
    }

    /// Removes the files that earlier processes left, once what they say is kept elsewhere.
    pub(super) fn clear(&self) -> std::io::Result<()> {
        for entry in std::fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(PREFIX)) {
                std::fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    /// Notes changes as being tried.
    pub(super) fn begin(&self, hashes: &[ChangeHash]) -> std::io::Result<Trial<'_>> {
        let (idle, number) = {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            let found = idle.0.pop();
            idle.1 += u64::from(found.is_none());
            (found, idle.1)
        };
        let file = match idle {
            Some(file) => file,
            None => {
                let path = self.folder.join(format!("{PREFIX}{}-{number}", std::process::id()));
                OpenOptions::new().create(true).truncate(true).read(true).write(true).open(path)?
            }
        };
        let mut trial = Trial { trials: self, file };
        let count = u32::try_from(hashes.len()).unwrap_or(u32::MAX);
        let bytes: Vec<u8> = count.to_le_bytes().into_iter().chain(hashes.iter().flat_map(|hash| hash.0)).collect();
        trial.write(&bytes)?;
        Ok(trial)
    }
}

impl Trial<'_> {
    /// Strikes them out: the process is still alive.
    pub(super) fn end(mut self) -> std::io::Result<()> {
        self.write(&0u32.to_le_bytes())?;
        let mut idle = self.trials.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.0.len() < IDLE_MAX {
            idle.0.push(self.file);
        }
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(bytes)
    }
}

fn read(path: &Path) -> std::io::Result<Vec<ChangeHash>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(FILE_BYTES_MAX).read_to_end(&mut bytes)?;
    let Some((count, hashes)) = bytes.split_first_chunk::<4>() else { return Ok(Vec::new()) };
    let count = usize::try_from(u32::from_le_bytes(*count)).unwrap_or(usize::MAX);
    let (hashes, _) = hashes.as_chunks::<32>();
    Ok(hashes.iter().take(count).map(|hash| ChangeHash(*hash)).collect())
}
