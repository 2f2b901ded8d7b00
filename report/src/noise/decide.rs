//! Which units are noise: the rate between the backends against the rate between instances of the baseline.

use super::NoiseSettings;
use super::units::{Aspect, Unit};
use crate::group::NoiseRates;
use statrs::distribution::{ContinuousCDF, Normal};
use std::collections::HashSet;

/// Whether a unit is noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finding {
    /// A difference between the backends.
    Real,
    /// It differs as often where nothing should.
    Noise,
    /// Said by another unit already, or never seen between the backends.
    Silent,
}

/// Comparisons of one endpoint, as evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Compared {
    pub(super) pairs: u64,
    pub(super) exchanges: u64,
    pub(super) noise_pairs: u64,
    pub(super) noise_exchanges: u64,
    pub(super) candidate_noise_pairs: u64,
}

/// Decides all units; `compared` is indexed by endpoint.
///
/// A place where nothing differs between instances of the baseline has no noise: every difference in it is real.
/// In a place with noise, a difference is real where its rate between the backends is proven to be higher by
/// more than the margin (Newcombe's interval, alpha shared among all units in question). A missing, extra or
/// retyped member is real in every place.
pub(super) fn decide(units: &[Unit], compared: &[Compared], settings: &NoiseSettings) -> Vec<Finding> {
    let place = |unit: &Unit| (unit.endpoint, unit.path);
    let noisy: HashSet<_> =
        units.iter().filter(|u| u.noise_pairs > 0 && u.kind.may_be_noise()).map(place).collect();
    let in_question =
        |unit: &&Unit| unit.pairs > 0 && unit.kind.may_be_noise() && noisy.contains(&place(unit));
    let questions = units.iter().filter(in_question).count().max(1);
    let z = quantile(1.0 - settings.alpha / questions as f64);
    let mut findings: Vec<Finding> = units
        .iter()
        .map(|unit| match unit {
            unit if unit.pairs == 0 => Finding::Silent,
            unit if !in_question(&unit) => Finding::Real,
            unit => {
                let evidence = compared.get(unit.endpoint.0 as usize).copied().unwrap_or_default();
                let more = exceeds(unit, &evidence, z, settings.margin);
                if more { Finding::Real } else { Finding::Noise }
            }
        })
        .collect();
    silence_shapes(units, &mut findings);
    findings
}

/// The shape of a number says nothing new where its value is a real difference already.
fn silence_shapes(units: &[Unit], findings: &mut [Finding]) {
    let decided = units.iter().zip(findings.iter());
    let noise_values: HashSet<_> = decided
        .filter(|(unit, finding)| unit.aspect == Aspect::Difference && **finding == Finding::Noise)
        .map(|(unit, _)| (unit.endpoint, unit.path))
        .collect();
    for (unit, finding) in units.iter().zip(findings) {
        if unit.aspect == Aspect::Shape && !noise_values.contains(&(unit.endpoint, unit.path)) {
            *finding = Finding::Silent;
        }
    }
}

fn quantile(probability: f64) -> f64 {
    Normal::standard().inverse_cdf(probability.clamp(0.5, 1.0 - 1e-12))
}

/// Whether the lower limit of the difference of rates lies above the margin.
fn exceeds(unit: &Unit, evidence: &Compared, z: f64, margin: f64) -> bool {
    let here = Rate::new(unit.pairs, evidence.pairs, evidence.exchanges);
    let noise = Rate::new(unit.noise_pairs, evidence.noise_pairs, evidence.noise_exchanges);
    let (lower, _) = here.wilson(z);
    let (_, upper) = noise.wilson(z);
    let difference = here.share - noise.share;
    // R. G. Newcombe, "Interval estimation for the difference between independent proportions", 1998, method 10.
    difference - ((here.share - lower).powi(2) + (upper - noise.share).powi(2)).sqrt() > margin
}

struct Rate {
    share: f64,
    n: f64,
}

impl Rate {
    /// Repetitions of an exchange are no new evidence.
    fn new(seen: u64, pairs: u64, exchanges: u64) -> Rate {
        let share = if pairs == 0 { 0.0 } else { (seen as f64 / pairs as f64).min(1.0) };
        Rate { share, n: pairs.min(exchanges) as f64 }
    }

    /// E. B. Wilson, "Probable inference, the law of succession, and statistical inference", 1927.
    fn wilson(&self, z: f64) -> (f64, f64) {
        if self.n < 1.0 {
            return (0.0, 1.0);
        }
        let (p, n, z2) = (self.share, self.n, z * z);
        let centre = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
        let half = z / (1.0 + z2 / n) * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
        ((centre - half).max(0.0), (centre + half).min(1.0))
    }
}

/// The evidence on one unit, as reports show it.
pub(super) fn rates(unit: &Unit, compared: &[Compared]) -> NoiseRates {
    let evidence = compared.get(unit.endpoint.0 as usize).copied().unwrap_or_default();
    NoiseRates {
        noise_pairs: unit.noise_pairs,
        of_noise_pairs: evidence.noise_pairs,
        pairs: unit.pairs,
        of_pairs: evidence.pairs,
        candidate_noise_pairs: unit.candidate_noise_pairs,
        of_candidate_noise_pairs: evidence.candidate_noise_pairs,
    }
}
