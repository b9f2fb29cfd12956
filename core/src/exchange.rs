//! The wire: what a device says and what headquarters answers, defined once for both sides.
//! Bytes only: no HTTP, no signing, no storage.
//!
//! ```text
//! frame   = version:u8  zstd(cbor)
//! version = 1
//! cbor    = one Request or one Answer; maps with numbered keys (RFC 8949), unknown numbers are skipped,
//!           so that an older side reads a newer frame
//! ```
//!
//! Versions: the first byte says how a frame is read; a side that does not read it says which it reads, and nothing is lost
//! ([`WIRE_VERSIONS_READ`]). What is new within a version is a new number of a map, or a kind of [`Item`] that is sent only to
//! devices that speak it ([`SPEAKS`], [`Item::spoken_from`]).
//!
//! Numbers 14 of a request and 15 of an answer hold what is handed in and told besides documents: batches carried for other devices,
//! changes that a restore lost, decisions about quarantined changes, late records, orders ([`Besides`], [`Told`]).
//!
//! An answer may hold several parts in its one stream: see [`parts`]. What the pull side says beside items is in [`pull`].
//! A device at rest knocks instead of saying everything again: see [`knock`].
//!
//! Documents and changes travel uncompressed inside the one zstd stream: cards resemble each other, and one stream over
//! all of them is a third of the size of cards compressed one by one.

mod besides;

pub use besides::{Besides, Decided, Delivered, LateNotice, NotTaken, Order, Ruling, Told};
pub(crate) mod framed;
mod item;
pub mod knock;
pub mod parts;
pub mod pull;

pub use item::Item;

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use crate::crdt::Heads;
use crate::ids::{ChangeHash, DeviceId, DocId, Ms, SubjectId, TerritoryId, UserId};

/// Version of the frame: its first byte.
pub const WIRE_VERSION: u8 = 1;
/// Frame versions that this release reads.
pub const WIRE_VERSIONS_READ: &[u8] = &[WIRE_VERSION];
/// Minor number of the protocol that this release speaks. A side that says nothing speaks 1. The frame version changes when old
/// sides can no longer read at all; this number when there is something new to say that an old side would not understand.
pub const SPEAKS: u32 = 3;
/// From this number on a side reads rows in place of documents, and documents that it asked for by name.
pub const SPEAKS_ROWS: u32 = 2;
/// From this number on a side knocks when it is at rest.
pub const SPEAKS_KNOCKS: u32 = 3;
/// What a side speaks that says nothing of it.
pub const SPEAKS_WHEN_SILENT: u32 = 1;
/// Most bytes of a request on the wire.
pub const REQUEST_BYTES_MAX: usize = 4 << 20;
/// Most bytes of a request after decompression.
pub const REQUEST_PLAIN_BYTES_MAX: usize = 16 << 20;
/// Most bytes of an answer on the wire.
pub const ANSWER_BYTES_MAX: usize = 16 << 20;
/// Most bytes of an answer after decompression.
pub const ANSWER_PLAIN_BYTES_MAX: usize = 48 << 20;
/// Most changes in one request.
pub const PUSHED_CHANGES_MAX: usize = 1_000;
/// Bytes of changes after which a device closes one request and leaves the rest for the next.
pub const PUSHED_BYTES_TARGET: usize = 2 << 20;
/// Bytes of items after which headquarters closes one answer; it says that more waits. Five thousand cards go into one.
pub const ITEMS_BYTES_TARGET: usize = 24 << 20;
/// Bytes of urgent changes after which a device closes a request that is led by one: the first request on a bad line is small.
pub const URGENT_BYTES_TARGET: usize = 4 << 10;
/// zstd level of a request: made by a phone.
pub(crate) const REQUEST_ZSTD_LEVEL: i32 = 6;
/// zstd level of an answer: made by the server for many.
const ANSWER_ZSTD_LEVEL: i32 = 3;
/// zstd level of an answer in many parts: a first sync, which a phone on a slow line waits minutes for.
const ANSWER_BULK_ZSTD_LEVEL: i32 = 6;
/// Long windows (2^23 bytes) let a card find its likeness megabytes earlier.
const WINDOW_LOG: u32 = 23;
/// Up to so many bytes the windows of the levels are as long as the contents.
const WINDOW_BYTES_ENOUGH: usize = 1 << 20;

