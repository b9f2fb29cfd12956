//! Signed requests: what a device signs, how it is written into HTTP headers, and how headquarters checks it; and the
//! two frames of enrolment. Pure: no clock, no randomness, no network. Whether a nonce was seen is the server's business.
//!
//! ```text
//! signed text (UTF-8, lines end with \n, the last one too)
//!   roadbook-request-v1
//!   <method>            POST
//!   <path>              /v1/sync          as sent, with its query if it has one
//!   <device>            a hyphenated UUID; "-" while enrolling
//!   <time>              milliseconds since 1970, decimal: the device's best knowledge of headquarters' time
//!   <nonce>             16 random bytes, 32 hexadecimal digits, lower case
//!   <body>              SHA-256 of the body, 64 hexadecimal digits, lower case
//!
//! signature = ECDSA with P-256 and SHA-256 over the text, as r‖s (64 bytes) or DER, in hexadecimal digits
//! headers   = roadbook-device, roadbook-time, roadbook-nonce, roadbook-signature; a knock carries them in its body instead
//!             (`exchange::knock`)
//!
//! enrolment frame = version:u8 (1)  cbor (one EnrolRequest or EnrolAnswer; numbered keys, unknown ones skipped)
//! ```
//!
//! A device whose clock is wrong signs with `its clock + the offset of the last answer`. Refused with status 401 and
//! header `roadbook-time`, it takes that time and tries once more.

use std::fmt;

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use p256::ecdsa::signature::{Signer as _, Verifier as _};
use p256::ecdsa::{Signature, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};

use crate::exchange::framed::{framed, unframed};
use crate::exchange::knock::{Sealed, is_knock};
use crate::exchange::{Profile, WireError};
use crate::ids::{DeviceId, Ms};

/// Header with the device's id, or `-` while enrolling.
pub const DEVICE_HEADER: &str = "roadbook-device";
/// Header with the time of signing; in answers, headquarters' own time.
pub const TIME_HEADER: &str = "roadbook-time";
/// Header with the nonce.
pub const NONCE_HEADER: &str = "roadbook-nonce";
/// Header with the signature.
pub const SIGNATURE_HEADER: &str = "roadbook-signature";

/// Path of enrolment.
pub const ENROL_PATH: &str = "/v1/enroll";
/// Path of the exchange.
pub const SYNC_PATH: &str = "/v1/sync";
/// Path of the wake-up channel (server-sent events).
pub const NEWS_PATH: &str = "/v1/news";

/// Most bytes of a request to be enrolled.
pub const ENROL_BYTES_MAX: usize = 4 << 10;
/// Most bytes of the answer to it.
pub const ENROL_ANSWER_BYTES_MAX: usize = 1 << 20;
/// A signature has at most this many hexadecimal digits (DER of two 33-byte numbers).
const SIGNATURE_DIGITS_MAX: usize = 2 * 72;
/// First line of the signed text.
const TITLE: &str = "roadbook-request-v1";
/// Version byte of an enrolment frame.
const ENROL_VERSION: u8 = 1;

/// What a signature covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signed<'a> {
    /// HTTP method, upper case.
    pub method: &'a str,
    /// Path, with the query if there is one.
    pub path: &'a str,
    /// The device; `None` while enrolling.
    pub device: Option<DeviceId>,
    /// When it was signed.
    pub time: Ms,
    /// Never used twice by a device.
    pub nonce: [u8; 16],
    /// The body.
    pub body: &'a [u8],
}

