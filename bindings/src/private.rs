//! What few may know: traits of stakeholders (人员个性资料), credit files (客户信用档案), observations of credit. A phone whose person may not
//! know of something simply does not hold it. The fields are those of the forms `person` and `credit`.

use roadbook_core::crdt::Heads;
use roadbook_core::ids::{DocId, EntryId, Ms, SubjectId, UserId};
use roadbook_core::model::Edit;
use roadbook_core::model::credit::{CreditBadge, CreditFile, Observation};
use roadbook_core::model::person::Person;
use roadbook_core::replica::private::{credit_target, describe_person, observe_credit};
use roadbook_core::replica::{ReplicaError, Saved};
use roadbook_core::store::Lane;

use crate::book::Roadbook;
use crate::edge;
use crate::error::RoadbookError;
use crate::values::{Facts, Logs, Texts};

/// What is known of one stakeholder.
#[derive(Debug, Clone, uniffi::Record)]
pub struct PersonTraits {
    /// Its document.
    pub doc: DocId,
    /// The customer.
    pub customer: SubjectId,
    /// The entry of the card's list `stakeholders`.
    pub stakeholder: EntryId,
    /// What the form shows: pass it back with the edit.
    pub heads: Heads,
    /// Values by field.
    pub facts: Facts,
    /// Texts by field.
    pub texts: Texts,
    /// When anything of it last changed.
    pub changed: Option<Ms>,
}

impl From<Person> for PersonTraits {
    fn from(person: Person) -> Self {
        let Person { doc, customer, stakeholder, heads, facts, texts, changed } = person;
        Self { doc, customer, stakeholder, heads, facts, texts, changed }
    }
}

/// A customer's credit file.
#[uniffi::remote(Record)]
pub struct CreditFile {
    /// The customer.
    pub customer: SubjectId,
    /// What the form shows: pass it back with the edit.
    pub heads: Heads,
    /// Values by field.
    pub facts: Facts,
    /// `problems` and `reports`, oldest first.
    pub logs: Logs,
    /// When anything of it last changed.
    pub changed: Option<Ms>,
}

/// What a representative's phone holds of a credit file.
#[uniffi::remote(Record)]
pub struct CreditBadge {
    /// Code of value set `credit_grade`.
    pub grade: Option<String>,
    /// Trade terms (交易条件).
    pub terms: Option<String>,
    /// Share of the limit that is used, in percent.
    pub used_percent: Option<i64>,
    /// Nothing is to be supplied.
    pub hold: bool,
}

/// An observation of a customer's credit.
#[derive(Debug, Clone, uniffi::Record)]
pub struct CreditObservation {
    /// Its document.
    pub doc: DocId,
    /// What was seen.
    pub text: String,
    /// Who saw it.
    pub by: Option<UserId>,
    /// When.
    pub at: Ms,
}

impl From<Observation> for CreditObservation {
    fn from(one: Observation) -> Self {
        Self { doc: one.doc, text: one.text, by: one.by, at: one.at.at }
    }
}

#[uniffi::export]
impl Roadbook {
    /// What is known of the stakeholders of a customer; empty where this user may not know.
    ///
    /// # Errors
    /// `StorageDamaged`.
    pub fn persons(&self, customer: SubjectId) -> Result<Vec<PersonTraits>, RoadbookError> {
        Ok(self.read().persons(customer)?.into_iter().map(PersonTraits::from).collect())
    }

    /// Writes what is known of a stakeholder. `seen` is the `heads` that the form showed; none when it showed nothing. Somebody whose traits
    /// were erased on demand is not written of again: headquarters answers `erased`, and this phone gives it up.
    ///
    /// # Errors
    /// `BadField`, `FormOutdated`, `NotEnrolled`, `StorageFull`.
    pub fn edit_person(
        &self,
        customer: SubjectId,
        stakeholder: EntryId,
        seen: Option<Heads>,
        edits: Vec<Edit>,
    ) -> Result<Saved, RoadbookError> {
        let (target, edits) = describe_person(customer, stakeholder, seen.as_ref(), edits);
        self.write(|replica, stamp| replica.save(stamp, Lane::Normal, &target, &edits))
    }

    /// A customer's credit file; none where this user may not know, or there is none.
    ///
    /// # Errors
    /// `StorageDamaged`.
    pub fn credit(&self, customer: SubjectId) -> Result<Option<CreditFile>, RoadbookError> {
        Ok(self.read().credit(customer)?)
    }

    /// Writes into a credit file. `seen` as in `edit_person`.
    ///
    /// # Errors
    /// `BadField`, `FormOutdated`, `NotEnrolled`, `StorageFull`.
    pub fn edit_credit(&self, customer: SubjectId, seen: Option<Heads>, edits: Vec<Edit>) -> Result<Saved, RoadbookError> {
        let target = credit_target(customer, seen);
        self.write(|replica, stamp| replica.save(stamp, Lane::Normal, &target, &edits))
    }

    /// The badge of a customer's credit: every phone that holds the card has it. None where headquarters keeps no credit file.
    ///
    /// # Errors
    /// `NotHere`.
    pub fn credit_badge(&self, customer: SubjectId) -> Result<Option<CreditBadge>, RoadbookError> {
        Ok(CreditBadge::of(&self.card(customer)?))
    }

    /// Says what was seen of a customer's credit, and returns its document.
    ///
    /// # Errors
    /// `BadField`, `NotEnrolled`, `StorageFull`.
    pub fn observe_credit(&self, customer: SubjectId, text: String) -> Result<DocId, RoadbookError> {
        self.write(|replica, stamp| {
            let (target, edits) = observe_credit(stamp, customer, &text);
            Ok::<_, ReplicaError>(replica.save(stamp, Lane::Normal, &target, &edits)?.doc)
        })
    }

    /// Observations of a customer's credit that this user may know, oldest first.
    ///
    /// # Errors
    /// `StorageDamaged`.
    pub fn credit_observations(&self, customer: SubjectId) -> Result<Vec<CreditObservation>, RoadbookError> {
        Ok(self.read().observations(customer)?.into_iter().map(CreditObservation::from).collect())
    }

    /// Asks with the next exchange for what is private about a customer: for people who see too many to carry it.
    ///
    /// # Errors
    /// `StorageFull`.
    pub fn want_private(&self, customer: SubjectId) -> Result<(), RoadbookError> {
        Ok(self.hold().want_private(customer, edge::now())?)
    }
}
