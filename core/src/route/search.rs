//! Iterated local search: disturb a part of the line, improve what was disturbed until nothing helps, keep the result
//! if it is good enough, else go back. 2-opt, or-opt and swap between near neighbours; only nodes next to a change are
//! looked at again.

#![expect(clippy::indexing_slicing, reason = "nodes number the tables")]

use super::ground::Ground;
use super::line::{Line, Piece, Saved, stretch};
use super::random::Random;

/// Near nodes tried for each node where only travel counts.
const NEAR_MAX: usize = 10;
/// Near nodes tried where hours or a base order count: what is far in metres may be next in time.
const NEAR_TIMED_MAX: usize = 16;
/// Longest run of nodes that or-opt moves as a whole.
const RUN_MAX: usize = 3;
/// A worse line is kept as the next point of departure while it costs at most this much more than the best, in
/// parts of the best cost: one `SLACK_PARTS`-th at first, falling to nothing with the last iteration.
const SLACK_PARTS: i64 = 100;

pub(super) struct Search<'g> {
    pub(super) line: Line<'g>,
    pub(super) random: Random,
    /// For each node the others by distance.
    near: Vec<Vec<(i64, u16)>>,
    awake: Vec<u16>,
    is_awake: Vec<bool>,
    /// First and last position changed since the line was last noted.
    changed: (usize, usize),
}

/// Improves a line for so many iterations, or until `stop` says so; hands back the best and the iterations spent.
pub(super) fn improve(ground: &Ground, nodes: &[u16], seed: u64, iterations: u32, stop: &mut dyn FnMut() -> bool) -> (Vec<u16>, u32) {
    let mut search = Search::new(ground, nodes, seed);
    search.wake_all();
    search.settle();
    let mut best = search.line.saved();
    if ground.free < 2 {
        return (best.nodes, 0);
    }
    let mut here = best.clone();
    for iteration in 0..iterations {
        if stop() {
            return (best.nodes, iteration);
        }
        search.changed = (usize::MAX, 0);
        search.disturb();
        search.settle();
        let slack = slack(best.cost, iteration, iterations);
        search.judge(&mut here, &mut best, slack);
    }
    (best.nodes, iterations)
}

fn slack(cost: i64, iteration: u32, iterations: u32) -> i64 {
    cost / SLACK_PARTS * i64::from(iterations - iteration) / i64::from(iterations.max(1))
}

impl<'g> Search<'g> {
    fn new(ground: &'g Ground, nodes: &[u16], seed: u64) -> Self {
        Self {
            line: Line::new(ground, nodes),
            random: Random::new(seed),
            near: near_nodes(ground),
            awake: Vec::new(),
            is_awake: vec![false; ground.free + 2],
            changed: (usize::MAX, 0),
        }
    }

    fn wake_all(&mut self) {
        (1..=self.line.ground.free).rev().for_each(|node| self.wake(node));
    }

