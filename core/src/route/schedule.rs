//! The times and the price of one given order. The plain forward reading of the day that everything else is tested
//! against, and the plan that is handed back.

use super::matrix::Matrix;
use super::opening::Opening;
use super::problem::{Pin, Problem, ProblemError, TRAVEL_S_MAX, Weights};
use super::stability::{Moved, ranks};

/// What an order costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cost {
    /// Travel, seconds, to the end place included.
    pub travel_s: i64,
    /// Lateness of all stops and of the end together, seconds.
    pub late_s: i64,
    /// Stops moved out of the base order.
    pub moved: usize,
}

impl Cost {
    /// The one number that is minimised, seconds.
    pub fn weighted(&self, weights: &Weights) -> i64 {
        let moved = i64::try_from(self.moved).unwrap_or(i64::MAX);
        self.travel_s + self.late_s * i64::from(weights.late) + moved * i64::from(weights.moved_s)
    }
}

/// One stop of a plan. Times in seconds from local midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Visit {
    /// Position in [`Problem::stops`].
    pub stop: usize,
    /// Travel from the stop before, or from the start.
    pub travel_s: i64,
    /// Arrival.
    pub arrive_s: i64,
    /// Beginning of service.
    pub begin_s: i64,
    /// Departure.
    pub leave_s: i64,
    /// Waiting before service.
    pub wait_s: i64,
    /// How long after the last closing time (or later than a pin allows) service begins.
    pub late_s: i64,
}

/// An order with its times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The stops, first to last.
    pub order: Vec<usize>,
    /// One for each stop of the order.
    pub visits: Vec<Visit>,
    /// Arrival at the end place, or departure from the last stop where there is none.
    pub finish_s: i64,
    /// Waiting, all stops together.
    pub wait_s: i64,
    /// What was minimised.
    pub cost: Cost,
    /// Pins that the order does not keep, as positions in [`Problem::pins`].
    pub unmet_pins: Vec<usize>,
    /// No order costs less. (False also where none does, but nobody has proved it.)
    pub is_optimal: bool,
    /// Iterations spent.
    pub iterations: u32,
}

/// Reads one order through: the day as it will pass if nobody changes anything. The order may leave stops out.
///
/// # Errors
/// When the problem or the order does not hold together: [`Problem::check`], [`Problem::check_order`].
pub fn schedule<M: Matrix + ?Sized>(problem: &Problem, matrix: &M, order: &[usize]) -> Result<Plan, ProblemError> {
    problem.check(matrix)?;
    problem.check_order(order)?;
    Ok(read(problem, matrix, order))
}

/// [`schedule`] of a problem and an order that were checked already.
pub(super) fn read<M: Matrix + ?Sized>(problem: &Problem, matrix: &M, order: &[usize]) -> Plan {
    let ranks = ranks(problem.stops.len(), &problem.base_order);
    let mut moved = Moved::default();
    let mut cost = Cost::default();
    let mut wait_s = 0;
    let mut visits = Vec::with_capacity(order.len());
    let mut now_s = i64::from(problem.start.leave_s);
    let mut place = problem.start.place;
    for &index in order {
        let Some(stop) = problem.stops.get(index) else { continue };
        let travel_s = leg_s(matrix, place, stop.place);
        let arrive_s = now_s + travel_s;
        let (begin_s, late_s) = Opening::new(&stop.windows, not_before_s(problem, index)).begin(arrive_s);
        now_s = begin_s + i64::from(stop.service_s);
        place = stop.place;
        if let Some(&Some(rank)) = ranks.get(index) {
            moved.push(rank);
        }
        cost.travel_s += travel_s;
        cost.late_s += late_s;
        wait_s += begin_s - arrive_s;
        visits.push(Visit { stop: index, travel_s, arrive_s, begin_s, leave_s: now_s, wait_s: begin_s - arrive_s, late_s });
    }
    if let Some(end) = problem.end {
        let travel_s = leg_s(matrix, place, end.place);
        now_s += travel_s;
        cost.travel_s += travel_s;
        cost.late_s += Opening::until(end.by_s.map(i64::from)).begin(now_s).1;
    }
    cost.moved = moved.count();
    let unmet_pins = unmet(problem, order);
    Plan { order: order.to_vec(), visits, finish_s: now_s, wait_s, cost, unmet_pins, is_optimal: false, iterations: 0 }
}

/// Travel as every part of this room takes it: never above [`TRAVEL_S_MAX`].
pub(super) fn leg_s<M: Matrix + ?Sized>(matrix: &M, from: usize, to: usize) -> i64 {
    i64::from(matrix.travel_s(from, to).min(TRAVEL_S_MAX))
}

/// The latest of the pinned earliest times of a stop.
pub(super) fn not_before_s(problem: &Problem, index: usize) -> Option<i64> {
    let pinned = problem.pins.iter().filter_map(|pin| match *pin {
        Pin::NotBefore { stop, at_s } if stop == index => Some(i64::from(at_s)),
        Pin::NotBefore { .. } | Pin::First { .. } | Pin::Last { .. } | Pin::RightAfter { .. } => None,
    });
    pinned.max()
}

/// Pins that an order breaks. One about a stop that the order leaves out is broken.
fn unmet(problem: &Problem, order: &[usize]) -> Vec<usize> {
    let is_kept = |pin: &Pin| match *pin {
        Pin::First { stop } => order.first() == Some(&stop),
        Pin::Last { stop } => order.last() == Some(&stop),
        Pin::RightAfter { stop, after } => order.iter().zip(order.iter().skip(1)).any(|(&a, &b)| a == after && b == stop),
        Pin::NotBefore { stop, .. } => order.contains(&stop),
    };
    problem.pins.iter().enumerate().filter(|(_, pin)| !is_kept(pin)).map(|(at, _)| at).collect()
}
