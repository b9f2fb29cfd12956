//! From customers to a day's plan: places, opening hours and service times are read from the cards, the order is found by `route`.
//! The same on a phone without a network and at headquarters.

use serde::Serialize;

use super::{Replica, ReplicaError};
use crate::ids::SubjectId;
use crate::model::card::Card;
use crate::model::tour::PlannedStop;
use crate::model::value::Value;
use crate::route::{self, Effort, GeoMatrix, Point, Problem, ProblemError, Start, Stop, TravelModel, Weights, Window};

/// Service time where the card says nothing, in minutes.
pub const SERVICE_MINUTES_DEFAULT: i64 = 15;
/// 1e-7 degrees in one microdegree.
const E7_PER_UDEG: i64 = 10;

/// What a day's sequencing is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayQuestion<'a> {
    /// Customers that are still open.
    pub open: &'a [SubjectId],
    /// The order that people know, to be kept where it costs little; empty for a fresh plan.
    pub known: &'a [SubjectId],
    /// Where the day goes on from: latitude and longitude in 1e-7 degrees.
    pub from: Option<(i64, i64)>,
    /// When, in seconds since local midnight.
    pub leave_s: i32,
    /// What moving one stop out of the known order must save, in seconds.
    pub moved_s: u32,
}

/// A sequenced day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DayPlan {
    /// The stops in order, with planned times.
    pub stops: Vec<PlannedStop>,
    /// Travel, in seconds.
    pub travel_s: i64,
    /// Lateness of all stops together, in seconds.
    pub late_s: i64,
    /// When the last stop is done, in seconds since local midnight.
    pub finish_s: i64,
    /// Customers without a position: their legs are estimates of an estimate.
    pub unlocated: Vec<SubjectId>,
}

impl Replica {
    /// Sequences the open stops of a day under opening hours and service times, on estimated road times.
    ///
    /// # Errors
    /// [`ReplicaError::Unknown`] when a card is not held, [`ReplicaError::Sequencing`], [`ReplicaError::Store`].
    pub fn sequence(&self, question: &DayQuestion<'_>) -> Result<DayPlan, ReplicaError> {
        let cards = question
            .open
            .iter()
            .map(|subject| self.card(*subject)?.ok_or(ReplicaError::Unknown { what: "customer", doc: subject.customer() }))
            .collect::<Result<Vec<Card>, ReplicaError>>()?;
        let mut points = vec![question.from.and_then(point)];
        points.extend(cards.iter().map(|card| card.position().and_then(point)));
        let matrix = GeoMatrix::new(&points, &TravelModel::default());
        let place_of = |subject: &SubjectId| question.open.iter().position(|open| open == subject);
        let problem = Problem {
            start: Start { place: 0, leave_s: question.leave_s },
            end: None,
            stops: cards.iter().enumerate().map(|(at, card)| stop(at + 1, card)).collect(),
            base_order: question.known.iter().filter_map(place_of).collect(),
            pins: Vec::new(),
            weights: Weights { moved_s: question.moved_s, ..Weights::default() },
        };
        let plan = route::solve(&problem, &matrix, Effort::default())?;
        let stops = plan.visits.iter().filter_map(|visit| {
            Some(PlannedStop {
                stop: *question.open.get(visit.stop)?,
                arrive_s: Some(visit.arrive_s),
                service_s: Some(visit.leave_s - visit.begin_s),
                note: None,
                urgent: false,
            })
        });
        Ok(DayPlan {
            stops: stops.collect(),
            travel_s: plan.cost.travel_s,
            late_s: plan.cost.late_s,
            finish_s: plan.finish_s,
            unlocated: cards.iter().filter(|card| card.position().is_none()).map(|card| card.subject).collect(),
        })
    }
}

/// A position in 1e-7 degrees as `route` takes it.
pub(crate) fn point((lat_e7, lon_e7): (i64, i64)) -> Option<Point> {
    Point::from_udeg(i32::try_from(lat_e7 / E7_PER_UDEG).ok()?, i32::try_from(lon_e7 / E7_PER_UDEG).ok()?)
}

fn stop(place: usize, card: &Card) -> Stop {
    let minutes = card.value("service_minutes").as_int().unwrap_or(SERVICE_MINUTES_DEFAULT);
    let seconds = |value: Option<&Value>| value.and_then(Value::as_int).and_then(|minutes| i32::try_from(minutes * 60).ok());
    let mut windows: Vec<Window> = card
        .lists
        .get("time_windows")
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let window = &entry.fields.get("window")?.value;
            Some(Window { open_s: seconds(window.get("open"))?, close_s: seconds(window.get("close"))? })
        })
        .collect();
    windows.sort_unstable_by_key(|window| (window.open_s, window.close_s));
    // Hours that run into each other are one window.
    let mut merged: Vec<Window> = Vec::new();
    for window in windows {
        match merged.last_mut() {
            Some(last) if window.open_s <= last.close_s => last.close_s = last.close_s.max(window.close_s),
            _ => merged.push(window),
        }
    }
    Stop { place, service_s: i32::try_from(minutes * 60).unwrap_or(0), windows: merged }
}

impl From<ProblemError> for ReplicaError {
    fn from(error: ProblemError) -> Self {
        Self::Sequencing(error)
    }
}
