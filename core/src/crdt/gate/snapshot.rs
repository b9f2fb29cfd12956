//! Whole documents from outside: the same bounds as for changes, on the chunk of kind 0 that a phone gets from its server.

use std::collections::{BTreeMap, BTreeSet};

use super::refusal::{ReferenceFault, Refusal, SchemaFault};
use super::rules::Limits;
use super::survey::ObjectKind;
use super::{Gate, trial};
use crate::crdt::chunk;
use crate::crdt::chunk::change::{Action, Key, LocalId, ValueKind};
use crate::crdt::chunk::document::{OpRow, ParsedDocument};
use crate::crdt::document::Document;
use crate::ids::ChangeHash;

/// See [`Gate::admit_snapshot`].
pub(super) fn admit(gate: &Gate, bytes: &[u8], genesis: &[ChangeHash]) -> Result<Document, Refusal> {
    let (parsed, root) = check(bytes, &gate.limits)?;
    let document = trial::open(bytes, &parsed.heads)?;
    match document.metas().get(root) {
        Some(first) if genesis.contains(&first.hash) => Ok(document),
        Some(_) | None => Err(Refusal::Genesis),
    }
}

/// Everything that can be said about a document without the engine: it is taken apart, and the place of its one beginning is
/// given. What headquarters admits must pass this too, or no phone could take it.
pub(super) fn check(bytes: &[u8], limits: &Limits) -> Result<(ParsedDocument, usize), Refusal> {
    let contents = chunk::open_document(bytes, &limits.chunk)?;
    let parsed = chunk::document::parse(contents, &limits.chunk)?;
    let roots = graph(&parsed, limits)?;
    objects(&parsed, limits)?;
    match roots.as_slice() {
        [root] => Ok((parsed, *root)),
        _ => Err(Refusal::Genesis),
    }
}

/// Lines of changes: numbers without gaps, counters that rise along every dependency, times that can be (step 5). Gives the
/// changes that build on nothing.
fn graph(document: &ParsedDocument, limits: &Limits) -> Result<Vec<usize>, Refusal> {
    let mut lines: Vec<(u64, u64)> = vec![(0, 0); document.actors.len()];
    let mut roots = Vec::new();
    for (index, change) in document.changes.iter().enumerate() {
        let before = change.deps.iter().filter_map(|dep| document.changes.get(*dep)).map(|dep| dep.last_op).max().unwrap_or(0);
        let Some((seq, last_op)) = lines.get_mut(change.actor) else { continue };
        let (expected, lowest) = (seq.saturating_add(1), before.max(*last_op));
        if change.seq != expected {
            return Err(Refusal::Sequence { expected, found: change.seq });
        }
        if change.last_op < lowest {
            return Err(Refusal::Counter { lowest, highest: limits.chunk.op_counter_max, found: change.last_op });
        }
        if change.time < limits.time_ms_min || change.time > limits.time_ms_max {
            return Err(Refusal::Time);
        }
        (*seq, *last_op) = (change.seq, change.last_op);
        if change.deps.is_empty() {
            roots.push(index);
        }
    }
    Ok(roots)
}

/// Operations: objects that exist, are not too many and not nested too deep, keys of the kind that the object has, values
/// that are not too long (step 7 under the general bounds). Operations stand by object, each object after its maker.
fn objects(document: &ParsedDocument, limits: &Limits) -> Result<(), Refusal> {
    let mut objects: BTreeMap<LocalId, (ObjectKind, usize)> = BTreeMap::new();
    // A container is never replaced, and none stands in front of another.
    let mut containers: BTreeSet<Box<str>> = BTreeSet::new();
    for (index, op) in document.ops.iter().enumerate() {
        let reference = |fault| Refusal::Reference { op: index, fault };
        let schema = |fault| Refusal::Schema { op: index, fault };
        let (kind, depth) = match op.object {
            None => (ObjectKind::Map, 0),
            Some(id) => objects.get(&id).copied().ok_or_else(|| reference(ReferenceFault::Object))?,
        };
        if !key_fits(op, kind) {
            return Err(reference(ReferenceFault::Key));
        }
        if op.action == Action::Delete {
            return Err(schema(SchemaFault::Action));
        }
        if op.value.kind == ValueKind::Text && op.value.bytes > limits.text_bytes_max {
            return Err(schema(SchemaFault::ValueLength));
        }
        let made = ObjectKind::made_by(op.action);
        if depth == 0
            && let Key::Name(name) = &op.key
            && (made.is_none() || !containers.insert(name.clone()))
        {
            return Err(schema(SchemaFault::Root));
        }
        if let Some(made) = made {
            if depth >= limits.depth_max || objects.len() >= limits.objects_max {
                return Err(schema(SchemaFault::Objects));
            }
            objects.insert(op.id, (made, depth + 1));
        }
    }
    Ok(())
}

fn key_fits(op: &OpRow, kind: ObjectKind) -> bool {
    match (&op.key, kind) {
        (Key::Name(_), ObjectKind::Map) => !op.insert,
        (Key::Head, ObjectKind::List | ObjectKind::Text) => op.insert,
        (Key::Element(_), ObjectKind::List | ObjectKind::Text) => true,
        (Key::Name(_), ObjectKind::List | ObjectKind::Text) | (Key::Head | Key::Element(_), ObjectKind::Map) => false,
    }
}
