//! What a row says that is news to a card. Belongs here: comparing statements with what is held. Pure.
//! Never: which card (`plan`).
//!
//! A statement is no news if it is shown, or if the last import made the same one: what people changed since then in the
//! field stays as they left it.

use std::collections::{BTreeMap, BTreeSet};

use roadbook_core::ids::EntryId;
use roadbook_core::model::kinds::{CUSTOMER, OFFICE};
use roadbook_core::model::{FieldType, Value, normal as forms};
use serde::Serialize;

use super::columns::{label, normal};
use super::draft::{Note, Say, entry_id};
use super::fault::Fault;
use super::held::{Held, HeldEntry};
use super::{paragraphs, place, similar};

/// Positions closer than this are the same, in metres: other decimals of the same fix.
const SAME_PLACE_M: f64 = 5.0;

/// One change of a card, for people who read the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Field id, or `list.field` for an entry.
    pub field: String,
    /// What was shown; null if nothing was.
    pub from: Value,
    /// What the file says; null for an entry that is no longer there.
    pub to: Value,
}

/// The statements that are news, and the changes they make.
pub(super) fn news(says: Vec<Say>, held: &Held, notes: &mut Vec<Note>) -> (Vec<Say>, Vec<Change>) {
    let mut kept = Vec::new();
    let mut changes = Vec::new();
    let mut windows = Vec::new();
    for say in says {
        match say {
            Say::Entry { ref list, .. } if list == "time_windows" => windows.push(say),
            Say::Fact { field, value } => {
                let from = held.facts.get(&field);
                if differs(&field, from, &value) && differs(&field, held.imported.get(&field), &value) {
                    changes.push(Change { field: field.clone(), from: from.cloned().unwrap_or_default(), to: value.clone() });
                    kept.push(Say::Fact { field, value });
                }
            }
            Say::Office { field, value } => {
                let from = held.office.get(&field);
                let before = held.imported.get(&format!("office/{field}"));
                if differs(&field, from, &value) && differs(&field, before, &value) {
                    changes.push(Change { field: field.clone(), from: from.cloned().unwrap_or_default(), to: value.clone() });
                    kept.push(Say::Office { field, value });
                }
            }
            Say::Member { set, element } => {
                let known = held.sets.get(&set).is_some_and(|elements| elements.contains(&element));
                let twice = kept.iter().any(|say| matches!(say, Say::Member { set: s, element: e } if *s == set && *e == element));
                if !known && !twice {
                    changes.push(Change { field: set.clone(), from: Value::Null, to: element.as_str().into() });
                    kept.push(Say::Member { set, element });
                }
            }
            Say::Text { field, text } => {
                if let Some(text) = paragraphs::news(&field, &text, held) {
                    changes.push(Change { field: field.clone(), from: Value::Null, to: text.as_str().into() });
                    kept.push(Say::Text { field, text });
                }
            }
            Say::Entry { list, slot, fields, .. } => entry((&list, &slot, fields), held, notes, &mut kept, &mut changes),
            Say::Gone { list, entry } => kept.push(Say::Gone { list, entry }),
        }
    }
    hours(windows, held, notes, &mut kept, &mut changes);
    (kept, changes)
}

/// Whether a value is another than one that is there, in the normal form of its field.
fn differs(field: &str, there: Option<&Value>, value: &Value) -> bool {
    let Some(there) = there else { return !value.is_null() };
    let known = CUSTOMER.field(field).or_else(|| OFFICE.field(field));
    match known.map(|field| &field.ty) {
        // A list gives the amount; when and for which period stays as it is.
        Some(FieldType::Money) => there.get("amount") != value.get("amount"),
        Some(FieldType::Rating) => {
            there.get("score") != value.get("score") || (value.get("reason").is_some() && there.get("reason") != value.get("reason"))
        }
        Some(ty) => forms::value(ty, there) != forms::value(ty, value),
        None => there != value,
    }
}

