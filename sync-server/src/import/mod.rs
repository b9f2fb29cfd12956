//! Customer lists as people have them, made into cards. [`job::import`] does all of it.
//!
//! * A file becomes a table: [`table`] (formats told by their bytes, under [`limits`]).
//! * Titles become fields: [`columns`], with the names in use in [`synonyms`].
//! * A row becomes statements: [`draft`], with [`phones`], [`uscc`], [`datum`]; what is wrong with a cell is a [`fault`].
//! * Statements meet the customers that are there ([`held`]): `recognise` says which is meant, [`plan`] decides, [`apply`] writes, [`report`] tells.
//! * The customers of a replica: [`cards`]. The bundled list: [`sample`].
//!
//! Never here: HTTP, accounts, what a file looks like that we write ([`crate::export`]).

pub mod apply;
mod biff;
pub mod cards;
mod cell;
mod changes;
mod codes;
pub mod columns;
mod dates;
pub mod datum;
pub mod directory;
pub mod draft;
pub mod fault;
mod grid;
pub mod held;
mod hours;
mod index;
mod interval;
pub mod job;
pub mod limits;
mod numbers;
mod paragraphs;
pub mod phones;
mod place;
pub mod plan;
mod read_error;
mod reader;
mod recognise;
pub mod report;
pub mod sample;
mod similar;
mod spread;
pub mod synonyms;
pub mod table;
mod text;
mod units;
pub mod uscc;
mod values;
mod xls;
mod xlsx;

pub use changes::Change;
pub(crate) use place::degrees_of;
pub use read_error::ReadError;

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failing test says where")]
mod again_tests;
#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a failing test says where")]
pub(crate) mod plan_tests;
#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a failing test says where")]
mod recognise_tests;
#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failing test says where")]
mod table_tests;
