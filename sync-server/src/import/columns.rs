//! Titles to fields. Belongs here: the normal form of a title and which field each column fills.
//! Never: the names in use (`synonyms`), cells (`values`).

use std::collections::BTreeMap;
use std::sync::OnceLock;

use roadbook_core::model::edit::is_extension;
use roadbook_core::model::kinds::{CUSTOMER, OFFICE};
use serde::Serialize;
use thiserror::Error;
use unicode_normalization::UnicodeNormalization;

use super::synonyms::{KNOWN, Known};
use super::units::{Stated, stated};

/// Longest title that is looked at, in characters: longer cells are remarks.
const TITLE_CHARS_MAX: usize = 60;
/// Bytes of a company field's id behind `x.`.
const EXTENSION_BYTES_MAX: usize = 40;
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
    /// Days in which numbers of this column count visits, because its title says so (`次/月`).
    pub visits_in_days: Option<i64>,
    /// Words in parentheses of a title of numbers that are no known unit.
    pub unclear: Vec<String>,
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
            None if is_extension(title) => (title.clone(), false),
            None => match known_title(title) {
                Some(known) if known.id == IGNORED => continue,
                Some(known) => (known.id.to_owned(), known.many),
                None => match extension_id(title).filter(|_| options.extend) {
                    Some(id) => (id, false),
                    None => {
                        columns.unknown.push(title.clone());
                        continue;
                    }
                },
            },
        };
        if !several && let Some(first) = taken.insert(field.clone(), title.clone()) {
            return Err(ColumnError::SameField { first, second: title.clone(), field: label(&field) });
        }
        let Stated { factor, visits_in_days, unclear } = stated(&field, title);
        columns.known.push(Column { at, title: title.clone(), field, factor, visits_in_days, unclear });
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
        if !field.is_empty() && !is_extension(field) && known_field(field).is_none() {
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

/// Whether every filled cell of a row is a title.
pub(super) fn all_titles(cells: &[&str]) -> bool {
    cells.iter().filter(|cell| !cell.trim().is_empty()).all(|cell| known_title(cell).is_some())
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
            let field = CUSTOMER.field(known.id).or_else(|| OFFICE.field(known.id));
            let labels = field.into_iter().flat_map(|field| [&*field.label.zh, &*field.label.en]);
            titles.extend(known.titles.iter().copied().chain(labels).map(|title| (normal(title), known)));
        }
        titles
    });
    let title = normal(title);
    let numbered = || {
        let bare = title.trim_end_matches(|c: char| c.is_ascii_digit());
        titles.get(bare).filter(|known| known.many)
    };
    titles.get(&title).or_else(numbered).copied()
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

/// What stands in parentheses.
pub(super) fn hints(title: &str) -> Vec<String> {
    title.split(['(', '[', '【']).skip(1).filter_map(|rest| rest.split([')', ']', '】']).next()).map(str::to_owned).collect()
}

