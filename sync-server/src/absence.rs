//! What a device that was away for long handed in, and what became of it (离线合并报告): merged, followed by something newer, standing beside
//! another value, asked for as a proposal, set aside, handed in twice. Read out of the feed and headquarters' replica when it is asked
//! for, so that it tells how things stand now. Never here: HTTP, who may see it, words on a screen.

use std::collections::{BTreeMap, BTreeSet};

use roadbook_core::ids::{ChangeHash, DocId, SubjectId};
use roadbook_core::model::card::Card;
use roadbook_core::model::fate::Fate;
use roadbook_core::model::kinds;
use roadbook_core::model::proposal::what;
use roadbook_core::replica::{Replica, ReplicaError};
use serde::Serialize;

use crate::feed::{Absence, DeskState, Feed, FeedError, HandedIn};

/// How long a device must have been away for its return to be worth a report, in days.
pub const ABSENT_DAYS_MIN: i64 = 14;

/// Why a report could not be made.
#[derive(Debug, thiserror::Error)]
pub enum AbsenceError {
    /// The feed failed.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// The headquarters replica failed.
    #[error(transparent)]
    Replica(#[from] ReplicaError),
}

/// Documents and changes of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Handed {
    /// Documents.
    pub documents: u64,
    /// Changes in them.
    pub changes: u64,
}

/// Proposals by how they stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Proposals {
    /// Nobody has decided.
    pub open: u64,
    /// Agreed to.
    pub accepted: u64,
    /// Refused.
    pub rejected: u64,
}

/// Changes set aside by how they stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct SetAside {
    /// Nobody has decided.
    pub open: u64,
    /// Admitted after all.
    pub admitted: u64,
    /// Kept as rejected.
    pub rejected: u64,
}

/// What became of what concerns one customer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct OfCustomer {
    /// The customer; the document itself for what is about none.
    pub customer: Option<SubjectId>,
    /// Changes taken in.
    pub changes: u64,
    /// What became of values on the card.
    pub values: Fate,
    /// Fields of the card on which people disagree, one of them by this device's word.
    pub reviews: u64,
    /// Changes taken in although the right was lost meanwhile.
    pub late: u64,
    /// Changes set aside.
    pub set_aside: u64,
    /// It changed hands while the device was away.
    pub reassigned: bool,
    /// It is out of service.
    pub archived: bool,
    /// It is one with another customer now.
    pub united: bool,
}

/// The report of one absence.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Changes taken in, by kind.
    pub handed_in: BTreeMap<String, Handed>,
    /// What became of values on cards.
    pub values: Fate,
    /// Fields of cards on which people disagree, one of them by this device's word.
    pub reviews: u64,
    /// Changes taken in although the right was lost meanwhile (前任离线记录).
    pub late: u64,
    /// What its person asked for.
    pub proposals: Proposals,
    /// What headquarters asks because of what came: to take a customer back into service, to accept a verification.
    pub asked: Proposals,
    /// Changes set aside, by code of the reason.
    pub set_aside: BTreeMap<String, SetAside>,
    /// Changes that were there already: handed in twice, or brought by a colleague's phone before.
    pub known: u64,
    /// Visits that may be the same as another one.
    pub visits_double: u64,
    /// By customer, those with most changes first.
    pub customers: Vec<OfCustomer>,
    /// Customers that changed hands while the device was away, of those that it wrote about.
    pub reassigned: u64,
    /// Of those, the ones out of service.
    pub archived: u64,
    /// Of those, the ones that are one with another now.
    pub united: u64,
}

