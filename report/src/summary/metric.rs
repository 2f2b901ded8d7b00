//! Metrics: what is estimated, with which interval, against which margin, and what that decides.

use serde::Serialize;
use std::fmt;

/// What a metric covers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "endpoint")]
pub enum Scope {
    /// Everything that was replayed.
    Overall,
    /// One endpoint: `GET /orders/{id}`.
    Endpoint(String),
    /// All endpoints that are not named in the gating set, pooled.
    Rest,
}

impl Scope {
    /// The endpoint's name, where this is one.
    pub fn endpoint(&self) -> Option<&str> {
        match self {
            Scope::Endpoint(name) => Some(name),
            Scope::Overall | Scope::Rest => None,
        }
    }
}

/// Shows `overall`, the endpoint's name, or `other endpoints`.
impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scope::Overall => f.write_str("overall"),
            Scope::Endpoint(name) => f.write_str(name),
            Scope::Rest => f.write_str("other endpoints"),
        }
    }
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MetricKind {
    /// Median latency from the planned time.
    LatencyP50,
    /// 95 % of requests are at least as fast.
    LatencyP95,
    /// 99 % of requests are at least as fast.
    LatencyP99,
    /// 99.9 % of requests are at least as fast.
    LatencyP999,
    /// Share of requests that ended in 5xx, a timeout or a failed connection.
    Errors,
    /// Share of pairs with different statuses, beyond noise.
    Statuses,
    /// Share of pairs with a difference in body or headers that is neither ignored nor noise.
    Bodies,
}

impl MetricKind {
    /// Every kind, in the order of tables.
    pub const ALL: [MetricKind; 7] = [
        MetricKind::LatencyP50,
        MetricKind::LatencyP95,
        MetricKind::LatencyP99,
        MetricKind::LatencyP999,
        MetricKind::Errors,
        MetricKind::Statuses,
        MetricKind::Bodies,
    ];

    /// The name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            MetricKind::LatencyP50 => "latency_p50",
            MetricKind::LatencyP95 => "latency_p95",
            MetricKind::LatencyP99 => "latency_p99",
            MetricKind::LatencyP999 => "latency_p999",
            MetricKind::Errors => "errors",
            MetricKind::Statuses => "statuses",
            MetricKind::Bodies => "bodies",
        }
    }

    /// The short name in tables: `p99`, `errors`.
    pub fn short(self) -> &'static str {
        match self {
            MetricKind::LatencyP50 => "p50",
            MetricKind::LatencyP95 => "p95",
            MetricKind::LatencyP99 => "p99",
            MetricKind::LatencyP999 => "p99.9",
            other => other.name(),
        }
    }

    /// The quantile, for latencies.
    pub fn quantile(self) -> Option<f64> {
        match self {
            MetricKind::LatencyP50 => Some(0.5),
            MetricKind::LatencyP95 => Some(0.95),
            MetricKind::LatencyP99 => Some(0.99),
            MetricKind::LatencyP999 => Some(0.999),
            MetricKind::Errors | MetricKind::Statuses | MetricKind::Bodies => None,
        }
    }
}

/// The part a metric plays in the verdict; fixed before the run, from planned counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// Go needs it within its margin; beyond it is no-go.
    Gate,
    /// Beyond its margin is no-go; too little was planned for it to be a condition of go.
    Alarm,
    /// Shown, and decides nothing.
    Shown,
}

impl Gate {
    /// The name in JSON and in tables.
    pub fn name(self) -> &'static str {
        match self {
            Gate::Gate => "gate",
            Gate::Alarm => "alarm",
            Gate::Shown => "shown",
        }
    }
}

/// What the interval says against the margin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Proven to lie within the margin.
    Ok,
    /// Neither proven.
    Undecided,
    /// Proven to lie beyond the margin.
    Worse,
}

impl Decision {
    /// The name in JSON and in tables.
    pub fn name(self) -> &'static str {
        match self {
            Decision::Ok => "ok",
            Decision::Undecided => "undecided",
            Decision::Worse => "worse",
        }
    }
}

/// One metric in one scope.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Metric {
    /// Stable id: `overall/latency_p99`, `GET /orders/{id}/errors`.
    pub id: String,
    /// What it covers.
    pub scope: Scope,
    /// What is measured.
    pub metric: MetricKind,
    /// The part it plays.
    pub gate: Gate,
    /// What the interval says.
    pub decision: Decision,
    /// Why it is undecided; null where it is decided.
    pub reason: Option<super::ReasonCode>,
    /// Values of both sides, difference, interval and margin.
    pub estimate: Estimate,
    /// Whether the interval excludes "no difference": shown, never blocks.
    pub changed: bool,
    /// Pairs that went into it, repeats included.
    pub pairs: u64,
    /// Distinct recorded exchanges among them.
    pub distinct: u64,
    /// Independent observations that the interval rests on: seconds for latencies, exchanges for shares.
    pub effective_n: Option<f64>,
    /// The probability of such data if the metric lay on its margin: small is evidence of worse.
    pub p_worse: Option<f64>,
    /// The smallest worsening that this run would have told from none, in the unit of the margin.
    pub detectable: Option<f64>,
    /// How the interval was made.
    pub method: &'static str,
    /// What would decide it, where it is undecided.
    pub needs: Option<Needs>,
}

