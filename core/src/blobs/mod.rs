//! Blobs: photos and files. They are named by the SHA-256 of their bytes and never travel inside documents; a document names them, and
//! whoever may read the document may have them.
//!
//! * [`content`] – what bytes are, by looking at them: type and pixels, within the bounds.
//! * [`folder`] – the encrypted files beside a replica's own file.
//! * [`wire`] – the frames of `POST /v1/blobs`.
//! * [`photos`] – taking a photo in, the manifest of a visit, reading, giving up what headquarters holds.
//! * [`exchange`] – the phone's half: the next step, and what its answer means.
//!
//! Lanes: urgent text, other text, thumbnails, photos. Text goes first by [`exchange::BlobStep::TextFirst`], photos rest on a metered link.
//! Never here: network, clock, a decoder of pictures, SQL (`store::blobs`).

pub mod content;
pub mod exchange;
pub mod folder;
pub mod photos;
#[cfg(test)]
mod tests;
pub mod wire;

use minicbor::{Decode, Encode};
use sha2::{Digest as _, Sha256};

use crate::ids::DocId;

pub use crate::ids::BlobHash;

/// Most bytes of one photo or file.
pub const BLOB_BYTES_MAX: usize = 10 << 20;
/// Most pixels of a picture.
pub const PIXELS_MAX: u64 = 40_000_000;
/// Most bytes of a thumbnail.
pub const THUMBNAIL_BYTES_MAX: usize = 64 << 10;
/// Bytes of a chunk; the last one of a blob may be shorter.
pub const CHUNK_BYTES: usize = 256 << 10;
/// Most chunks of one blob.
pub const CHUNKS_MAX: usize = BLOB_BYTES_MAX.div_ceil(CHUNK_BYTES);
/// Most photos of one visit.
pub const PHOTOS_OF_VISIT_MAX: usize = 60;

/// Original or thumbnail: in which lane it travels, and whether a phone keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Role {
    /// As the camera made it. Leaves the phone once headquarters holds everything of its document.
    #[n(0)]
    Original,
    /// A small picture of an original. Stays on the phone.
    #[n(1)]
    Thumbnail,
}

impl Role {
    /// Its number in tables.
    #[must_use]
    pub const fn code(self) -> i64 {
        match self {
            Self::Original => 0,
            Self::Thumbnail => 1,
        }
    }
    /// The role of a number.
    #[must_use]
    pub const fn of(code: i64) -> Self {
        if code == 1 { Self::Thumbnail } else { Self::Original }
    }
}

/// Hashes of the chunks of some bytes, in order.
#[must_use]
pub fn chunk_hashes(bytes: &[u8]) -> Vec<BlobHash> {
    bytes.chunks(CHUNK_BYTES).map(BlobHash::of).collect()
}

/// How many chunks so many bytes have.
#[must_use]
pub const fn chunk_count(bytes: usize) -> usize {
    bytes.div_ceil(CHUNK_BYTES)
}

/// What only somebody who has the bytes can say about a document that names them: SHA-256 over the document's id and the bytes. Knowing a
/// hash is not having the photo.
#[must_use]
pub fn proof(doc: DocId, pieces: impl IntoIterator<Item = impl AsRef<[u8]>>) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(b"roadbook-blob-proof-v1");
    hasher.update(doc.as_bytes());
    pieces.into_iter().for_each(|piece| hasher.update(piece.as_ref()));
    hasher.finalize().into()
}

/// Why a photo could not be taken in, kept or read.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// The bytes are not taken.
    #[error(transparent)]
    Content(#[from] content::ContentError),
    /// No such kind of photo.
    #[error("{kind:?} is no kind of photo: take one of value set photo_kind")]
    UnknownKind {
        /// What was given.
        kind: String,
    },
    /// More photos than one visit takes.
    #[error("a visit takes at most {PHOTOS_OF_VISIT_MAX} photos")]
    TooMany,
    /// A replica in memory has no folder.
    #[error("a replica in memory keeps no photos: open it on a file")]
    NoFolder,
    /// The bytes are not on this device.
    #[error("photo {hash} is not on this device: fetch it from headquarters")]
    NotHere {
        /// The photo.
        hash: BlobHash,
    },
    /// The file was altered or belongs to another replica.
    #[error("the file of photo {hash} is damaged")]
    Damaged {
        /// The photo.
        hash: BlobHash,
    },
    /// The folder failed.
    #[error("the folder of photos failed while {doing}")]
    File {
        /// What was being done.
        doing: &'static str,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },
}

/// Which chunks are still missing: one bit a chunk, lowest bit first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Missing(Vec<u8>);

impl Missing {
    /// All of so many.
    #[must_use]
    pub fn all(count: usize) -> Self {
        let mut missing = Self(vec![0; count.div_ceil(8)]);
        (0..count).for_each(|no| missing.set(no, true));
        missing
    }
    /// From its bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }
    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
    /// Marks a chunk as missing or not; numbers beyond the end change nothing.
    pub fn set(&mut self, no: usize, missing: bool) {
        if let Some(byte) = self.0.get_mut(no / 8) {
            let bit = 1u8 << (no % 8);
            if missing { *byte |= bit } else { *byte &= !bit }
        }
    }
    /// The numbers of those that are missing, lowest first.
    pub fn numbers(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().enumerate().flat_map(|(at, byte)| (0..8).filter(move |bit| byte & (1 << bit) != 0).map(move |bit| at * 8 + bit))
    }
    /// Whether nothing is missing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|byte| *byte == 0)
    }
}
