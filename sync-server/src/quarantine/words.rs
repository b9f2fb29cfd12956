//! A quarantined change in words: which fields, which values, when, by its writer's clock. Read on a copy: nothing is admitted by it.

use roadbook_core::crdt::Shape;
use roadbook_core::crdt::gate::Gate;
use roadbook_core::crdt::{Document, Heads, RawChange};
use roadbook_core::ids::Ms;
use roadbook_core::model::assertion::Assertion;
use roadbook_core::model::schema::Label;
use roadbook_core::model::{Kind, Value, kinds};
use serde::Serialize;

use super::{Quarantine, QuarantineError};
use crate::feed::DeskRow;

/// Lines shown of one change, at most.
const LINES_MAX: usize = 40;
/// Characters shown of one value.
const CHARS_MAX: usize = 200;

/// What a change says of one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Said {
    /// Field id, or the key of a register that no form shows.
    pub field: String,
    /// Its name.
    pub label: Label,
    /// The value, as text.
    pub value: String,
}

/// What a row's change says, and when by its writer's clock; nothing when it cannot be read.
///
/// # Errors
/// [`QuarantineError`] when a table or document of our own cannot be read.
pub fn said(quarantine: &Quarantine<'_>, row: &DeskRow) -> Result<(Vec<Said>, Option<Ms>), QuarantineError> {
    let refused = &row.row.refused;
    let Some(kind) = kinds::kind(&refused.kind) else { return Ok((Vec::new(), None)) };
    let Some((branch, change)) = quarantine.shown(row)? else { return Ok((Vec::new(), None)) };
    let claimed = branch.metas().into_iter().find(|meta| meta.hash == change.hash).map(|meta| meta.time);
    Ok((lines(kind, &branch, &change), claimed))
}

fn lines(kind: &'static Kind, branch: &Document, change: &RawChange) -> Vec<Said> {
    let hash = change.hash;
    let mut lines = Vec::new();
    for container in kind.containers {
        if container.shape == Shape::Text {
            let before = text_before(branch, container.name, change);
            let after = branch.text_at(container.name, &Heads::new(vec![hash])).unwrap_or_default();
            if before != after {
                lines.push(line(kind, container.name, &after));
            }
            continue;
        }
        for register in branch.registers(container.name) {
            for rival in register.rivals.iter().filter(|rival| rival.change.hash == hash) {
                let value = Assertion::of_rival(rival).map_or_else(|| "?".to_owned(), |assertion| text(&assertion.value));
                lines.push(line(kind, &register.key, &value));
            }
        }
    }
    lines.truncate(LINES_MAX);
    lines
}

fn text_before(branch: &Document, name: &str, change: &RawChange) -> String {
    let deps = Gate::lenient().identify(&change.bytes).map(|one| one.deps).unwrap_or_default();
    if deps.is_empty() { String::new() } else { branch.text_at(name, &Heads::new(deps)).unwrap_or_default() }
}

/// A register's key is a field, or a list, an entry and a field of it.
fn line(kind: &'static Kind, key: &str, value: &str) -> Said {
    let mut parts = key.split('/');
    let field = parts.next().unwrap_or(key);
    let inner = parts.next_back().unwrap_or_default();
    let known = kind.field(field);
    let label = known
        .and_then(|known| known.entry_fields().iter().find(|entry| entry.id == inner).map(|entry| entry.label.clone()))
        .or_else(|| known.map(|known| known.label.clone()))
        .unwrap_or_else(|| kind.label.clone());
    Said { field: key.to_owned(), label, value: value.chars().take(CHARS_MAX).collect() }
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "—".to_owned(),
        Value::Text(text) => text.clone(),
        Value::Int(number) => number.to_string(),
        Value::Bool(yes) => if *yes { "✓" } else { "✗" }.to_owned(),
        Value::List(list) => list.iter().map(text).collect::<Vec<_>>().join(", "),
        Value::Map(map) => map.iter().map(|(name, value)| format!("{name}: {}", text(value))).collect::<Vec<_>>().join(", "),
    }
}
