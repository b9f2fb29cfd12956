//! The kinds of documents, one file each. Data only: adding a kind is adding a file and a line here.

mod credit;
mod customer;
mod observation;
mod office;
mod person;
mod proposal;
mod tour;
mod urgent;
mod verification;
mod visit;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::schema::Kind;
use crate::crdt::gate::{ContainerRule, ContainerRules};
use crate::crdt::{Document, Shape};

pub use credit::CREDIT;
pub use customer::CUSTOMER;
pub use observation::OBSERVATION;
pub use office::OFFICE;
pub use person::PERSON;
pub use proposal::PROPOSAL;
pub use tour::TOUR;
pub use urgent::URGENT;
pub use verification::VERIFICATION;
pub use visit::VISIT;

/// Highest schema version of any kind: what a device tells headquarters that it knows.
pub const SCHEMA_VERSION: u32 = 1;

/// Every kind.
pub static ALL: &[&Kind] = &[&CUSTOMER, &OFFICE, &VISIT, &TOUR, &PROPOSAL, &VERIFICATION, &URGENT, &PERSON, &CREDIT, &OBSERVATION];

/// The kind of an id; `None` for one of a newer schema, whose documents are carried, not shown.
#[must_use]
pub fn kind(id: &str) -> Option<&'static Kind> {
    ALL.iter().copied().find(|kind| kind.id == id)
}

/// Whether a kind is [`Kind::private`]. One of a newer schema is not known to be.
#[must_use]
pub fn is_private(id: &str) -> bool {
    kind(id).is_some_and(|kind| kind.private)
}

/// Whether a kind's documents belong to whoever owns the customer that they are about; others belong to a person of their own.
#[must_use]
pub fn belongs_to_customer(id: &str) -> bool {
    [CUSTOMER.id, OFFICE.id, PERSON.id, CREDIT.id].contains(&id)
}

/// Whether the subject of a kind's documents is a customer, always.
#[must_use]
pub fn is_about_customer(id: &str) -> bool {
    belongs_to_customer(id) || [VISIT.id, PROPOSAL.id, VERIFICATION.id, OBSERVATION.id].contains(&id)
}

/// What a kind's documents begin with and may hold, made once from its schema.
#[derive(Debug)]
pub struct Ready {
    /// A document with nothing but its genesis.
    pub genesis: Document,
    /// What the gate lets into it.
    pub rules: ContainerRules,
}

/// The beginning and the rules of a kind; `None` for one of a newer schema.
#[must_use]
pub fn ready(id: &str) -> Option<&'static Ready> {
    static READY: LazyLock<BTreeMap<&'static str, Ready>> = LazyLock::new(|| {
        ALL.iter()
            .filter_map(|kind| {
                // A test holds that every kind is made without error.
                let genesis = kind.genesis.document().ok()?;
                let mut rules = ContainerRules::of(&kind.genesis).ok()?;
                for container in kind.containers.iter().filter(|container| container.shape == Shape::Registers) {
                    rules = rules.with(container.name, ContainerRule::Registers { value_bytes_max: container.value_bytes_max });
                }
                Some((kind.id, Ready { genesis, rules }))
            })
            .collect()
    });
    READY.get(id)
}

/// Most bytes of an ordinary register: a long text with its provenance.
pub(crate) const REGISTER_BYTES_MAX: usize = 16 << 10;
/// Most bytes of a structure register: a plan of a day, a visit's step results.
pub(crate) const STRUCTURE_BYTES_MAX: usize = 64 << 10;
