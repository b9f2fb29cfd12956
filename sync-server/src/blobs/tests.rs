//! Limits of devices, what handing in costs, and a bucket that speaks S3. Rights, proofs and lies are scenarios (`tests/scenarios/photos.rs`).

use roadbook_core::ids::UserId;

use super::*;
use crate::database::{Database, Durability, steps};

#[test]
#[expect(clippy::unwrap_used, reason = "a failing test says where")]
fn handing_in_a_photo_costs_the_same_however_many_were_handed_in() {
    let (device, user, now) = (DeviceId::from_bytes([1; 16]), UserId::from_bytes([2; 16]), Ms(1_772_409_600_000));
    let [few, many] = [10_u16, 200].map(|photos| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("server.sqlite");
        let table = BlobTable::new(Arc::new(Database::open(&path, Durability::Process, crate::storage::SERVER_MIGRATIONS).unwrap()));
        let hand_in = |n: u16| {
            let (hash, doc) = (BlobHash::of(&n.to_be_bytes()), DocId::derived(&n.to_string()));
            let kind = "shelf".to_owned();
            let held = Held { hash, bytes: 9, mime: "image/jpeg".to_owned(), kind: kind.clone(), role: Role::Original, chunks: vec![hash] };
            let offer = Offer { hash, doc, proof: [0; 32], bytes: 9, role: Role::Original, kind, taken_at: now, chunks: vec![hash] };
            assert!(!table.is_named(doc, hash).unwrap() && table.held(hash).unwrap().is_none());
            table.offer(now, device, &offer).unwrap();
            table.handed_in_on(device, day(now)).unwrap();
            table.put_chunks(now, device, day(now), &[(hash, 9)]).unwrap();
            assert_eq!(table.offers(device, hash).unwrap().len(), 1);
            assert_eq!(table.stored(&[hash]).unwrap().len(), 1);
            table.hold(now, (device, user), &held, &[doc]).unwrap();
            assert_eq!(table.held_of(&[doc]).unwrap().len(), 1);
        };
        (0..photos).for_each(hand_in);
        assert_eq!(table.used(device).unwrap(), Used { held: 9 * u64::from(photos), offered: 0 });
        steps::of(|| hand_in(photos))
    });
    assert!(few.values().sum::<i64>() > 0, "nothing was counted");
    assert!(steps::grown(&few, &many).is_empty(), "{:#?}", steps::grown(&few, &many));
}

#[test]
fn limits_are_those_of_many_months_of_photos() {
    // 12 photos a day of 200 KB, five years, and a bad day without scaling: nobody honest meets them.
    let limits = BlobLimits::default();
    assert!(limits.device_bytes > 12 * 200_000 * 365 * 5);
    assert!(limits.device_bytes_per_day > 190 * 10 * (1 << 20));
    assert!(limits.device_bytes_under_way >= 30 * 10 * (1 << 20), "one request of offers of the largest photos");
}

#[cfg(feature = "s3")]
#[test]
#[ignore = "needs a server that speaks S3: tests/run s3 starts one and names it in ROADBOOK_TEST_S3"]
#[expect(clippy::unwrap_used, reason = "a failing test says where")]
fn s3_chunks_come_back_from_a_bucket() {
    let endpoint = std::env::var("ROADBOOK_TEST_S3").unwrap();
    let bucket = |name: &str, endpoint: &str| {
        let (key_id, secret) = ("test".to_owned(), "test".to_owned());
        let bucket = Bucket { bucket: name.to_owned(), endpoint: Some(endpoint.to_owned()), region: None, key_id, secret };
        Depot::open(&DepotConfig::S3(bucket), std::path::PathBuf::new()).unwrap()
    };
    let depot = bucket("roadbook", &endpoint);
    for length in [1, 1_000, roadbook_core::blobs::CHUNK_BYTES] {
        let bytes = vec![length as u8; length];
        let hash = BlobHash::of(&bytes);
        assert!(matches!(depot.get(hash), Err(DepotError::Lost(_))), "nothing is there yet");
        // Stored twice is stored once.
        depot.put(hash, bytes.clone()).unwrap();
        depot.put(hash, bytes.clone()).unwrap();
        assert_eq!(depot.get(hash).unwrap(), bytes);
        depot.delete(hash).unwrap();
        depot.delete(hash).unwrap();
        assert!(matches!(depot.get(hash), Err(DepotError::Lost(_))));
    }
    let elsewhere =
        [bucket("no-such-bucket", &endpoint), bucket("roadbook", "http://127.0.0.1:9"), bucket("roadbook", "https://127.0.0.1:9")];
    for nowhere in elsewhere {
        assert!(matches!(nowhere.put(BlobHash([1; 32]), vec![1]), Err(DepotError::Store(_))), "what is not stored is not promised");
    }
}
