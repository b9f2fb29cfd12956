//! Titles to fields. Belongs here: the normal form of a title and which field each column fills.
//! Never: the names in use (`synonyms`), cells (`values`).

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Serialize;
use thiserror::Error;
use unicode_normalization::UnicodeNormalization;

use super::synonyms::{KNOWN, Known};

/// Longest title that is looked at, in characters: longer cells are remarks.
const TITLE_CHARS_MAX: usize = 60;
/// The field without which a list is none.
pub const NAME: &str = "trade_name";
/// Columns that count rows and are left alone.
const IGNORED: &str = "import.ignored";

/// What one column of a table fills.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Column {
    /// Place in the row, from 0.
    pub at: usize,
    /// Title as it stands in the file.
    pub title: String,
    /// Field id (see [`Known::id`]); `x.…` for a company's own field.
    pub field: String,
    /// By what numbers of this column are multiplied, because its title says so (`万元`); 1 otherwise.
    pub factor: i64,
}

/// The columns of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Columns {
    /// Columns that fill a field, in the order of the file.
    pub known: Vec<Column>,
    /// Titles of the columns that fill nothing.
    pub unknown: Vec<String>,
}

impl Columns {
    /// The columns that fill a field.
    pub fn of<'a>(&'a self, field: &'a str) -> impl Iterator<Item = &'a Column> {
        self.known.iter().filter(move |column| column.field == field)
    }
}

/// What the person who imports can choose about columns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ColumnOptions {
    /// Title → field id, for titles that are not known or mean something else here; an empty id leaves the column out.
    pub assigned: BTreeMap<String, String>,
    /// Whether columns with an unknown title become fields of the company (`x.…`) instead of being left out.
    pub extend: bool,
}

/// Why titles could not be matched to fields.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ColumnError {
    /// Two titles claim one field that holds one value.
    #[error("columns “{first}” and “{second}” both mean “{field}”; rename one, or say which to leave out")]
    SameField {
        /// Title further left.
        first: String,
        /// Title further right.
        second: String,
        /// Label of the field.
        field: String,
    },
    /// No column is the name.
    #[error("no column holds the name; title one “客户名称” (name)")]
    NoName,
    /// A title was assigned that the file does not have.
    #[error("there is no column “{title}” to assign")]
    NoSuchTitle {
        /// The title asked for.
        title: String,
    },
    /// A title was assigned to a field that an import cannot fill.
    #[error("“{field}” is no field that an import can fill")]
    NoSuchField {
        /// The field asked for.
        field: String,
    },
}

/// Matches the titles of a table.
///
/// # Errors
/// [`ColumnError`], naming titles and field.
pub fn matched(headers: &[String], options: &ColumnOptions) -> Result<Columns, ColumnError> {
    let assigned = assigned(headers, options)?;
    let mut columns = Columns::default();
    let mut taken: BTreeMap<String, String> = BTreeMap::new();
    for (at, title) in headers.iter().enumerate() {
        if title.is_empty() {
            continue;
        }
        let (field, several) = match assigned.get(title.as_str()) {
            Some(field) if field.is_empty() => continue,
            Some(field) => (field.clone(), known_field(field).is_some_and(|known| known.many)),
            None => match known_title(title) {
                Some(known) if known.id == IGNORED => continue,
                Some(known) => (known.id.to_owned(), known.many),
                None if options.extend && !normal(title).is_empty() => (extension_id(title), false),
                None => {
                    columns.unknown.push(title.clone());
                    continue;
                }
            },
        };
        if !several && let Some(first) = taken.insert(field.clone(), title.clone()) {
            return Err(ColumnError::SameField { first, second: title.clone(), field: label(&field) });
        }
        columns.known.push(Column { at, title: title.clone(), factor: factor(title), field });
    }
    if columns.of(NAME).next().is_none() {
        return Err(ColumnError::NoName);
    }
    Ok(columns)
}

fn assigned<'a>(headers: &[String], options: &'a ColumnOptions) -> Result<BTreeMap<&'a str, String>, ColumnError> {
    let mut assigned = BTreeMap::new();
    for (title, field) in &options.assigned {
        if !headers.iter().any(|header| header == title) {
            return Err(ColumnError::NoSuchTitle { title: title.clone() });
        }
        if !field.is_empty() && !field.starts_with("x.") && known_field(field).is_none() {
            return Err(ColumnError::NoSuchField { field: field.clone() });
        }
        assigned.insert(title.as_str(), field.clone());
    }
    Ok(assigned)
}

