//! What can go wrong with a replica's file, as an app can act on it.
//! No message holds content of a document, a name, a path or a query: they may reach logs.

use std::cell::Cell;

use crate::ids::DocId;

/// A failure of the store. Whatever was being written did not happen.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file was written by a later release.
    #[error("the file has schema {found}, this release knows up to {known}: install the newer release")]
    NewerFile {
        /// Schema version of the file.
        found: u32,
        /// Latest version this release knows.
        known: u32,
    },
    /// The file is a database, but not one of Roadbook.
    #[error("the file is a database of another program (application id {application_id:#x})")]
    ForeignFile {
        /// What the file says it is.
        application_id: i32,
    },
    /// The file is damaged. Close it and open it again with [`super::Check::Full`]: it is then set aside.
    #[error("the file is damaged")]
    Corrupt {
        /// What SQLite said.
        #[source]
        source: Option<rusqlite::Error>,
    },
    /// The file is encrypted and no key was given. It stays as it is.
    #[error("the file is encrypted: open it with its key")]
    KeyNeeded,
    /// The file is encrypted with another key. It stays as it is: with the right key everything is there.
    #[error("the file is encrypted with another key: find the key that it was made with")]
    WrongKey,
    /// A key was given to a build that cannot encrypt. Nothing was written.
    #[error("this build cannot encrypt: build it with the feature `encryption`, or open without a key")]
    NoEncryption,
    /// No space is left. Reading still works; see [`super::release_ballast`].
    #[error("no space left on the device")]
    Full {
        /// What SQLite said.
        #[source]
        source: rusqlite::Error,
    },
    /// Another process holds the file.
    #[error("the file is in use by another process")]
    Busy {
        /// What SQLite said.
        #[source]
        source: rusqlite::Error,
    },
    /// The file or its folder cannot be opened or written.
    #[error("the file or its folder cannot be opened or written: check that the folder exists and who may write there")]
    NoAccess {
        /// What SQLite said.
        #[source]
        source: rusqlite::Error,
    },
    /// The disk failed to read or write.
    #[error("the disk failed")]
    Disk {
        /// What SQLite said.
        #[source]
        source: rusqlite::Error,
    },
    /// A file could not be opened, renamed or read.
    #[error("file access failed while {doing}")]
    File {
        /// What was being done.
        doing: &'static str,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },
    /// Something is larger than its limit.
    #[error("{what} has {found}, at most {max} are allowed")]
    TooLarge {
        /// What is too large, with its unit.
        what: &'static str,
        /// How large it is.
        found: usize,
        /// The limit.
        max: usize,
    },
    /// A stored value cannot be read back.
    #[error("a stored {what} cannot be read")]
    Damaged {
        /// Which value.
        what: &'static str,
    },
    /// The document is not held here.
    #[error("document {doc} is not held")]
    UnknownDocument {
        /// Which one.
        doc: DocId,
    },
    /// A document cannot change its kind or subject.
    #[error("document {doc} is held under another kind or subject")]
    OtherDocument {
        /// Which one.
        doc: DocId,
    },
    /// Any other refusal by SQLite: a fault of this program.
    #[error("the database refused a statement")]
    Sqlite {
        /// What SQLite said.
        #[source]
        source: rusqlite::Error,
    },
}

thread_local! {
    /// SQLite said on this thread that a file is damaged, and nobody has asked since: by the time an error has passed a caller's closure it
    /// may be of any type.
    static CORRUPTION: Cell<bool> = const { Cell::new(false) };
}

/// Whether SQLite said so on this thread since the last call.
pub(super) fn take_corruption() -> bool {
    CORRUPTION.take()
}

impl From<rusqlite::Error> for StoreError {
    fn from(source: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        if matches!(source, rusqlite::Error::FromSqlConversionFailure(..) | rusqlite::Error::InvalidColumnType(..)) {
            return Self::Damaged { what: "column" };
        }
        match source.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full { source },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy { source },
            Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Self::NoAccess { source },
            Some(ErrorCode::SystemIoFailure) => Self::Disk { source },
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                CORRUPTION.set(true);
                Self::Corrupt { source: Some(source) }
            }
            _ => Self::Sqlite { source },
        }
    }
}
