//! What an app writes. Mirrors of `roadbook_core::model::edit`.

use roadbook_core::ids::{EntryId, Ms};
use roadbook_core::model::{Edit, Provenance, Source, Value};

use crate::values::{Chars, Parts};

/// Where a value comes from, beside its author and time.
#[uniffi::remote(Record)]
pub struct Provenance {
    /// Source; a visit when nothing is said.
    #[uniffi(default = None)]
    pub source: Option<Source>,
    /// The document or file behind it.
    #[uniffi(default = None)]
    pub source_doc: Option<String>,
    /// When it was observed, if not now.
    #[uniffi(default = None)]
    pub observed_at: Option<Ms>,
    /// Free remark.
    #[uniffi(default = None)]
    pub note: Option<String>,
    /// Who is said to have made it (imports).
    #[uniffi(default = None)]
    pub claimed_author: Option<String>,
    /// When it is said to have been made (imports).
    #[uniffi(default = None)]
    pub claimed_at: Option<Ms>,
    /// What proves it.
    #[uniffi(default = None)]
    pub evidence: Option<String>,
}

/// One thing to write into a document.
#[uniffi::remote(Enum)]
pub enum Edit {
    /// Assert a fact; a null value says that there is nothing.
    Assert {
        /// Field id; `x.…` for a company's own.
        field: String,
        /// The value.
        value: Value,
        /// Where it comes from.
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
        fields: Parts,
        /// Where they come from.
        provenance: Provenance,
    },
    /// Remove an entry of a list.
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
        at: Chars,
        /// Characters to delete.
        delete: Chars,
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
    /// Put a register of a container whose keys another part of the model defines.
    Put {
        /// Container.
        container: String,
        /// Key.
        key: String,
        /// The value.
        value: Value,
    },
}
