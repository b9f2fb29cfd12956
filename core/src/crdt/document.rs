//! One document: written at the heads its form showed, read as registers with rivals, exchanged as raw changes.
//! Bytes that reach this file are trusted (our own store, or admitted by the gate).

use std::collections::{BTreeMap, BTreeSet};

use automerge::transaction::CommitOptions;
use automerge::{
    ActorId as AmActor, Author, Automerge, Change, ChangeHash as AmHash, LoadOptions, ObjId as ExId, ObjType, PatchLog, ROOT, ReadDoc as _,
    ScalarValue, ScalarValueRef, TextEncoding, Value as AmValue, ValueRef,
};
use minicbor::{Decode, Encode};

use super::writer::Writer;
use crate::ids::{ActorId, ChangeHash, Ms, UserId};

/// Why a document could not be opened, written or read.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// The CRDT library refused; the text names its reason, never content.
    #[error("the document engine refused: {0}")]
    Automerge(String),
    /// A change was handed in before one that it builds on.
    #[error("{} change(s) that this one builds on are missing", .0.len())]
    MissingDependencies(Vec<ChangeHash>),
    /// The document has no container of this name and shape: it was made by an older schema, or the name is wrong.
    #[error("this document has no container {0:?}")]
    NoContainer(String),
    /// A text edit begins or ends outside the text.
    #[error("text {name:?}: position {at} is outside its {length} characters")]
    OutsideText {
        /// Container of the text.
        name: String,
        /// First position that does not exist.
        at: usize,
        /// Length of the text in characters.
        length: usize,
    },
    /// Heads name a change that this document does not hold.
    #[error("the form shows a state that this device does not hold; open it again")]
    UnknownHeads,
    /// A genesis version without containers.
    #[error("a genesis version creates nothing")]
    EmptyGenesis,
}

impl DocumentError {
    pub(crate) fn automerge(error: impl std::fmt::Display) -> Self {
        Self::Automerge(error.to_string())
    }
}

/// A state of a document: the hashes of the changes that nothing follows, sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(transparent)]
pub struct Heads(#[n(0)] Vec<ChangeHash>);

impl Heads {
    /// From hashes in any order.
    #[must_use]
    pub fn new(mut hashes: Vec<ChangeHash>) -> Self {
        hashes.sort_unstable();
        hashes.dedup();
        Self(hashes)
    }
    /// The hashes, sorted.
    #[must_use]
    pub fn hashes(&self) -> &[ChangeHash] {
        &self.0
    }
    /// All hashes, one after the other: how heads are stored and compared.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|hash| hash.0).collect()
    }
    /// The reverse of [`Self::to_bytes`]; `None` when the length is not a multiple of 32.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let chunks = bytes.chunks_exact(32);
        if !chunks.remainder().is_empty() {
            return None;
        }
        chunks.map(ChangeHash::from_slice).collect::<Option<Vec<_>>>().map(Self::new)
    }
    fn automerge(&self) -> Vec<AmHash> {
        self.0.iter().map(|hash| AmHash(hash.0)).collect()
    }
}

/// One change as it travels and is stored: an uncompressed Automerge change chunk and its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawChange {
    /// SHA-256 of the chunk's contents.
    pub hash: ChangeHash,
    /// The chunk, type 1, never deflated.
    pub bytes: Vec<u8>,
}

impl RawChange {
    pub(crate) fn of(change: &Change) -> Self {
        Self { hash: ChangeHash(change.hash().0), bytes: change.raw_bytes().to_vec() }
    }
}

/// Who writes, and when by their own clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeStamp {
    /// The line of changes; fresh for every start of a process.
    pub actor: ActorId,
    /// The person; `None` only for genesis.
    pub author: Option<UserId>,
    /// The device's clock.
    pub time: Ms,
    /// What is known about that clock; see `model::clock`.
    pub note: Option<String>,
}

/// What a change says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeMeta {
    /// Its name.
    pub hash: ChangeHash,
    /// The line of changes it belongs to.
    pub actor: ActorId,
    /// The person who made it; `None` for genesis.
    pub author: Option<UserId>,
    /// The writer's clock.
    pub time: Ms,
    /// The note about that clock.
    pub note: Option<String>,
    /// Number in the actor's line, from 1.
    pub seq: u64,
    /// First operation number.
    pub start_op: u64,
    /// Last operation number.
    pub max_op: u64,
}

