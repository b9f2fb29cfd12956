//! Genesis: the deterministic first changes of a document.
//! The same kind and version gives the same bytes on every replica for ever; `fixtures` pin the hashes. No business words here.

use automerge::transaction::{CommitOptions, Transactable as _};
use automerge::{ActorId as AmActor, Automerge, ObjType, ROOT};
use sha2::{Digest as _, Sha256};

use super::document::{Document, DocumentError, RawChange, new_automerge};

/// What a container of a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A map from path-like keys to registers.
    Registers,
    /// One text that merges character by character.
    Text,
}

/// The containers of a kind, version by version: entry `n` is what schema version `n + 1` adds.
///
/// Released versions are never edited: a newer schema appends one.
#[derive(Debug, Clone, Copy)]
pub struct Genesis {
    /// Name of the kind, part of the deterministic actor.
    pub kind: &'static str,
    /// Containers by version.
    pub versions: &'static [&'static [(&'static str, Shape)]],
}

impl Genesis {
    /// The deterministic changes, oldest first; each depends on the one before.
    ///
    /// # Errors
    /// [`DocumentError::Automerge`] if the library refuses, which a test excludes for every kind.
    pub fn changes(&self) -> Result<Vec<RawChange>, DocumentError> {
        let mut doc = new_automerge();
        let mut changes = Vec::with_capacity(self.versions.len());
        for (version, containers) in (1u32..).zip(self.versions) {
            let name = format!("roadbook genesis {} {version}", self.kind);
            let digest = Sha256::digest(name.as_bytes());
            doc.set_actor(AmActor::from(digest.get(..16).unwrap_or_default()));
            let mut tx = doc.transaction();
            for (container, shape) in *containers {
                let kind = match shape {
                    Shape::Registers => ObjType::Map,
                    Shape::Text => ObjType::Text,
                };
                tx.put_object(ROOT, *container, kind).map_err(DocumentError::automerge)?;
            }
            let _hash = tx.commit_with(CommitOptions::default().with_time(0));
            let change = doc.get_last_local_change().ok_or(DocumentError::EmptyGenesis)?;
            changes.push(RawChange::of(&change));
        }
        Ok(changes)
    }

    /// A new document that holds nothing but its genesis.
    ///
    /// # Errors
    /// As [`Self::changes`].
    pub fn document(&self) -> Result<Document, DocumentError> {
        let mut doc = Document::from_automerge(Automerge::new());
        doc.restart();
        doc.apply(&self.changes()?)?;
        Ok(doc)
    }

    /// All containers of all versions.
    pub fn containers(&self) -> impl Iterator<Item = (&'static str, Shape)> + '_ {
        self.versions.iter().flat_map(|version| version.iter().copied())
    }
}
