//! A card as one row of a list. Belongs here: which values of a card stand in which column. Never: files.

use std::collections::BTreeMap;

use roadbook_core::model::Value;
use roadbook_core::model::card::{Card, Entry, Fact};

use super::Language;
use super::words::words;
use crate::import::draft::entry_id;

/// What one cell holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Text.
    Text(String),
    /// A number.
    Number(f64),
}

/// Values by column id (see `columns`); a column without one stays empty.
pub type Row = BTreeMap<String, Cell>;

/// Names for ids of territories and people. What has none is shown by its id.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// Territory id → name.
    pub territories: BTreeMap<String, String>,
    /// User id → name.
    pub people: BTreeMap<String, String>,
}

/// The row of a card.
#[must_use]
pub fn of_card(card: &Card, names: &Names, language: Language) -> Row {
    let mut row = Row::new();
    for (id, fact) in &card.facts {
        put(&mut row, id, value_cell(id, &fact.value, language));
    }
    for (id, fact) in &card.office {
        let named = fact.value.as_text().and_then(|value| match id.as_str() {
            "territory" => names.territories.get(value),
            "owner" => names.people.get(value),
            _ => None,
        });
        put(&mut row, id, named.map_or_else(|| value_cell(id, &fact.value, language), |name| Cell::Text(name.clone())));
    }
    for (id, elements) in &card.sets {
        let texts: Vec<String> = elements.iter().map(|element| words(id, &element.value.as_str().into(), language)).collect();
        put(&mut row, id, Cell::Text(texts.join("、")));
    }
    for (id, text) in &card.texts {
        put(&mut row, id, Cell::Text(text.clone()));
    }
    lists(card, &mut row, language);
    put(&mut row, "import.customer", Cell::Text(card.subject.to_string()));
    row
}

fn lists(card: &Card, row: &mut Row, language: Language) {
    let entries = |list: &str| card.lists.get(list).map(Vec::as_slice).unwrap_or_default();
    let joined = |list: &str, field: &str, between: &str| {
        let texts: Vec<&str> = entries(list).iter().filter_map(|entry| text(entry, field)).collect();
        Cell::Text(texts.join(between))
    };
    // Where an import made an entry, that is the one which the next import compares with: see `crate::import`.
    let imported = |list: &str, slot: &str| {
        let id = entry_id(card.subject, list, slot);
        entries(list).iter().find(|entry| entry.id == id)
    };
    put(row, "phones.number", joined("phones", "number", ";"));
    put(row, "competitors.brand", joined("competitors", "brand", "、"));
    for (id, role) in
        [("import.owner_name", "owner"), ("import.manager_name", "manager"), ("import.legal_representative", "legal_representative")]
    {
        let of_role = |entry: &&Entry| text(entry, "role") == Some(role);
        let person = imported("stakeholders", role).filter(of_role).or_else(|| entries("stakeholders").iter().find(of_role));
        put(row, id, Cell::Text(person.and_then(|entry| text(entry, "name")).unwrap_or_default().to_owned()));
    }
    let windows: Vec<String> = entries("time_windows")
        .iter()
        .filter_map(|entry| entry.fields.get("window"))
        .map(|fact| words("time_windows", &fact.value, language))
        .collect();
    put(row, "time_windows", Cell::Text(windows.join(";")));
    let shop = |entry: &&Entry| text(entry, "kind").is_none_or(|kind| kind == "shop");
    if let Some(address) = imported("addresses", "shop").filter(shop).or_else(|| entries("addresses").iter().find(shop)) {
        for (id, field) in [("addresses.text", "text"), ("addresses.parking", "parking")] {
            put(row, id, Cell::Text(text(address, field).unwrap_or_default().to_owned()));
        }
        if let Some(place) = address.fields.get("geo").and_then(|fact| crate::import::degrees_of(&fact.value)) {
            put(row, "import.longitude", Cell::Number(place.lon));
            put(row, "import.latitude", Cell::Number(place.lat));
        }
    }
}

fn text<'a>(entry: &'a Entry, field: &str) -> Option<&'a str> {
    let fact: &'a Fact = entry.fields.get(field)?;
    fact.value.as_text().filter(|text| !text.is_empty())
}

fn value_cell(id: &str, value: &Value, language: Language) -> Cell {
    match (value.as_int(), value.get("amount").and_then(Value::as_int)) {
        (Some(number), _) => Cell::Number(number as f64),
        (None, Some(fen)) => Cell::Number(fen as f64 / 100.0),
        (None, None) => Cell::Text(words(id, value, language)),
    }
}

fn put(row: &mut Row, id: &str, cell: Cell) {
    if !matches!(&cell, Cell::Text(text) if text.is_empty()) {
        row.insert(id.to_owned(), cell);
    }
}
