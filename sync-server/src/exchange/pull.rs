//! What a device lacks: whole documents, changes, and what it must forget, in feed order and within bounds.
//!
//! The checkpoint of a long pull says where it stands: `base` is the head of the feed when the pull began, `upto` the number
//! up to which everything was given. The device's cursor stays where it was until the last page.

use minicbor::bytes::ByteVec;
use roadbook_core::exchange::{Checkpoint, ITEMS_BYTES_TARGET, Item, fingerprint};
use roadbook_core::ids::{DeviceId, DocId};

use super::scope::View;
use super::{Exchange, ExchangeError, held};
use crate::feed::{Begun, PAGE_DOCUMENTS_MAX, PageDocument};

/// Bytes counted for an item beside its contents.
const ITEM_BYTES: usize = 64;

/// One page for a device.
#[derive(Debug)]
pub struct Pulled {
    /// What to store and to forget.
    pub items: Vec<Item>,
    /// Where the device stands once it has.
    pub number: u64,
    /// Set while more waits.
    pub checkpoint: Option<Checkpoint>,
}

impl Exchange {
    /// Reads one page for a device that holds everything up to `base`; `again`: it was told to start from nothing.
    pub(super) fn pull(
        &self,
        view: &View,
        device: DeviceId,
        base: u64,
        again: bool,
        checkpoint: Option<Checkpoint>,
    ) -> Result<Pulled, ExchangeError> {
        // A grant younger than the pull makes it begin again; so does a checkpoint of another life.
        let begun = checkpoint.map(|at| Begun { head: at.base, upto: at.upto }).filter(|begun| view.granted_no() <= begun.head);
        let page = self.feed.page(&view.ask(base, begun, again, PAGE_DOCUMENTS_MAX))?;
        let mut items = Vec::new();
        let (mut bytes, mut until, mut complete) = (0_usize, page.until, page.complete);
        for document in &page.documents {
            if bytes >= ITEMS_BYTES_TARGET {
                complete = false;
                break;
            }
            until = document.last_no;
            if let Some((item, length)) = self.item(document, device, base, again)? {
                bytes = bytes.saturating_add(length).saturating_add(ITEM_BYTES);
                items.push(item);
            }
        }
        if complete || bytes < ITEMS_BYTES_TARGET {
            until = page.until;
        }
        items.extend(page.forgets.iter().filter(|(no, _)| complete || *no <= until).map(|(_, doc)| Item::Forget { doc: *doc }));
        let number = if complete { page.head } else { base };
        let checkpoint = (!complete).then(|| Checkpoint { base: begun.map_or(page.head, |begun| begun.head), upto: until });
        Ok(Pulled { items, number, checkpoint })
    }

    /// The item of a document, and its length; `None` when the device wrote all that is new itself, and still has it: it came
    /// into being after the device's cursor, so that nothing can have made the device forget it.
    fn item(&self, document: &PageDocument, device: DeviceId, base: u64, again: bool) -> Result<Option<(Item, usize)>, ExchangeError> {
        let PageDocument { doc, kind, subject, .. } = document.clone();
        match document.since {
            Some(since) => {
                let changes = self.feed.changes(doc, since, Some(device))?;
                let length = changes.iter().map(Vec::len).sum();
                let changes: Vec<ByteVec> = changes.into_iter().map(ByteVec::from).collect();
                Ok((!changes.is_empty()).then_some((Item::Changes { doc, kind, subject, changes }, length)))
            }
            None if !again && self.feed.is_all_by(doc, device, base)? => Ok(None),
            None => {
                let snapshot = self.snapshot(doc)?;
                let length = snapshot.len();
                Ok(Some((Item::Document { doc, kind, subject, snapshot: snapshot.into() }, length)))
            }
        }
    }

    /// The whole document as headquarters holds it, uncompressed.
    fn snapshot(&self, doc: DocId) -> Result<Vec<u8>, ExchangeError> {
        let stored = self.headquarters.read(|replica| {
            replica.store().read(|read| read.document_bytes(doc)).map(|bytes| bytes.snapshot.filter(|_| bytes.tail.is_empty()))
        })?;
        if let Some(snapshot) = stored {
            return Ok(snapshot);
        }
        let held = self.headquarters.read(|replica| replica.document(doc))?;
        // Headquarters follows every append before anybody pulls; what it lacks would be a fault of ours.
        held.map(|held| held.document.save()).ok_or(ExchangeError::NotFollowed(doc))
    }

    /// Whether what a device holds differs from what its scopes hold at `number`. Worked out once for each head; `false`
    /// when the feed has gone on meanwhile: the next exchange will tell.
    pub(super) fn differs(&self, view: &View, device: DeviceId, digest: Option<u64>, number: u64) -> Result<bool, ExchangeError> {
        let Some(digest) = digest else { return Ok(false) };
        if let Some((at, known)) = held(&self.digests).get(&device)
            && *at == number
        {
            return Ok(*known != digest);
        }
        let (head, documents) = self.feed.held(&view.ask(0, None, false, 1))?;
        if head != number {
            return Ok(false);
        }
        let ours = documents.iter().fold(0, |sum, (doc, heads)| sum ^ fingerprint(*doc, heads));
        held(&self.digests).insert(device, (head, ours));
        Ok(ours != digest)
    }
}
