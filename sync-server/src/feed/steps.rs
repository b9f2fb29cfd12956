//! The schema steps of this room. The ladder that they are part of, and in which order, is in `storage`.

/// The schema steps of this room, oldest first; see `storage` for the ladder that they are part of.
pub(crate) const MIGRATION_1: &str = include_str!("migrations/0001_feed.sql");
/// Handovers, late entries, decisions about the quarantine.
pub(crate) const MIGRATION_HANDOVER: &str = include_str!("migrations/0002_handover.sql");
/// See [`MIGRATION_1`].
pub(crate) const MIGRATION_2: &str = include_str!("migrations/0002_pull.sql");
/// Documents erased for good.
pub(crate) const MIGRATION_ERASED: &str = include_str!("migrations/0003_erased.sql");
/// Devices that were away for long.
pub(crate) const MIGRATION_ABSENCE: &str = include_str!("migrations/0004_absence.sql");
/// An index of decisions.
pub(crate) const MIGRATION_DECIDED: &str = include_str!("migrations/0005_decided.sql");
