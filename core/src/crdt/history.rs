//! What a register held over time: who asserted what, when, on which device. Read out of the changes, stored nowhere else.

use automerge::legacy::{Key, ObjectId, OpType};
use automerge::{ObjId as ExId, ObjType, ScalarValue};

use super::document::{ChangeMeta, Document};
use crate::ids::{ActorId, ChangeHash, Ms};

/// One assertion of a register's past, current ones included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// What was written; not decoded here.
    pub bytes: Vec<u8>,
    /// The change it came with.
    pub change: ChangeMeta,
}

impl Document {
    /// Every assertion that a register ever held, in dependency order. Costs a walk over all changes: for one opened card.
    #[must_use]
    pub fn history(&self, container: &str, key: &str) -> Vec<Past> {
        self.history_of(container, |candidate| candidate == key).into_iter().map(|(_, past)| past).collect()
    }

    /// As [`Self::history`] for all keys that `wanted` picks, each with its key.
    #[must_use]
    pub fn history_of(&self, container: &str, wanted: impl Fn(&str) -> bool) -> Vec<(String, Past)> {
        let Some((ObjType::Map, ExId::Id(counter, actor, _))) = self.container(container) else { return Vec::new() };
        let object = ObjectId::Id(automerge::legacy::OpId(counter, actor));
        let mut past = Vec::new();
        for change in self.automerge().get_changes(&[]) {
            let Some(line) = ActorId::from_slice(change.actor_id().to_bytes()) else { continue };
            let meta = ChangeMeta {
                hash: ChangeHash(change.hash().0),
                actor: line,
                author: self.author(change.actor_id()),
                time: Ms(change.timestamp()),
                note: change.message().map(str::to_owned),
                seq: change.seq(),
                start_op: change.start_op().get(),
                max_op: change.max_op(),
            };
            for op in change.decode().operations {
                if op.obj != object {
                    continue;
                }
                if let (Key::Map(key), OpType::Put(ScalarValue::Bytes(bytes))) = (&op.key, op.action)
                    && wanted(key)
                    && !bytes.is_empty()
                {
                    past.push((key.to_string(), Past { bytes, change: meta.clone() }));
                }
            }
        }
        past
    }
}
