//! Forms as apps draw them: the schema of a kind, read from the core. An app that draws its forms from here shows a new field, or a
//! retired code, without an update of its own.

use roadbook_core::model::kinds;
use roadbook_core::model::schema::{Field, FieldType, Label, Merge, Section, ValueSet};

use crate::error::RoadbookError;

/// Fields that are shown together.
#[derive(Debug, Clone, uniffi::Record)]
pub struct FormSection {
    /// Stable id.
    pub id: String,
    /// Its name in Chinese.
    pub zh: String,
    /// Its name in English.
    pub en: String,
    /// Its fields in order.
    pub fields: Vec<FormField>,
}

/// One field of a form.
#[derive(Debug, Clone, uniffi::Record)]
pub struct FormField {
    /// Stable id: what an edit names.
    pub id: String,
    /// Its name in Chinese.
    pub zh: String,
    /// Its name in English.
    pub en: String,
    /// How it is edited.
    pub shape: FormShape,
    /// What its value looks like.
    pub input: FormInput,
    /// Fields of an entry, for lists and logs.
    pub entry: Vec<FormField>,
    /// Days for which an observation counts as fresh; none: for ever.
    pub fresh_days: Option<u16>,
}

/// How a field is edited: which arm of `Edit` writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum FormShape {
    /// One value: `Assert`.
    One,
    /// A set: `Include`, `Exclude`.
    Set,
    /// A list of entries: `Entry`, `RemoveEntry`.
    Entries,
    /// A text that merges: `Rewrite`, `Splice`.
    Text,
    /// A log: `Record`.
    Log,
    /// A counter inside an entry: `Move`.
    Counter,
}

/// What a value looks like; parts of maps in backquotes.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum FormInput {
    /// One line.
    Line {
        /// Most characters.
        chars_max: u16,
    },
    /// Several lines.
    Prose {
        /// Most characters.
        chars_max: u16,
    },
    /// A whole number.
    Integer {
        /// Least value.
        min: i64,
        /// Greatest value.
        max: i64,
    },
    /// One of these codes.
    Code {
        /// The codes in order, retired ones left out.
        codes: Vec<FormCode>,
    },
    /// Map of `amount` (fen), `currency`, and `as_of` or `period`.
    Money,
    /// `YYYY-MM-DD`, also `YYYY` or `YYYY-MM`.
    Date,
    /// Map of `score` 1 to 5 and `reason`.
    Rating,
    /// A phone number as typed.
    Phone,
    /// Map of `lat`, `lon` (1e-7 degrees), `accuracy_m`.
    Geo,
    /// Yes or no.
    Bool,
    /// Map of `open`, `close` (minutes since midnight) and `days` (digits 1 to 7).
    Window,
    /// Unified social credit code.
    Uscc,
    /// Id of a document, person or file.
    Reference,
    /// Milliseconds since 1970.
    Instant,
    /// Filled in by the library or by a page of its own: not typed.
    Made,
}

/// One code of a value set.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct FormCode {
    /// What is stored.
    pub id: String,
    /// Its name in Chinese.
    pub zh: String,
    /// Its name in English.
    pub en: String,
}

/// The form of a kind: `customer`, `office`, `visit`, `tour`, `proposal`, `verification`, `person`, `credit`.
///
/// # Errors
/// `NotHere` for a kind that this version does not know.
#[uniffi::export]
pub fn form(kind: &str) -> Result<Vec<FormSection>, RoadbookError> {
    let found = kinds::ALL.iter().find(|known| known.id == kind);
    let found = found.ok_or_else(|| RoadbookError::NotHere { what: "kind".to_owned(), id: kind.to_owned() })?;
    Ok(found.sections.iter().map(section).collect())
}

fn section(section: &Section) -> FormSection {
    let (zh, en) = words(&section.label);
    FormSection { id: section.id.to_owned(), zh, en, fields: section.fields.iter().map(field).collect() }
}

fn field(field: &Field) -> FormField {
    let (zh, en) = words(&field.label);
    let shape = match field.merge {
        Merge::Fact | Merge::Register | Merge::Once => FormShape::One,
        Merge::Set => FormShape::Set,
        Merge::Entries(_) => FormShape::Entries,
        Merge::Text => FormShape::Text,
        Merge::Log(_) => FormShape::Log,
        Merge::Counter => FormShape::Counter,
    };
    let entry = field.entry_fields().iter().map(self::field).collect();
    FormField { id: field.id.to_string(), zh, en, shape, input: input(&field.ty), entry, fresh_days: field.fresh_days }
}

fn input(ty: &FieldType) -> FormInput {
    match *ty {
        FieldType::Line(chars_max) => FormInput::Line { chars_max },
        FieldType::Prose(chars_max) => FormInput::Prose { chars_max },
        FieldType::Integer { min, max } => FormInput::Integer { min, max },
        FieldType::Code(set) => FormInput::Code { codes: codes(set) },
        FieldType::Money => FormInput::Money,
        FieldType::Date => FormInput::Date,
        FieldType::Rating => FormInput::Rating,
        FieldType::Phone => FormInput::Phone,
        FieldType::Geo => FormInput::Geo,
        FieldType::Bool => FormInput::Bool,
        FieldType::Window => FormInput::Window,
        FieldType::Uscc => FormInput::Uscc,
        FieldType::Reference => FormInput::Reference,
        FieldType::Instant => FormInput::Instant,
        FieldType::Stamp | FieldType::Structure => FormInput::Made,
    }
}

fn codes(set: &ValueSet) -> Vec<FormCode> {
    let current = set.codes.iter().filter(|code| code.retired_for.is_none());
    current
        .map(|code| {
            let (zh, en) = words(&code.label);
            FormCode { id: code.id.to_owned(), zh, en }
        })
        .collect()
}

fn words(label: &Label) -> (String, String) {
    (label.zh.to_string(), label.en.to_string())
}
