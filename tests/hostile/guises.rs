//! Bytes that are something else: other formats of the engine, archives, pictures, texts, and shapes made to exhaust a decoder.
//! Every decoder of outside bytes says no to each, in no time; or reads it within its bounds, where by chance it can be read.

use roadbook_core::crdt::Heads;
use roadbook_core::crdt::gate::{ChunkError, Gate, Refusal};
use roadbook_core::exchange::{Answer, Request, WIRE_VERSION, WireError};
use roadbook_core::model::Value;
use roadbook_core::signing::{EnrolAnswer, EnrolRequest, PublicKey, parse_nonce};

use super::forge::{chunk, deflate, uleb};
use super::timed;
use super::world::World;

/// Names and bytes.
pub(super) fn guises(world: &World) -> Vec<(String, Vec<u8>)> {
    let snapshot = world.document.save();
    let mut guises: Vec<(String, Vec<u8>)> = [
        ("a message of the engine's own protocol", vec![0x42, 0, 0, 0, 0]),
        ("a message of its second version", vec![0x43, 1, 0, 0, 0, 0]),
        ("a message with 2^60 heads", [vec![0x42], uleb(1 << 60)].concat()),
        ("its state of a peer", vec![0x43, 0]),
        ("a bundle", chunk(3, &snapshot[9..])),
        ("a chunk of kind 127", chunk(127, b"x")),
        ("a zip", b"PK\x03\x04\x14\0\0\0\x08\0".to_vec()),
        ("a gzip", b"\x1f\x8b\x08\0\0\0\0\0\0\x03".to_vec()),
        ("a PNG", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec()),
        ("a program", b"\x7fELF\x02\x01\x01\0".to_vec()),
        ("a database", b"SQLite format 3\0".to_vec()),
        ("a page", b"<!doctype html><script>alert(1)</script>".to_vec()),
        ("JSON", br#"{"device":null,"pushed":[[[[[[[[]]]]]]]]}"#.to_vec()),
        ("SQL", b"'; DROP TABLE entry; --".to_vec()),
        ("a path", b"../../../../etc/passwd\0".to_vec()),
        ("a formula", b"=cmd|'/C calc'!A0".to_vec()),
        ("a format string", b"%s%s%s%n{0}{}${jndi:ldap://x}".to_vec()),
        ("UTF-16", b"\xff\xfeh\0i\0".to_vec()),
        ("a text that turns around", "\u{202e}txt.exe\u{feff}\u{0}".as_bytes().to_vec()),
        ("nothing", Vec::new()),
        ("a deflated nothing", deflate(b"")),
    ]
    .map(|(name, bytes)| (name.to_owned(), bytes))
    .into();
    for (name, byte) in [("zeros", 0u8), ("ones", 1), ("0x7f", 0x7f), ("0x80", 0x80), ("0x81, arrays in arrays", 0x81), ("0xff", 0xff)] {
        for length in [1, 17, 1_000, 200_000] {
            guises.push((format!("{length} {name}"), vec![byte; length]));
        }
    }
    // CBOR that announces more than there is, nests without end, or repeats itself.
    for (name, head) in [
        ("an array of 2^64 - 1", &[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff][..]),
        ("a map of 2^64 - 1", &[0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
        ("bytes of 2^63", &[0x5b, 0x80, 0, 0, 0, 0, 0, 0, 0]),
        ("a text of 2^63", &[0x7b, 0x80, 0, 0, 0, 0, 0, 0, 0]),
        ("an array without end", &[0x9f]),
        ("a map without end", &[0xbf]),
        ("a tag", &[0xdb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
    ] {
        guises.push((format!("CBOR: {name}"), head.to_vec()));
        guises.push((format!("CBOR: {name}, and 4 KiB"), [head, &[0x00; 4_096]].concat()));
        guises.push((format!("CBOR: a request's list of {name}"), [&[0x88, 0x50][..], &[7; 16], &[0x00, 0xf6, 0xf6, 0xf6], head].concat()));
    }
    guises
}

/// The same bytes as the contents of a frame.
pub(super) fn framed(bytes: &[u8]) -> Vec<u8> {
    [&[WIRE_VERSION][..], &zstd::encode_all(bytes, 3).unwrap()].concat()
}

#[test]
fn every_decoder_says_no_to_what_is_something_else() {
    let world = World::new();
    let gate = Gate::strict();
    for (name, bytes) in guises(&world) {
        assert!(matches!(timed(&name, || gate.identify(&bytes)), Err(Refusal::Chunk(_))), "{name}");
        assert!(timed(&name, || gate.admit_snapshot(&bytes, world.rules.genesis())).is_err(), "{name}");
        for frame in [bytes.clone(), framed(&bytes)] {
            assert!(timed(&name, || Request::decode(&frame)).is_err(), "{name}: a request");
            assert!(timed(&name, || Answer::decode(&frame)).is_err(), "{name}: an answer");
        }
        let versioned = [&[1][..], &bytes].concat();
        for frame in [&bytes, &versioned] {
            assert!(timed(&name, || EnrolRequest::decode(frame)).is_err(), "{name}: an enrolment");
            assert!(timed(&name, || EnrolAnswer::decode(frame)).is_err(), "{name}: an enrolment's answer");
        }
        assert!(PublicKey::from_sec1(&bytes).is_none(), "{name}: a key");
        let text = String::from_utf8_lossy(&bytes);
        assert!(parse_nonce(&text).is_none(), "{name}: a nonce");
        // A value may be read by chance; then it can be written again.
        if let Ok(value) = timed(&name, || minicbor::decode::<Value>(&bytes)) {
            let _written = minicbor::to_vec(&value).unwrap();
        }
        if let Some(heads) = Heads::from_bytes(&bytes) {
            assert_eq!(Heads::from_bytes(&heads.to_bytes()), Some(heads), "{name}: heads");
        }
    }
}

#[test]
fn a_frame_does_not_unpack_beyond_its_limit() {
    for (name, plain) in [("17 MiB", 17 << 20), ("400 MiB", 400 << 20)] {
        let mut bomb = vec![WIRE_VERSION];
        let mut packer = zstd::stream::write::Encoder::new(&mut bomb, 3).unwrap();
        let zeros = vec![0; 1 << 20];
        for _ in 0..plain >> 20 {
            std::io::Write::write_all(&mut packer, &zeros).unwrap();
        }
        packer.finish().unwrap();
        assert!(bomb.len() < 64 << 10, "{name}: {} bytes", bomb.len());
        assert!(matches!(Request::decode(&bomb), Err(WireError::TooLarge { .. })), "{name}");
        if plain > roadbook_core::exchange::ANSWER_PLAIN_BYTES_MAX {
            assert!(matches!(Answer::decode(&bomb), Err(WireError::TooLarge { .. })), "{name}");
        }
    }
}

/// A bomb is refused by its size while it is inflated, not by what it turns out to hold once it is.
#[test]
fn a_change_does_not_inflate_beyond_its_limit() {
    for plain in [(1 << 20) + 1, 100 << 20, 200 << 20] {
        let bomb = super::forge::deflated(&vec![0; plain]);
        assert!(bomb.len() < 256 << 10);
        let refusal = timed("a bomb", || Gate::strict().identify(&bomb)).unwrap_err();
        let Refusal::Chunk(ChunkError::TooMuch { what, .. }) = refusal else { panic!("{refusal}") };
        assert!(what.contains("inflated"), "{plain}: {what}");
    }
}
