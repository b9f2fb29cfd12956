//! Rows in place of documents, and documents that came by name: for people who see more than a phone should carry. A told row is
//! written to the same tables as a folded one; the document comes when it is opened, is kept for a while, and goes.

use super::items::give_up;
use crate::crdt::Heads;
use crate::exchange::Item;
use crate::exchange::fingerprint;
use crate::exchange::pull::Wanted;
use crate::ids::{DocId, Ms, SubjectId};
use crate::model::kinds;
use crate::replica::fold::{Subjects, drop_rows, fold_rows};
use crate::replica::reading::profile;
use crate::replica::{Replica, ReplicaError};
use crate::store::rows::{PAGE_LINES_MAX, VisitFilter};
use crate::store::{Apart, Reading, StoreError, TOLD_ROW_BYTES_MAX, ToldRow, Writing};

/// Documents lent to a device at a time, at most; the one opened longest ago goes first.
pub(super) const LENT_DOCUMENTS_MAX: usize = 200;
/// How long a lent document is kept after it was last brought, in milliseconds.
pub(super) const LENT_MS_MAX: i64 = 7 * Ms::DAY;

/// Notes a row that headquarters told. A whole document that was held by right goes, unless own changes in it wait; one that is
/// lent is asked for again.
pub(super) fn keep(write: &mut Writing<'_>, subjects: &mut Subjects<'_>, item: &Item, now: Ms) -> Result<(), ReplicaError> {
    let Item::Row { doc, kind, subject, heads, row } = item else { return Ok(()) };
    let heads = Heads::from_bytes(heads).unwrap_or_default();
    match write.apart(*doc)? {
        Some(Apart::Lent { .. }) => wish(write, &Wanted::Document { doc: *doc }, now)?,
        Some(Apart::Leaving) => {}
        None => give_up(write, subjects, *doc)?,
    }
    if !row.is_empty()
        && let Some(sibling) = sibling(kind, *subject)
        && let Some(other) = write.told_row(sibling)?
    {
        write.put_told_row(&ToldRow { bytes: Vec::new(), ..other })?;
    }
    // One that is too long for the tables shows nothing, and its document can be asked for: it holds up nothing that comes after it.
    let bytes = if row.len() > TOLD_ROW_BYTES_MAX { Vec::new() } else { row.to_vec() };
    let told = ToldRow { doc: *doc, kind: kind.clone(), subject: *subject, fingerprint: fingerprint(*doc, &heads), bytes };
    write.put_told_row(&told)?;
    subjects.touch(kind, *subject, *doc, None);
    Ok(())
}

/// The other half of a card: one row stands for both.
fn sibling(kind: &str, subject: SubjectId) -> Option<DocId> {
    match kind {
        "customer" => Some(subject.office()),
        "office" => Some(subject.customer()),
        _ => None,
    }
}

/// Drops what a told row put into the tables; what is left of the subject is folded by the caller.
pub(super) fn drop_row(write: &mut Writing<'_>, row: &ToldRow) -> Result<(), StoreError> {
    match row.kind.as_str() {
        "visit" => write.drop_visit_row(row.doc),
        "tour" => write.drop_tour_row(row.doc),
        "proposal" => write.drop_proposal_row(row.doc),
        _ => Ok(()),
    }
}

/// Gives lent documents up that are old or too many, those that came while the clock was far ahead, and those about a customer that this
/// device has no more. What is still to be handed in stays.
pub(super) fn evict(write: &mut Writing<'_>, subjects: &mut Subjects<'_>, now: Ms) -> Result<(), ReplicaError> {
    let lent = all_lent(write)?;
    let excess = lent.len().saturating_sub(LENT_DOCUMENTS_MAX);
    for (place, (doc, since)) in lent.into_iter().enumerate() {
        if !has_ground(write, doc)? {
            give_up(write, subjects, doc)?;
        } else if (place < excess || now.since(since).unsigned_abs() > LENT_MS_MAX.unsigned_abs())
            && is_replaceable(write, doc)? == Some(true)
        {
            give_back(write, subjects, doc)?;
        }
    }
    Ok(())
}

/// Whether a lent document may still be here: its customer is, by right or as a row, or the visit is this user's own.
fn has_ground(read: &Reading<'_>, doc: DocId) -> Result<bool, ReplicaError> {
    let Some(held) = read.holding(doc)? else { return Ok(true) };
    if !kinds::is_about_customer(&held.kind) {
        return Ok(true);
    }
    for stands in [doc, held.subject.customer(), held.subject.office()] {
        let by_right = read.holding(stands)?.is_some() && read.apart(stands)?.is_none();
        if by_right || read.told_row(stands)?.is_some() {
            return Ok(true);
        }
    }
    let rep = read.visit(doc)?.and_then(|line| line.visit.rep);
    Ok(rep.is_some() && rep == profile(read)?.map(|profile| profile.user))
}

/// What was lent under other rights goes with them.
pub(super) fn give_all_up(write: &mut Writing<'_>, subjects: &mut Subjects<'_>) -> Result<(), ReplicaError> {
    for (doc, _) in all_lent(write)? {
        give_up(write, subjects, doc)?;
    }
    Ok(())
}

