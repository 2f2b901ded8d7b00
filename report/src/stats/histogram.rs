//! Counters of durations in buckets of at most 0.8 % width, sparse, in integers alone.
//!
//! Invariant: adding is associative and commutative, so sums over any grouping agree exactly. What never ended is
//! counted in a bucket above all others.

use std::time::Duration;

/// Sub-buckets of one octave: 2^7.
const SUB_BITS: u32 = 7;
/// The bucket of what never ended.
pub(crate) const NEVER: u16 = u16::MAX;
/// Values that wait to be folded into the sorted list.
const PENDING: usize = 128;

/// The bucket of a duration, by its nanoseconds.
pub(crate) fn bucket(duration: Duration) -> u16 {
    let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    let bits = 64 - nanos.leading_zeros();
    if bits <= SUB_BITS + 1 {
        return u16::try_from(nanos).expect("eight bits fit");
    }
    let shift = bits - SUB_BITS - 1;
    let top = nanos >> shift;
    u16::try_from((u64::from(shift) << SUB_BITS) + top).expect("56 octaves of 128 buckets fit")
}

/// The lower end of a bucket, in microseconds.
pub(crate) fn lower_us(bucket: u16) -> f64 {
    let (bucket, sub) = (u32::from(bucket), 1_u32 << SUB_BITS);
    if bucket < 2 * sub {
        return f64::from(bucket) / 1e3;
    }
    let shift = bucket / sub - 1;
    let top = bucket - shift * sub;
    f64::from(top) * f64::from(shift).exp2() / 1e3
}

/// A sparse histogram.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Histogram {
    counts: Vec<(u16, u32)>,
    pending: Vec<u16>,
}

impl Histogram {
    /// Counts one value by its bucket.
    pub(crate) fn add(&mut self, bucket: u16) {
        self.pending.push(bucket);
        if self.pending.len() >= PENDING {
            self.settle();
        }
    }

    /// Counts everything that `other` counts.
    pub(crate) fn merge(&mut self, other: &Histogram) {
        self.settle();
        let pending = Histogram { counts: Vec::new(), pending: other.pending.clone() }.settled();
        self.counts = merged(&merged(&self.counts, &other.counts), &pending.counts);
    }

    fn settled(mut self) -> Histogram {
        self.settle();
        self
    }

    /// Folds what waits into the sorted list.
    pub(crate) fn settle(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        self.pending.sort_unstable();
        let mut fresh: Vec<(u16, u32)> = Vec::new();
        for &bucket in &self.pending {
            match fresh.last_mut() {
                Some((last, count)) if *last == bucket => *count = count.saturating_add(1),
                _ => fresh.push((bucket, 1)),
            }
        }
        self.pending.clear();
        self.counts = merged(&self.counts, &fresh);
    }

    /// Buckets with their counts, ascending. Only of a settled histogram.
    pub(crate) fn counts(&self) -> &[(u16, u32)] {
        debug_assert!(self.pending.is_empty(), "settled before it is read");
        &self.counts
    }

    /// How many values there are.
    pub(crate) fn total(&self) -> u64 {
        self.counts.iter().map(|(_, count)| u64::from(*count)).sum::<u64>() + self.pending.len() as u64
    }

    /// The quantile `q`. Only of a settled histogram.
    pub(crate) fn quantile(&self, q: f64) -> Quantile {
        let weighted = self.counts().iter().map(|(bucket, count)| (*bucket, u64::from(*count)));
        quantile_of(weighted, self.total(), q)
    }
}

fn merged(a: &[(u16, u32)], b: &[(u16, u32)]) -> Vec<(u16, u32)> {
    if b.is_empty() {
        return a.to_vec();
    }
    let mut sum = Vec::with_capacity(a.len() + b.len());
    let (mut a, mut b) = (a.iter().copied().peekable(), b.iter().copied().peekable());
    loop {
        let next = match (a.peek(), b.peek()) {
            (Some(x), Some(y)) if x.0 == y.0 => {
                let both = (x.0, x.1.saturating_add(y.1));
                a.next();
                b.next();
                both
            }
            (Some(x), Some(y)) if x.0 > y.0 => b.next().unwrap_or(*x),
            (Some(_), _) => match a.next() {
                Some(x) => x,
                None => break,
            },
            (None, _) => match b.next() {
                Some(y) => y,
                None => break,
            },
        };
        sum.push(next);
    }
    sum
}

