//! How many stops moved: the fewest that have to be taken out of an order and put back elsewhere to make it from the
//! base order, which is their number less their longest increasing run of base ranks.

/// Counts moved stops while their base ranks pass by in the new order.
#[derive(Debug, Clone, Default)]
pub(super) struct Moved {
    /// `ends[k]`: the lowest rank that ends an increasing subsequence of length k + 1 (patience sorting).
    ends: Vec<u32>,
    seen: usize,
}

impl Moved {
    pub(super) fn clear(&mut self) {
        self.ends.clear();
        self.seen = 0;
    }

    /// The next stop of the new order, by its rank in the base order; ranks are distinct.
    pub(super) fn push(&mut self, rank: u32) {
        self.seen += 1;
        let at = self.ends.partition_point(|&end| end < rank);
        match self.ends.get_mut(at) {
            Some(end) => *end = rank,
            None => self.ends.push(rank),
        }
    }

    pub(super) fn count(&self) -> usize {
        self.seen - self.ends.len()
    }
}

/// Ranks of the stops in the base order; `None` for one that is not in it.
pub(super) fn ranks(stops: usize, base_order: &[usize]) -> Vec<Option<u32>> {
    let mut ranks = vec![None; stops];
    for (&stop, rank) in base_order.iter().zip(0..) {
        if let Some(slot) = ranks.get_mut(stop) {
            *slot = Some(rank);
        }
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(ranks: &[u32]) -> usize {
        let mut moved = Moved::default();
        ranks.iter().for_each(|&rank| moved.push(rank));
        moved.count()
    }

    #[test]
    fn one_long_move_is_one_stop() {
        assert_eq!(moved(&[]), 0);
        assert_eq!(moved(&[0, 1, 2, 3]), 0);
        assert_eq!(moved(&[3, 0, 1, 2]), 1);
        assert_eq!(moved(&[3, 2, 1, 0]), 3);
        assert_eq!(moved(&[2, 3, 0, 1]), 2);
    }
}
