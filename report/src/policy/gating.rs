//! The gating set: which metrics decide, fixed from planned counts before the first request.

use super::{GateName, Policy};
use crate::summary::{Gate, GatingMetric, GatingSet, MetricKind, Scope};
use corpus::run::EndpointPlan;

/// Endpoints are judged on their own until they carry this share of the planned requests.
const NAMED_SHARE: f64 = 0.95;
/// A quantile gates where at least this many requests are planned beyond it.
pub(crate) const LEAST_BEYOND: f64 = 20.0;

/// Where the baseline's responses come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Baseline {
    /// A backend.
    Live,
    /// The recording: latency is not judged.
    Recorded,
}

/// What a scope's metrics can become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// Go needs whatever is asked for here: overall, and critical endpoints.
    Demanded,
    /// Go needs what the planned count can decide; the rest can only raise an alarm.
    Named,
    /// As `Named`, without latency: endpoints of different speeds are pooled.
    Pooled,
}

/// The gating set of `policy` for a plan with these endpoints.
///
/// Overall; the endpoints that carry 95 % of the planned requests, at most [`Policy::max_endpoints`]; those marked
/// critical; the others pooled. The highest quantile that gates is one beyond which 20 requests are planned.
pub fn gating_set(policy: &Policy, endpoints: &[EndpointPlan], baseline: Baseline) -> GatingSet {
    let named = named_endpoints(policy, endpoints);
    let distinct = |endpoint: &EndpointPlan| endpoint.planned.min(endpoint.recorded);
    let total: u64 = endpoints.iter().map(distinct).sum();
    let mut metrics = scope_metrics(policy, Scope::Overall, total, Standing::Demanded, baseline);
    let mut pooled = total;
    for endpoint in &named {
        let standing = if policy.is_critical(&endpoint.name) { Standing::Demanded } else { Standing::Named };
        let scope = Scope::Endpoint(endpoint.name.clone());
        metrics.extend(scope_metrics(policy, scope, distinct(endpoint), standing, baseline));
        pooled -= distinct(endpoint);
    }
    let planned_endpoints = endpoints.iter().filter(|endpoint| endpoint.planned > 0).count();
    let named_planned = named.iter().filter(|endpoint| endpoint.planned > 0).count();
    if pooled > 0 {
        metrics.extend(scope_metrics(policy, Scope::Rest, pooled, Standing::Pooled, baseline));
    }
    GatingSet {
        alpha_go: policy.alpha.value(),
        alpha_no_go: policy.no_go_alpha.value(),
        metrics,
        endpoints: named.iter().map(|endpoint| endpoint.name.clone()).collect(),
        pooled_endpoints: (planned_endpoints - named_planned) as u64,
    }
}

fn named_endpoints<'a>(policy: &Policy, endpoints: &'a [EndpointPlan]) -> Vec<&'a EndpointPlan> {
    let mut by_traffic: Vec<&EndpointPlan> = endpoints.iter().collect();
    by_traffic.sort_by(|a, b| b.planned.cmp(&a.planned).then_with(|| a.name.cmp(&b.name)));
    #[expect(clippy::cast_precision_loss, reason = "a share is wanted")]
    let enough = NAMED_SHARE * endpoints.iter().map(|endpoint| endpoint.planned).sum::<u64>() as f64;
    let (mut carried, mut chosen) = (0_u64, 0_usize);
    by_traffic.retain(|endpoint| {
        #[expect(clippy::cast_precision_loss, reason = "a share is wanted")]
        let by_share = endpoint.planned > 0 && (carried as f64) < enough && chosen < policy.max_endpoints;
        if by_share {
            carried += endpoint.planned;
            chosen += 1;
        }
        by_share || policy.is_critical(&endpoint.name)
    });
    by_traffic
}

fn scope_metrics(
    policy: &Policy,
    scope: Scope,
    planned: u64,
    standing: Standing,
    baseline: Baseline,
) -> Vec<GatingMetric> {
    let margins = policy.margins_at(scope.endpoint());
    let gate = policy.gate_at(scope.endpoint());
    let part = |metric: MetricKind| {
        let latency = margins.latency(metric);
        let points = margins.points(metric);
        let gate = match points {
            Some(margin) => share_gate(gate, metric, standing, planned >= margin.least_exchanges()),
            None => latency_gate(gate, metric, standing, planned, baseline),
        };
        GatingMetric {
            scope: scope.clone(),
            metric,
            gate,
            planned,
            margin_ratio: latency.map(super::LatencyMargin::ratio),
            margin_us: latency.map(|margin| margin.absolute().as_secs_f64() * 1e6),
            margin_points: points.map(super::Points::value),
        }
    };
    MetricKind::ALL.into_iter().map(part).filter(|metric| is_worth_showing(metric, standing)).collect()
}

