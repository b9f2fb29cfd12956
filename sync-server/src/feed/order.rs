//! In which order the entries of a batch are appended. Pure.

use std::collections::{BTreeMap, BTreeSet};

use roadbook_core::ids::{ChangeHash, DocId};

use super::NewEntry;

/// The entries of a batch so that none comes before one that it builds on, in whatever order they were handed in: heads are moved on
/// entry by entry, and whoever follows applies them in this order.
pub(super) fn dependencies_first(fresh: BTreeMap<usize, &NewEntry>) -> Vec<(usize, &NewEntry)> {
    let mut ordered = Vec::with_capacity(fresh.len());
    let mut left: BTreeSet<(DocId, ChangeHash)> = fresh.values().map(|entry| (entry.doc, entry.hash)).collect();
    let mut waiting: Vec<(usize, &NewEntry)> = fresh.into_iter().collect();
    while !waiting.is_empty() {
        let before = waiting.len();
        waiting.retain(|(place, entry)| {
            let ready = entry.deps.iter().all(|dep| !left.contains(&(entry.doc, *dep)));
            if ready {
                left.remove(&(entry.doc, entry.hash));
                ordered.push((*place, *entry));
            }
            !ready
        });
        // A circle is none of changes, whose names are hashes; it is appended as it came.
        if waiting.len() == before {
            ordered.append(&mut waiting);
        }
    }
    ordered
}
