//! The contents of a change, taken apart: header and operations, every count bounded, every index within its table.
//!
//! ```text
//! change   := deps(count · 32 bytes each) · actor(length · bytes) · seq(uleb) · start op(uleb, not 0) · time(sleb)
//!           · message(length · UTF-8) · other actors(count · {length · bytes}) · columns · extra (all the rest)
//! extra    := nothing | 01 · length · author, only in the first change of an actor
//! columns  := 1, 2 object(actor, counter) · 17, 19, 21 key(actor, counter | name) · 52 insert · 66 action
//!           · 86, 87 value(tag, bytes) · 112, 113, 115 predecessors(count, actor, counter) · 148 expand · 165 mark name
//! value    := tag = length << 4 | type: 0 null 1 false 2 true 3 uint 4 int 5 float 6 text 7 bytes 8 counter 9 time
//! action   := 0 make map 1 set 2 make list 3 delete 4 make text 5 increment 6 make table 7 mark
//! ```
//!
//! Operation `n` (from 0) of a change has the id (start op + n, actor). Actor 0 is the change's own, the others follow from 1.

use super::columns::{Columns, Rows, layout};
use super::reader::Reader;
use super::{ChangeFrame, ChunkError, ChunkLimits};
use crate::ids::{ActorId, ChangeHash, UserId};

const COLUMNS: [u32; 14] = [1, 2, 17, 19, 21, 52, 66, 86, 87, 112, 113, 115, 148, 165];

/// A change as its own bytes describe it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ParsedChange {
    pub(crate) hash: ChangeHash,
    pub(crate) deps: Vec<ChangeHash>,
    /// Its own actor first, then those it refers to.
    pub(crate) actors: Vec<ActorId>,
    pub(crate) seq: u64,
    pub(crate) start_op: u64,
    pub(crate) time: i64,
    pub(crate) message: String,
    pub(crate) author: AuthorFooter,
    pub(crate) ops: Vec<Op>,
}

/// What the bytes after the columns say about the author.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AuthorFooter {
    /// Nothing: genesis, or a later change of an actor.
    Absent,
    /// A person.
    Person(UserId),
    /// Bytes that are no author as we write them.
    Foreign,
}

/// Id of an operation inside one change: counter, and index into [`ParsedChange::actors`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LocalId {
    pub(crate) counter: u64,
    pub(crate) actor: usize,
}

/// One operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Op {
    /// The object it works on; `None` is the root.
    pub(crate) object: Option<LocalId>,
    pub(crate) key: Key<LocalId>,
    pub(crate) insert: bool,
    pub(crate) action: Action,
    pub(crate) value: Value,
    pub(crate) predecessors: Vec<LocalId>,
    /// A mark's flag or name is there.
    pub(crate) marks: bool,
}

/// Where in its object an operation works.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Key<Id> {
    /// Key of a map.
    Name(Box<str>),
    /// Before the first element of a sequence.
    Head,
    /// An element of a sequence, or the place behind it.
    Element(Id),
}

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    MakeMap,
    Set,
    MakeList,
    Delete,
    MakeText,
    Increment,
    Mark,
}

impl Action {
    pub(crate) fn from_number(number: u64) -> Result<Self, ChunkError> {
        match number {
            0 => Ok(Self::MakeMap),
            1 => Ok(Self::Set),
            2 => Ok(Self::MakeList),
            3 => Ok(Self::Delete),
            4 => Ok(Self::MakeText),
            5 => Ok(Self::Increment),
            7 => Ok(Self::Mark),
            _ => Err(ChunkError::Range("action")),
        }
    }
}

/// The value of an operation, as far as the gate needs to know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Value {
    pub(crate) kind: ValueKind,
    pub(crate) bytes: usize,
}

/// Type of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ValueKind {
    Null,
    Boolean,
    Integer,
    Float,
    /// Exactly one Unicode scalar value.
    Character,
    /// Any other text.
    Text,
    Bytes,
    Counter,
}