fn entry(say: (&str, &str, BTreeMap<String, Value>), held: &Held, notes: &mut Vec<Note>, kept: &mut Vec<Say>, changes: &mut Vec<Change>) {
    let (list, slot, fields) = say;
    let (id, there) = match home(list, slot, &fields, held) {
        Home::There(id, there) => (id, there),
        Home::New(id) => {
            changes.extend(shown(list, &fields).map(|(field, value)| Change { field, from: Value::Null, to: value }));
            kept.push(Say::Entry { list: list.to_owned(), slot: slot.to_owned(), entry: Some(id), fields });
            return;
        }
        Home::Removed { said_before: true } => return,
        Home::Removed { said_before: false } => {
            notes.push(Note { column: label("addresses.text"), fault: Fault::RemovedSince });
            return;
        }
    };
    let mut news = BTreeMap::new();
    for (field, value) in fields {
        let from = there.fields.get(&field);
        let imported = held.imported.get(&format!("{list}/{id}/{field}"));
        // A second list does not argue about kinds and preferences of what is already known.
        let minor = field == "preferred" || matches!(field.as_str(), "kind" | "person" | "role") && from.is_some();
        if !minor && entry_differs(list, &field, from, &value) && entry_differs(list, &field, imported, &value) {
            changes.push(Change { field: format!("{list}.{field}"), from: from.cloned().unwrap_or_default(), to: value.clone() });
            news.insert(field, value);
        }
    }
    if !news.is_empty() {
        kept.push(Say::Entry { list: list.to_owned(), slot: slot.to_owned(), entry: Some(id), fields: news });
    }
}

/// Where a statement about an entry of a list goes.
enum Home<'a> {
    /// To an entry that is there.
    There(EntryId, &'a HeldEntry),
    /// Into a new one.
    New(EntryId),
    /// Nowhere: somebody removed what an import made.
    Removed {
        /// Whether the last import said the same: then there is nothing to tell.
        said_before: bool,
    },
}

/// An entry that says the same goes first, whoever made it; then the one that an import made; then for an address the first
/// shop address there is, which is the one that an export writes. Where somebody removed what an import made, the same
/// statement stays away, and another one is a new entry.
fn home<'a>(list: &str, slot: &str, fields: &BTreeMap<String, Value>, held: &'a Held) -> Home<'a> {
    let derived = entry_id(held.subject, list, slot);
    if let Some((id, there)) = says_the_same(list, fields, held) {
        return Home::There(id, there);
    }
    match held.lists.get(list).and_then(|entries| entries.get(&derived)) {
        Some(there) if there.live => Home::There(derived, there),
        Some(_) => after_removal(list, slot, derived, fields, held),
        None => {
            let shop = |entry: &HeldEntry| entry.fields.get("kind").is_none_or(|kind| kind.as_text() == Some("shop"));
            let first = held.live(list).find(|(_, entry)| list == "addresses" && shop(entry));
            first.map_or(Home::New(derived), |(id, there)| Home::There(id, there))
        }
    }
}

/// The entry with the same number, brand, text, or role and name.
fn says_the_same<'a>(list: &str, fields: &BTreeMap<String, Value>, held: &'a Held) -> Option<(EntryId, &'a HeldEntry)> {
    let (field, form): (_, fn(&str) -> String) = match list {
        "phones" => ("number", forms::phone),
        _ => (key_field(list)?, normal),
    };
    let wanted = fields.get(field).and_then(Value::as_text).map(form)?;
    held.live(list)
        .filter(|(_, entry)| list != "stakeholders" || entry.fields.get("role") == fields.get("role"))
        .find(|(_, entry)| entry.fields.get(field).and_then(Value::as_text).map(form).as_ref() == Some(&wanted))
}

/// What an entry of a list is known by to a person.
fn key_field(list: &str) -> Option<&'static str> {
    Some(match list {
        "phones" => "number",
        "competitors" => "brand",
        "stakeholders" => "name",
        "addresses" => "text",
        _ => return None,
    })
}

