//! The wire of the pull side: what a device says of what it holds, what it asks for by name, and how both sides compare
//! document by document when their digests differ. Types only; the numbers are fixed for ever.
//!
//! ```text
//! Request 11 = Pull     { 0 reads, 1 documents, 2 wanted?, 3 prints?, 4 stand?, 5 holds?, 6 profile? }
//! Answer  11 = Compare  { 0 from?, 1 strange }
//! Answer  12 = today: with everything up to this part, today's tour and its customers are usable
//! Answer  13 = wishes that were answered, as they were made
//! Answer  14 = stand: what the request said of it, said back
//! Item     3 = Row      { 0 doc, 1 kind, 2 subject, 3 heads, 4 row }        a row in place of a document
//! Item     4 = Lent     { 0 doc, 1 kind, 2 subject, 3 snapshot }            asked for by name, outside the digest
//! prints     = 8 bytes each, big-endian, ascending: fingerprints of documents (doc id and heads)
//! ```

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use sha2::{Digest as _, Sha256};

use crate::ids::{ChangeHash, DocId, Ms, SubjectId};

/// Fingerprints in one request, at most: 64 KB.
pub const PRINTS_MAX: usize = 8_000;
/// Things asked for by name in one request, at most.
pub const WANTED_MAX: usize = 50;
/// Older visits given for one wish, at most.
pub const HISTORY_VISITS_MAX: usize = 20;
/// Own changes named by one request as held, at most.
pub const HOLDS_MAX: usize = 200;
/// What [`Pull::reads`] says of a side that takes rows in place of documents.
pub const READS_ROWS: u32 = 1;

/// What a device says of its pull. A device that sends none reads whole documents, and is told to start again where
/// another one compares.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub struct Pull {
    /// What it reads beside documents, changes and forgets: [`READS_ROWS`] or nothing.
    #[n(0)]
    pub reads: u32,
    /// How many documents the digest of this request covers.
    #[n(1)]
    pub documents: u64,
    /// What it asks for by name.
    #[n(2)]
    pub wanted: Option<Vec<Wanted>>,
    /// The next part of a comparison that headquarters asked for.
    #[n(3)]
    pub prints: Option<Prints>,
    /// A digest of where it stands, said back by the answer: one that was made for another stand (it comes late, comes twice, or is
    /// for a file that was put back from a backup meanwhile) would move the cursor past what the device lacks.
    #[n(4)]
    pub stand: Option<u64>,
    /// Own changes above the cursor that are in the feed and that it holds, besides those of this very request. Everything else above
    /// the cursor is given to it, its own changes too: a device whose file was put back lacks them.
    #[n(5)]
    pub holds: Option<Vec<ChangeHash>>,
    /// [`print_of`] the profile that it was told last, as CBOR; `None`: of a device that does not say.
    #[n(6)]
    pub profile: Option<u64>,
}

/// Something that a device asks for by name, because its person opened it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub enum Wanted {
    /// A document of which it holds a row, or nothing.
    #[n(0)]
    Document {
        /// The document.
        #[n(0)]
        doc: DocId,
    },
    /// Older visits of a customer than those that it holds, newest first.
    #[n(1)]
    Visits {
        /// The customer.
        #[n(0)]
        subject: SubjectId,
        /// Only visits that began before this moment.
        #[n(1)]
        before: Ms,
    },
}

/// Fingerprints of everything that a device holds, between two values.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Prints {
    /// Covers fingerprints from this one …
    #[n(0)]
    pub from: u64,
    /// … up to this one; `u64::MAX`: the last part.
    #[n(1)]
    pub upto: u64,
    /// All that the device has between them: see the head of this file.
    #[n(2)]
    pub prints: ByteVec,
}

impl Prints {
    /// Of these fingerprints, ascending, from `from` on: as many as one request takes.
    #[must_use]
    pub fn of(ascending: &[u64], from: u64) -> Self {
        let rest = ascending.get(ascending.partition_point(|print| *print < from)..).unwrap_or_default();
        let part = rest.get(..PRINTS_MAX.min(rest.len())).unwrap_or_default();
        let upto = if part.len() == rest.len() { u64::MAX } else { part.last().copied().unwrap_or(u64::MAX) };
        Self { from, upto, prints: packed(part.iter().copied()) }
    }

    /// The fingerprints; whatever is not 8 bytes long at the end is left.
    pub fn list(&self) -> impl Iterator<Item = u64> + '_ {
        unpacked(&self.prints).take(PRINTS_MAX)
    }
}

/// What headquarters says to a comparison.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub struct Compare {
    /// Send fingerprints from here on with the next request; `None`: the comparison is at its end.
    #[n(0)]
    pub from: Option<u64>,
    /// Fingerprints of the part just sent that headquarters has not: the device holds another state of those documents,
    /// or documents that it may not hold. What it wrote itself in them it hands in again.
    #[n(1)]
    pub strange: Option<ByteVec>,
}

impl Compare {
    /// The strange fingerprints.
    pub fn strange(&self) -> impl Iterator<Item = u64> + '_ {
        self.strange.iter().flat_map(|bytes| unpacked(bytes)).take(PRINTS_MAX)
    }
}

/// Eight bytes that stand for many: the first of their SHA-256.
#[must_use]
pub fn print_of(bytes: &[u8]) -> u64 {
    Sha256::digest(bytes).iter().take(8).fold(0, |print, byte| print << 8 | u64::from(*byte))
}

/// Fingerprints as they travel.
#[must_use]
pub fn packed(prints: impl Iterator<Item = u64>) -> ByteVec {
    prints.flat_map(u64::to_be_bytes).collect::<Vec<u8>>().into()
}

fn unpacked(bytes: &[u8]) -> impl Iterator<Item = u64> + '_ {
    bytes.as_chunks::<8>().0.iter().map(|bytes| u64::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failing test says where")]

    use super::*;

    #[test]
    fn parts_of_a_comparison_cover_every_print_once() {
        let all: Vec<u64> = (0..(PRINTS_MAX as u64 * 2 + 5)).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
        let mut all = all;
        all.sort_unstable();
        let (mut from, mut seen) = (0, Vec::new());
        loop {
            let part = Prints::of(&all, from);
            assert!(part.list().count() <= PRINTS_MAX);
            assert!(part.list().all(|print| part.from <= print && print <= part.upto));
            seen.extend(part.list());
            if part.upto == u64::MAX {
                break;
            }
            from = part.upto + 1;
        }
        assert_eq!(seen, all);
        assert_eq!(Prints::of(&[], 0).upto, u64::MAX, "a device that holds nothing says so in one part");
    }
}