/// A quantile of counters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Quantile {
    /// There are no values.
    Empty,
    /// In microseconds, interpolated within its bucket.
    Us(f64),
    /// It lies among what never ended.
    Never,
}

impl Quantile {
    /// The value, where there is one.
    pub(crate) fn us(self) -> Option<f64> {
        match self {
            Quantile::Us(value) => Some(value),
            Quantile::Empty | Quantile::Never => None,
        }
    }
}

/// The quantile `q` of ascending buckets with weights that add up to `total`.
pub(crate) fn quantile_of(ascending: impl Iterator<Item = (u16, u64)>, total: u64, q: f64) -> Quantile {
    if total == 0 {
        return Quantile::Empty;
    }
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    let target = q * total as f64;
    let mut below = 0_u64;
    for (bucket, count) in ascending {
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
        let (before, within) = (below as f64, count as f64);
        below += count;
        if count > 0 && before + within >= target {
            if bucket == NEVER {
                return Quantile::Never;
            }
            let (low, high) = (lower_us(bucket), lower_us(bucket + 1));
            return Quantile::Us(low + (high - low) * ((target - before) / within).clamp(0.0, 1.0));
        }
    }
    Quantile::Empty
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_in_order_and_at_most_a_hundred_and_twenty_eighth_wide() {
        let mut previous = 0;
        for exponent in 0..63_u32 {
            for nanos in [1_u64 << exponent, (1 << exponent) + (1 << exponent) / 3, (2_u64 << exponent) - 1] {
                let index = bucket(Duration::from_nanos(nanos));
                #[expect(clippy::cast_precision_loss, reason = "compared with a tolerance")]
                let us = nanos as f64 / 1e3;
                assert!(index >= previous && index < NEVER, "{nanos}");
                let (low, high) = (lower_us(index), lower_us(index + 1));
                assert!(low <= us * (1.0 + 1e-12) && us < high * (1.0 + 1e-12), "{nanos}: {low} {high}");
                assert!(nanos < 256 || high / low < 1.0 + 1.01 / 128.0, "{nanos}");
                previous = index;
            }
        }
        assert!(bucket(Duration::MAX) < NEVER);
    }

    #[test]
    fn sums_agree_however_they_are_grouped() {
        let value = |i: u64| bucket(Duration::from_nanos(i * i * 977));
        let mut whole = Histogram::default();
        let mut parts = vec![Histogram::default(); 7];
        for i in 0..5000 {
            whole.add(value(i));
            parts[usize::try_from(i % 7).unwrap()].add(value(i));
        }
        let mut sum = Histogram::default();
        parts.iter().for_each(|part| sum.merge(part));
        whole.settle();
        assert_eq!(sum, whole);
        assert_eq!(whole.total(), 5000);
    }

    fn check(values_us: &[Option<u64>], q: f64, expected: Quantile) {
        let mut histogram = Histogram::default();
        for value in values_us {
            histogram.add(value.map_or(NEVER, |us| bucket(Duration::from_micros(us))));
        }
        histogram.settle();
        let found = histogram.quantile(q);
        match (found, expected) {
            (Quantile::Us(a), Quantile::Us(b)) => assert!((a / b - 1.0).abs() < 0.01, "{a} {b}"),
            _ => assert_eq!(found, expected),
        }
    }

    #[test]
    fn quantiles_count_what_never_ended() {
        check(&[], 0.5, Quantile::Empty);
        check(&[Some(100)], 0.5, Quantile::Us(100.0));
        check(&[Some(100), Some(200), Some(300)], 0.5, Quantile::Us(200.0));
        check(&[Some(100), Some(100), None], 0.5, Quantile::Us(100.0));
        check(&[Some(100), None, None], 0.5, Quantile::Never);
        check(&[None], 0.99, Quantile::Never);
    }
}
