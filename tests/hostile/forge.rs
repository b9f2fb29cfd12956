//! Writes change and document chunks by hand: canonical ones first, so that each lie is the only thing wrong with its bytes.
//! The layout is described in `core/src/crdt/chunk`; nothing of core's reading code is used here.

use sha2::{Digest as _, Sha256};

/// Column numbers of a change.
pub(crate) mod column {
    pub(crate) const OBJECT_ACTOR: u32 = 1;
    pub(crate) const OBJECT_COUNTER: u32 = 2;
    pub(crate) const KEY_ACTOR: u32 = 17;
    pub(crate) const KEY_COUNTER: u32 = 19;
    pub(crate) const KEY_NAME: u32 = 21;
    pub(crate) const INSERT: u32 = 52;
    pub(crate) const ACTION: u32 = 66;
    pub(crate) const VALUE_TAG: u32 = 86;
    pub(crate) const VALUE: u32 = 87;
    pub(crate) const PRED_COUNT: u32 = 112;
    pub(crate) const PRED_ACTOR: u32 = 113;
    pub(crate) const PRED_COUNTER: u32 = 115;
    pub(crate) const EXPAND: u32 = 148;
    pub(crate) const MARK_NAME: u32 = 165;
}

/// Actions of operations.
pub(crate) mod action {
    pub(crate) const MAKE_MAP: u64 = 0;
    pub(crate) const SET: u64 = 1;
    pub(crate) const MAKE_LIST: u64 = 2;
    pub(crate) const DELETE: u64 = 3;
    pub(crate) const MAKE_TEXT: u64 = 4;
    pub(crate) const INCREMENT: u64 = 5;
    pub(crate) const MARK: u64 = 7;
}

/// Id of an operation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Id(pub(crate) u64, pub(crate) Vec<u8>);

/// Where in its object an operation works.
#[derive(Debug, Clone)]
pub(crate) enum Key {
    Name(String),
    Head,
    At(Id),
}

/// One operation.
#[derive(Debug, Clone)]
pub(crate) struct Op {
    pub(crate) object: Option<Id>,
    pub(crate) key: Key,
    pub(crate) insert: bool,
    pub(crate) action: u64,
    /// Type (lowest four bits of the tag) and bytes.
    pub(crate) value: (u8, Vec<u8>),
    pub(crate) pred: Vec<Id>,
    pub(crate) expand: bool,
    pub(crate) mark: Option<String>,
}

/// One change.
#[derive(Debug, Clone)]
pub(crate) struct Forged {
    pub(crate) deps: Vec<[u8; 32]>,
    pub(crate) actor: Vec<u8>,
    pub(crate) seq: u64,
    pub(crate) start_op: u64,
    pub(crate) time: i64,
    pub(crate) message: Vec<u8>,
    pub(crate) ops: Vec<Op>,
    pub(crate) extra: Vec<u8>,
}

