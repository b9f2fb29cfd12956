//! Names of things: documents, people, devices, changes, moments.
//! Newtypes only, so that one id can never be passed for another; no lookup, no randomness, no clock.

use std::fmt;
use std::str::FromStr;

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A text that is no id of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}: not a valid id; expected {expected}")]
pub struct IdError {
    /// Which kind of id was expected.
    pub what: &'static str,
    /// The shape that would have been accepted.
    pub expected: &'static str,
}

macro_rules! uuid_ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Encode, Decode)]
        #[serde(transparent)]
        #[cbor(transparent)]
        pub struct $name(#[cbor(with = "uuid_bytes")] Uuid);

        impl $name {
            /// From its 16 bytes.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }
            /// Its 16 bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
            /// From a slice, when it is 16 bytes long.
            #[must_use]
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                Uuid::from_slice(bytes).ok().map(Self)
            }
            /// A new sortable id (UUIDv7, RFC 9562) from a moment and 16 random bytes, of which ten are used.
            #[must_use]
            pub fn fresh(now: Ms, entropy: [u8; 16]) -> Self {
                let [a, b, c, d, e, f, g, h, i, j, ..] = entropy;
                let ms = u64::try_from(now.0).unwrap_or(0);
                Self(uuid::Builder::from_unix_timestamp_millis(ms, &[a, b, c, d, e, f, g, h, i, j]).into_uuid())
            }
            /// The id that every replica derives for the same name (UUIDv5 in Roadbook's namespace).
            #[must_use]
            pub fn derived(name: &str) -> Self {
                Self(Uuid::new_v5(&NAMESPACE, name.as_bytes()))
            }
            /// Whether it has the shape of a [`Self::derived`] one. A [`Self::fresh`] one never has: whoever makes up an id of this shape
            /// takes the place of something that is to be derived.
            #[must_use]
            pub fn is_derived(&self) -> bool {
                self.0.get_version_num() == 5 && self.0.get_variant() == uuid::Variant::RFC4122
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }
        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Uuid::try_parse(text)
                    .map(Self)
                    .map_err(|_| IdError { what: stringify!($name), expected: "a UUID of 32 hexadecimal digits" })
            }
        }
    )*};
}

/// Namespace of Roadbook's derived ids. Never changes: phones derive the same ids offline.
const NAMESPACE: Uuid = Uuid::from_bytes(*b"roadbook-ids-v1\0");

mod uuid_bytes {
    use minicbor::bytes::ByteSlice;
    use minicbor::decode::Error;
    use minicbor::encode::{self, Write};
    use minicbor::{Decoder, Encoder};
    use uuid::Uuid;

    pub(super) fn encode<C, W: Write>(id: &Uuid, e: &mut Encoder<W>, _: &mut C) -> Result<(), encode::Error<W::Error>> {
        e.bytes(id.as_bytes())?.ok()
    }
    pub(super) fn decode<C>(d: &mut Decoder<'_>, _: &mut C) -> Result<Uuid, Error> {
        let bytes: &ByteSlice = d.decode()?;
        Uuid::from_slice(bytes).map_err(|_| Error::message("an id has 16 bytes"))
    }
}

uuid_ids! {
    /// One document.
    DocId;
    /// What several documents are about: a customer, or the document itself where it has no other subject.
    SubjectId;
    /// A person with an account.
    UserId;
    /// An enrolled phone, tablet or tool.
    DeviceId;
    /// One entry of a keyed list or log inside a document.
    EntryId;
    /// A company.
    OrgId;
}

impl From<DocId> for SubjectId {
    fn from(doc: DocId) -> Self {
        Self::from_bytes(*doc.as_bytes())
    }
}

impl SubjectId {
    /// The field side of the card: its id is the subject's.
    #[must_use]
    pub const fn customer(self) -> DocId {
        DocId::from_bytes(*self.as_bytes())
    }
    /// The office side of the card.
    #[must_use]
    pub fn office(self) -> DocId {
        DocId::derived(&format!("office/{self}"))
    }
    /// The credit file of the customer.
    #[must_use]
    pub fn credit(self) -> DocId {
        DocId::derived(&format!("credit/{self}"))
    }
    /// What is known of a stakeholder: of this entry of the card's list. Two sides that begin it apart make the same document.
    #[must_use]
    pub fn person(self, stakeholder: EntryId) -> DocId {
        DocId::derived(&format!("person/{self}/{stakeholder}"))
    }
}

