//! Own changes written again: under fresh actors, or without a change that they were written after.
//!
//! A device does this when headquarters set one of its changes aside (what does not need that change goes on without it), when its
//! line of changes forked, and when its file turns out to be a copy. Times, notes, author and operations stay as they were, so that
//! whatever the changes say is said again, concurrent with the same things as before. Only own changes that nobody else holds
//! may be written again: else they would be there twice.

use std::collections::{BTreeMap, BTreeSet};

use automerge::legacy::{ElementId, Key, ObjectId, Op, OpId as AmOpId, OpType};
use automerge::{ActorId as AmActor, Change, ChangeHash as AmHash, ExpandedChange};

use super::document::{Document, DocumentError, RawChange};
use crate::ids::{ActorId, ChangeHash, UserId};

/// What begins an author's name behind a change's columns; its length follows, both as one LEB128 byte.
const AUTHOR_FOOTER: u8 = 1;

/// What is to be written again.
#[derive(Debug)]
pub struct Rewriting<'a> {
    /// Changes that are taken out and not written again.
    pub left_out: &'a BTreeSet<ChangeHash>,
    /// Changes that are written again, with everything built on them.
    pub roots: &'a BTreeSet<ChangeHash>,
    /// Own changes that nobody else holds: only these are written again.
    pub own: &'a BTreeSet<ChangeHash>,
}

/// A document after some changes were written again.
#[derive(Debug)]
pub struct Rewritten {
    /// Its state.
    pub document: Document,
    /// Its state before the new changes were added.
    pub base: Document,
    /// The new changes, each with the one it stands for, in dependency order.
    pub changes: Vec<(ChangeHash, RawChange)>,
    /// Own changes that need something that was left out, each with the one that says it again: on what was left out, so that whoever
    /// gets both can tell. They are in neither state.
    pub stuck: Vec<(ChangeHash, RawChange)>,
}

/// Writes changes of `document` again under the actors that `fresh` gives for the old ones; `None` when the document holds none of
/// what is to be left out or written again. `genesis` is the state in which documents of its kind begin.
///
/// # Errors
/// [`DocumentError::Automerge`]; nothing is then changed.
pub fn rewrite(
    document: &Document,
    genesis: Option<Document>,
    rewriting: &Rewriting<'_>,
    fresh: &dyn Fn(&ActorId) -> ActorId,
) -> Result<Option<Rewritten>, DocumentError> {
    let mut pen = Pen::new(fresh);
    let mut gone = rewriting.left_out.clone();
    for change in document.automerge().get_changes(&[]) {
        let hash = ChangeHash(change.hash().0);
        let follows = change.deps().iter().any(|dep| pen.instead.contains_key(dep));
        if rewriting.left_out.contains(&hash) {
            pen.leave_out(&change);
        } else if rewriting.own.contains(&hash) && (follows || rewriting.roots.contains(&hash)) {
            gone.insert(hash);
            let author = document.author(change.actor_id());
            if !pen.write_again(&change, hash, author)? {
                pen.write_stuck(&change, hash, author)?;
                pen.leave_out(&change);
            }
        } else if follows || rewriting.roots.contains(&hash) {
            gone.insert(hash);
            pen.leave_out(&change);
        }
    }
    let Some(base) = document.without(&gone, genesis)? else { return Ok(None) };
    let mut next = base.clone();
    let new: Vec<RawChange> = pen.written.iter().map(|(_, change)| change.clone()).collect();
    next.apply(&new)?;
    Ok(Some(Rewritten { document: next, base, changes: pen.written, stuck: pen.stuck }))
}

/// Writes changes again without their document: those that are marked, and those of the others that build on them. They are in the order
/// of saving. What else they build on stays as it is.
///
/// # Errors
/// [`DocumentError::Automerge`], when one of them is no change.
pub fn rewrite_alone(
    changes: &[(RawChange, bool)],
    author: UserId,
    fresh: &dyn Fn(&ActorId) -> ActorId,
) -> Result<Vec<(ChangeHash, RawChange)>, DocumentError> {
    let mut pen = Pen::new(fresh);
    for (raw, marked) in changes {
        let change = Change::try_from(raw.bytes.as_slice()).map_err(DocumentError::automerge)?;
        if *marked || change.deps().iter().any(|dep| pen.instead.contains_key(dep)) {
            let _again = pen.write_again(&change, raw.hash, Some(author))?;
        }
    }
    Ok(pen.written)
}