/// Bytes that are no frame of this protocol.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// Nothing at all.
    #[error("the frame is empty")]
    Empty,
    /// The other side speaks a version that this one does not.
    #[error("the frame has version {found}, this side reads {WIRE_VERSIONS_READ:?}: update needed")]
    Version {
        /// Version byte found.
        found: u8,
    },
    /// A named limit is passed.
    #[error("the frame is larger than {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The compressed stream is damaged.
    #[error("the compressed stream is damaged")]
    Stream(#[source] std::io::Error),
    /// The contents are not what the protocol says.
    #[error("the frame's contents are malformed")]
    Contents(#[source] minicbor::decode::Error),
    /// A knock, or a reply to one, of another length than the protocol says.
    #[error("a knock or its reply has another length")]
    Knock,
    /// More items than a named limit.
    #[error("{what}: more than {limit}")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
}

/// Where a reader stands in the feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Cursor {
    /// Which life of the feed: new after any restore with loss.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub epoch: [u8; 16],
    /// Number of the last entry seen.
    #[n(1)]
    pub number: u64,
}

/// A long pull that is under way. The cursor stays where it began until the last page is stored: documents with a last number
/// above `upto` still come, each with all changes above the cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Checkpoint {
    /// Head of the feed when the pull began: what is granted later makes it begin again.
    #[n(0)]
    pub base: u64,
    /// Last number of the last document received.
    #[n(1)]
    pub upto: u64,
}

/// Changes of one document, handed in.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Pushed {
    /// The document.
    #[n(0)]
    pub doc: DocId,
    /// Its kind.
    #[n(1)]
    pub kind: String,
    /// What it is about.
    #[n(2)]
    pub subject: SubjectId,
    /// Raw changes in dependency order.
    #[n(3)]
    pub changes: Vec<ByteVec>,
}

/// How the device is: shown at headquarters as sync health.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub struct Heartbeat {
    /// Changes not yet confirmed, those of this request included.
    #[n(0)]
    pub unsent_changes: u32,
    /// Claimed time of the oldest of them.
    #[n(1)]
    pub oldest_unsent: Option<Ms>,
    /// Changes that headquarters has set aside and a person must look at.
    #[n(2)]
    pub quarantined: u32,
    /// Version of the app or tool, free text.
    #[n(3)]
    pub app: Option<String>,
    /// Photos that headquarters does not hold yet, those of visits under way included.
    #[n(4)]
    pub photos: Option<u32>,
    /// Bytes of all photos and thumbnails that headquarters does not hold yet.
    #[n(5)]
    pub photo_bytes: Option<u64>,
}

/// What a device says.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Request {
    /// The device that speaks; the signature around the frame proves it.
    #[n(0)]
    pub device: DeviceId,
    /// Its clock when the request was made.
    #[n(1)]
    pub now: Ms,
    /// Where it stands; `None` on first contact.
    #[n(2)]
    pub cursor: Option<Cursor>,
    /// A long pull under way.
    #[n(3)]
    pub checkpoint: Option<Checkpoint>,
    /// Digest over the documents it holds, when nothing of its own is unconfirmed: see [`crate::crdt`] and the store.
    #[n(4)]
    pub digest: Option<u64>,
    /// What it hands in, urgent first.
    #[n(5)]
    pub pushed: Vec<Pushed>,
    /// Highest schema version that it knows.
    #[n(6)]
    pub schema: u32,
    /// Its health.
    #[n(7)]
    pub heartbeat: Heartbeat,
    /// Minor protocol number that the device speaks; absent in devices of the first release. See [`Self::speaks`].
    #[n(8)]
    pub speaks: Option<u32>,
    /// What it hands in and says besides its own outbox.
    #[n(14)]
    pub besides: Option<Besides>,
    /// The request is led by an urgent report: answer with verdicts and nothing else; what the device lacks comes with the next one.
    #[n(9)]
    pub verdicts_only: Option<bool>,
    /// What it holds and asks for by name: see [`pull`].
    #[n(11)]
    pub pull: Option<pull::Pull>,
}

/// Code of a change to a document that was erased for good: headquarters keeps no byte of it, and the device that hands it in
/// removes the document with everything of its own in it. An older device sets the change aside like any other.
pub const ERASED: &str = "erased";

/// Whether a person's reason for rejecting a change says that its document was erased meanwhile: `erased:` and words.
#[must_use]
pub fn says_erased(why: &str) -> bool {
    why.strip_prefix(ERASED).is_some_and(|words| words.starts_with(':'))
}

