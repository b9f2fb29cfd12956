//! Chunks: the framing in which changes and documents travel, taken apart by ourselves, bounded, before `automerge` sees a byte.
//! Here: bytes in, plain values or a typed error out; never a judgement about rights or schema, never a call into `automerge`.
//!
//! ```text
//! chunk    := 85 6f 4a 83 · checksum[4] · kind[1] · length(uleb) · contents[length]
//! kind     := 0 document · 1 change · 2 change, contents deflated · 3 bundle (never accepted)
//! hash     := SHA-256(kind 1 or 0 · length(uleb) · inflated contents); checksum is its first four bytes
//! ```
//!
//! The contents of a change are described in [`change`], those of a document in [`document`], columns in [`columns`].
//! All integers are LEB128 in their shortest form; a longer form is refused, because its hash would not survive a re-encoding.

pub(crate) mod change;
pub(crate) mod columns;
pub(crate) mod document;
pub(crate) mod reader;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::io::Read as _;

use sha2::{Digest as _, Sha256};

use self::reader::Reader;
use crate::ids::ChangeHash;

const MAGIC: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];
const KIND_DOCUMENT: u8 = 0;
const KIND_CHANGE: u8 = 1;
const KIND_DEFLATED: u8 = 2;

/// Why bytes are no chunk that we read. Names places and numbers, never content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChunkError {
    /// Something is larger than its limit.
    #[error("{what}: more than {max}")]
    TooMuch {
        /// What was counted, with its unit.
        what: &'static str,
        /// The limit.
        max: usize,
    },
    /// The bytes end before what they announce.
    #[error("the bytes end early")]
    Truncated,
    /// The first four bytes are not those of a chunk.
    #[error("no chunk: the magic bytes are missing")]
    Magic,
    /// A chunk of another kind than the caller may receive.
    #[error("chunk kind {0} is not accepted here")]
    Kind(u8),
    /// Bytes after the end of the chunk.
    #[error("bytes follow the end of the chunk")]
    Trailing,
    /// The checksum is not that of the contents.
    #[error("the checksum does not match the contents")]
    Checksum,
    /// The deflated contents are damaged.
    #[error("the contents do not inflate")]
    Inflate,
    /// An integer is too large or not in its shortest form.
    #[error("an integer is too large or not in its shortest form")]
    Number,
    /// A text is not UTF-8.
    #[error("a text is not UTF-8")]
    Text,
    /// Columns are unknown, repeated, out of order, deflated, empty, or too short or long for the rows.
    #[error("column {0} is not well formed")]
    Column(u32),
    /// A field holds a value that cannot be.
    #[error("{0} is out of range")]
    Range(&'static str),
}

/// Bounds of what is taken apart. Everything beyond is refused before memory is reserved for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkLimits {
    /// A change as it arrives, and in the plain form in which it is stored and sent on.
    pub change_bytes_max: usize,
    /// A change after inflating.
    pub inflated_bytes_max: usize,
    /// Operations of one change, and rows of each of its columns.
    pub change_rows_max: usize,
    /// Changes that one change builds on directly.
    pub deps_max: usize,
    /// Actors that one change names beside its own.
    pub other_actors_max: usize,
    /// Note of a change.
    pub message_bytes_max: usize,
    /// Bytes after the columns of a change: the author.
    pub extra_bytes_max: usize,
    /// Any key or name; a repeated key costs nothing on the wire, so this bounds what a change can grow to.
    pub key_bytes_max: usize,
    /// Highest operation counter: automerge keeps counters in 32 bits and panics beyond.
    pub op_counter_max: u64,
    /// A document as it arrives.
    pub document_bytes_max: usize,
    /// Changes of one document.
    pub document_changes_max: usize,
    /// Operations of one document, and rows of each of its columns.
    pub document_rows_max: usize,
    /// Operations of one document beyond one for each of its bytes: an operation that costs less is a run that nobody typed.
    pub document_free_rows_max: usize,
    /// Actors of one document.
    pub document_actors_max: usize,
    /// Heads of one document.
    pub document_heads_max: usize,
}

impl ChunkLimits {
    /// For documents that are our own: whatever they have become, they are taken apart.
    pub(crate) const OWN: Self = Self {
        change_bytes_max: usize::MAX,
        inflated_bytes_max: usize::MAX,
        change_rows_max: usize::MAX,
        deps_max: usize::MAX,
        other_actors_max: usize::MAX,
        message_bytes_max: usize::MAX,
        extra_bytes_max: usize::MAX,
        key_bytes_max: usize::MAX,
        op_counter_max: u64::MAX,
        document_bytes_max: usize::MAX,
        document_changes_max: usize::MAX,
        document_rows_max: usize::MAX,
        document_free_rows_max: usize::MAX,
        document_actors_max: usize::MAX,
        document_heads_max: usize::MAX,
    };
}

impl Default for ChunkLimits {
    fn default() -> Self {
        Self {
            change_bytes_max: 256 * 1024,
            inflated_bytes_max: 1024 * 1024,
            change_rows_max: 20_000,
            deps_max: 64,
            other_actors_max: 256,
            message_bytes_max: 256,
            extra_bytes_max: 64,
            key_bytes_max: 1024,
            op_counter_max: 1 << 31,
            document_bytes_max: 4 * 1024 * 1024,
            document_changes_max: 50_000,
            document_rows_max: 200_000,
            document_free_rows_max: 1_000,
            document_actors_max: 10_000,
            document_heads_max: 1_000,
        }
    }
}

