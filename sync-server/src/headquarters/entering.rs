//! How changes come into the feed: headquarters' own, and whatever the exchange or the quarantine has decided about. One way in, and each
//! goes with what the feed has to know besides: where customers are filed, whose an event is, what phones hold of the past.

use std::collections::BTreeMap;

use roadbook_core::crdt::Document as CrdtDocument;
use roadbook_core::ids::{DocId, Ms, SubjectId, UserId};
use roadbook_core::model::kinds;
use roadbook_core::replica::field::Work;
use roadbook_core::replica::{Prepared, Stamp};

use super::filing::{described, filed_by};
use super::founding::owner_of;
use super::{HeadquartersError, Inner};
use crate::clock::random;
use crate::feed::{Batch, Filing, Hand, NewEntry};
use crate::windows;

/// The same work with the edits of a document put together. Each is prepared from the state that is held: two changes of one document would
/// carry the same number of the same line, and nothing could ever read them again.
fn each_once(work: &Work) -> Result<Work, HeadquartersError> {
    let mut once: Work = Vec::with_capacity(work.len());
    let mut places: BTreeMap<DocId, usize> = BTreeMap::new();
    for (target, edits) in work {
        match places.get(&target.doc).and_then(|place| once.get_mut(*place)) {
            Some((known, before)) if known.at == target.at && known.kind.id == target.kind.id && known.subject == target.subject => {
                before.extend(edits.iter().cloned());
            }
            Some(_) => return Err(HeadquartersError::TwiceInOne { doc: target.doc, kind: target.kind.id }),
            None => {
                places.insert(target.doc, once.len());
                once.push((target.clone(), edits.clone()));
            }
        }
    }
    Ok(once)
}

impl Inner {
    /// Appends work in a person's name; returns the customers that it files anew.
    pub(super) fn append(&mut self, author: UserId, now: Ms, work: &Work) -> Result<Vec<SubjectId>, HeadquartersError> {
        self.in_step()?;
        let stamp = Stamp { author, now, entropy: random()? };
        let prepared: Vec<Prepared> = self.replica.prepare_all(&stamp, &each_once(work)?)?.into_iter().flatten().collect();
        let mut batch = Batch::default();
        let mut documents = Vec::with_capacity(prepared.len());
        for made in prepared {
            let identity = self.gate.identify(&made.change.bytes)?;
            let owner = self.owner_of_new(&made, author)?;
            // A card that is filed nowhere has a row that says so: what has none is unknown here.
            if [kinds::CUSTOMER.id, kinds::OFFICE.id].contains(&made.kind) && self.feed.filing(made.subject)?.is_none() {
                batch.filings.push((made.subject, Filing::default()));
            }
            batch.documents.push(described(made.doc, made.kind, made.subject, owner));
            batch.entries.push(NewEntry {
                doc: made.doc,
                hash: made.change.hash,
                deps: identity.deps,
                actor: identity.actor,
                author,
                bytes: made.change.bytes,
            });
            documents.push((made.doc, made.document));
        }
        self.enter(&Hand { device: None, user: author, now }, batch, documents.iter().map(|(doc, document)| (*doc, document)))
    }

    /// Appends changes to the feed, with what follows from `made`, the new states of the batch's documents: the windows of bounded
    /// history, and where customers are filed, for headquarters' side of a card says that and the feed mirrors it. Returns whom it files
    /// anew. The one way in: what went past it would go to phones that may not have it.
    ///
    /// # Errors
    /// [`HeadquartersError`]; nothing is then written.
    pub(crate) fn enter<'a>(
        &self,
        hand: &Hand,
        mut batch: Batch,
        made: impl IntoIterator<Item = (DocId, &'a CrdtDocument)>,
    ) -> Result<Vec<SubjectId>, HeadquartersError> {
        let known: BTreeMap<DocId, (&str, SubjectId)> =
            batch.documents.iter().map(|known| (known.id, (known.kind.as_str(), known.subject))).collect();
        let made = made.into_iter().filter_map(|(doc, document)| known.get(&doc).map(|(kind, subject)| (doc, *kind, *subject, document)));
        let made: Vec<(DocId, &str, SubjectId, &CrdtDocument)> = made.collect();
        let mut moved = Vec::new();
        let mut filings: BTreeMap<SubjectId, Filing> = std::mem::take(&mut batch.filings).into_iter().collect();
        for (_, _, subject, office) in made.iter().filter(|(_, kind, ..)| *kind == kinds::OFFICE.id) {
            let filed = self.feed.filing(*subject)?;
            let before = filings.get(subject).or(filed.as_ref()).cloned().unwrap_or_default();
            let after = filed_by(office, *subject, before.clone());
            if after != before {
                filings.insert(*subject, after);
                moved.push(*subject);
            } else if filed.is_none() {
                filings.entry(*subject).or_insert(after);
            }
        }
        batch.filings = filings.into_iter().collect();
        batch.windows = windows::of(&self.replica, made.into_iter(), hand.now)?;
        self.feed.append(hand, &batch)?;
        Ok(moved)
    }

    /// Whose an event is: known ones keep their owner, a tour is its representative's, other events are their author's.
    fn owner_of_new(&self, made: &Prepared, author: UserId) -> Result<Option<UserId>, HeadquartersError> {
        if let Some(known) = self.feed.document(made.doc)? {
            return Ok(known.owner);
        }
        Ok(owner_of(made.kind, made.doc, &made.document, author))
    }
}
