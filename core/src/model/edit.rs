//! Edits: what a form, an import or a planner wants to write, checked against the schema and turned into registers.
//! Pure but for the document writer it is handed; no storage, no rights.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::assertion::{Assertion, Source};
use super::card::LIVE;
use super::normal;
use super::schema::{Field, FieldType, Kind, Merge};
use super::value::Value;
use crate::crdt::{DocumentError, Writer};
use crate::ids::{EntryId, Ms};

/// Most edits of one save.
pub const EDITS_MAX: usize = 2_000;
/// Most characters of one text.
pub const TEXT_CHARS_MAX: usize = 8_000;
/// Most characters of a set's element.
pub const ELEMENT_CHARS_MAX: usize = 80;
/// Most characters of a company field's text.
const EXTENSION_CHARS_MAX: u16 = 500;

/// Where a value comes from, beside its author and time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Provenance {
    /// Source; a visit when nothing is said.
    pub source: Option<Source>,
    /// The document or file behind it.
    pub source_doc: Option<String>,
    /// When it was observed, if not now.
    pub observed_at: Option<Ms>,
    /// Free remark.
    pub note: Option<String>,
    /// Who is said to have made it (imports).
    pub claimed_author: Option<String>,
    /// When it is said to have been made (imports).
    pub claimed_at: Option<Ms>,
    /// What proves it.
    pub evidence: Option<String>,
}

impl Provenance {
    /// Only a source.
    #[must_use]
    pub fn of(source: Source) -> Self {
        Self { source: Some(source), ..Self::default() }
    }
    fn assert(&self, value: Value) -> Assertion {
        Assertion {
            value,
            source: self.source.filter(|source| *source != Source::default()),
            source_doc: self.source_doc.clone(),
            observed_at: self.observed_at,
            note: self.note.clone(),
            claimed_author: self.claimed_author.clone(),
            claimed_at: self.claimed_at,
            evidence: self.evidence.clone(),
        }
    }
}

/// One thing to write into a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "edit", rename_all = "snake_case")]
pub enum Edit {
    /// Assert a fact or register; a null value says that there is nothing.
    Assert {
        /// Field id; `x.…` for a company's own.
        field: String,
        /// The value.
        value: Value,
        /// Where it comes from.
        #[serde(default)]
        provenance: Provenance,
    },
    /// Say that the shown value is still correct (仍正确).
    Confirm {
        /// Field id, or `list/entry/field`.
        field: String,
        /// The value that was shown.
        value: Value,
        /// When it was seen to be correct.
        at: Ms,
    },
    /// Put an element into a set.
    Include {
        /// Field id.
        field: String,
        /// The element.
        element: String,
    },
    /// Take an element out of a set.
    Exclude {
        /// Field id.
        field: String,
        /// The element.
        element: String,
    },
    /// Set fields of an entry of a list; a new id makes a new entry.
    Entry {
        /// Field id of the list.
        list: String,
        /// The entry.
        entry: EntryId,
        /// Fields and values.
        fields: BTreeMap<String, Value>,
        /// Where they come from.
        #[serde(default)]
        provenance: Provenance,
    },
    /// Remove entries of a list.
    RemoveEntry {
        /// Field id of the list.
        list: String,
        /// The entry.
        entry: EntryId,
    },
    /// Move a counter of an entry by a signed amount.
    Move {
        /// Field id of the list.
        list: String,
        /// The entry.
        entry: EntryId,
        /// The counter.
        field: String,
        /// Amount.
        by: i64,
        /// Id of this movement: repeating it counts once.
        movement: EntryId,
    },
    /// Delete and insert characters of a text.
    Splice {
        /// Field id.
        field: String,
        /// Position in characters.
        at: usize,
        /// Characters to delete.
        delete: usize,
        /// Text to insert.
        insert: String,
    },
    /// Turn a text into another by the smallest edit.
    Rewrite {
        /// Field id.
        field: String,
        /// The new text.
        text: String,
    },
    /// Add an entry to a log.
    Record {
        /// Field id of the log.
        log: String,
        /// Its id: repeating it counts once.
        entry: EntryId,
        /// What is recorded.
        value: Value,
    },
    /// Put a register of a container whose keys another part of the model defines (tours, verified slots, decisions).
    Put {
        /// Container.
        container: String,
        /// Key.
        key: String,
        /// The value.
        value: Value,
    },
}

/// Why an edit cannot be written. The text names the field, the cause and what to do.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// The kind has no such field, or not with this way to merge.
    #[error("{kind} has no field {field:?} that can be {verb}")]
    NoField {
        /// Kind id.
        kind: &'static str,
        /// Field id.
        field: String,
        /// What was tried.
        verb: &'static str,
    },
    /// The value is not what the field takes.
    #[error("field {field:?}: {why}")]
    Invalid {
        /// Field id.
        field: String,
        /// What is wrong and what would be right.
        why: String,
    },
    /// More edits than one save takes.
    #[error("{count} edits in one save; at most {EDITS_MAX}, split them")]
    TooMany {
        /// How many there were.
        count: usize,
    },
    /// The document refused.
    #[error(transparent)]
    Document(#[from] DocumentError),
}

