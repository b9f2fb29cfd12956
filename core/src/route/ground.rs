//! The problem as the searches see it: pinned chains folded into single nodes, which are then free to stand in any
//! order, and dense tables of seconds between them. Built from a checked problem only.

#![expect(clippy::indexing_slicing, reason = "nodes, steps and stops are numbered here, and every table has one entry for each")]

use super::matrix::Matrix;
use super::opening::{NEVER_S, Opening};
use super::problem::{Pin, Problem};
use super::schedule::{leg_s, not_before_s};
use super::stability::{Moved, ranks};

/// One stop inside a node.
#[derive(Debug)]
struct Step {
    /// Travel from the step before it in the same node; 0 for the first.
    leg_s: i64,
    opening: Opening,
    service_s: i64,
    /// `None`: the end place.
    stop: Option<usize>,
    /// Rank in the base order, where moving counts.
    rank: Option<u32>,
}

/// Nodes `1 ..= free` stand in any order; node 0 is the start with what is pinned first, node `free + 1` what is
/// pinned last with the end.
#[derive(Debug)]
pub(super) struct Ground {
    /// How many nodes may be placed freely.
    pub(super) free: usize,
    /// Departure at the start.
    pub(super) leave_s: i64,
    /// Seconds of travel for one second of lateness.
    pub(super) late_weight: i64,
    /// Seconds of travel for one stop moved.
    pub(super) moved_weight: i64,
    /// Whether any arrival can be late or wait: else time need not be followed.
    pub(super) is_timed: bool,
    /// Whether stops moved out of the base order cost anything.
    pub(super) is_stable: bool,
    /// Whether each leg between free nodes is as long as the way back.
    pub(super) is_symmetric: bool,
    /// Travel inside the nodes, the same in every order.
    pub(super) inside_s: i64,
    steps: Vec<Step>,
    spans: Vec<(usize, usize)>,
    legs: Vec<i32>,
}

impl Ground {
    pub(super) fn new<M: Matrix + ?Sized>(problem: &Problem, matrix: &M) -> Self {
        let chains = Chains::new(problem);
        let ranks = ranks(problem.stops.len(), &problem.base_order);
        let mut ground = Self {
            free: chains.free.len(),
            leave_s: i64::from(problem.start.leave_s),
            late_weight: i64::from(problem.weights.late),
            moved_weight: i64::from(problem.weights.moved_s),
            is_timed: false,
            is_stable: problem.weights.moved_s > 0 && problem.base_order.len() > 1,
            is_symmetric: true,
            inside_s: 0,
            steps: Vec::new(),
            spans: Vec::new(),
            legs: Vec::new(),
        };
        let mut doors: Vec<(Option<usize>, Option<usize>)> = Vec::new();
        let start = problem.start.place;
        let all = std::iter::once(&chains.head).chain(&chains.free).chain(std::iter::once(&chains.tail));
        for (node, chain) in all.enumerate() {
            let begins = ground.steps.len();
            let mut place = (node == 0).then_some(start);
            let mut first = None;
            for &index in chain {
                let stop = &problem.stops[index];
                ground.steps.push(Step {
                    leg_s: place.map_or(0, |from| leg_s(matrix, from, stop.place)),
                    opening: Opening::new(&stop.windows, not_before_s(problem, index)),
                    service_s: i64::from(stop.service_s),
                    stop: Some(index),
                    rank: ranks[index],
                });
                first = first.or(Some(stop.place));
                place = Some(stop.place);
            }
            if let Some(end) = problem.end.filter(|_| node > chains.free.len()) {
                ground.steps.push(Step {
                    leg_s: place.map_or(0, |from| leg_s(matrix, from, end.place)),
                    opening: Opening::until(end.by_s.map(i64::from)),
                    service_s: 0,
                    stop: None,
                    rank: None,
                });
                first = first.or(Some(end.place));
            }
            ground.spans.push((begins, ground.steps.len()));
            doors.push((first, place));
        }
        ground.inside_s = ground.steps.iter().map(|step| step.leg_s).sum();
        ground.is_timed = ground.steps.iter().any(|step| !step.opening.is_always());
        for &(_, exit) in &doors {
            for &(entry, _) in &doors {
                let leg = exit.zip(entry).map_or(0, |(from, to)| leg_s(matrix, from, to));
                ground.legs.push(i32::try_from(leg).unwrap_or(i32::MAX));
            }
        }
        let free = 1..=ground.free;
        ground.is_symmetric = free.clone().all(|a| free.clone().all(|b| ground.leg(a, b) == ground.leg(b, a)));
        ground
    }

    /// The last node.
    pub(super) fn end(&self) -> usize {
        self.free + 1
    }

    /// Travel from one node to another, seconds.
    pub(super) fn leg(&self, from: usize, to: usize) -> i64 {
        i64::from(self.legs[from * (self.free + 2) + to])
    }

    /// Goes through a node: from arrival to departure, and the lateness on the way.
    pub(super) fn pass(&self, node: usize, arrive_s: i64) -> (i64, i64) {
        let (from, to) = self.spans[node];
        let mut now_s = arrive_s;
        let mut late_s = 0;
        for step in &self.steps[from..to] {
            let (begin_s, late) = step.opening.begin(now_s + step.leg_s);
            now_s = begin_s + step.service_s;
            late_s += late;
        }
        (now_s, late_s)
    }

    /// The latest arrival at a node that is not late in it and leaves by `limit_s`; [`NEVER_S`] if there is none.
    pub(super) fn latest(&self, node: usize, limit_s: i64) -> i64 {
        let (from, to) = self.spans[node];
        let mut limit_s = limit_s;
        for step in self.steps[from..to].iter().rev() {
            let arrive_s = step.opening.latest(limit_s - step.service_s);
            if arrive_s <= NEVER_S {
                return NEVER_S;
            }
            limit_s = arrive_s - step.leg_s;
        }
        limit_s
    }

