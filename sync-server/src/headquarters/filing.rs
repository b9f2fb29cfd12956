//! How headquarters files what it makes, and what a proposal asks of whom. Pure.

use roadbook_core::ids::{DocId, SubjectId, UserId};
use roadbook_core::model::kinds;
use roadbook_core::model::proposal::{Proposal, what};

use crate::access::Command;
use crate::feed::Document;

/// How a document of a kind is filed in the feed: cards, traits and credit files belong to the owner of the customer, whoever made
/// them, events to a person; a tour is seen by its representative alone.
#[must_use]
pub fn described(doc: DocId, kind: &str, subject: SubjectId, owner: Option<UserId>) -> Document {
    let owner = owner.filter(|_| !kinds::belongs_to_customer(kind));
    Document { id: doc, kind: kind.to_owned(), subject, owner, in_territory: kind != kinds::TOUR.id }
}

/// The command that a proposal asks somebody to give: who may give it may decide it.
#[must_use]
pub fn command_for(proposal: &Proposal) -> Command {
    match (proposal.what.as_str(), proposal.field.as_deref()) {
        (what::VERIFICATION, _) => Command::Verify,
        (what::REVIVE, _) | (_, Some("lifecycle")) => Command::Lifecycle,
        (_, Some("visit_interval_days")) => Command::Interval,
        (_, Some("territory" | "owner" | "substitute" | "substitute_until")) => Command::File,
        // Grades, and whatever a newer schema guards: a manager's word.
        _ => Command::Grade,
    }
}
