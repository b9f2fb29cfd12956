//! The rules of the house, kept by a test: which room may name which crate, how a file begins, how long it may grow,
//! and why each dependency is here. What the compiler or clippy can check is left to them and never repeated here.

use std::fs;
use std::path::{Path, PathBuf};

/// Files longer than this fail, their tests at the end not counted; at 400 lines it is time to look for the second subject.
const FILE_LINES_MAX: usize = 500;

/// A word, and the places (prefixes of paths from the root) that may use it.
struct Wall {
    word: &'static str,
    rooms: &'static [&'static str],
    reason: &'static str,
}

/// The walls between the rooms. A word counts where it begins a path (`word::…`) or is imported or derived by name.
const WALLS: &[Wall] = &[
    Wall {
        word: "automerge",
        // A peer of the benches is that crate's own program.
        rooms: &["core/src/crdt", "tests/bench/peers/samod"],
        reason: "one room knows the CRDT, so that nothing from outside reaches it unchecked",
    },
    Wall {
        word: "rusqlite",
        rooms: &[
            "core/src/store",
            "core/src/store.rs",
            "sync-server/src/feed",
            "sync-server/src/accounts",
            "sync-server/src/blobs",
            "sync-server/src/database.rs",
            "sync-server/src/storage.rs",
            "tests/bench",
            "tests/crash",
            "tests/hostile",
            "tests/scenarios",
        ],
        reason: "SQL has few rooms: the store, the feed, the accounts, the blobs, and tests that damage a file on purpose",
    },
    Wall {
        word: "axum",
        rooms: &["sync-server/src/http", "sync-server/src/main.rs", "sync-server/src/lib.rs", "tests"],
        reason: "HTTP ends in one room",
    },
    Wall { word: "uniffi", rooms: &["bindings"], reason: "the core knows nothing of other languages" },
    Wall { word: "tokio", rooms: &["sync-server", "tests"], reason: "the core and the bindings are synchronous: apps own their threads" },
    Wall { word: "roadbook_server", rooms: &["sync-server", "tests"], reason: "bindings and sync-server never meet" },
];

/// What the core never says: it gets time and randomness as arguments, and its order must be the same on every device.
const NOT_IN_CORE: &[(&str, &str)] = &[
    ("SystemTime::now", "time is an argument"),
    ("Instant::now", "time is an argument"),
    ("Utc::now", "time is an argument"),
    ("Local::now", "time is an argument"),
    ("HashMap", "its order differs from run to run: use BTreeMap"),
    ("HashSet", "its order differs from run to run: use BTreeSet"),
    ("thread::spawn", "the core has no threads"),
    ("std::net", "the core has no network"),
];

#[test]
fn rooms_keep_to_their_crates() {
    let mut broken = Vec::new();
    for (path, text) in rust_files() {
        for wall in WALLS {
            if path == "tests/tidy.rs" || wall.rooms.iter().any(|room| path.starts_with(room)) {
                continue;
            }
            for (number, line) in code_lines(&text) {
                if names_crate(line, wall.word) {
                    broken.push(format!("{path}:{number}: `{}` ({})", wall.word, wall.reason));
                }
            }
        }
    }
    nothing(&broken, "a crate is named outside its room");
}

#[test]
fn core_has_no_clock_no_chance_and_no_threads() {
    let mut broken = Vec::new();
    for (path, text) in rust_files().into_iter().filter(|(path, _)| path.starts_with("core/src")) {
        for (number, line) in code_lines(&text) {
            for (word, reason) in NOT_IN_CORE {
                if line.contains(word) {
                    broken.push(format!("{path}:{number}: `{word}`: {reason}"));
                }
            }
        }
    }
    nothing(&broken, "core names what it never may");
}

#[test]
fn every_file_says_what_belongs_in_it() {
    let broken: Vec<_> = rust_files().into_iter().filter(|(_, text)| !text.starts_with("//!")).map(|(path, _)| path).collect();
    nothing(&broken, "the first line of a file says its subject (`//!`)");
}

#[test]
fn files_have_one_subject() {
    let mut broken = Vec::new();
    for (path, text) in rust_files() {
        let lines = text.lines().take_while(|line| *line != "#[cfg(test)]").count();
        if lines > FILE_LINES_MAX {
            broken.push(format!("{path}: {lines} lines, at most {FILE_LINES_MAX}"));
        }
    }
    nothing(&broken, "a file is too long: look for its second subject");
}

