//! Wiping a replica's file: on order of headquarters, and for nothing else. What was set aside beside it goes too.

use std::path::Path;

use super::{Store, StoreError, aside};

impl Store {
    /// Deletes the file with its log, and whatever was once set aside from it. This store is then a new, empty one in memory. The
    /// bytes of a file on flash may outlive its name: what makes them worthless is that the app destroys the key of the file.
    ///
    /// # Errors
    /// A file cannot be deleted; those before it are gone.
    pub fn wipe(&mut self) -> Result<(), StoreError> {
        let path = self.path.take();
        let old = std::mem::replace(self, Self::in_memory()?);
        // A checkpoint that fails leaves a log; it is deleted below.
        let _closed = old.close();
        let Some(path) = path else { return Ok(()) };
        for ending in ["-wal", "-shm", "-journal", aside::SUSPECT, ""] {
            remove(&aside::beside(&path, ending))?;
        }
        for set_aside in aside::all_of(&path)? {
            remove(&set_aside)?;
        }
        Ok(())
    }
}

fn remove(path: &Path) -> Result<(), StoreError> {
    let removed = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
    match removed {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(StoreError::File { doing: "wiping", source }),
    }
}
