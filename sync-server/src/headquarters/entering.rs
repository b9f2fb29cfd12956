//! How changes come into the feed: headquarters' own, and whatever the exchange or the quarantine has decided about. One way in, and each
//! goes with what the feed has to know besides: where customers are filed, whose an event is, what phones hold of the past.

use std::collections::BTreeMap;

use roadbook_core::crdt::Document as CrdtDocument;
use roadbook_core::ids::{DocId, Ms, SubjectId, TerritoryId, UserId};
use roadbook_core::model::{Edit, kinds};
use roadbook_core::replica::field::Work;
use roadbook_core::replica::{Prepared, Stamp};

use super::filing::described;
use super::{HeadquartersError, Inner};
use crate::clock::random;
use crate::feed::{Batch, Filing, Hand, NewEntry};
use crate::windows;

impl Inner {
    pub(super) fn append(
        &mut self,
        author: UserId,
        now: Ms,
        work: &Work,
        filings: &[(SubjectId, Filing)],
    ) -> Result<(), HeadquartersError> {
        self.in_step()?;
        let stamp = Stamp { author, now, entropy: random()? };
        let prepared: Vec<Prepared> = self.replica.prepare_all(&stamp, work)?.into_iter().flatten().collect();
        let mut batch = Batch { filings: self.filed(work, filings)?, ..Batch::default() };
        let mut documents = Vec::with_capacity(prepared.len());
        for made in prepared {
            let identity = self.gate.identify(&made.change.bytes)?;
            let owner = self.owner_of_new(&made, author)?;
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

    /// Appends changes to the feed, with the windows of bounded history that follow from `made`, the new states of the batch's
    /// documents. The one way in: what went past it would go to every phone of its territory.
    ///
    /// # Errors
    /// [`HeadquartersError`]; nothing is then written.
    pub(crate) fn enter<'a>(
        &self,
        hand: &Hand,
        mut batch: Batch,
        made: impl IntoIterator<Item = (DocId, &'a CrdtDocument)>,
    ) -> Result<(), HeadquartersError> {
        let known: BTreeMap<DocId, (&str, SubjectId)> =
            batch.documents.iter().map(|known| (known.id, (known.kind.as_str(), known.subject))).collect();
        let made = made.into_iter().filter_map(|(doc, document)| known.get(&doc).map(|(kind, subject)| (doc, *kind, *subject, document)));
        batch.windows = windows::of(&self.replica, made, hand.now)?;
        self.feed.append(hand, &batch)?;
        Ok(())
    }

    /// The filings of a commit: those asked for, and those that follow from edits of territory and owner on the office side. The
    /// office side mirrors what the feed files by, so both change in one commit or neither.
    fn filed(&self, work: &Work, asked: &[(SubjectId, Filing)]) -> Result<Vec<(SubjectId, Filing)>, HeadquartersError> {
        let mut filings: BTreeMap<SubjectId, Filing> = asked.iter().cloned().collect();
        for (target, edits) in work.iter().filter(|(target, _)| target.kind.id == kinds::OFFICE.id) {
            for edit in edits {
                let Edit::Assert { field, value, .. } = edit else { continue };
                if field != "territory" && field != "owner" {
                    continue;
                }
                let known = match filings.remove(&target.subject) {
                    Some(filing) => filing,
                    None => self.feed.filing(target.subject)?.unwrap_or_default(),
                };
                let filing = if field == "territory" {
                    Filing { territory: value.as_text().map(|id| TerritoryId(id.to_owned())), ..known }
                } else {
                    Filing { owner: value.as_text().and_then(|id| id.parse().ok()), ..known }
                };
                filings.insert(target.subject, filing);
            }
        }
        Ok(filings.into_iter().collect())
    }

    /// Whose an event is: known ones keep their owner, a tour is its representative's, other events are their author's.
    fn owner_of_new(&self, made: &Prepared, author: UserId) -> Result<Option<UserId>, HeadquartersError> {
        if let Some(known) = self.feed.document(made.doc)? {
            return Ok(known.owner);
        }
        Ok(match made.kind {
            "tour" => roadbook_core::model::tour::Tour::fold(made.doc, &made.document).rep,
            kind if kinds::belongs_to_customer(kind) => None,
            _ => Some(author),
        })
    }
}
