//! The journal of erasures: a text file beside the tables, so that an older backup of `server.sqlite` that is put back does not bring back
//! what was erased since. Written before anything is erased; at every start what it names and the feed does not know is erased again.
//!
//! ```text
//! one line of JSON for each: {"at_ms", "customer", "stakeholder", "by", "asked_by", "reason"}
//! ```
//! Who asked and why, never what was erased.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use roadbook_core::ids::{EntryId, Ms, SubjectId, UserId};
use serde::{Deserialize, Serialize};

/// Most bytes of the journal that are read: a hundred thousand erasures.
const JOURNAL_BYTES_MAX: u64 = 64 << 20;

/// Why the journal could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The system refused.
    #[error("the journal of erasures {path} cannot be used: {source}; see to the space and the rights of the data folder")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is longer than anything that this program wrote.
    #[error("the journal of erasures {path} is larger than {JOURNAL_BYTES_MAX} bytes: it is not one of ours")]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
}

/// One erasure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// When it was asked for.
    pub at_ms: Ms,
    /// The customer.
    pub customer: SubjectId,
    /// The stakeholder whose traits were erased.
    pub stakeholder: EntryId,
    /// Who had it erased.
    pub by: UserId,
    /// Who asked for it, in words.
    pub asked_by: String,
    /// Why.
    pub reason: String,
}

/// Adds a line: it is on disk when this returns.
///
/// # Errors
/// [`JournalError`]; nothing is then to be erased yet.
pub fn append(path: &Path, line: &Line) -> Result<(), JournalError> {
    let failed = |source| JournalError::File { path: path.to_owned(), source };
    // Ids, a number and two texts: writing them as JSON cannot fail; a line that were empty would be passed over.
    let text = format!("{}\n", serde_json::to_string(line).unwrap_or_default());
    let mut file = OpenOptions::new().create(true).append(true).open(path).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    file.sync_all().map_err(failed)
}

/// Every line, the oldest first. One that cannot be read (a power cut broke it off: then nothing was erased by it) is passed over.
///
/// # Errors
/// [`JournalError`].
pub fn read(path: &Path) -> Result<Vec<Line>, JournalError> {
    let failed = |source| JournalError::File { path: path.to_owned(), source };
    match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Ok(found) if found.len() > JOURNAL_BYTES_MAX => return Err(JournalError::TooLarge { path: path.to_owned() }),
        other => other.map_err(failed)?,
    };
    let bytes = std::fs::read(path).map_err(failed)?;
    let lines = String::from_utf8_lossy(&bytes);
    Ok(lines.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failing test says where")]
mod tests {
    use super::*;

    #[test]
    fn lines_come_back_and_a_broken_one_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("erasures.log");
        assert!(read(&path).unwrap().is_empty());
        let line = |n: u8| Line {
            at_ms: Ms(i64::from(n)),
            customer: SubjectId::from_bytes([n; 16]),
            stakeholder: EntryId::from_bytes([n; 16]),
            by: UserId::from_bytes([9; 16]),
            asked_by: "张老板\n本人".to_owned(),
            reason: "不再合作".to_owned(),
        };
        append(&path, &line(1)).unwrap();
        append(&path, &line(2)).unwrap();
        assert_eq!(read(&path).unwrap(), [line(1), line(2)]);
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, [&whole, b"{\"at_ms\": 3, \"cust".as_slice()].concat()).unwrap();
        assert_eq!(read(&path).unwrap().len(), 2);
        assert!(append(&folder.path().join("no/such"), &line(3)).is_err());
    }
}
