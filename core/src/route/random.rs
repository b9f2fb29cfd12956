//! The seeded generator: SplitMix64 (Steele, Lea, Flood 2014). Integer arithmetic only, the same on every machine.

#[derive(Debug, Clone)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound` (below 1 for 0).
    pub(super) fn below(&mut self, bound: usize) -> usize {
        let high = (u128::from(self.next()) * bound.max(1) as u128) >> 64;
        usize::try_from(high).unwrap_or(0)
    }
}
