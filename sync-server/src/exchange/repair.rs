//! The server's half of finding and mending what differs: the digest of a device against the groups that the feed keeps, then
//! fingerprints against the feed's heads, and the documents that differ made anew from the feed, which is the truth.

use std::collections::BTreeSet;

use roadbook_core::crdt::Document as CrdtDocument;
use roadbook_core::exchange::pull::{Compare, Prints, packed};
use roadbook_core::exchange::{ITEMS_BYTES_TARGET, Item, Request, fingerprint};
use roadbook_core::ids::{DocId, Ms, SubjectId};
use roadbook_core::model::kinds;
use roadbook_core::replica::Admitted;

use super::pull::{Asker, Stands};
use super::{Exchange, ExchangeError, held};
use crate::feed::{HeldDocument, PageDocument};

/// Documents of headquarters' own replica looked at for damage at a time.
const SCRUB_DOCUMENTS: usize = 50;
/// How often, in milliseconds.
const SCRUB_EVERY_MS: i64 = 60_000;

impl Exchange {
    /// Whether what a device holds differs from what its scopes hold at `number`. `false` when the feed has gone on
    /// meanwhile: the next exchange will tell.
    pub(super) fn differs(&self, asker: &Asker<'_>, request: &Request, number: u64) -> Result<bool, ExchangeError> {
        let Some(digest) = request.digest else { return Ok(false) };
        let (head, documents, ours) = self.feed.digest(&asker.view.ask(0, None, false, 1))?;
        let counted = request.pull.as_ref().is_none_or(|pull| pull.documents == documents);
        Ok(head == number && (ours != digest || !counted))
    }

    /// Answers one part of a comparison: what the device lacks or holds in another state, made from the feed, and which of its
    /// fingerprints are strange.
    pub(super) fn compare(&self, now: Ms, asker: &Asker<'_>, prints: &Prints, number: u64) -> Result<(Compare, Vec<Item>), ExchangeError> {
        let (head, documents) = self.feed.held(&asker.view.ask(0, None, false, 1))?;
        self.headquarters.in_step(now, head)?;
        if head != number {
            return Ok((Compare { from: Some(prints.from), strange: None }, Vec::new()));
        }
        let mut ours: Vec<(u64, HeldDocument)> =
            documents.into_iter().map(|document| (fingerprint(document.doc, &document.heads), document)).collect();
        ours.retain(|(print, _)| (prints.from..=prints.upto).contains(print));
        ours.sort_unstable_by_key(|(print, _)| *print);
        let theirs: BTreeSet<u64> = prints.list().collect();
        let known: BTreeSet<u64> = ours.iter().map(|(print, _)| *print).collect();
        let mut items = Vec::new();
        let mut bytes = 0_usize;
        let mut upto = prints.upto;
        for (print, document) in ours.into_iter().filter(|(print, _)| !theirs.contains(print)) {
            if bytes >= ITEMS_BYTES_TARGET {
                upto = print.saturating_sub(1);
                break;
            }
            let (item, length) = self.truth(asker, document)?;
            bytes = bytes.saturating_add(length);
            items.push(item);
        }
        let strange: Vec<u64> = theirs.difference(&known).copied().filter(|print| *print <= upto).collect();
        tracing::warn!(device = %asker.caller.device.id, lacking = items.len(), strange = strange.len(), "a device held something else");
        Ok((Compare { from: upto.checked_add(1), strange: Some(packed(strange.into_iter())) }, items))
    }

    /// A document as the feed has it, whatever headquarters' replica made of it.
    fn truth(&self, asker: &Asker<'_>, held: HeldDocument) -> Result<(Item, usize), ExchangeError> {
        let HeldDocument { doc, kind, subject, own, heads } = held;
        let ours = self.headquarters.read(|replica| replica.document(doc).ok().flatten().map(|held| held.document.heads()));
        if ours.as_ref() != Some(&heads) {
            self.mend(doc, &kind, subject)?;
        }
        let document = PageDocument { doc, kind, subject, last_no: 0, since: None, own };
        let item = self.item(asker, &document, Stands { base: 0, again: true, checkpoint: None })?;
        item.ok_or(ExchangeError::NotFollowed(doc))
    }

    fn made_anew(&self, doc: DocId, kind: &str) -> Result<Option<CrdtDocument>, ExchangeError> {
        let Some(ready) = kinds::ready(kind) else { return Ok(None) };
        let mut document = ready.genesis.clone();
        let applied = document.apply_bytes(&self.feed.changes(doc, 0, &BTreeSet::new())?);
        Ok(applied.is_ok().then_some(document))
    }

    /// Makes a document of headquarters' replica anew from the feed, while nobody appends.
    fn mend(&self, doc: DocId, kind: &str, subject: SubjectId) -> Result<(), ExchangeError> {
        let mut inner = self.headquarters.hold();
        let Some(document) = self.made_anew(doc, kind)? else { return Ok(()) };
        tracing::error!(%doc, "headquarters' replica held something else than its feed; it is mended");
        let admitted = Admitted { doc, kind: kind.to_owned(), subject, document, changes: Vec::new() };
        Ok(inner.replica_mut().absorb(&[admitted], |_| Ok(()))?)
    }

    /// Looks at some documents of headquarters' replica for damage, now and then, and makes damaged ones anew from the feed.
    pub(super) fn scrub(&self, now: Ms) -> Result<(), ExchangeError> {
        {
            let mut last = held(&self.scrubbed);
            if last.is_some_and(|last| now.since(last).abs() < SCRUB_EVERY_MS) {
                return Ok(());
            }
            *last = Some(now);
        }
        let damaged = self.headquarters.hold().replica_mut().scrub(SCRUB_DOCUMENTS)?;
        for doc in damaged {
            let Some(known) = self.feed.document(doc)? else { continue };
            self.mend(doc, &known.kind, known.subject)?;
        }
        Ok(())
    }
}
