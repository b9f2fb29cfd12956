//! `GET /api/visits`: sealed visits, newest first, page by page; with the first page of a day also those that go on now, and with every
//! first page the sums over the whole question.
//!
//! ```text
//! next = milliseconds of the check-in "." document        of the last visit listed; handed in as `before` for the page behind it
//! ```

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use roadbook_core::ids::{DocId, Ms, SubjectId, TerritoryId, UserId};
use roadbook_core::model::tour::StopState;
use roadbook_core::model::visit::Visit;
use roadbook_core::replica::Replica;
use roadbook_core::store::rows::{PageKey, VisitFilter, VisitLine, VisitSums};
use serde::{Deserialize, Serialize};

use super::asked::Asking;
use super::names::{Named, Names};
use super::photos::{self, HeldOf, PhotosJson};
use super::reach;
use crate::access::{self, Reach, Relation};
use crate::http::{Error, Session, Shared};

const LIMIT_DEFAULT: usize = 50;
const LIMIT_MAX: usize = 200;

/// What is asked.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Asked {
    rep: String,
    customer: String,
    day: String,
    before: String,
    limit: Option<usize>,
}

#[derive(Serialize, Default)]
pub(super) struct List {
    rows: Vec<VisitJson>,
    /// Visits that go on now: no part of the order of `rows`, nor of their pages.
    going: Vec<VisitJson>,
    next: Option<String>,
    /// With the first page of a day or a customer.
    sums: Option<Sums>,
}

/// Over the whole question. What goes on now counts as a visit.
#[derive(Serialize)]
struct Sums {
    /// Sealed visits, all of which the pages hold together.
    listed: u64,
    visits: u64,
    customers: u64,
    orders: u64,
}

/// A visit in a list.
#[derive(Serialize)]
pub(super) struct VisitJson {
    id: String,
    customer: Named,
    rep: Named,
    #[serde(rename = "type")]
    kind: Option<String>,
    outcome: Option<String>,
    purpose: Option<String>,
    feedback: Option<String>,
    problems: Option<String>,
    next_step: Option<String>,
    next_day: Option<String>,
    check_in_ms: Ms,
    check_out_ms: Option<Ms>,
    received_ms: Option<Ms>,
    location: Option<String>,
    distance_m: Option<i64>,
    clock_offset_ms: Option<i64>,
    amendments: u32,
    possible_double: bool,
    #[serde(flatten)]
    photos: PhotosJson,
}

/// * 200 with a page; 400 when the question cannot be read; 403 for a role that sees no visits; 404 for a customer that may not be known.
pub(super) async fn visits(State(app): State<Shared>, session: Session, Asking(asked): Asking<Asked>) -> Result<Json<List>, Error> {
    app.blocking(move |app| {
        if !access::may_read_kind(session.role(), Relation::Territory, "visit") {
            return Err(Error::Forbidden);
        }
        let Some(filter) = filter(&session, &asked, |id| session.readable(app, "visit", id).map(drop))? else {
            return Ok(Json(List::default()));
        };
        let limit = asked.limit.unwrap_or(LIMIT_DEFAULT).clamp(1, LIMIT_MAX);
        let after = (!asked.before.is_empty()).then(|| behind(&asked.before)).transpose()?;
        let names = Names::read(app.accounts(), app.feed())?;
        app.headquarters().read(|replica| {
            let page = replica.store().read(|read| read.visits(&filter, after.as_ref(), limit))?;
            let lines = page.lines;
            let docs: Vec<DocId> = lines.iter().filter(|line| line.visit.photos > 0).map(|line| line.visit.doc).collect();
            let held = photos::held_of(app, &docs)?;
            let rows: Vec<VisitJson> = lines.iter().map(|line| shown(replica, line, &names, &held)).collect::<Result<_, Error>>()?;
            let next = page.next.and_then(|_| lines.last()).map(|line| format!("{}.{}", line.visit.started.0, line.visit.doc));
            if after.is_some() {
                return Ok(Json(List { rows, next, ..List::default() }));
            }
            let day = filter.subject.is_none() && filter.from.is_some();
            let going = if day { going_on(replica, &filter, &session.reach, &names)? } else { Vec::new() };
            let sums = (day || filter.subject.is_some()).then(|| sums(replica, &filter, &going)).transpose()?;
            let going = going.into_iter().map(|(_, row)| row).collect();
            Ok(Json(List { rows, going, next, sums }))
        })
    })
    .await?
}

/// Where a page ended, by what its `next` said.
fn behind(text: &str) -> Result<PageKey, Error> {
    let (moment, doc) = text.split_once('.').ok_or(Error::Malformed)?;
    let (Ok(moment), Ok(doc)) = (moment.parse(), doc.parse()) else { return Err(Error::Malformed) };
    Ok(PageKey::behind(Ms(moment), doc))
}

