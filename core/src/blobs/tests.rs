//! Files of photos and their frames: what comes back, what is refused, what a crash leaves. Whole stories are scenarios.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failing test says where")]

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::folder::BlobFolder;
use super::wire::{BlobAnswer, BlobAsk, BlobRequest, BlobSaid, CHUNKS_OF_REQUEST_MAX, Chunk, OFFERS_MAX, Offer};
use super::*;
use crate::exchange::WireError;
use crate::ids::{DeviceId, Ms};

fn folder() -> (tempfile::TempDir, BlobFolder) {
    let place = tempfile::tempdir().unwrap();
    let folder = BlobFolder::open(place.path().join("photos"), [7; 32]).unwrap();
    (place, folder)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn bytes_come_back_whole_and_by_chunks(length in prop_oneof![1..40usize, CHUNK_BYTES - 2..CHUNK_BYTES + 3, 2 * CHUNK_BYTES..2 * CHUNK_BYTES + 9], fill: u8) {
        let (_place, folder) = folder();
        let bytes: Vec<u8> = (0..length).map(|n| (n as u8).wrapping_mul(31) ^ fill).collect();
        let hash = BlobHash::of(&bytes);
        folder.put(hash, &bytes).unwrap();
        prop_assert_eq!(folder.read(hash, length).unwrap(), bytes.clone());
        let other = BlobHash([9; 32]);
        for (no, chunk) in bytes.chunks(CHUNK_BYTES).enumerate().rev() {
            prop_assert_eq!(folder.chunk(hash, length, no).unwrap(), chunk);
            folder.put_chunk(other, length, no, chunk).unwrap();
        }
        prop_assert!(!folder.holds(other), "a file has its name only when it is whole");
        prop_assert_eq!(chunk_hashes(&bytes).len(), chunk_count(length));
        prop_assert!(folder.read_unnamed(other, length).is_err(), "its hash is another one");
    }

    #[test]
    fn frames_of_any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for frame in [bytes.clone(), [vec![1], bytes].concat()] {
            let _ = BlobRequest::decode(&frame);
            let _ = BlobAnswer::decode(&frame);
        }
    }

    #[test]
    fn bits_are_numbers(count in 0..CHUNKS_MAX, gone in proptest::collection::vec(0..CHUNKS_MAX, 0..20)) {
        let mut missing = Missing::all(count);
        let mut expected: BTreeSet<usize> = (0..count).collect();
        for no in gone {
            missing.set(no, false);
            expected.remove(&no);
        }
        prop_assert_eq!(missing.numbers().collect::<BTreeSet<_>>(), expected.clone());
        prop_assert_eq!(missing.is_empty(), expected.is_empty());
        prop_assert_eq!(Missing::from_bytes(missing.as_bytes()), missing);
    }
}

#[test]
fn an_altered_file_a_swapped_file_and_another_key_are_found_out() {
    let (place, folder) = folder();
    let (one, other) = (vec![1; CHUNK_BYTES + 5], vec![2; CHUNK_BYTES + 5]);
    let (a, b) = (BlobHash::of(&one), BlobHash::of(&other));
    folder.put(a, &one).unwrap();
    folder.put(b, &other).unwrap();
    let file = |hash: BlobHash| place.path().join("photos").join(hash.to_string());
    let sealed = std::fs::read(file(a)).unwrap();
    for at in [0, 1, 700, CHUNK_BYTES + 20, sealed.len() - 1] {
        let mut altered = sealed.clone();
        altered[at] ^= 1;
        std::fs::write(file(a), altered).unwrap();
        assert!(matches!(folder.read(a, one.len()), Err(BlobError::Damaged { .. })), "byte {at}");
    }
    std::fs::write(file(a), &sealed[..sealed.len() - 1]).unwrap();
    assert!(matches!(folder.read(a, one.len()), Err(BlobError::Damaged { .. })), "cut");
    std::fs::copy(file(b), file(a)).unwrap();
    assert!(matches!(folder.chunk(a, one.len(), 0), Err(BlobError::Damaged { .. })), "the file of another photo");
    let stranger = BlobFolder::open(place.path().join("photos"), [8; 32]).unwrap();
    assert!(matches!(stranger.read(b, other.len()), Err(BlobError::Damaged { .. })), "another key");
    assert!(matches!(folder.read(BlobHash([3; 32]), 9), Err(BlobError::NotHere { .. })));
    assert_eq!(folder.read(b, other.len()).unwrap(), other);
}

