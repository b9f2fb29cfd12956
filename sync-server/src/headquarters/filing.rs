//! How headquarters files what it makes, and what a proposal asks of whom. Pure.

use roadbook_core::crdt::Document as CrdtDocument;
use roadbook_core::ids::{DocId, SubjectId, TerritoryId, UserId};
use roadbook_core::model::card::Card;
use roadbook_core::model::proposal::{Proposal, what};
use roadbook_core::model::{Kind, kinds};

use crate::access::Command;
use crate::feed::{Document, Filing};

/// Whether a document is what it says: its id fits its subject, and it is the one that the feed knows.
#[must_use]
pub fn fits(kind: &Kind, (doc, subject): (DocId, SubjectId), known: Option<&Document>) -> bool {
    let right_id = match kind.id {
        "customer" => subject.customer() == doc,
        "office" => subject.office() == doc,
        "tour" => SubjectId::from(doc) == subject,
        "credit" => subject.credit() == doc,
        // About a customer, or about itself.
        "urgent" => subject.office() != doc && subject.credit() != doc,
        _ => subject.customer() != doc && subject.office() != doc && subject.credit() != doc,
    };
    right_id && known.is_none_or(|known| known.kind == kind.id && known.subject == subject)
}

/// Where a customer is filed by headquarters' side of its card; what that does not say stays as it was.
#[must_use]
pub fn filed_by(office: &CrdtDocument, subject: SubjectId, before: Filing) -> Filing {
    let Some(ready) = kinds::ready(kinds::CUSTOMER.id) else { return before };
    let card = Card::fold(subject, &ready.genesis, Some(office));
    let said = |field: &str| card.office.get(field).map(|fact| fact.value.as_text());
    Filing {
        territory: said("territory").map_or(before.territory, |id| id.map(|id| TerritoryId(id.to_owned()))),
        owner: said("owner").map_or(before.owner, |id| id.and_then(|id| id.parse().ok())),
    }
}

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
