//! Panics inside the document engine: caught, and on request not printed.
//!
//! The panic hook is a global of the process and belongs to the program, not to a library: so the gate never touches it by
//! itself, and a caught panic prints what the program's hook prints. Few get that far, because the checks before the engine
//! refuse nearly everything that it would panic over. A program that wants silence calls [`silence_caught_panics`] once at
//! its start; the hook that was there before goes on serving every other panic.
//!
//! `panic = "abort"` would turn every caught panic into the end of the process: programs keep the default, `unwind`.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use super::refusal::{Refusal, Trial};

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Keeps the panics that the gate catches out of the program's panic hook (and so out of logs and crash reports). Other
/// panics, on any thread, still reach the hook that was set before. Call it once, after the program has set its own hook.
pub fn silence_caught_panics() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !GUARDED.get() {
                before(info);
            }
        }));
    });
}

/// Runs a trial of the engine; a panic becomes a refusal. Whatever `work` was changing must be thrown away by the caller.
pub(super) fn guarded<T>(trial: Trial, work: impl FnOnce() -> Result<T, Refusal>) -> Result<T, Refusal> {
    let outer = GUARDED.replace(true);
    let outcome = catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(Refusal::Engine(trial)));
    GUARDED.set(outer);
    outcome
}