#[test]
fn what_nobody_speaks_of_is_swept_and_other_files_are_left_alone() {
    let (place, folder) = folder();
    let hashes: Vec<BlobHash> = (0..3u8).map(|n| BlobHash::of(&[n])).collect();
    for (n, hash) in hashes.iter().enumerate() {
        folder.put(*hash, &[n as u8]).unwrap();
    }
    folder.put_chunk(hashes[0], 1, 0, &[0]).unwrap();
    folder.put_chunk(hashes[2], 1, 0, &[2]).unwrap();
    std::fs::write(place.path().join("photos/notes.txt"), "not ours").unwrap();
    let swept = folder.sweep(&[hashes[0]].into(), &[hashes[2]].into()).unwrap();
    assert_eq!(swept, 3, "two whole ones and one unfinished");
    assert!(folder.holds(hashes[0]) && !folder.holds(hashes[1]) && !folder.holds(hashes[2]));
    assert!(folder.read_unnamed(hashes[2], 1).is_ok() && place.path().join("photos/notes.txt").exists());
}

#[test]
fn frames_have_bounds_and_versions() {
    let offer = |chunks: usize| Offer {
        hash: BlobHash([1; 32]),
        doc: DocId::from_bytes([2; 16]),
        proof: [3; 32],
        bytes: 10,
        role: Role::Original,
        kind: "shelf".to_owned(),
        taken_at: Ms(4),
        chunks: vec![BlobHash([5; 32]); chunks],
    };
    let ask = |ask| BlobRequest { device: DeviceId::from_bytes([6; 16]), now: Ms(7), ask }.encode().unwrap();
    let good = ask(BlobAsk::Offer { offers: vec![offer(1)] });
    assert!(BlobRequest::decode(&good).is_ok());
    assert!(matches!(BlobRequest::decode(&[]), Err(WireError::Empty)));
    assert!(matches!(BlobRequest::decode(&[&[2], &good[1..]].concat()), Err(WireError::Version { found: 2 })));
    for end in 1..good.len() {
        assert!(BlobRequest::decode(&good[..end]).is_err(), "cut at {end}");
    }
    let many = ask(BlobAsk::Offer { offers: vec![offer(1); OFFERS_MAX + 1] });
    assert!(matches!(BlobRequest::decode(&many), Err(WireError::TooMany { .. })));
    assert!(matches!(BlobRequest::decode(&ask(BlobAsk::Offer { offers: vec![offer(CHUNKS_MAX + 1)] })), Err(WireError::TooMany { .. })));
    let chunk = Chunk { hash: BlobHash([1; 32]), no: 0, bytes: vec![1].into() };
    let many = ask(BlobAsk::Chunks { chunks: vec![chunk.clone(); CHUNKS_OF_REQUEST_MAX + 1] });
    assert!(matches!(BlobRequest::decode(&many), Err(WireError::TooMany { .. })));
    let full = Chunk { bytes: vec![0; CHUNK_BYTES].into(), ..chunk };
    let given = BlobSaid::Given {
        chunk: full,
        bytes: 9,
        mime: "image/png".to_owned(),
        role: Role::Original,
        kind: "shelf".to_owned(),
        chunks: vec![BlobHash([1; 32]); CHUNKS_MAX],
    };
    let answer = BlobAnswer { now: Ms(1), said: given };
    assert_eq!(BlobAnswer::decode(&answer.encode().unwrap()).unwrap(), answer, "a full chunk fits into a frame");
    assert!(offer(1).is_well_formed() && !offer(2).is_well_formed() && !offer(0).is_well_formed());
}

#[test]
fn a_proof_is_of_the_document_and_of_every_byte() {
    let (one, other) = (DocId::from_bytes([1; 16]), DocId::from_bytes([2; 16]));
    let whole = proof(one, [b"shelf"]);
    assert_eq!(whole, proof(one, [&b"sh"[..], b"elf"]));
    assert_ne!(whole, proof(other, [b"shelf"]));
    assert_ne!(whole, proof(one, [b"shelF"]));
}
