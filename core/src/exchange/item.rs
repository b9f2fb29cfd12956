//! What an answer brings: documents, changes, rows, and what a device must forget. The numbers are fixed for ever; a new kind of
//! item says from which minor protocol number on it is understood.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use super::SPEAKS_ROWS;
use crate::ids::{DocId, SubjectId};

/// Something the device lacks, or must give up.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Item {
    /// A whole document.
    #[n(0)]
    Document {
        /// The document.
        #[n(0)]
        doc: DocId,
        /// Its kind.
        #[n(1)]
        kind: String,
        /// What it is about.
        #[n(2)]
        subject: SubjectId,
        /// Uncompressed snapshot.
        #[n(3)]
        snapshot: ByteVec,
    },
    /// Changes of a document that the device holds.
    #[n(1)]
    Changes {
        /// The document.
        #[n(0)]
        doc: DocId,
        /// Its kind.
        #[n(1)]
        kind: String,
        /// What it is about.
        #[n(2)]
        subject: SubjectId,
        /// Raw changes in dependency order.
        #[n(3)]
        changes: Vec<ByteVec>,
    },
    /// The device may no longer hold this document.
    #[n(2)]
    Forget {
        /// The document.
        #[n(0)]
        doc: DocId,
    },
    /// A row in place of a document, for a person who sees more than a phone should carry. The digest counts it as the document.
    #[n(3)]
    Row {
        /// The document.
        #[n(0)]
        doc: DocId,
        /// Its kind.
        #[n(1)]
        kind: String,
        /// What it is about.
        #[n(2)]
        subject: SubjectId,
        /// The document's heads, 32 bytes each.
        #[n(3)]
        heads: ByteVec,
        /// The row as headquarters folded it: see `replica::told`. Empty: another document of the subject carries it.
        #[n(4)]
        row: ByteVec,
    },
    /// A whole document that was asked for by name. The digest does not count it.
    #[n(4)]
    Lent {
        /// The document.
        #[n(0)]
        doc: DocId,
        /// Its kind.
        #[n(1)]
        kind: String,
        /// What it is about.
        #[n(2)]
        subject: SubjectId,
        /// Uncompressed snapshot.
        #[n(3)]
        snapshot: ByteVec,
    },
}

impl Item {
    /// The minor protocol number from which on a side understands this kind of item: headquarters sends it to no other.
    #[must_use]
    pub const fn spoken_from(&self) -> u32 {
        match self {
            Self::Document { .. } | Self::Changes { .. } | Self::Forget { .. } => 1,
            Self::Row { .. } | Self::Lent { .. } => SPEAKS_ROWS,
        }
    }
}