/// Takes a change apart (step 3 of the gate).
pub(crate) fn parse(frame: &ChangeFrame<'_>, limits: &ChunkLimits) -> Result<ParsedChange, ChunkError> {
    let mut reader = Reader::new(frame.contents());
    let deps = deps(&mut reader, limits.deps_max)?;
    let mut actors = vec![actor(&mut reader)?];
    let seq = reader.uleb()?;
    let start_op = reader.uleb()?;
    let time = reader.sleb()?;
    let message = reader.text("bytes of a note", limits.message_bytes_max)?.to_owned();
    for _ in 0..reader.count("other actors", limits.other_actors_max)? {
        let other = actor(&mut reader)?;
        if actors.contains(&other) {
            return Err(ChunkError::Range("other actors"));
        }
        actors.push(other);
    }
    let layout = layout(&mut reader, &COLUMNS)?;
    let columns = Columns::take(&mut reader, layout)?;
    let author = author(reader.rest(), limits.extra_bytes_max)?;
    let ops = ops(&columns, actors.len(), limits)?;
    let last_op = start_op.checked_add(ops.len() as u64);
    if seq == 0 || start_op == 0 || last_op.is_none_or(|last| last > limits.op_counter_max) {
        return Err(ChunkError::Range("operation counter or sequence number"));
    }
    Ok(ParsedChange { hash: frame.hash, deps, actors, seq, start_op, time, message, author, ops })
}

fn deps(reader: &mut Reader<'_>, max: usize) -> Result<Vec<ChangeHash>, ChunkError> {
    let count = reader.count("dependencies", max)?;
    let deps = (0..count).map(|_| Ok(ChangeHash(reader.array::<32>()?))).collect::<Result<Vec<_>, ChunkError>>()?;
    // Honest writers sort them; so a repetition is next to its twin.
    if deps.is_sorted_by(|a, b| a < b) { Ok(deps) } else { Err(ChunkError::Range("order of dependencies")) }
}

fn actor(reader: &mut Reader<'_>) -> Result<ActorId, ChunkError> {
    let bytes = reader.prefixed("bytes of an actor", ActorId::BYTES_MAX)?;
    ActorId::from_slice(bytes).ok_or(ChunkError::Range("actor"))
}

fn author(extra: &[u8], max: usize) -> Result<AuthorFooter, ChunkError> {
    if extra.len() > max {
        return Err(ChunkError::TooMuch { what: "extra bytes", max });
    }
    Ok(match extra {
        [] => AuthorFooter::Absent,
        [1, 16, user @ ..] => UserId::from_slice(user).map_or(AuthorFooter::Foreign, AuthorFooter::Person),
        _ => AuthorFooter::Foreign,
    })
}

fn ops(columns: &Columns<'_>, actors: usize, limits: &ChunkLimits) -> Result<Vec<Op>, ChunkError> {
    let actions = columns.unsigned(66, Rows::AtMost(limits.change_rows_max))?;
    let rows = Rows::Exactly(actions.len());
    let ids = IdColumns { actors };
    let objects = ids.optional(columns.unsigned(1, rows)?, columns.unsigned(2, rows)?)?;
    let keys = ids.keys(columns.unsigned(17, rows)?, columns.deltas(19, rows)?, columns.texts(21, rows, limits.key_bytes_max)?)?;
    let inserts = columns.booleans(52, rows)?;
    let values = values(columns.unsigned(86, rows)?, columns.raw(87))?;
    let counts = columns.unsigned(112, rows)?;
    let most = Rows::AtMost(limits.change_rows_max);
    let mut predecessors = ids.required(columns.unsigned(113, most)?, columns.deltas(115, most)?)?.into_iter();
    let expands = columns.booleans(148, rows)?;
    let names = columns.texts(165, rows, limits.key_bytes_max)?;

    let mut ops = Vec::with_capacity(actions.len());
    let rest = objects.into_iter().zip(keys).zip(inserts).zip(values).zip(counts).zip(expands).zip(names);
    for (action, ((((((object, key), insert), value), count), expand), name)) in actions.into_iter().zip(rest) {
        let action = Action::from_number(action.ok_or(ChunkError::Column(66))?)?;
        let count = usize::try_from(count.ok_or(ChunkError::Column(112))?).map_err(|_| ChunkError::Column(112))?;
        let own: Vec<LocalId> = predecessors.by_ref().take(count.min(limits.change_rows_max)).collect();
        if own.len() != count {
            return Err(ChunkError::Column(112));
        }
        ops.push(Op { object, key, insert, action, value, predecessors: own, marks: expand || name.is_some() });
    }
    if predecessors.next().is_some() {
        return Err(ChunkError::Column(113));
    }
    Ok(ops)
}

/// Pairs the actor and counter columns of ids.
pub(crate) struct IdColumns {
    /// Size of the table that actor numbers point into.
    pub(crate) actors: usize,
}

