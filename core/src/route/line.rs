//! A line of nodes that is being improved: what each rearrangement of it would cost, found without reading the whole
//! line again.
//!
//! A rearrangement cuts a stretch of the line into pieces and puts them together in another order, some of them back to
//! front. Its travel is a sum of a few table entries: inner legs come from prefix sums. Its lateness is found by walking
//! the stretch from the known departure before it; what follows is on time if the stretch ends by the latest arrival
//! kept there, which answers for all the rest at once, several windows a stop included. Only a rest that is late is
//! walked, and only until it falls into step with the old times.

#![expect(clippy::indexing_slicing, reason = "positions and nodes number the tables; pieces lie inside the line")]

use super::ground::Ground;
use super::opening::FAR_S;
use super::stability::Moved;

/// Positions `from ..= to` of the line, back to front if flipped.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) is_flipped: bool,
}

impl Piece {
    pub(super) fn new(from: usize, to: usize, is_flipped: bool) -> Self {
        Self { from, to, is_flipped }
    }
}

#[derive(Debug)]
pub(super) struct Line<'g> {
    pub(super) ground: &'g Ground,
    /// Nodes by position: the start, free nodes, the end. Free nodes may be missing while the line is rebuilt.
    pub(super) nodes: Vec<u16>,
    /// Positions by node.
    places: Vec<usize>,
    /// Travel from the start to each position, along the line and against it.
    forth_s: Vec<i64>,
    back_s: Vec<i64>,
    /// Departure at each position, lateness up to and with it, and the latest arrival from which on all is on time.
    leave_s: Vec<i64>,
    late_s: Vec<i64>,
    latest_s: Vec<i64>,
    /// What the line costs, and of that the travel between nodes and the number of stops moved.
    pub(super) cost: i64,
    travel_s: i64,
    moved: usize,
    ranks: Moved,
    scratch: Vec<u16>,
}

impl<'g> Line<'g> {
    pub(super) fn new(ground: &'g Ground, nodes: &[u16]) -> Self {
        let size = ground.free + 2;
        let column = || vec![0; size];
        let mut line = Self {
            ground,
            nodes: nodes.to_vec(),
            places: vec![0; size],
            forth_s: column(),
            back_s: column(),
            leave_s: column(),
            late_s: column(),
            latest_s: column(),
            cost: 0,
            travel_s: 0,
            moved: 0,
            ranks: Moved::default(),
            scratch: Vec::with_capacity(size),
        };
        line.refresh();
        line
    }

    /// The node at a position.
    pub(super) fn node(&self, position: usize) -> usize {
        usize::from(self.nodes[position])
    }

    /// The position of a node.
    pub(super) fn place(&self, node: usize) -> usize {
        self.places[node]
    }

    /// The position of the end.
    pub(super) fn end(&self) -> usize {
        self.nodes.len() - 1
    }

    /// Travel between the nodes at two positions.
    pub(super) fn leg(&self, from: usize, to: usize) -> i64 {
        self.ground.leg(self.node(from), self.node(to))
    }

    /// Whether nothing but travel is at stake now: then a rearrangement that pays must shorten a leg.
    pub(super) fn is_pure_travel(&self) -> bool {
        self.ground.is_symmetric && self.late_s[self.end()] == 0 && self.moved == 0
    }

    /// Computes everything anew after `nodes` was changed.
    pub(super) fn refresh(&mut self) {
        let end = self.end();
        self.refresh_between(1, end.saturating_sub(1));
        if self.ground.is_timed {
            self.latest_s[end] = self.ground.latest(self.node(end), FAR_S);
            self.refresh_latest(end);
        }
        self.travel_s = (0..end).map(|position| self.leg(position, position + 1)).sum();
        self.moved = self.count_moved(&[]);
        let late_s = if self.ground.is_timed { self.late_s[end] } else { 0 };
        let soft = late_s * self.ground.late_weight + self.ground.moved_price(self.moved);
        self.cost = self.ground.inside_s + self.travel_s + soft;
    }

    /// Brings the tables up to date after the nodes at `low ..= high` changed. (Cost and moved count are the caller's.)
    fn refresh_between(&mut self, low: usize, high: usize) {
        let end = self.end();
        for position in (low..=high).chain([0, end]) {
            let node = self.node(position);
            self.places[node] = position;
        }
        if !self.ground.is_symmetric || self.ground.is_timed {
            self.refresh_travel(low);
        }
        if self.ground.is_timed {
            self.refresh_times(low);
            self.refresh_latest(high + 1);
        }
    }

