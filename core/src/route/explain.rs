//! Why each stop is where it is: what would have to go for it to move, what it costs, and where else it could be.
//!
//! The reason is a counterfactual, not a guess: a binding is named only if without it some other place for this stop
//! makes the same day strictly cheaper. Take the binding away, and the best order is another one.

use super::ground::Ground;
use super::line::{Line, Piece};
use super::matrix::Matrix;
use super::problem::{Problem, ProblemError, Weights};
use super::schedule::{Cost, Plan, leg_s, read};

/// What keeps a stop where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Binding {
    /// These pins (positions in [`Problem::pins`]): a single one if one alone does it.
    Pins(Vec<usize>),
    /// Its own opening hours.
    Hours,
    /// The price of leaving the base order.
    BaseOrder,
    /// Elsewhere it would make these stops late (itself among them perhaps), or the end of the day.
    OthersHours {
        /// The stops that would be late.
        stops: Vec<usize>,
        /// Whether the day would end too late.
        is_end_late: bool,
    },
    /// Nothing: no other place is nearer on the way, whatever is lifted alone.
    Nearest,
}

/// The next best place of a stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Elsewhere {
    /// The stop it would come after; `None`: it would come first. Stops that pins hold to it come along.
    pub after: Option<usize>,
    /// What the whole order would cost then.
    pub cost: Cost,
    /// What that is more than now, seconds as weighted; negative if the plan is not the best.
    pub extra_s: i64,
}

/// The reason and the price of one stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    /// Position in [`Problem::stops`].
    pub stop: usize,
    /// What keeps it there.
    pub binding: Binding,
    /// Travel saved if the stop were left out, seconds.
    pub detour_s: i64,
    /// Its next best place, everything considered; `None` where pins leave no other.
    pub elsewhere: Option<Elsewhere>,
}

/// One reason for each stop of a plan, in the plan's order.
///
/// # Errors
/// When the problem or the plan's order does not hold together.
pub fn explain<M: Matrix + ?Sized>(problem: &Problem, matrix: &M, plan: &Plan) -> Result<Vec<Why>, ProblemError> {
    problem.check(matrix)?;
    problem.check_order(&plan.order)?;
    let day = Day::new(problem, matrix, &plan.order);
    let whys = plan.order.iter().enumerate().map(|(at, &stop)| Why {
        stop,
        binding: day.binding(stop),
        detour_s: day.detour_s(at),
        elsewhere: day.elsewhere(stop),
    });
    Ok(whys.collect())
}

struct Day<'a, M: Matrix + ?Sized> {
    /// The problem without pins that the order does not keep, and without stops that it does not hold.
    problem: Problem,
    matrix: &'a M,
    order: &'a [usize],
    /// Where the kept pins stood in the caller's list.
    pins: Vec<usize>,
}

impl<'a, M: Matrix + ?Sized> Day<'a, M> {
    fn new(problem: &Problem, matrix: &'a M, order: &'a [usize]) -> Self {
        let unmet = read(problem, matrix, order).unmet_pins;
        let pins: Vec<usize> = (0..problem.pins.len()).filter(|pin| !unmet.contains(pin)).collect();
        let kept = pins.iter().filter_map(|&pin| problem.pins.get(pin).copied()).collect();
        Self { problem: Problem { pins: kept, ..problem.clone() }, matrix, order, pins }
    }

    fn binding(&self, stop: usize) -> Binding {
        let is_own = |at: &usize| self.problem.pins.get(*at).is_some_and(|pin| pin.names(stop));
        let (own, others): (Vec<usize>, Vec<usize>) = (0..self.problem.pins.len()).partition(is_own);
        self.pins_that_bind(stop, &own)
            .or_else(|| self.hours_bind(stop))
            .or_else(|| self.base_order_binds(stop))
            .or_else(|| self.others_hours_bind(stop))
            .or_else(|| self.pins_that_bind(stop, &others))
            .unwrap_or(Binding::Nearest)
    }

    /// Which of these pins keep a stop where it is: one of them alone, else all together, else none.
    fn pins_that_bind(&self, stop: usize, pins: &[usize]) -> Option<Binding> {
        let without = |gone: &[usize]| {
            let mut problem = self.problem.clone();
            let mut at = 0..;
            problem.pins.retain(|_| at.next().is_some_and(|at| !gone.contains(&at)));
            self.would_move(&problem, stop)
        };
        if pins.is_empty() || !without(pins) {
            return None;
        }
        let single = pins.iter().find(|&&pin| pins.len() > 1 && without(&[pin]));
        let named = single.map_or(pins, std::slice::from_ref);
        Some(Binding::Pins(named.iter().filter_map(|&pin| self.pins.get(pin).copied()).collect()))
    }

