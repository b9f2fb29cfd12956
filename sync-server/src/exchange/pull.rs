//! What a device lacks: whole documents, changes, rows, and what it must forget, in feed order, in parts and within bounds.
//!
//! The checkpoint of a long pull says where it stands: `base` is the head of the feed when the pull began, `upto` the number
//! up to which everything was given. The device's cursor stays where it was until the last part. A first pull begins with
//! what its person needs today, and brings both sides of a card together: the device then makes its row once.

use std::collections::{BTreeMap, BTreeSet};

use minicbor::bytes::ByteVec;
use roadbook_core::exchange::parts::PART_BYTES_TARGET;
use roadbook_core::exchange::{Checkpoint, ITEMS_BYTES_TARGET, Item};
use roadbook_core::ids::{ChangeHash, DocId, Ms, SubjectId};
use roadbook_core::model::{Kind, kinds};
use roadbook_core::replica::told;

use super::scope::View;
use super::{Exchange, ExchangeError};
use crate::device::Caller;
use crate::feed::{Begun, Page, PageDocument};

/// Bytes counted for an item beside its contents.
const ITEM_BYTES: usize = 64;
/// Documents of one part, at most, unless it is said otherwise.
const PART_DOCUMENTS_MAX: usize = 600;

/// How much comes at a time. What a device lacks is the same, whatever they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Portions {
    /// Documents of one part, at most.
    pub part_documents: usize,
    /// Bytes of one part, after which it is closed.
    pub part_bytes: usize,
    /// Bytes of all parts of one answer, after which it is closed.
    pub answer_bytes: usize,
}

impl Default for Portions {
    fn default() -> Self {
        Self { part_documents: PART_DOCUMENTS_MAX, part_bytes: PART_BYTES_TARGET, answer_bytes: ITEMS_BYTES_TARGET }
    }
}

/// Who asks, and how the device may be answered.
#[derive(Clone, Copy)]
pub(super) struct Asker<'a> {
    pub(super) view: &'a View,
    pub(super) caller: &'a Caller,
    /// It takes rows in place of documents.
    pub(super) reads_rows: bool,
    /// It compares document by document where something differs.
    pub(super) compares: bool,
    /// Changes of its own above its cursor that it says it holds, or has just handed in.
    pub(super) holds: &'a BTreeSet<ChangeHash>,
}

/// Where a device stands.
#[derive(Clone, Copy)]
pub(super) struct Stands {
    /// It holds everything up to here.
    pub(super) base: u64,
    /// It stands at 0 because it was told to start again: it may hold anything.
    pub(super) again: bool,
    /// A long pull under way.
    pub(super) checkpoint: Option<Checkpoint>,
}

/// Office sides of cards on a page of a first pull.
#[derive(Debug, Default)]
struct Sides {
    /// To go with the card of this document.
    offices: BTreeMap<DocId, PageDocument>,
    /// Went with its card.
    came: BTreeSet<DocId>,
}

/// One part for a device.
#[derive(Debug)]
pub(super) struct Pulled {
    /// What to store and to forget.
    pub(super) items: Vec<Item>,
    /// Where the device stands once it has.
    pub(super) number: u64,
    /// Set while more waits.
    pub(super) checkpoint: Option<Checkpoint>,
    /// With it, what the person needs today is there.
    pub(super) today: bool,
}

