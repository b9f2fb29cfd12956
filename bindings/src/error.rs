//! What can go wrong, as an app can act on it: an arm exists only where an app does something of its own.
//! Texts name the thing, the cause and what to do; none holds customer content.

use roadbook_core::blobs::BlobError;
use roadbook_core::crdt::DocumentError;
use roadbook_core::exchange::WireError;
use roadbook_core::ids::IdError;
use roadbook_core::model::EditError;
use roadbook_core::replica::ReplicaError;
use roadbook_core::store::StoreError;

use crate::key::KeyError;

/// What can go wrong.
#[derive(Debug, thiserror::Error, uniffi::Error)]
pub enum RoadbookError {
    /// Show the enrolment screen.
    #[error("this device is not enrolled: ask headquarters for a code")]
    NotEnrolled,
    /// Headquarters did not take the code: let the person type it again, or ask for another.
    #[error("the enrolment code was not accepted: {en}")]
    EnrolmentRefused {
        /// Stable code of the reason.
        code: String,
        /// What to do, in Chinese; may be empty.
        zh: String,
        /// What to do, in English.
        en: String,
    },
    /// Headquarters has revoked this device: show what is unsent, then wipe.
    #[error("headquarters has revoked this device")]
    Revoked,
    /// Headquarters ordered a wipe and it is done: the file is gone. Destroy the device's key and the file's, forget the enrolment.
    #[error("headquarters has ended this device; everything on it was deleted")]
    Wiped,
    /// Headquarters, or something on the way there, refuses for now: wait, then try again.
    #[error("headquarters answered {status}: {en}")]
    ServerRefused {
        /// HTTP status.
        status: u16,
        /// Stable code of the reason; empty when it was not headquarters that answered.
        code: String,
        /// What to do, in Chinese; may be empty.
        zh: String,
        /// What to do, in English.
        en: String,
    },
    /// What arrived is no answer of headquarters (a captive portal, a broken line): try again. Nothing is lost.
    #[error("the answer cannot be read: {why}")]
    AnswerUnreadable {
        /// What is wrong with it.
        why: String,
    },
    /// The stored file or the other side is newer than this app: send the person to the update.
    #[error("an update is needed: {why}")]
    UpdateNeeded {
        /// What is newer.
        why: String,
    },
    /// Headquarters is older than this app: tell the person that their company must update its server. What is unsent stays here.
    #[error("headquarters needs an update: {why}")]
    HeadquartersOutdated {
        /// What it said.
        why: String,
    },
    /// The key is locked or gone: see [`KeyError`].
    #[error("{reason}")]
    KeyUnusable {
        /// What the key said.
        reason: KeyError,
    },
    /// The file is encrypted and no storage key was given: read it from Keychain or Keystore and open again. Nothing is lost.
    #[error("the file is encrypted: open it with its storage key")]
    StorageKeyNeeded,
    /// The file is encrypted with another storage key: find the right one (a restored backup brings its file but not its key). The file
    /// stays as it is; never delete it while it may hold unsent work.
    #[error("the file is encrypted with another storage key")]
    WrongStorageKey,
    /// No space is left: ask the person to free some; reading still works.
    #[error("no space is left on this device")]
    StorageFull,
    /// Another process of the app holds the file: try again.
    #[error("the file is in use by another process")]
    StorageBusy,
    /// Something in the file is damaged. A damaged document is brought again by one of the next exchanges. Where it stays so, close the file
    /// and open it again: it is then looked through, and set aside if it is damaged itself, never deleted.
    #[error("the file is damaged")]
    StorageDamaged,
    /// An observer began an exchange from `changed`, while an answer is taken in: begin it when that has returned.
    #[error("an exchange cannot begin within `changed` of an observer: begin it afterwards, or on another thread")]
    ExchangeUnderWay,
    /// Show this beside the form's field.
    #[error("{why}")]
    BadField {
        /// Field id; empty when it is about the whole form.
        field: String,
        /// What is wrong, and what would be right.
        why: String,
    },
    /// The form is too old: read the card again, and show the form again with what was typed.
    #[error("the form shows a state that this device does not hold; open it again")]
    FormOutdated,
    /// Not on this device: sync, or ask for access.
    #[error("{what} {id} is not on this device")]
    NotHere {
        /// What it would be.
        what: String,
        /// Its id.
        id: String,
    },
    /// The visit was checked out: offer an amendment instead.
    #[error("the visit is sealed since check-out: amend it instead")]
    Sealed,
    /// The photo is not taken: too large, of another type, or too many of them. Say so to the person.
    #[error("the photo is not taken: {why}")]
    PhotoRefused {
        /// What is wrong and what would be right.
        why: String,
    },
    /// Something that only a mistake in the app or in this library explains: report it.
    #[error("{why}")]
    Mistake {
        /// For the report.
        why: String,
    },
}