/// Checks edits against a kind and writes them.
///
/// # Errors
/// The first [`EditError`]; the writer's change is then to be dropped.
pub fn write(kind: &'static Kind, edits: &[Edit], writer: &mut Writer<'_>) -> Result<(), EditError> {
    if edits.len() > EDITS_MAX {
        return Err(EditError::TooMany { count: edits.len() });
    }
    edits.iter().try_for_each(|edit| write_one(kind, edit, writer))
}

fn write_one(kind: &'static Kind, edit: &Edit, writer: &mut Writer<'_>) -> Result<(), EditError> {
    let no_field = |field: &str, verb: &'static str| EditError::NoField { kind: kind.id, field: field.to_owned(), verb };
    let find = |field: &str, verb: &'static str, fits: fn(&Merge) -> bool| {
        kind.field(field).filter(|found| fits(&found.merge)).ok_or_else(|| no_field(field, verb))
    };
    match edit {
        Edit::Assert { field, value, provenance } => {
            if let Some(known) = kind.field(field) {
                if !matches!(known.merge, Merge::Fact | Merge::Register | Merge::Once) {
                    return Err(no_field(field, "asserted"));
                }
                check(field, &known.ty, value)?;
            } else if is_extension(field) && kind.id == "customer" {
                check(field, &FieldType::Line(EXTENSION_CHARS_MAX), &value_as_line(value))?;
            } else {
                return Err(no_field(field, "asserted"));
            }
            let container = if kind.container("facts").is_some() { "facts" } else { first_container(kind) };
            put(writer, container, field, &provenance.assert(value.clone()))
        }
        Edit::Confirm { field, value, at } => {
            let key = format!("{field}/{}", normal::value_tag(value));
            put(writer, "confirmed", &key, &Assertion::of(at.0))
        }
        Edit::Include { field, element } | Edit::Exclude { field, element } => {
            find(field, "a set", |merge| *merge == Merge::Set)?;
            let element = element.trim();
            if element.is_empty() || element.chars().count() > ELEMENT_CHARS_MAX || element.chars().any(char::is_control) {
                return Err(invalid(field, &format!("an element has 1 to {ELEMENT_CHARS_MAX} visible characters")));
            }
            put(writer, "sets", &format!("{field}/{element}"), &Assertion::of(matches!(edit, Edit::Include { .. })))
        }
        Edit::Entry { list, entry, fields, provenance } => {
            let schema = find(list, "a list", |merge| matches!(merge, Merge::Entries(_)))?;
            for (name, value) in fields {
                let path = format!("{list}.{name}");
                let field = entry_field(schema, name).ok_or_else(|| no_field(&path, "set"))?;
                if field.merge == Merge::Counter {
                    return Err(no_field(&path, "set: it is moved"));
                }
                check(&path, &field.ty, value)?;
                put(writer, "entries", &format!("{list}/{entry}/{name}"), &provenance.assert(value.clone()))?;
            }
            put(writer, "entries", &format!("{list}/{entry}/{LIVE}"), &Assertion::of(true))
        }
        Edit::RemoveEntry { list, entry } => {
            find(list, "a list", |merge| matches!(merge, Merge::Entries(_)))?;
            put(writer, "entries", &format!("{list}/{entry}/{LIVE}"), &Assertion::of(false))
        }
        Edit::Move { list, entry, field, by, movement } => {
            let schema = find(list, "a list", |merge| matches!(merge, Merge::Entries(_)))?;
            let path = format!("{list}.{field}");
            let counter = entry_field(schema, field).filter(|field| field.merge == Merge::Counter);
            let counter = counter.ok_or_else(|| no_field(&path, "moved"))?;
            check(&path, &counter.ty, &Value::Int(*by))?;
            put(writer, "moves", &format!("{list}/{entry}/{field}/{movement}"), &Assertion::of(*by))?;
            put(writer, "entries", &format!("{list}/{entry}/{LIVE}"), &Assertion::of(true))
        }
        Edit::Splice { field, at, delete, insert } => {
            find(field, "a text", |merge| *merge == Merge::Text)?;
            prose(field, insert, TEXT_CHARS_MAX)?;
            Ok(writer.splice(field, *at, *delete, insert)?)
        }
        Edit::Rewrite { field, text } => {
            find(field, "a text", |merge| *merge == Merge::Text)?;
            prose(field, text, TEXT_CHARS_MAX)?;
            Ok(writer.rewrite(field, text)?)
        }
        Edit::Record { log, entry, value } => {
            let schema = find(log, "a log", |merge| matches!(merge, Merge::Log(_)))?;
            for (name, part) in value_parts(value) {
                let path = format!("{log}.{name}");
                let field = entry_field(schema, name).ok_or_else(|| no_field(&path, "recorded"))?;
                check(&path, &field.ty, part)?;
            }
            let container = if kind.container("log").is_some() { "log" } else { log };
            put(writer, container, &format!("{log}/{entry}"), &Assertion::of(value.clone()))
        }
        Edit::Put { container, key, value } => {
            let known = kind.container(container).ok_or_else(|| no_field(container, "written"))?;
            put(writer, known.name, key, &Assertion::of(value.clone()))
        }
    }
}

