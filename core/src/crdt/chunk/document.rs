//! The contents of a document, taken apart: its changes without their operations, and its operations in document order.
//!
//! ```text
//! document := actors(count · {length · bytes}) · heads(count · 32 bytes each) · layout of the change columns
//!           · layout of the operation columns · change columns · operation columns · index of each head (uleb)
//! changes  := 1 actor · 3 seq (delta) · 19 last op (delta) · 35 time (delta) · 53 message · 64, 67 deps(count, index (delta))
//!           · 86, 87 extra(tag, bytes)
//! ops      := 1, 2 object · 17, 19, 21 key · 33, 35 id(actor, counter (delta)) · 52 insert · 66 action · 86, 87 value
//!           · 128, 129, 131 successors(count, actor, counter (delta)) · 148 expand · 165 mark name
//! ```
//!
//! Deletions are not operations here: they are successors without an operation of their own.

use super::change::{Action, IdColumns, Key, LocalId, Value, values};
use super::columns::{Columns, Rows, layout};
use super::reader::Reader;
use super::{ChunkError, ChunkLimits};
use crate::ids::{ActorId, ChangeHash};

const CHANGE_COLUMNS: [u32; 9] = [1, 3, 19, 35, 53, 64, 67, 86, 87];
const OP_COLUMNS: [u32; 16] = [1, 2, 17, 19, 21, 33, 35, 52, 66, 86, 87, 128, 129, 131, 148, 165];

/// A document as its own bytes describe it. Actor numbers point into `actors`, dependencies into `changes`.
#[derive(Debug, Clone)]
pub(crate) struct ParsedDocument {
    pub(crate) actors: Vec<ActorId>,
    pub(crate) heads: Vec<ChangeHash>,
    pub(crate) changes: Vec<ChangeRow>,
    pub(crate) ops: Vec<OpRow>,
}

/// One change of a document.
#[derive(Debug, Clone)]
pub(crate) struct ChangeRow {
    pub(crate) actor: usize,
    pub(crate) seq: u64,
    pub(crate) last_op: u64,
    pub(crate) time: i64,
    pub(crate) deps: Vec<usize>,
}

/// One operation of a document.
#[derive(Debug, Clone)]
pub(crate) struct OpRow {
    pub(crate) id: LocalId,
    pub(crate) object: Option<LocalId>,
    pub(crate) key: Key<LocalId>,
    pub(crate) insert: bool,
    pub(crate) action: Action,
    pub(crate) value: Value,
    /// The operations that overwrote or deleted it.
    pub(crate) successors: Vec<LocalId>,
}

/// Takes the contents of a document chunk apart.
pub(crate) fn parse(contents: &[u8], limits: &ChunkLimits) -> Result<ParsedDocument, ChunkError> {
    let mut reader = Reader::new(contents);
    let count = reader.count("actors of a document", limits.document_actors_max)?;
    let actors = (0..count)
        .map(|_| ActorId::from_slice(reader.prefixed("bytes of an actor", ActorId::BYTES_MAX)?).ok_or(ChunkError::Range("actor")))
        .collect::<Result<Vec<_>, _>>()?;
    if !actors.is_sorted_by(|a, b| a < b) {
        return Err(ChunkError::Range("order of actors"));
    }
    let count = reader.count("heads of a document", limits.document_heads_max)?;
    let heads = (0..count).map(|_| Ok(ChangeHash(reader.array::<32>()?))).collect::<Result<Vec<_>, ChunkError>>()?;
    let change_layout = layout(&mut reader, &CHANGE_COLUMNS)?;
    let op_layout = layout(&mut reader, &OP_COLUMNS)?;
    let change_columns = Columns::take(&mut reader, change_layout)?;
    let op_columns = Columns::take(&mut reader, op_layout)?;
    let changes = changes(&change_columns, actors.len(), limits)?;
    let mut ends = (0..heads.len()).map(|_| number(Some(reader.uleb()?))).collect::<Result<Vec<_>, _>>()?;
    ends.sort_unstable();
    if ends != unfollowed(&changes) {
        return Err(ChunkError::Range("head"));
    }
    if !reader.is_empty() {
        return Err(ChunkError::Trailing);
    }
    let rows_max = limits.document_rows_max.min(contents.len().saturating_add(limits.document_free_rows_max));
    let ops = ops(&op_columns, actors.len(), rows_max, limits)?;
    Ok(ParsedDocument { actors, heads, changes, ops })
}

