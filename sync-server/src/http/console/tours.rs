//! `GET /api/tours?day=`: every tour of a day as core orders it, with which phone holds which revision.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::State;
use chrono::NaiveDate;
use roadbook_core::crdt::gate::Gate;
use roadbook_core::ids::{ChangeHash, DocId, EntryId, Ms, SubjectId, UserId};
use roadbook_core::model::tour::{OrderedStop, StopState, Tour};
use roadbook_core::replica::Replica;
use serde::{Deserialize, Serialize};

use super::asked::Asking;
use super::customers::Place;
use super::names::{Named, Names};
use super::overview::reps_within;
use super::reach;
use crate::access::Command;
use crate::app::App;
use crate::http::{Error, Session, Shared};

/// Which day.
#[derive(Deserialize)]
pub(super) struct Asked {
    day: String,
}

#[derive(Serialize)]
pub(super) struct List {
    day: NaiveDate,
    tours: Vec<TourJson>,
}

/// A tour.
#[derive(Serialize)]
pub(super) struct TourJson {
    id: String,
    day: String,
    rep: Named,
    /// The plan in force, as an opaque name: who publishes says which one they saw.
    heads: String,
    revision: u32,
    published_ms: Option<Ms>,
    published_by: Option<Named>,
    acknowledged: Option<Acknowledged>,
    stops: Vec<StopJson>,
    devices: Vec<DeviceJson>,
}

#[derive(Serialize)]
struct Acknowledged {
    revision: u32,
    at_ms: Ms,
}

#[derive(Serialize)]
struct DeviceJson {
    device: Named,
    revision: Option<u32>,
    last_contact_ms: Option<Ms>,
}

#[derive(Serialize)]
struct StopJson {
    customer: Named,
    grade: Option<String>,
    address: Option<String>,
    place: Option<Place>,
    state: &'static str,
    ad_hoc: bool,
    deviates: bool,
    urgent: bool,
    arrive_ms: Option<Ms>,
    depart_ms: Option<Ms>,
    check_in_ms: Option<Ms>,
    check_out_ms: Option<Ms>,
    late: bool,
}

/// * 200 with the tours of everybody the person dispatches or answers for; 400 for a day that is none; 403 for anybody else.
pub(super) async fn tours(State(app): State<Shared>, session: Session, Asking(asked): Asking<Asked>) -> Result<Json<List>, Error> {
    session.require(Command::Dispatch)?;
    app.blocking(move |app| {
        let day = reach::day(&asked.day)?;
        let names = Names::read(app.accounts(), app.feed())?;
        let reps: BTreeSet<UserId> = reps_within(app, &session)?.into_iter().collect();
        app.headquarters().read(|replica| {
            let lines = replica.store().read(|read| read.tours(day, day, None))?;
            let mut tours = Vec::new();
            for line in lines.iter().filter(|line| line.tour.rep.is_some_and(|rep| reps.contains(&rep))) {
                tours.extend(shown(app, &session, replica, line.tour.doc, &names)?);
            }
            Ok(Json(List { day, tours }))
        })
    })
    .await?
}

/// A tour for an answer; `None` when it is not there.
pub(super) fn shown(app: &App, session: &Session, replica: &Replica, doc: DocId, names: &Names<'_>) -> Result<Option<TourJson>, Error> {
    let Some(tour) = replica.tour(doc)? else { return Ok(None) };
    let Some(rep) = tour.rep else { return Ok(None) };
    let day = tour.day.parse::<NaiveDate>().map(|day| reach::midnight(app, day)).unwrap_or(Ms(0));
    let mut stops = Vec::with_capacity(tour.stops.len() + tour.skipped.len());
    let customer = |id: SubjectId| bare(app, session, replica, id);
    for stop in &tour.stops {
        stops.push(stop_json(stop, day, customer(stop.stop)?));
    }
    // Somebody who went there after all: it stands among the visited ones.
    for skip in tour.skipped.iter().filter(|skip| !tour.stops.iter().any(|stop| stop.stop == skip.stop)) {
        stops.push(StopJson { state: "skipped", ..customer(skip.stop)? });
    }
    let revisions = Revisions::of(replica, doc)?;
    let acknowledged = tour.acknowledged.iter().max_by_key(|(_, at)| **at);
    Ok(Some(TourJson {
        id: doc.to_string(),
        day: tour.day.clone(),
        rep: names.person(rep),
        heads: token(&tour),
        revision: tour.revisions,
        published_ms: tour.plan.as_ref().map(|plan| plan.at),
        published_by: tour.plan.as_ref().and_then(|plan| names.author(plan.by)),
        acknowledged: acknowledged.map(|(revision, at)| Acknowledged {
            revision: revisions.rank(revision, tour.plan.as_ref().map(|plan| plan.revision)),
            at_ms: *at,
        }),
        stops,
        devices: devices(app, doc, rep, &revisions, names)?,
    }))
}

