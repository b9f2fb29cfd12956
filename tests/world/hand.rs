//! A phone in its user's hand: the few things that people of the scenarios do, so that a scenario reads like its text.

use std::collections::BTreeMap;

use roadbook_core::crdt::Heads;
use roadbook_core::ids::{DocId, EntryId, Ms, SubjectId};
use roadbook_core::model::proposal::Proposal;
use roadbook_core::model::tour::{StopId, Tour};
use roadbook_core::model::{Edit, Provenance, Value};
use roadbook_core::replica::field::{self, Judgement, Place, VisitDraft};
use roadbook_core::replica::{Replica, Target};
use roadbook_core::store::Lane;

use super::phone::Phone;

/// A phone, at a true moment.
pub(crate) struct Hand<'a> {
    pub(crate) phone: &'a mut Phone,
    pub(crate) now: Ms,
}

impl Hand<'_> {
    /// Saves edits of one document at its current state.
    pub(crate) fn save(&mut self, target: &Target, edits: &[Edit]) -> &mut Self {
        let stamp = self.phone.stamp(self.now);
        self.phone.working(|replica| replica.save(&stamp, Lane::Normal, target, edits)).unwrap();
        self
    }

    /// Saves what a builder of `field` made.
    pub(crate) fn save_work(&mut self, (target, edits): (Target, Vec<Edit>)) -> &mut Self {
        self.save(&target, &edits)
    }

    /// Edits a card.
    pub(crate) fn edit(&mut self, customer: SubjectId, edits: &[Edit]) -> &mut Self {
        self.save(&Target::customer(customer), edits)
    }

    /// Edits a card in a form that was opened at these heads.
    pub(crate) fn edit_form(&mut self, customer: SubjectId, shown: Heads, edits: &[Edit]) -> &mut Self {
        self.save(&Target::customer(customer).seen(shown), edits)
    }

    /// Reports a fact, as seen on a visit.
    pub(crate) fn set(&mut self, customer: SubjectId, field: &str, value: impl Into<Value>) -> &mut Self {
        self.edit(customer, &[fact(field, value)])
    }

    /// Sets fields of an entry of a list.
    pub(crate) fn entry(&mut self, customer: SubjectId, list: &str, entry: EntryId, fields: &[(&str, &str)]) -> &mut Self {
        self.edit(customer, &[entry_edit(list, entry, fields)])
    }

    /// Removes an entry of a list.
    pub(crate) fn remove(&mut self, customer: SubjectId, list: &str, entry: EntryId) -> &mut Self {
        self.edit(customer, &[Edit::RemoveEntry { list: list.to_owned(), entry }])
    }

    /// Inserts into a text before a position, in characters.
    pub(crate) fn write(&mut self, customer: SubjectId, text: &str, at: usize, insert: &str) -> &mut Self {
        self.edit(customer, &[Edit::Splice { field: text.to_owned(), at, delete: 0, insert: insert.to_owned() }])
    }

    /// 仍正确: the shown value of a field was seen to be right, now.
    pub(crate) fn confirm(&mut self, customer: SubjectId, path: &str, value: &Value) -> &mut Self {
        let at = self.phone.clock(self.now);
        self.edit(customer, &[Edit::Confirm { field: path.to_owned(), value: value.clone(), at }])
    }

    /// Asks for a guarded value.
    pub(crate) fn propose(&mut self, customer: SubjectId, field: &str, value: impl Into<Value>) -> DocId {
        let stamp = self.phone.stamp(self.now);
        let (target, edits) = field::propose(&stamp, customer, field, value.into(), None);
        self.phone.working(|replica| replica.save(&stamp, Lane::Normal, &target, &edits)).unwrap().doc
    }

    /// Decides a proposal.
    pub(crate) fn decide(&mut self, proposal: &Proposal, decision: &str, reason: &str) -> &mut Self {
        self.save_work(field::decide(proposal, decision, Some(reason)))
    }

    /// Verifies a field, from what the card shows.
    pub(crate) fn verify(&mut self, customer: SubjectId, judgement: &Judgement) -> DocId {
        let stamp = self.phone.stamp(self.now);
        let card = self.phone.replica().card(customer).unwrap().unwrap();
        let (target, edits) = field::verify(&stamp, &card, judgement);
        self.phone.working(|replica| replica.save(&stamp, Lane::Normal, &target, &edits)).unwrap().doc
    }

    /// Begins a visit.
    pub(crate) fn check_in(&mut self, customer: SubjectId, tour: Option<DocId>, place: Option<&Place>) -> VisitDraft {
        let stamp = self.phone.stamp(self.now);
        self.phone.working(|replica| replica.check_in(&stamp, customer, tour, place)).unwrap()
    }

    /// Ends a visit, with these body fields added.
    pub(crate) fn check_out(&mut self, mut draft: VisitDraft, fields: &[(&str, Value)]) -> DocId {
        draft.fields.extend(fields.iter().map(|(field, value)| ((*field).to_owned(), value.clone())));
        let stamp = self.phone.stamp(self.now);
        self.phone.working(|replica| replica.check_out(&stamp, &draft, None)).unwrap()
    }

    /// The tour as the phone shows it.
    pub(crate) fn tour(&self, tour: DocId) -> Tour {
        self.phone.replica().tour(tour).unwrap().unwrap()
    }

    /// Drags a stop to a place between two others.
    pub(crate) fn drag(&mut self, tour: DocId, stop: StopId, after: Option<StopId>, before: Option<StopId>) -> &mut Self {
        let shown = self.tour(tour);
        self.save_work(field::pin(&shown, stop, before, after, Some("顺路".to_owned())))
    }

    /// Anything else that writes.
    pub(crate) fn working<T, E>(
        &mut self,
        work: impl FnOnce(&mut Replica, &roadbook_core::replica::Stamp) -> Result<T, E>,
    ) -> Result<T, E> {
        let stamp = self.phone.stamp(self.now);
        self.phone.working(|replica| work(replica, &stamp))
    }
}

/// An edit that reports a fact.
pub(crate) fn fact(field: &str, value: impl Into<Value>) -> Edit {
    Edit::Assert { field: field.to_owned(), value: value.into(), provenance: Provenance::default() }
}

/// An edit that sets fields of an entry.
pub(crate) fn entry_edit(list: &str, entry: EntryId, fields: &[(&str, &str)]) -> Edit {
    let fields: BTreeMap<String, Value> = fields.iter().map(|(field, value)| ((*field).to_owned(), (*value).into())).collect();
    Edit::Entry { list: list.to_owned(), entry, fields, provenance: Provenance::default() }
}

/// An entry id that a test names.
pub(crate) fn entry(name: &str) -> EntryId {
    EntryId::derived(name)
}

/// An amount of money, in yuan.
pub(crate) fn yuan(amount: i64) -> Value {
    Value::map([("amount", Value::Int(amount * 100)), ("currency", "CNY".into()), ("period", "2025".into())])
}