/// Name of an operation: orders concurrent values the same way on every replica.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct OpId {
    /// Lamport counter.
    pub counter: u64,
    /// Its actor.
    pub actor: ActorId,
}

/// One of the values a register holds at the same time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rival {
    /// The operation that wrote it.
    pub op: OpId,
    /// What was written; not decoded here.
    pub bytes: Vec<u8>,
    /// The change it came with.
    pub change: ChangeMeta,
}

/// A register with all its rivals, ordered by operation id; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Register {
    /// Path inside its container.
    pub key: String,
    /// The values.
    pub rivals: Vec<Rival>,
}

/// An Automerge document of Roadbook.
#[derive(Debug, Clone)]
pub struct Document {
    inner: Automerge,
}

pub(crate) fn new_automerge() -> Automerge {
    Automerge::new_with_encoding(TextEncoding::UnicodeCodePoint)
}

impl Document {
    pub(crate) fn from_automerge(inner: Automerge) -> Self {
        Self { inner }
    }
    pub(crate) fn automerge(&self) -> &Automerge {
        &self.inner
    }
    pub(crate) fn restart(&mut self) {
        self.inner = new_automerge();
    }

    /// Opens a snapshot that our own store or the gate vouches for.
    ///
    /// # Errors
    /// [`DocumentError::Automerge`] when the bytes are no document.
    pub fn load(snapshot: &[u8]) -> Result<Self, DocumentError> {
        let options = LoadOptions::new().text_encoding(TextEncoding::UnicodeCodePoint);
        Automerge::load_with_options(snapshot, options).map(Self::from_automerge).map_err(DocumentError::automerge)
    }

    /// The whole document as one uncompressed chunk: compress streams of documents, not documents.
    #[must_use]
    pub fn save(&self) -> Vec<u8> {
        self.inner.save_nocompress()
    }

    /// The current state.
    #[must_use]
    pub fn heads(&self) -> Heads {
        Heads::new(self.inner.get_heads().into_iter().map(|hash| ChangeHash(hash.0)).collect())
    }

    /// Whether the document holds a change.
    #[must_use]
    pub fn holds(&self, hash: &ChangeHash) -> bool {
        self.inner.get_change_meta_by_hash(&AmHash(hash.0)).is_some()
    }

    /// Applies admitted changes, in any order and with repetitions.
    ///
    /// # Errors
    /// [`DocumentError::MissingDependencies`] when something that they build on is neither here nor among them: the document
    /// is then unchanged. [`DocumentError::Automerge`] for bytes that are no change.
    pub fn apply(&mut self, changes: &[RawChange]) -> Result<(), DocumentError> {
        let parsed = changes
            .iter()
            .map(|change| Change::try_from(change.bytes.as_slice()).map_err(DocumentError::automerge))
            .collect::<Result<Vec<_>, _>>()?;
        self.apply_parsed(parsed)
    }

    /// As [`Self::apply`], for changes whose hashes are not needed.
    ///
    /// # Errors
    /// As [`Self::apply`].
    pub fn apply_bytes(&mut self, changes: &[Vec<u8>]) -> Result<(), DocumentError> {
        if changes.is_empty() {
            return Ok(());
        }
        let parsed = changes
            .iter()
            .map(|bytes| Change::try_from(bytes.as_slice()).map_err(DocumentError::automerge))
            .collect::<Result<Vec<_>, _>>()?;
        self.apply_parsed(parsed)
    }

    fn apply_parsed(&mut self, changes: Vec<Change>) -> Result<(), DocumentError> {
        let mut next = self.inner.clone();
        next.apply_changes(changes).map_err(DocumentError::automerge)?;
        let missing = next.get_missing_deps(&[]);
        if !missing.is_empty() {
            return Err(DocumentError::MissingDependencies(missing.into_iter().map(|hash| ChangeHash(hash.0)).collect()));
        }
        self.inner = next;
        Ok(())
    }