/// Writes one change again on what a document holds, without what else it was written after; `None` when it needs some of that. What it
/// wrote over there it writes beside. It stays its author's: as it says itself, or as the document knows its line; `handed_in_by` where
/// neither says, and `None` without that.
///
/// # Errors
/// [`DocumentError::Automerge`], when it is no change.
pub fn rewrite_here(
    document: &Document,
    change: &[u8],
    handed_in_by: Option<UserId>,
    fresh: &dyn Fn(&ActorId) -> ActorId,
) -> Result<Option<RawChange>, DocumentError> {
    let change = Change::try_from(change).map_err(DocumentError::automerge)?;
    let named = change.author().and_then(|author| UserId::from_slice(author.as_bytes()));
    let Some(author) = named.or_else(|| document.author(change.actor_id())).or(handed_in_by) else { return Ok(None) };
    let expanded = change.decode();
    let (first, end) = (expanded.start_op.get(), expanded.start_op.get().saturating_add(expanded.operations.len() as u64));
    let reader = document.reader();
    let mut pen = Pen::new(fresh);
    let mut on: Vec<AmHash> = change.deps().iter().copied().filter(|dep| document.holds(&ChangeHash(dep.0))).collect();
    for id in expanded.operations.iter().flat_map(names) {
        if *id.actor() == expanded.actor_id && (first..end).contains(&id.counter()) {
            continue;
        }
        let held = ActorId::from_slice(id.actor().to_bytes())
            .and_then(|actor| reader.change_of(&super::document::OpId { counter: id.counter(), actor }).map(|meta| meta.hash));
        match held {
            Some(hash) => on.push(AmHash(hash.0)),
            None => _ = pen.dead.insert(id.clone(), (Vec::new(), change.hash())),
        }
    }
    // As few as say it all.
    let on = document.automerge().fork_at(&on).map_err(DocumentError::automerge)?.get_heads();
    pen.instead.extend(change.deps().iter().map(|dep| (*dep, on.clone())));
    let whole = pen.write_again(&change, ChangeHash(change.hash().0), Some(author))?;
    Ok(pen.written.pop().filter(|_| whole).map(|(_, again)| again))
}

/// The operations that one names.
fn names(op: &Op) -> impl Iterator<Item = &AmOpId> {
    let obj = if let ObjectId::Id(id) = &op.obj { Some(id) } else { None };
    let key = if let Key::Seq(ElementId::Id(id)) = &op.key { Some(id) } else { None };
    obj.into_iter().chain(key).chain(op.pred.iter())
}

/// Operations with new names: old actor and first counter, end of the counters, new actor.
type Moved = (AmActor, u64, u64, AmActor);

struct Pen<'a> {
    fresh: &'a dyn Fn(&ActorId) -> ActorId,
    /// What takes the place of a change that is gone, as a dependency.
    instead: BTreeMap<AmHash, Vec<AmHash>>,
    /// New names of operations that were written again.
    moved: Vec<Moved>,
    /// Operations that are gone, with what they had overwritten and the change that they were of.
    dead: BTreeMap<AmOpId, (Vec<AmOpId>, AmHash)>,
    lines: BTreeMap<AmActor, u64>,
    written: Vec<(ChangeHash, RawChange)>,
    /// As `moved` and `written`, of changes that need something that is gone.
    moved_stuck: Vec<Moved>,
    stuck: Vec<(ChangeHash, RawChange)>,
}

impl<'a> Pen<'a> {
    fn new(fresh: &'a dyn Fn(&ActorId) -> ActorId) -> Self {
        Self {
            fresh,
            instead: BTreeMap::new(),
            moved: Vec::new(),
            dead: BTreeMap::new(),
            lines: BTreeMap::new(),
            written: Vec::new(),
            moved_stuck: Vec::new(),
            stuck: Vec::new(),
        }
    }

    fn deps(&self, change: &Change) -> Vec<AmHash> {
        let mut deps: Vec<AmHash> =
            change.deps().iter().flat_map(|dep| self.instead.get(dep).cloned().unwrap_or_else(|| vec![*dep])).collect();
        deps.sort_unstable();
        deps.dedup();
        deps
    }