/// What a page says about the plan it showed.
pub(super) fn token(tour: &Tour) -> String {
    tour.plan.as_ref().map_or_else(String::new, |plan| plan.revision.to_string())
}

fn stop_json(stop: &OrderedStop, midnight: Ms, bare: StopJson) -> StopJson {
    let planned = stop.planned.as_ref();
    let arrive_s = planned.and_then(|stop| stop.arrive_s);
    let service_s = planned.and_then(|stop| stop.service_s).unwrap_or(0);
    let at = |seconds: i64| midnight.plus(seconds.saturating_mul(1_000));
    StopJson {
        state: match stop.state {
            StopState::Open => "open",
            StopState::InProgress => "in_progress",
            StopState::Visited => "visited",
            StopState::VisitedThoughRemoved => "visited_removed",
        },
        ad_hoc: stop.adhoc,
        deviates: stop.deviation.is_some() || stop.pin.is_some(),
        urgent: planned.is_some_and(|stop| stop.urgent),
        arrive_ms: arrive_s.map(at),
        depart_ms: arrive_s.map(|arrive| at(arrive.saturating_add(service_s))),
        check_in_ms: stop.visit.as_ref().map(|visit| visit.arrived),
        check_out_ms: stop.visit.as_ref().and_then(|visit| visit.left),
        ..bare
    }
}

/// The customer of a stop, with nothing said about the stop. A tour may lead to a customer that its reader may not know: then it
/// is one without a name.
fn bare(app: &App, session: &Session, replica: &Replica, customer: SubjectId) -> Result<StopJson, Error> {
    let line = match session.readable(app, "customer", customer) {
        Ok(_) => replica.store().read(|read| read.customer(customer))?,
        Err(Error::NotFound) => None,
        Err(other) => return Err(other),
    };
    let filled = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let id = customer.to_string();
    let name = line.as_ref().map_or_else(|| id.chars().take(8).collect(), |line| line.name.clone());
    Ok(StopJson {
        customer: Named { id, name },
        grade: line.as_ref().and_then(|line| filled(&line.grade)),
        address: line.as_ref().and_then(|line| filled(&line.address)),
        place: line.as_ref().and_then(|line| Place::of(line.lat_e7, line.lon_e7)),
        state: "open",
        ad_hoc: false,
        deviates: false,
        urgent: false,
        arrive_ms: None,
        depart_ms: None,
        check_in_ms: None,
        check_out_ms: None,
        late: false,
    })
}

/// The published plans of a tour and the changes that brought them.
struct Revisions {
    changes: BTreeMap<EntryId, ChangeHash>,
}

impl Revisions {
    fn of(replica: &Replica, doc: DocId) -> Result<Self, Error> {
        let held = replica.document(doc)?;
        let registers = held.map(|held| held.document.registers("plan")).unwrap_or_default();
        let changes = registers.iter().filter_map(|register| {
            let revision = register.key.strip_prefix("rev/")?.parse().ok()?;
            Some((revision, register.rivals.last()?.change.hash))
        });
        Ok(Self { changes: changes.collect() })
    }

    fn count(&self) -> u32 {
        u32::try_from(self.changes.len()).unwrap_or(u32::MAX)
    }

    /// Number of a revision, counted from 1: the one in force is the last.
    fn rank(&self, revision: &EntryId, head: Option<EntryId>) -> u32 {
        if Some(*revision) == head {
            return self.count();
        }
        let before = self.changes.keys().filter(|other| *other < revision).count();
        u32::try_from(before + 1).unwrap_or(u32::MAX).min(self.count().saturating_sub(1))
    }
}

/// The representative's phones, each with how many plan revisions it has taken: what is above its cursor it lacks.
fn devices(app: &App, doc: DocId, rep: UserId, revisions: &Revisions, names: &Names<'_>) -> Result<Vec<DeviceJson>, Error> {
    let gate = Gate::strict();
    let mut devices = Vec::new();
    for device in app.accounts().devices()?.into_iter().filter(|device| device.user == rep && device.revoked_at.is_none()) {
        let lacking: BTreeSet<ChangeHash> = app
            .feed()
            .changes(doc, device.cursor_no, &BTreeSet::new())?
            .iter()
            .filter_map(|bytes| gate.identify(bytes).ok())
            .map(|identity| identity.hash)
            .collect();
        let taken = revisions.changes.values().filter(|hash| !lacking.contains(*hash)).count();
        devices.push(DeviceJson {
            device: names.device(device.id),
            revision: device.synced_at.or(device.seen_at).map(|_| u32::try_from(taken).unwrap_or(u32::MAX)).filter(|taken| *taken > 0),
            last_contact_ms: device.seen_at,
        });
    }
    Ok(devices)
}
