//! Which differences are noise: what also differs between instances of the baseline, as often.
//!
//! One streaming pass: differences are counted per unit (endpoint, path, kind) with bounded examples, and
//! resolved when all pairs were seen. Invariant: shape (missing, extra, type, status) is never explained
//! away, memory is bounded by units and not by pairs, and what a bound cuts off is counted.

mod decide;
mod exchanges;
mod resolve;
mod sets;
#[cfg(test)]
mod tests;
mod units;

use crate::compare::{self, Comparison, NotCompared, ResponseView, RuleId, Rules};
use crate::group::{Group, NoiseRates, Signature};
use corpus::ids::{EndpointId, ExchangeId, PlanSeq};
use corpus::time::RunTime;
use exchanges::{Exchanges, Seen};
use sets::Sets;
use std::collections::BTreeMap;
use units::{PairOf, UnitId, Units};

/// What a pair belongs to.
#[derive(Debug, Clone, Copy)]
pub struct PairContext<'a> {
    /// The endpoint: an index into the names given to [`Accumulator::new`].
    pub endpoint: EndpointId,
    /// The recorded exchange.
    pub exchange: ExchangeId,
    /// Its place in the plan.
    pub seq: PlanSeq,
    /// When it was planned.
    pub at: RunTime,
    /// The method as recorded.
    pub method: &'a [u8],
    /// The target as sent.
    pub target: &'a [u8],
}

/// Where a noise pair comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoiseSource {
    /// Two instances of the baseline, or the baseline asked twice.
    Baseline,
    /// The candidate asked twice: shown, and no excuse.
    Candidate,
}

/// When a rate of differences is more than noise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NoiseSettings {
    /// How much more often (as a share of pairs) a noisy unit may differ between the backends.
    pub margin: f64,
    /// One-sided error level over all noisy units together.
    pub alpha: f64,
}

impl Default for NoiseSettings {
    fn default() -> Self {
        Self { margin: 0.01, alpha: 0.05 }
    }
}

/// Takes pairs one by one and resolves them at the end.
///
/// Give it the pairs in the order of the plan: examples and first occurrences follow the order of the calls.
#[derive(Debug)]
pub struct Accumulator {
    rules: Rules,
    endpoints: Vec<String>,
    units: Units,
    sets: Sets,
    exchanges: Exchanges,
    totals: Vec<Totals>,
    rule_hits: Vec<u64>,
    not_compared: BTreeMap<NotCompared, u64>,
    /// Units of the pair at hand.
    shown: Vec<UnitId>,
}

/// Running counts of one endpoint.
#[derive(Debug, Clone, Copy, Default)]
struct Totals {
    counts: EndpointCounts,
    candidate_noise: u64,
}

/// Whether a pair shows a difference that counts, noise included: what is known before the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PairResult {
    /// Nothing that counts differs.
    Equal,
    /// Something differs.
    Differs,
    /// The bodies were not compared.
    NotCompared(NotCompared),
}

impl Accumulator {
    /// An accumulator for pairs of the endpoints of these names.
    pub fn new(rules: Rules, endpoints: Vec<String>) -> Accumulator {
        Accumulator {
            totals: vec![Totals::default(); endpoints.len()],
            rule_hits: vec![0; rules.len()],
            rules,
            endpoints,
            units: Units::default(),
            sets: Sets::default(),
            exchanges: Exchanges::default(),
            not_compared: BTreeMap::new(),
            shown: Vec::new(),
        }
    }

    /// Compares baseline and candidate and counts what differs.
    pub fn pair(
        &mut self,
        context: &PairContext<'_>,
        baseline: &ResponseView<'_>,
        candidate: &ResponseView<'_>,
    ) -> PairResult {
        let comparison = self.compare(context, baseline, candidate);
        for rule in &comparison.ignored {
            self.rule_hits[rule.0] += 1;
        }
        if let Some(reason) = comparison.not_compared {
            *self.not_compared.entry(reason).or_default() += 1;
        }
        self.count(PairOf::Backends, context, &comparison)
    }

    /// Compares two responses of one backend and counts what differs as noise.
    pub fn noise_pair(
        &mut self,
        context: &PairContext<'_>,
        source: NoiseSource,
        first: &ResponseView<'_>,
        second: &ResponseView<'_>,
    ) -> PairResult {
        let comparison = self.compare(context, first, second);
        let of = match source {
            NoiseSource::Baseline => PairOf::Baseline,
            NoiseSource::Candidate => PairOf::Candidate,
        };
        self.count(of, context, &comparison)
    }

