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

/// Needs a server that speaks S3: `tests/setup s3` installs moto, `tests/s3` starts it and names it here.
#[cfg(feature = "s3")]
#[test]
fn s3_chunks_come_back_from_a_bucket() {
    let Ok(endpoint) = std::env::var("ROADBOOK_TEST_S3") else {
        let missing = "SKIPPED: no S3 server; run tests/s3";
        assert!(std::env::var("CI").is_err(), "{missing}");
        // Named loudly, wherever the test is run by hand.
        #[expect(clippy::print_stderr, reason = "what was not tested must be seen")]
        {
            eprintln!("{missing}");
        }
        return;
    };
    let bucket = |name: &str| {
        let bucket = Bucket {
            bucket: name.to_owned(),
            endpoint: Some(endpoint.clone()),
            region: None,
            key_id: "test".to_owned(),
            secret: "test".to_owned(),
        };
        Depot::open(&DepotConfig::S3(bucket), std::path::PathBuf::new())
    };
    let depot = bucket("roadbook").unwrap_or_else(|error| unreachable!("{error}"));
    for length in [1, 1_000, roadbook_core::blobs::CHUNK_BYTES] {
        let bytes = vec![length as u8; length];
        let hash = BlobHash::of(&bytes);
        assert!(matches!(depot.get(hash), Err(DepotError::Lost(_))), "nothing is there yet");
        // Stored twice is stored once.
        assert!(depot.put(hash, bytes.clone()).is_ok() && depot.put(hash, bytes.clone()).is_ok());
        assert_eq!(depot.get(hash).ok(), Some(bytes));
    }
    let nowhere = bucket("no-such-bucket").unwrap_or_else(|error| unreachable!("{error}"));
    assert!(nowhere.put(BlobHash([1; 32]), vec![1]).is_err(), "what is not stored is not promised");
}
