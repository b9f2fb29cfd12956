//! The access rule that the gate asks for each change: which parts of the document it writes, and whether its person may.
//!
//! A document that the feed holds is *edited*: its author or owner stands in relation `Own` to it. A document that it does
//! not hold is *created*: the founding part (the card, the body, the plan or progress of a tour) is judged by how the person
//! stands to the customer, and once only; what the same person adds to it before headquarters has seen it is judged as to
//! their own.

use std::cell::RefCell;
use std::collections::BTreeMap;

use roadbook_core::crdt::gate::{Candidate, Denied};
use roadbook_core::ids::ChangeHash;
use roadbook_core::model::Kind;

use super::verdict::{HEADQUARTERS_ONLY, NO_RIGHT, UNKNOWN_CUSTOMER};
use crate::access::table::SYSTEM_PART;
use crate::access::{Action, Relation, Role, may};

/// The rule for one document of one push.
#[derive(Debug)]
pub struct Rule {
    kind: &'static Kind,
    role: Role,
    /// To the document if the feed holds it, else to its subject.
    relation: Relation,
    exists: bool,
    /// For a new document: the change that first wrote each part.
    founded: RefCell<BTreeMap<&'static str, ChangeHash>>,
}

impl Rule {
    /// The rule for a document that the feed holds (`exists`), or for one that is being made.
    #[must_use]
    pub fn new(kind: &'static Kind, role: Role, relation: Relation, exists: bool) -> Self {
        Self { kind, role, relation, exists, founded: RefCell::default() }
    }

    /// Whether the person may make this change.
    ///
    /// # Errors
    /// The code of the reason.
    pub fn check(&self, candidate: &Candidate<'_>) -> Result<(), Denied> {
        if candidate.genesis {
            return Ok(());
        }
        let mut parts: Vec<&'static str> = Vec::new();
        for touched in candidate.touched {
            let container = self.kind.container(&touched.container).ok_or(Denied(NO_RIGHT))?;
            if container.part.0 == SYSTEM_PART {
                return Err(Denied(HEADQUARTERS_ONLY));
            }
            parts.push(container.part.0);
        }
        parts.sort_unstable();
        parts.dedup();
        if !self.exists && self.founded.borrow().is_empty() && !parts.iter().any(|part| is_founding(part)) {
            return Err(Denied(NO_RIGHT));
        }
        for part in parts {
            self.check_part(part, candidate.hash)?;
        }
        Ok(())
    }

    fn check_part(&self, part: &'static str, hash: ChangeHash) -> Result<(), Denied> {
        if self.exists {
            return self.require(may(self.role, self.relation, Action::Edit, part));
        }
        let mut founded = self.founded.borrow_mut();
        let first = founded.get(part).is_none_or(|by| *by == hash);
        let allowed = match (is_founding(part), first) {
            (true, true) => may(self.role, self.relation, Action::Create, part),
            (false, true) => may(self.role, Relation::Own, Action::Create, part) || may(self.role, Relation::Own, Action::Edit, part),
            (_, false) => may(self.role, Relation::Own, Action::Edit, part),
        };
        if allowed && first {
            founded.insert(part, hash);
        }
        self.require(allowed)
    }

    fn require(&self, allowed: bool) -> Result<(), Denied> {
        if allowed {
            Ok(())
        } else if !self.exists && self.relation == Relation::New && self.kind.id != "tour" {
            Err(Denied(UNKNOWN_CUSTOMER))
        } else {
            Err(Denied(NO_RIGHT))
        }
    }
}

