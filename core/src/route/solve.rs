//! The way from a question to a plan: a good start, the search, the proof where the day is small enough.

use super::exact::{EXACT_NODES_MAX, Proof, prove};
use super::ground::Ground;
use super::insert::complete;
use super::matrix::Matrix;
use super::problem::{Problem, ProblemError};
use super::schedule::{Plan, read};
use super::search::improve;

/// Iterations by default.
pub const EFFORT_ITERATIONS: u32 = 4_000;
/// Iterations before a proof is tried: enough for a good incumbent, which is what makes the proof short.
const BEFORE_PROOF_ITERATIONS: u32 = 100;

/// How hard to try. The same effort gives the same plan on every machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effort {
    /// Seed of the generator.
    pub seed: u64,
    /// Most iterations of the search; one takes about as long as reading the day through twenty times.
    pub iterations: u32,
}

impl Default for Effort {
    fn default() -> Self {
        Self { seed: 0, iterations: EFFORT_ITERATIONS }
    }
}

/// Sequences all stops of a problem. The plan never costs more than the base order does (with stops that are missing
/// in it put where they cost least, and with what is pinned put where it belongs).
///
/// # Errors
/// When the problem does not hold together: [`Problem::check`].
pub fn solve<M: Matrix + ?Sized>(problem: &Problem, matrix: &M, effort: Effort) -> Result<Plan, ProblemError> {
    solve_until(problem, matrix, effort, &mut || false)
}

/// [`solve`] that ends early when `stop` says so; it is asked before each iteration. What is found then depends on when
/// that was.
///
/// # Errors
/// When the problem does not hold together: [`Problem::check`].
pub fn solve_until<M: Matrix + ?Sized>(
    problem: &Problem,
    matrix: &M,
    effort: Effort,
    stop: &mut dyn FnMut() -> bool,
) -> Result<Plan, ProblemError> {
    problem.check(matrix)?;
    let ground = Ground::new(problem, matrix);
    let line = first_line(problem, &ground);
    let (line, used, is_optimal) = search_and_prove(&ground, &line, effort, stop);
    Ok(Plan { is_optimal, iterations: used, ..read(problem, matrix, &ground.order(&line)) })
}

/// Search first: the proof only has to beat what the search found, and a good line makes it short.
fn search_and_prove(ground: &Ground, line: &[u16], effort: Effort, stop: &mut dyn FnMut() -> bool) -> (Vec<u16>, u32, bool) {
    let may_prove = ground.free <= EXACT_NODES_MAX;
    let first = if may_prove { effort.iterations.min(BEFORE_PROOF_ITERATIONS) } else { effort.iterations };
    let (line, used) = improve(ground, line, effort.seed, first, stop);
    match prove(ground, ground.price(&line), stop) {
        Proof::Incumbent => (line, used, true),
        Proof::Better(better) => (better, used, true),
        Proof::GivenUp if used == first && first < effort.iterations => {
            let (line, more) = improve(ground, &line, effort.seed, effort.iterations - first, stop);
            (line, used + more, false)
        }
        Proof::GivenUp => (line, used, false),
    }
}

/// The cheaper of the base order, completed, and an order built from nothing.
fn first_line(problem: &Problem, ground: &Ground) -> Vec<u16> {
    let based = ground.line(&problem.base_order);
    let is_end = |node: u16| node == 0 || usize::from(node) == ground.end();
    let first_stop = |node: u16| ground.stops(usize::from(node)).next();
    let is_based = |node: u16| first_stop(node).is_some_and(|stop| problem.base_order.contains(&stop));
    let complete_from = |is_given: &dyn Fn(u16) -> bool| {
        let (given, missing): (Vec<u16>, Vec<u16>) = based.iter().partition(|&&node| is_end(node) || is_given(node));
        complete(ground, &given, missing)
    };
    let completed = complete_from(&is_based);
    let built = complete_from(&|_| false);
    if ground.price(&completed) <= ground.price(&built) { completed } else { built }
}
