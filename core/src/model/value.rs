//! Values of registers: small trees of plain data, coded as CBOR, shown as JSON. No schema here: only shape and bounds.

use std::collections::BTreeMap;

use minicbor::data::Type;
use minicbor::decode::Error as DecodeError;
use minicbor::encode::{Error as EncodeError, Write};
use minicbor::{Decode, Decoder, Encode, Encoder};
use serde::{Deserialize, Serialize};

/// Deepest nesting of lists and maps inside one value.
pub const VALUE_DEPTH_MAX: usize = 6;
/// Most items of all lists and maps of one value together.
pub const VALUE_ITEMS_MAX: usize = 20_000;

/// A plain value.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// Nothing: an assertion that a field is empty.
    #[default]
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
    Map(BTreeMap<String, Value>),
}

impl Value {
    /// Text, when it is text.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }
    /// A number, when it is one.
    #[must_use]
    pub const fn as_int(&self) -> Option<i64> {
        if let Self::Int(number) = self { Some(*number) } else { None }
    }
    /// Yes or no, when it is that.
    #[must_use]
    pub const fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(yes) = self { Some(*yes) } else { None }
    }
    /// The items, when it is a list.
    #[must_use]
    pub fn as_list(&self) -> Option<&[Self]> {
        if let Self::List(items) = self { Some(items) } else { None }
    }
    /// A named part, when it is a map that has it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        if let Self::Map(map) = self { map.get(name) } else { None }
    }
    /// Whether it says that there is nothing.
    #[must_use]
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }
    /// A map of named parts; null ones are left out.
    #[must_use]
    pub fn map<const N: usize>(parts: [(&str, Self); N]) -> Self {
        Self::Map(parts.into_iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| (name.to_owned(), value)).collect())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}
impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}
impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}
impl From<bool> for Value {
    fn from(yes: bool) -> Self {
        Self::Bool(yes)
    }
}
impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl<C> Encode<C> for Value {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, ctx: &mut C) -> Result<(), EncodeError<W::Error>> {
        match self {
            Self::Null => e.null()?.ok(),
            Self::Bool(yes) => e.bool(*yes)?.ok(),
            Self::Int(number) => e.i64(*number)?.ok(),
            Self::Text(text) => e.str(text)?.ok(),
            Self::List(items) => {
                e.array(items.len() as u64)?;
                items.iter().try_for_each(|item| item.encode(e, ctx))
            }
            Self::Map(map) => {
                e.map(map.len() as u64)?;
                map.iter().try_for_each(|(name, value)| {
                    e.str(name)?;
                    value.encode(e, ctx)
                })
            }
        }
    }
}

impl<'b, C> Decode<'b, C> for Value {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, DecodeError> {
        let mut items = 0;
        decode_bounded(d, 0, &mut items)
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the coding uses a few of CBOR's types; any other is refused")]
fn decode_bounded(d: &mut Decoder<'_>, depth: usize, items: &mut usize) -> Result<Value, DecodeError> {
    if depth > VALUE_DEPTH_MAX {
        return Err(DecodeError::message("a value is nested too deep"));
    }
    *items += 1;
    if *items > VALUE_ITEMS_MAX {
        return Err(DecodeError::message("a value has too many items"));
    }
    match d.datatype()? {
        Type::Null => d.null().map(|()| Value::Null),
        Type::Bool => d.bool().map(Value::Bool),
        Type::U8 | Type::U16 | Type::U32 | Type::U64 | Type::I8 | Type::I16 | Type::I32 | Type::I64 => d.i64().map(Value::Int),
        Type::String => d.str().map(Value::from),
        Type::Array => {
            let length = d.array()?.ok_or_else(|| DecodeError::message("indefinite arrays are not used"))?;
            let mut list = Vec::new();
            for _ in 0..length {
                list.push(decode_bounded(d, depth + 1, items)?);
            }
            Ok(Value::List(list))
        }
        Type::Map => {
            let length = d.map()?.ok_or_else(|| DecodeError::message("indefinite maps are not used"))?;
            let mut map = BTreeMap::new();
            for _ in 0..length {
                let name = d.str()?.to_owned();
                map.insert(name, decode_bounded(d, depth + 1, items)?);
            }
            Ok(Value::Map(map))
        }
        other => Err(DecodeError::type_mismatch(other)),
    }
}