/// What became of one pushed change.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Outcome {
    /// Durable in the feed.
    #[n(0)]
    Accepted,
    /// It was there already; nothing changed.
    #[n(1)]
    AlreadyKnown,
    /// Kept, shown to a person with this reason, not merged.
    #[n(2)]
    Quarantined {
        /// Stable code, such as `no_right`, `too_large`, `malformed`.
        #[n(0)]
        code: String,
        /// What it means, for a person.
        #[n(1)]
        why: String,
    },
    /// Hand in these first.
    #[n(3)]
    MissingDependencies {
        /// Changes that headquarters lacks.
        #[n(0)]
        missing: Vec<ChangeHash>,
    },
    /// The line of changes forked (a restored backup, a copied phone): write it again under a fresh actor.
    #[n(4)]
    Forked,
}

impl Outcome {
    /// Whether that is the last word for now: else the change stays in the outbox.
    #[must_use]
    pub const fn is_decided(&self) -> bool {
        !matches!(self, Self::MissingDependencies { .. })
    }
}

/// The verdict on one change.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Verdict {
    /// The change.
    #[n(0)]
    pub hash: ChangeHash,
    /// What became of it.
    #[n(1)]
    pub outcome: Outcome,
}

/// Who the device's user is now, as far as the phone must know to offer the right things.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Profile {
    /// The person.
    #[n(0)]
    pub user: UserId,
    /// Display name.
    #[n(1)]
    pub name: String,
    /// Role code, such as `salesperson`.
    #[n(2)]
    pub role: String,
    /// Territories worked.
    #[n(3)]
    pub territories: Vec<TerritoryId>,
    /// Minutes east of UTC of the company's calendar.
    #[n(4)]
    pub offset_minutes: i32,
    /// People whose names appear on cards: id and display name.
    #[n(5)]
    pub people: Vec<Person>,
    /// Reserved: what is known of a company's own fields (`x.*`), as JSON. Headquarters says nothing of them yet.
    #[n(6)]
    pub registry: Option<String>,
}

/// A colleague's name.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Person {
    /// The person.
    #[n(0)]
    pub user: UserId,
    /// Display name.
    #[n(1)]
    pub name: String,
}

/// What headquarters answers.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Answer {
    /// Headquarters' clock when it answered.
    #[n(0)]
    pub now: Ms,
    /// One verdict per pushed change.
    #[n(1)]
    pub verdicts: Vec<Verdict>,
    /// What the device lacks, in feed order.
    #[n(2)]
    pub items: Vec<Item>,
    /// Where the device stands once it has stored the items.
    #[n(3)]
    pub cursor: Cursor,
    /// A long pull is under way: send this back with the next request.
    #[n(4)]
    pub checkpoint: Option<Checkpoint>,
    /// More waits: ask again at once.
    #[n(5)]
    pub more: bool,
    /// The digest differed, or the feed has a new life: the device starts its pull from nothing, keeps everything it holds,
    /// and hands in again what it wrote.
    #[n(6)]
    pub restart: bool,
    /// Who the user is, when it changed or was never told.
    #[n(7)]
    pub profile: Option<Profile>,
    /// Minor protocol number that headquarters speaks; absent in servers of the first release. See [`Self::speaks`].
    #[n(8)]
    pub speaks: Option<u32>,
    /// What headquarters has to tell besides documents.
    #[n(15)]
    pub told: Option<Told>,
    /// What it says to a comparison document by document, or that one is to begin: see [`pull`].
    #[n(11)]
    pub compare: Option<pull::Compare>,
    /// With everything up to here the device's today is usable: its tour, and the customers on it.
    #[n(12)]
    pub today: Option<bool>,
    /// Wishes of the request that were answered: what the person may have is among the items.
    #[n(13)]
    pub granted: Option<Vec<pull::Wanted>>,
    /// What the request said of the device's stand: see [`pull`]. In the first part of an answer.
    #[n(14)]
    pub stand: Option<u64>,
    /// Headquarters remembers the request under this print: as long as the device would say the same again, it may [`knock`].
    #[n(16)]
    pub knock: Option<u64>,
}

impl Request {
    /// Minor protocol number that the device speaks: what it may be told.
    #[must_use]
    pub fn speaks(&self) -> u32 {
        self.speaks.unwrap_or(SPEAKS_WHEN_SILENT)
    }
    /// The frame.
    ///
    /// # Errors
    /// [`WireError::TooLarge`], [`WireError::Stream`].
    pub fn encode(&self) -> Result<Vec<u8>, WireError> {
        seal(self, REQUEST_ZSTD_LEVEL, REQUEST_BYTES_MAX)
    }
    /// Reads a frame within the limits of this file.
    ///
    /// # Errors
    /// Every [`WireError`].
    pub fn decode(frame: &[u8]) -> Result<Self, WireError> {
        let plain = open(frame, REQUEST_BYTES_MAX, REQUEST_PLAIN_BYTES_MAX)?;
        let request: Self = minicbor::decode(&plain).map_err(WireError::Contents)?;
        let recovered = request.besides.iter().flat_map(|besides| &besides.recovered);
        if request.pushed.iter().chain(recovered).map(|pushed| pushed.changes.len()).sum::<usize>() > PUSHED_CHANGES_MAX {
            return Err(WireError::TooMany { what: "changes in a request", limit: PUSHED_CHANGES_MAX });
        }
        Ok(request)
    }
}

