//! Roadbook core.
