//! Sequencing one day: in which order to call on the stops that are still open.
//!
//! The same code runs on a phone without a network, on the server and in a browser, and gives the same
//! bytes on each: integer seconds, a seeded generator, a budget in iterations; no clock, no threads, no
//! platform mathematics. What has been visited already is not its business: the caller starts the problem
//! at the last place visited and hands over the open stops only. Nor is *storing* an order: a tour keeps
//! registers and computes its order (`model`), with [`cheapest_gap`] for stops nobody planned.
//!
//! | file | subject |
//! |---|---|
//! | `problem` | what is asked: places, hours, pins, weights, limits |
//! | `matrix`, `geo` | travel times: given, or estimated from coordinates |
//! | `schedule` | the times and the price of one given order, and the plan that is handed back |
//! | `insert` | the cheapest place for one more stop |
//! | `explain` | why each stop is where it is, and what its next best place would cost |
//! | `opening`, `ground` | the problem as the searches see it: pinned chains as single nodes, dense tables |
//! | `exact` | dynamic programming, up to [`EXACT_NODES_MAX`] nodes |
//! | `search`, `line`, `perturb` | iterated local search beyond that |
//! | `waiting` | a day without needless waiting |
//! | `stability`, `random` | how many stops moved; the seeded generator |
//!
//! # What a plan minimises
//!
//! `travel + lateness × `[`Weights::late`]` + stops moved × `[`Weights::moved_s`], in seconds. Windows are soft,
//! so that every day has an answer, but with the default weight one minute late costs more than sixteen hours at
//! the wheel: a day that can be kept on time is. Waiting and service cost nothing. Pins are hard.

mod exact;
mod explain;
mod geo;
mod ground;
mod insert;
mod line;
mod matrix;
mod opening;
mod perturb;
mod problem;
mod random;
mod schedule;
mod search;
mod solve;
mod stability;
#[cfg(test)]
mod tests;
mod waiting;

pub use exact::EXACT_NODES_MAX;
pub use explain::{Binding, Elsewhere, Why, explain};
pub use geo::{DETOUR_PERMILLE, GeoMatrix, Point, SPEED_M_PER_H, TravelModel, UNKNOWN_LEG_S, metres_between};
pub use insert::{cheapest_gap, insert_cheapest};
pub use matrix::{Matrix, MatrixError, TableMatrix};
pub use problem::{
    End, LATE_WEIGHT, Pin, Problem, ProblemError, SERVICE_S_MAX, STOPS_MAX, Start, Stop, TIME_S_MAX, TRAVEL_S_MAX, WEIGHT_MAX, WINDOWS_MAX,
    Weights, Window,
};
pub use schedule::{Cost, Plan, Visit, schedule};
pub use solve::{EFFORT_ITERATIONS, Effort, solve, solve_until};
pub use waiting::{WAIT_TOLERATED_S, less_waiting};
