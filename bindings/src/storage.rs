//! The key of the file on the device: made here, kept by the platform, handed in at each opening. What it encrypts and how is the
//! core's (`roadbook_core::store`).

use std::path::Path;

use roadbook_core::store::{STORE_KEY_BYTES, Store, StoreKey};

use crate::edge;
use crate::error::RoadbookError;

/// A fresh storage key: 32 random bytes. Keep it in Keychain or Keystore; without it the file cannot be read by anybody, ever.
///
/// # Errors
/// `KeyUnusable` when the system gives no randomness.
#[uniffi::export]
pub fn fresh_storage_key() -> Result<Vec<u8>, RoadbookError> {
    Ok(edge::random::<STORE_KEY_BYTES>()?.to_vec())
}

/// Puts a closed file under another storage key; `old` is the key that it is under now, none when it has none. A crash leaves it under the
/// one or the other: keep both until this has returned, then forget the old one. Doing it again changes nothing.
///
/// # Errors
/// `StorageKeyNeeded`, `WrongStorageKey`, `StorageBusy` while a `Roadbook` has it open, `StorageFull`; the file is then as it was.
#[uniffi::export]
pub fn change_storage_key(path: String, old: Option<Vec<u8>>, new: Vec<u8>) -> Result<(), RoadbookError> {
    let old = old.map(key_of).transpose()?;
    Ok(Store::rekey(Path::new(&path), old.as_ref(), &key_of(new)?)?)
}

/// The key of these bytes, which are wiped.
pub(crate) fn key_of(bytes: Vec<u8>) -> Result<StoreKey, RoadbookError> {
    StoreKey::from_vec(bytes).ok_or_else(|| RoadbookError::Mistake { why: format!("a storage key has {STORE_KEY_BYTES} bytes") })
}