    fn leave_out(&mut self, change: &Change) {
        self.instead.insert(change.hash(), self.deps(change));
        let expanded = change.decode();
        for (place, op) in (0_u64..).zip(&expanded.operations) {
            let id = AmOpId::new(expanded.start_op.get() + place, &expanded.actor_id);
            let overwrote = op.pred.iter().flat_map(|pred| self.resolved(pred)).collect();
            self.dead.insert(id, (overwrote, change.hash()));
        }
    }

    /// Writes a change that needs something that is gone again on just that, beside everything else, on a line of its own.
    fn write_stuck(&mut self, change: &Change, hash: ChangeHash, author: Option<UserId>) -> Result<(), DocumentError> {
        let mut expanded = change.decode();
        let (old, first, count) = (expanded.actor_id.clone(), expanded.start_op.get(), expanded.operations.len() as u64);
        let new = AmActor::from((self.fresh)(&ActorId::short(hash.0)).as_bytes());
        self.moved_stuck.push((old, first, first.saturating_add(count), new.clone()));
        let mut needs: BTreeSet<AmHash> = BTreeSet::new();
        let mut renamed = |id: &AmOpId| {
            needs.extend(self.dead.get(id).map(|(_, of)| *of));
            moved(id, self.moved_stuck.iter().chain(&self.moved))
        };
        for op in &mut expanded.operations {
            if let ObjectId::Id(id) = &mut op.obj {
                *id = renamed(id);
            }
            if let Key::Seq(ElementId::Id(id)) = &mut op.key {
                *id = renamed(id);
            }
            let mut pred: Vec<AmOpId> = op.pred.iter().map(&mut renamed).collect();
            pred.sort_unstable();
            op.pred = pred.into();
        }
        let stuck: BTreeMap<AmHash, AmHash> = self.stuck.iter().map(|(old, new)| (AmHash(old.0), AmHash(new.hash.0))).collect();
        let mut deps = self.deps(change);
        deps.extend(needs.iter().map(|needed| stuck.get(needed).unwrap_or(needed)));
        deps.sort_unstable();
        deps.dedup();
        let again = on_line(expanded, deps, (new, 1), author)?;
        self.stuck.push((hash, RawChange::of(&again)));
        Ok(())
    }

    /// Writes one change again; `false` when it needs something that is gone.
    fn write_again(&mut self, change: &Change, hash: ChangeHash, author: Option<UserId>) -> Result<bool, DocumentError> {
        let mut expanded = change.decode();
        let old = expanded.actor_id.clone();
        let (first, count) = (expanded.start_op.get(), expanded.operations.len() as u64);
        let Some(name) = ActorId::from_slice(old.to_bytes()) else { return Ok(false) };
        let new = AmActor::from((self.fresh)(&name).as_bytes());
        let own = (old.clone(), first, first.saturating_add(count), new.clone());
        let Some(operations) = expanded.operations.iter().map(|op| self.operation(op, &own)).collect::<Option<Vec<_>>>() else {
            return Ok(false);
        };
        expanded.operations = operations;
        let deps = self.deps(change);
        let line = self.lines.entry(new.clone()).or_default();
        *line += 1;
        let again = on_line(expanded, deps, (new, *line), author)?;
        self.instead.insert(change.hash(), vec![again.hash()]);
        self.moved.push(own);
        self.written.push((hash, RawChange::of(&again)));
        Ok(true)
    }

    /// An operation with the new names; `None` when it needs one that is gone.
    fn operation(&self, op: &Op, own: &Moved) -> Option<Op> {
        let named = |id: &AmOpId| (!self.dead.contains_key(id)).then(|| self.renamed(id, own));
        let obj = match &op.obj {
            ObjectId::Root => ObjectId::Root,
            ObjectId::Id(id) => ObjectId::Id(named(id)?),
        };
        let key = match &op.key {
            Key::Map(name) => Key::Map(name.clone()),
            Key::Seq(ElementId::Head) => Key::Seq(ElementId::Head),
            Key::Seq(ElementId::Id(id)) => Key::Seq(ElementId::Id(named(id)?)),
        };
        let mut pred: Vec<AmOpId> = op.pred.iter().flat_map(|pred| self.resolved(pred)).map(|pred| self.renamed(&pred, own)).collect();
        pred.sort_unstable();
        pred.dedup();
        let needs = matches!(op.action, OpType::Delete | OpType::Increment(_));
        if needs && pred.is_empty() {
            return None;
        }
        Some(Op { action: op.action.clone(), obj, key, pred: pred.into(), insert: op.insert })
    }

