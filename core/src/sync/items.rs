//! What an answer brings is taken in, a commit at a time: documents and changes through the gate, rows, forgets. One bad item
//! never holds up another.

use std::collections::{BTreeMap, BTreeSet};

use minicbor::bytes::ByteVec;

use super::ahead::Ahead;
use super::{Synced, told};
use crate::crdt::gate::{Incoming, Outcome as Judged, Source};
use crate::crdt::{Document, RawChange};
use crate::exchange::Item;
use crate::ids::{ChangeHash, DocId, Ms};
use crate::model::kinds;
use crate::replica::documents::{Admitted, load};
use crate::replica::fold::{Subjects, drop_rows, fold_rows};
use crate::replica::{Replica, ReplicaError};
use crate::store::{Apart, OwnStanding, QuarantinedChange, StoreError, Writing};

impl Replica {
    /// Takes in one commit's worth of items; returns whether something could not be taken in that must come again.
    pub(super) fn take_items(&mut self, items: &[Item], ahead: &mut Ahead, now: Ms, synced: &mut Synced) -> Result<bool, ReplicaError> {
        let mut admitted: BTreeMap<DocId, Admitted> = BTreeMap::new();
        let mut forgotten = Vec::new();
        let mut lent = BTreeSet::new();
        let mut rows = Vec::new();
        let mut refused = Vec::new();
        let mut broken = false;
        let listening = !self.store().read(|read| read.unheard(1))?.is_empty();
        for item in items {
            let opened = ahead.opened(item);
            if let Some((doc, why)) = self.mistaken(item, &admitted)? {
                broken = true;
                refused.push((doc, None, why));
                continue;
            }
            match item {
                Item::Document { doc, kind, subject, .. } | Item::Lent { doc, kind, subject, .. } => {
                    let Some(opened) = opened else { continue };
                    let by_name = matches!(item, Item::Lent { .. });
                    if by_name && !admitted.contains_key(doc) && !self.holds_by_right(*doc)? {
                        lent.insert(*doc);
                    } else if !by_name {
                        lent.remove(doc);
                    }
                    if listening && let Ok(document) = &opened {
                        self.listen(*doc, document)?;
                    }
                    match opened.map(|document| self.merged(*doc, document, by_name)) {
                        Ok(Ok((document, changes))) => {
                            admitted.insert(*doc, Admitted { doc: *doc, kind: kind.clone(), subject: *subject, document, changes });
                        }
                        // Another life of the document that is held: the two can never be one.
                        Ok(Err(ReplicaError::Document(error))) => {
                            broken = true;
                            refused.push((*doc, None, error.to_string()));
                        }
                        Ok(Err(error)) => return Err(error),
                        Err(refusal) => {
                            broken = true;
                            refused.push((*doc, None, refusal.to_string()));
                        }
                    }
                }
                Item::Changes { doc, kind, subject, changes } => {
                    let before = match admitted.remove(doc) {
                        Some(earlier) => Some((earlier.document, earlier.changes)),
                        None => self.base(*doc, kind)?.map(|document| (document, Vec::new())),
                    };
                    let Some((before, mut new)) = before else {
                        broken = true;
                        continue;
                    };
                    let Judgement { document, taken, bad, postponed } = self.judge(before, kind, changes);
                    broken |= postponed || !bad.is_empty();
                    refused.extend(bad.into_iter().map(|(bytes, why)| (*doc, Some(bytes), why)));
                    let fresh = taken.is_empty() && new.is_empty();
                    new.extend(taken);
                    if !fresh {
                        admitted.insert(*doc, Admitted { doc: *doc, kind: kind.clone(), subject: *subject, document, changes: new });
                    }
                }
                Item::Row { .. } => rows.push(item),
                Item::Forget { doc } => {
                    if listening {
                        self.store_mut().write(|write| write.heard(*doc))?;
                    }
                    admitted.remove(doc);
                    forgotten.push(*doc);
                }
            }
        }
        synced.documents += admitted.len() + rows.len();
        synced.forgotten += forgotten.len();
        synced.refused += refused.len();
        synced.subjects.extend(admitted.values().map(|item| item.subject));
        synced.subjects.extend(rows.iter().filter_map(|row| if let Item::Row { subject, .. } = row { Some(*subject) } else { None }));
        let arrived: Vec<_> = admitted.values().map(|item| (item.doc, item.kind.clone(), item.subject)).collect();
        let admitted: Vec<Admitted> = admitted.into_values().collect();
        let offset_minutes = self.offset_minutes()?;
        self.absorb(&admitted, |write| {
            for (doc, bytes, reason) in refused {
                let bytes = bytes.unwrap_or_default();
                let hash = digest(doc, &bytes, &reason);
                write.quarantine(&QuarantinedChange { hash, doc, received_at: now, reason, bytes })?;
            }
            let mut subjects = Subjects::default();
            for (doc, kind, subject) in arrived {
                if lent.contains(&doc) {
                    write.set_apart(doc, Apart::Lent { since: now })?;
                    continue;
                }
                write.put_among(doc)?;
                // Its row was told until now: the document's own takes the place.
                if write.drop_told_row(doc)?.is_some() {
                    subjects.touch(&kind, subject, doc, None);
                }
            }
            for row in rows {
                told::keep(write, &mut subjects, row, now)?;
            }
            for doc in forgotten {
                give_up(write, &mut subjects, doc)?;
            }
            told::evict(write, &mut subjects, now)?;
            fold_rows(write, &subjects, offset_minutes)
        })?;
        Ok(broken)
    }