/// A change chunk whose framing holds: bounded, inflated, its hash computed by us.
#[derive(Debug, Clone)]
pub(crate) struct ChangeFrame<'a> {
    /// Name of the change.
    pub(crate) hash: ChangeHash,
    /// The whole chunk as kind 1, never deflated: the one form that we store and send.
    pub(crate) raw: Cow<'a, [u8]>,
    /// Where the contents begin in `raw`.
    pub(crate) contents_at: usize,
}

impl ChangeFrame<'_> {
    /// What the frame holds.
    pub(crate) fn contents(&self) -> &[u8] {
        self.raw.get(self.contents_at..).unwrap_or_default()
    }
}

/// Checks the framing of a change: size, magic, kind 1 or 2, length, inflating, checksum (steps 1 and 2 of the gate).
pub(crate) fn open_change<'a>(bytes: &'a [u8], limits: &ChunkLimits) -> Result<ChangeFrame<'a>, ChunkError> {
    let frame = Frame::open(bytes, "bytes of a change", limits.change_bytes_max)?;
    match frame.kind {
        KIND_CHANGE => {
            let hash = frame.verify(KIND_CHANGE, frame.contents)?;
            Ok(ChangeFrame { hash, raw: Cow::Borrowed(bytes), contents_at: bytes.len() - frame.contents.len() })
        }
        KIND_DEFLATED => {
            let contents = inflate(frame.contents, limits.inflated_bytes_max)?;
            let hash = frame.verify(KIND_CHANGE, &contents)?;
            let mut raw = Vec::with_capacity(contents.len() + 16);
            raw.extend_from_slice(&MAGIC);
            raw.extend_from_slice(&frame.checksum);
            raw.push(KIND_CHANGE);
            reader::write_uleb(&mut raw, contents.len() as u64);
            let contents_at = raw.len();
            raw.extend_from_slice(&contents);
            // It is stored and sent on in this form: others must be able to take it.
            if raw.len() > limits.change_bytes_max {
                return Err(ChunkError::TooMuch { what: "bytes of a change", max: limits.change_bytes_max });
            }
            Ok(ChangeFrame { hash, raw: Cow::Owned(raw), contents_at })
        }
        kind => Err(ChunkError::Kind(kind)),
    }
}

/// Checks the framing of a document and gives its contents.
pub(crate) fn open_document<'a>(bytes: &'a [u8], limits: &ChunkLimits) -> Result<&'a [u8], ChunkError> {
    let frame = Frame::open(bytes, "bytes of a document", limits.document_bytes_max)?;
    if frame.kind != KIND_DOCUMENT {
        return Err(ChunkError::Kind(frame.kind));
    }
    frame.verify(KIND_DOCUMENT, frame.contents)?;
    Ok(frame.contents)
}

/// The contents of a document that we made ourselves a moment ago: nothing is verified.
pub(crate) fn own_document(bytes: &[u8]) -> Result<&[u8], ChunkError> {
    Frame::open(bytes, "bytes of a document", usize::MAX).map(|frame| frame.contents)
}

struct Frame<'a> {
    checksum: [u8; 4],
    kind: u8,
    contents: &'a [u8],
}

impl<'a> Frame<'a> {
    fn open(bytes: &'a [u8], what: &'static str, max: usize) -> Result<Self, ChunkError> {
        if bytes.len() > max {
            return Err(ChunkError::TooMuch { what, max });
        }
        let mut reader = Reader::new(bytes);
        if reader.array::<4>()? != MAGIC {
            return Err(ChunkError::Magic);
        }
        let checksum = reader.array::<4>()?;
        let [kind] = reader.array::<1>()?;
        let length = reader.uleb()?;
        let contents = reader.rest();
        match length.cmp(&(contents.len() as u64)) {
            std::cmp::Ordering::Less => Err(ChunkError::Trailing),
            std::cmp::Ordering::Greater => Err(ChunkError::Truncated),
            std::cmp::Ordering::Equal => Ok(Self { checksum, kind, contents }),
        }
    }

    fn verify(&self, kind: u8, contents: &[u8]) -> Result<ChangeHash, ChunkError> {
        let hash = hash(kind, contents);
        if hash.0.starts_with(&self.checksum) { Ok(hash) } else { Err(ChunkError::Checksum) }
    }
}

fn hash(kind: u8, contents: &[u8]) -> ChangeHash {
    let mut head = vec![kind];
    reader::write_uleb(&mut head, contents.len() as u64);
    ChangeHash(Sha256::new().chain_update(&head).chain_update(contents).finalize().into())
}

/// Inflates at most `max` bytes; the stream must end exactly where the input ends.
fn inflate(deflated: &[u8], max: usize) -> Result<Vec<u8>, ChunkError> {
    let mut decoder = flate2::bufread::DeflateDecoder::new(deflated).take(max as u64 + 1);
    let mut contents = Vec::new();
    decoder.read_to_end(&mut contents).map_err(|_| ChunkError::Inflate)?;
    if contents.len() > max {
        return Err(ChunkError::TooMuch { what: "inflated bytes of a change", max });
    }
    let consumed = decoder.get_ref().total_in();
    if consumed == deflated.len() as u64 { Ok(contents) } else { Err(ChunkError::Trailing) }
}