impl Exchange {
    /// The parts of one answer: until nothing more waits, or enough bytes are together.
    pub(super) fn pull(&self, asker: &Asker<'_>, stands: Stands, now: Ms) -> Result<Vec<Pulled>, ExchangeError> {
        let mut parts = Vec::new();
        let mut checkpoint = stands.checkpoint;
        let mut given = BTreeSet::new();
        let mut bytes = 0_usize;
        if stands.base == 0 && checkpoint.is_none() && asker.compares {
            let head = self.feed.head()?;
            self.headquarters.in_step(now, head)?;
            let documents = self.today(asker, now)?;
            let mut items = Vec::new();
            for document in documents.iter().filter(|document| document.last_no <= head) {
                if let Some((item, length)) = self.item(asker, document, Stands { again: true, ..stands })? {
                    bytes = bytes.saturating_add(length);
                    items.push(item);
                    given.insert(document.doc);
                }
            }
            checkpoint = Some(Checkpoint { base: head, upto: 0 });
            parts.push(Pulled { items, number: 0, checkpoint, today: true });
        }
        loop {
            let (part, length) = self.part(asker, stands, checkpoint, &given, now)?;
            bytes = bytes.saturating_add(length);
            checkpoint = part.checkpoint;
            if !part.items.is_empty() || checkpoint.is_none() || bytes >= self.portions.answer_bytes {
                parts.push(part);
            }
            if checkpoint.is_none() || bytes >= self.portions.answer_bytes {
                return Ok(parts);
            }
        }
    }

    /// One part from a checkpoint on, and its bytes. `given` came in an earlier part, as of the pull's beginning.
    fn part(
        &self,
        asker: &Asker<'_>,
        stands: Stands,
        checkpoint: Option<Checkpoint>,
        given: &BTreeSet<DocId>,
        now: Ms,
    ) -> Result<(Pulled, usize), ExchangeError> {
        let Stands { base, again, .. } = stands;
        // A grant younger than the pull makes it begin again; so does a checkpoint of another life.
        let begun = checkpoint.map(|at| Begun { head: at.base, upto: at.upto }).filter(|begun| asker.view.granted_no() <= begun.head);
        // Whoever compares finds out about documents that left long ago when at rest: they need not be listed one by one.
        let page = self.feed.page(&asker.view.ask(base, begun, again && !asker.compares, self.portions.part_documents))?;
        // The cursor is to pass all of the page: documents are read at least as new.
        self.headquarters.in_step(now, page.head)?;
        let pull_head = begun.map_or(page.head, |begun| begun.head);
        let mut sides = if base == 0 && !asker.view.broad { self.sides(asker, &page, pull_head)? } else { Sides::default() };
        let mut items = Vec::new();
        let (mut bytes, mut until, mut complete) = (0_usize, page.until, page.complete);
        for document in &page.documents {
            if bytes >= self.portions.part_bytes {
                complete = false;
                break;
            }
            until = document.last_no;
            if (given.contains(&document.doc) && document.last_no <= pull_head) || sides.came.contains(&document.doc) {
                continue;
            }
            for document in std::iter::once(document).chain(sides.offices.remove(&document.doc).as_ref()) {
                if let Some((item, length)) = self.item(asker, document, stands)? {
                    bytes = bytes.saturating_add(length).saturating_add(ITEM_BYTES);
                    items.push(item);
                }
            }
        }
        if complete || bytes < self.portions.part_bytes {
            until = page.until;
        }
        items.extend(page.forgets.iter().filter(|(no, _)| complete || *no <= until).map(|(_, doc)| Item::Forget { doc: *doc }));
        let number = if complete { page.head } else { base };
        let checkpoint = (!complete).then_some(Checkpoint { base: pull_head, upto: until });
        Ok((Pulled { items, number, checkpoint, today: false }, bytes))
    }

