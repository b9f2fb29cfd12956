//! What one row says about a customer. Belongs here: the shape of statements, faults and keys, and what a person can choose
//! about values. Never: cells (`reader`), existing customers (`plan`).

use std::collections::{BTreeMap, BTreeSet};

use roadbook_core::ids::{EntryId, Ms, SubjectId};
use roadbook_core::model::Value;
use serde::Serialize;

use super::datum::{Datum, Degrees};
use super::directory::Directory;
use super::fault::Fault;

pub use super::reader::draft;

/// What the person who imports can choose about values.
#[derive(Debug, Clone)]
pub struct ValueOptions {
    /// What coordinates refer to if no column says so, whatever titles say; `None` for what the title says, else WGS-84.
    pub datum: Option<Datum>,
    /// How far local time is ahead of UTC, in minutes: dates of the list begin at local midnight.
    pub zone_minutes: i32,
    /// Territories and people by name.
    pub directory: Directory,
}

impl Default for ValueOptions {
    /// The datum of the title, China Standard Time, an empty directory.
    fn default() -> Self {
        Self { datum: None, zone_minutes: 480, directory: Directory::default() }
    }
}

/// One statement about a customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "say", rename_all = "snake_case")]
pub enum Say {
    /// A fact or register of the field side; company fields (`x.…`) included.
    Fact {
        /// Field id.
        field: String,
        /// Value.
        value: Value,
    },
    /// A register of the office side.
    Office {
        /// Field id.
        field: String,
        /// Value.
        value: Value,
    },
    /// An element of a set.
    Member {
        /// Field id.
        set: String,
        /// Text or code.
        element: String,
    },
    /// Fields of an entry of a list; the entry is live with them.
    Entry {
        /// Field id of the list.
        list: String,
        /// What the entry's id is derived from: a number, a role, a place in the list.
        slot: String,
        /// The entry; derived from customer, list and slot, or one that was there before.
        entry: Option<EntryId>,
        /// Values by field of the entry.
        fields: BTreeMap<String, Value>,
    },
    /// An entry that an earlier import made and this list has no longer.
    Gone {
        /// Field id of the list.
        list: String,
        /// The entry.
        entry: EntryId,
    },
    /// A paragraph of a text that merges character by character; added at its end.
    Text {
        /// Field id.
        field: String,
        /// The paragraph.
        text: String,
    },
}

/// The id of an entry that an import makes: the same for every import of the same customer.
#[must_use]
pub fn entry_id(subject: SubjectId, list: &str, slot: &str) -> EntryId {
    EntryId::derived(&format!("import/{subject}/{list}/{slot}"))
}

/// What a customer is recognised by.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Keys {
    /// The customer that the row names by its id, as a list that was exported does.
    pub subject: Option<SubjectId>,
    /// Unified social credit code.
    pub uscc: Option<String>,
    /// Customer number in normal form.
    pub number: Option<String>,
    /// Name in normal form.
    pub name: String,
    /// Telephone numbers in normal form.
    pub phones: BTreeSet<String>,
    /// Address in normal form.
    pub address: Option<String>,
    /// Province, city and district in normal form, of a row that has no street: too little to know a shop by, enough to know
    /// two apart.
    pub region: Option<String>,
    /// Position.
    pub place: Option<Degrees>,
}

/// A fault of one cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Note {
    /// Title of the column; empty for the row as a whole.
    pub column: String,
    /// What is wrong.
    #[serde(flatten)]
    pub fault: Fault,
}

/// Who is said to have made the row, and when.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Claimed {
    /// As the list names the person.
    pub author: Option<String>,
    /// Start of the day that the list gives.
    pub at: Option<Ms>,
}

impl Draft {
    /// What its position was taken to refer to, if it has one.
    #[must_use]
    pub fn datum(&self) -> Option<Datum> {
        self.says.iter().find_map(|say| match say {
            Say::Entry { fields, .. } => Datum::of_name(fields.get("geo")?.get("datum")?.as_text()?),
            Say::Fact { .. } | Say::Office { .. } | Say::Member { .. } | Say::Gone { .. } | Say::Text { .. } => None,
        })
    }
}

/// What one row says.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// Number of the row as shown in the file.
    pub row: u32,
    /// Name as typed, for people who read the report.
    pub name: String,
    /// Statements.
    pub says: Vec<Say>,
    /// Faults; one that refuses the row makes it refused.
    pub notes: Vec<Note>,
    /// What it is recognised by.
    pub keys: Keys,
    /// Provenance that the row states.
    pub claimed: Claimed,
}
