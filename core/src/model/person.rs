//! What is known of one stakeholder (人员个性资料), folded. Pure.

use std::collections::BTreeMap;

use serde::Serialize;

use super::card::{Fact, Said, plain_fact};
use super::clock::Clocks;
use super::kinds::PERSON;
use super::schema::Merge;
use crate::crdt::{Document, Heads};
use crate::ids::{DocId, EntryId, Ms, SubjectId};

/// Register that names the entry of the card's list.
pub const STAKEHOLDER: &str = "stakeholder";

/// The traits of one stakeholder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Person {
    /// The document.
    pub doc: DocId,
    /// The customer.
    pub customer: SubjectId,
    /// The entry of the card's list of stakeholders.
    pub stakeholder: EntryId,
    /// State for editing: see [`Heads`].
    #[serde(skip)]
    pub heads: Heads,
    /// Registers by field.
    pub facts: BTreeMap<String, Fact>,
    /// Texts by field.
    pub texts: BTreeMap<String, String>,
    /// Latest corrected time of any change.
    pub changed: Option<Ms>,
}

impl Person {
    /// Folds a document; `None` when it does not say whom it is about, or its id is not that person's.
    #[must_use]
    pub fn fold(doc: DocId, customer: SubjectId, document: &Document) -> Option<Self> {
        let reader = document.reader();
        let clocks = Clocks::of(&reader);
        let registers = reader.registers("facts").into_iter();
        let mut facts: BTreeMap<String, Fact> = registers
            .filter_map(|register| {
                let rivals = Said::rivals(&register, &clocks);
                Some((register.key, plain_fact(rivals)?))
            })
            .collect();
        let named = facts.remove(STAKEHOLDER)?;
        let stakeholder = named.rivals.iter().find_map(|said| {
            let entry: EntryId = said.value.as_text()?.parse().ok()?;
            (customer.person(entry) == doc).then_some(entry)
        })?;
        let texts = PERSON.fields().filter(|field| field.merge == Merge::Text);
        let texts = texts.filter_map(|field| Some((field.id.to_string(), document.text(&field.id)?)));
        Some(Self {
            doc,
            customer,
            stakeholder,
            heads: document.heads(),
            facts,
            texts: texts.filter(|(_, text)| !text.is_empty()).collect(),
            changed: reader.changes().filter(|change| change.author.is_some()).map(|change| clocks.correct(change).at).max(),
        })
    }

    /// Until when it may be kept, as said: a date such as `2027-12-31`.
    #[must_use]
    pub fn keep_until(&self) -> Option<&str> {
        self.facts.get("keep_until")?.value.as_text()
    }
}
