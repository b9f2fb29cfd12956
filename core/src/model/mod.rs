//! The business words.