impl Signed<'_> {
    /// The text that is signed.
    #[must_use]
    pub fn text(&self) -> String {
        let body: [u8; 32] = Sha256::digest(self.body).into();
        let device = self.device.map_or_else(|| "-".to_owned(), |device| device.to_string());
        let (nonce, body) = (hex(&self.nonce), hex(&body));
        format!("{TITLE}\n{}\n{}\n{device}\n{}\n{nonce}\n{body}\n", self.method, self.path, self.time.0)
    }

    /// The four headers of the request, with a signature made by the device's key.
    #[must_use]
    pub fn headers(&self, signature: &[u8]) -> [(&'static str, String); 4] {
        [
            (DEVICE_HEADER, self.device.map_or_else(|| "-".to_owned(), |device| device.to_string())),
            (TIME_HEADER, self.time.0.to_string()),
            (NONCE_HEADER, hex(&self.nonce)),
            (SIGNATURE_HEADER, hex(signature)),
        ]
    }

    /// What travels: headers and body. A knock carries its signature within, so that it costs no header.
    #[must_use]
    pub fn sent(&self, signature: &[u8]) -> (Vec<(&'static str, String)>, Vec<u8>) {
        match self.device.filter(|_| self.path == SYNC_PATH && is_knock(self.body)) {
            None => (self.headers(signature).to_vec(), self.body.to_vec()),
            Some(device) => {
                let (knock, signature) = (self.body.to_vec(), signature.to_vec());
                (Vec::new(), Sealed { device, time: self.time, nonce: self.nonce, knock, signature }.encode())
            }
        }
    }

    /// Whether `signature`, in hexadecimal digits, is this key's over this request. Anything malformed is a no.
    #[must_use]
    pub fn is_signed_by(&self, key: &PublicKey, signature: &str) -> bool {
        if signature.len() > SIGNATURE_DIGITS_MAX {
            return false;
        }
        let Some(bytes) = unhex(signature) else { return false };
        key.has_signed(&self.text(), &bytes)
    }
}

/// A nonce header's value.
#[must_use]
pub fn parse_nonce(text: &str) -> Option<[u8; 16]> {
    unhex(text)?.try_into().ok()
}

/// A device's public key: a point of P-256 that was checked to be on the curve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// From SEC1 bytes, compressed (33) or not (65).
    #[must_use]
    pub fn from_sec1(bytes: &[u8]) -> Option<Self> {
        match (bytes.len(), bytes.first()) {
            (33, Some(2 | 3)) | (65, Some(4)) => VerifyingKey::from_sec1_bytes(bytes).ok().map(Self),
            _ => None,
        }
    }
    /// Whether a signature (r‖s or DER) over a text is this key's. Anything malformed is a no.
    #[must_use]
    pub fn has_signed(&self, text: &str, signature: &[u8]) -> bool {
        let signature = Signature::from_slice(signature).or_else(|_| Signature::from_der(signature));
        signature.is_ok_and(|signature| self.0.verify(text.as_bytes(), &signature).is_ok())
    }
    /// SEC1, compressed: 33 bytes. One key has one form.
    #[must_use]
    pub fn to_sec1(&self) -> Vec<u8> {
        self.0.to_sec1_point(true).as_bytes().to_vec()
    }
}

/// A key held in memory: for tools, desktops and tests. Phones keep theirs in Secure Enclave or Keystore.
#[derive(Clone)]
pub struct SoftwareKey(SigningKey);

impl SoftwareKey {
    /// From 32 secret random bytes. `None` for the few values (one in 2³²) that are no key: draw again.
    #[must_use]
    pub fn from_secret(secret: &[u8; 32]) -> Option<Self> {
        SigningKey::from_slice(secret).ok().map(Self)
    }
    /// Its public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(*self.0.verifying_key())
    }
    /// The signature (r‖s) over a text; the same text gives the same signature (RFC 6979).
    #[must_use]
    pub fn sign(&self, text: &str) -> Vec<u8> {
        let signature: Signature = self.0.sign(text.as_bytes());
        signature.to_bytes().to_vec()
    }
}

impl fmt::Debug for SoftwareKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SoftwareKey(…)")
    }
}

/// What a device says to be enrolled; the request around it is signed with the key it names.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct EnrolRequest {
    /// The one-time code, as typed.
    #[n(0)]
    pub code: String,
    /// Public key, SEC1.
    #[n(1)]
    pub key: ByteVec,
    /// What the device is called, for the list of devices.
    #[n(2)]
    pub name: String,
}

/// What an enrolled device is told.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct EnrolAnswer {
    /// Its id from now on.
    #[n(0)]
    pub device: DeviceId,
    /// Headquarters' time.
    #[n(1)]
    pub now: Ms,
    /// Whose it is, and what the device must know of them.
    #[n(2)]
    pub profile: Profile,
}

impl EnrolRequest {
    /// The frame.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        framed(ENROL_VERSION, self)
    }
    /// Reads a frame.
    ///
    /// # Errors
    /// [`WireError::Empty`], [`WireError::Version`], [`WireError::TooLarge`], [`WireError::Contents`].
    pub fn decode(frame: &[u8]) -> Result<Self, WireError> {
        unframed(ENROL_VERSION, frame, ENROL_BYTES_MAX)
    }
}

