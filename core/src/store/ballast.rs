//! A few megabytes held beside the file, to be given back when the disk is full: on a full disk SQLite cannot even delete.

use std::path::Path;

use super::StoreError;
use super::aside::beside;

/// Bytes of the ballast file.
pub const BALLAST_BYTES: usize = 4 << 20;

/// Makes the ballast file beside a store's file, if it is not there. Written, not only declared: a hole holds no space.
///
/// # Errors
/// The disk has no room for it.
pub fn keep_ballast(store: &Path) -> Result<(), StoreError> {
    let path = beside(store, ".ballast");
    if std::fs::metadata(&path).is_ok_and(|found| found.len() >= BALLAST_BYTES as u64) {
        return Ok(());
    }
    std::fs::write(&path, vec![0xa5; BALLAST_BYTES]).map_err(|source| StoreError::File { doing: "laying in ballast", source })
}

/// Gives the ballast back. `true` when there was some: a write that failed with [`StoreError::Full`] may be tried again.
///
/// # Errors
/// The file cannot be deleted.
pub fn release_ballast(store: &Path) -> Result<bool, StoreError> {
    match std::fs::remove_file(beside(store, ".ballast")) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(StoreError::File { doing: "dropping ballast", source }),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failing test says where")]

    use super::*;

    #[test]
    fn ballast_is_laid_in_once_and_given_back_once() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("replica.sqlite");
        keep_ballast(&store).unwrap();
        keep_ballast(&store).unwrap();
        assert!(release_ballast(&store).unwrap());
        assert!(!release_ballast(&store).unwrap());
    }
}
