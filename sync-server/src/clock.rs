//! Time and randomness for the server: the only two places where they enter, both replaceable in tests.

use std::cell::Cell;
use std::sync::Arc;

use roadbook_core::ids::Ms;
use sha2::{Digest as _, Sha256};

/// A source of the present time. The server's own runs on the system clock; tests give a fixed or stepping one.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Ms + Send + Sync>);

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Arc::new(|| {
            let since_1970 = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
            Ms(i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX))
        }))
    }

    /// A clock that says what `now` says.
    #[must_use]
    pub fn from_fn(now: impl Fn() -> Ms + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The present, in milliseconds since 1970.
    #[must_use]
    pub fn now(&self) -> Ms {
        (self.0)()
    }
}

/// The system has no randomness to give. Nothing secret may be made then.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gave no random bytes")]
pub struct NoEntropy;

thread_local! {
    /// Where this thread's randomness comes from instead of the system, and how much of it was drawn.
    static REPEATABLE: Cell<Option<([u8; 32], u64)>> = const { Cell::new(None) };
}

/// From now on this thread draws its randomness from a seed: the same bytes at every run. For simulations, which must be able to
/// happen again; a program that answers anybody never calls it.
#[doc(hidden)]
pub fn repeat_from(seed: u64) {
    REPEATABLE.set(Some((Sha256::digest(seed.to_le_bytes()).into(), 0)));
}

/// `N` random bytes from the operating system.
///
/// # Errors
/// [`NoEntropy`] when the system has none.
pub fn random<const N: usize>() -> Result<[u8; N], NoEntropy> {
    let mut bytes = [0; N];
    let Some((seed, mut drawn)) = REPEATABLE.get() else {
        getrandom::fill(&mut bytes).map_err(|_| NoEntropy)?;
        return Ok(bytes);
    };
    for piece in bytes.chunks_mut(32) {
        let block = Sha256::new().chain_update(seed).chain_update(drawn.to_le_bytes()).finalize();
        piece.iter_mut().zip(block).for_each(|(to, from)| *to = from);
        drawn = drawn.wrapping_add(1);
    }
    REPEATABLE.set(Some((seed, drawn)));
    Ok(bytes)
}

/// Milliseconds of one second, one minute, one hour and one day.
pub mod span {
    /// One second.
    pub const SECOND_MS: i64 = 1_000;
    /// One minute.
    pub const MINUTE_MS: i64 = 60 * SECOND_MS;
    /// One hour.
    pub const HOUR_MS: i64 = 60 * MINUTE_MS;
    /// One day.
    pub const DAY_MS: i64 = 24 * HOUR_MS;
}