    /// For a page of a first pull: office sides that go with their cards, and those that went with theirs. One goes with its card when
    /// that has its place before it and it has not changed since the pull began: else it stands further on, and comes there. Both
    /// places only grow while a pull lasts, so that none is left out.
    fn sides(&self, asker: &Asker<'_>, page: &Page, pull_head: u64) -> Result<Sides, ExchangeError> {
        let ask = asker.view.ask(0, None, false, 1);
        let of = |kind: &Kind| page.documents.iter().filter(|document| document.kind == kind.id).collect::<Vec<_>>();
        let (cards, offices) = (of(&kinds::CUSTOMER), of(&kinds::OFFICE));
        let goes = |card: &PageDocument, office: &PageDocument| card.last_no < office.last_no && office.last_no <= pull_head;
        let other_sides = self.feed.seen(&ask, &cards.iter().map(|card| card.subject.office()).collect::<Vec<_>>())?;
        let mut other_sides: BTreeMap<SubjectId, PageDocument> = other_sides.into_iter().map(|office| (office.subject, office)).collect();
        let mut sides = Sides::default();
        for card in cards {
            if let Some(office) = other_sides.remove(&card.subject).filter(|office| goes(card, office)) {
                sides.offices.insert(card.doc, office);
            }
        }
        let places = self.feed.seen(&ask, &offices.iter().map(|office| office.subject.customer()).collect::<Vec<_>>())?;
        let places: BTreeMap<SubjectId, PageDocument> = places.into_iter().map(|card| (card.subject, card)).collect();
        let went = |office: &&&PageDocument| places.get(&office.subject).is_some_and(|card| goes(card, office));
        sides.came = offices.iter().filter(went).map(|office| office.doc).collect();
        Ok(sides)
    }

    /// The item of a document, and its length; `None` when the device holds all that is new: it wrote it itself, and says that it has
    /// it. That the feed had it from this device is no proof: its file may have been put back from a backup. A whole document must
    /// have come into being after the device's cursor, so that nothing can have made the device forget it.
    pub(super) fn item(&self, asker: &Asker<'_>, document: &PageDocument, stands: Stands) -> Result<Option<(Item, usize)>, ExchangeError> {
        let PageDocument { doc, kind, subject, .. } = document.clone();
        if asker.view.broad && asker.reads_rows && !document.own && told::has_row(&kind) {
            return self.row(document).map(Some);
        }
        match document.since {
            Some(since) => {
                let changes = self.feed.changes(doc, since, asker.holds)?;
                let length = changes.iter().map(Vec::len).sum();
                let changes: Vec<ByteVec> = changes.into_iter().map(ByteVec::from).collect();
                Ok((!changes.is_empty()).then_some((Item::Changes { doc, kind, subject, changes }, length)))
            }
            None if !stands.again && self.feed.is_all_of(doc, asker.holds, stands.base)? => Ok(None),
            None => {
                let snapshot = self.snapshot(doc)?;
                let length = snapshot.len();
                Ok(Some((Item::Document { doc, kind, subject, snapshot: snapshot.into() }, length)))
            }
        }
    }

    /// A row in place of a document.
    fn row(&self, document: &PageDocument) -> Result<(Item, usize), ExchangeError> {
        let PageDocument { doc, kind, subject, .. } = document.clone();
        let (heads, row) = self.headquarters.read(|replica| {
            let heads = replica.store().read(|read| read.holding(doc))?.map(|holding| holding.heads);
            Ok::<_, ExchangeError>((heads, replica.row_to_tell(doc, &kind, subject)?))
        })?;
        let heads: Vec<u8> = heads.ok_or(ExchangeError::NotFollowed(doc))?.iter().flat_map(|hash| hash.0).collect();
        let row = row.unwrap_or_default();
        let length = heads.len().saturating_add(row.len());
        Ok((Item::Row { doc, kind, subject, heads: heads.into(), row: row.into() }, length))
    }

    /// The whole document as headquarters holds it, uncompressed.
    pub(super) fn snapshot(&self, doc: DocId) -> Result<Vec<u8>, ExchangeError> {
        let stored = self.headquarters.read(|replica| {
            replica.store().read(|read| read.document_bytes(doc)).map(|bytes| bytes.snapshot.filter(|_| bytes.tail.is_empty()))
        })?;
        if let Some(snapshot) = stored {
            return Ok(snapshot);
        }
        let held = self.headquarters.read(|replica| replica.document(doc))?;
        // Headquarters is in step with what the page names; what it lacks would be a fault of ours.
        held.map(|held| held.document.save()).ok_or(ExchangeError::NotFollowed(doc))
    }
}
