//! The edge of the world: the only place of the bindings that reads the clock, draws random bytes and counts cores. The core takes them as
//! arguments.

use std::time::{SystemTime, UNIX_EPOCH};

use roadbook_core::ids::Ms;

use crate::error::RoadbookError;
use crate::key::KeyError;

/// The device's clock.
pub(crate) fn now() -> Ms {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Threads that a call may use beside its own: one core is left to the app.
pub(crate) fn spare_threads() -> usize {
    std::thread::available_parallelism().map_or(0, |cores| cores.get() - 1)
}

/// Random bytes of the operating system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], RoadbookError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| KeyError::Failed { why: format!("no randomness: {error}") })?;
    Ok(bytes)
}
