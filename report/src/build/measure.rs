//! Metrics from counters: estimate, interval, and what the interval says against the margin.
//!
//! Invariant: no metric is `ok` without enough distinct exchanges and an upper limit below its margin; whatever lacks
//! data is undecided, with the reason and what would decide it.

mod latency;
mod shares;

use crate::collect::Stratum;
use crate::latency::Resampling;
use crate::noise::{EndpointCounts, Tally};
use crate::policy::Baseline;
use crate::stats::holm;
use crate::summary::{Decision, Gate, GatingMetric, GatingSet, Metric, Needs, ReasonCode, Scope};

/// Counters of one scope.
#[derive(Debug)]
pub(super) struct ScopeData<'a> {
    pub(super) stratum: &'a Stratum,
    /// What the comparison of responses counted, summed over the scope's endpoints.
    pub(super) compared: EndpointCounts,
    /// Pairs with the most frequent difference that noise cannot explain.
    pub(super) shape_pairs: u64,
    /// Distinct exchanges that the corpus holds for it.
    pub(super) corpus_has: u64,
}

/// What all metrics of a report share.
#[derive(Debug)]
pub(super) struct Setting<'a> {
    pub(super) gating: &'a GatingSet,
    pub(super) baseline: Baseline,
    pub(super) censor_us: f64,
    /// Planned seconds of all runs.
    pub(super) seconds: f64,
}

/// A metric with its level not yet shared out.
#[derive(Debug)]
struct Draft {
    decision: Decision,
    reason: Option<ReasonCode>,
    estimate: crate::summary::Estimate,
    changed: bool,
    effective_n: Option<f64>,
    p_worse: Option<f64>,
    detectable: Option<f64>,
    method: &'static str,
    needs: Option<Needs>,
}

/// Measures every metric of the gating set.
pub(super) fn metrics<'a>(
    setting: &Setting<'_>,
    data: impl Fn(&Scope) -> Option<&'a ScopeData<'a>>,
    draws: &mut Resampling,
) -> Vec<Metric> {
    let mut metrics = Vec::new();
    let mut rest = setting.gating.metrics.as_slice();
    while let Some(first) = rest.first() {
        let len = rest.iter().take_while(|metric| metric.scope == first.scope).count();
        let (of_scope, after) = rest.split_at(len);
        rest = after;
        if let Some(data) = data(&first.scope) {
            metrics.extend(scope_metrics(setting, of_scope, data, draws));
        }
    }
    share_out(&mut metrics, setting.gating.alpha_no_go);
    metrics
}

fn scope_metrics(
    setting: &Setting<'_>,
    wanted: &[GatingMetric],
    data: &ScopeData<'_>,
    draws: &mut Resampling,
) -> Vec<Metric> {
    let (latencies, shares): (Vec<_>, Vec<_>) =
        wanted.iter().partition(|metric| metric.metric.quantile().is_some());
    let mut drafts = match setting.baseline {
        Baseline::Live => latency::drafts(setting, &latencies, data, draws),
        Baseline::Recorded => Vec::new(),
    };
    drafts.extend(shares.iter().map(|metric| shares::draft(setting, metric, data)));
    let kept = latencies.iter().filter(|_| setting.baseline == Baseline::Live).chain(&shares);
    kept.zip(drafts).map(|(metric, draft)| finished(metric, draft, data)).collect()
}

fn finished(metric: &GatingMetric, draft: Draft, data: &ScopeData<'_>) -> Metric {
    Metric {
        id: format!("{}/{}", metric.scope, metric.metric.name()),
        scope: metric.scope.clone(),
        metric: metric.metric,
        gate: metric.gate,
        decision: draft.decision,
        reason: draft.reason,
        estimate: draft.estimate,
        changed: draft.changed,
        pairs: data.stratum.pairs,
        distinct: data.stratum.exchanges.count(),
        effective_n: draft.effective_n.map(tidy),
        p_worse: draft.p_worse.map(tidy),
        detectable: draft.detectable.map(tidy),
        method: draft.method,
        needs: draft.needs,
    }
}

/// Decides which metrics are worse: those that decide something share one level by Holm's method, each other has its own.
fn share_out(metrics: &mut [Metric], alpha: f64) {
    let judged: Vec<usize> = (0..metrics.len()).filter(|index| metrics[*index].gate != Gate::Shown).collect();
    let p_values: Vec<Option<f64>> = judged.iter().map(|index| worse_p(&metrics[*index])).collect();
    let mut worse = vec![false; metrics.len()];
    for (index, rejected) in judged.iter().zip(holm::rejected(&p_values, alpha)) {
        worse[*index] = rejected;
    }
    for (metric, worse) in metrics.iter_mut().zip(worse) {
        let alone = metric.gate == Gate::Shown && worse_p(metric).is_some_and(|p| p <= alpha);
        if worse || alone {
            metric.decision = Decision::Worse;
            (metric.reason, metric.needs) = (None, None);
        }
    }
}

/// The p-value as far as it may speak against the candidate.
fn worse_p(metric: &Metric) -> Option<f64> {
    let doubted = matches!(metric.reason, Some(ReasonCode::GeneratorLag | ReasonCode::NoNoiseData));
    metric.p_worse.filter(|_| !doubted)
}

/// What enough data would be, given a factor on what there is.
fn needs(setting: &Setting<'_>, data: &ScopeData<'_>, factor: f64) -> Needs {
    let have = data.stratum.exchanges.count();
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate for people"
    )]
    let wanted = (have.max(1) as f64 * factor).ceil().min(1e15) as u64;
    Needs {
        more_seconds: Some(tidy(setting.seconds * (factor - 1.0).max(0.0))),
        distinct_exchanges: Some(wanted),
        corpus_has: Some(data.corpus_has),
        larger_corpus: wanted > data.corpus_has,
    }
}

/// Sums what the comparison counted.
pub(super) fn add_counts(sum: &mut EndpointCounts, one: &EndpointCounts) {
    for (sum, one) in [(&mut sum.pairs, &one.pairs), (&mut sum.noise, &one.noise)] {
        add_tally(sum, one);
    }
}

fn add_tally(sum: &mut Tally, one: &Tally) {
    for (sum, one) in [
        (&mut sum.compared, &one.compared),
        (&mut sum.not_compared, &one.not_compared),
        (&mut sum.status, &one.status),
        (&mut sum.body, &one.body),
        (&mut sum.header, &one.header),
        (&mut sum.mismatched, &one.mismatched),
    ] {
        sum.pairs += one.pairs;
        sum.exchanges += one.exchanges;
    }
}

/// Six significant digits: more than any of these numbers carries, and the same text on every machine.
pub(crate) fn tidy(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return if value.is_finite() { 0.0 } else { value };
    }
    format!("{value:.5e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_kept_to_six_digits() {
        for (value, expected) in [
            (0.0, 0.0),
            (-0.0, 0.0),
            (1.0 / 3.0, 0.333_333),
            (123_456_789.0, 123_457_000.0),
            (f64::INFINITY, f64::INFINITY),
        ] {
            assert_eq!(tidy(value).to_bits(), f64::to_bits(expected), "{value}");
        }
    }
}
