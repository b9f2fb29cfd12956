//! Customer lists as people have them, made into cards.
//!
//! * A file becomes a table: [`table`] (formats told by their bytes, under [`limits`]).
//! * Titles become fields: [`columns`], with the names in use in [`synonyms`].
//! * Cells become values: [`datum`], [`phones`], [`uscc`].
//!
//! Never here: HTTP, accounts, what a file looks like that we write ([`crate::export`]).

mod biff;
mod cell;
pub mod columns;
pub mod datum;
mod grid;
pub mod limits;
pub mod phones;
mod read_error;
pub mod synonyms;
pub mod table;
mod text;
pub mod uscc;
mod xls;
mod xlsx;

pub use read_error::ReadError;

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failing test says where")]
mod table_tests;
