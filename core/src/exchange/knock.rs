//! A knock: a device at rest says in a few bytes that it says what it said before, and hears in fewer that there is nothing new.
//! Headquarters remembers the last request of a device at rest under a fingerprint, and answers a knock as it would answer that
//! request; what it no longer remembers it asks for in full. Bytes only.
//!
//! ```text
//! knock   = 'k':u8  print:u64  now:i64                 what is signed, and answered
//! sealed  = device:16  time:i64  nonce:16  knock  signature    what travels: the signature lies beside the knock, without headers
//! reply   = 'k':u8  now:i64                                    nothing new
//!         | 'k':u8                                             say it in full
//! print   = first 8 bytes of the SHA-256 of the request as CBOR, with `now` 0
//! 'k' is far from the versions of frames; numbers are big-endian; the signature is as in `signing`, in 8 to 72 bytes
//! ```
//! A reply that brings something is an ordinary answer frame. Only who was told a print by an answer ([`super::Answer::knock`])
//! knocks, so that an older side never sees one.

use super::pull::print_of;
use super::{Answer, Request, WireError};
use crate::ids::{DeviceId, Ms};

/// First byte of a knock and of its reply, where a frame has its version. Another form of knocks takes another one.
pub const KNOCK_VERSION: u8 = b'k';
/// Bytes of a knock.
const KNOCK_BYTES: usize = 17;
/// Bytes of a sealed knock before its signature.
const SEALED_BYTES: usize = 40 + KNOCK_BYTES;
/// Least bytes of a signature (a short DER).
const SIGNATURE_BYTES_MIN: usize = 8;
/// Most bytes of a signature (DER of two 33-byte numbers).
const SIGNATURE_BYTES_MAX: usize = 72;
/// Most bytes of a sealed knock: a longer body is none.
pub const SEALED_BYTES_MAX: usize = SEALED_BYTES + SIGNATURE_BYTES_MAX;
/// Most bytes of a request, as CBOR, that is remembered of a device at rest.
pub const REMEMBERED_BYTES_MAX: usize = 1 << 10;

/// "As before."
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Knock {
    /// Of the request that it stands for.
    pub print: u64,
    /// The device's clock.
    pub now: Ms,
}

/// What a knock hears when nothing travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// Nothing is new.
    Nothing {
        /// Headquarters' clock.
        now: Ms,
    },
    /// Headquarters does not remember: say it in full.
    InFull,
}

/// A knock as it travels, with what its signature covers beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The device.
    pub device: DeviceId,
    /// Time of signing.
    pub time: Ms,
    /// Never used twice by a device.
    pub nonce: [u8; 16],
    /// The knock: the body that was signed.
    pub knock: Vec<u8>,
    /// The device's signature.
    pub signature: Vec<u8>,
}

/// Whether these bytes are a knock, or a reply to one.
#[must_use]
pub fn is_knock(frame: &[u8]) -> bool {
    frame.first() == Some(&KNOCK_VERSION)
}

impl Request {
    /// The request as it is remembered, and its print: all but its clock. `None` of one that a device at rest would not make, or too
    /// long to be remembered.
    #[must_use]
    pub fn remembered(&self) -> Option<(u64, Vec<u8>)> {
        let pull = self.pull.as_ref()?;
        let besides = self.besides.as_ref().is_none_or(|besides| besides.carried.is_empty() && besides.recovered.is_empty());
        let at_rest = self.cursor.is_some() && self.checkpoint.is_none() && self.digest.is_some() && self.pushed.is_empty() && besides;
        if !at_rest || pull.prints.is_some() || pull.wanted.is_some() {
            return None;
        }
        let bytes = minicbor::to_vec(Self { now: Ms(0), ..self.clone() }).ok()?;
        (bytes.len() <= REMEMBERED_BYTES_MAX).then(|| (print_of(&bytes), bytes))
    }
}

impl Answer {
    /// Whether it brings nothing at all to a device that stands at `number` of the same feed: the place of the cursor aside, which may
    /// have moved by at most `behind_max`.
    #[must_use]
    pub fn is_nothing(&self, request: &Request, behind_max: u64) -> bool {
        let nothing = Self { speaks: self.speaks, stand: self.stand, knock: self.knock, ..Self::empty(self.now, self.cursor) };
        let near =
            request.cursor.is_some_and(|at| at.epoch == self.cursor.epoch && self.cursor.number.saturating_sub(at.number) <= behind_max);
        near && *self == nothing
    }
}

impl Knock {
    /// The bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![KNOCK_VERSION];
        bytes.extend(self.print.to_be_bytes());
        bytes.extend(self.now.0.to_be_bytes());
        bytes
    }
    /// Reads a knock.
    ///
    /// # Errors
    /// [`WireError::Empty`], [`WireError::Version`], or [`WireError::Knock`] when it has another length.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let (print, now) = of_version(bytes)?.split_first_chunk().ok_or(WireError::Knock)?;
        Ok(Self { print: u64::from_be_bytes(*print), now: ms(now).ok_or(WireError::Knock)? })
    }
}

impl Reply {
    /// The bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![KNOCK_VERSION];
        match self {
            Self::Nothing { now } => bytes.extend(now.0.to_be_bytes()),
            Self::InFull => {}
        }
        bytes
    }
    /// Reads a reply.
    ///
    /// # Errors
    /// As [`Knock::decode`].
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        match of_version(bytes)? {
            [] => Ok(Self::InFull),
            now => Ok(Self::Nothing { now: ms(now).ok_or(WireError::Knock)? }),
        }
    }
}