/// The sums of a question, with those who are being visited now.
fn sums(replica: &Replica, filter: &VisitFilter, going: &[(SubjectId, VisitJson)]) -> Result<Sums, Error> {
    let sealed = replica.store().read(|read| read.visit_sums(filter))?;
    let mut sums = Sums { listed: sealed.listed, visits: sealed.visits, customers: sealed.customers, orders: sealed.orders };
    sums.visits = sums.visits.saturating_add(u64::try_from(going.len()).unwrap_or(u64::MAX));
    let customers: BTreeSet<SubjectId> = going.iter().map(|(customer, _)| *customer).collect();
    for customer in customers {
        let of_customer = VisitFilter { subject: Some(customer), ..filter.clone() };
        if replica.store().read(|read| read.visit_sums(&of_customer))? == VisitSums::default() {
            sums.customers = sums.customers.saturating_add(1);
        }
    }
    Ok(sums)
}

fn filter(session: &Session, asked: &Asked, readable: impl Fn(SubjectId) -> Result<(), Error>) -> Result<Option<VisitFilter>, Error> {
    let mut filter = VisitFilter::default();
    if !asked.customer.is_empty() {
        let id: SubjectId = asked.customer.parse().map_err(|_| Error::Malformed)?;
        readable(id)?;
        filter.subject = Some(id);
    } else if let Reach::Within(territories) = &session.reach {
        if territories.is_empty() {
            return Ok(None);
        }
        filter.territories = territories.iter().cloned().collect();
    }
    if !asked.rep.is_empty() {
        filter.rep = Some(asked.rep.parse::<UserId>().map_err(|_| Error::Malformed)?);
    }
    if !asked.day.is_empty() {
        let day = reach::day(&asked.day)?;
        filter.from = Some(day);
        filter.to = Some(day);
    }
    Ok(Some(filter))
}

/// A line with what its document says beside it.
pub(super) fn shown(replica: &Replica, line: &VisitLine, names: &Names<'_>, held: &HeldOf) -> Result<VisitJson, Error> {
    let row = &line.visit;
    let visit = replica.visit(row.doc)?;
    let text = |field: &str| visit.as_ref().and_then(|visit| visit.text(field)).map(str::to_owned);
    let filled = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Ok(VisitJson {
        id: row.doc.to_string(),
        customer: Named { id: row.subject.to_string(), name: line.customer.clone() },
        rep: row.rep.map_or_else(|| Named { id: String::new(), name: String::new() }, |rep| names.person(rep)),
        kind: filled(&row.kind),
        outcome: filled(&row.outcome),
        purpose: text("purpose"),
        feedback: text("feedback"),
        problems: text("problems"),
        next_step: text("next_step"),
        next_day: text("next_date"),
        check_in_ms: row.started,
        check_out_ms: row.ended,
        received_ms: None,
        location: filled(&row.place_label),
        distance_m: visit.as_ref().and_then(|visit| visit.fields.get("check_in")?.get("distance_m")?.as_int()),
        clock_offset_ms: visit.as_ref().and_then(clock_offset),
        amendments: row.amendments,
        possible_double: row.possible_double,
        photos: PhotosJson::of(visit.as_ref(), held),
    })
}

/// How far the device's clock was ahead of the true time.
fn clock_offset(visit: &Visit) -> Option<i64> {
    visit.sealed.offset_ms.map(|ahead| -ahead)
}

/// Check-ins of the day's tours that nobody has checked out of: their visits are still drafts on a phone.
fn going_on(replica: &Replica, filter: &VisitFilter, reach: &Reach, names: &Names<'_>) -> Result<Vec<(SubjectId, VisitJson)>, Error> {
    let (Some(from), Some(to)) = (filter.from, filter.to) else { return Ok(Vec::new()) };
    let lines = replica.store().read(|read| read.tours(from, to, filter.rep))?;
    let mut rows = Vec::new();
    for line in lines {
        let Some(tour) = replica.tour(line.tour.doc)? else { continue };
        for stop in tour.stops.iter().filter(|stop| stop.state == StopState::InProgress) {
            let Some(visit) = &stop.visit else { continue };
            let Some(customer) = replica.store().read(|read| read.customer(stop.stop))? else { continue };
            if !reach.holds(&TerritoryId(customer.territory)) {
                continue;
            }
            // The visit is here already, and its tour still on the way.
            if let Some(doc) = visit.visit
                && replica.store().read(|read| read.visit(doc))?.is_some()
            {
                continue;
            }
            let rep = visit.by.or(tour.rep).map_or_else(|| Named { id: String::new(), name: String::new() }, |rep| names.person(rep));
            let id = visit.visit.map_or_else(|| going_id(tour.doc, stop.stop), |doc| doc.to_string());
            rows.push((stop.stop, begun(id, Named { id: stop.stop.to_string(), name: customer.name }, rep, visit.arrived)));
        }
    }
    Ok(rows)
}

fn going_id(tour: DocId, stop: SubjectId) -> String {
    format!("{tour}/{stop}")
}

fn begun(id: String, customer: Named, rep: Named, check_in_ms: Ms) -> VisitJson {
    VisitJson {
        id,
        customer,
        rep,
        kind: None,
        outcome: None,
        purpose: None,
        feedback: None,
        problems: None,
        next_step: None,
        next_day: None,
        check_in_ms,
        check_out_ms: None,
        received_ms: None,
        location: None,
        distance_m: None,
        clock_offset_ms: None,
        amendments: 0,
        possible_double: false,
        photos: PhotosJson::default(),
    }
}
