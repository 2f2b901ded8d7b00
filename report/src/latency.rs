//! Intervals for the ratio of latency quantiles, candidate to baseline.
//!
//! Two sources of variation, and the wider holds: one-second blocks, with the standard error widened by
//! `sqrt((1 + f) / (1 - f))` for the correlation `f` from second to second and Student limits with the effective number
//! of seconds; and whole sessions with all their repeats. Both sides of a block or session are drawn together.

use crate::stats::histogram::{Histogram, Quantile};
use crate::stats::resample::{Unit, Variation, Weights, log_ratio_variation, standing};
use crate::stats::{serial, student};

/// Resamples behind each interval. A standard error of 400 resamples is itself known within 4 %.
pub(crate) const RESAMPLES: usize = 400;
/// The least effective number of seconds, and of sessions.
pub(crate) const LEAST_UNITS: f64 = 8.0;

/// The counters of one scope: one entry for each second, and one for each group of whole sessions; all settled.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cells<'a> {
    pub(crate) seconds: &'a [(Histogram, Histogram)],
    pub(crate) sessions: &'a [(Histogram, Histogram)],
    /// What failed or was not answered within this counts as slower than everything.
    pub(crate) censor_us: f64,
}

/// Draws that every scope of one report shares.
#[derive(Debug)]
pub(crate) struct Resampling {
    seed: u64,
    drawn: Vec<Weights>,
}

impl Resampling {
    pub(crate) fn new(seed: u64) -> Resampling {
        Resampling { seed, drawn: Vec::new() }
    }

    fn weights(&mut self, units: usize) -> &Weights {
        let known = self.drawn.iter().position(|weights| weights.units() == units);
        let index = known.unwrap_or_else(|| {
            // Scopes differ in how many seconds they have; a few sets of draws serve them all.
            self.drawn.truncate(8);
            self.drawn.push(Weights::draw(units, RESAMPLES, self.seed ^ units as u64));
            self.drawn.len() - 1
        });
        &self.drawn[index]
    }
}

/// What one source of variation says.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Spread {
    error: f64,
    freedom: f64,
    second_never: f64,
}

/// Why there is no interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Lack {
    /// A side has no values, or both quantiles lie among what never ended.
    Values,
    /// Too few effective seconds.
    Seconds {
        /// How many there are.
        effective: f64,
    },
    /// Too few sessions.
    Sessions {
        /// How many there are.
        groups: usize,
    },
}

/// The estimate of one quantile's ratio.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Estimate {
    pub(crate) baseline: Quantile,
    pub(crate) candidate: Quantile,
    /// `ln(candidate / baseline)`, with what never ended at the censoring point.
    pub(crate) log_ratio: Option<f64>,
    /// Effective number of seconds.
    pub(crate) effective: f64,
    spreads: Result<[Spread; 2], Lack>,
}

impl Estimate {
    /// Why there is no interval, where there is none.
    pub(crate) fn lack(&self) -> Option<Lack> {
        self.spreads.err()
    }

    /// The lower limit of the log ratio, at one-sided level `alpha`.
    pub(crate) fn lower(&self, alpha: f64) -> Option<f64> {
        // Where the baseline's own quantile is unknown, the ratio is at most what stands here.
        let known = self.baseline != Quantile::Never;
        Some(if known { self.log_ratio? - self.reach(alpha)? } else { f64::NEG_INFINITY })
    }

    /// The upper limit of the log ratio; infinite where the candidate's quantile may lie among what never ended.
    pub(crate) fn upper(&self, alpha: f64) -> Option<f64> {
        let never = self.spreads.ok()?.iter().any(|spread| spread.second_never > alpha / 2.0);
        let unbounded = never || self.candidate == Quantile::Never;
        Some(if unbounded { f64::INFINITY } else { self.log_ratio? + self.reach(alpha)? })
    }

    /// The wider half-width at one-sided level `alpha`.
    pub(crate) fn reach(&self, alpha: f64) -> Option<f64> {
        let spreads = self.spreads.ok()?;
        Some(spreads.iter().map(|s| s.error * student::quantile(1.0 - alpha, s.freedom)).fold(0.0, f64::max))
    }

