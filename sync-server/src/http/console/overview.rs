//! `GET /api/overview?from=&to=`: what a manager looks at first.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use chrono::NaiveDate;
use roadbook_core::ids::{DocId, Ms, UserId};
use roadbook_core::store::rows::{CustomerFilter, VisitFilter};
use serde::{Deserialize, Serialize};

use super::accounts::{self, DeviceJson};
use super::asked::Asking;
use super::names::{Named, Names};
use super::{reach, review, urgents};
use crate::access::{Command, Reach, Role};
use crate::app::App;
use crate::clock::span::DAY_MS;
use crate::http::{Error, Session, Shared};

/// Visits with photos that are counted, at most.
const VISITS_WITH_PHOTOS_MAX: usize = 50_000;
/// Days of one answer, at most.
const DAYS_MAX: i64 = 31;

/// Which days, both included.
#[derive(Deserialize)]
pub(super) struct Asked {
    from: String,
    to: String,
}

#[derive(Serialize)]
pub(super) struct Overview {
    as_of_ms: Ms,
    missing_devices: usize,
    days: Vec<NaiveDate>,
    reps: Vec<RepJson>,
    grades: Vec<GradeJson>,
    customers: u64,
    overdue: u64,
    visits_today: u64,
    planned_today: u64,
    stale_customers: u64,
    photos_missing: u64,
    urgent: UrgentJson,
    review: ReviewJson,
    devices: Vec<DeviceJson>,
}

#[derive(Serialize)]
struct RepJson {
    rep: Named,
    visits: Vec<u64>,
    planned: Vec<u64>,
    orders: u64,
}

#[derive(Serialize)]
struct GradeJson {
    grade: Option<String>,
    customers: u64,
    overdue: u64,
    worst_days: u32,
}

/// Urgent reports that are not closed, and those of them that nobody has acknowledged.
#[derive(Serialize, Default)]
struct UrgentJson {
    open: usize,
    unheard: usize,
}

#[derive(Serialize, Default)]
struct ReviewJson {
    rivals: usize,
    reports: usize,
    proposals: usize,
}

/// * 200 with the figures, of what the person answers for; 400 for days that are none, or too many; 403 unless the person oversees.
pub(super) async fn overview(State(app): State<Shared>, session: Session, Asking(asked): Asking<Asked>) -> Result<Json<Overview>, Error> {
    session.require(Command::Oversee)?;
    app.blocking(move |app| {
        let (from, to) = (reach::day(&asked.from)?, reach::day(&asked.to)?);
        let days = (to - from).num_days();
        if !(0..DAYS_MAX).contains(&days) {
            return Err(Error::Malformed);
        }
        let days: Vec<NaiveDate> = from.iter_days().take(usize::try_from(days + 1).unwrap_or(0)).collect();
        figures(app, &session, days).map(Json)
    })
    .await?
}

fn figures(app: &App, session: &Session, days: Vec<NaiveDate>) -> Result<Overview, Error> {
    let today = reach::today(app);
    let filter = reach::filter(app, session, None)?;
    let devices = devices_within(app, session)?;
    let silent = app.now().plus(-DAY_MS);
    let missing_devices =
        devices.iter().filter(|one| one.state != "revoked" && one.last_contact_ms.unwrap_or(one.enrolled_ms) < silent).count();
    let mut overview = Overview {
        as_of_ms: app.now(),
        missing_devices,
        reps: Vec::new(),
        days,
        grades: Vec::new(),
        customers: 0,
        overdue: 0,
        visits_today: 0,
        planned_today: 0,
        stale_customers: 0,
        photos_missing: 0,
        urgent: UrgentJson::default(),
        review: ReviewJson::default(),
        devices,
    };
    let (open, unheard) = urgents::waiting(app, session)?;
    overview.urgent = UrgentJson { open, unheard };
    let Some(filter) = filter else { return Ok(overview) };
    overview.photos_missing = photos_missing(app, &filter, &overview.days)?;
    let names = Names::read(app.accounts(), app.feed())?;
    app.headquarters().read(|replica| {
        replica.store().read(|read| {
            overview.customers = read.customer_count(&filter)?;
            overview.stale_customers = read.customer_count(&CustomerFilter { stale_at: Some(app.now()), ..filter.clone() })?;
            for tally in read.overdue_tally(today, &filter)? {
                overview.overdue += tally.overdue;
                let of_grade = CustomerFilter { grades: vec![tally.grade.clone()], ..filter.clone() };
                let worst = read.customers_at(&of_grade, roadbook_core::store::rows::CustomerOrder::Due, false, 0, 1)?;
                let late = worst.first().and_then(|line| line.due).map_or(0, |due| (today - due).num_days());
                overview.grades.push(GradeJson {
                    grade: (!tally.grade.is_empty()).then_some(tally.grade),
                    customers: tally.customers,
                    overdue: tally.overdue,
                    worst_days: u32::try_from(late.max(0)).unwrap_or(u32::MAX),
                });
            }
            Ok::<_, Error>(())
        })?;
        work_of_reps(app, session, replica, &filter, &mut overview, &names)?;
        for line in review::lines(app, session, replica)? {
            if line.matter == roadbook_core::store::rows::MATTER_RIVALS {
                overview.review.rivals += 1;
            } else {
                overview.review.reports += 1;
            }
        }
        overview.review.proposals = review::proposals(app, session, replica)?.len();
        Ok(overview)
    })
}

