//! The frames of `POST /v1/blobs`: one question and one answer, signed as an exchange is. Bytes only.
//!
//! ```text
//! frame   = version:u8  cbor
//! version = 1
//! cbor    = one BlobRequest or one BlobAnswer; maps with numbered keys, unknown numbers are skipped. Not compressed: photos are.
//! ```

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use super::{BLOB_BYTES_MAX, BlobHash, CHUNK_BYTES, CHUNKS_MAX, Role, chunk_count};
use crate::exchange::WireError;
use crate::exchange::framed::{framed, unframed};
use crate::ids::{DeviceId, DocId, Ms};

/// Path of the exchange of blobs.
pub const BLOBS_PATH: &str = "/v1/blobs";
/// Version of the frame: its first byte.
pub const BLOB_WIRE_VERSION: u8 = 1;
/// Most bytes of a request or an answer: a chunk and what is said about it.
pub const BLOB_FRAME_BYTES_MAX: usize = CHUNK_BYTES + (64 << 10);
/// Most offers of one request.
pub const OFFERS_MAX: usize = 30;
/// Most chunks of one request; together they are no longer than one full chunk.
pub const CHUNKS_OF_REQUEST_MAX: usize = 64;
/// Most documents whose receipts are asked for at once.
pub const RECEIPTS_MAX: usize = 50;

/// A blob that a device has, and the document that names it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Offer {
    /// Its name.
    #[n(0)]
    pub hash: BlobHash,
    /// The document that names it; headquarters has it already.
    #[n(1)]
    pub doc: DocId,
    /// [`super::proof`] over document and bytes.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub proof: [u8; 32],
    /// How many bytes it has.
    #[n(3)]
    pub bytes: u64,
    /// Original or thumbnail.
    #[n(4)]
    pub role: Role,
    /// Code of value set `photo_kind`.
    #[n(5)]
    pub kind: String,
    /// When it was taken, by the device's clock.
    #[n(6)]
    pub taken_at: Ms,
    /// Hashes of its chunks.
    #[n(7)]
    pub chunks: Vec<BlobHash>,
}

impl Offer {
    /// Whether size and number of chunks belong together and are within the bounds.
    #[must_use]
    pub fn is_well_formed(&self) -> bool {
        let bytes = usize::try_from(self.bytes).unwrap_or(usize::MAX);
        (1..=BLOB_BYTES_MAX).contains(&bytes) && self.chunks.len() == chunk_count(bytes) && self.kind.len() <= 40
    }
    /// How many bytes a chunk has; 0 beyond the end.
    #[must_use]
    pub fn chunk_bytes(&self, no: usize) -> usize {
        let bytes = usize::try_from(self.bytes).unwrap_or(0);
        bytes.saturating_sub(no.saturating_mul(CHUNK_BYTES)).min(CHUNK_BYTES)
    }
}

/// A chunk on its way.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Chunk {
    /// The blob.
    #[n(0)]
    pub hash: BlobHash,
    /// Which chunk, from 0.
    #[n(1)]
    pub no: u32,
    /// Its bytes.
    #[n(2)]
    pub bytes: ByteVec,
}

/// What a device asks.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum BlobAsk {
    /// It has these: which chunks are wanted?
    #[n(0)]
    Offer {
        /// At most [`OFFERS_MAX`].
        #[n(0)]
        offers: Vec<Offer>,
    },
    /// Here are chunks of what it offered.
    #[n(1)]
    Chunks {
        /// At most [`CHUNKS_OF_REQUEST_MAX`].
        #[n(0)]
        chunks: Vec<Chunk>,
    },
    /// Which blobs of these documents does headquarters hold for good?
    #[n(2)]
    Receipts {
        /// At most [`RECEIPTS_MAX`].
        #[n(0)]
        docs: Vec<DocId>,
    },
    /// Give a chunk of a blob that a document names.
    #[n(3)]
    Fetch {
        /// The blob.
        #[n(0)]
        hash: BlobHash,
        /// The document.
        #[n(1)]
        doc: DocId,
        /// Which chunk, from 0.
        #[n(2)]
        no: u32,
    },
}

/// A question about blobs.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct BlobRequest {
    /// The device that speaks; the signature around the frame proves it.
    #[n(0)]
    pub device: DeviceId,
    /// Its clock.
    #[n(1)]
    pub now: Ms,
    /// What it asks.
    #[n(2)]
    pub ask: BlobAsk,
}

/// How a blob stands at headquarters, for one document.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Standing {
    /// Held for good.
    #[n(0)]
    Held,
    /// These chunks are wanted: one bit a chunk, lowest first.
    #[n(1)]
    Missing {
        /// The bits.
        #[n(0)]
        chunks: ByteVec,
    },
    /// Not taken, and will not be.
    #[n(2)]
    Refused {
        /// Stable code.
        #[n(0)]
        code: String,
        /// What it means, for a person.
        #[n(1)]
        why: String,
    },
    /// Not now: ask again later.
    #[n(3)]
    Later {
        /// Stable code.
        #[n(0)]
        code: String,
        /// What it means, for a person.
        #[n(1)]
        why: String,
    },
}

/// The answer to one offer.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Stood {
    /// The blob.
    #[n(0)]
    pub hash: BlobHash,
    /// The document.
    #[n(1)]
    pub doc: DocId,
    /// How it stands.
    #[n(2)]
    pub standing: Standing,
}