    /// Decides what is noise and groups the rest.
    pub fn finish(self, settings: NoiseSettings) -> Resolved {
        resolve::resolve(self, &settings)
    }

    fn compare<'a>(
        &self,
        context: &PairContext<'_>,
        a: &ResponseView<'a>,
        b: &ResponseView<'a>,
    ) -> Comparison<'a> {
        let name = self.endpoints.get(context.endpoint.0 as usize).map_or("", String::as_str);
        compare::compare_under(&self.rules.of_endpoint(name), a, b)
    }

    fn count(&mut self, of: PairOf, context: &PairContext<'_>, comparison: &Comparison<'_>) -> PairResult {
        self.units.count(of, context, comparison, &mut self.shown);
        let set = self.sets.id(context.endpoint, &self.shown, &self.units);
        let result = match comparison.not_compared {
            Some(reason) => PairResult::NotCompared(reason),
            None if self.sets.is_empty_set(set) => PairResult::Equal,
            None => PairResult::Differs,
        };
        let counts = self.sets.counts(set);
        let totals = self.totals.get_mut(context.endpoint.0 as usize);
        let known = self.exchanges.entry(context.exchange, context.endpoint);
        let (counter, tally, seen) = match (of, totals) {
            (_, None) => return result,
            (PairOf::Candidate, Some(totals)) => {
                totals.candidate_noise += u64::from(comparison.not_compared.is_none());
                return result;
            }
            (PairOf::Backends, Some(totals)) => {
                (&mut counts.pairs, &mut totals.counts.pairs, known.map(|known| &mut known.pairs))
            }
            (PairOf::Baseline, Some(totals)) => {
                (&mut counts.noise, &mut totals.counts.noise, known.map(|known| &mut known.noise))
            }
        };
        *counter += 1;
        let is_compared = comparison.not_compared.is_none();
        if is_compared {
            tally.compared.pairs += 1;
        } else {
            tally.not_compared.pairs += 1;
        }
        if let Some(seen) = seen {
            seen.add(set);
            if is_compared {
                seen.compared = Seen::Yes;
            } else {
                seen.not_compared = Seen::Yes;
            }
        }
        result
    }
}

/// All pairs, resolved.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Resolved {
    /// Real differences as causes: gravest first, then by pairs affected.
    pub groups: Vec<Group>,
    /// Units that differ as often between instances of the baseline.
    pub noise: Vec<NoiseUnit>,
    /// Pairs in which each rule hid something, in the order of the rules: 0 for a rule that matched nothing.
    pub rule_hits: Vec<(RuleId, u64)>,
    /// Pairs whose bodies were not compared, by reason.
    pub not_compared: BTreeMap<NotCompared, u64>,
    /// Counts per endpoint, in the order of the names.
    pub endpoints: Vec<EndpointCounts>,
    /// Differences that were counted but not told apart because a bound on distinct ones was reached.
    pub other: u64,
    /// Pairs whose many noisy differences were cut to the one least like noise, because a bound was reached.
    pub cut: u64,
}

/// A unit that is noise.
#[derive(Debug, Clone, PartialEq)]
pub struct NoiseUnit {
    /// The endpoint.
    pub endpoint: EndpointId,
    /// Path, kind and most frequent change.
    pub name: Signature,
    /// The evidence.
    pub rates: NoiseRates,
}

/// What became of the pairs of one endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EndpointCounts {
    /// Baseline and candidate.
    pub pairs: Tally,
    /// Baseline and baseline, judged by the same units: what to subtract as noise.
    pub noise: Tally,
}

/// Counts of pairs, or of the distinct exchanges behind them. A pair counts as mismatched where at least
/// one difference is neither ignored nor noise nor incidental.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Pairs that were compared: all but those whose bodies were not.
    pub compared: Count,
    /// Pairs whose bodies were not compared.
    pub not_compared: Count,
    /// Pairs with another status.
    pub status: Count,
    /// Pairs with a real difference in the body (statuses being comparable).
    pub body: Count,
    /// Pairs with a real difference in a header or trailer field that clients may rely on.
    pub header: Count,
    /// Pairs with any of the three.
    pub mismatched: Count,
}

/// Pairs, and distinct exchanges among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// Pairs.
    pub pairs: u64,
    /// Distinct recorded exchanges: exact up to half a million in all, scaled up from a sample beyond.
    pub exchanges: u64,
}