/// Makes the report of an absence, as things stand now.
///
/// # Errors
/// [`AbsenceError`].
pub fn report(feed: &dyn Feed, replica: &Replica, absence: &Absence) -> Result<Report, AbsenceError> {
    let mut report = Report { known: absence.known, ..Report::default() };
    let mut customers: BTreeMap<SubjectId, OfCustomer> = BTreeMap::new();
    for (doc, changes) in by_document(feed.handed_in(absence)?) {
        let Some(first) = changes.first().cloned() else { continue };
        let handed = report.handed_in.entry(first.kind.clone()).or_default();
        let count = changes.len() as u64;
        *handed = Handed { documents: handed.documents + 1, changes: handed.changes + count };
        let late = changes.iter().filter(|change| change.late).count() as u64;
        let of = customers.entry(first.subject).or_default();
        of.changes += count;
        of.late += late;
        let hashes: BTreeSet<ChangeHash> = changes.into_iter().map(|change| change.hash).collect();
        match first.kind.as_str() {
            "customer" => on_card(replica, first.subject, &hashes, of)?,
            "visit" => {
                let line = replica.store().read(|read| read.visit(doc)).map_err(ReplicaError::from)?;
                report.visits_double += u64::from(line.is_some_and(|line| line.visit.possible_double));
                count_proposal(replica, DocId::derived(&format!("proposal/{}/{doc}", what::REVIVE)), &mut report.asked)?;
            }
            "verification" => {
                count_proposal(replica, DocId::derived(&format!("proposal/{}/{doc}", what::VERIFICATION)), &mut report.asked)?;
            }
            "proposal" => count_proposal(replica, doc, &mut report.proposals)?,
            // Tours, urgent reports and what is private are counted; what they say is not looked at.
            _ => {}
        }
    }
    for row in feed.set_aside_after(absence)? {
        let line = report.set_aside.entry(row.row.refused.code.clone()).or_default();
        match row.state {
            DeskState::Open => line.open += 1,
            DeskState::Approved | DeskState::Rewritten | DeskState::Resent => line.admitted += 1,
            DeskState::Rejected => line.rejected += 1,
        }
        customers.entry(row.row.refused.subject).or_default().set_aside += 1;
    }
    for (subject, of) in &mut customers {
        of.customer = Some(*subject);
        of.reassigned = feed.handover_after(*subject, absence.knew_no)?.is_some_and(|handed| handed.at <= absence.back);
        if let Some(card) = replica.card(*subject)? {
            of.archived = card.text("lifecycle") == Some("archived");
            of.united = card.text("merged_into").is_some();
        }
        report.values = report.values.and(of.values);
        report.reviews += of.reviews;
        report.late += of.late;
        report.reassigned += u64::from(of.reassigned);
        report.archived += u64::from(of.archived);
        report.united += u64::from(of.united);
    }
    report.customers = customers.into_values().collect();
    report.customers.sort_by_key(|of| std::cmp::Reverse((of.changes + of.set_aside, of.customer)));
    Ok(report)
}

fn by_document(changes: Vec<HandedIn>) -> BTreeMap<DocId, Vec<HandedIn>> {
    let mut documents: BTreeMap<DocId, Vec<HandedIn>> = BTreeMap::new();
    for change in changes {
        documents.entry(change.doc).or_default().push(change);
    }
    documents
}

fn on_card(replica: &Replica, customer: SubjectId, changes: &BTreeSet<ChangeHash>, of: &mut OfCustomer) -> Result<(), AbsenceError> {
    let Some(held) = replica.document(customer.customer())? else { return Ok(()) };
    of.values = Fate::of(&held.document, &kinds::CUSTOMER, changes);
    let office = replica.document(customer.office())?;
    let card = Card::fold(customer, &held.document, office.as_ref().map(|held| &held.document));
    let ours = |review: &&roadbook_core::model::card::Review| review.options.iter().any(|said| changes.contains(&said.change));
    of.reviews = card.reviews.iter().filter(ours).count() as u64;
    Ok(())
}

fn count_proposal(replica: &Replica, doc: DocId, proposals: &mut Proposals) -> Result<(), AbsenceError> {
    let Some(proposal) = replica.proposal(doc)? else { return Ok(()) };
    match proposal.decision() {
        None => proposals.open += 1,
        Some("accept") => proposals.accepted += 1,
        Some(_) => proposals.rejected += 1,
    }
    Ok(())
}
