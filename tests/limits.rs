//! The time limits of the tests themselves: `tests/within` ends what hangs, by name, with everything it started.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test says where")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// Runs a shell line under a limit of a second.
fn within(line: &str) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("within");
    Command::new(script).args(["1", "the part", "sh", "-c", line]).output().unwrap()
}

/// The process whose id was written to a file is gone, or nobody but its parent still counts it.
fn is_gone(id: &Path) -> bool {
    let id = std::fs::read_to_string(id).unwrap();
    let status = std::fs::read_to_string(PathBuf::from("/proc").join(id.trim()).join("status")).unwrap_or_default();
    status.is_empty() || status.contains("State:\tZ")
}

#[test]
fn what_hangs_is_ended_by_name_with_everything_below_it() {
    let folder = tempfile::tempdir().unwrap();
    let id = folder.path().join("id");
    let begun = Instant::now();
    let done = within(&format!("setsid sleep 3600 & echo $! >{}; sleep 3601", id.display()));
    let said = String::from_utf8(done.stdout).unwrap();
    assert_eq!(done.status.code(), Some(124), "{said}");
    for words in ["the part: NO END after 1 s", "sleep 3600", "sleep 3601"] {
        assert!(said.contains(words), "{words}\n{said}");
    }
    assert!(is_gone(&id) && begun.elapsed() < Duration::from_secs(30), "{said}");
}

#[test]
fn what_ends_keeps_its_code_and_leaves_nothing_running() {
    let folder = tempfile::tempdir().unwrap();
    let id = folder.path().join("id");
    let done = within(&format!("sleep 3600 & echo $! >{}; exit 7", id.display()));
    let said = String::from_utf8(done.stdout).unwrap();
    assert_eq!(done.status.code(), Some(7), "{said}");
    assert!(said.contains("the part: left running, ended now:") && is_gone(&id), "{said}");
}