    /// The other nodes, nearest first.
    pub(super) fn near_of(&self, node: usize) -> impl Iterator<Item = u16> + '_ {
        self.near[node].iter().map(|&(_, other)| other)
    }

    /// Has a node looked at again.
    pub(super) fn wake(&mut self, node: usize) {
        if (1..=self.line.ground.free).contains(&node) && !std::mem::replace(&mut self.is_awake[node], true) {
            self.awake.push(u16::try_from(node).unwrap_or(0));
        }
    }

    /// Has it known that positions changed, and the nodes around them looked at again.
    pub(super) fn note_change(&mut self, low: usize, high: usize) {
        self.changed = (self.changed.0.min(low), self.changed.1.max(high));
    }

    /// Makes a rearrangement and wakes the nodes whose neighbours are new.
    pub(super) fn apply(&mut self, pieces: &[Piece], cost: i64) {
        let (low, high) = stretch(pieces);
        for piece in pieces {
            for position in [piece.from - 1, piece.from, piece.to, piece.to + 1] {
                self.wake(self.line.node(position));
            }
        }
        self.note_change(low, high);
        self.line.apply(pieces, cost);
    }

    /// Keeps the line, or goes back to where it was before the disturbance.
    fn judge(&mut self, here: &mut Saved, best: &mut Saved, slack: i64) {
        let (low, high) = self.changed;
        if low > high {
            return;
        }
        if self.line.cost < best.cost {
            best.clone_from(&self.line.saved());
        }
        if self.line.cost <= here.cost || self.line.cost <= best.cost + slack {
            self.line.save(here, low, high);
        } else {
            self.line.restore(here, low, high);
        }
    }

    /// Improves around the nodes that are awake until nothing helps.
    fn settle(&mut self) {
        while let Some(node) = self.awake.pop() {
            self.is_awake[usize::from(node)] = false;
            while self.improve_at(usize::from(node)) {}
        }
    }

    /// Makes the first rearrangement found that brings the node next to a near one and pays.
    fn improve_at(&mut self, node: usize) -> bool {
        let at = self.line.place(node);
        let (before_s, after_s) = (self.line.leg(at - 1, at), self.line.leg(at, at + 1));
        let is_pure = self.line.is_pure_travel();
        for index in 0..self.near[node].len() {
            let (near_s, other) = self.near[node][index];
            if is_pure && near_s >= before_s.max(after_s) {
                return false;
            }
            let to = self.line.place(usize::from(other));
            let may = May { before: !is_pure || near_s < before_s, after: !is_pure || near_s < after_s };
            if self.two_opt(at, to, may) || self.or_opt(at, to, may) || (!is_pure && self.swaps(at, to)) {
                return true;
            }
        }
        false
    }

    fn accept(&mut self, pieces: &[Piece], change_s: i64) -> bool {
        match self.line.price_with(pieces, change_s, self.line.cost) {
            Some(cost) => {
                self.apply(pieces, cost);
                true
            }
            None => false,
        }
    }

    /// Turns the stretch between the two around, so that they become neighbours.
    fn two_opt(&mut self, at: usize, to: usize, may: May) -> bool {
        let (low, high) = (at.min(to), at.max(to));
        (may.after && high < self.line.end() && self.turn(low + 1, high)) || (may.before && low > 0 && self.turn(low, high - 1))
    }

    fn turn(&mut self, from: usize, to: usize) -> bool {
        if from >= to {
            return false;
        }
        let line = &self.line;
        let gone_s = line.leg(from - 1, from) + line.leg(to, to + 1);
        let change_s = line.leg(from - 1, to) + line.leg(from, to + 1) - gone_s + line.flip_change(from, to);
        line.may_pay(change_s) && self.accept(&[Piece::new(from, to, true)], change_s)
    }

    /// Moves a run that begins or ends at one of the two next to the other.
    fn or_opt(&mut self, at: usize, to: usize, may: May) -> bool {
        (1..=RUN_MAX).any(|run| self.move_run(at, to, run, may)) || {
            let is_free = to > 0 && to < self.line.end();
            is_free && (1..=RUN_MAX).any(|run| self.fetch_run(at, to, run, may))
        }
    }

    /// The run holds `at`; it goes before or after `to`.
    fn move_run(&mut self, at: usize, to: usize, run: usize, may: May) -> bool {
        let onward = (at, at + run - 1);
        let backward = (at.wrapping_sub(run - 1), at);
        let may_onward = may.before || (run == 1 && may.after);
        (may_onward && (self.put(onward, to, false) || (to > 0 && self.put(onward, to - 1, true))))
            || (run > 1 && may.after && ((to > 0 && self.put(backward, to - 1, false)) || self.put(backward, to, true)))
    }

    /// The run holds `to`; it comes before or after `at`.
    fn fetch_run(&mut self, at: usize, to: usize, run: usize, may: May) -> bool {
        let onward = (to, to + run - 1);
        let backward = (to.wrapping_sub(run - 1), to);
        (may.after && (self.put(onward, at, false) || self.put(backward, at, true)))
            || (may.before && (self.put(onward, at - 1, true) || self.put(backward, at - 1, false)))
    }

    /// Puts the run of positions into the gap behind a position, back to front if flipped.
    fn put(&mut self, (first, last): (usize, usize), gap: usize, is_flipped: bool) -> bool {
        if first == 0 || first > last || last >= self.line.end() || gap >= self.line.end() {
            return false;
        }
        if gap <= last && gap + 1 >= first {
            return false;
        }
        let line = &self.line;
        let (head, tail) = if is_flipped { (last, first) } else { (first, last) };
        let gone_s = line.leg(first - 1, first) + line.leg(last, last + 1) + line.leg(gap, gap + 1);
        let new_s = line.leg(first - 1, last + 1) + line.leg(gap, head) + line.leg(tail, gap + 1);
        let change_s = new_s - gone_s + if is_flipped { line.flip_change(first, last) } else { 0 };
        if !line.may_pay(change_s) {
            return false;
        }
        let run = Piece::new(first, last, is_flipped);
        if gap > last {
            self.accept(&[Piece::new(last + 1, gap, false), run], change_s)
        } else {
            self.accept(&[run, Piece::new(gap + 1, first - 1, false)], change_s)
        }
    }

    /// Exchanges a node with one beside the other, so that the two become neighbours.
    fn swaps(&mut self, at: usize, to: usize) -> bool {
        [to.wrapping_sub(1), to, to + 1].into_iter().any(|other| {
            let (low, high) = (at.min(other), at.max(other));
            if low == 0 || high >= self.line.end() || low + 1 >= high {
                return false;
            }
            let line = &self.line;
            let gone_s = line.leg(low - 1, low) + line.leg(low, low + 1) + line.leg(high - 1, high) + line.leg(high, high + 1);
            let new_s = line.leg(low - 1, high) + line.leg(high, low + 1) + line.leg(high - 1, low) + line.leg(low, high + 1);
            let pieces = [Piece::new(high, high, false), Piece::new(low + 1, high - 1, false), Piece::new(low, low, false)];
            let may_pay = line.may_pay(new_s - gone_s);
            may_pay && self.accept(&pieces, new_s - gone_s)
        })
    }
}

/// Which of a node's two legs are long enough to be worth replacing.
#[derive(Clone, Copy)]
struct May {
    before: bool,
    after: bool,
}

fn near_nodes(ground: &Ground) -> Vec<Vec<(i64, u16)>> {
    let most = if ground.is_timed || ground.is_stable { NEAR_TIMED_MAX } else { NEAR_MAX };
    let end = ground.end();
    let distance = |a: usize, b: usize| {
        let (forth, back) = (ground.leg(a, b), ground.leg(b, a));
        if b == 0 {
            back
        } else if b == end {
            forth
        } else {
            forth.min(back)
        }
    };
    let list = |node: usize| {
        let others = (0..=end).filter(|&other| other != node);
        let mut near: Vec<_> = others.map(|other| (distance(node, other), u16::try_from(other).unwrap_or(0))).collect();
        near.sort_unstable();
        near.truncate(most);
        near
    };
    (0..=end).map(|node| if node == 0 || node == end { Vec::new() } else { list(node) }).collect()
}