/// The parts with which documents begin.
fn is_founding(part: &str) -> bool {
    matches!(
        part,
        "customer.card"
            | "visit.body"
            | "tour.plan"
            | "tour.progress"
            | "proposal.body"
            | "verification.body"
            | "urgent.body"
            | "person.traits"
            | "credit.file"
            | "observation.body"
    )
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failing test says where")]
mod tests {
    use roadbook_core::crdt::gate::Touched;
    use roadbook_core::model::kinds;

    use super::*;

    fn touch(rule: &Rule, n: u8, containers: &[&str]) -> Result<(), &'static str> {
        let touched: Vec<Touched> = containers.iter().map(|name| Touched { container: (*name).to_owned(), key: None }).collect();
        let candidate = Candidate { hash: ChangeHash([n; 32]), touched: &touched, deps: &[], genesis: false };
        rule.check(&candidate).map_err(|denied| denied.0)
    }

    #[test]
    fn a_new_visit_is_written_once_and_amended_by_its_author() {
        let rule = Rule::new(kinds::kind("visit").unwrap(), Role::Salesperson, Relation::Territory, false);
        assert_eq!(touch(&rule, 1, &["amendments"]), Err(NO_RIGHT), "nothing to amend yet");
        assert_eq!(touch(&rule, 2, &["body"]), Ok(()));
        assert_eq!(touch(&rule, 2, &["body"]), Ok(()), "asked twice about the same change");
        assert_eq!(touch(&rule, 3, &["body"]), Err(NO_RIGHT), "sealed");
        assert_eq!(touch(&rule, 4, &["amendments"]), Ok(()));
        assert_eq!(touch(&rule, 5, &["amendments", "notes"]), Err(NO_RIGHT), "notes are the superior's");
        assert_eq!(touch(&rule, 6, &["clocks"]), Err(HEADQUARTERS_ONLY));
        assert_eq!(touch(&rule, 7, &["nonsense"]), Err(NO_RIGHT));
    }

    #[test]
    fn a_visit_elsewhere_or_at_nobody_is_refused_by_name() {
        let visit = kinds::kind("visit").unwrap();
        assert_eq!(touch(&Rule::new(visit, Role::Salesperson, Relation::Elsewhere, false), 1, &["body"]), Err(NO_RIGHT));
        assert_eq!(touch(&Rule::new(visit, Role::Salesperson, Relation::New, false), 1, &["body"]), Err(UNKNOWN_CUSTOMER));
        assert_eq!(touch(&Rule::new(visit, Role::Finance, Relation::Own, false), 1, &["body"]), Err(NO_RIGHT));
    }

    #[test]
    fn the_office_side_is_headquarters_and_a_card_is_the_territorys() {
        let office = kinds::kind("office").unwrap();
        for relation in Relation::ALL {
            assert!(touch(&Rule::new(office, Role::Manager, relation, true), 1, &["facts"]).is_err());
            assert!(touch(&Rule::new(office, Role::Manager, relation, false), 1, &["verified"]).is_err());
        }
        let card = kinds::kind("customer").unwrap();
        let new = Rule::new(card, Role::Salesperson, Relation::New, false);
        assert_eq!(touch(&new, 1, &["facts", "entries"]), Ok(()));
        assert_eq!(touch(&new, 2, &["facts", "sets"]), Ok(()), "the maker goes on writing");
        assert_eq!(touch(&Rule::new(card, Role::Salesperson, Relation::Elsewhere, true), 1, &["facts"]), Err(NO_RIGHT));
        assert_eq!(touch(&Rule::new(card, Role::Salesperson, Relation::Territory, true), 1, &["facts"]), Ok(()));
    }

    #[test]
    fn a_representative_may_begin_the_own_tour_but_not_plan_it() {
        let tour = kinds::kind("tour").unwrap();
        let new = Rule::new(tour, Role::Salesperson, Relation::New, false);
        assert_eq!(touch(&new, 1, &["progress"]), Ok(()));
        assert_eq!(touch(&new, 2, &["plan"]), Err(NO_RIGHT));
        assert_eq!(touch(&Rule::new(tour, Role::Salesperson, Relation::Own, true), 1, &["progress"]), Ok(()));
        assert_eq!(touch(&Rule::new(tour, Role::Salesperson, Relation::Own, true), 2, &["plan"]), Err(NO_RIGHT));
        assert_eq!(touch(&Rule::new(tour, Role::Dispatcher, Relation::Territory, true), 2, &["plan"]), Ok(()));
    }
}