impl Forged {
    /// The whole chunk.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        chunk(1, &self.contents(&self.others(), &self.columns()))
    }

    /// The chunk with one column replaced, added or (when empty) left out.
    pub(crate) fn with_column(&self, spec: u32, bytes: &[u8]) -> Vec<u8> {
        let mut columns = self.columns();
        columns.retain(|(other, _)| *other != spec);
        if !bytes.is_empty() {
            columns.push((spec, bytes.to_vec()));
            columns.sort_by_key(|(spec, _)| *spec);
        }
        chunk(1, &self.contents(&self.others(), &columns))
    }

    /// The chunk with other columns altogether.
    pub(crate) fn with_columns(&self, columns: &[(u32, Vec<u8>)]) -> Vec<u8> {
        chunk(1, &self.contents(&self.others(), columns))
    }

    /// The chunk with another table of actors.
    pub(crate) fn with_others(&self, others: &[Vec<u8>]) -> Vec<u8> {
        chunk(1, &self.contents(others, &self.columns()))
    }

    /// The actors referred to beside the change's own, in order.
    pub(crate) fn others(&self) -> Vec<Vec<u8>> {
        let ids = self.ops.iter().flat_map(|op| {
            let key = match &op.key {
                Key::At(id) => Some(id),
                Key::Name(_) | Key::Head => None,
            };
            op.object.iter().chain(key).chain(&op.pred)
        });
        let mut others: Vec<Vec<u8>> = ids.map(|id| id.1.clone()).filter(|actor| *actor != self.actor).collect();
        others.sort();
        others.dedup();
        others
    }

    /// Everything before the columns.
    pub(crate) fn header(&self, others: &[Vec<u8>]) -> Vec<u8> {
        let mut out = uleb(self.deps.len() as u64);
        self.deps.iter().for_each(|dep| out.extend(dep));
        prefixed(&mut out, &self.actor);
        out.extend(uleb(self.seq));
        out.extend(uleb(self.start_op));
        out.extend(sleb(self.time));
        prefixed(&mut out, &self.message);
        out.extend(uleb(others.len() as u64));
        others.iter().for_each(|actor| prefixed(&mut out, actor));
        out
    }

    fn contents(&self, others: &[Vec<u8>], columns: &[(u32, Vec<u8>)]) -> Vec<u8> {
        let mut out = self.header(others);
        out.extend(layout(columns));
        columns.iter().for_each(|(_, bytes)| out.extend(bytes));
        out.extend(&self.extra);
        out
    }

    /// The columns as automerge writes them.
    pub(crate) fn columns(&self) -> Vec<(u32, Vec<u8>)> {
        let others = self.others();
        let number = |id: &Id| {
            if id.1 == self.actor { 0 } else { others.iter().position(|actor| *actor == id.1).map_or(0, |at| at as u64 + 1) }
        };
        let at = |op: &Op| match &op.key {
            Key::At(id) => (Some(number(id)), Some(id.0 as i64), None),
            Key::Head => (None, Some(0), None),
            Key::Name(name) => (None, None, Some(name.clone())),
        };
        let ops = &self.ops;
        let preds: Vec<&Id> = ops.iter().flat_map(|op| &op.pred).collect();
        let tag = |op: &Op| Some((op.value.1.len() as u64) << 4 | u64::from(op.value.0));
        let columns = [
            (column::OBJECT_ACTOR, numbers(ops.iter().map(|op| op.object.as_ref().map(number)))),
            (column::OBJECT_COUNTER, numbers(ops.iter().map(|op| op.object.as_ref().map(|id| id.0)))),
            (column::KEY_ACTOR, numbers(ops.iter().map(|op| at(op).0))),
            (column::KEY_COUNTER, deltas(ops.iter().map(|op| at(op).1))),
            (column::KEY_NAME, texts(ops.iter().map(|op| at(op).2))),
            (column::INSERT, booleans(ops.iter().map(|op| op.insert))),
            (column::ACTION, numbers(ops.iter().map(|op| Some(op.action)))),
            (column::VALUE_TAG, numbers(ops.iter().map(tag))),
            (column::VALUE, ops.iter().flat_map(|op| op.value.1.clone()).collect()),
            (column::PRED_COUNT, numbers(ops.iter().map(|op| Some(op.pred.len() as u64)))),
            (column::PRED_ACTOR, numbers(preds.iter().map(|id| Some(number(id))))),
            (column::PRED_COUNTER, deltas(preds.iter().map(|id| Some(id.0 as i64)))),
            (column::EXPAND, some_true(ops.iter().map(|op| op.expand))),
            (column::MARK_NAME, texts(ops.iter().map(|op| op.mark.clone()))),
        ];
        columns.into_iter().filter(|(_, bytes)| !bytes.is_empty()).collect()
    }
}

/// The count, specs and lengths of columns.
pub(crate) fn layout(columns: &[(u32, Vec<u8>)]) -> Vec<u8> {
    let mut out = uleb(columns.len() as u64);
    for (spec, bytes) in columns {
        out.extend(uleb(u64::from(*spec)));
        out.extend(uleb(bytes.len() as u64));
    }
    out
}

/// A chunk with the right length and checksum.
pub(crate) fn chunk(kind: u8, contents: &[u8]) -> Vec<u8> {
    framed(kind, &checksum(kind, contents), contents)
}

/// A chunk of deflated contents.
pub(crate) fn deflated(contents: &[u8]) -> Vec<u8> {
    framed(2, &checksum(1, contents), &deflate(contents))
}