/// Lent documents, with when each was last brought: the oldest first.
fn all_lent(read: &Reading<'_>) -> Result<Vec<(DocId, Ms)>, StoreError> {
    let apart = read.all_apart()?.into_iter();
    Ok(apart.filter_map(|(doc, apart)| if let Apart::Lent { since } = apart { Some((doc, since)) } else { None }).collect())
}

/// Forgets a lent document; what was told of it is shown again.
fn give_back(write: &mut Writing<'_>, subjects: &mut Subjects<'_>, doc: DocId) -> Result<(), ReplicaError> {
    let Some(held) = write.holding(doc)? else { return Ok(()) };
    write.forget(doc)?;
    if write.told_row(doc)?.is_none() {
        drop_rows(write, &held)?;
    }
    subjects.touch(&held.kind, held.subject, doc, None);
    Ok(())
}

/// Asks again for a lent document about which headquarters has decided, unless more that it had lost waits for that: what it set aside is
/// not in what it lends.
pub(super) fn renew(write: &mut Writing<'_>, doc: DocId, now: Ms) -> Result<(), StoreError> {
    let lent = matches!(write.apart(doc)?, Some(Apart::Lent { .. }));
    if lent && !write.is_lost_in(doc)? { wish(write, &Wanted::Document { doc }, now) } else { Ok(()) }
}

/// Whether headquarters' state of a lent document can take the place of what is held: nothing of it waits to be handed in, and nothing
/// that headquarters had lost waits to be decided about. `None`: it is not lent.
pub(super) fn is_replaceable(read: &Reading<'_>, doc: DocId) -> Result<Option<bool>, StoreError> {
    match read.apart(doc)? {
        Some(Apart::Lent { .. }) => Ok(Some(!Replica::waits(read, doc)? && !read.is_lost_in(doc)?)),
        Some(Apart::Leaving) | None => Ok(None),
    }
}

fn wish(write: &mut Writing<'_>, wanted: &Wanted, now: Ms) -> Result<(), StoreError> {
    write.put_wish(&named(wanted), now)
}

/// A wish as it is kept.
fn named(wanted: &Wanted) -> Vec<u8> {
    minicbor::to_vec(wanted).unwrap_or_default()
}

impl Replica {
    /// Asks for a card by name with the next exchange: both its halves, where only rows of them are held.
    ///
    /// # Errors
    /// [`ReplicaError::Store`].
    pub fn want_card(&mut self, customer: SubjectId, now: Ms) -> Result<(), ReplicaError> {
        self.want(&[Wanted::Document { doc: customer.customer() }, Wanted::Document { doc: customer.office() }], now)
    }

    /// Asks for visits of a customer that are older than the oldest held.
    ///
    /// # Errors
    /// [`ReplicaError::Store`].
    pub fn want_older_visits(&mut self, customer: SubjectId, now: Ms) -> Result<(), ReplicaError> {
        let filter = VisitFilter { subject: Some(customer), ..VisitFilter::default() };
        let held = self.store().read(|read| read.visits(&filter, None, PAGE_LINES_MAX))?;
        let before = held.lines.last().map_or(now, |line| line.visit.started);
        self.want(&[Wanted::Visits { subject: customer, before }], now)
    }

    /// Asks for things by name with the next exchange.
    ///
    /// # Errors
    /// [`ReplicaError::Store`].
    pub fn want(&mut self, wanted: &[Wanted], now: Ms) -> Result<(), ReplicaError> {
        self.store_mut().write(|write| {
            for one in wanted {
                wish(write, one, now)?;
            }
            Ok(())
        })
    }

    /// The wishes of a request were answered, with these items. One for a document that was lent before stays until headquarters' state of
    /// it can take the place; what is not lent again may not be held any more.
    pub(super) fn granted(&mut self, wanted: &[Wanted], items: &[Item]) -> Result<(), ReplicaError> {
        let lent = |doc: &DocId| items.iter().any(|item| matches!(item, Item::Lent { doc: one, .. } if one == doc));
        let offset_minutes = self.offset_minutes()?;
        self.store_mut().write(|write| {
            let mut subjects = Subjects::default();
            for one in wanted {
                if let Wanted::Document { doc } = one {
                    match is_replaceable(write, *doc)? {
                        Some(false) => continue,
                        Some(true) if !lent(doc) => give_up(write, &mut subjects, *doc)?,
                        Some(true) | None => {}
                    }
                }
                write.drop_wish(&named(one))?;
            }
            fold_rows(write, &subjects, offset_minutes)
        })
    }

    /// Whether only a row of a customer is held, so that its card is to be asked for.
    ///
    /// # Errors
    /// [`ReplicaError::Store`].
    pub fn holds_row_only(&self, customer: SubjectId) -> Result<bool, ReplicaError> {
        Ok(self.store().read(|read| {
            let told = read.told_rows_of(customer)?.iter().any(|row| row.kind == kinds::CUSTOMER.id);
            Ok::<_, StoreError>(told && read.holding(customer.customer())?.is_none())
        })?)
    }
}