    /// The document without some changes and everything built on them; `None` when it holds none of them. `base` is the genesis
    /// of its kind, where that is known.
    ///
    /// # Errors
    /// [`DocumentError::Automerge`].
    pub fn without(&self, refused: &BTreeSet<ChangeHash>, base: Option<Self>) -> Result<Option<Self>, DocumentError> {
        let mut gone = BTreeSet::new();
        let mut kept = Vec::new();
        for change in self.inner.get_changes(&[]) {
            let hash = ChangeHash(change.hash().0);
            if refused.contains(&hash) || change.deps().iter().any(|dep| gone.contains(&ChangeHash(dep.0))) {
                gone.insert(hash);
            } else {
                kept.push(change);
            }
        }
        if gone.is_empty() {
            return Ok(None);
        }
        let mut document = base.unwrap_or_else(|| Self::from_automerge(new_automerge()));
        document.apply_parsed(kept)?;
        Ok(Some(document))
    }

    /// Writes one change at the heads that the writer saw (`None`: the current ones) and returns it; `None` when nothing was
    /// written. What arrived after those heads stays concurrent with it.
    ///
    /// # Errors
    /// What `write` returns, or [`DocumentError::UnknownHeads`]; the document is then unchanged.
    pub fn write<E: From<DocumentError>>(
        &mut self,
        at: Option<&Heads>,
        stamp: &ChangeStamp,
        write: impl FnOnce(&mut Writer<'_>) -> Result<(), E>,
    ) -> Result<Option<RawChange>, E> {
        let current = self.heads();
        let at = at.filter(|heads| **heads != current);
        if let Some(heads) = at
            && !heads.hashes().iter().all(|hash| self.holds(hash))
        {
            return Err(DocumentError::UnknownHeads.into());
        }
        // The author first: a new author brings a random actor with it.
        self.inner.set_author(stamp.author.map(|user| Author::from(user.as_bytes().to_vec())));
        self.inner.set_actor(AmActor::from(stamp.actor.as_bytes()));
        let mut options = CommitOptions::default().with_time(stamp.time.0);
        if let Some(note) = &stamp.note {
            options = options.with_message(note.as_str());
        }
        let mut tx = match at {
            None => self.inner.transaction(),
            Some(heads) => {
                let heads = heads.automerge();
                self.inner.transaction_at(PatchLog::inactive(), &heads).map_err(DocumentError::automerge)?
            }
        };
        let outcome = write(&mut Writer::new(&mut tx));
        if let Err(error) = outcome {
            tx.rollback();
            return Err(error);
        }
        let (hash, _) = tx.commit_with(options);
        let change = hash.and_then(|hash| self.inner.get_change_by_hash(&hash));
        Ok(change.map(|change| RawChange::of(&change)))
    }

    /// The changes that a holder of `heads` lacks, in dependency order. Heads unknown here count as nothing.
    #[must_use]
    pub fn changes_since(&self, heads: &Heads) -> Vec<RawChange> {
        let known: Vec<AmHash> = heads.automerge().into_iter().filter(|hash| self.inner.get_change_meta_by_hash(hash).is_some()).collect();
        self.inner.get_changes(&known).iter().map(RawChange::of).collect()
    }

    /// What every change says about itself, in dependency order.
    #[must_use]
    pub fn metas(&self) -> Vec<ChangeMeta> {
        self.inner
            .get_changes_meta(&[])
            .into_iter()
            .filter_map(|meta| {
                Some(ChangeMeta {
                    hash: ChangeHash(meta.hash.0),
                    author: self.author(&meta.actor),
                    actor: ActorId::from_slice(meta.actor.to_bytes())?,
                    time: Ms(meta.timestamp),
                    note: meta.message.map(std::borrow::Cow::into_owned),
                    seq: meta.seq,
                    start_op: meta.start_op,
                    max_op: meta.max_op,
                })
            })
            .collect()
    }

    pub(crate) fn author(&self, actor: &AmActor) -> Option<UserId> {
        self.inner.get_author_for_actor(actor).and_then(|author| UserId::from_slice(author.as_bytes()))
    }

    /// Whether the document has a container of this name.
    #[must_use]
    pub fn has_container(&self, name: &str) -> bool {
        matches!(self.inner.get(ROOT, name), Ok(Some((AmValue::Object(_), _))))
    }

    pub(crate) fn container(&self, name: &str) -> Option<(ObjType, ExId)> {
        match self.inner.get(ROOT, name) {
            Ok(Some((AmValue::Object(kind), id))) => Some((kind, id)),
            _ => None,
        }
    }

    /// All registers of a container by key; empty when the document has no such container.
    #[must_use]
    pub fn registers(&self, container: &str) -> Vec<Register> {
        self.reader().registers(container)
    }

    /// A reader that has looked up every change once: use it to read several containers.
    #[must_use]
    pub fn reader(&self) -> Reader<'_> {
        let mut by_actor: BTreeMap<ActorId, Vec<ChangeMeta>> = BTreeMap::new();
        for meta in self.metas() {
            by_actor.entry(meta.actor.clone()).or_default().push(meta);
        }
        Reader { doc: self, by_actor }
    }

