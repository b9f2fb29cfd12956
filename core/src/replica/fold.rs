//! Rows from documents: what the lists show, written in the commit that changes the documents. `rebuild` makes all of them anew;
//! a law test holds both equal.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::documents::load;
use super::{Replica, ReplicaError};
use super::{doubles, told};
use crate::crdt::Document;
use crate::ids::{DocId, Ms, SubjectId, TerritoryId, UserId};
use crate::model::card::{Badge, Card, Entry};
use crate::model::coverage;
use crate::model::kinds;
use crate::model::proposal::Proposal;
use crate::model::tour::{StopState, Tour};
use crate::model::urgent::Urgent;
use crate::model::value::Value;
use crate::model::visit::Visit;
use crate::store::rows::{
    CustomerRow, MATTER_RIVALS, MATTER_VERIFY, PhoneRow, Place, ProposalRow, ProposalState, ReviewRow, StopRow, TourRow, UrgentRow,
    VisitRow,
};
use crate::store::{Holding, Writing};

/// Weight of a review item whose report is suspiciously high.
const WEIGHT_HIGH: u32 = 3;
/// Weight of a report that waits for verification.
const WEIGHT_WAITING: u32 = 1;
/// Weight of a disputed value.
const WEIGHT_RIVALS: u32 = 2;
/// Setting: which folding made the rows, 4 bytes, big-endian.
const SETTING_ROWS: &str = "rows_version";
/// The folding of this release. It grows when rows say something else of the same documents.
const ROWS_VERSION: u32 = 5;
/// Characters of a visit's summary.
const SUMMARY_CHARS: usize = 120;

/// Documents that changed in a commit, by what their rows hang on.
#[derive(Debug, Default)]
pub(crate) struct Subjects<'a> {
    cards: BTreeSet<SubjectId>,
    others: BTreeMap<DocId, (String, SubjectId)>,
    at_hand: BTreeMap<DocId, &'a Document>,
}

impl<'a> Subjects<'a> {
    /// Notes that a document changed. `document` is its new state where the caller has it.
    pub(crate) fn touch(&mut self, kind: &str, subject: SubjectId, doc: DocId, document: Option<&'a Document>) {
        if kind == kinds::CUSTOMER.id || kind == kinds::OFFICE.id {
            self.cards.insert(subject);
        } else {
            self.others.insert(doc, (kind.to_owned(), subject));
        }
        if let Some(document) = document {
            self.at_hand.insert(doc, document);
        }
    }
    /// The subjects.
    pub(crate) fn ids(&self) -> impl Iterator<Item = SubjectId> + '_ {
        self.cards.iter().copied().chain(self.others.values().map(|(_, subject)| *subject))
    }
    fn document(&self, write: &Writing<'_>, doc: DocId) -> Result<Option<Cow<'a, Document>>, ReplicaError> {
        match self.at_hand.get(&doc) {
            Some(document) => Ok(Some(Cow::Borrowed(document))),
            None => Ok(load(write, doc)?.map(|held| Cow::Owned(held.document))),
        }
    }
}

/// Writes the rows of what changed, and drops those of what does not say any more what they show.
pub(crate) fn fold_rows(write: &mut Writing<'_>, changed: &Subjects<'_>, offset_minutes: i32) -> Result<(), ReplicaError> {
    for subject in &changed.cards {
        let customer = changed.document(write, subject.customer())?;
        let office = changed.document(write, subject.office())?;
        if customer.is_none() || office.is_none() {
            // Half a card is shown as what there is, unless headquarters told the row of the whole.
            if let Some(row) = told::customer(write, *subject)? {
                write.put_customer_row(&row)?;
                continue;
            }
        }
        let Some(customer) = customer else {
            write.drop_customer_row(*subject)?;
            continue;
        };
        let card = Card::fold(*subject, &customer, office.as_deref());
        write.put_customer_row(&customer_row(&card, offset_minutes))?;
    }
    for (doc, (kind, subject)) in &changed.others {
        let document = changed.document(write, *doc)?;
        if kind == kinds::VISIT.id {
            match document.and_then(|document| Visit::fold(*doc, *subject, &document)) {
                Some(visit) => put_visit(write, &visit, offset_minutes)?,
                None => match told::visit(write, *doc)? {
                    Some(row) => write.put_visit_row(&row)?,
                    None => drop_visit(write, *doc)?,
                },
            }
            continue;
        }
        let Some(document) = document else { continue };
        match kind.as_str() {
            "tour" => put_tour(write, &Tour::fold(*doc, &document), offset_minutes)?,
            "proposal" => match Proposal::fold(*doc, *subject, &document) {
                Some(proposal) => write.put_proposal_row(&proposal_row(&proposal))?,
                None => write.drop_proposal_row(*doc)?,
            },
            "urgent" => match Urgent::fold(*doc, *subject, &document) {
                Some(urgent) => write.put_urgent_row(&urgent_row(&urgent))?,
                None => write.drop_urgent_row(*doc)?,
            },
            // Verifications show on the office side that headquarters writes; kinds of a newer schema have no rows here.
            _ => {}
        }
    }
    Ok(())
}