/// The numbers of a metric, by unit. Null where there is none.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "unit")]
pub enum Estimate {
    /// A latency quantile; difference and limits as ratios candidate / baseline (1.1 is 10 % slower).
    Latency {
        /// The baseline's quantile; null beyond `censored_above_us` or without samples.
        baseline_us: Option<f64>,
        /// The candidate's quantile; null beyond `censored_above_us` or without samples.
        candidate_us: Option<f64>,
        /// What failed or was not answered within this counts as slower than everything.
        censored_above_us: f64,
        /// Candidate / baseline.
        ratio: Option<f64>,
        /// Lower limit.
        ratio_lower: Option<f64>,
        /// Upper limit; null where it is unbounded.
        ratio_upper: Option<f64>,
        /// The margin in force, as a ratio: the larger of the relative and the absolute one.
        ratio_margin: f64,
    },
    /// A share of requests or pairs; difference and limits in percentage points.
    Share {
        /// The baseline's share (errors), or the share among noise pairs (statuses, bodies).
        baseline_share: Option<f64>,
        /// The candidate's share (errors), or the share among pairs (statuses, bodies).
        candidate_share: Option<f64>,
        /// Events behind `baseline_share`.
        baseline_events: u64,
        /// Events behind `candidate_share`.
        candidate_events: u64,
        /// Candidate - baseline.
        difference_points: Option<f64>,
        /// Lower limit.
        lower_points: Option<f64>,
        /// Upper limit.
        upper_points: Option<f64>,
        /// The margin.
        margin_points: f64,
    },
}

/// An interval against its margin, in percent (latency) or percentage points (shares), both with 0 as "no difference".
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Forest {
    /// The estimate.
    pub estimate: f64,
    /// The lower limit.
    pub lower: f64,
    /// The upper limit, which may be infinite.
    pub upper: f64,
    /// The margin.
    pub margin: f64,
}

impl Estimate {
    /// The interval for drawing; `None` where there is none.
    pub fn forest(&self) -> Option<Forest> {
        match *self {
            Estimate::Latency { ratio, ratio_lower, ratio_upper, ratio_margin, .. } => Some(Forest {
                estimate: 100.0 * (ratio? - 1.0),
                lower: 100.0 * (ratio_lower? - 1.0),
                upper: ratio_upper.map_or(f64::INFINITY, |upper| 100.0 * (upper - 1.0)),
                margin: 100.0 * (ratio_margin - 1.0),
            }),
            Estimate::Share { difference_points, lower_points, upper_points, margin_points, .. } => {
                Some(Forest {
                    estimate: difference_points?,
                    lower: lower_points?,
                    upper: upper_points?,
                    margin: margin_points,
                })
            }
        }
    }
}

/// What would decide an undecided metric.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Needs {
    /// About this much more time at this load.
    pub more_seconds: Option<f64>,
    /// About this many distinct exchanges in all.
    pub distinct_exchanges: Option<u64>,
    /// Distinct exchanges of this scope that the corpus holds, as far as the run shows.
    pub corpus_has: Option<u64>,
    /// Whether only a larger corpus can give them: repeats are no new evidence.
    pub larger_corpus: bool,
}

/// What gates, fixed before the first request from planned counts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GatingSet {
    /// Level at which each metric is proven to lie within its margin (all must be).
    pub alpha_go: f64,
    /// Level at which any metric is proven to lie beyond its margin, shared out by Holm's method.
    pub alpha_no_go: f64,
    /// Each metric with its part and margin.
    pub metrics: Vec<GatingMetric>,
    /// Endpoints that are judged on their own, by traffic.
    pub endpoints: Vec<String>,
    /// Number of endpoints pooled as the rest.
    pub pooled_endpoints: u64,
}

/// One metric of the gating set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GatingMetric {
    /// What it covers.
    pub scope: Scope,
    /// What is measured.
    pub metric: MetricKind,
    /// The part it plays.
    pub gate: Gate,
    /// Planned requests in the scope; repeats of one exchange count once where that is known.
    pub planned: u64,
    /// Relative margin as a ratio (1.1), for latencies.
    pub margin_ratio: Option<f64>,
    /// Absolute margin, for latencies: the larger of the two holds.
    pub margin_us: Option<f64>,
    /// Margin in percentage points, for shares.
    pub margin_points: Option<f64>,
}
