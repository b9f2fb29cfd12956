//! The device's key: held by Secure Enclave or Keystore through a trait that the app implements, or by a key in memory for
//! desktops, tools and tests. What is signed and how it is checked is the core's (`roadbook_core::signing`).

use std::sync::Arc;

use roadbook_core::signing;

use crate::error::RoadbookError;

/// The P-256 key of this device. On iOS made in the Secure Enclave (`SecKeyCreateRandomKey` with
/// `kSecAttrTokenIDSecureEnclave`), on Android in the Keystore (`KeyGenParameterSpec`, `PURPOSE_SIGN`, `DIGEST_SHA256`).
/// It never leaves the device, and is made once: another key is another device.
#[uniffi::export(with_foreign)]
pub trait DeviceKey: Send + Sync {
    /// The public point in SEC1 form: 65 bytes beginning with 4 (what `SecKeyCopyExternalRepresentation` gives), or 33 compressed.
    fn public_key(&self) -> Result<Vec<u8>, KeyError>;
    /// ECDSA with SHA-256 over these bytes, as DER (what both platforms give) or as 64 raw bytes.
    fn sign(&self, message: Vec<u8>) -> Result<Vec<u8>, KeyError>;
}

/// Why a key could not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum KeyError {
    /// The device is locked, or the person did not authenticate: try again later.
    #[error("the key is locked")]
    Locked,
    /// The key is gone (a restored backup, a reset keychain): the device must be enrolled again.
    #[error("the key is gone")]
    Gone,
    /// The platform said something else.
    #[error("the key could not be used: {why}")]
    Failed {
        /// In the platform's words.
        why: String,
    },
}

impl From<uniffi::UnexpectedUniFFICallbackError> for KeyError {
    fn from(error: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::Failed { why: error.reason }
    }
}

/// Bytes of a software key's secret.
const SECRET_BYTES: usize = 32;

/// A fresh secret for [`software_key`]: 32 random bytes, to be kept where the platform keeps passwords.
///
/// # Errors
/// [`RoadbookError::KeyUnusable`] when the system gives no randomness.
#[uniffi::export]
pub fn fresh_key_secret() -> Result<Vec<u8>, RoadbookError> {
    loop {
        let secret: [u8; SECRET_BYTES] = crate::edge::random()?;
        // A few values of 2³² are no key.
        if signing::SoftwareKey::from_secret(&secret).is_some() {
            return Ok(secret.to_vec());
        }
    }
}

/// A key held in memory, for desktops, tools and tests. Phones use their secure hardware.
///
/// # Errors
/// [`RoadbookError::KeyUnusable`] when the secret is not one of [`fresh_key_secret`].
#[uniffi::export]
pub fn software_key(secret: Vec<u8>) -> Result<Arc<dyn DeviceKey>, RoadbookError> {
    let key = <[u8; SECRET_BYTES]>::try_from(secret).ok().and_then(|secret| signing::SoftwareKey::from_secret(&secret));
    let key = key.ok_or(KeyError::Failed { why: "the secret is not one that this library made".to_owned() })?;
    Ok(Arc::new(InMemory(key)))
}

struct InMemory(signing::SoftwareKey);

impl DeviceKey for InMemory {
    fn public_key(&self) -> Result<Vec<u8>, KeyError> {
        Ok(self.0.public().to_sec1())
    }
    fn sign(&self, message: Vec<u8>) -> Result<Vec<u8>, KeyError> {
        let text = String::from_utf8(message).map_err(|_| KeyError::Failed { why: "only request texts are signed".to_owned() })?;
        Ok(self.0.sign(&text))
    }
}