    /// The p-value of "the log ratio is at most `margin`"; the larger of both sources.
    pub(crate) fn p_beyond(&self, margin: f64) -> Option<f64> {
        let (log_ratio, spreads) = (self.log_ratio?, self.spreads.ok()?);
        if self.baseline == Quantile::Never {
            return Some(1.0);
        }
        let p = |spread: &Spread| match log_ratio - margin {
            over if spread.error > 0.0 => student::above(over / spread.error, spread.freedom),
            over => f64::from(u8::from(over <= 0.0)),
        };
        Some(spreads.iter().map(p).fold(0.0, f64::max))
    }
}

/// Estimates each of `quantiles` (0..1).
pub(crate) fn estimate(cells: Cells<'_>, quantiles: &[f64], draws: &mut Resampling) -> Vec<Estimate> {
    let (baseline, candidate) = totals(cells.seconds);
    let seconds = both_sided(cells.seconds);
    let serial = serial::measure(&log_ratios_of_medians(&seconds));
    let groups = both_sided(cells.sessions);
    let by_second = variations(&seconds, quantiles, cells.censor_us, serial.effective, draws);
    #[expect(clippy::cast_precision_loss, reason = "at most a few hundred groups")]
    let by_session = variations(&groups, quantiles, cells.censor_us, groups.len() as f64, draws);
    let both = by_second.into_iter().zip(by_session);
    let one = |(q, (second, session)): (&f64, (Option<Variation>, Option<Variation>))| {
        let (b, c) = (baseline.quantile(*q), candidate.quantile(*q));
        let neither = b == Quantile::Never && c == Quantile::Never;
        let ratio = standing(b, cells.censor_us).zip(standing(c, cells.censor_us)).map(|(b, c)| (c / b).ln());
        let spreads = match (second, session) {
            _ if neither || ratio.is_none() => Err(Lack::Values),
            (None, _) => Err(Lack::Seconds { effective: serial.effective }),
            (_, None) => Err(Lack::Sessions { groups: groups.len() }),
            (Some(second), Some(session)) => Ok([
                spread(second, seconds.len(), serial.inflation, serial.effective),
                spread(session, groups.len(), 1.0, groups.len() as f64),
            ]),
        };
        let log_ratio = ratio.filter(|_| !neither);
        Estimate { baseline: b, candidate: c, log_ratio, effective: serial.effective, spreads }
    };
    quantiles.iter().zip(both).map(one).collect()
}

fn variations(
    units: &[Unit<'_>],
    quantiles: &[f64],
    censor_us: f64,
    effective: f64,
    draws: &mut Resampling,
) -> Vec<Option<Variation>> {
    if effective < LEAST_UNITS {
        return vec![None; quantiles.len()];
    }
    log_ratio_variation(units, draws.weights(units.len()), quantiles, censor_us)
}

#[expect(clippy::cast_precision_loss, reason = "a count of units")]
fn spread(variation: Variation, units: usize, inflation: f64, effective: f64) -> Spread {
    let n = units as f64;
    let error = variation.deviation * (n / (n - 1.0)).sqrt() * inflation.sqrt();
    Spread { error, freedom: (effective - 1.0).max(3.0), second_never: variation.second_never }
}

/// The units in which both sides have values.
fn both_sided(cells: &[(Histogram, Histogram)]) -> Vec<Unit<'_>> {
    cells.iter().filter(|(a, b)| a.total() > 0 && b.total() > 0).map(|(a, b)| (a, b)).collect()
}

pub(crate) fn totals(cells: &[(Histogram, Histogram)]) -> (Histogram, Histogram) {
    let mut sums = (Histogram::default(), Histogram::default());
    for (a, b) in cells {
        sums.0.merge(a);
        sums.1.merge(b);
    }
    sums
}

fn log_ratios_of_medians(seconds: &[Unit<'_>]) -> Vec<f64> {
    let ratio =
        |(a, b): &Unit<'_>| Some((b.quantile(0.5).us()?.max(1e-3) / a.quantile(0.5).us()?.max(1e-3)).ln());
    seconds.iter().filter_map(ratio).collect()
}

#[cfg(test)]
mod simulation;
