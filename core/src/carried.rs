//! Batches that one device signs and another carries to headquarters: two phones meet where there is no network. Pure: no clock, no
//! key, no storage. Who may hold what is decided by the replica that makes or takes in a batch, and again by headquarters.
//!
//! ```text
//! packet    = version:u8 (1)  cbor Packet { 0 device, 1 signature, 2 frame }
//! frame     = a frame of the wire (version, zstd) with cbor Batch { 0 device, 1 now, 2 cursor, 3 offset_ms, 4 pushed }
//! signature = ECDSA with P-256 and SHA-256, r‖s or DER, over the text (UTF-8, lines end with \n, the last one too)
//!   roadbook-carried-v1
//!   <device>            a hyphenated UUID
//!   <frame>             SHA-256 of the frame, 64 hexadecimal digits, lower case
//!
//! meeting   = version:u8 (1)  cbor Meeting { 0 user, 1 territories }
//! ```
//!
//! A meeting is what a carrier says of itself, so that the other side packs only what it may hold. It is not signed: whoever lies
//! in it stands before the person who hands the batch over, and headquarters judges each change anyway.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use sha2::{Digest as _, Sha256};

use crate::exchange::framed::{framed, unframed};
use crate::exchange::{self, Cursor, Pushed, REQUEST_PLAIN_BYTES_MAX, REQUEST_ZSTD_LEVEL, WireError};
use crate::ids::{ChangeHash, DeviceId, DocId, Ms, TerritoryId, UserId};
use crate::signing::PublicKey;

/// Most bytes of a packet.
pub const PACKET_BYTES_MAX: usize = 1 << 20;
/// Most bytes of a meeting.
pub const MEETING_BYTES_MAX: usize = 64 << 10;
/// Bytes of changes after which a batch is closed; the rest waits.
pub const BATCH_BYTES_TARGET: usize = 512 << 10;
/// First line of the signed text.
const TITLE: &str = "roadbook-carried-v1";
/// Version byte of packets and meetings.
const VERSION: u8 = 1;

/// What a carrier says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Meeting {
    /// Whose phone it is.
    #[n(0)]
    pub user: UserId,
    /// The territories that it holds.
    #[n(1)]
    pub territories: Vec<TerritoryId>,
}

/// What a device hands in by another.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Batch {
    /// The device that made it.
    #[n(0)]
    pub device: DeviceId,
    /// Its clock then.
    #[n(1)]
    pub now: Ms,
    /// Where it stood in the feed: what it could know.
    #[n(2)]
    pub cursor: Option<Cursor>,
    /// Headquarters' clock minus its own, as last measured.
    #[n(3)]
    pub offset_ms: Option<i64>,
    /// Its changes.
    #[n(4)]
    pub pushed: Vec<Pushed>,
}

/// A signed batch as it travels.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Packet {
    /// The device that made and signed it.
    #[n(0)]
    pub device: DeviceId,
    /// Its signature.
    #[n(1)]
    pub signature: ByteVec,
    /// The batch.
    #[n(2)]
    pub frame: ByteVec,
}

impl Meeting {
    /// Its bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        framed(VERSION, self)
    }
    /// Reads them.
    ///
    /// # Errors
    /// [`WireError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        unframed(VERSION, bytes, MEETING_BYTES_MAX)
    }
}

impl Batch {
    /// The frame, to be signed.
    ///
    /// # Errors
    /// [`WireError::TooLarge`].
    pub fn encode(&self) -> Result<Vec<u8>, WireError> {
        exchange::seal(self, REQUEST_ZSTD_LEVEL, PACKET_BYTES_MAX)
    }
}

impl Packet {
    /// The text that the device signs.
    #[must_use]
    pub fn text(device: DeviceId, frame: &[u8]) -> String {
        let digest: String = Sha256::digest(frame).iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{TITLE}\n{device}\n{digest}\n")
    }
    /// Its bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        framed(VERSION, self)
    }
    /// Reads them.
    ///
    /// # Errors
    /// [`WireError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        unframed(VERSION, bytes, PACKET_BYTES_MAX)
    }
    /// Documents of which a packet has changes; none when its bytes are gone, as after its delivery.
    pub(crate) fn documents(bytes: &[u8]) -> Vec<DocId> {
        let batch = Self::decode(bytes).and_then(|packet| packet.batch());
        batch.into_iter().flat_map(|batch| batch.pushed).map(|pushed| pushed.doc).collect()
    }
    /// The batch inside; it must name the same device.
    ///
    /// # Errors
    /// [`WireError`].
    pub fn batch(&self) -> Result<Batch, WireError> {
        let plain = exchange::open(&self.frame, PACKET_BYTES_MAX, REQUEST_PLAIN_BYTES_MAX)?;
        let batch: Batch = minicbor::decode(&plain).map_err(WireError::Contents)?;
        let changes: usize = batch.pushed.iter().map(|pushed| pushed.changes.len()).sum();
        if changes > exchange::PUSHED_CHANGES_MAX {
            return Err(WireError::TooMany { what: "changes in a batch", limit: exchange::PUSHED_CHANGES_MAX });
        }
        if batch.device != self.device {
            return Err(WireError::Contents(minicbor::decode::Error::message("the batch is of another device than its packet")));
        }
        Ok(batch)
    }
    /// Whether the signature is this key's.
    #[must_use]
    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        key.has_signed(&Self::text(self.device, &self.frame), &self.signature)
    }
    /// The name under which a carrier keeps a packet.
    #[must_use]
    pub fn digest(bytes: &[u8]) -> ChangeHash {
        ChangeHash(Sha256::digest(bytes).into())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failing test says where")]
mod tests {
    use super::*;
    use crate::signing::SoftwareKey;

    #[test]
    fn a_packet_is_its_signers_and_nobody_elses() {
        let device = DeviceId::from_bytes([7; 16]);
        let batch = Batch { device, now: Ms(5), cursor: None, offset_ms: Some(-3), pushed: Vec::new() };
        let frame = batch.encode().unwrap();
        let key = SoftwareKey::from_secret(&[5; 32]).unwrap();
        let signature = key.sign(&Packet::text(device, &frame));
        let packet = Packet { device, signature: signature.into(), frame: frame.into() };
        let bytes = packet.encode();
        let back = Packet::decode(&bytes).unwrap();
        assert!(back.is_signed_by(&key.public()));
        assert_eq!(back.batch().unwrap(), batch);
        assert!(!back.is_signed_by(&SoftwareKey::from_secret(&[6; 32]).unwrap().public()));
        let other = Packet { device: DeviceId::from_bytes([8; 16]), ..back.clone() };
        assert!(!other.is_signed_by(&key.public()) && other.batch().is_err());
        for at in 0..bytes.len() {
            let mut altered = bytes.clone();
            if let Some(byte) = altered.get_mut(at) {
                *byte ^= 1;
            }
            let taken = Packet::decode(&altered).is_ok_and(|altered| altered.is_signed_by(&key.public()) && altered.batch().is_ok());
            assert!(!taken, "byte {at}");
        }
        assert!(matches!(Packet::decode(&vec![1; PACKET_BYTES_MAX + 1]), Err(WireError::TooLarge { .. })));
    }
}