    fn refresh_travel(&mut self, low: usize) {
        for position in low..=self.end() {
            self.forth_s[position] = self.forth_s[position - 1] + self.leg(position - 1, position);
            self.back_s[position] = self.back_s[position - 1] + self.leg(position, position - 1);
        }
    }

    fn refresh_times(&mut self, low: usize) {
        if low == 1 {
            (self.leave_s[0], self.late_s[0]) = self.ground.pass(self.node(0), self.ground.leave_s);
        }
        for position in low..=self.end() {
            let arrive_s = self.leave_s[position - 1] + self.leg(position - 1, position);
            let (leave_s, late_s) = self.ground.pass(self.node(position), arrive_s);
            self.leave_s[position] = leave_s;
            self.late_s[position] = self.late_s[position - 1] + late_s;
        }
    }

    fn refresh_latest(&mut self, high: usize) {
        for position in (0..high.min(self.end())).rev() {
            let limit_s = self.latest_s[position + 1] - self.leg(position, position + 1);
            self.latest_s[position] = self.ground.latest(self.node(position), limit_s);
        }
    }

    /// The cost of a rearrangement, if it is below `limit`. The pieces together are one stretch without its ends.
    pub(super) fn price(&mut self, pieces: &[Piece], limit: i64) -> Option<i64> {
        let (low, high) = stretch(pieces);
        self.price_with(pieces, self.travel_change(pieces, low, high), limit)
    }

    /// Whether a rearrangement that changes travel by so much can pay at all.
    pub(super) fn may_pay(&self, change_s: i64) -> bool {
        self.ground.inside_s + self.travel_s + change_s < self.cost
    }

    /// [`price`](Self::price), where the change of travel is known already.
    pub(super) fn price_with(&mut self, pieces: &[Piece], change_s: i64, limit: i64) -> Option<i64> {
        let (low, high) = stretch(pieces);
        let least = self.ground.inside_s + self.travel_s + change_s;
        if least >= limit {
            return None;
        }
        let mut cost = least;
        if self.ground.is_timed {
            cost += self.walk(pieces, low, high, limit - least)?;
        }
        if self.ground.is_stable {
            let moved = self.count_moved(pieces);
            cost += self.ground.moved_price(moved);
        }
        (cost < limit).then_some(cost)
    }

    /// What turning a stretch around changes inside of it.
    pub(super) fn flip_change(&self, from: usize, to: usize) -> i64 {
        if self.ground.is_symmetric {
            return 0;
        }
        self.back_s[to] - self.back_s[from] - (self.forth_s[to] - self.forth_s[from])
    }

    fn travel_change(&self, pieces: &[Piece], low: usize, high: usize) -> i64 {
        let mut change = -self.leg(high, high + 1);
        let mut before = low - 1;
        for piece in pieces {
            let (first, last) = if piece.is_flipped { (piece.to, piece.from) } else { (piece.from, piece.to) };
            change += self.leg(before, first) - self.leg(piece.from - 1, piece.from);
            if piece.is_flipped {
                change += self.flip_change(piece.from, piece.to);
            }
            before = last;
        }
        change + self.leg(before, high + 1)
    }

    /// The price of lateness after a rearrangement, if it is below `limit`.
    fn walk(&self, pieces: &[Piece], low: usize, high: usize, limit: i64) -> Option<i64> {
        let weight = self.ground.late_weight;
        let end = self.end();
        let mut before = self.node(low - 1);
        let mut now_s = self.leave_s[low - 1];
        let mut late_s = self.late_s[low - 1];
        let mut enter = |position: usize, now_s: &mut i64| {
            let node = self.node(position);
            let (leave_s, late) = self.ground.pass(node, *now_s + self.ground.leg(before, node));
            before = node;
            *now_s = leave_s;
            late
        };
        for piece in pieces {
            for step in piece.from..=piece.to {
                let position = if piece.is_flipped { piece.to + piece.from - step } else { step };
                late_s += enter(position, &mut now_s);
                if late_s * weight >= limit {
                    return None;
                }
            }
        }
        let last = pieces.last().map_or(high, |piece| if piece.is_flipped { piece.from } else { piece.to });
        if now_s + self.leg(last, high + 1) <= self.latest_s[high + 1] {
            return Some(late_s * weight);
        }
        for position in high + 1..=end {
            late_s += enter(position, &mut now_s);
            if late_s * weight >= limit {
                return None;
            }
            if now_s == self.leave_s[position] {
                late_s += self.late_s[end] - self.late_s[position];
                break;
            }
        }
        Some(late_s * weight)
    }