impl IdColumns {
    pub(crate) fn id(&self, actor: u64, counter: u64) -> Result<LocalId, ChunkError> {
        let actor = usize::try_from(actor).ok().filter(|actor| *actor < self.actors).ok_or(ChunkError::Range("actor number"))?;
        if counter == 0 || counter > u64::from(u32::MAX) {
            return Err(ChunkError::Range("operation counter"));
        }
        Ok(LocalId { counter, actor })
    }

    pub(crate) fn optional(&self, actors: Vec<Option<u64>>, counters: Vec<Option<u64>>) -> Result<Vec<Option<LocalId>>, ChunkError> {
        let pairs = actors.into_iter().zip(counters);
        pairs
            .map(|pair| match pair {
                (None, None) => Ok(None),
                (Some(actor), Some(counter)) => self.id(actor, counter).map(Some),
                (Some(_), None) | (None, Some(_)) => Err(ChunkError::Range("object")),
            })
            .collect()
    }

    pub(crate) fn required(&self, actors: Vec<Option<u64>>, counters: Vec<Option<i64>>) -> Result<Vec<LocalId>, ChunkError> {
        if actors.len() != counters.len() {
            return Err(ChunkError::Range("number of ids"));
        }
        let pairs = actors.into_iter().zip(counters);
        pairs
            .map(|pair| match pair {
                (Some(actor), Some(counter)) => self.id(actor, u64::try_from(counter).map_err(|_| ChunkError::Range("operation counter"))?),
                (None, _) | (_, None) => Err(ChunkError::Range("id")),
            })
            .collect()
    }

    pub(crate) fn keys(
        &self,
        actors: Vec<Option<u64>>,
        counters: Vec<Option<i64>>,
        names: Vec<Option<&str>>,
    ) -> Result<Vec<Key<LocalId>>, ChunkError> {
        let parts = actors.into_iter().zip(counters).zip(names);
        parts
            .map(|((actor, counter), name)| match (actor, counter, name) {
                (None, None, Some(name)) => Ok(Key::Name(name.into())),
                (None, Some(0), None) => Ok(Key::Head),
                (Some(actor), Some(counter), None) => {
                    let counter = u64::try_from(counter).map_err(|_| ChunkError::Range("key"))?;
                    self.id(actor, counter).map(Key::Element)
                }
                _ => Err(ChunkError::Range("key")),
            })
            .collect()
    }
}

/// Reads the values: each tag says how many of the raw bytes are its own, and all bytes must have an owner.
pub(crate) fn values(tags: Vec<Option<u64>>, mut raw: Reader<'_>) -> Result<Vec<Value>, ChunkError> {
    let mut values = Vec::with_capacity(tags.len());
    for tag in tags {
        let tag = tag.ok_or(ChunkError::Column(86))?;
        let bytes = raw.bytes(tag >> 4)?;
        let kind = match (tag & 0xf, bytes.len()) {
            (0, 0) => ValueKind::Null,
            (1 | 2, 0) => ValueKind::Boolean,
            (3, _) => whole(bytes, Reader::uleb, ValueKind::Integer)?,
            (4 | 9, _) => whole(bytes, Reader::sleb, ValueKind::Integer)?,
            (5, 8) => ValueKind::Float,
            (6, _) => text_kind(bytes)?,
            (7, _) => ValueKind::Bytes,
            (8, _) => whole(bytes, Reader::sleb, ValueKind::Counter)?,
            _ => return Err(ChunkError::Range("value")),
        };
        values.push(Value { kind, bytes: bytes.len() });
    }
    if raw.is_empty() { Ok(values) } else { Err(ChunkError::Column(87)) }
}

fn whole<'a, T>(
    bytes: &'a [u8],
    read: impl Fn(&mut Reader<'a>) -> Result<T, ChunkError>,
    kind: ValueKind,
) -> Result<ValueKind, ChunkError> {
    let mut reader = Reader::new(bytes);
    read(&mut reader)?;
    if reader.is_empty() { Ok(kind) } else { Err(ChunkError::Range("value")) }
}

fn text_kind(bytes: &[u8]) -> Result<ValueKind, ChunkError> {
    let text = std::str::from_utf8(bytes).map_err(|_| ChunkError::Text)?;
    let mut characters = text.chars();
    let one = characters.next().is_some() && characters.next().is_none();
    Ok(if one { ValueKind::Character } else { ValueKind::Text })
}