/// `x.` and up to 40 of `a-z 0-9 _`: Latin letters and digits stay, Chinese characters become pinyin.
fn extension_id(title: &str) -> Option<String> {
    use pinyin::ToPinyin;
    let bare: String = without_hints(&title.nfkc().collect::<String>());
    let mut words: Vec<String> = Vec::new();
    let mut latin = false;
    for c in bare.chars() {
        if c.is_ascii_alphanumeric() {
            match words.last_mut().filter(|_| latin) {
                Some(word) => word.push(c.to_ascii_lowercase()),
                None => words.push(c.to_ascii_lowercase().to_string()),
            }
            latin = true;
        } else {
            latin = false;
            words.extend(c.to_pinyin().map(|sound| sound.plain().replace('ü', "v")));
        }
    }
    let mut id = words.join("_");
    id.truncate(EXTENSION_BYTES_MAX);
    let id = format!("x.{}", id.trim_end_matches('_'));
    is_extension(&id).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(title: &str) -> Option<&'static str> {
        known_title(title).map(|known| known.id)
    }

    fn headers(titles: &[&str]) -> Vec<String> {
        titles.iter().map(|title| (*title).to_owned()).collect()
    }

    #[test]
    fn titles_are_known_in_every_usual_writing() {
        for title in
            ["客户名称", " 店 名 ", "门店名称*", "客户名称（必填）", "客户名称/Name", "名称 Name", "CUSTOMER_NAME", "Ｎａｍｅ", "客户名称:"]
        {
            assert_eq!(field(title), Some("trade_name"), "{title}");
        }
        for (title, id) in [
            ("电话(必填)", "phones.number"),
            ("联系电话/手机", "phones.number"),
            ("手机号码2", "phones.number"),
            ("年销售额（万元）", "turnover"),
            ("经度/纬度", "import.coordinates"),
            ("经度(GCJ-02)", "import.longitude"),
            ("老板/联系人", "import.owner_name"),
            ("建档日期", "import.claimed_at"),
            ("统一社会信用代码\n(18位)", "uscc"),
            ("营业执照名称", "legal_name"),
        ] {
            assert_eq!(field(title), Some(id), "{title}");
        }
        for title in ["", "*", "星座", "名称/地址", "2026年3月"] {
            assert_eq!(field(title), None, "{title}");
        }
    }

    #[test]
    fn no_title_is_listed_for_two_fields() {
        let mut seen: BTreeMap<String, &str> = BTreeMap::new();
        for known in KNOWN {
            for title in known.titles {
                assert!(seen.insert(normal(title), known.id).is_none_or(|before| before == known.id), "{title}");
            }
        }
    }

    #[test]
    fn labels_of_the_schema_are_titles() {
        use roadbook_core::model::kinds::{CUSTOMER, OFFICE};
        for field in CUSTOMER.fields().chain(OFFICE.fields()).filter(|field| field.entry_fields().is_empty()) {
            // Links to other documents and slots of the office are no columns of a list.
            if matches!(field.ty, roadbook_core::model::FieldType::Reference) && field.id != "owner"
                || ["prospect_stage", "substitute_until", "credit_badge"].contains(&&*field.id)
            {
                continue;
            }
            for label in [&field.label.zh, &field.label.en] {
                assert_eq!(known_title(label).map(|known| known.id), Some(&*field.id), "{label}");
            }
        }
    }

    #[test]
    fn columns_are_matched_once_and_strangers_reported() {
        let titles = headers(&["序号", "客户名称", "电话1", "电话2", "备注", "星座", "", "年销售额（万元）"]);
        let columns = matched(&titles, &ColumnOptions::default()).unwrap_or_default();
        let fields: Vec<(&str, usize, i64)> = columns.known.iter().map(|c| (c.field.as_str(), c.at, c.factor)).collect();
        assert_eq!(
            fields,
            [("trade_name", 1, 1), ("phones.number", 2, 1), ("phones.number", 3, 1), ("import.remark", 4, 1), ("turnover", 7, 10_000)]
        );
        assert_eq!(columns.unknown, ["星座"]);
        let extended = matched(&titles, &ColumnOptions { extend: true, ..ColumnOptions::default() }).unwrap_or_default();
        assert!(extended.known.iter().any(|c| c.field == "x.xing_zuo") && extended.unknown.is_empty());
    }

    #[test]
    fn two_titles_for_one_field_are_named() {
        let titles = headers(&["客户名称", "地址", "店名"]);
        let error = matched(&titles, &ColumnOptions::default());
        assert_eq!(error, Err(ColumnError::SameField { first: "客户名称".into(), second: "店名".into(), field: "名称".into() }));
        let mut options = ColumnOptions::default();
        options.assigned.insert("店名".to_owned(), "short_name".to_owned());
        assert!(matched(&titles, &options).is_ok_and(|columns| columns.of("short_name").count() == 1));
        options.assigned.insert("店名".to_owned(), String::new());
        assert!(matched(&titles, &options).is_ok());
        assert_eq!(matched(&headers(&["地址", "电话"]), &ColumnOptions::default()), Err(ColumnError::NoName));
        options.assigned.insert("店名".to_owned(), "nonsense".to_owned());
        assert!(matches!(matched(&titles, &options), Err(ColumnError::NoSuchField { .. })));
    }
}