    fn hours_bind(&self, stop: usize) -> Option<Binding> {
        let problem = self.without_hours(&[stop], false);
        (problem != self.problem && self.would_move(&problem, stop)).then_some(Binding::Hours)
    }

    fn base_order_binds(&self, stop: usize) -> Option<Binding> {
        let weights = Weights { moved_s: 0, ..self.problem.weights };
        let problem = Problem { weights, ..self.problem.clone() };
        (problem != self.problem && self.would_move(&problem, stop)).then_some(Binding::BaseOrder)
    }

    /// Where would the stop go if nobody had hours, and who would be late there?
    fn others_hours_bind(&self, stop: usize) -> Option<Binding> {
        let free = self.without_hours(self.order, true);
        if free == self.problem {
            return None;
        }
        let (order, _) = self.better_place(&free, stop)?;
        let plan = read(&self.problem, self.matrix, &order);
        let stops: Vec<usize> = plan.visits.iter().filter(|visit| visit.late_s > 0).map(|visit| visit.stop).collect();
        let is_end_late = self.problem.end.and_then(|end| end.by_s).is_some_and(|by_s| plan.finish_s > i64::from(by_s));
        let lifted = self.without_hours(&stops, is_end_late);
        self.would_move(&lifted, stop).then_some(Binding::OthersHours { stops, is_end_late })
    }

    fn without_hours(&self, stops: &[usize], and_end: bool) -> Problem {
        let mut problem = self.problem.clone();
        for &stop in stops {
            if let Some(stop) = problem.stops.get_mut(stop) {
                stop.windows.clear();
            }
        }
        problem.end = problem.end.map(|end| super::End { by_s: end.by_s.filter(|_| !and_end), ..end });
        problem
    }

    fn would_move(&self, problem: &Problem, stop: usize) -> bool {
        self.better_place(problem, stop).is_some()
    }

    /// The best other place of a stop under changed rules, if it beats its present one.
    fn better_place(&self, problem: &Problem, stop: usize) -> Option<(Vec<usize>, i64)> {
        self.best_place(problem, stop).filter(|&(_, extra_s)| extra_s < 0)
    }

    /// The best other place of a stop: the whole order then, and what it costs more.
    fn best_place(&self, problem: &Problem, stop: usize) -> Option<(Vec<usize>, i64)> {
        let ground = Ground::new(problem, self.matrix);
        let mut nodes = ground.line(self.order);
        nodes.retain(|&node| ground.stops(usize::from(node)).next().is_none_or(|first| self.order.contains(&first)));
        let mut line = Line::new(&ground, &nodes);
        let at = (1..line.end()).find(|&at| ground.stops(line.node(at)).any(|other| other == stop))?;
        let own = Piece::new(at, at, false);
        let mut best: Option<(i64, [Piece; 2])> = None;
        for gap in (0..line.end()).filter(|&gap| gap != at && gap + 1 != at) {
            let pieces = if gap > at { [Piece::new(at + 1, gap, false), own] } else { [own, Piece::new(gap + 1, at - 1, false)] };
            let limit = best.map_or(i64::MAX, |(cost, _)| cost);
            best = line.price(&pieces, limit).map_or(best, |cost| Some((cost, pieces)));
        }
        let (cost, pieces) = best?;
        let extra_s = cost - line.cost;
        line.apply(&pieces, cost);
        Some((ground.order(&line.nodes), extra_s))
    }

    fn elsewhere(&self, stop: usize) -> Option<Elsewhere> {
        let (order, extra_s) = self.best_place(&self.problem, stop)?;
        let at = order.iter().position(|&other| other == stop)?;
        let after = at.checked_sub(1).and_then(|before| order.get(before)).copied();
        Some(Elsewhere { after, cost: read(&self.problem, self.matrix, &order).cost, extra_s })
    }

    fn detour_s(&self, at: usize) -> i64 {
        let place = |at: usize| self.order.get(at).and_then(|&stop| self.problem.stops.get(stop)).map(|stop| stop.place);
        let before = at.checked_sub(1).map_or(Some(self.problem.start.place), place);
        let after = place(at + 1).or(self.problem.end.map(|end| end.place));
        let leg = |from: Option<usize>, to: Option<usize>| from.zip(to).map_or(0, |(from, to)| leg_s(self.matrix, from, to));
        leg(before, place(at)) + leg(place(at), after) - leg(before, after)
    }
}
