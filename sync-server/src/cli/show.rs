//! Printing: the one place of the command line that writes to the screen.
//! Whoever reads may go away at any time (`| head`): that is no reason to stop the work.

use std::io::Write;

use roadbook_core::ids::Ms;

/// A line of output.
pub(super) fn line(text: impl std::fmt::Display) {
    let _nobody_reads = writeln!(std::io::stdout(), "{text}");
}

/// An instant in UTC, such as `2026-03-02T01:30:00Z`; its number where it is no instant.
pub(super) fn instant(at: Ms) -> String {
    let known = chrono::DateTime::from_timestamp_millis(at.0);
    known.map_or_else(|| at.0.to_string(), |at| at.format("%Y-%m-%dT%H:%M:%SZ").to_string())
}

/// A remark that is no part of what was asked for.
pub(super) fn note(text: impl std::fmt::Display) {
    let _nobody_reads = writeln!(std::io::stderr(), "roadbook-server: {text}");
}

/// What went wrong, with those of its causes that it does not name itself.
pub(super) fn failure(error: &dyn std::error::Error) {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let text = inner.to_string();
        // Its last words are what is new in it.
        if !text.rsplit(": ").next().is_some_and(|words| said.contains(words)) {
            said = format!("{said}\n  because: {text}");
        }
        cause = inner.source();
    }
    note(said);
}