fn is_worth_showing(metric: &GatingMetric, standing: Standing) -> bool {
    let far_tail = metric.metric == MetricKind::LatencyP999 && metric.gate == Gate::Shown;
    let pooled_latency = metric.metric.quantile().is_some() && standing == Standing::Pooled;
    !pooled_latency && (!far_tail || has_enough_beyond(metric.planned, 0.999))
}

fn share_gate(gate: &[GateName], metric: MetricKind, standing: Standing, decidable: bool) -> Gate {
    if !gate.iter().any(|name| name.metric() == Some(metric)) {
        Gate::Shown
    } else if standing == Standing::Demanded || decidable {
        Gate::Gate
    } else {
        Gate::Alarm
    }
}

fn latency_gate(
    gate: &[GateName],
    metric: MetricKind,
    standing: Standing,
    planned: u64,
    baseline: Baseline,
) -> Gate {
    let quantile = metric.quantile().unwrap_or(0.5);
    let by_name = gate.iter().any(|name| name.metric() == Some(metric)) && standing == Standing::Demanded;
    let in_family = gate.contains(&GateName::Latency) && metric != MetricKind::LatencyP999;
    let asked = in_family || gate.iter().any(|name| name.metric() == Some(metric));
    // The median of a demanded scope gates even where it cannot be decided: too little data is not go.
    let least = metric == MetricKind::LatencyP50 && standing == Standing::Demanded && asked;
    if baseline == Baseline::Recorded || standing == Standing::Pooled || !asked {
        Gate::Shown
    } else if by_name || least || has_enough_beyond(planned, quantile) {
        Gate::Gate
    } else {
        Gate::Shown
    }
}

/// Whether `n` values put enough of them beyond `quantile` for it to be judged.
pub(crate) fn has_enough_beyond(n: u64, quantile: f64) -> bool {
    #[expect(clippy::cast_precision_loss, reason = "a count against 20")]
    let beyond = n as f64 * (1.0 - quantile);
    // The tolerance is for 1 - 0.99, which is not 0.01 in binary.
    beyond + 1e-6 >= LEAST_BEYOND
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(counts: &[u64]) -> Vec<EndpointPlan> {
        let name = |i| format!("GET /{i}");
        counts
            .iter()
            .enumerate()
            .map(|(i, count)| EndpointPlan { name: name(i), recorded: *count, planned: *count })
            .collect()
    }

    fn gates(set: &GatingSet, scope: &Scope) -> String {
        let shown = |m: &&GatingMetric| m.scope == *scope && m.gate != Gate::Shown;
        let mark = |m: &GatingMetric| {
            format!("{}{}", m.metric.short(), if m.gate == Gate::Alarm { "?" } else { "" })
        };
        set.metrics.iter().filter(shown).map(mark).collect::<Vec<_>>().join(" ")
    }

    fn check(policy: &str, counts: &[u64], scope: &Scope, expected: &str) {
        let policy = super::super::parse(policy).unwrap();
        let set = gating_set(&policy, &plan(counts), Baseline::Live);
        assert_eq!(gates(&set, scope), expected, "{scope} of {counts:?}");
    }

    #[test]
    fn quantiles_gate_as_far_up_as_the_count_carries() {
        for (count, expected) in [
            (0, "p50 errors statuses bodies"),
            (39, "p50 errors statuses bodies"),
            (400, "p50 p95 errors statuses bodies"),
            (1999, "p50 p95 errors statuses bodies"),
            (2000, "p50 p95 p99 errors statuses bodies"),
            (1_000_000, "p50 p95 p99 errors statuses bodies"),
        ] {
            check("", &[count], &Scope::Overall, expected);
        }
    }

    #[test]
    fn small_endpoints_raise_alarms_and_critical_ones_gate() {
        let small = Scope::Endpoint("GET /1".to_owned());
        check("", &[4000, 500], &small, "p50 p95 errors? statuses? bodies?");
        check("[policy]\ncritical = [\"GET /1\"]\n", &[4000, 5], &small, "p50 errors statuses bodies");
        check("", &[4000, 5], &small, "");
        check("", &[4000, 5], &Scope::Rest, "errors? statuses? bodies?");
    }

    #[test]
    fn what_is_named_gates_whatever_the_count() {
        check("[policy]\ngate = [\"p99\"]\n", &[100], &Scope::Overall, "p99");
        check("[policy]\ngate = [\"p99.9\", \"errors\"]\n", &[100], &Scope::Overall, "p99.9 errors");
    }

    #[test]
    fn a_recorded_baseline_has_no_latency() {
        let set = gating_set(&Policy::default(), &plan(&[10_000]), Baseline::Recorded);
        assert_eq!(gates(&set, &Scope::Overall), "errors statuses bodies");
    }

    #[test]
    fn repeats_of_one_pass_are_no_new_evidence() {
        let endpoints = [EndpointPlan { name: "GET /".to_owned(), recorded: 300, planned: 100_000 }];
        let set = gating_set(&Policy::default(), &endpoints, Baseline::Live);
        assert_eq!(gates(&set, &Scope::Overall), "p50 errors statuses bodies");
    }
}
