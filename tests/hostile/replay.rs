//! What the fuzz targets begin with, and what they ever found, through the targets once more: a find stays found.

use std::path::PathBuf;

use super::seeds::seeds;
use super::targets::{ALL, quiet};

/// Inputs that once broke a target, by its name: `tests/fuzz/finds/TARGET/NAME`.
fn finds(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz/finds").join(target);
    let Ok(entries) = std::fs::read_dir(&folder) else { return Vec::new() };
    let mut finds: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    finds.sort();
    finds.into_iter().map(|path| (path.display().to_string(), std::fs::read(&path).unwrap())).collect()
}

#[test]
fn seeds_and_finds_go_through_their_targets() {
    quiet();
    let seeds = seeds();
    for (target, run) in ALL {
        let begun: Vec<_> =
            seeds.iter().filter(|(of, _)| *of == target).map(|(_, bytes)| (format!("a seed of {target}"), bytes.clone())).collect();
        assert!(!begun.is_empty(), "{target} begins with nothing");
        for (name, bytes) in begun.into_iter().chain(finds(target)) {
            // The hook of panics is quiet here: say which input it was.
            let held = std::panic::catch_unwind(|| run(&bytes)).is_ok();
            assert!(held, "{name}");
        }
    }
}
