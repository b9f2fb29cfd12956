//! Paragraphs that an import adds to texts. Belongs here: which of them are news, and how a card remembers those that were added.
//! Never: where in a text they go (`apply`).
//!
//! A text merges character by character and keeps no source, so each paragraph that an import adds leaves a register in
//! `confirmed` of the card: `<field>/<tag>`, the tag being that of its normal form, the value the file and row it came from.
//! People may rewrite or remove the paragraph: the same list adds it no more. Phones take the register for the confirmation of
//! a value that the field does not show, which is nothing to them.

use std::collections::BTreeSet;

use roadbook_core::crdt::Document;
use roadbook_core::model::edit::Edit;
use roadbook_core::model::{Value, normal as forms};

use super::held::Held;

/// Where added paragraphs are remembered.
const CONTAINER: &str = "confirmed";
/// Paragraphs of one cell; a cell with more is one.
const PARAGRAPHS_MAX: usize = 40;

/// What of a text is neither said on the card nor was ever added by an import.
pub(super) fn news(field: &str, text: &str, held: &Held) -> Option<String> {
    let said = held.texts.get(field).map(|text| forms::text(text)).unwrap_or_default();
    let all = paragraphs(text);
    let new: Vec<&str> = all
        .iter()
        .copied()
        .filter(|paragraph| !said.contains(&forms::text(paragraph)) && !held.paragraphs.contains(&key(field, paragraph)))
        .collect();
    let whole = new.len() == all.len();
    (!new.is_empty()).then(|| if whole { text.to_owned() } else { new.join("\n") })
}

/// The edits that remember what is added to a text.
pub(super) fn remembered(field: &str, text: &str, source: &str) -> Vec<Edit> {
    let keys: BTreeSet<String> = paragraphs(text).into_iter().map(|paragraph| key(field, paragraph)).collect();
    keys.into_iter().map(|key| Edit::Put { container: CONTAINER.to_owned(), key, value: source.into() }).collect()
}

/// What a card remembers.
pub(super) fn of_document(customer: &Document) -> BTreeSet<String> {
    customer.registers(CONTAINER).into_iter().map(|register| register.key).collect()
}

fn paragraphs(text: &str) -> Vec<&str> {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if lines.len() > PARAGRAPHS_MAX { vec![text] } else { lines }
}

fn key(field: &str, paragraph: &str) -> String {
    format!("{field}/{}", forms::value_tag(&Value::Text(forms::text(paragraph))))
}