    /// The stops of a node, in their order.
    pub(super) fn stops(&self, node: usize) -> impl Iterator<Item = usize> + '_ {
        let (from, to) = self.spans[node];
        self.steps[from..to].iter().filter_map(|step| step.stop)
    }

    /// The base ranks of a node's stops, in their order; stops that are not in the base order are left out.
    pub(super) fn ranks(&self, node: usize) -> impl Iterator<Item = u32> + '_ {
        let (from, to) = self.spans[node];
        self.steps[from..to].iter().filter_map(|step| step.rank)
    }

    /// The whole line of nodes as stops.
    pub(super) fn order(&self, line: &[u16]) -> Vec<usize> {
        line.iter().flat_map(|&node| self.stops(usize::from(node))).collect()
    }

    /// Every node in the order in which its first stop comes in `order`; nodes that are not in it follow by number.
    pub(super) fn line(&self, order: &[usize]) -> Vec<u16> {
        let mut at = vec![usize::MAX; self.steps.len()];
        for (position, &stop) in order.iter().enumerate() {
            at[stop] = position;
        }
        let mut free: Vec<usize> = (1..=self.free).collect();
        free.sort_by_key(|&node| self.stops(node).next().map(|stop| at[stop]));
        let line = std::iter::once(0).chain(free).chain(std::iter::once(self.end()));
        line.map(|node| u16::try_from(node).unwrap_or(u16::MAX)).collect()
    }

    /// What a whole line costs, read from front to back.
    pub(super) fn price(&self, line: &[u16]) -> i64 {
        let mut moved = Moved::default();
        let mut travel_s = self.inside_s;
        let mut late_s = 0;
        let mut now_s = self.leave_s;
        let mut before = None;
        for &node in line {
            let node = usize::from(node);
            let leg_s = before.map_or(0, |from| self.leg(from, node));
            let (leave_s, late) = self.pass(node, now_s + leg_s);
            now_s = leave_s;
            travel_s += leg_s;
            late_s += late;
            self.ranks(node).for_each(|rank| moved.push(rank));
            before = Some(node);
        }
        travel_s + late_s * self.late_weight + self.moved_price(moved.count())
    }

    /// What so many moved stops cost.
    pub(super) fn moved_price(&self, moved: usize) -> i64 {
        if self.is_stable { i64::try_from(moved).unwrap_or(i64::MAX) * self.moved_weight } else { 0 }
    }
}

/// Stops that pins hold together, in their order.
struct Chains {
    head: Vec<usize>,
    free: Vec<Vec<usize>>,
    tail: Vec<usize>,
}

impl Chains {
    /// Takes the pins in order; one that contradicts those before it has no effect.
    fn new(problem: &Problem) -> Self {
        let count = problem.stops.len();
        let mut links = Links { next: vec![None; count], before: vec![None; count], first: None, last: None };
        for pin in &problem.pins {
            match *pin {
                Pin::First { stop } => links.put_first(stop),
                Pin::Last { stop } => links.put_last(stop),
                Pin::RightAfter { stop, after } => links.join(after, stop),
                Pin::NotBefore { .. } => {}
            }
        }
        let head = links.first.map_or_else(Vec::new, |stop| links.chain(stop));
        let holds_all = head.len() == count && count > 0;
        let tail_head = links.last.map(|stop| links.head_of(stop)).filter(|_| !holds_all);
        let tail = tail_head.map_or_else(Vec::new, |stop| links.chain(stop));
        let is_free = |stop: &usize| links.before[*stop].is_none() && links.first != Some(*stop) && tail_head != Some(*stop);
        let free = (0..count).filter(is_free).map(|stop| links.chain(stop)).collect();
        Self { head, free, tail }
    }
}

struct Links {
    next: Vec<Option<usize>>,
    before: Vec<Option<usize>>,
    first: Option<usize>,
    last: Option<usize>,
}

impl Links {
    fn put_first(&mut self, stop: usize) {
        if self.first.is_none() && self.before[stop].is_none() {
            self.first = Some(stop);
            if !self.is_sound() {
                self.first = None;
            }
        }
    }

    fn put_last(&mut self, stop: usize) {
        if self.last.is_none() && self.next[stop].is_none() {
            self.last = Some(stop);
            if !self.is_sound() {
                self.last = None;
            }
        }
    }

    fn join(&mut self, before: usize, stop: usize) {
        let is_taken = self.next[before].is_some() || self.before[stop].is_some();
        let is_end = self.first == Some(stop) || self.last == Some(before);
        if is_taken || is_end || self.head_of(before) == stop {
            return;
        }
        self.next[before] = Some(stop);
        self.before[stop] = Some(before);
        if !self.is_sound() {
            self.next[before] = None;
            self.before[stop] = None;
        }
    }

    /// First and last may hang in one chain only if that chain holds every stop.
    fn is_sound(&self) -> bool {
        match (self.first, self.last) {
            (Some(first), Some(last)) => self.head_of(last) != first || self.chain(first).len() == self.next.len(),
            (Some(_), None) | (None, Some(_) | None) => true,
        }
    }

    fn head_of(&self, stop: usize) -> usize {
        let mut stop = stop;
        while let Some(before) = self.before[stop] {
            stop = before;
        }
        stop
    }

    fn chain(&self, stop: usize) -> Vec<usize> {
        std::iter::successors(Some(stop), |&stop| self.next[stop]).collect()
    }
}