fn put(writer: &mut Writer<'_>, container: &str, key: &str, assertion: &Assertion) -> Result<(), EditError> {
    Ok(writer.put(container, key, assertion.to_bytes())?)
}

fn entry_field<'a>(schema: &'a Field, name: &str) -> Option<&'a Field> {
    schema.entry_fields().iter().find(|field| field.id == name)
}

fn first_container(kind: &'static Kind) -> &'static str {
    kind.containers.first().map_or("facts", |container| container.name)
}

fn value_parts(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let map = if let Value::Map(map) = value { Some(map) } else { None };
    map.into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}

/// Whether a field id is a company's own: `x.` and 1 to 40 of `a-z 0-9 _`.
#[must_use]
pub fn is_extension(field: &str) -> bool {
    field.strip_prefix("x.").is_some_and(|name| {
        (1..=40).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    })
}

fn value_as_line(value: &Value) -> Value {
    match value {
        Value::Null | Value::Int(_) | Value::Bool(_) => Value::Null,
        Value::Text(_) | Value::List(_) | Value::Map(_) => value.clone(),
    }
}

fn invalid(field: &str, why: &str) -> EditError {
    EditError::Invalid { field: field.to_owned(), why: why.to_owned() }
}

fn prose(field: &str, text: &str, max: usize) -> Result<(), EditError> {
    let chars = text.chars().count();
    if chars > max {
        return Err(invalid(field, &format!("{chars} characters; at most {max}")));
    }
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
        return Err(invalid(field, "contains control characters; remove them"));
    }
    Ok(())
}

/// Checks a value against a type; null always passes.
///
/// # Errors
/// [`EditError::Invalid`] with what would be right.
pub fn check(field: &str, ty: &FieldType, value: &Value) -> Result<(), EditError> {
    if value.is_null() {
        return Ok(());
    }
    let text = || value.as_text().ok_or_else(|| invalid(field, "expects text"));
    match ty {
        FieldType::Line(max) => {
            let text = text()?;
            if text.contains('\n') {
                return Err(invalid(field, "expects one line"));
            }
            prose(field, text, usize::from(*max))
        }
        FieldType::Prose(max) => prose(field, text()?, usize::from(*max)),
        FieldType::Integer { min, max } => match value.as_int() {
            Some(number) if (*min..=*max).contains(&number) => Ok(()),
            _ => Err(invalid(field, &format!("expects a whole number from {min} to {max}"))),
        },
        FieldType::Date => super::date::parse(text()?).map(|_| ()).ok_or_else(|| invalid(field, "expects a date such as 2026-03-02")),
        FieldType::Code(set) => match set.code(text()?) {
            Some(_) => Ok(()),
            None => Err(invalid(field, &format!("is no code of {} ({})", set.label.en, set.label.zh))),
        },
        FieldType::Phone => {
            let digits = normal::phone(text()?);
            if digits.len() < 3 {
                return Err(invalid(field, "expects a phone number of at least 3 digits"));
            }
            prose(field, text()?, 60)
        }
        FieldType::Bool => value.as_bool().map(|_| ()).ok_or_else(|| invalid(field, "expects yes or no")),
        FieldType::Uscc => {
            if super::uscc::is_valid(text()?) {
                Ok(())
            } else {
                Err(invalid(field, "is no unified social credit code: 18 characters with a check digit (GB 32100-2015)"))
            }
        }
        FieldType::Reference => prose(field, text()?, 120),
        FieldType::Instant => value.as_int().map(|_| ()).ok_or_else(|| invalid(field, "expects milliseconds since 1970")),
        FieldType::Money => {
            if value.get("amount").and_then(Value::as_int).is_none() {
                return Err(invalid(field, "expects an amount in minor units (fen) under `amount`"));
            }
            Ok(())
        }
        FieldType::Rating => match value.get("score").and_then(Value::as_int) {
            Some(1..=5) => Ok(()),
            _ => Err(invalid(field, "expects a score from 1 to 5 under `score`")),
        },
        FieldType::Geo => {
            let within = |name: &str, bound: i64| value.get(name).and_then(Value::as_int).is_some_and(|e7| e7.abs() <= bound * 10_000_000);
            if within("lat", 90) && within("lon", 180) {
                Ok(())
            } else {
                Err(invalid(field, "expects `lat` and `lon` in 1e-7 degrees (WGS-84)"))
            }
        }
        FieldType::Window => {
            let minute = |name: &str| value.get(name).and_then(Value::as_int).filter(|minute| (0..=1_440).contains(minute));
            match (minute("open"), minute("close")) {
                (Some(open), Some(close)) if open < close => Ok(()),
                _ => Err(invalid(field, "expects `open` before `close`, minutes since midnight")),
            }
        }
        FieldType::Stamp => match value.get("claimed").and_then(Value::as_int) {
            Some(_) => Ok(()),
            None => Err(invalid(field, "expects the device's time under `claimed`")),
        },
        FieldType::Structure => Ok(()),
    }
}