impl From<KeyError> for RoadbookError {
    fn from(reason: KeyError) -> Self {
        Self::KeyUnusable { reason }
    }
}

impl From<IdError> for RoadbookError {
    fn from(error: IdError) -> Self {
        Self::Mistake { why: error.to_string() }
    }
}

impl From<ReplicaError> for RoadbookError {
    fn from(error: ReplicaError) -> Self {
        match error {
            ReplicaError::Store(error) => error.into(),
            ReplicaError::Document(error) => error.into(),
            ReplicaError::Edit(error) => error.into(),
            ReplicaError::Refused(refusal) => Self::AnswerUnreadable { why: refusal.to_string() },
            ReplicaError::Unknown { what, doc } => Self::NotHere { what: what.to_owned(), id: doc.to_string() },
            ReplicaError::NewerKind { kind } => Self::UpdateNeeded { why: format!("this app does not know {kind:?} yet") },
            ReplicaError::Sealed { .. } => Self::Sealed,
            ReplicaError::DamagedDraft { .. } => Self::StorageDamaged,
            ReplicaError::NotEnrolled => Self::NotEnrolled,
            ReplicaError::Sequencing(error) => Self::BadField { field: String::new(), why: error.to_string() },
            ReplicaError::Wire(error) => error.into(),
            ReplicaError::Blob(error) => error.into(),
        }
    }
}

impl From<BlobError> for RoadbookError {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::Content(_) | BlobError::UnknownKind { .. } | BlobError::TooMany => Self::PhotoRefused { why: error.to_string() },
            BlobError::NotHere { hash } => Self::NotHere { what: "photo".to_owned(), id: hash.to_string() },
            BlobError::Damaged { .. } => Self::StorageDamaged,
            BlobError::File { ref source, .. } if source.kind() == std::io::ErrorKind::StorageFull => Self::StorageFull,
            BlobError::NoFolder | BlobError::File { .. } => Self::Mistake { why: error.to_string() },
        }
    }
}

impl From<StoreError> for RoadbookError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NewerFile { .. } => Self::UpdateNeeded { why: error.to_string() },
            StoreError::KeyNeeded => Self::StorageKeyNeeded,
            StoreError::WrongKey => Self::WrongStorageKey,
            StoreError::Full { .. } => Self::StorageFull,
            StoreError::Busy { .. } => Self::StorageBusy,
            StoreError::Corrupt { .. } | StoreError::Damaged { .. } => Self::StorageDamaged,
            StoreError::TooLarge { .. } => Self::BadField { field: String::new(), why: error.to_string() },
            StoreError::UnknownDocument { doc } => Self::NotHere { what: "document".to_owned(), id: doc.to_string() },
            StoreError::ForeignFile { .. }
            | StoreError::File { .. }
            | StoreError::NoAccess { .. }
            | StoreError::Disk { .. }
            | StoreError::NoEncryption
            | StoreError::OtherDocument { .. }
            | StoreError::Sqlite { .. } => Self::Mistake { why: error.to_string() },
        }
    }
}

impl From<DocumentError> for RoadbookError {
    fn from(error: DocumentError) -> Self {
        match error {
            DocumentError::UnknownHeads => Self::FormOutdated,
            DocumentError::OutsideText { ref name, .. } => Self::BadField { field: name.clone(), why: error.to_string() },
            DocumentError::Automerge(_)
            | DocumentError::MissingDependencies(_)
            | DocumentError::NoContainer(_)
            | DocumentError::EmptyGenesis => Self::Mistake { why: error.to_string() },
        }
    }
}

impl From<EditError> for RoadbookError {
    fn from(error: EditError) -> Self {
        match error {
            EditError::NoField { ref field, .. } | EditError::Invalid { ref field, .. } => {
                Self::BadField { field: field.clone(), why: error.to_string() }
            }
            EditError::TooMany { .. } => Self::BadField { field: String::new(), why: error.to_string() },
            EditError::Document(error) => error.into(),
        }
    }
}

impl From<WireError> for RoadbookError {
    fn from(error: WireError) -> Self {
        match error {
            WireError::Version { .. } => Self::UpdateNeeded { why: error.to_string() },
            WireError::Empty
            | WireError::TooLarge { .. }
            | WireError::Stream(_)
            | WireError::Contents(_)
            | WireError::Knock
            | WireError::TooMany { .. } => Self::AnswerUnreadable { why: error.to_string() },
        }
    }
}
