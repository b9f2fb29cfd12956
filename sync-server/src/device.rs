//! stub
pub(crate) const SCRATCH_MIGRATION_1: &str = "";
