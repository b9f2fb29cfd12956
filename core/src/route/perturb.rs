//! Disturbances: what tears a settled line open in one place, so that it can settle better. Two adjacent stretches
//! change places (a double bridge kept short), or a few nodes are taken out and put back, one by one, where they cost least.

use super::line::Piece;
use super::search::Search;

/// Longest stretch exchanged.
const STRETCH_MAX: usize = 30;
/// Most nodes taken out at a time.
const RUIN_MAX: usize = 8;
/// A day with hours may get dearer by one such part in an exchange.
const WORSE_PART: i64 = 2;
/// One gap in so many is overlooked when a node is put back, so that the same order does not always return.
const BLINK_IN: usize = 20;

impl Search<'_> {
    /// Disturbs the line once.
    pub(super) fn disturb(&mut self) {
        let is_plain = !self.line.ground.is_timed && !self.line.ground.is_stable;
        let is_exchange = self.line.ground.free >= 3 && (is_plain || self.random.below(2) == 0);
        if !(is_exchange && self.exchange_stretches()) {
            self.ruin();
        }
    }

    /// Two adjacent stretches change places, unless that would make the day too bad to mend.
    fn exchange_stretches(&mut self) -> bool {
        let free = self.line.ground.free;
        let first_len = 1 + self.random.below(STRETCH_MAX.min(free / 2));
        let second_len = 1 + self.random.below(STRETCH_MAX.min(free / 2));
        let first = 1 + self.random.below(free + 1 - first_len - second_len);
        let (middle, last) = (first + first_len, first + first_len + second_len - 1);
        let pieces = [Piece::new(middle, last, false), Piece::new(first, middle - 1, false)];
        let limit = self.line.cost.saturating_add(self.line.cost / WORSE_PART).saturating_add(1);
        let price = self.line.price(&pieces, if self.line.ground.is_timed { limit } else { i64::MAX });
        if let Some(cost) = price {
            self.apply(&pieces, cost);
        }
        price.is_some()
    }

    /// Takes out a few nodes, a run or a neighbourhood, and puts each back where it costs least.
    fn ruin(&mut self) {
        let free = self.line.ground.free;
        let count = 1 + self.random.below(RUIN_MAX.min(free));
        let centre = 1 + self.random.below(free);
        let mut out = if self.random.below(2) == 0 { self.run_from(centre, count) } else { self.around(centre, count) };
        self.line.nodes.retain(|node| !out.contains(node));
        self.line.refresh();
        while !out.is_empty() {
            let node = out.swap_remove(self.random.below(out.len()));
            let gap = self.cheapest_gap(usize::from(node));
            self.line.nodes.insert(gap, node);
            self.line.refresh();
            for position in [gap.saturating_sub(1), gap, gap + 1] {
                self.wake(self.line.node(position));
            }
        }
        self.note_change(1, free);
    }

    fn run_from(&mut self, centre: usize, count: usize) -> Vec<u16> {
        let from = centre.min(self.line.end() - count);
        self.line.nodes.iter().skip(from).take(count).copied().collect()
    }

    fn around(&mut self, centre: usize, count: usize) -> Vec<u16> {
        let free = self.line.ground.free;
        let near = self.near_of(centre).filter(|&node| (1..=free).contains(&usize::from(node)));
        let mut out: Vec<u16> = near.take(count - 1).collect();
        out.extend(u16::try_from(centre));
        out
    }

    /// The position at which a missing node costs least.
    fn cheapest_gap(&mut self, node: usize) -> usize {
        let mut best = (i64::MAX, 1);
        for gap in 1..=self.line.end() {
            if gap > 1 && self.random.below(BLINK_IN) == 0 {
                continue;
            }
            best = self.line.price_insert(node, gap, best.0).map_or(best, |price| (price, gap));
        }
        best.1
    }
}