/// Drops the rows of a document that this replica gives up.
pub(crate) fn drop_rows(write: &mut Writing<'_>, held: &Holding) -> Result<(), ReplicaError> {
    match held.kind.as_str() {
        "customer" => write.drop_customer_row(held.subject)?,
        "visit" => drop_visit(write, held.doc)?,
        "tour" => write.drop_tour_row(held.doc)?,
        "proposal" => write.drop_proposal_row(held.doc)?,
        "urgent" => write.drop_urgent_row(held.doc)?,
        _ => {}
    }
    Ok(())
}

fn drop_visit(write: &mut Writing<'_>, doc: DocId) -> Result<(), ReplicaError> {
    let before = write.visit(doc)?;
    write.drop_visit_row(doc)?;
    before.map_or(Ok(()), |before| doubles::mark(write, &before.visit, None))
}

impl Replica {
    /// Makes the rows anew when they were made by a release that folded otherwise: once, at the first start of a newer one.
    pub(super) fn bring_rows_up_to_date(&mut self) -> Result<(), ReplicaError> {
        let (made_by, documents) =
            self.store().read(|read| Ok::<_, ReplicaError>((read.setting(SETTING_ROWS)?, read.digest()?.documents)))?;
        if made_by.as_deref() == Some(&ROWS_VERSION.to_be_bytes()) {
            return Ok(());
        }
        if documents > 0 {
            self.rebuild()?;
        }
        Ok(self.store_mut().write(|write| write.put_setting(SETTING_ROWS, &ROWS_VERSION.to_be_bytes()))?)
    }

    /// Makes all rows and search words anew from the documents, in one commit.
    ///
    /// # Errors
    /// [`ReplicaError::Store`], [`ReplicaError::Document`]; the rows are then as before.
    pub fn rebuild(&mut self) -> Result<(), ReplicaError> {
        let offset_minutes = self.offset_minutes()?;
        self.store_mut().rebuild(|write, subject| {
            let mut changed = Subjects::default();
            for holding in write.holdings_of(subject)? {
                changed.touch(&holding.kind, holding.subject, holding.doc, None);
            }
            for row in write.told_rows_of(subject)? {
                changed.touch(&row.kind, row.subject, row.doc, None);
            }
            fold_rows(write, &changed, offset_minutes)
        })
    }
}

fn day(at: Ms, offset_minutes: i32) -> NaiveDate {
    at.day(offset_minutes).unwrap_or_default()
}

