//! `GET /api/absences`: devices that came back after a long time. `GET /api/absences/{id}`: what one of them handed in and what became of
//! it (离线合并报告), for whoever answers for its person.

use axum::Json;
use axum::extract::State;
use roadbook_core::ids::Ms;
use serde::Serialize;

use super::asked::Of;
use super::names::{Named, Names};
use super::overview::reps_within;
use crate::absence::{self, OfCustomer, Report};
use crate::access::{Command, Reach};
use crate::app::App;
use crate::feed::Absence;
use crate::http::{Error, Session, Shared};

/// Customers of one report, at most.
const CUSTOMERS_MAX: usize = 200;

#[derive(Serialize)]
pub(super) struct List {
    items: Vec<AbsenceJson>,
}

#[derive(Serialize)]
struct AbsenceJson {
    no: i64,
    device: Named,
    user: Named,
    left_ms: Ms,
    back_ms: Ms,
    days: i64,
    /// `null`: it is still handing in.
    until_ms: Option<Ms>,
}

#[derive(Serialize)]
pub(super) struct ReportJson {
    absence: AbsenceJson,
    #[serde(flatten)]
    report: Report,
    /// Names of the customers of the report that the reader may know, in its order.
    names: Vec<Option<Named>>,
}

/// * 200 with the latest, the newest first; 403 unless the person oversees.
pub(super) async fn absences(State(app): State<Shared>, session: Session) -> Result<Json<List>, Error> {
    session.require(Command::Oversee)?;
    app.blocking(move |app| {
        let names = Names::read(app.accounts(), app.feed())?;
        let mine = within(app, &session)?;
        let items = app.feed().absences()?.into_iter().filter(mine).map(|absence| shown(&absence, &names)).collect();
        Ok(Json(List { items }))
    })
    .await?
}

/// * 200 with the report as things stand now; 403 unless the person oversees; 404 when there is none, or none of theirs.
pub(super) async fn absence(State(app): State<Shared>, session: Session, Of(no): Of<i64>) -> Result<Json<ReportJson>, Error> {
    session.require(Command::Oversee)?;
    app.blocking(move |app| {
        let mine = within(app, &session)?;
        let absence = app.feed().absence(no)?.filter(mine).ok_or(Error::NotFound)?;
        let names = Names::read(app.accounts(), app.feed())?;
        let report = app.headquarters().read(|replica| absence::report(app.feed(), replica, &absence)).map_err(Error::failed)?;
        let report = Report { customers: report.customers.into_iter().take(CUSTOMERS_MAX).collect(), ..report };
        let named = report.customers.iter().map(|of| named(app, &session, of)).collect::<Result<_, Error>>()?;
        Ok(Json(ReportJson { absence: shown(&absence, &names), report, names: named }))
    })
    .await?
}

/// Whose absences the person may see.
fn within(app: &App, session: &Session) -> Result<impl Fn(&Absence) -> bool + use<>, Error> {
    let everywhere = session.reach == Reach::Everywhere;
    let reps = reps_within(app, session)?;
    Ok(move |absence: &Absence| everywhere || reps.contains(&absence.user))
}

fn shown(absence: &Absence, names: &Names<'_>) -> AbsenceJson {
    AbsenceJson {
        no: absence.no,
        device: names.device(absence.device),
        user: names.person(absence.user),
        left_ms: absence.left,
        back_ms: absence.back,
        days: absence.days(),
        until_ms: absence.until,
    }
}

fn named(app: &App, session: &Session, of: &OfCustomer) -> Result<Option<Named>, Error> {
    let Some(subject) = of.customer.filter(|subject| session.readable(app, "customer", *subject).is_ok()) else { return Ok(None) };
    let line = app.headquarters().read(|replica| replica.store().read(|read| read.customer(subject)))?;
    Ok(line.map(|line| Named { id: subject.to_string(), name: line.name }))
}
