//! The kinds of documents, one file each. Data only: adding a kind is adding a file and a line here.

mod customer;
mod office;
mod proposal;
mod tour;
mod verification;
mod visit;

use super::schema::Kind;

pub use customer::CUSTOMER;
pub use office::OFFICE;
pub use proposal::PROPOSAL;
pub use tour::TOUR;
pub use verification::VERIFICATION;
pub use visit::VISIT;

/// Highest schema version of any kind: what a device tells headquarters that it knows.
pub const SCHEMA_VERSION: u32 = 1;

/// Every kind.
pub static ALL: &[&Kind] = &[&CUSTOMER, &OFFICE, &VISIT, &TOUR, &PROPOSAL, &VERIFICATION];

/// The kind of an id; `None` for one of a newer schema, whose documents are carried, not shown.
#[must_use]
pub fn kind(id: &str) -> Option<&'static Kind> {
    ALL.iter().copied().find(|kind| kind.id == id)
}

/// Most bytes of an ordinary register: a long text with its provenance.
pub(crate) const REGISTER_BYTES_MAX: usize = 16 << 10;
/// Most bytes of a structure register: a plan of a day, a visit's step results.
pub(crate) const STRUCTURE_BYTES_MAX: usize = 64 << 10;
