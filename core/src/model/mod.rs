//! The business words: kinds as data, assertions with their provenance, and the pure functions that fold documents into
//! what people see. No SQL, no bytes of other rooms, no clock.
//!
//! * [`schema`] – what kinds, sections and fields are · [`kinds`] – the kinds · [`values`] – their value sets.
//! * [`value`], [`assertion`] – what a register holds · [`clock`] – when it was said · [`edit`] – what somebody wants to write.
//! * [`card`], [`visit`], [`tour`], [`proposal`], [`urgent`], [`person`], [`credit`] – documents folded · [`manifest`] – the photos that a document names.
//! * [`fate`] – what became of what somebody wrote.
//! * [`coverage`], [`window`] – which visits count, and which of them devices hold.

pub mod assertion;
pub mod card;
pub mod clock;
pub mod coverage;
pub mod credit;
pub mod date;
pub mod edit;
pub mod fate;
pub mod kinds;
pub mod manifest;
pub mod normal;
pub mod person;
pub mod proposal;
pub mod schema;
pub mod tour;
pub mod urgent;
pub mod uscc;
pub mod value;
pub mod values;
pub mod visit;
pub mod window;

pub use assertion::{Assertion, Source};
pub use edit::{Edit, EditError, Provenance};
pub use schema::{Class, Container, Field, FieldType, Kind, Label, Merge, Part, Role, Section, ValueSet};
pub use value::Value;