    /// Why an item cannot be about the document that it names: it is held, or came before in this answer, as something else.
    fn mistaken(&self, item: &Item, admitted: &BTreeMap<DocId, Admitted>) -> Result<Option<(DocId, String)>, ReplicaError> {
        let (Item::Document { doc, kind, subject, .. } | Item::Changes { doc, kind, subject, .. } | Item::Lent { doc, kind, subject, .. }) =
            item
        else {
            return Ok(None);
        };
        let known = match admitted.get(doc) {
            Some(earlier) => Some((earlier.kind.clone(), earlier.subject)),
            None => self.store().read(|read| read.holding(*doc))?.map(|held| (held.kind, held.subject)),
        };
        let same = known.is_none_or(|known| known == (kind.clone(), *subject));
        Ok((!same).then(|| (*doc, "held under another kind or subject".to_owned())))
    }

    /// What a received document becomes beside what is held: its new changes are added to ours, or it is kept whole. Own changes
    /// that are kept without their document (it was given up, or its bytes proved damaged) are put on top.
    fn merged(&self, doc: DocId, received: Document, by_name: bool) -> Result<(Document, Vec<RawChange>), ReplicaError> {
        let held = match self.document(doc) {
            Ok(held) => held,
            // Damaged bytes cannot be worse than none.
            Err(ReplicaError::Document(_) | ReplicaError::Store(StoreError::Damaged { .. })) => None,
            Err(other) => return Err(other),
        };
        // What is lent again is headquarters' word: what it has lost and set aside since is no longer in it.
        let replaced = by_name && self.store().read(|read| told::is_replaceable(read, doc))? == Some(true);
        let Some(held) = held.filter(|held| !replaced && self.is_intact(doc, &held.document).unwrap_or(false)) else {
            return Ok((self.with_own(doc, received)?, Vec::new()));
        };
        let new = received.changes_since(&held.document.heads());
        let new: Vec<RawChange> = new.into_iter().filter(|change| !held.document.holds(&change.hash)).collect();
        let mut document = held.document;
        document.apply(&new)?;
        Ok((document, new))
    }

    /// Whether the digest counts a document as held whole.
    fn holds_by_right(&self, doc: DocId) -> Result<bool, StoreError> {
        self.store().read(|read| Ok(read.holding(doc)?.is_some() && read.apart(doc)?.is_none()))
    }