/// Visits and planned stops of each representative and day.
fn work_of_reps(
    app: &App,
    session: &Session,
    replica: &roadbook_core::replica::Replica,
    filter: &CustomerFilter,
    overview: &mut Overview,
    names: &Names<'_>,
) -> Result<(), Error> {
    let (Some(from), Some(to)) = (overview.days.first().copied(), overview.days.last().copied()) else { return Ok(()) };
    let today = reach::today(app);
    let visits = VisitFilter { territories: filter.territories.clone(), from: Some(from), to: Some(to), ..VisitFilter::default() };
    let of_today = VisitFilter { from: Some(today), to: Some(today), ..visits.clone() };
    let (tallies, tours, today_tallies, today_tours) = replica.store().read(|read| {
        Ok::<_, Error>((
            read.visit_tally(&visits)?,
            read.tours(from, to, None)?,
            read.visit_tally(&of_today)?,
            read.tours(today, today, None)?,
        ))
    })?;
    let empty = || (vec![0_u64; overview.days.len()], vec![0_u64; overview.days.len()], 0_u64);
    let reps = reps_within(app, session)?;
    let mut rows: BTreeMap<UserId, (Vec<u64>, Vec<u64>, u64)> = reps.iter().map(|rep| (*rep, empty())).collect();
    let at = |day: NaiveDate| overview.days.iter().position(|other| *other == day);
    for tally in tallies {
        let (Some(rep), Some(at)) = (tally.rep, at(tally.day)) else { continue };
        let row = rows.entry(rep).or_insert_with(empty);
        row.0.get_mut(at).into_iter().for_each(|cell| *cell += tally.visits);
        row.2 += tally.orders;
    }
    for line in &tours {
        let (Some(rep), Some(at)) = (line.tour.rep, at(line.tour.day)) else { continue };
        if let Some(row) = rows.get_mut(&rep) {
            row.1.get_mut(at).into_iter().for_each(|cell| *cell += u64::from(line.stops));
        }
    }
    overview.visits_today = today_tallies.iter().map(|tally| tally.visits).sum();
    overview.planned_today =
        today_tours.iter().filter(|line| line.tour.rep.is_some_and(|rep| reps.contains(&rep))).map(|line| u64::from(line.stops)).sum();
    overview.reps =
        rows.into_iter().map(|(rep, (visits, planned, orders))| RepJson { rep: names.person(rep), visits, planned, orders }).collect();
    Ok(())
}

/// Originals of the days' visits that headquarters does not hold yet.
fn photos_missing(app: &App, customers: &CustomerFilter, days: &[NaiveDate]) -> Result<u64, Error> {
    let filter = VisitFilter {
        territories: customers.territories.clone(),
        from: days.first().copied(),
        to: days.last().copied(),
        ..VisitFilter::default()
    };
    let named = app.headquarters().read(|replica| replica.store().read(|read| read.visits_with_photos(&filter, VISITS_WITH_PHOTOS_MAX)))?;
    let docs: Vec<DocId> = named.iter().map(|(doc, _)| *doc).collect();
    let held = app.blobs().table().originals_of(&docs).map_err(Error::failed)?;
    Ok(named.iter().map(|(doc, photos)| u64::from(photos.saturating_sub(held.get(doc).copied().unwrap_or(0)))).sum())
}

/// Representatives who work where the person answers for.
pub(super) fn reps_within(app: &App, session: &Session) -> Result<Vec<UserId>, Error> {
    let users = app.accounts().users()?.into_iter().filter(|user| user.role == Role::Salesperson && !user.disabled);
    let within = |territories: &std::collections::BTreeSet<roadbook_core::ids::TerritoryId>| match &session.reach {
        Reach::Everywhere => true,
        Reach::Within(own) => territories.iter().any(|territory| own.contains(territory)),
    };
    Ok(users.filter(|user| user.id == session.id() || within(&user.territories)).map(|user| user.id).collect())
}

fn devices_within(app: &App, session: &Session) -> Result<Vec<DeviceJson>, Error> {
    let devices = accounts::devices(app)?;
    if session.reach == Reach::Everywhere {
        return Ok(devices);
    }
    let reps = reps_within(app, session)?;
    Ok(devices.into_iter().filter(|device| reps.iter().any(|rep| device.is_of(*rep))).collect())
}