    /// What inserting a missing node before a position adds, if that is below `limit`; stops moved are not counted.
    pub(super) fn price_insert(&self, node: usize, gap: usize, limit: i64) -> Option<i64> {
        let ground = self.ground;
        let (before, after) = (self.node(gap - 1), self.node(gap));
        let mut price = ground.leg(before, node) + ground.leg(node, after) - ground.leg(before, after);
        if price < limit && ground.is_timed {
            price += self.late_with(node, gap) * ground.late_weight;
        }
        (price < limit).then_some(price)
    }

    /// How much later everybody is served together when a missing node comes before a position, seconds.
    fn late_with(&self, node: usize, gap: usize) -> i64 {
        let ground = self.ground;
        let (mut now_s, mut late_s) = ground.pass(node, self.leave_s[gap - 1] + ground.leg(self.node(gap - 1), node));
        let mut before = node;
        for position in gap..=self.end() {
            let arrive_s = now_s + ground.leg(before, self.node(position));
            if arrive_s <= self.latest_s[position] {
                return late_s - (self.late_s[self.end()] - self.late_s[position - 1]);
            }
            before = self.node(position);
            let (leave_s, late) = ground.pass(before, arrive_s);
            now_s = leave_s;
            late_s += late;
            if now_s == self.leave_s[position] {
                return late_s - (self.late_s[position] - self.late_s[gap - 1]);
            }
        }
        late_s - (self.late_s[self.end()] - self.late_s[gap - 1])
    }

    /// How many stops are moved after a rearrangement (or none), where that counts.
    fn count_moved(&mut self, pieces: &[Piece]) -> usize {
        if !self.ground.is_stable {
            return 0;
        }
        let ranks = &mut self.ranks;
        ranks.clear();
        let mut push = |node: &u16| self.ground.ranks(usize::from(*node)).for_each(|rank| ranks.push(rank));
        let (low, high) = if pieces.is_empty() { (0, 0) } else { stretch(pieces) };
        self.nodes[..low].iter().for_each(&mut push);
        for piece in pieces {
            let nodes = &self.nodes[piece.from..=piece.to];
            if piece.is_flipped { nodes.iter().rev().for_each(&mut push) } else { nodes.iter().for_each(&mut push) }
        }
        self.nodes[if pieces.is_empty() { 0 } else { high + 1 }..].iter().for_each(&mut push);
        self.ranks.count()
    }

    /// Makes a rearrangement whose cost is known.
    pub(super) fn apply(&mut self, pieces: &[Piece], cost: i64) {
        let (low, high) = stretch(pieces);
        self.travel_s += self.travel_change(pieces, low, high);
        self.moved = self.count_moved(pieces);
        self.scratch.clear();
        for piece in pieces {
            let nodes = &self.nodes[piece.from..=piece.to];
            if piece.is_flipped { self.scratch.extend(nodes.iter().rev()) } else { self.scratch.extend(nodes) }
        }
        self.nodes[low..=high].copy_from_slice(&self.scratch);
        self.refresh_between(low, high);
        self.cost = cost;
    }

    /// Puts the line back to an earlier state that differs from it only at `low ..= high`.
    pub(super) fn restore(&mut self, saved: &Saved, low: usize, high: usize) {
        self.nodes[low..=high].copy_from_slice(&saved.nodes[low..=high]);
        (self.cost, self.travel_s, self.moved) = (saved.cost, saved.travel_s, saved.moved);
        self.refresh_between(low, high);
    }

    /// Notes the present state.
    pub(super) fn saved(&self) -> Saved {
        Saved { nodes: self.nodes.clone(), cost: self.cost, travel_s: self.travel_s, moved: self.moved }
    }

    /// Notes the present state over an earlier one that differs from it only at `low ..= high`.
    pub(super) fn save(&self, saved: &mut Saved, low: usize, high: usize) {
        saved.nodes[low..=high].copy_from_slice(&self.nodes[low..=high]);
        (saved.cost, saved.travel_s, saved.moved) = (self.cost, self.travel_s, self.moved);
    }
}

/// A state of the line to come back to.
#[derive(Debug, Clone)]
pub(super) struct Saved {
    pub(super) nodes: Vec<u16>,
    pub(super) cost: i64,
    travel_s: i64,
    moved: usize,
}

/// First and last position that the pieces cover.
pub(super) fn stretch(pieces: &[Piece]) -> (usize, usize) {
    let low = pieces.iter().map(|piece| piece.from).min().unwrap_or(1);
    let high = pieces.iter().map(|piece| piece.to).max().unwrap_or(0);
    (low, high)
}