pub(super) fn customer_row(card: &Card, offset_minutes: i32) -> CustomerRow {
    let text = |field: &str| card.text(field).unwrap_or_default().to_owned();
    let entries = |list: &str| card.lists.get(list).map(Vec::as_slice).unwrap_or_default();
    let part = |entry: &Entry, field: &str| entry.fields.get(field).and_then(|fact| fact.value.as_text()).unwrap_or_default().to_owned();
    let filled = |texts: Vec<String>| texts.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>();
    let mut aliases = vec![text("short_name"), text("legal_name"), text("customer_no")];
    aliases.extend(card.sets.get("aliases").into_iter().flatten().map(|element| element.value.clone()));
    let place = card.position().and_then(|(lat, lon)| Some(Place { lat_e7: i32::try_from(lat).ok()?, lon_e7: i32::try_from(lon).ok()? }));
    let grade = card.text("grade").unwrap_or("unrated").to_owned();
    let lifecycle = card.text("lifecycle").unwrap_or("active").to_owned();
    let interval_days = card.value("visit_interval_days").as_int().and_then(|days| u32::try_from(days).ok());
    CustomerRow {
        subject: card.subject,
        name: text("trade_name"),
        aliases: filled(aliases),
        addresses: filled(entries("addresses").iter().map(|entry| part(entry, "text")).collect()),
        people: filled(entries("stakeholders").iter().map(|entry| part(entry, "name")).collect()),
        phones: entries("phones")
            .iter()
            .map(|entry| PhoneRow { shown: part(entry, "number"), label: part(entry, "label"), person: part(entry, "person") })
            .filter(|phone| !phone.shown.is_empty())
            .collect(),
        territory: card.text("territory").map(|id| TerritoryId(id.to_owned())),
        owner: card.text("owner").and_then(|id| id.parse::<UserId>().ok()),
        substitute: card.text("substitute").and_then(|id| id.parse::<UserId>().ok()),
        interval_days: if coverage::is_visited(&lifecycle) { interval_days.unwrap_or_else(|| coverage::interval_days(&grade)) } else { 0 },
        grade,
        business_type: text("business_type"),
        location_type: text("location_type"),
        retail_format: text("retail_format"),
        channel_level: text("channel_level"),
        lifecycle,
        stage: text("prospect_stage"),
        place,
        opened: day(card.created.map_or(Ms(0), |created| created.at), offset_minutes),
        stale_from: card.stale_from(),
        complete_percent: card.completeness_percent(),
        updated: card.changed.unwrap_or(Ms(0)),
        reviews: review_rows(card),
    }
}

fn review_rows(card: &Card) -> Vec<ReviewRow> {
    let rivals = card.reviews.iter().map(|review| ReviewRow {
        matter: MATTER_RIVALS.to_owned(),
        field: review.path.clone(),
        weight: WEIGHT_RIVALS,
        rivals: u32::try_from(review.options.len()).unwrap_or(u32::MAX),
        since: review.options.iter().map(|said| said.written.at).max().unwrap_or(Ms(0)),
    });
    let waiting = card.facts.iter().filter(|(_, fact)| matches!(fact.badge, Badge::ReportWaiting | Badge::NewerThanVerified));
    let waiting = waiting.filter_map(|(field, fact)| {
        let report = fact.waiting.as_ref()?;
        Some(ReviewRow {
            matter: MATTER_VERIFY.to_owned(),
            field: field.clone(),
            weight: if fact.high { WEIGHT_HIGH } else { WEIGHT_WAITING },
            rivals: u32::try_from(fact.rivals.len()).unwrap_or(u32::MAX),
            since: report.written.at,
        })
    });
    rivals.chain(waiting).collect()
}

fn put_visit(write: &mut Writing<'_>, visit: &Visit, offset_minutes: i32) -> Result<(), ReplicaError> {
    let before = write.visit(visit.doc)?.map(|line| line.visit);
    let row = visit_row(visit, before.as_ref().is_some_and(|before| before.possible_double), offset_minutes);
    write.put_visit_row(&row)?;
    doubles::mark(write, &row, Some(visit))?;
    // A clock that was set right since may have moved it to another day.
    before.filter(|before| before.day != row.day).map_or(Ok(()), |before| doubles::mark(write, &before, Some(visit)))
}

fn visit_row(visit: &Visit, possible_double: bool, offset_minutes: i32) -> VisitRow {
    let text = |field: &str| visit.text(field).unwrap_or_default().to_owned();
    let check_in = visit.fields.get("check_in");
    let summary = ["feedback", "problems", "next_step", "purpose"].into_iter().find_map(|field| visit.text(field)).unwrap_or_default();
    let outcome = text("outcome");
    VisitRow {
        doc: visit.doc,
        subject: visit.customer,
        rep: visit.rep,
        tour: visit.text("tour").and_then(|id| id.parse().ok()),
        kind: text("type"),
        counts: coverage::counts(&outcome),
        outcome,
        day: day(visit.check_in.at, offset_minutes),
        started: visit.check_in.at,
        ended: visit.check_out.map(|out| out.at),
        place_label: check_in.and_then(|stamp| stamp.get("label")).and_then(Value::as_text).unwrap_or("unverified").to_owned(),
        possible_double,
        clock_wrong: visit.sealed.unsure || visit.sealed.offset_ms.is_some(),
        amendments: u32::try_from(visit.amendments.len()).unwrap_or(u32::MAX),
        photos: u32::try_from(visit.photos().len()).unwrap_or(u32::MAX),
        summary: summary.chars().take(SUMMARY_CHARS).collect(),
    }
}