impl DocId {
    /// The tour of a route, a day (`2026-03-02`) and a representative: derived, so that phone and office make the same one.
    #[must_use]
    pub fn tour(route: &str, day: chrono::NaiveDate, rep: UserId) -> Self {
        Self::derived(&format!("tour/{route}/{day}/{rep}"))
    }
}

/// Who wrote a line of changes: random bytes, fresh for every start of a process. At most [`ActorId::BYTES_MAX`] long.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActorId(Vec<u8>);

impl ActorId {
    /// Longest actor id that is accepted, in bytes.
    pub const BYTES_MAX: usize = 32;

    /// From bytes, when they are 1 to [`Self::BYTES_MAX`] long.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        (!bytes.is_empty() && bytes.len() <= Self::BYTES_MAX).then(|| Self(bytes.to_vec()))
    }
    /// From the first half of a digest.
    #[must_use]
    pub fn short(digest: [u8; 32]) -> Self {
        Self(digest.into_iter().take(16).collect())
    }
    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}
impl fmt::Display for ActorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}
impl fmt::Debug for ActorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ActorId({self})")
    }
}

/// SHA-256 of a change: its name everywhere.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct ChangeHash(#[cbor(with = "minicbor::bytes")] pub [u8; 32]);

impl ChangeHash {
    /// From a slice, when it is 32 bytes long.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}
impl fmt::Display for ChangeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}
impl fmt::Debug for ChangeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChangeHash({self})")
    }
}
impl FromStr for ChangeHash {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let refuse = || IdError { what: "ChangeHash", expected: "64 hexadecimal digits" };
        let mut bytes = [0u8; 32];
        if text.len() != 64 || !text.is_ascii() {
            return Err(refuse());
        }
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| refuse())?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| refuse())?;
        }
        Ok(Self(bytes))
    }
}

/// SHA-256 of a photo's or file's bytes: its name everywhere.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct BlobHash(#[cbor(with = "minicbor::bytes")] pub [u8; 32]);

impl BlobHash {
    /// Of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::Digest as _;
        Self(sha2::Sha256::digest(bytes).into())
    }
    /// From a slice, when it is 32 bytes long.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}
impl fmt::Display for BlobHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}
impl fmt::Debug for BlobHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlobHash({self})")
    }
}
impl FromStr for BlobHash {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let refuse = IdError { what: "BlobHash", expected: "64 hexadecimal digits" };
        text.parse::<ChangeHash>().map(|hash| Self(hash.0)).map_err(|_| refuse)
    }
}

fn write_hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let digit = |four: u8| char::from_digit(u32::from(four), 16).unwrap_or_default();
    f.write_str(&bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)]).collect::<String>())
}

/// A sales territory (区域): a short stable code such as `east`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Encode, Decode)]
#[serde(transparent)]
#[cbor(transparent)]
pub struct TerritoryId(#[n(0)] pub String);

impl fmt::Display for TerritoryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A moment: milliseconds since 1970-01-01T00:00Z. Which clock it came from is said where it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Encode, Decode)]
#[serde(transparent)]
#[cbor(transparent)]
pub struct Ms(#[n(0)] pub i64);

impl Ms {
    /// One day in milliseconds.
    pub const DAY: i64 = 86_400_000;

    /// This moment moved by an offset; saturates.
    #[must_use]
    pub const fn plus(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }
    /// Milliseconds from `earlier` to this moment; saturates.
    #[must_use]
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
    /// The calendar day of this moment at an offset east of UTC.
    #[must_use]
    pub fn day(self, offset_minutes: i32) -> Option<chrono::NaiveDate> {
        let local = self.0.checked_add(i64::from(offset_minutes) * 60_000)?;
        chrono::DateTime::from_timestamp_millis(local).map(|t| t.date_naive())
    }
}
