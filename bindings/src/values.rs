//! Ids, moments, values and maps of the core as apps see them: strings, numbers and dictionaries. Mirrors only; the compiler
//! holds them equal to the core's types. What an app passes in and is no id of ours comes back as an error, never as a panic.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;
use roadbook_core::crdt::Heads;
use roadbook_core::ids::{ChangeHash, DeviceId, DocId, EntryId, Ms, SubjectId, TerritoryId, UserId};
use roadbook_core::model::Value;
use roadbook_core::model::card::{Element, Entry, Fact, LogEntry};

use crate::error::RoadbookError;

macro_rules! ids {
    ($($name:ident),*) => {$(
        uniffi::custom_type!($name, String, { remote, try_lift: |text| Ok(text.parse().map_err(RoadbookError::from)?), lower: |id| id.to_string() });
    )*};
}
ids!(DocId, SubjectId, UserId, DeviceId, EntryId, ChangeHash);

uniffi::custom_type!(TerritoryId, String, { remote, try_lift: |text| Ok(Self(text)), lower: |id| id.0 });
uniffi::custom_type!(Ms, i64, { remote, try_lift: |ms| Ok(Self(ms)), lower: |ms| ms.0 });
uniffi::custom_type!(Heads, Vec<u8>, { remote, try_lift: |bytes| Ok(Self::from_bytes(&bytes).ok_or(RoadbookError::FormOutdated)?), lower: |heads| heads.to_bytes() });

// A calendar day, `YYYY-MM-DD`.
uniffi::custom_type!(NaiveDate, String, {
    remote,
    try_lift: |text| Ok(text.parse().map_err(|_| RoadbookError::Mistake { why: format!("{text:?} is no day like 2026-03-02") })?),
    lower: |day| day.to_string()
});

/// A number of characters.
pub(crate) type Chars = usize;
uniffi::custom_type!(Chars, u64, { remote, try_lift: |n| Ok(Self::try_from(n)?), lower: |n| n as u64 });

macro_rules! maps {
    ($($name:ident: $key:ty => $value:ty;)*) => {$(
        pub(crate) type $name = BTreeMap<$key, $value>;
        uniffi::custom_type!($name, HashMap<$key, $value>, { remote, try_lift: |map| Ok(map.into_iter().collect()), lower: |map| map.into_iter().collect() });
    )*};
}
maps! {
    Parts: String => Value;
    Facts: String => Fact;
    Sets: String => Vec<Element>;
    Lists: String => Vec<Entry>;
    Texts: String => String;
    Logs: String => Vec<LogEntry>;
    Acknowledged: EntryId => Ms;
}

/// A plain value of a field.
#[uniffi::remote(Enum)]
pub enum Value {
    /// Nothing: the field was looked at and is empty.
    Null,
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Text.
    Text(String),
    /// Several values in order.
    List(Vec<Value>),
    /// Named values.
    Map(Parts),
}
