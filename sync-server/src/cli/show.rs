//! Printing: the one place of the command line that writes to the screen.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is what a command line does")]

/// A line of output.
pub(super) fn line(text: impl std::fmt::Display) {
    println!("{text}");
}

/// What went wrong, with its causes.
pub(super) fn failure(error: &dyn std::error::Error) {
    eprint!("roadbook-server: {error}");
    let mut cause = error.source();
    while let Some(inner) = cause {
        eprint!("\n  because: {inner}");
        cause = inner.source();
    }
    eprintln!();
}
