//! Small deterministic draws for the demo: the same seed gives the same traffic, content and latencies.
//!
//! Splitmix64 (Steele, Lea and Flood, 2014): a demo needs no better generator, and no dependency for one.

/// A sequence of draws.
#[derive(Debug, Clone)]
pub(crate) struct Draw(u64);

impl Draw {
    /// The sequence of `seed`.
    pub(crate) fn new(seed: u64) -> Draw {
        Draw(seed)
    }

    /// The sequence that belongs to one thing of one kind, whatever was drawn before.
    pub(crate) fn of(kind: u64, id: u64) -> Draw {
        Draw(kind.wrapping_mul(0xD6E8_FEB8_6659_FD93) ^ id.wrapping_mul(0xA076_1D64_78BD_642F))
    }

    /// 64 random bits.
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number in `0..1`.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are taken, which is what f64 holds")]
    pub(crate) fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A number in `0..bound`; 0 where the bound is 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.bits().checked_rem(bound).unwrap_or(0)
    }

    /// Whether something of this probability happens.
    pub(crate) fn happens(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// A log-normal value with this median and this spread of its logarithm (Box and Muller, 1958).
    pub(crate) fn log_normal(&mut self, median: f64, spread: f64) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        let normal = radius * (std::f64::consts::TAU * self.unit()).cos();
        median * (spread * normal).exp()
    }

    /// One of the items.
    ///
    /// # Panics
    /// Where there are none.
    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[usize::try_from(self.below(items.len() as u64)).expect("an index below a length fits")]
    }

    /// Puts the items into a random order (Fisher and Yates).
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = usize::try_from(self.below(last as u64 + 1)).expect("an index below a length fits");
            items.swap(last, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_repeat_and_spread() {
        let draw = |seed| Draw::new(seed).bits();
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));

        let mut sequence = Draw::new(1);
        let mean = (0..10_000).map(|_| sequence.unit()).sum::<f64>() / 10_000.0;
        assert!((0.48..0.52).contains(&mean), "{mean}");
        let mut latencies: Vec<f64> = (0..10_000).map(|_| sequence.log_normal(2.5, 0.5)).collect();
        latencies.sort_by(f64::total_cmp);
        assert!((2.4..2.6).contains(&latencies[5_000]), "{}", latencies[5_000]);
    }

    #[test]
    fn shuffling_keeps_every_item() {
        let mut items: Vec<u32> = (0..50).collect();
        Draw::new(3).shuffle(&mut items);
        assert_ne!(items, (0..50).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..50).collect::<Vec<_>>());
    }
}