/// How many different fields the cells of a row name as titles would.
pub(super) fn titles_known(cells: &[&str]) -> usize {
    let mut ids: Vec<&str> = cells.iter().filter_map(|cell| known_title(cell)).map(|known| known.id).collect();
    ids.sort_unstable();
    ids.dedup();
    ids.len()
}

/// Whether one cell of a row is a title of the name.
pub(super) fn names_the_name(cells: &[&str]) -> bool {
    cells.iter().any(|cell| known_title(cell).is_some_and(|known| known.id == NAME))
}

/// The field of a title: as a whole, without its hint in parentheses, or when all parts of a title in two languages
/// (`客户名称 / Name`) mean the same.
pub(super) fn known_title(title: &str) -> Option<&'static Known> {
    if title.chars().take(TITLE_CHARS_MAX + 1).count() > TITLE_CHARS_MAX {
        return None;
    }
    let plain: String = title.nfkc().collect();
    let bare = without_hints(&plain);
    if let Some(known) = lookup(&plain).or_else(|| lookup(&bare)) {
        return Some(known);
    }
    let hints = hints(&plain);
    let parts = bare.split(['/', '|', '\n', '、', '或']).chain(hints.iter().map(String::as_str)).filter(|part| !normal(part).is_empty());
    let mut meant = None;
    for part in parts {
        match (lookup(part), meant) {
            (Some(known), None) => meant = Some(known),
            (Some(known), Some(before)) if known != before => return None,
            (Some(_) | None, _) => {}
        }
    }
    // A hint alone (`序列(客户)`) does not name a column: some part outside the parentheses must.
    meant.or_else(|| bilingual(&bare))
}

/// `客户名称 Customer name`: the Chinese and the other words each name the same field.
fn bilingual(title: &str) -> Option<&'static Known> {
    let chinese: String = title.chars().filter(|c| !c.is_ascii()).collect();
    let other: String = title.chars().filter(char::is_ascii).collect();
    let (first, second) = (lookup(&chinese)?, lookup(&other)?);
    (first == second).then_some(first)
}

fn lookup(title: &str) -> Option<&'static Known> {
    static TITLES: OnceLock<BTreeMap<String, &'static Known>> = OnceLock::new();
    let titles = TITLES.get_or_init(|| {
        let mut titles = BTreeMap::new();
        for known in KNOWN {
            for title in known.titles {
                titles.insert(normal(title), known);
            }
        }
        titles
    });
    titles.get(&normal(title)).copied()
}

fn known_field(id: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.id == id)
}

/// Label of a field for messages: the first title in use.
pub(super) fn label(field: &str) -> String {
    known_field(field).and_then(|known| known.titles.first()).map_or_else(|| field.to_owned(), |title| (*title).to_owned())
}

/// Letters and digits only, compatibility forms unified, lower case.
#[must_use]
pub fn normal(text: &str) -> String {
    let kept: String = text.nfkc().filter(|c| c.is_alphanumeric() || *c == '#').flat_map(char::to_lowercase).collect();
    kept
}

fn without_hints(title: &str) -> String {
    let mut depth = 0_u32;
    let mut kept = String::with_capacity(title.len());
    for c in title.chars() {
        match c {
            '(' | '[' | '【' | '<' | '《' => depth += 1,
            ')' | ']' | '】' | '>' | '》' => depth = depth.saturating_sub(1),
            _ if depth == 0 => kept.push(c),
            _ => {}
        }
    }
    kept
}

fn hints(title: &str) -> Vec<String> {
    title.split(['(', '[', '【']).skip(1).filter_map(|rest| rest.split([')', ']', '】']).next()).map(str::to_owned).collect()
}

/// The unit that a title states: `销售额(万元)` counts in ten thousands.
fn factor(title: &str) -> i64 {
    let plain: String = title.nfkc().collect();
    if plain.contains("亿") {
        100_000_000
    } else if plain.contains('万') {
        10_000
    } else if plain.contains("千元") {
        1_000
    } else {
        1
    }
}

fn extension_id(title: &str) -> String {
    format!("x.{}", normal(title))
}
