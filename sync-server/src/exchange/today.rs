//! What a device is given first and by name: what its person needs today, and what they opened.

use std::collections::BTreeSet;

use chrono::Days;
use roadbook_core::exchange::Item;
use roadbook_core::exchange::pull::{HISTORY_VISITS_MAX, WANTED_MAX, Wanted};
use roadbook_core::ids::{DocId, Ms, SubjectId};
use roadbook_core::store::StoreError;
use roadbook_core::store::rows::{PageKey, VisitFilter};

use super::pull::Asker;
use super::{Exchange, ExchangeError, scope};
use crate::access::may_read_kind;
use crate::feed::PageDocument;

/// Customers of today's and the next tours that come first, at most.
const TODAY_CUSTOMERS_MAX: usize = 60;
/// Tours on the days after today that come first as well.
const NEXT_DAYS: u64 = 1;
/// Last visits of each of those customers that come first.
const TODAY_VISITS: usize = 3;

impl Exchange {
    /// Today's tour and the next, their customers, and the last visits there: of these, what the person may hold.
    pub(super) fn today(&self, asker: &Asker<'_>, now: Ms) -> Result<Vec<PageDocument>, ExchangeError> {
        let day = now.day(self.offset_minutes).unwrap_or_default();
        let user = asker.caller.user.id;
        let docs = self.headquarters.read(|replica| {
            replica.store().read(|read| {
                let mut docs: Vec<DocId> = Vec::new();
                let mut met = BTreeSet::new();
                for tour in read.tours(day, day + Days::new(NEXT_DAYS), Some(user))? {
                    docs.push(tour.tour.doc);
                    for stop in read.stops(tour.tour.doc)? {
                        let subject = stop.stop.subject;
                        if met.len() >= TODAY_CUSTOMERS_MAX || !met.insert(subject) {
                            continue;
                        }
                        docs.extend([subject.customer(), subject.office()]);
                        let filter = VisitFilter { subject: Some(subject), ..VisitFilter::default() };
                        docs.extend(read.visits(&filter, None, TODAY_VISITS)?.lines.iter().map(|line| line.visit.doc));
                    }
                }
                Ok::<_, StoreError>(docs)
            })
        })?;
        Ok(self.feed.seen(&asker.view.ask(0, None, false, docs.len().max(1)), &docs)?)
    }

    /// What was asked for by name, as far as the person may read it: the permission table decides, as for everything else.
    pub(super) fn lent(&self, asker: &Asker<'_>, wanted: &[Wanted]) -> Result<Vec<Item>, ExchangeError> {
        let mut items = Vec::new();
        for wish in wanted.iter().take(WANTED_MAX) {
            let docs = match wish {
                Wanted::Document { doc } => vec![*doc],
                Wanted::Visits { subject, before } => self.older_visits(*subject, *before)?,
            };
            for doc in docs {
                let Some(document) = self.feed.document(doc)? else { continue };
                if self.feed.erased(doc)?.is_some() {
                    continue;
                }
                let who = (asker.caller.user.id, &asker.view.reach);
                let relation = scope::relation(&self.accounts, self.feed.as_ref(), who, (doc, &document.kind, document.subject))?;
                if !may_read_kind(asker.caller.user.role, relation, &document.kind) {
                    continue;
                }
                let snapshot = self.snapshot(doc)?.into();
                items.push(Item::Lent { doc, kind: document.kind, subject: document.subject, snapshot });
            }
        }
        Ok(items)
    }

    fn older_visits(&self, subject: SubjectId, before: Ms) -> Result<Vec<DocId>, ExchangeError> {
        let filter = VisitFilter { subject: Some(subject), ..VisitFilter::default() };
        let page = self
            .headquarters
            .read(|replica| replica.store().read(|read| read.visits(&filter, Some(&PageKey::before(before)), HISTORY_VISITS_MAX)))?;
        Ok(page.lines.iter().map(|line| line.visit.doc).collect())
    }
}
