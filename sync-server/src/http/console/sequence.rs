//! `POST /api/tours/sequence`: the best order of a day's open stops, or the times of a given one. Nothing is written.

use axum::Json;
use axum::extract::State;
use chrono::{Datelike as _, NaiveDate};
use roadbook_core::ids::{Ms, SubjectId, UserId};
use roadbook_core::model::tour::STOPS_MAX;
use roadbook_core::replica::Replica;
use roadbook_core::replica::sequencing::{DayPlan, DayQuestion};
use serde::{Deserialize, Serialize};

use super::reach;
use crate::access::Command;
use crate::app::App;
use crate::http::{Error, JsonBody, Session, Shared};

/// A day begins at half past eight, seconds since midnight.
const DAY_BEGIN_S: i32 = 8 * 3_600 + 1_800;
const DAY_S: i64 = 86_400;

/// Whose day, which stops, and whether their order stands.
#[derive(Deserialize)]
pub(super) struct Request {
    day: NaiveDate,
    rep: UserId,
    customers: Vec<SubjectId>,
    keep_order: bool,
}

#[derive(Serialize)]
pub(super) struct Sequence {
    stops: Vec<StopJson>,
    travel_s: i64,
    distance_m: u64,
    finish_ms: Ms,
    unplaced: Vec<SubjectId>,
}

#[derive(Serialize)]
struct StopJson {
    customer: SubjectId,
    arrive_ms: Ms,
    depart_ms: Ms,
    late: bool,
}

/// * 200 with order and times; 403 unless the person dispatches; 404 for a customer that may not be known; 422 for too many stops.
pub(super) async fn sequence(
    State(app): State<Shared>,
    session: Session,
    JsonBody(request): JsonBody<Request>,
) -> Result<Json<Sequence>, Error> {
    session.require(Command::Dispatch)?;
    app.blocking(move |app| {
        let plan = plan(app, &session, request.day, request.rep, &request.customers, request.keep_order)?;
        let midnight = reach::midnight(app, request.day);
        let at = |seconds: i64| midnight.plus(seconds.saturating_mul(1_000));
        let stops = plan.stops.iter().map(|stop| {
            let arrive_s = stop.arrive_s.unwrap_or(0);
            let depart_s = arrive_s.saturating_add(stop.service_s.unwrap_or(0));
            StopJson { customer: stop.stop, arrive_ms: at(arrive_s), depart_ms: at(depart_s), late: plan.late.contains(&stop.stop) }
        });
        Ok(Json(Sequence {
            stops: stops.collect(),
            travel_s: plan.travel_s,
            distance_m: plan.distance_m,
            finish_ms: at(plan.finish_s),
            unplaced: plan.unlocated.clone(),
        }))
    })
    .await?
}

/// Plans a day's open stops for a representative: from the last place visited, or from anywhere.
pub(super) fn plan(
    app: &App,
    session: &Session,
    day: NaiveDate,
    rep: UserId,
    customers: &[SubjectId],
    keep_order: bool,
) -> Result<DayPlan, Error> {
    if customers.len() > STOPS_MAX {
        let (zh, en) = (format!("一天最多 {STOPS_MAX} 站。"), format!("A day has at most {STOPS_MAX} stops."));
        return Err(Error::invalid("too_many_stops", zh, en));
    }
    for customer in customers {
        session.readable(app, "customer", *customer)?;
    }
    app.headquarters().read(|replica| {
        let question = DayQuestion {
            open: customers,
            known: &[],
            from: last_visited(replica, day, rep)?,
            leave_s: leave_s(app, day),
            weekday: Some(day.weekday().number_from_monday()),
            moved_s: 0,
        };
        Ok(if keep_order { replica.schedule(&question)? } else { replica.sequence(&question)? })
    })
}

fn leave_s(app: &App, day: NaiveDate) -> i32 {
    if day != reach::today(app) {
        return DAY_BEGIN_S;
    }
    let since = app.now().since(reach::midnight(app, day)) / 1_000;
    i32::try_from(since.clamp(0, DAY_S)).unwrap_or(DAY_BEGIN_S).max(DAY_BEGIN_S)
}

/// Where the representative was last seen on this day, in 1e-7 degrees.
fn last_visited(replica: &Replica, day: NaiveDate, rep: UserId) -> Result<Option<(i64, i64)>, Error> {
    replica.store().read(|read| {
        let mut seen = Vec::new();
        for line in read.tours(day, day, Some(rep))? {
            seen.extend(read.stops(line.tour.doc)?.into_iter().filter(|stop| stop.stop.actual.is_some()));
        }
        let last = seen.into_iter().max_by_key(|stop| stop.stop.actual);
        Ok(last.and_then(|stop| Some((i64::from(stop.lat_e7?), i64::from(stop.lon_e7?)))))
    })
}