    /// An operation, or what it had overwritten when it is gone.
    fn resolved(&self, id: &AmOpId) -> Vec<AmOpId> {
        self.dead.get(id).map_or_else(|| vec![id.clone()], |(overwrote, _)| overwrote.clone())
    }

    fn renamed(&self, id: &AmOpId, own: &Moved) -> AmOpId {
        moved(id, std::iter::once(own).chain(&self.moved))
    }
}

/// An operation's name where some were given new ones.
fn moved<'a>(id: &AmOpId, mut all: impl Iterator<Item = &'a Moved>) -> AmOpId {
    let hit = all.find(|(actor, first, end, _)| id.actor() == actor && (*first..*end).contains(&id.counter()));
    hit.map_or_else(|| id.clone(), |(_, _, _, new)| AmOpId::new(id.counter(), new))
}

/// A change with what it builds on, as that number of an actor's line. The first of a line names its author, and no other.
fn on_line(
    mut expanded: ExpandedChange,
    deps: Vec<AmHash>,
    (actor, seq): (AmActor, u64),
    author: Option<UserId>,
) -> Result<Change, DocumentError> {
    let named = author.filter(|_| seq == 1);
    let footer = named.map(|author| [&[AUTHOR_FOOTER, author.as_bytes().len() as u8], author.as_bytes().as_slice()].concat());
    (expanded.deps, expanded.actor_id, expanded.seq, expanded.hash) = (deps, actor, seq, None);
    expanded.extra_bytes = footer.unwrap_or_default();
    // What automerge builds is read back as it would be from outside.
    let change = Change::from(expanded);
    Change::try_from(change.raw_bytes()).map_err(DocumentError::automerge)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failing test says where")]

    use super::*;
    use crate::crdt::ChangeStamp;
    use crate::crdt::gate::{Gate, Incoming, Outcome, Source};
    use crate::ids::{DocId, Ms};
    use crate::model::{Edit, Provenance, edit, kinds};

    const USER: UserId = UserId::from_bytes([7; 16]);

    fn write(document: &mut Document, actor: u8, edits: &[Edit]) -> RawChange {
        let stamp = ChangeStamp { actor: ActorId::short([actor; 32]), author: Some(USER), time: Ms(1_772_409_600_000), note: None };
        document.write(None, &stamp, |writer| edit::write(&kinds::CUSTOMER, edits, writer)).unwrap().unwrap()
    }
    fn fact(field: &str, value: &str) -> Edit {
        Edit::Assert { field: field.to_owned(), value: value.into(), provenance: Provenance::default() }
    }
    fn splice(at: usize, insert: &str) -> Edit {
        Edit::Splice { field: "problems".to_owned(), at, delete: 0, insert: insert.to_owned() }
    }
    fn hashes(changes: &[&RawChange]) -> BTreeSet<ChangeHash> {
        changes.iter().map(|change| change.hash).collect()
    }
    fn fresh(old: &ActorId) -> ActorId {
        ActorId::short([old.as_bytes()[0] ^ 0x80; 32])
    }
    /// The strict gate takes what was written again, in the place of what it stands for.
    fn passes(rewritten: &Rewritten) {
        let ready = kinds::ready("customer").unwrap();
        let owns = |_: &ActorId| true;
        let source = Source::Device { user: USER, owns: &owns };
        let incoming: Vec<Incoming<'_>> = rewritten.changes.iter().map(|(_, change)| Incoming { bytes: &change.bytes, source }).collect();
        let admission = Gate::strict().admit(&rewritten.base, &ready.rules, &incoming, &|_| Ok(()));
        assert!(admission.outcomes.iter().all(|outcome| matches!(outcome, Outcome::Accepted(_))), "{:?}", admission.outcomes);
        assert_eq!(admission.document.unwrap().heads(), rewritten.document.heads());
    }

    #[test]
    fn a_change_is_written_on_what_is_here_unless_it_needs_what_is_not() {
        let ready = kinds::ready("customer").unwrap();
        let mut elsewhere = ready.genesis.clone();
        let first = write(&mut elsewhere, 1, &[fact("trade_name", "惠民"), splice(0, "缺货")]);
        let lost = write(&mut elsewhere, 2, &[fact("customer_no", "二"), splice(2, "严重")]);
        let independent = write(&mut elsewhere, 1, &[fact("trade_name", "惠民超市"), splice(0, "又")]);
        let over = write(&mut elsewhere, 1, &[fact("customer_no", "三")]);
        let needs = write(&mut elsewhere, 1, &[splice(5, "!")]);
        let mut here = ready.genesis.clone();
        here.apply(std::slice::from_ref(&first)).unwrap();
        assert!(here.apply(std::slice::from_ref(&independent)).is_err(), "{lost:?} is missing");
        let again = rewrite_here(&here, &independent.bytes, Some(USER), &fresh).unwrap().unwrap();
        let owns = |_: &ActorId| true;
        let incoming = [Incoming { bytes: &again.bytes, source: Source::Device { user: USER, owns: &owns } }];
        let admission = Gate::strict().admit(&here, &ready.rules, &incoming, &|_| Ok(()));
        assert!(matches!(admission.outcomes[0], Outcome::Accepted(_)), "{:?}", admission.outcomes);
        assert_eq!(admission.document.unwrap().text("problems").as_deref(), Some("又缺货"));
        let over = rewrite_here(&here, &over.bytes, Some(USER), &fresh).unwrap().unwrap();
        here.apply(std::slice::from_ref(&over)).unwrap();
        assert!(rewrite_here(&here, &needs.bytes, Some(USER), &fresh).unwrap().is_none(), "it writes after letters that are nowhere");
        // Whose it is, it says itself when it is the first of its line; else the document may know.
        let nobody = |change: &RawChange| rewrite_here(&ready.genesis, &change.bytes, None, &fresh).unwrap();
        assert!(nobody(&lost).is_none(), "it writes after letters of another");
        let first = rewrite_here(&ready.genesis, &first.bytes, Some(UserId::from_bytes([8; 16])), &fresh).unwrap().unwrap();
        let mut with_it = ready.genesis.clone();
        with_it.apply(std::slice::from_ref(&first)).unwrap();
        assert_eq!(with_it.metas().last().unwrap().author, Some(USER));
        let mut line = ready.genesis.clone();
        write(&mut line, 3, &[fact("trade_name", "一")]);
        let second = write(&mut line, 3, &[fact("customer_no", "二")]);
        assert!(nobody(&second).is_none(), "nobody knows its line");
    }

    #[test]
    fn what_does_not_need_a_refused_change_goes_on_without_it() {
        let genesis = kinds::ready("customer").unwrap().genesis.clone();
        let mut document = genesis.clone();
        let first = write(&mut document, 1, &[fact("trade_name", "惠民")]);
        let refused = write(&mut document, 1, &[fact("trade_name", "坏"), splice(0, "缺货")]);
        let other = write(&mut document, 1, &[fact("legal_name", "惠民超市")]);
        let needs = write(&mut document, 1, &[splice(2, "严重")]);
        let needs_that = write(&mut document, 1, &[splice(4, "!")]);
        let over = write(&mut document, 1, &[fact("trade_name", "惠民超市")]);
        let own = hashes(&[&refused, &other, &needs, &needs_that, &over]);
        let rewriting = Rewriting { left_out: &hashes(&[&refused]), roots: &BTreeSet::new(), own: &own };
        let done = rewrite(&document, Some(genesis), &rewriting, &fresh).unwrap().unwrap();
        let stuck: BTreeSet<ChangeHash> = done.stuck.iter().map(|(old, _)| *old).collect();
        assert_eq!(stuck, hashes(&[&needs, &needs_that]), "they write after letters that are gone");
        assert_eq!(done.changes.iter().map(|(old, _)| *old).collect::<Vec<_>>(), [other.hash, over.hash]);
        passes(&done);
        assert!(done.document.holds(&first.hash) && !done.document.holds(&refused.hash));
        let card = crate::model::card::Card::fold(DocId::from_bytes([1; 16]).into(), &done.document, None);
        assert_eq!((card.text("trade_name"), card.text("legal_name")), (Some("惠民超市"), Some("惠民超市")));
        assert_eq!(done.document.text("problems").as_deref(), Some(""));
        // What is stuck waits for what it needs: with that it says what it said.
        let stuck: Vec<RawChange> = done.stuck.iter().map(|(_, new)| new.clone()).collect();
        assert!(done.document.clone().apply(&stuck).is_err(), "not without");
        let mut base = done.document.clone();
        base.apply(std::slice::from_ref(&refused)).unwrap();
        let mut document = base.clone();
        document.apply(&stuck).unwrap();
        assert_eq!(document.text("problems").as_deref(), Some("缺货严重!"));
        passes(&Rewritten { document, base, changes: done.stuck, stuck: Vec::new() });
    }

    #[test]
    fn a_line_that_forked_is_written_again_whole() {
        let genesis = kinds::ready("customer").unwrap().genesis.clone();
        let mut document = genesis.clone();
        let known = write(&mut document, 1, &[fact("trade_name", "惠民"), splice(0, "缺货")]);
        let forked = write(&mut document, 1, &[splice(2, "严重"), fact("trade_name", "惠民超市")]);
        let after = write(&mut document, 1, &[splice(4, "!"), fact("trade_name", "惠民超市二店")]);
        let own = hashes(&[&forked, &after]);
        let rewriting = Rewriting { left_out: &BTreeSet::new(), roots: &hashes(&[&forked]), own: &own };
        let done = rewrite(&document, Some(genesis), &rewriting, &fresh).unwrap().unwrap();
        assert!(done.stuck.is_empty() && done.base.holds(&known.hash));
        passes(&done);
        assert_eq!(done.document.text("problems").as_deref(), Some("缺货严重!"));
        assert_eq!(done.document.registers("facts"), {
            let mut same = done.document.registers("facts");
            same.retain(|register| register.rivals.len() == 1);
            same
        });
        assert!(rewrite(&done.document, None, &rewriting, &fresh).unwrap().is_none(), "nothing of it is left");
    }

    #[test]
    fn a_forked_change_without_its_document_is_written_again_with_what_builds_on_it() {
        let genesis = kinds::ready("customer").unwrap().genesis.clone();
        let mut document = genesis.clone();
        let beside = write(&mut document, 2, &[fact("short_name", "惠")]);
        let known = write(&mut document, 1, &[fact("trade_name", "惠民"), splice(0, "缺货")]);
        let base = document.clone();
        let forked = write(&mut document, 1, &[splice(2, "严重"), fact("trade_name", "惠民超市")]);
        let after = write(&mut document, 1, &[splice(4, "!"), fact("trade_name", "惠民超市二店")]);
        let waiting = [(beside, false), (forked.clone(), true), (after.clone(), false)];
        let changes = rewrite_alone(&waiting, USER, &fresh).unwrap();
        assert_eq!(changes.iter().map(|(old, _)| *old).collect::<Vec<_>>(), [forked.hash, after.hash], "and nothing that stands by itself");
        // Whoever holds what they build on takes them, in the name of their author, and reads what was written.
        let mut next = base.clone();
        next.apply(&changes.iter().map(|(_, new)| new.clone()).collect::<Vec<_>>()).unwrap();
        let metas = next.metas();
        let first = metas.iter().find(|meta| meta.hash == changes[0].1.hash).unwrap();
        assert_eq!((first.author, first.seq, &first.actor), (Some(USER), 1, &fresh(&ActorId::short([1; 32]))));
        assert!(next.holds(&known.hash) && !next.holds(&forked.hash) && !next.holds(&after.hash));
        let card = crate::model::card::Card::fold(DocId::from_bytes([1; 16]).into(), &next, None);
        assert_eq!((next.text("problems").as_deref(), card.text("trade_name")), (Some("缺货严重!"), Some("惠民超市二店")));
        assert!(next.registers("facts").iter().all(|register| register.rivals.len() == 1), "they overwrite what the old ones overwrote");
        passes(&Rewritten { document: next, base, changes, stuck: Vec::new() });
        // Where nothing forked there is nothing to be written.
        assert!(rewrite_alone(&[(forked, false), (after, false)], USER, &fresh).unwrap().is_empty());
    }
}