fn put_tour(write: &mut Writing<'_>, tour: &Tour, offset_minutes: i32) -> Result<(), ReplicaError> {
    let Ok(on) = tour.day.parse::<NaiveDate>() else { return Ok(()) };
    let midnight = on.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis() - i64::from(offset_minutes) * 60_000;
    let done = |state: StopState| matches!(state, StopState::Visited | StopState::VisitedThoughRemoved);
    let stops: Vec<StopRow> = tour
        .stops
        .iter()
        .map(|stop| {
            let planned = stop.planned.as_ref();
            StopRow {
                stop: stop.stop.to_string(),
                subject: stop.stop,
                kind: if stop.adhoc { "adhoc".to_owned() } else { "planned".to_owned() },
                state: stop_state(stop.state).to_owned(),
                done: done(stop.state),
                planned: planned.and_then(|stop| stop.arrive_s).map(|seconds| Ms(midnight + seconds * 1_000)),
                actual: stop.visit.as_ref().map(|visit| visit.arrived),
                note: planned.and_then(|stop| stop.note.clone()).unwrap_or_default(),
            }
        })
        .collect();
    let planned: Vec<(i64, i64)> = tour
        .plan
        .iter()
        .flat_map(|plan| &plan.stops)
        .filter_map(|stop| Some((stop.arrive_s?, stop.arrive_s? + stop.service_s.unwrap_or(0))))
        .collect();
    let begin = planned.iter().map(|(from, _)| *from).min().unwrap_or(0);
    let end = planned.iter().map(|(_, to)| *to).max().unwrap_or(0);
    let state = match () {
        () if tour.cancelled => "cancelled",
        () if tour.plan.is_none() => "draft",
        () if !tour.stops.is_empty() && tour.stops.iter().all(|stop| done(stop.state)) => "done",
        () if tour.stops.iter().any(|stop| stop.visit.is_some()) => "under_way",
        () => "published",
    };
    let revision = tour.revisions;
    let acknowledged = tour.plan.as_ref().is_some_and(|plan| tour.acknowledged.contains_key(&plan.revision));
    let row = TourRow {
        doc: tour.doc,
        route: tour.route.clone(),
        day: on,
        rep: tour.rep,
        title: tour.route.clone(),
        state: state.to_owned(),
        revision,
        seen_revision: if acknowledged {
            revision
        } else {
            u32::try_from(tour.acknowledged.len()).unwrap_or(0).min(revision.saturating_sub(1))
        },
        planned_minutes: u32::try_from((end - begin) / 60).unwrap_or(0),
        planned_m: 0,
    };
    Ok(write.put_tour_row(&row, &stops)?)
}

const fn stop_state(state: StopState) -> &'static str {
    match state {
        StopState::Open => "open",
        StopState::InProgress => "in_progress",
        StopState::Visited => "visited",
        StopState::VisitedThoughRemoved => "visited_though_removed",
    }
}

fn urgent_row(urgent: &Urgent) -> UrgentRow {
    UrgentRow {
        doc: urgent.doc,
        subject: urgent.subject,
        author: urgent.by,
        kind: urgent.kind.clone(),
        severity: urgent.severity.clone(),
        state: urgent.state(),
        reported: urgent.at.at,
        arrived: urgent.received().map(|one| one.at.at),
        acknowledged: urgent.acknowledged().map(|one| one.at.at),
        escalated: urgent.escalated().map(|one| one.at.at),
        summary: urgent.text.chars().take(SUMMARY_CHARS).collect(),
    }
}

fn proposal_row(proposal: &Proposal) -> ProposalRow {
    let state = match proposal.decision() {
        None => ProposalState::Open,
        Some("accept") => ProposalState::Accepted,
        Some(_) => ProposalState::Rejected,
    };
    let value = proposal.value.as_text().map(str::to_owned).or_else(|| proposal.value.as_int().map(|number| number.to_string()));
    let summary = [proposal.what.as_str(), proposal.field.as_deref().unwrap_or_default(), value.as_deref().unwrap_or_default()].join(" ");
    ProposalRow {
        doc: proposal.doc,
        subject: proposal.customer,
        author: proposal.by,
        field: proposal.field.clone().unwrap_or_else(|| proposal.what.clone()),
        state,
        proposed: proposal.at.at,
        decided: proposal.decisions.first().map(|said| said.written.at),
        summary: summary.trim().chars().take(SUMMARY_CHARS).collect(),
    }
}