    /// A text; `None` when the document has no such container.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<String> {
        let (kind, id) = self.container(name)?;
        (kind == ObjType::Text).then(|| self.inner.text(&id).ok()).flatten()
    }

    /// A text as it stood at some heads.
    #[must_use]
    pub fn text_at(&self, name: &str, heads: &Heads) -> Option<String> {
        let (kind, id) = self.container(name)?;
        (kind == ObjType::Text).then(|| self.inner.text_at(&id, &heads.automerge()).ok()).flatten()
    }
}

/// Reads registers of one document, with the change behind each value.
#[derive(Debug)]
pub struct Reader<'a> {
    doc: &'a Document,
    by_actor: BTreeMap<ActorId, Vec<ChangeMeta>>,
}

impl Reader<'_> {
    /// All registers of a container by key; empty when the document has no such container.
    #[must_use]
    pub fn registers(&self, container: &str) -> Vec<Register> {
        let Some((ObjType::Map, id)) = self.doc.container(container) else { return Vec::new() };
        // One walk over the container: looking a key up costs as much as walking over many. Only rivals are looked up.
        let entries = self.doc.inner.map_range(&id, ..);
        let registers = entries.map(|entry| {
            let rivals = if entry.conflict {
                self.rivals(&id, &entry.key)
            } else {
                let ValueRef::Scalar(ScalarValueRef::Bytes(bytes)) = &entry.value else { return None };
                self.rival(bytes.to_vec(), entry.id()).into_iter().collect()
            };
            (!rivals.is_empty()).then(|| Register { key: entry.key.into_owned(), rivals })
        });
        registers.flatten().collect()
    }

    fn rivals(&self, container: &ExId, key: &str) -> Vec<Rival> {
        let values = self.doc.inner.get_all(container, key).unwrap_or_default();
        let mut rivals: Vec<Rival> = values
            .into_iter()
            .filter_map(|(value, id)| {
                let AmValue::Scalar(scalar) = value else { return None };
                let ScalarValue::Bytes(bytes) = scalar.into_owned() else { return None };
                self.rival(bytes, id)
            })
            .collect();
        rivals.sort_by(|a, b| a.op.cmp(&b.op));
        rivals
    }

    fn rival(&self, bytes: Vec<u8>, id: ExId) -> Option<Rival> {
        let ExId::Id(counter, actor, _) = id else { return None };
        let op = OpId { counter, actor: ActorId::from_slice(actor.to_bytes())? };
        let change = self.change_of(&op)?.clone();
        Some(Rival { op, bytes, change })
    }

    /// The change that an operation came with.
    #[must_use]
    pub fn change_of(&self, op: &OpId) -> Option<&ChangeMeta> {
        let line = self.by_actor.get(&op.actor)?;
        let at = line.partition_point(|meta| meta.max_op < op.counter);
        line.get(at).filter(|meta| meta.start_op <= op.counter)
    }

    /// Every change, by actor and number.
    pub fn changes(&self) -> impl Iterator<Item = &ChangeMeta> {
        self.by_actor.values().flatten()
    }
}

#[cfg(test)]
#[path = "document_tests.rs"]
mod tests;
