//! From customers to a day's plan: places, opening hours and service times are read from the cards, the order is found by `route`.
//! The same on a phone without a network and at headquarters.

use serde::Serialize;

use super::{Replica, ReplicaError};
use crate::ids::SubjectId;
use crate::model::card::Card;
use crate::model::tour::PlannedStop;
use crate::model::value::Value;
use crate::route::{
    self, DETOUR_PERMILLE, Effort, GeoMatrix, Plan, Point, Problem, ProblemError, Start, Stop, TravelModel, WINDOWS_MAX, Weights, Window,
    metres_between,
};

/// Service time where the card says nothing, in minutes.
pub const SERVICE_MINUTES_DEFAULT: i64 = 15;
/// Minutes of a day: the longest call, and the latest hour.
const DAY_MINUTES: i64 = 1_440;
/// What a second before a closed door counts for, in thousandths of a second on the road.
const WAIT_PERMILLE: u32 = 500;
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
    /// Which day of the week, 1 = Monday to 7: hours of other days are left out; `None`: hours of all days hold.
    pub weekday: Option<u32>,
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
    /// Way between the located stops, in metres, estimated.
    pub distance_m: u64,
    /// Lateness of all stops together, in seconds.
    pub late_s: i64,
    /// Stops that are reached after their hours.
    pub late: Vec<SubjectId>,
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
        let day = self.day(question)?;
        let shortest = route::solve(&day.problem, &day.matrix, Effort::default())?;
        let plan = route::less_waiting(&day.problem, &day.matrix, shortest, WAIT_PERMILLE)?;
        Ok(day.answer(question, &plan))
    }

    /// The times of the open stops in the order in which they are given.
    ///
    /// # Errors
    /// As [`Self::sequence`].
    pub fn schedule(&self, question: &DayQuestion<'_>) -> Result<DayPlan, ReplicaError> {
        let day = self.day(question)?;
        let order: Vec<usize> = (0..question.open.len()).collect();
        let plan = route::schedule(&day.problem, &day.matrix, &order)?;
        Ok(day.answer(question, &plan))
    }

    fn day(&self, question: &DayQuestion<'_>) -> Result<Day, ReplicaError> {
        let cards = question
            .open
            .iter()
            .map(|subject| self.card(*subject)?.ok_or(ReplicaError::Unknown { what: "customer", doc: subject.customer() }))
            .collect::<Result<Vec<Card>, ReplicaError>>()?;
        let mut points = vec![question.from.and_then(point)];
        points.extend(cards.iter().map(|card| card.position().and_then(point)));
        let place_of = |subject: &SubjectId| question.open.iter().position(|open| open == subject);
        let problem = Problem {
            start: Start { place: 0, leave_s: question.leave_s },
            end: None,
            stops: cards.iter().enumerate().map(|(at, card)| stop(at + 1, card, question.weekday)).collect(),
            base_order: question.known.iter().filter_map(place_of).collect(),
            pins: Vec::new(),
            weights: Weights { moved_s: question.moved_s, ..Weights::default() },
        };
        Ok(Day { matrix: GeoMatrix::new(&points, &TravelModel::default()), points, problem })
    }
}

/// A day's question as `route` takes it. Place 0 is where the day goes on from; without a position it is equally far from everywhere.
struct Day {
    points: Vec<Option<Point>>,
    matrix: GeoMatrix,
    problem: Problem,
}

impl Day {
    fn answer(&self, question: &DayQuestion<'_>, plan: &Plan) -> DayPlan {
        let customer = |stop: usize| question.open.get(stop).copied();
        let stops = plan.visits.iter().filter_map(|visit| {
            Some(PlannedStop {
                stop: customer(visit.stop)?,
                arrive_s: Some(visit.arrive_s),
                service_s: Some(visit.leave_s - visit.begin_s),
                note: None,
                urgent: false,
            })
        });
        let located = question.open.iter().zip(self.points.iter().skip(1));
        DayPlan {
            stops: stops.collect(),
            travel_s: plan.cost.travel_s,
            distance_m: self.distance_m(plan),
            late_s: plan.cost.late_s,
            late: plan.visits.iter().filter(|visit| visit.late_s > 0).filter_map(|visit| customer(visit.stop)).collect(),
            finish_s: plan.finish_s,
            unlocated: located.filter(|(_, point)| point.is_none()).map(|(subject, _)| *subject).collect(),
        }
    }

    /// Metres between the located places in order, with the detour that roads take.
    fn distance_m(&self, plan: &Plan) -> u64 {
        let start = self.points.first().copied().flatten();
        let located = plan.order.iter().filter_map(|stop| self.points.get(stop + 1).copied().flatten());
        let way: Vec<Point> = start.into_iter().chain(located).collect();
        let straight: u64 = way.windows(2).map(|pair| if let [a, b] = pair { u64::from(metres_between(*a, *b)) } else { 0 }).sum();
        straight * u64::from(DETOUR_PERMILLE) / 1_000
    }
}

/// A position in 1e-7 degrees as `route` takes it.
pub(crate) fn point((lat_e7, lon_e7): (i64, i64)) -> Option<Point> {
    Point::from_udeg(i32::try_from(lat_e7 / E7_PER_UDEG).ok()?, i32::try_from(lon_e7 / E7_PER_UDEG).ok()?)
}

fn stop(place: usize, card: &Card, weekday: Option<u32>) -> Stop {
    // Whatever a card says, the day can be planned: what is out of range is bounded, hours that are none are left out.
    let minutes = card.value("service_minutes").as_int().unwrap_or(SERVICE_MINUTES_DEFAULT).clamp(0, DAY_MINUTES);
    let seconds = |value: Option<&Value>| {
        let minutes = value.and_then(Value::as_int).filter(|minutes| (0..=DAY_MINUTES).contains(minutes))?;
        i32::try_from(minutes * 60).ok()
    };
    let mut windows: Vec<Window> = card
        .lists
        .get("time_windows")
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let window = &entry.fields.get("window")?.value;
            let days = window.get("days").and_then(Value::as_text).unwrap_or_default();
            let holds = days.is_empty() || weekday.is_none_or(|weekday| days.chars().any(|day| day.to_digit(10) == Some(weekday)));
            holds.then_some(())?;
            Some(Window { open_s: seconds(window.get("open"))?, close_s: seconds(window.get("close"))? })
        })
        .filter(|window| window.open_s <= window.close_s)
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
    merged.truncate(WINDOWS_MAX);
    Stop { place, service_s: i32::try_from(minutes * 60).unwrap_or(0), windows: merged }
}

impl From<ProblemError> for ReplicaError {
    fn from(error: ProblemError) -> Self {
        Self::Sequencing(error)
    }
}