/// Raw deflate, best effort.
pub(crate) fn deflate(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A chunk with any checksum.
pub(crate) fn framed(kind: u8, checksum: &[u8], contents: &[u8]) -> Vec<u8> {
    let mut out = vec![0x85, 0x6f, 0x4a, 0x83];
    out.extend(checksum);
    out.push(kind);
    prefixed(&mut out, contents);
    out
}

/// First four bytes of the hash of a chunk.
pub(crate) fn checksum(kind: u8, contents: &[u8]) -> Vec<u8> {
    let mut hasher = Sha256::new();
    hasher.update([kind]);
    hasher.update(uleb(contents.len() as u64));
    hasher.update(contents);
    hasher.finalize()[..4].to_vec()
}

/// The contents of a chunk.
pub(crate) fn contents(chunk: &[u8]) -> &[u8] {
    let mut at = 9;
    while chunk[at] & 0x80 != 0 {
        at += 1;
    }
    &chunk[at + 1..]
}

/// Unsigned LEB128.
pub(crate) fn uleb(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let byte = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            out.push(byte);
            return out;
        }
        out.push(byte | 0x80);
    }
}

/// Signed LEB128.
pub(crate) fn sleb(mut value: i64) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let byte = (value & 0x7f) as u8;
        value >>= 7;
        if (value == 0 && byte & 0x40 == 0) || (value == -1 && byte & 0x40 != 0) {
            out.push(byte);
            return out;
        }
        out.push(byte | 0x80);
    }
}

/// A run of one value: its count, then the value.
pub(crate) fn run(count: i64, value: &[u8]) -> Vec<u8> {
    [sleb(count), value.to_vec()].concat()
}

/// A run of nulls.
pub(crate) fn nulls(count: u64) -> Vec<u8> {
    [vec![0], uleb(count)].concat()
}

fn prefixed(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend(uleb(bytes.len() as u64));
    out.extend(bytes);
}

/// Unsigned numbers in runs.
pub(crate) fn numbers(values: impl Iterator<Item = Option<u64>>) -> Vec<u8> {
    runs(values.map(|value| value.map(uleb)).collect())
}

/// Numbers as differences in runs.
pub(crate) fn deltas(values: impl Iterator<Item = Option<i64>>) -> Vec<u8> {
    let mut before = 0i64;
    let mut difference = |value: i64| {
        let difference = value.wrapping_sub(before);
        before = value;
        sleb(difference)
    };
    runs(values.map(|value| value.map(&mut difference)).collect())
}

/// Texts in runs.
pub(crate) fn texts(values: impl Iterator<Item = Option<String>>) -> Vec<u8> {
    let coded = |text: String| {
        let mut out = Vec::new();
        prefixed(&mut out, text.as_bytes());
        out
    };
    runs(values.map(|value| value.map(coded)).collect())
}

fn runs(values: Vec<Option<Vec<u8>>>) -> Vec<u8> {
    if values.iter().all(Option::is_none) {
        return Vec::new();
    }
    let mut out = Vec::new();
    let mut literal: Vec<Vec<u8>> = Vec::new();
    let flush = |literal: &mut Vec<Vec<u8>>, out: &mut Vec<u8>| {
        if !literal.is_empty() {
            out.extend(sleb(-(literal.len() as i64)));
            literal.drain(..).for_each(|value| out.extend(value));
        }
    };
    for same in values.chunk_by(|a, b| a == b) {
        match &same[0] {
            Some(value) if same.len() == 1 => literal.push(value.clone()),
            Some(value) => {
                flush(&mut literal, &mut out);
                out.extend(run(same.len() as i64, value));
            }
            None => {
                flush(&mut literal, &mut out);
                out.extend(nulls(same.len() as u64));
            }
        }
    }
    flush(&mut literal, &mut out);
    out
}

/// Booleans: counts of false, true, false …
pub(crate) fn booleans(values: impl Iterator<Item = bool>) -> Vec<u8> {
    let values: Vec<bool> = values.collect();
    let mut out = if values.first() == Some(&true) { uleb(0) } else { Vec::new() };
    values.chunk_by(|a, b| a == b).for_each(|same| out.extend(uleb(same.len() as u64)));
    out
}

fn some_true(values: impl Iterator<Item = bool> + Clone) -> Vec<u8> {
    if values.clone().any(|value| value) { booleans(values) } else { Vec::new() }
}
