//! What headquarters already has of a customer, as far as an import compares it. Belongs here: that shape and its keys.
//! Never: how it is stored.

use std::collections::{BTreeMap, BTreeSet};

use roadbook_core::crdt::Document;
use roadbook_core::ids::{EntryId, SubjectId};
use roadbook_core::model::assertion::Assertion;
use roadbook_core::model::card::{Card, Fact};
use roadbook_core::model::{Source, Value, normal as forms};

use super::columns::normal;
use super::draft::Keys;
use super::{paragraphs, place};

/// One entry of a list, removed ones included.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeldEntry {
    /// Whether it is there.
    pub live: bool,
    /// Shown values by field of the entry.
    pub fields: BTreeMap<String, Value>,
}

/// A customer as headquarters has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Who.
    pub subject: SubjectId,
    /// Shown facts and registers of the field side.
    pub facts: BTreeMap<String, Value>,
    /// Shown registers of the office side.
    pub office: BTreeMap<String, Value>,
    /// Elements of sets that were ever there: one that somebody removed does not come back with the next import.
    pub sets: BTreeMap<String, BTreeSet<String>>,
    /// Entries of lists, removed ones included.
    pub lists: BTreeMap<String, BTreeMap<EntryId, HeldEntry>>,
    /// Texts.
    pub texts: BTreeMap<String, String>,
    /// Paragraphs that imports added to texts, whatever became of them (`paragraphs`).
    pub paragraphs: BTreeSet<String>,
    /// What the last import said, by path (`turnover`, `office/grade`, `addresses/<entry>/text`), whether it is still
    /// shown or not: the same statement once more is no news, even if people have changed the value since.
    pub imported: BTreeMap<String, Value>,
}

impl Held {
    /// A customer without content.
    #[must_use]
    pub const fn empty(subject: SubjectId) -> Self {
        Self {
            subject,
            facts: BTreeMap::new(),
            office: BTreeMap::new(),
            sets: BTreeMap::new(),
            lists: BTreeMap::new(),
            texts: BTreeMap::new(),
            paragraphs: BTreeSet::new(),
            imported: BTreeMap::new(),
        }
    }

    /// A customer from the two sides of its card.
    #[must_use]
    pub fn of_documents(subject: SubjectId, customer: &Document, office: Option<&Document>) -> Self {
        let mut held = Self::shown(subject, customer, office);
        held.paragraphs = paragraphs::of_document(customer);
        held.imported = imported(customer, "");
        held.imported.extend(office.map(|office| imported(office, "office/")).unwrap_or_default());
        held
    }

    /// The same without what former imports said: enough for its keys, and without a walk over its history.
    #[must_use]
    pub fn shown(subject: SubjectId, customer: &Document, office: Option<&Document>) -> Self {
        let card = Card::fold(subject, customer, office);
        let shown = |facts: BTreeMap<String, Fact>| facts.into_iter().map(|(id, fact)| (id, fact.value)).collect();
        let mut held = Self { facts: shown(card.facts), office: shown(card.office), texts: card.texts, ..Self::empty(subject) };
        for register in customer.registers("sets") {
            if let Some((set, element)) = register.key.split_once('/') {
                held.sets.entry(set.to_owned()).or_default().insert(element.to_owned());
            }
        }
        // Entries that somebody removed are no part of the card, only of the document.
        for register in customer.registers("entries") {
            let mut path = register.key.splitn(3, '/');
            if let (Some(list), Some(Ok(entry))) = (path.next(), path.next().map(str::parse)) {
                held.lists.entry(list.to_owned()).or_default().entry(entry).or_default();
            }
        }
        for (list, entries) in card.lists {
            let known = held.lists.entry(list).or_default();
            for entry in entries {
                let ids = [entry.id].into_iter().chain(entry.twins);
                let fields: BTreeMap<String, Value> = shown(entry.fields);
                known.extend(ids.map(|id| (id, HeldEntry { live: true, fields: fields.clone() })));
            }
        }
        held
    }

    /// The name that is shown.
    #[must_use]
    pub fn name(&self) -> &str {
        self.facts.get(super::columns::NAME).and_then(Value::as_text).unwrap_or_default()
    }

    /// Live entries of a list in order of their ids.
    pub(super) fn live<'a>(&'a self, list: &str) -> impl Iterator<Item = (EntryId, &'a HeldEntry)> {
        self.lists.get(list).into_iter().flatten().filter(|(_, entry)| entry.live).map(|(id, entry)| (*id, entry))
    }

    /// What it is recognised by.
    #[must_use]
    pub fn keys(&self) -> Keys {
        let fact = |field: &str| self.facts.get(field).and_then(Value::as_text);
        let shop = self.live("addresses").map(|(_, entry)| entry).find(|entry| entry.fields.contains_key("text"));
        Keys {
            subject: None,
            uscc: fact("uscc").map(str::to_owned),
            number: fact("customer_no").map(normal).filter(|number| !number.is_empty()),
            name: normal(self.name()),
            phones: self
                .live("phones")
                .filter_map(|(_, entry)| entry.fields.get("number")?.as_text())
                .map(forms::phone)
                .filter(|number| !number.is_empty())
                .collect(),
            address: shop.and_then(|entry| entry.fields.get("text")?.as_text()).map(normal),
            region: None,
            place: self.live("addresses").find_map(|(_, entry)| place::degrees_of(entry.fields.get("geo")?)),
        }
    }
}

/// What the last import asserted of each register, shown or not.
fn imported(document: &Document, prefix: &str) -> BTreeMap<String, Value> {
    ["facts", "entries"]
        .into_iter()
        .filter(|container| document.has_container(container))
        .flat_map(|container| document.history_of(container, |_| true))
        .filter_map(|(key, past)| {
            let assertion = Assertion::of_past(&past)?;
            (assertion.source == Some(Source::Import)).then(|| (format!("{prefix}{key}"), assertion.value))
        })
        .collect()
}
