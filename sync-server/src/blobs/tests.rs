//! Limits of devices, and a bucket that speaks S3. Rights, proofs and lies are scenarios (`tests/scenarios/photos.rs`).

use super::*;

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
