//! The cheapest place for a stop that is not in an order yet: for ad hoc stops, and for building an order from nothing.

use super::ground::Ground;
use super::line::Line;
use super::matrix::Matrix;
use super::problem::{Problem, ProblemError};
use super::schedule::{leg_s, read};

/// Where in a path of places one more costs the least travel: the position at which it is to be inserted, `0 ..= path.len()`.
/// `from` is the place before the path and `to` the one after it, where there are such. Of equal gaps the first is taken;
/// the answer depends on nothing but the integers asked for, so every replica gives the same.
pub fn cheapest_gap<M: Matrix + ?Sized>(matrix: &M, from: Option<usize>, path: &[usize], to: Option<usize>, place: usize) -> usize {
    let befores = std::iter::once(from).chain(path.iter().copied().map(Some));
    let afters = path.iter().copied().map(Some).chain(std::iter::once(to));
    let leg = |a: Option<usize>, b: Option<usize>| a.zip(b).map_or(0, |(a, b)| leg_s(matrix, a, b));
    let added = befores.zip(afters).map(|(before, after)| {
        let detour = leg(before, Some(place)) + leg(Some(place), after);
        detour - leg(before, after)
    });
    added.enumerate().min_by_key(|&(gap, added)| (added, gap)).map_or(0, |(gap, _)| gap)
}

/// Where in an order of some of the stops one more costs least, hours, lateness and all: the position at which it is to
/// be inserted. A gap that keeps fewer pins than another is never taken.
///
/// # Errors
/// When the problem or the order does not hold together, or the order holds the stop already.
pub fn insert_cheapest<M: Matrix + ?Sized>(problem: &Problem, matrix: &M, order: &[usize], stop: usize) -> Result<usize, ProblemError> {
    problem.check(matrix)?;
    let mut with: Vec<usize> = std::iter::once(stop).chain(order.iter().copied()).collect();
    problem.check_order(&with)?;
    let mut best = None;
    for gap in 0..with.len() {
        if gap > 0 {
            with.swap(gap - 1, gap);
        }
        let plan = read(problem, matrix, &with);
        let price = (plan.unmet_pins.len(), plan.cost.weighted(&problem.weights), gap);
        best = Some(best.map_or(price, |best: (usize, i64, usize)| best.min(price)));
    }
    Ok(best.map_or(0, |(_, _, gap)| gap))
}

/// Inserts missing nodes one after the other where they cost least, the farthest from the start first: they decide the
/// shape, the near ones fit in anywhere.
pub(super) fn complete(ground: &Ground, nodes: &[u16], missing: Vec<u16>) -> Vec<u16> {
    let mut missing = missing;
    missing.sort_by_key(|&node| (-ground.leg(0, usize::from(node)), node));
    let mut line = Line::new(ground, nodes);
    for node in missing {
        let mut best = (i64::MAX, 1);
        for gap in 1..=line.end() {
            best = line.price_insert(usize::from(node), gap, best.0).map_or(best, |price| (price, gap));
        }
        line.nodes.insert(best.1, node);
        line.refresh();
    }
    line.nodes
}
