//! The fuzz targets as plain functions, so that what they once found is replayed by an ordinary test as well.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "a failing target says where")]

#[path = "../../hostile/forge.rs"]
#[allow(dead_code, reason = "shared with the hostile corpus")]
mod forge;
pub mod seeds;
pub mod targets;
#[path = "../../hostile/world.rs"]
#[allow(dead_code, reason = "shared with the hostile corpus")]
mod world;

/// Before the first input: panics that are caught are silent. With `ROADBOOK_SEEDS` set, the seeds of all targets are written
/// below that folder, and that is all.
pub fn begin() {
    targets::quiet();
    let Some(folder) = std::env::var_os("ROADBOOK_SEEDS") else { return };
    for (n, (target, bytes)) in seeds::seeds().into_iter().enumerate() {
        let place = std::path::Path::new(&folder).join(target);
        std::fs::create_dir_all(&place).unwrap();
        std::fs::write(place.join(format!("seed-{n}")), bytes).unwrap();
    }
    std::process::exit(0);
}