fn changes(columns: &Columns<'_>, actors: usize, limits: &ChunkLimits) -> Result<Vec<ChangeRow>, ChunkError> {
    let lines = columns.unsigned(1, Rows::AtMost(limits.document_changes_max))?;
    let rows = Rows::Exactly(lines.len());
    let seqs = columns.deltas(3, rows)?;
    let last_ops = columns.deltas(19, rows)?;
    let times = columns.deltas(35, rows)?;
    columns.texts(53, rows, limits.message_bytes_max)?;
    let extras = values(columns.unsigned(86, rows)?, columns.raw(87))?;
    if extras.iter().any(|extra| extra.bytes > limits.extra_bytes_max) {
        return Err(ChunkError::TooMuch { what: "extra bytes", max: limits.extra_bytes_max });
    }
    let counts = columns.unsigned(64, rows)?;
    let mut deps = columns.deltas(67, Rows::AtMost(limits.document_rows_max))?.into_iter();

    let mut changes = Vec::with_capacity(lines.len());
    let cells = lines.into_iter().zip(seqs).zip(last_ops).zip(times).zip(counts);
    for (index, ((((actor, seq), last_op), time), count)) in cells.enumerate() {
        let actor = number(actor)?;
        let count = number(count)?;
        if actor >= actors || count > limits.deps_max.max(limits.document_heads_max) {
            return Err(ChunkError::Range("actor or dependencies of a change"));
        }
        let deps = deps.by_ref().take(count).map(|dep| number(unsigned(dep)?)).collect::<Result<Vec<_>, ChunkError>>()?;
        // Changes stand in an order in which each comes after what it builds on.
        if deps.len() != count || deps.iter().any(|dep| *dep >= index) {
            return Err(ChunkError::Range("dependency"));
        }
        let seq = unsigned(seq)?.ok_or(ChunkError::Column(3))?;
        let last_op = unsigned(last_op)?.filter(|last| *last <= limits.op_counter_max).ok_or(ChunkError::Column(19))?;
        changes.push(ChangeRow { actor, seq, last_op, time: time.unwrap_or(0), deps });
    }
    if deps.next().is_some() { Err(ChunkError::Column(67)) } else { Ok(changes) }
}

fn ops(columns: &Columns<'_>, actors: usize, rows_max: usize, limits: &ChunkLimits) -> Result<Vec<OpRow>, ChunkError> {
    let most = Rows::AtMost(limits.document_rows_max);
    let actions = columns.unsigned(66, Rows::AtMost(rows_max))?;
    let rows = Rows::Exactly(actions.len());
    let ids = IdColumns { actors };
    let own = ids.required(columns.unsigned(33, rows)?, columns.deltas(35, rows)?)?;
    let objects = ids.optional(columns.unsigned(1, rows)?, columns.unsigned(2, rows)?)?;
    let keys = ids.keys(columns.unsigned(17, rows)?, columns.deltas(19, rows)?, columns.texts(21, rows, limits.key_bytes_max)?)?;
    let inserts = columns.booleans(52, rows)?;
    let values = values(columns.unsigned(86, rows)?, columns.raw(87))?;
    columns.booleans(148, rows)?;
    columns.texts(165, rows, limits.key_bytes_max)?;
    let mut successors = ids.required(columns.unsigned(129, most)?, columns.deltas(131, most)?)?.into_iter();
    let counts = columns.unsigned(128, rows)?;
    let cells = own.into_iter().zip(objects).zip(keys).zip(inserts).zip(actions).zip(values).zip(counts);
    let mut out = Vec::with_capacity(cells.len());
    for ((((((id, object), key), insert), action), value), count) in cells {
        let action = Action::from_number(action.ok_or(ChunkError::Column(66))?)?;
        let count = number(count)?;
        let successors: Vec<LocalId> = successors.by_ref().take(count).collect();
        if successors.len() != count {
            return Err(ChunkError::Column(128));
        }
        out.push(OpRow { id, object, key, insert, action, value, successors });
    }
    if successors.next().is_some() { Err(ChunkError::Column(129)) } else { Ok(out) }
}

/// The changes that no other builds on.
fn unfollowed(changes: &[ChangeRow]) -> Vec<usize> {
    let mut followed = vec![false; changes.len()];
    for dep in changes.iter().flat_map(|change| &change.deps) {
        if let Some(followed) = followed.get_mut(*dep) {
            *followed = true;
        }
    }
    followed.iter().enumerate().filter(|(_, followed)| !**followed).map(|(at, _)| at).collect()
}

fn number(cell: Option<u64>) -> Result<usize, ChunkError> {
    cell.and_then(|cell| usize::try_from(cell).ok()).ok_or(ChunkError::Range("number"))
}

fn unsigned(cell: Option<i64>) -> Result<Option<u64>, ChunkError> {
    cell.map(u64::try_from).transpose().map_err(|_| ChunkError::Range("number"))
}
