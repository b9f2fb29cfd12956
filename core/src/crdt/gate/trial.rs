//! Trials: what only the engine itself can show (steps 4, 6 and 9). Every one works on a copy that is dropped when it fails.

use automerge::transaction::Transactable as _;
use automerge::{
    ActorId as AmActor, Automerge, Change, ChangeHash as AmHash, LoadOptions, ObjType, ROOT, ReadDoc as _, ScalarValue, TextEncoding,
};

use super::judge::Touched;
use super::quiet::guarded;
use super::refusal::{Refusal, Trial};
use super::rules::Limits;
use super::snapshot;
use crate::crdt::chunk::ChunkError;
use crate::crdt::document::Document;
use crate::ids::ActorId;

/// Step 4: automerge reads the change, and writes it as the same bytes.
pub(super) fn parse(raw: &[u8]) -> Result<Change, Refusal> {
    guarded(Trial::Parse, || {
        let change = Change::try_from(raw).map_err(|_| Refusal::Engine(Trial::Parse))?;
        if Change::from(change.decode()).raw_bytes() == raw { Ok(change) } else { Err(Refusal::NotCanonical) }
    })
}

/// What is tried together: the changes, and what they write.
pub(super) struct Batch<'a> {
    pub(super) changes: Vec<&'a Change>,
    pub(super) touched: Vec<&'a Touched>,
}

/// Steps 6 and 9: applies to a copy, saves, loads, compares heads, reads and edits; gives the document as it was loaded.
pub(super) fn admit(base: &Automerge, batch: &Batch<'_>, limits: &Limits) -> Result<Automerge, Refusal> {
    let copy = guarded(Trial::Apply, || {
        let mut copy = base.clone();
        copy.apply_changes(batch.changes.iter().map(|change| (*change).clone())).map_err(|_| Refusal::Engine(Trial::Apply))?;
        let applied = batch.changes.iter().all(|change| copy.get_change_meta_by_hash(&change.hash()).is_some());
        if applied && copy.get_missing_deps(&[]).is_empty() { Ok(copy) } else { Err(Refusal::Engine(Trial::Apply)) }
    })?;
    let loaded = guarded(Trial::Reload, || {
        let bytes = copy.save_nocompress();
        // As the next phone will get it.
        snapshot::check(&bytes, limits).map_err(|refusal| {
            if let Refusal::Chunk(ChunkError::TooMuch { what, max }) = refusal {
                Refusal::Full { what, max }
            } else {
                Refusal::Engine(Trial::Reload)
            }
        })?;
        let loaded = load(&bytes)?;
        if loaded.get_heads() == copy.get_heads() { Ok(loaded) } else { Err(Refusal::Engine(Trial::Reload)) }
    })?;
    edit(&loaded, batch.touched.iter().copied())?;
    Ok(loaded)
}

/// Loads a document that came from outside; its columns were bounded before.
pub(super) fn open(bytes: &[u8], heads: &[crate::ids::ChangeHash]) -> Result<Document, Refusal> {
    let loaded = guarded(Trial::Reload, || {
        let loaded = load(bytes)?;
        let mut expected: Vec<AmHash> = heads.iter().map(|hash| AmHash(hash.0)).collect();
        expected.sort_unstable();
        if loaded.get_heads() == expected { Ok(loaded) } else { Err(Refusal::Engine(Trial::Reload)) }
    })?;
    let names = guarded(Trial::Edit, || Ok(loaded.keys(ROOT).collect::<Vec<String>>()))?;
    let containers: Vec<Touched> = names.into_iter().map(|container| Touched { container, key: None }).collect();
    edit(&loaded, containers.iter())?;
    Ok(Document::from_automerge(loaded))
}

fn load(bytes: &[u8]) -> Result<Automerge, Refusal> {
    let options = LoadOptions::new().text_encoding(TextEncoding::UnicodeCodePoint);
    Automerge::load_with_options(bytes, options).map_err(|_| Refusal::Engine(Trial::Reload))
}

/// Reads what was touched and edits a fork of the document, as the next person will.
fn edit<'a>(loaded: &Automerge, touched: impl Iterator<Item = &'a Touched>) -> Result<(), Refusal> {
    guarded(Trial::Edit, || {
        let refuse = |_| Refusal::Engine(Trial::Edit);
        let mut fork = loaded.clone();
        fork.set_actor(AmActor::from(PROBE.as_slice()));
        let mut tx = fork.transaction();
        tx.put(ROOT, PROBE_KEY, ScalarValue::Null).map_err(refuse)?;
        for place in touched {
            let found = tx.get(ROOT, place.container.as_str()).map_err(refuse)?;
            let Some((automerge::Value::Object(kind), id)) = found else { continue };
            match (kind, &place.key) {
                (ObjType::Text, _) => {
                    tx.splice_text(&id, 0, 0, "?").map_err(refuse)?;
                    tx.text(&id).map_err(refuse)?;
                }
                (_, Some(key)) => {
                    tx.get_all(&id, key.as_str()).map_err(refuse)?;
                }
                (_, None) => {}
            }
        }
        let (hash, _) = tx.commit();
        hash.map(|_| ()).ok_or(Refusal::Engine(Trial::Edit))
    })
}

/// The actor of edits that are made on a fork and thrown away. The last in order: an actor in between renumbers all others.
const PROBE: [u8; ActorId::BYTES_MAX] = [0xff; ActorId::BYTES_MAX];
const PROBE_KEY: &str = "\u{1}probe";