/// What became of a chunk.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Taken {
    /// Stored; a repetition too.
    #[n(0)]
    Stored,
    /// Its bytes are not what its hash says: send it again.
    #[n(1)]
    Wrong,
    /// This device has not offered it, or the offer has lapsed: offer it again.
    #[n(2)]
    NotOffered,
    /// It was the last one, and the whole is not what it was said to be: refused.
    #[n(3)]
    Refused {
        /// Stable code.
        #[n(0)]
        code: String,
        /// What it means, for a person.
        #[n(1)]
        why: String,
    },
    /// It was the last one: the blob is held for good, for these documents.
    #[n(4)]
    Held {
        /// The documents.
        #[n(0)]
        docs: Vec<DocId>,
    },
    /// Over a limit: send it again later.
    #[n(5)]
    Later {
        /// Stable code.
        #[n(0)]
        code: String,
    },
}

/// The answer to one chunk.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct TakenChunk {
    /// The blob.
    #[n(0)]
    pub hash: BlobHash,
    /// The chunk.
    #[n(1)]
    pub no: u32,
    /// What became of it.
    #[n(2)]
    pub taken: Taken,
}

/// What headquarters holds of a document's blobs, durable.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Receipt {
    /// The document.
    #[n(0)]
    pub doc: DocId,
    /// Every blob of it that is held.
    #[n(1)]
    pub hashes: Vec<BlobHash>,
}

/// What headquarters says.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum BlobSaid {
    /// To an offer.
    #[n(0)]
    Stood {
        /// One for each.
        #[n(0)]
        stood: Vec<Stood>,
    },
    /// To chunks.
    #[n(1)]
    Taken {
        /// One for each.
        #[n(0)]
        taken: Vec<TakenChunk>,
    },
    /// To a question for receipts.
    #[n(2)]
    Receipts {
        /// One for each document that the device may know of.
        #[n(0)]
        receipts: Vec<Receipt>,
    },
    /// To a wish for a chunk.
    #[n(3)]
    Given {
        /// The chunk.
        #[n(0)]
        chunk: Chunk,
        /// How many bytes the whole has.
        #[n(1)]
        bytes: u64,
        /// Its media type.
        #[n(2)]
        mime: String,
        /// Original or thumbnail.
        #[n(3)]
        role: Role,
        /// Code of value set `photo_kind`.
        #[n(4)]
        kind: String,
        /// Hashes of its chunks.
        #[n(5)]
        chunks: Vec<BlobHash>,
    },
    /// To a wish that is not granted: there is no such blob, or none that the device may have. The two look alike.
    #[n(4)]
    NotGiven {
        /// The blob.
        #[n(0)]
        hash: BlobHash,
    },
}

/// An answer about blobs.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct BlobAnswer {
    /// Headquarters' clock.
    #[n(0)]
    pub now: Ms,
    /// What it says.
    #[n(1)]
    pub said: BlobSaid,
}

impl BlobRequest {
    /// The frame.
    ///
    /// # Errors
    /// [`WireError::TooLarge`].
    pub fn encode(&self) -> Result<Vec<u8>, WireError> {
        bounded(framed(BLOB_WIRE_VERSION, self))
    }
    /// Reads a frame within the limits of this file.
    ///
    /// # Errors
    /// [`WireError`].
    pub fn decode(frame: &[u8]) -> Result<Self, WireError> {
        let request: Self = unframed(BLOB_WIRE_VERSION, frame, BLOB_FRAME_BYTES_MAX)?;
        let over = |what, limit| Err(WireError::TooMany { what, limit });
        match &request.ask {
            BlobAsk::Offer { offers } if offers.len() > OFFERS_MAX => over("offers in a request", OFFERS_MAX),
            BlobAsk::Offer { offers } if offers.iter().any(|offer| offer.chunks.len() > CHUNKS_MAX) => over("chunks of a blob", CHUNKS_MAX),
            BlobAsk::Chunks { chunks } if chunks.len() > CHUNKS_OF_REQUEST_MAX => over("chunks in a request", CHUNKS_OF_REQUEST_MAX),
            BlobAsk::Receipts { docs } if docs.len() > RECEIPTS_MAX => over("documents in a request", RECEIPTS_MAX),
            BlobAsk::Offer { .. } | BlobAsk::Chunks { .. } | BlobAsk::Receipts { .. } | BlobAsk::Fetch { .. } => Ok(request),
        }
    }
}

impl BlobAnswer {
    /// The frame.
    ///
    /// # Errors
    /// [`WireError::TooLarge`].
    pub fn encode(&self) -> Result<Vec<u8>, WireError> {
        bounded(framed(BLOB_WIRE_VERSION, self))
    }
    /// Reads a frame within the limits of this file.
    ///
    /// # Errors
    /// [`WireError`].
    pub fn decode(frame: &[u8]) -> Result<Self, WireError> {
        unframed(BLOB_WIRE_VERSION, frame, BLOB_FRAME_BYTES_MAX)
    }
}

fn bounded(frame: Vec<u8>) -> Result<Vec<u8>, WireError> {
    if frame.len() > BLOB_FRAME_BYTES_MAX { Err(WireError::TooLarge { limit: BLOB_FRAME_BYTES_MAX }) } else { Ok(frame) }
}
