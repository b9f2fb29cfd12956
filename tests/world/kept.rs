//! Headquarters' own file, kept over its starts as a server keeps it. It is a plain file, copied as the process that died left it, with
//! its log; when the power goes it may come back as it was at the last start, for nobody waited until it was on disk.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// The file, under a new name at each start: a process that is being replaced may still have its own.
pub(crate) struct Kept {
    folder: TempDir,
    no: u64,
    /// What the last process wrote is lost.
    lost: bool,
}

impl Kept {
    /// No file yet.
    pub(crate) fn new() -> Self {
        Self { folder: super::folder(), no: 0, lost: false }
    }

    /// The file that the next process opens.
    pub(crate) fn for_the_next_start(&mut self) -> PathBuf {
        let before = if std::mem::take(&mut self.lost) { self.named("start", self.no) } else { self.named("hq", self.no) };
        self.no += 1;
        copy(&before, &self.named("hq", self.no));
        copy(&before, &self.named("start", self.no));
        self.named("hq", self.no)
    }

    /// What was written since the last start is not on disk.
    pub(crate) const fn lose_the_latest(&mut self) {
        self.lost = true;
    }

    /// Somebody took the file away.
    pub(crate) fn take_away(&mut self) {
        self.no += 1;
    }

    fn named(&self, what: &str, no: u64) -> PathBuf {
        self.folder.path().join(format!("{what}-{no}.sqlite"))
    }
}

/// Copies a file of SQLite as it stands, with its log.
pub(crate) fn copy(from: &Path, to: &Path) {
    for ending in ["", "-wal"] {
        let with = |path: &Path| PathBuf::from(format!("{}{ending}", path.display()));
        if with(from).exists() {
            std::fs::copy(with(from), with(to)).unwrap();
        }
    }
}
