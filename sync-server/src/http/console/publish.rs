//! `POST /api/tours`: a plan published. What was visited stays where it is; everything else stands in the order given.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::State;
use chrono::NaiveDate;
use roadbook_core::ids::{DocId, SubjectId, UserId};
use roadbook_core::model::tour::{PlannedStop, Tour};
use roadbook_core::replica::Replica;
use roadbook_core::replica::field::{self, TourKey};
use serde::Deserialize;

use super::names::Names;
use super::overview::reps_within;
use super::sequence;
use super::tours::{self, TourJson};
use super::writing;
use crate::access::Command;
use crate::app::App;
use crate::headquarters::HeadquartersError;
use crate::http::{Error, JsonBody, Session, Shared};

/// Route code of a day that is planned without a fixed route.
const FREE_ROUTE: &str = "day";

/// A plan as the page shows it.
#[derive(Deserialize)]
pub(super) struct Request {
    day: NaiveDate,
    rep: UserId,
    customers: Vec<SubjectId>,
    urgent: BTreeSet<SubjectId>,
    heads: Option<String>,
}

/// * 200 with the tour as it stands then;
/// * 403 unless the person dispatches for this representative; 404 for a customer that may not be known;
/// * 409 when another plan was published meanwhile; 422 for too many stops.
pub(super) async fn publish(
    State(app): State<Shared>,
    session: Session,
    JsonBody(request): JsonBody<Request>,
) -> Result<Json<TourJson>, Error> {
    session.require(Command::Dispatch)?;
    app.blocking(move |app| {
        if !reps_within(app, &session)?.contains(&request.rep) {
            return Err(Error::Forbidden);
        }
        let (key, before) = app.headquarters().read(|replica| existing(replica, &request))?;
        if !request.saw(before.as_ref()) {
            return Err(Error::Conflict);
        }
        let stops = planned(app, &session, &request, before.as_ref())?;
        let stamp = writing::stamp(app, session.id())?;
        let work = vec![field::publish(&stamp, &key, before.as_ref(), &stops, None, &[])];
        // Somebody else may have published while the times were worked out.
        writing::commit_if(app, &session, &work, |replica| {
            let (now, standing) = existing(replica, &request)?;
            Ok(now == key && request.saw(standing.as_ref()))
        })?;
        let names = Names::read(app.accounts(), app.feed())?;
        app.headquarters().read(|replica| tours::shown(app, &session, replica, key.doc(), &names))?.map(Json).ok_or(Error::NotFound)
    })
    .await?
}

impl Request {
    /// Whether the page showed the plan in force; a page that showed no tour saw none in force.
    fn saw(&self, standing: Option<&Tour>) -> bool {
        standing.map(tours::token).unwrap_or_default() == self.heads.as_deref().unwrap_or_default()
    }
}

/// The representative's tour of the day, where there is one already, else the one to be made.
fn existing(replica: &Replica, request: &Request) -> Result<(TourKey, Option<Tour>), HeadquartersError> {
    let lines = replica.store().read(|read| read.tours(request.day, request.day, Some(request.rep)))?;
    let route = lines.first().map_or_else(|| FREE_ROUTE.to_owned(), |line| line.tour.route.clone());
    let key = TourKey { route, day: request.day, rep: request.rep };
    let doc: DocId = lines.first().map_or_else(|| key.doc(), |line| line.tour.doc);
    Ok((key, replica.tour(doc)?))
}

/// The stops of the new revision: visited and skipped ones as they were planned, open ones with fresh times.
fn planned(app: &App, session: &Session, request: &Request, before: Option<&Tour>) -> Result<Vec<PlannedStop>, Error> {
    let mut listed = BTreeSet::new();
    let wanted: Vec<SubjectId> = request.customers.iter().copied().filter(|stop| listed.insert(*stop)).collect();
    let begun: BTreeMap<SubjectId, Option<PlannedStop>> = before
        .into_iter()
        .flat_map(|tour| tour.stops.iter().filter(|stop| stop.visit.is_some()).map(|stop| (stop.stop, stop.planned.clone())))
        .collect();
    let skipped: BTreeSet<SubjectId> =
        before.into_iter().flat_map(|tour| tour.skipped.iter().map(|skip| skip.stop)).filter(|stop| !begun.contains_key(stop)).collect();
    let open: Vec<SubjectId> = wanted.iter().copied().filter(|stop| !begun.contains_key(stop) && !skipped.contains(stop)).collect();
    let plan = sequence::plan(app, session, request.day, request.rep, &open, true)?;
    let times: BTreeMap<SubjectId, PlannedStop> = plan.stops.into_iter().map(|stop| (stop.stop, stop)).collect();
    let stop = |id: SubjectId| {
        if let Some(Some(kept)) = begun.get(&id) {
            return Some(kept.clone());
        }
        // A stop that the representative began on their own account stays theirs.
        if begun.contains_key(&id) {
            return None;
        }
        times.get(&id).map(|timed| PlannedStop { urgent: request.urgent.contains(&id), ..timed.clone() })
    };
    let mut stops: Vec<PlannedStop> = wanted.into_iter().filter_map(stop).collect();
    let parent = before.and_then(|tour| tour.plan.as_ref()).map_or(&[][..], |plan| &plan.stops);
    skipped_in_place(&mut stops, parent, |id| skipped.contains(&id) && listed.contains(&id));
    Ok(stops)
}

/// Puts skipped stops back behind those that they followed in the plan before. They take no time; they stand in the plan for the case
/// that the representative goes there after all, and where they stood, for nobody moved them.
fn skipped_in_place(stops: &mut Vec<PlannedStop>, parent: &[PlannedStop], skipped: impl Fn(SubjectId) -> bool) {
    for (at, kept) in parent.iter().enumerate().filter(|(_, stop)| skipped(stop.stop)) {
        let behind = parent.iter().take(at).rev().find_map(|stop| stops.iter().position(|new| new.stop == stop.stop));
        stops.insert(behind.map_or(0, |found| found + 1), kept.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stops(ids: &[u8]) -> Vec<PlannedStop> {
        let subjects = ids.iter().map(|id| SubjectId::from_bytes([*id; 16]));
        subjects.map(|stop| PlannedStop { stop, arrive_s: None, service_s: None, note: None, urgent: false }).collect()
    }

    #[test]
    fn what_was_skipped_keeps_its_place_in_the_plan() {
        let skips = |id: SubjectId| id.as_bytes().first().is_some_and(|n| [2, 3, 5].contains(n));
        for (parent, new, expected) in [
            (&[1, 2, 3, 4][..], &[1, 4][..], &[1, 2, 3, 4][..]),
            (&[2, 1, 4][..], &[4, 1][..], &[2, 4, 1][..]),
            (&[1, 4, 5][..], &[6, 4][..], &[6, 4, 5][..]),
            (&[][..], &[1][..], &[1][..]),
        ] {
            let mut made = stops(new);
            skipped_in_place(&mut made, &stops(parent), skips);
            assert_eq!(made, stops(expected), "{parent:?} {new:?}");
        }
    }
}
