//! What few may know: traits of stakeholders, credit files, observations of credit. Built, read, and removed without a trace.

use super::documents::Target;
use super::fold::{Subjects, drop_rows};
use super::{Replica, ReplicaError, Stamp};
use crate::crdt::Heads;
use crate::exchange::pull::Wanted;
use crate::ids::{DocId, EntryId, Ms, SubjectId};
use crate::model::credit::{CreditFile, Observation};
use crate::model::edit::{Edit, Provenance};
use crate::model::kinds;
use crate::model::person::{Person, STAKEHOLDER};
use crate::store::Writing;

/// Edits of the traits of a stakeholder. `known` is what the form showed; `None`: it showed nothing, and what there is by now is
/// merged with it.
#[must_use]
pub fn describe_person(customer: SubjectId, stakeholder: EntryId, known: Option<&Heads>, mut edits: Vec<Edit>) -> (Target, Vec<Edit>) {
    let target = Target::about(customer, &kinds::PERSON, customer.person(stakeholder));
    match known {
        Some(heads) => (target.seen(heads.clone()), edits),
        None => {
            let beginning = kinds::ready(kinds::PERSON.id).map(|ready| ready.genesis.heads());
            let target = Target { at: beginning, ..target };
            let value = stakeholder.to_string().into();
            edits.insert(0, Edit::Assert { field: STAKEHOLDER.to_owned(), value, provenance: Provenance::default() });
            (target, edits)
        }
    }
}

/// A customer's credit file, to be written at the state that a form showed.
#[must_use]
pub fn credit_target(customer: SubjectId, seen: Option<Heads>) -> Target {
    Target { at: seen, ..Target::about(customer, &kinds::CREDIT, customer.credit()) }
}

/// What somebody saw of a customer's credit: an event of its own.
#[must_use]
pub fn observe_credit(stamp: &Stamp, customer: SubjectId, text: &str) -> (Target, Vec<Edit>) {
    let doc = DocId::fresh(stamp.now, stamp.piece(7));
    let edit = Edit::Assert { field: "text".to_owned(), value: text.into(), provenance: Provenance::default() };
    (Target::about(customer, &kinds::OBSERVATION, doc), vec![edit])
}

impl Replica {
    /// What is known of the stakeholders of a customer, as far as this replica holds it.
    ///
    /// # Errors
    /// [`ReplicaError::Store`], [`ReplicaError::Document`].
    pub fn persons(&self, customer: SubjectId) -> Result<Vec<Person>, ReplicaError> {
        let mut persons = Vec::new();
        for doc in self.about(customer, kinds::PERSON.id)? {
            persons.extend(self.document(doc)?.and_then(|held| Person::fold(doc, customer, &held.document)));
        }
        Ok(persons)
    }

    /// What is known of one stakeholder; `None` when nothing is held.
    ///
    /// # Errors
    /// As [`Self::persons`].
    pub fn person(&self, customer: SubjectId, stakeholder: EntryId) -> Result<Option<Person>, ReplicaError> {
        let doc = customer.person(stakeholder);
        let held = self.document(doc)?.filter(|held| held.kind == kinds::PERSON.id && held.subject == customer);
        Ok(held.and_then(|held| Person::fold(doc, customer, &held.document)))
    }

    /// A customer's credit file; `None` when it is not held.
    ///
    /// # Errors
    /// As [`Self::persons`].
    pub fn credit(&self, customer: SubjectId) -> Result<Option<CreditFile>, ReplicaError> {
        let held = self.document(customer.credit())?.filter(|held| held.kind == kinds::CREDIT.id);
        Ok(held.map(|held| CreditFile::fold(customer, &held.document)))
    }

    /// Observations of a customer's credit that are held, oldest first.
    ///
    /// # Errors
    /// As [`Self::persons`].
    pub fn observations(&self, customer: SubjectId) -> Result<Vec<Observation>, ReplicaError> {
        let mut found = Vec::new();
        for doc in self.about(customer, kinds::OBSERVATION.id)? {
            found.extend(self.document(doc)?.and_then(|held| Observation::fold(doc, customer, &held.document)));
        }
        found.sort_by_key(|one| (one.at.at, one.doc));
        Ok(found)
    }

    /// Asks by name for what is private about a customer: for people who see too many to carry it. What they may not have does not come.
    ///
    /// # Errors
    /// [`ReplicaError::Store`], [`ReplicaError::Document`].
    pub fn want_private(&mut self, customer: SubjectId, now: Ms) -> Result<(), ReplicaError> {
        let card = self.card(customer)?;
        let stakeholders = card.iter().filter_map(|card| card.lists.get("stakeholders")).flatten();
        let docs = stakeholders.map(|entry| customer.person(entry.id)).chain([customer.credit()]);
        let wishes: Vec<Wanted> = docs.map(|doc| Wanted::Document { doc }).collect();
        self.want(&wishes, now)
    }

    fn about(&self, customer: SubjectId, kind: &str) -> Result<Vec<DocId>, ReplicaError> {
        let held = self.store().read(|read| read.holdings_of(customer))?;
        Ok(held.into_iter().filter(|holding| holding.kind == kind).map(|holding| holding.doc).collect())
    }

    /// Removes a document for good, its rows and own changes included, and every byte of it from the file.
    ///
    /// # Errors
    /// [`ReplicaError::Store`].
    pub fn erase(&mut self, doc: DocId) -> Result<(), ReplicaError> {
        self.store_mut().write(|write| erase_held(write, &mut Subjects::default(), doc))?;
        Ok(self.store_mut().scour()?)
    }
}

/// Removes a document for good within a commit; the file is to be scoured after it.
pub(crate) fn erase_held(write: &mut Writing<'_>, subjects: &mut Subjects, doc: DocId) -> Result<(), ReplicaError> {
    if let Some(held) = write.holding(doc)? {
        drop_rows(write, &held)?;
        subjects.touch(&held.kind, held.subject, doc, None);
    }
    Ok(write.erase(doc)?)
}
