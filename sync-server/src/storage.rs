//! The files of a data folder, and the ladders of migrations that their schemas climb.
//!
//! ```text
//! server.sqlite   accounts and the feed: the truth. synchronous=FULL. Back this one up.
//! scratch.sqlite  nonces and suspects; scratch.trials/ names what is in trial: worth nothing after a minute.
//! hq.sqlite       the headquarters replica: follows the feed, can be deleted and is rebuilt.
//! photos/         chunks of photos and files, each under its hash. Back this one up too, or keep it in a bucket.
//! erasures.log    who asked for what to be erased: never older than the newest backup. Back this one up by itself.
//! serve.lock      held by the one process that serves this folder.
//! ```
//!
//! A released step is never edited; a change of schema is a new step at the end.

use crate::{accounts, blobs, feed};

/// The truth: accounts and the feed.
pub const SERVER_FILE: &str = "server.sqlite";
/// What may be lost in a power cut without harm.
pub const SCRATCH_FILE: &str = "scratch.sqlite";
/// The headquarters replica.
pub const HEADQUARTERS_FILE: &str = "hq.sqlite";
/// The chunks of photos and files.
pub const BLOBS_FOLDER: &str = "photos";
/// The journal of erasures.
pub const ERASURES_FILE: &str = "erasures.log";
/// The lock of the serving process.
pub const LOCK_FILE: &str = "serve.lock";

/// The ladder of [`SERVER_FILE`].
pub const SERVER_MIGRATIONS: &[&str] = &[
    accounts::MIGRATION_1,
    feed::MIGRATION_1,
    feed::MIGRATION_HANDOVER,
    accounts::MIGRATION_ORDERS,
    blobs::table::MIGRATION_1,
    feed::MIGRATION_2,
    accounts::MIGRATION_2,
    blobs::table::MIGRATION_PIECES,
    feed::MIGRATION_ERASED,
    feed::MIGRATION_ABSENCE,
    blobs::table::MIGRATION_LOST,
    accounts::MIGRATION_REACH,
    feed::MIGRATION_DECIDED,
];