impl EnrolAnswer {
    /// The frame.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        framed(ENROL_VERSION, self)
    }
    /// Reads a frame.
    ///
    /// # Errors
    /// As [`EnrolRequest::decode`].
    pub fn decode(frame: &[u8]) -> Result<Self, WireError> {
        unframed(ENROL_VERSION, frame, ENROL_ANSWER_BYTES_MAX)
    }
}

/// Hexadecimal digits, lower case.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |character: u8| char::from(character).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = text.as_bytes().chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    pairs.map(|pair| if let [high, low] = pair { Some(digit(*high)? << 4 | digit(*low)?) } else { None }).collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failing test says where")]
mod tests {
    use super::*;
    use crate::ids::UserId;

    fn signed(body: &[u8]) -> Signed<'_> {
        Signed {
            method: "POST",
            path: SYNC_PATH,
            device: Some(DeviceId::from_bytes([7; 16])),
            time: Ms(1_772_409_600_000),
            nonce: [9; 16],
            body,
        }
    }

    #[test]
    fn the_signed_text_is_pinned() {
        assert_eq!(
            signed(b"").text(),
            "roadbook-request-v1\nPOST\n/v1/sync\n07070707-0707-0707-0707-070707070707\n1772409600000\n\
             09090909090909090909090909090909\ne3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n"
        );
    }

    #[test]
    fn a_signature_covers_every_part_of_the_request() {
        let key = SoftwareKey::from_secret(&[5; 32]).unwrap();
        let good = signed(b"body");
        let signature = key.sign(&good.text());
        let [_, _, nonce, (_, header)] = good.headers(&signature);
        assert_eq!(parse_nonce(&nonce.1), Some([9; 16]));
        assert!(good.is_signed_by(&key.public(), &header));
        let der = Signature::from_slice(&signature).unwrap().to_der();
        assert!(good.is_signed_by(&key.public(), &hex(der.as_bytes())), "the form that Keystore and Secure Enclave give");
        let other_key = SoftwareKey::from_secret(&[6; 32]).unwrap().public();
        assert!(!good.is_signed_by(&other_key, &header));
        for altered in [
            Signed { method: "GET", ..good },
            Signed { path: "/v1/sync?x", ..good },
            Signed { device: None, ..good },
            Signed { time: Ms(1_772_409_600_001), ..good },
            Signed { nonce: [8; 16], ..good },
            Signed { body: b"bodY", ..good },
        ] {
            assert!(!altered.is_signed_by(&key.public(), &header));
        }
        for junk in ["", "00", "zz", "0", &"0".repeat(128), &"f".repeat(128), &"0".repeat(1_000)] {
            assert!(!good.is_signed_by(&key.public(), junk));
        }
    }

    #[test]
    fn a_key_has_one_form_and_points_off_the_curve_are_refused() {
        let key = SoftwareKey::from_secret(&[5; 32]).unwrap().public();
        let long = key.0.to_sec1_point(false);
        assert_eq!(PublicKey::from_sec1(long.as_bytes()).unwrap().to_sec1(), key.to_sec1());
        assert_eq!(key.to_sec1().len(), 33);
        for bad in [&[][..], &[0], &[2; 33][..32], &[5; 33], &[4; 65]] {
            assert!(PublicKey::from_sec1(bad).is_none());
        }
        assert!(SoftwareKey::from_secret(&[0; 32]).is_none());
    }

    #[test]
    fn enrolment_frames_come_back_and_junk_does_not() {
        let request = EnrolRequest { code: "ABCD-EFGH-JKMN-PQRS".into(), key: vec![2; 33].into(), name: "王芳的手机".into() };
        assert_eq!(EnrolRequest::decode(&request.encode()).unwrap(), request);
        let profile = Profile {
            user: UserId::from_bytes([2; 16]),
            name: "王芳".into(),
            role: "salesperson".into(),
            territories: vec![],
            offset_minutes: 480,
            people: vec![],
            registry: None,
        };
        let answer = EnrolAnswer { device: DeviceId::from_bytes([1; 16]), now: Ms(3), profile };
        assert_eq!(EnrolAnswer::decode(&answer.encode()).unwrap(), answer);
        assert!(matches!(EnrolRequest::decode(&[]), Err(WireError::Empty)));
        assert!(matches!(EnrolRequest::decode(&[9, 0]), Err(WireError::Version { found: 9 })));
        assert!(matches!(EnrolRequest::decode(&[1, 0xff]), Err(WireError::Contents(_))));
        assert!(matches!(EnrolRequest::decode(&[1; ENROL_BYTES_MAX + 1]), Err(WireError::TooLarge { .. })));
    }
}
