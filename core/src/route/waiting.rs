//! A day without needless waiting. The search minimises travel; where shops open late, the shortest way may stand idle before a
//! closed door for hours. This pass moves runs of stops to where travel, lateness and waiting together cost least.
//! Deterministic hill climbing on the plain reading of the day; nothing here knows how the plan was found.

use super::matrix::Matrix;
use super::problem::{Problem, ProblemError, Weights};
use super::schedule::{Plan, read, schedule};

/// Seconds of waiting in a plan below which it is left as it is.
pub const WAIT_TOLERATED_S: i64 = 600;
/// Longest run of stops that is moved together.
const RUN_MAX: usize = 3;
/// Passes over the day.
const PASSES_MAX: usize = 40;
/// Thousandths.
const PERMILLE: i64 = 1_000;

/// The plan, or one with less waiting. `wait_permille` is what a second of waiting counts for, in thousandths of a second of travel. Never
/// later anywhere than before in sum, and no pin is broken that was kept.
///
/// # Errors
/// When the problem and the plan's order do not hold together: [`Problem::check`], [`Problem::check_order`].
pub fn less_waiting<M: Matrix + ?Sized>(problem: &Problem, matrix: &M, plan: Plan, wait_permille: u32) -> Result<Plan, ProblemError> {
    let mut best = Plan { is_optimal: plan.is_optimal, iterations: plan.iterations, ..schedule(problem, matrix, &plan.order)? };
    for _ in 0..PASSES_MAX {
        if best.wait_s <= WAIT_TOLERATED_S {
            break;
        }
        let Some(better) = best_move(problem, matrix, &best, wait_permille) else { break };
        best = Plan { is_optimal: false, iterations: best.iterations, ..better };
    }
    Ok(best)
}

fn price(plan: &Plan, weights: &Weights, wait_permille: u32) -> i64 {
    plan.cost.weighted(weights) + plan.wait_s * i64::from(wait_permille) / PERMILLE
}

fn best_move<M: Matrix + ?Sized>(problem: &Problem, matrix: &M, plan: &Plan, wait_permille: u32) -> Option<Plan> {
    let mut bound = price(plan, &problem.weights, wait_permille);
    let mut found = None;
    let stops = plan.order.len();
    for length in 1..=RUN_MAX.min(stops) {
        for from in 0..=stops - length {
            let mut rest = plan.order.clone();
            let run: Vec<usize> = rest.drain(from..from + length).collect();
            for to in (0..=rest.len()).filter(|to| *to != from) {
                let mut order = rest.clone();
                order.splice(to..to, run.iter().copied());
                let candidate = read(problem, matrix, &order);
                let price = price(&candidate, &problem.weights, wait_permille);
                if price < bound && candidate.cost.late_s <= plan.cost.late_s && candidate.unmet_pins.len() <= plan.unmet_pins.len() {
                    bound = price;
                    found = Some(candidate);
                }
            }
        }
    }
    found
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failing test says where")]
mod tests {
    use super::super::{Effort, Start, Stop, TableMatrix, Window, solve};
    use super::*;

    #[test]
    fn nobody_waits_six_hours_to_save_two_minutes() {
        // Four shops along a street, a minute apart; the first opens in the afternoon.
        let matrix = TableMatrix::from_fn(5, |a, b| 60 * u32::try_from(a.abs_diff(b)).unwrap_or(0));
        let stop = |place: usize| Stop {
            place,
            service_s: 900,
            windows: if place == 1 { vec![Window { open_s: 50_400, close_s: 64_800 }] } else { Vec::new() },
        };
        let problem = Problem { start: Start { place: 0, leave_s: 28_800 }, stops: (1..5).map(stop).collect(), ..Problem::default() };
        let shortest = solve(&problem, &matrix, Effort::default()).unwrap();
        let calmer = less_waiting(&problem, &matrix, shortest.clone(), 1_000).unwrap();
        assert!(shortest.wait_s > 20_000 && shortest.order.first() == Some(&0), "{shortest:?}");
        assert_eq!(calmer.order.last(), Some(&0), "the late opener comes last");
        assert!(calmer.finish_s < shortest.finish_s && calmer.cost.late_s == 0);
    }
}