impl Sealed {
    /// The body that travels.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = self.device.as_bytes().to_vec();
        bytes.extend(self.time.0.to_be_bytes());
        bytes.extend(self.nonce);
        bytes.extend(&self.knock);
        bytes.extend(&self.signature);
        bytes
    }
    /// Reads a body; `None` of anything else. Proves nothing: the signature is still to be checked.
    #[must_use]
    pub fn decode(body: &[u8]) -> Option<Self> {
        let (device, rest) = body.split_first_chunk::<16>()?;
        let (time, rest) = rest.split_first_chunk()?;
        let (nonce, rest) = rest.split_first_chunk()?;
        let (knock, signature) = rest.split_at_checked(KNOCK_BYTES)?;
        let sound = is_knock(knock) && (SIGNATURE_BYTES_MIN..=SIGNATURE_BYTES_MAX).contains(&signature.len());
        sound.then(|| Self {
            device: DeviceId::from_bytes(*device),
            time: Ms(i64::from_be_bytes(*time)),
            nonce: *nonce,
            knock: knock.to_vec(),
            signature: signature.to_vec(),
        })
    }
}

fn of_version(bytes: &[u8]) -> Result<&[u8], WireError> {
    match bytes.split_first() {
        None => Err(WireError::Empty),
        Some((&KNOCK_VERSION, rest)) => Ok(rest),
        Some((found, _)) => Err(WireError::Version { found: *found }),
    }
}

fn ms(bytes: &[u8]) -> Option<Ms> {
    Some(Ms(i64::from_be_bytes(bytes.try_into().ok()?)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failing test says where")]

    use super::super::pull::{Pull, Wanted};
    use super::super::{Cursor, Heartbeat};
    use super::*;
    use crate::ids::DocId;

    fn at_rest() -> Request {
        Request {
            device: DeviceId::from_bytes([2; 16]),
            now: Ms(5),
            cursor: Some(Cursor { epoch: [3; 16], number: 9 }),
            checkpoint: None,
            digest: Some(7),
            pushed: Vec::new(),
            schema: 1,
            heartbeat: Heartbeat::default(),
            speaks: Some(super::super::SPEAKS),
            besides: None,
            verdicts_only: None,
            pull: Some(Pull { stand: Some(4), ..Pull::default() }),
        }
    }

    #[test]
    fn the_bytes_of_knocks_and_replies() {
        let knock = Knock { print: 0x0102_0304_0506_0708, now: Ms(9) };
        let bytes = knock.encode();
        assert_eq!(bytes, [107, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 0, 9]);
        assert_eq!((bytes.len(), Knock::decode(&bytes).unwrap()), (KNOCK_BYTES, knock));
        for reply in [Reply::Nothing { now: Ms(-3) }, Reply::InFull] {
            assert_eq!(Reply::decode(&reply.encode()).unwrap(), reply);
        }
        for junk in [&[][..], &[1, 2, 3], &[107, 1, 2, 3], &[107; 40]] {
            assert!(Knock::decode(junk).is_err() && Reply::decode(junk).is_err(), "{junk:?}");
        }
        let sealed = Sealed { device: DeviceId::from_bytes([7; 16]), time: Ms(8), nonce: [9; 16], knock: bytes, signature: vec![6; 64] };
        let body = sealed.encode();
        assert_eq!((body.len(), Sealed::decode(&body)), (121, Some(sealed)));
        assert!(body.len() <= SEALED_BYTES_MAX);
        let mut other = body.clone();
        other[40] = 1;
        assert_eq!(Sealed::decode(&other), None, "no knock inside");
        for length in (0..60).chain([SEALED_BYTES_MAX + 1]) {
            let mut cut = body.clone();
            cut.resize(length, 6);
            assert_eq!(Sealed::decode(&cut), None, "{length} bytes");
        }
    }

    #[test]
    fn only_a_device_at_rest_is_remembered_and_only_its_clock_is_left_out() {
        let (print, bytes) = at_rest().remembered().unwrap();
        let back: Request = minicbor::decode(&bytes).unwrap();
        assert_eq!(back, Request { now: Ms(0), ..at_rest() });
        assert_eq!(Request { now: Ms(6), ..at_rest() }.remembered().unwrap().0, print);
        let with = |pull: Pull| Request { pull: Some(pull), ..at_rest() };
        assert_ne!(with(Pull { stand: Some(5), ..Pull::default() }).remembered().unwrap().0, print);
        let wanted = Some(vec![Wanted::Document { doc: DocId::from_bytes([1; 16]) }]);
        let none = [
            Request { digest: None, ..at_rest() },
            Request { cursor: None, ..at_rest() },
            Request { pull: None, ..at_rest() },
            with(Pull { wanted, ..Pull::default() }),
            Request { heartbeat: Heartbeat { app: Some("x".repeat(REMEMBERED_BYTES_MAX)), ..Heartbeat::default() }, ..at_rest() },
        ];
        for request in none {
            assert_eq!(request.remembered(), None, "{request:?}");
        }
    }

    #[test]
    fn an_answer_with_anything_in_it_is_not_nothing() {
        let request = at_rest();
        let answer = Answer { stand: Some(4), ..Answer::empty(Ms(1), request.cursor.unwrap()) };
        assert!(answer.is_nothing(&request, 0));
        let moved = Answer { cursor: Cursor { epoch: [3; 16], number: 12 }, ..answer.clone() };
        assert!(moved.is_nothing(&request, 3) && !moved.is_nothing(&request, 2));
        assert!(!Answer { cursor: Cursor { epoch: [4; 16], number: 9 }, ..answer.clone() }.is_nothing(&request, 3));
        assert!(!Answer { more: true, ..answer.clone() }.is_nothing(&request, 3));
        assert!(!Answer { compare: Some(super::super::pull::Compare::default()), ..answer }.is_nothing(&request, 3));
    }
}