impl Answer {
    /// Minor protocol number that headquarters speaks: what it may be asked.
    #[must_use]
    pub fn speaks(&self) -> u32 {
        self.speaks.unwrap_or(SPEAKS_WHEN_SILENT)
    }

    /// An answer that says nothing yet.
    #[must_use]
    pub const fn empty(now: Ms, cursor: Cursor) -> Self {
        Self {
            now,
            verdicts: Vec::new(),
            items: Vec::new(),
            cursor,
            checkpoint: None,
            more: false,
            restart: false,
            profile: None,
            speaks: None,
            compare: None,
            today: None,
            granted: None,
            stand: None,
            told: None,
            knock: None,
        }
    }

    /// The frame.
    ///
    /// # Errors
    /// [`WireError::TooLarge`], [`WireError::Stream`].
    pub fn encode(&self) -> Result<Vec<u8>, WireError> {
        seal(self, ANSWER_ZSTD_LEVEL, ANSWER_BYTES_MAX)
    }
    /// Reads a frame within the limits of this file.
    ///
    /// # Errors
    /// Every [`WireError`].
    pub fn decode(frame: &[u8]) -> Result<Self, WireError> {
        let plain = open(frame, ANSWER_BYTES_MAX, ANSWER_PLAIN_BYTES_MAX)?;
        minicbor::decode(&plain).map_err(WireError::Contents)
    }
}

pub(crate) fn seal<T: Encode<()>>(value: &T, level: i32, limit: usize) -> Result<Vec<u8>, WireError> {
    let plain = match minicbor::to_vec(value) {
        Ok(plain) => plain,
        Err(never) => return Err(WireError::Stream(std::io::Error::other(never.to_string()))),
    };
    let mut frame = vec![WIRE_VERSION];
    let mut packer = zstd::stream::write::Encoder::new(&mut frame, level).map_err(WireError::Stream)?;
    // The length is told ahead: neither side then takes memory for a longer window than there are bytes.
    packer.set_pledged_src_size(u64::try_from(plain.len()).ok()).map_err(WireError::Stream)?;
    if plain.len() > WINDOW_BYTES_ENOUGH {
        packer.window_log(WINDOW_LOG).map_err(WireError::Stream)?;
    }
    std::io::Write::write_all(&mut packer, &plain).map_err(WireError::Stream)?;
    packer.finish().map_err(WireError::Stream)?;
    if frame.len() > limit {
        return Err(WireError::TooLarge { limit });
    }
    Ok(frame)
}

pub(crate) fn open(frame: &[u8], limit: usize, plain_limit: usize) -> Result<Vec<u8>, WireError> {
    if frame.len() > limit {
        return Err(WireError::TooLarge { limit });
    }
    let (version, packed) = frame.split_first().ok_or(WireError::Empty)?;
    if *version != WIRE_VERSION {
        return Err(WireError::Version { found: *version });
    }
    let mut unpacker = zstd::stream::read::Decoder::new(packed).map_err(WireError::Stream)?;
    unpacker.window_log_max(WINDOW_LOG).map_err(WireError::Stream)?;
    let mut plain = Vec::new();
    let bound = u64::try_from(plain_limit).unwrap_or(u64::MAX).saturating_add(1);
    std::io::Read::read_to_end(&mut std::io::Read::take(unpacker, bound), &mut plain).map_err(WireError::Stream)?;
    if plain.len() > plain_limit {
        return Err(WireError::TooLarge { limit: plain_limit });
    }
    Ok(plain)
}

/// Fingerprint of one document at its heads; the digest of a replica is the XOR of those of all its documents.
#[must_use]
pub fn fingerprint(doc: DocId, heads: &Heads) -> u64 {
    use sha2::Digest as _;
    let mut hasher = sha2::Sha256::new();
    hasher.update(doc.as_bytes());
    hasher.update(heads.to_bytes());
    let digest = hasher.finalize();
    digest.iter().take(8).fold(0, |sum, byte| (sum << 8) | u64::from(*byte))
}
