//! Paired resampling of units (seconds, or groups of sessions): how much a quantile's ratio between two sides varies.
//!
//! Both sides of a unit are drawn together, so what both felt alike cancels. Counters add, so a resample is a weighted
//! sum of counters.

use super::draw::Draw;
use super::histogram::{Histogram, NEVER, Quantile, quantile_of};

/// How often each unit is drawn in each resample.
#[derive(Debug, Clone)]
pub(crate) struct Weights {
    units: usize,
    drawn: Vec<u16>,
}

impl Weights {
    /// Draws `units` of `units` with replacement, `resamples` times.
    pub(crate) fn draw(units: usize, resamples: usize, seed: u64) -> Weights {
        let mut draw = Draw::new(seed);
        let mut drawn = vec![0_u16; units * resamples];
        for resample in drawn.chunks_mut(units.max(1)) {
            for _ in 0..resample.len() {
                let unit = draw.below(resample.len());
                resample[unit] = resample[unit].saturating_add(1);
            }
        }
        Weights { units, drawn }
    }

    /// How many units they are for.
    pub(crate) fn units(&self) -> usize {
        self.units
    }
}

/// One unit: the counters of both sides, settled.
pub(crate) type Unit<'a> = (&'a Histogram, &'a Histogram);

/// How the log ratio of one quantile, second side to first, varies over resamples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Variation {
    /// Standard deviation, with quantiles beyond the censoring point standing at that point.
    pub(crate) deviation: f64,
    /// The share of resamples in which the second side's quantile lies beyond the censoring point.
    pub(crate) second_never: f64,
}

/// Measures each quantile's [`Variation`]. `None` where a side has no values, or where too few resamples have values on
/// both sides.
pub(crate) fn log_ratio_variation(
    units: &[Unit<'_>],
    weights: &Weights,
    quantiles: &[f64],
    censor_us: f64,
) -> Vec<Option<Variation>> {
    debug_assert_eq!(units.len(), weights.units, "weights were drawn for these units");
    let mut ratios: Vec<Vec<f64>> = vec![Vec::new(); quantiles.len()];
    let mut never = vec![0_usize; quantiles.len()];
    let mut sides =
        [Dense::over(units.iter().map(|unit| unit.0)), Dense::over(units.iter().map(|unit| unit.1))];
    for drawn in weights.drawn.chunks(units.len().max(1)) {
        let [first, second] = &mut sides;
        first.fill(units.iter().map(|unit| unit.0), drawn);
        second.fill(units.iter().map(|unit| unit.1), drawn);
        for (q, (ratios, never)) in quantiles.iter().zip(ratios.iter_mut().zip(&mut never)) {
            let (a, b) = (first.quantile(*q), second.quantile(*q));
            *never += usize::from(b == Quantile::Never);
            ratios.extend(standing(a, censor_us).zip(standing(b, censor_us)).map(|(a, b)| (b / a).ln()));
        }
    }
    let resamples = weights.drawn.len() / units.len().max(1);
    ratios.iter().zip(never).map(|(ratios, never)| variation(ratios, never, resamples)).collect()
}

fn variation(ratios: &[f64], never: usize, resamples: usize) -> Option<Variation> {
    let deviation = deviation(ratios).filter(|_| ratios.len() * 10 >= resamples * 9)?;
    #[expect(clippy::cast_precision_loss, reason = "counts of resamples")]
    let second_never = never as f64 / ratios.len() as f64;
    Some(Variation { deviation, second_never })
}

/// A quantile in microseconds, at the censoring point where it lies beyond.
pub(crate) fn standing(quantile: Quantile, censor_us: f64) -> Option<f64> {
    match quantile {
        Quantile::Empty => None,
        Quantile::Never => Some(censor_us),
        Quantile::Us(value) => Some(value.max(1e-3)),
    }
}

fn deviation(values: &[f64]) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "a count of resamples")]
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
    (values.len() > 1).then(|| (squares / n).sqrt())
}

/// Counters of one side, dense between the lowest and the highest bucket in use.
struct Dense {
    lowest: u16,
    counts: Vec<u64>,
    never: u64,
    total: u64,
}