/// A number or brand has an entry of its own: removed, it stays away. Addresses and people have one slot, whatever it says.
fn after_removal<'a>(list: &str, slot: &str, removed: EntryId, fields: &BTreeMap<String, Value>, held: &'a Held) -> Home<'a> {
    let before = |field: &str| held.imported.get(&format!("{list}/{removed}/{field}"));
    let key = key_field(list).filter(|_| matches!(list, "addresses" | "stakeholders"));
    let Some(key) = key else { return Home::Removed { said_before: true } };
    let Some(value) = fields.get(key) else {
        let same = fields.iter().all(|(field, value)| field == "kind" || !entry_differs(list, field, before(field), value));
        return Home::Removed { said_before: same };
    };
    if !entry_differs(list, key, before(key), value) {
        return Home::Removed { said_before: true };
    }
    let id = entry_id(held.subject, list, &format!("{slot}/{}", normal(value.as_text().unwrap_or_default())));
    match held.lists.get(list).and_then(|entries| entries.get(&id)) {
        Some(there) if there.live => Home::There(id, there),
        Some(_) => Home::Removed { said_before: true },
        None => Home::New(id),
    }
}

fn entry_differs(list: &str, field: &str, there: Option<&Value>, value: &Value) -> bool {
    let Some(there) = there else { return !value.is_null() };
    match (list, field) {
        ("phones", "number") => there.as_text().map(forms::phone) != value.as_text().map(forms::phone),
        ("addresses", "geo") => match (place::degrees_of(there), place::degrees_of(value)) {
            (Some(one), Some(other)) => similar::metres(one, other) > SAME_PLACE_M,
            (None | Some(_), None) | (None, Some(_)) => true,
        },
        _ => match (there.as_text(), value.as_text()) {
            (Some(one), Some(other)) => normal(one) != normal(other),
            (None | Some(_), None) | (None, Some(_)) => there != value,
        },
    }
}

/// What of an entry is worth a line of the report.
fn shown<'a>(list: &'a str, fields: &'a BTreeMap<String, Value>) -> impl Iterator<Item = (String, Value)> + 'a {
    fields
        .iter()
        .filter(|(field, _)| !matches!(field.as_str(), "kind" | "preferred" | "person" | "role"))
        .map(move |(field, value)| (format!("{list}.{field}"), value.clone()))
}

/// Hours are compared as a whole: a list gives all of them. Hours that came from the field are kept.
fn hours(windows: Vec<Say>, held: &Held, notes: &mut Vec<Note>, kept: &mut Vec<Say>, changes: &mut Vec<Change>) {
    const LIST: &str = "time_windows";
    let wanted: Vec<(String, Value)> = windows
        .into_iter()
        .filter_map(|say| match say {
            Say::Entry { slot, mut fields, .. } => Some((slot, fields.remove("window")?)),
            Say::Fact { .. } | Say::Office { .. } | Say::Member { .. } | Say::Gone { .. } | Say::Text { .. } => None,
        })
        .collect();
    if wanted.is_empty() {
        return;
    }
    let window_of = |entry: &HeldEntry| entry.fields.get("window").cloned().unwrap_or_default();
    let there: BTreeMap<EntryId, Value> = held.live(LIST).map(|(id, entry)| (id, window_of(entry))).collect();
    let same: BTreeSet<&Value> = wanted.iter().map(|(_, window)| window).collect();
    if same == there.values().collect() {
        return;
    }
    let ids: Vec<EntryId> = wanted.iter().map(|(slot, _)| entry_id(held.subject, LIST, slot)).collect();
    let said_before = wanted.iter().zip(&ids).all(|((_, window), id)| held.imported.get(&format!("{LIST}/{id}/window")) == Some(window));
    if said_before {
        return;
    }
    let made_by_import = |id: &EntryId| (0..16_u8).any(|slot| entry_id(held.subject, LIST, &slot.to_string()) == *id);
    if there.keys().any(|id| !made_by_import(id)) {
        notes.push(Note { column: LIST.to_owned(), fault: Fault::KeptFromField });
        return;
    }
    for ((slot, window), id) in wanted.into_iter().zip(&ids) {
        if there.get(id) == Some(&window) {
            continue;
        }
        let from = there.get(id).cloned().unwrap_or_default();
        changes.push(Change { field: LIST.to_owned(), from, to: window.clone() });
        let fields = BTreeMap::from([("window".to_owned(), window)]);
        kept.push(Say::Entry { list: LIST.to_owned(), slot, entry: Some(*id), fields });
    }
    for (id, window) in there.into_iter().filter(|(id, _)| !ids.contains(id)) {
        changes.push(Change { field: LIST.to_owned(), from: window, to: Value::Null });
        kept.push(Say::Gone { list: LIST.to_owned(), entry: id });
    }
}