#[test]
fn nothing_is_unsafe_or_left_for_later() {
    let mut broken = Vec::new();
    for (path, text) in rust_files().into_iter().filter(|(path, _)| path != "tests/tidy.rs") {
        for (number, line) in text.lines().enumerate().map(|(at, line)| (at + 1, line)) {
            for word in ["unsafe ", "todo!(", "unimplemented!(", "FIXME", "TODO", "XXX"] {
                if line.contains(word) {
                    broken.push(format!("{path}:{number}: `{}`", word.trim()));
                }
            }
        }
    }
    nothing(&broken, "unsafe or unfinished");
}

#[test]
fn every_dependency_has_its_reason() {
    let text = fs::read_to_string(root().join("Cargo.toml")).unwrap_or_default();
    let mut broken = Vec::new();
    let (mut inside, mut reasoned) = (false, false);
    for line in text.lines() {
        match line.trim() {
            header if header.starts_with('[') => inside = header == "[workspace.dependencies]",
            "" => reasoned = false,
            comment if comment.starts_with('#') => reasoned = true,
            // Our own packages need no reason.
            entry if inside && !entry.contains("path = ") && !reasoned => broken.push(entry.split(' ').next().unwrap_or(entry).to_owned()),
            _ => reasoned = false,
        }
    }
    nothing(&broken, "a dependency of the workspace without a sentence above it that says why it is here");
}

#[test]
fn packages_take_their_dependencies_from_the_workspace() {
    let mut broken = Vec::new();
    for package in ["core", "sync-server", "bindings", "tests"] {
        let text = fs::read_to_string(root().join(package).join("Cargo.toml")).unwrap_or_default();
        let mut inside = false;
        for line in text.lines().map(str::trim) {
            if line.starts_with('[') {
                inside = line.ends_with("dependencies]");
            } else if inside && !line.is_empty() && !line.starts_with('#') && !line.contains("workspace") {
                broken.push(format!("{package}: {line}"));
            }
        }
    }
    nothing(&broken, "a version outside the root Cargo.toml");
}

/// A fault that cannot be planted proves nothing.
#[test]
fn every_mutant_can_be_planted() {
    let folder = root().join("tests/mutants");
    let list = fs::read_to_string(folder.join("list")).unwrap_or_default();
    let names = list.lines().filter_map(|line| line.split_whitespace().next()).filter(|name| !name.starts_with('#'));
    let mut broken = Vec::new();
    for name in names {
        let patch = fs::read_to_string(folder.join(name).with_extension("patch")).unwrap_or_default();
        let (mut file, mut before, mut hunks) = (String::new(), String::new(), 0);
        for line in patch.lines().chain(["@@"]) {
            if line.starts_with("@@") || line.starts_with("--- ") {
                if !before.is_empty() && !file.contains(&std::mem::take(&mut before)) {
                    broken.push(format!("{name}: not in the file: hunk {hunks}"));
                }
                hunks += 1;
            } else if let Some(path) = line.strip_prefix("+++ b/") {
                file = fs::read_to_string(root().join(path.split('\t').next().unwrap_or(path))).unwrap_or_default();
            } else if let Some(context) = line.strip_prefix([' ', '-']) {
                before.push_str(context);
                before.push('\n');
            } else if line.is_empty() {
                before.push('\n');
            }
        }
        if hunks < 2 {
            broken.push(format!("{name}: no patch"));
        }
    }
    nothing(&broken, "a fault in tests/mutants that fits the sources no more");
}

fn nothing(broken: &[String], rule: &str) {
    assert!(broken.is_empty(), "{rule}:\n  {}", broken.join("\n  "));
}

/// Whether a line of code uses a crate: `word::`, `use word;`, `extern crate word`, but not `other_word::` or `x.word`.
fn names_crate(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let (before, after) = (line.get(..at).unwrap_or(""), line.get(at + word.len()..).unwrap_or(""));
        let begins = !before.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '.' || c == '"');
        begins && (after.starts_with("::") || ((before.ends_with("use ") || before.ends_with("crate ")) && after.starts_with([';', ' '])))
    })
}

/// Numbered lines without those that are comments from their first character on.
fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(at, line)| (at + 1, line)).filter(|(_, line)| !line.trim_start().starts_with("//"))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every Rust file of ours: its path from the root with `/`, and its text.
fn rust_files() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for package in ["core", "sync-server", "bindings", "tests"] {
        walk(&root().join(package), package, &mut found);
    }
    assert!(found.len() > 4, "the rules saw no files");
    found
}

fn walk(folder: &Path, name: &str, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, file) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        let name = format!("{name}/{file}");
        if path.is_dir() {
            if !matches!(file.as_str(), "node_modules" | "target" | "dist" | ".build") {
                walk(&path, &name, found);
            }
        } else if file.ends_with(".rs") {
            found.push((name, fs::read_to_string(&path).unwrap_or_default()));
        }
    }
}
