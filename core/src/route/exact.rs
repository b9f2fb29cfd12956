//! The best order of a small day, proved: dynamic programming over sets of nodes (Held and Karp 1962; Bellman 1962),
//! with the same price as the search.
//!
//! A label is a way to have been at a set of nodes, ending at one of them. Where hours or a base order count, one
//! label a set does not do: an earlier but dearer way may win later, and so may one that can still keep more stops in
//! their base order. All ways that no other beats in time, price *and* highest base rank kept are carried on. The number of
//! stops moved is stops less the longest increasing run, and choosing for each stop "kept" (rank above the last one kept)
//! or "moved" while going along finds just that run.
//!
//! Ways that cannot beat the incumbent any more are dropped: each open node costs at least its shortest leg in.

#![expect(clippy::indexing_slicing, reason = "sets index tables of 2^nodes entries, nodes tables of their number")]

use super::ground::Ground;

/// Most free nodes (stops, or chains of pinned stops) that are solved exactly.
pub const EXACT_NODES_MAX: usize = 12;
/// Labels in all, after which the proof is given up and the incumbent stays.
const LABELS_MAX: usize = 1_000_000;

#[derive(Debug, Clone, Copy)]
struct Label {
    leave_s: i64,
    cost: i64,
    /// One more than the highest base rank kept; 0: none.
    kept: u32,
    node: u16,
    /// Position of the label it came from.
    from: u32,
}

/// What the proof found.
pub(super) enum Proof {
    /// Nothing is cheaper than the incumbent.
    Incumbent,
    /// This line is cheaper than the incumbent, and nothing is cheaper than it.
    Better(Vec<u16>),
    /// Too many nodes or labels, or interrupted.
    GivenUp,
}

/// Looks for the cheapest line below `incumbent`.
pub(super) fn prove(ground: &Ground, incumbent: i64, stop: &mut dyn FnMut() -> bool) -> Proof {
    if ground.free > EXACT_NODES_MAX {
        return Proof::GivenUp;
    }
    let mut table = Table { ground, labels: Vec::new(), sets: vec![Vec::new(); 1 << ground.free], ways: Vec::new() };
    let least = table.least_costs();
    let root = Label { leave_s: ground.leave_s, cost: ground.inside_s, kept: 0, node: 0, from: 0 };
    table.extend(root, 0, 0, 0, incumbent - least[0]);
    for set in 0..table.sets.len() - 1 {
        if stop() || table.labels.len() > LABELS_MAX {
            return Proof::GivenUp;
        }
        for at in std::mem::take(&mut table.sets[set]) {
            let label = table.labels[at as usize];
            for node in (1..=ground.free).filter(|node| set & (1 << (node - 1)) == 0) {
                let next = set | (1 << (node - 1));
                table.extend(label, at, node, next, incumbent - least[next]);
            }
        }
    }
    table.close(incumbent)
}

struct Table<'g> {
    ground: &'g Ground,
    labels: Vec<Label>,
    /// Labels by the set of nodes visited (bit `n - 1` for node `n`), start and all.
    sets: Vec<Vec<u32>>,
    /// Scratch: ways to keep or move the stops of one node: highest rank kept, stops moved.
    ways: Vec<(u32, usize)>,
}

impl Table<'_> {
    /// For each set of nodes visited, what the nodes that are not in it cost at least.
    fn least_costs(&self) -> Vec<i64> {
        let free = self.ground.free;
        let nearest = |to: usize| (0..=free).filter(|&from| from != to).map(|from| self.ground.leg(from, to)).min();
        let to_end = nearest(self.ground.end()).unwrap_or(0);
        let into: Vec<i64> = (1..=free).map(|to| nearest(to).unwrap_or(0)).collect();
        let open = |set: usize| (0..free).filter(move |bit| set & (1 << bit) == 0);
        (0..1_usize << free).map(|set| to_end + open(set).map(|bit| into[bit]).sum::<i64>()).collect()
    }

    /// Goes on from a label to a node, and notes what is worth it and costs less than `limit`.
    fn extend(&mut self, label: Label, at: u32, node: usize, set: usize, limit: i64) {
        let ground = self.ground;
        let leg_s = ground.leg(usize::from(label.node), node) * i64::from(node != 0);
        let (leave_s, late_s) = ground.pass(node, label.leave_s + leg_s);
        let cost = label.cost + leg_s + late_s * ground.late_weight;
        let leave_s = if ground.is_timed { leave_s } else { 0 };
        if cost >= limit {
            return;
        }
        self.keep_or_move(label.kept, node);
        for way in 0..self.ways.len() {
            let (kept, moved) = self.ways[way];
            let cost = cost + ground.moved_price(moved);
            let new = Label { leave_s, cost, kept, node: u16::try_from(node).unwrap_or(0), from: at };
            if cost < limit {
                self.note(new, set);
            }
        }
    }

    /// Fills `ways` for the stops of a node after a highest rank kept.
    fn keep_or_move(&mut self, kept: u32, node: usize) {
        self.ways.clear();
        self.ways.push((kept, 0));
        if !self.ground.is_stable {
            return;
        }
        for rank in self.ground.ranks(node) {
            let keeping: Vec<_> = self.ways.iter().filter(|way| way.0 <= rank).map(|way| (rank + 1, way.1)).collect();
            self.ways.iter_mut().for_each(|way| way.1 += 1);
            self.ways.extend(keeping);
            self.ways.sort_unstable();
            let mut fewest = usize::MAX;
            self.ways.retain(|way| {
                let is_better = way.1 < fewest;
                fewest = fewest.min(way.1);
                is_better
            });
        }
    }

    /// Adds a label to a set unless one there beats it; drops those it beats.
    fn note(&mut self, new: Label, set: usize) {
        let labels = &self.labels;
        let beats = |a: &Label, b: &Label| a.node == b.node && a.leave_s <= b.leave_s && a.cost <= b.cost && a.kept <= b.kept;
        let ids = &mut self.sets[set];
        if ids.iter().any(|&id| beats(&labels[id as usize], &new)) {
            return;
        }
        ids.retain(|&id| !beats(&new, &labels[id as usize]));
        ids.push(u32::try_from(labels.len()).unwrap_or(u32::MAX));
        self.labels.push(new);
    }

    /// Ends all complete ways at the end node, and reads the best one back.
    fn close(mut self, incumbent: i64) -> Proof {
        let mut best: Option<(i64, u32)> = None;
        let end = self.ground.end();
        for at in self.sets.pop().unwrap_or_default() {
            let label = self.labels[at as usize];
            let leg_s = self.ground.leg(usize::from(label.node), end);
            let late_s = self.ground.pass(end, label.leave_s + leg_s).1;
            self.keep_or_move(label.kept, end);
            let moved = self.ways.iter().map(|way| way.1).min().unwrap_or(0);
            let cost = label.cost + leg_s + late_s * self.ground.late_weight + self.ground.moved_price(moved);
            if cost < best.map_or(incumbent, |(cost, _)| cost) {
                best = Some((cost, at));
            }
        }
        let Some((_, mut at)) = best else { return Proof::Incumbent };
        let mut line = vec![u16::try_from(end).unwrap_or(0)];
        loop {
            let label = self.labels[at as usize];
            line.push(label.node);
            if label.node == 0 {
                break;
            }
            at = label.from;
        }
        line.reverse();
        Proof::Better(line)
    }
}