    fn with_own(&self, doc: DocId, mut document: Document) -> Result<Document, ReplicaError> {
        for own in self.store().read(|read| read.own_changes_of(doc))? {
            let stands = matches!(own.standing.kind(), OwnStanding::Waiting | OwnStanding::Accepted);
            if stands && !document.holds(&own.hash) {
                // One that builds on what is not here waits in the outbox without being shown.
                let _applied = document.apply(&[RawChange { hash: own.hash, bytes: own.bytes }]);
            }
        }
        Ok(document)
    }

    fn base(&self, doc: DocId, kind: &str) -> Result<Option<Document>, ReplicaError> {
        let held = self.store().read(|read| load(read, doc))?.map(|held| held.document);
        Ok(held.or_else(|| kinds::ready(kind).map(|ready| ready.genesis.clone())))
    }

    /// A document with what the gate takes of these changes, and what that is.
    pub(crate) fn judged(&self, before: Document, kind: &str, changes: &[ByteVec]) -> (Document, Vec<RawChange>) {
        let Judgement { document, taken, .. } = self.judge(before, kind, changes);
        (document, taken)
    }

    fn judge(&self, before: Document, kind: &str, changes: &[ByteVec]) -> Judgement {
        let empty = crate::crdt::gate::ContainerRules::default();
        let rules = kinds::ready(kind).map_or(&empty, |ready| &ready.rules);
        let incoming: Vec<Incoming<'_>> = changes.iter().map(|bytes| Incoming { bytes, source: Source::Feed }).collect();
        let admission = self.gate().admit(&before, rules, &incoming, &|_| Ok(()));
        let mut taken = Vec::new();
        let mut bad = Vec::new();
        let mut postponed = false;
        for (outcome, bytes) in admission.outcomes.into_iter().zip(changes) {
            match outcome {
                Judged::Accepted(accepted) => taken.push(accepted.raw),
                Judged::AlreadyKnown { .. } => {}
                Judged::MissingDependencies { missing, .. } => bad.push((bytes.to_vec(), format!("{} change(s) missing", missing.len()))),
                Judged::Forked { .. } => bad.push((bytes.to_vec(), "forked".to_owned())),
                Judged::Postponed { .. } => postponed = true,
                Judged::Refused { refusal, .. } => bad.push((bytes.to_vec(), refusal.to_string())),
            }
        }
        Judgement { document: admission.document.unwrap_or(before), taken, bad, postponed }
    }
}

/// Gives a document up. One with own changes that wait stays in sight until they are acknowledged; so does one of which headquarters
/// lost something in a restore that this device is still to hand in.
pub(super) fn give_up(write: &mut Writing<'_>, subjects: &mut Subjects<'_>, doc: DocId) -> Result<(), ReplicaError> {
    if let Some(row) = write.drop_told_row(doc)? {
        told::drop_row(write, &row)?;
        subjects.touch(&row.kind, row.subject, doc, None);
    }
    let Some(held) = write.holding(doc)? else { return Ok(()) };
    if Replica::waits(write, doc)? || write.is_lost_in(doc)? {
        return Ok(write.set_apart(doc, Apart::Leaving)?);
    }
    drop_rows(write, &held)?;
    write.forget(doc)?;
    subjects.touch(&held.kind, held.subject, doc, None);
    Ok(())
}

/// What the gate said of the changes of one item.
struct Judgement {
    document: Document,
    taken: Vec<RawChange>,
    bad: Vec<(Vec<u8>, String)>,
    /// Something was not judged for now: it comes again.
    postponed: bool,
}

/// Name under which something without a hash of its own is set aside.
fn digest(doc: DocId, bytes: &[u8], reason: &str) -> ChangeHash {
    use sha2::Digest as _;
    let mut hasher = sha2::Sha256::new();
    hasher.update(doc.as_bytes());
    hasher.update(bytes);
    hasher.update(reason.as_bytes());
    ChangeHash(hasher.finalize().into())
}
