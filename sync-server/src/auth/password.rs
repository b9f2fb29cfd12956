//! Passwords of console users: what is accepted, and argon2id.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};

use crate::clock::{NoEntropy, random};

/// A password has at least this many characters.
pub const PASSWORD_CHARS_MIN: usize = 12;
/// A password has at most this many bytes; what is longer is refused, never cut.
pub const PASSWORD_BYTES_MAX: usize = 512;
/// Hashes that may run at the same time: each takes [`MEMORY_KIB`].
pub const HASHES_AT_ONCE_MAX: usize = 2;

/// Memory of one hash, in KiB.
const MEMORY_KIB: u32 = 19 * 1024;
/// Passes over that memory.
const PASSES: u32 = 2;
/// Lanes.
const LANES: u32 = 1;

/// What stands in for the hash of somebody who does not exist: the same cost, matched by no password (its output is not
/// argon2's of anything known). Format: PHC string.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$cm9hZGJvb2stbm9ib2R5$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Why a password was not hashed or checked.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// Too short.
    #[error("a password has at least {PASSWORD_CHARS_MIN} characters")]
    TooShort,
    /// Too long.
    #[error("a password has at most {PASSWORD_BYTES_MAX} bytes")]
    TooLong,
    /// No randomness for the salt.
    #[error(transparent)]
    NoEntropy(#[from] NoEntropy),
    /// Argon2 failed, or a stored hash is damaged.
    #[error("the password hash failed: {0}")]
    Hash(String),
}

fn argon2() -> Result<Argon2<'static>, PasswordError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|e| PasswordError::Hash(e.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// The PHC string of a new password.
///
/// # Errors
/// A password outside the limits, no randomness, or argon2.
pub fn hash(password: &str) -> Result<String, PasswordError> {
    if password.chars().count() < PASSWORD_CHARS_MIN {
        return Err(PasswordError::TooShort);
    }
    if password.len() > PASSWORD_BYTES_MAX {
        return Err(PasswordError::TooLong);
    }
    let salt: [u8; 16] = random()?;
    let hash: PasswordHash =
        argon2()?.hash_password_with_salt(password.as_bytes(), &salt).map_err(|e| PasswordError::Hash(e.to_string()))?;
    Ok(hash.to_string())
}

/// Whether `password` is the one behind `phc`. An empty `phc` is nobody's: the same work, and always no.
///
/// # Errors
/// When a stored hash is damaged.
pub fn verify(password: &str, phc: &str) -> Result<bool, PasswordError> {
    let nobody = phc.is_empty();
    let parsed = PasswordHash::new(if nobody { NOBODY } else { phc }).map_err(|e| PasswordError::Hash(e.to_string()))?;
    let fits = password.len() <= PASSWORD_BYTES_MAX;
    let tried = if fits { password } else { "" };
    let right = argon2()?.verify_password(tried.as_bytes(), &parsed).is_ok();
    Ok(right && fits && !nobody)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failing test says where")]
mod tests {
    use super::*;

    #[test]
    fn the_parameters_are_those_decided_and_salts_differ() {
        let one = hash("correct horse").unwrap();
        assert!(one.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{one}");
        assert_ne!(one, hash("correct horse").unwrap());
        assert!(verify("correct horse", &one).unwrap());
        assert!(!verify("correct horsf", &one).unwrap());
        assert!(!verify("", &one).unwrap());
    }

    #[test]
    fn limits_hold_and_nobody_is_never_right() {
        assert!(matches!(hash("short"), Err(PasswordError::TooShort)));
        assert!(matches!(hash(&"长".repeat(200)), Err(PasswordError::TooLong)));
        assert!(hash(&"长".repeat(64)).is_ok());
        assert!(!verify("correct horse", "").unwrap());
        assert!(!verify(&"x".repeat(100_000), "").unwrap());
        assert!(verify("x", "damaged").is_err());
    }
}