impl Dense {
    fn over<'a>(histograms: impl Iterator<Item = &'a Histogram>) -> Dense {
        let buckets =
            histograms.flat_map(|h| h.counts().iter().map(|(bucket, _)| *bucket)).filter(|b| *b != NEVER);
        let (lowest, highest) = buckets.fold((u16::MAX, 0), |(low, high), b| (low.min(b), high.max(b)));
        let lowest = lowest.min(highest);
        let span = usize::from(highest - lowest) + 1;
        Dense { lowest, counts: vec![0; span], never: 0, total: 0 }
    }

    fn fill<'a>(&mut self, histograms: impl Iterator<Item = &'a Histogram>, drawn: &[u16]) {
        self.counts.fill(0);
        (self.never, self.total) = (0, 0);
        for (histogram, weight) in histograms.zip(drawn).filter(|(_, weight)| **weight > 0) {
            for (bucket, count) in histogram.counts() {
                let count = u64::from(*count) * u64::from(*weight);
                self.total += count;
                if *bucket == NEVER {
                    self.never += count;
                } else {
                    self.counts[usize::from(bucket - self.lowest)] += count;
                }
            }
        }
    }

    fn quantile(&self, q: f64) -> Quantile {
        let ascending = (self.lowest..).zip(self.counts.iter().copied()).chain([(NEVER, self.never)]);
        quantile_of(ascending, self.total, q)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::histogram::bucket;
    use std::time::Duration;

    fn histogram(values_us: impl Iterator<Item = u64>) -> Histogram {
        let mut histogram = Histogram::default();
        values_us.for_each(|us| histogram.add(bucket(Duration::from_micros(us))));
        histogram.settle();
        histogram
    }

    #[test]
    fn what_both_sides_feel_alike_cancels() {
        let mut draw = Draw::new(1);
        let bases: Vec<Histogram> = (0..40)
            .map(|_| 1000 + draw.below(9000) as u64)
            .map(|us| histogram((0..50).map(|i| us + i)))
            .collect();
        let units: Vec<Unit<'_>> = bases.iter().map(|h| (h, h)).collect();
        let weights = Weights::draw(40, 200, 5);
        let still = Some(Variation { deviation: 0.0, second_never: 0.0 });
        assert_eq!(log_ratio_variation(&units, &weights, &[0.5, 0.99], 1e7), [still, still]);
    }

    #[test]
    fn the_deviation_of_a_median_is_that_of_theory() {
        // 2000 values uniform on 1..2 ms on each side: sd of a median = 1/(2 f sqrt(n)), f = 1 per ms, at 1.5 ms.
        let mut draw = Draw::new(2);
        let mut side =
            || histogram((0..50).map(|_| 1000 + draw.below(1000) as u64).collect::<Vec<_>>().into_iter());
        let cells: Vec<(Histogram, Histogram)> = (0..40).map(|_| (side(), side())).collect();
        let units: Vec<Unit<'_>> = cells.iter().map(|(a, b)| (a, b)).collect();
        let found =
            log_ratio_variation(&units, &Weights::draw(40, 400, 5), &[0.5], 1e7)[0].unwrap().deviation;
        let expected = 2.0_f64.sqrt() * 0.5 / 2000.0_f64.sqrt() / 1.5;
        assert!((0.6..1.5).contains(&(found / expected)), "{found} {expected}");
    }

    #[test]
    fn empty_sides_have_no_deviation() {
        let (full, empty) = (histogram(1..100), Histogram::default());
        let units: Vec<Unit<'_>> = vec![(&full, &empty); 10];
        assert_eq!(log_ratio_variation(&units, &Weights::draw(10, 50, 1), &[0.5], 1e7), [None]);
        let mut never = Histogram::default();
        (0..100).for_each(|_| never.add(NEVER));
        never.settle();
        let units: Vec<Unit<'_>> = vec![(&full, &never); 10];
        let found = log_ratio_variation(&units, &Weights::draw(10, 50, 1), &[0.5], 1e7)[0].expect("a ratio");
        assert!(found.deviation < 1e-12 && found.second_never > 0.999, "{found:?}");
        assert_eq!(log_ratio_variation(&[], &Weights::draw(0, 50, 1), &[0.5], 1e7), [None]);
    }
}
