//! The policy: margins, levels, what gates, what is ignored. The `[policy]` section of `cutover.toml`.
//!
//! Every default holds without a file. Invariant: a key, an endpoint or a rule that nothing answers to is an error,
//! never silently without effect; a policy and its canonical JSON say the same.

mod file;
mod gating;
mod margin;

pub use file::{PolicyError, parse, parse_canonical};
pub use gating::{Baseline, gating_set};
pub(crate) use gating::{LEAST_BEYOND, has_enough_beyond};
pub use margin::{LatencyMargin, Level, MarginError, Points, Share};

use crate::compare::{IgnoreRule, Kind, RuleError, Rules};
use crate::summary::MetricKind;
use corpus::run::EndpointPlan;
use serde::{Deserialize, Serialize};

/// Margins and rules by which a run is judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// What gates: families and single metrics.
    pub gate: Vec<GateName>,
    /// Level at which each metric is proven to lie within its margin.
    pub alpha: Level,
    /// Level at which any metric is proven to lie beyond its margin.
    pub no_go_alpha: Level,
    /// Margins of every scope that has none of its own.
    pub margins: Margins,
    /// The least share of the opened traffic that must have been replayed for go.
    pub coverage: Share,
    /// Endpoints that gate on their own however few requests they have.
    pub critical: Vec<String>,
    /// At most this many endpoints are judged on their own, the critical ones aside.
    pub max_endpoints: usize,
    /// Differences that do not count.
    pub ignore: Vec<Ignore>,
    /// What holds for one endpoint alone.
    pub endpoint: Vec<EndpointPolicy>,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            gate: vec![GateName::Latency, GateName::Errors, GateName::Statuses, GateName::Bodies],
            alpha: Level::FIVE_PERCENT,
            no_go_alpha: Level::FIVE_PERCENT,
            margins: Margins::default(),
            coverage: Share::NINETY_PERCENT,
            critical: Vec::new(),
            max_endpoints: 20,
            ignore: Vec::new(),
            endpoint: Vec::new(),
        }
    }
}

/// The margins of one scope.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Margins {
    /// Of the median.
    pub p50: LatencyMargin,
    /// Of the 95th percentile.
    pub p95: LatencyMargin,
    /// Of the 99th percentile.
    pub p99: LatencyMargin,
    /// Of the 99.9th percentile, which gates only where named.
    pub p999: LatencyMargin,
    /// Of the error rate.
    pub errors: Points,
    /// Of the share of changed statuses beyond noise.
    pub statuses: Points,
    /// Of the share of differing bodies and headers beyond noise.
    pub bodies: Points,
}

impl Default for Margins {
    fn default() -> Margins {
        Margins {
            p50: LatencyMargin::of(10.0, 2),
            p95: LatencyMargin::of(15.0, 5),
            p99: LatencyMargin::of(25.0, 10),
            p999: LatencyMargin::of(50.0, 20),
            errors: Points::TENTH,
            statuses: Points::TENTH,
            bodies: Points::TENTH,
        }
    }
}

impl Margins {
    /// The margin of a latency quantile; `None` for shares.
    pub fn latency(&self, kind: MetricKind) -> Option<LatencyMargin> {
        match kind {
            MetricKind::LatencyP50 => Some(self.p50),
            MetricKind::LatencyP95 => Some(self.p95),
            MetricKind::LatencyP99 => Some(self.p99),
            MetricKind::LatencyP999 => Some(self.p999),
            MetricKind::Errors | MetricKind::Statuses | MetricKind::Bodies => None,
        }
    }

    /// The margin of a share; `None` for latencies.
    pub fn points(&self, kind: MetricKind) -> Option<Points> {
        match kind {
            MetricKind::Errors => Some(self.errors),
            MetricKind::Statuses => Some(self.statuses),
            MetricKind::Bodies => Some(self.bodies),
            _ => None,
        }
    }
}

/// A name in `gate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum GateName {
    /// p50, p95 and p99, as far up as the planned count carries.
    #[serde(rename = "latency")]
    Latency,
    /// The median, whatever the count.
    #[serde(rename = "p50")]
    P50,
    /// The 95th percentile, whatever the count.
    #[serde(rename = "p95")]
    P95,
    /// The 99th percentile, whatever the count.
    #[serde(rename = "p99")]
    P99,
    /// The 99.9th percentile, whatever the count.
    #[serde(rename = "p99.9", alias = "p999")]
    P999,
    /// Errors.
    #[serde(rename = "errors")]
    Errors,
    /// Changed statuses.
    #[serde(rename = "statuses", alias = "status")]
    Statuses,
    /// Differing bodies and headers.
    #[serde(rename = "bodies", alias = "body")]
    Bodies,
}

impl GateName {
    /// The one metric of that name; `None` for the family.
    pub fn metric(self) -> Option<MetricKind> {
        match self {
            GateName::Latency => None,
            GateName::P50 => Some(MetricKind::LatencyP50),
            GateName::P95 => Some(MetricKind::LatencyP95),
            GateName::P99 => Some(MetricKind::LatencyP99),
            GateName::P999 => Some(MetricKind::LatencyP999),
            GateName::Errors => Some(MetricKind::Errors),
            GateName::Statuses => Some(MetricKind::Statuses),
            GateName::Bodies => Some(MetricKind::Bodies),
        }
    }
}

/// A difference that does not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ignore {
    /// The endpoint; every endpoint where none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// A JSONPath, `header:NAME`, `trailer:NAME`, `status`, or `body`.
    pub path: String,
    /// The kind of difference; every kind where none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Why it does not count: shown in every report.
    pub reason: String,
}

/// What holds for one endpoint alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointPolicy {
    /// The endpoint: `GET /orders/{id}`.
    pub name: String,
    /// Whether it gates on its own however few requests it has.
    #[serde(default)]
    pub critical: bool,
    /// What gates here, instead of the policy's list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<Vec<GateName>>,
    /// Margins that differ here.
    #[serde(default)]
    pub margins: EndpointMargins,
}

/// Margins of one endpoint, where they differ.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EndpointMargins {
    /// Of the median.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p50: Option<LatencyMargin>,
    /// Of the 95th percentile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p95: Option<LatencyMargin>,
    /// Of the 99th percentile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p99: Option<LatencyMargin>,
    /// Of the 99.9th percentile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p999: Option<LatencyMargin>,
    /// Of the error rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub errors: Option<Points>,
    /// Of the share of changed statuses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statuses: Option<Points>,
    /// Of the share of differing bodies and headers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bodies: Option<Points>,
}

impl Policy {
    /// The policy as one line of JSON with fixed key order: what a run keeps, and what two policies are compared by.
    pub fn canonical_json(&self) -> String {
        serde_json::to_string(self).expect("a policy holds only texts and finite numbers")
    }

    /// The same policy with another list of what gates: a canary step's own.
    pub fn gating_on(&self, gate: &[GateName]) -> Policy {
        Policy { gate: gate.to_vec(), ..self.clone() }
    }

    /// The margins that hold at `endpoint`, or overall.
    pub fn margins_at(&self, endpoint: Option<&str>) -> Margins {
        let base = self.margins;
        let Some(own) = self.own(endpoint) else { return base };
        Margins {
            p50: own.margins.p50.unwrap_or(base.p50),
            p95: own.margins.p95.unwrap_or(base.p95),
            p99: own.margins.p99.unwrap_or(base.p99),
            p999: own.margins.p999.unwrap_or(base.p999),
            errors: own.margins.errors.unwrap_or(base.errors),
            statuses: own.margins.statuses.unwrap_or(base.statuses),
            bodies: own.margins.bodies.unwrap_or(base.bodies),
        }
    }

    /// What gates at `endpoint`, or overall.
    pub fn gate_at(&self, endpoint: Option<&str>) -> &[GateName] {
        self.own(endpoint).and_then(|own| own.gate.as_deref()).unwrap_or(&self.gate)
    }

    /// Whether `endpoint` gates on its own however few requests it has.
    pub fn is_critical(&self, endpoint: &str) -> bool {
        self.critical.iter().any(|name| name == endpoint)
            || self.own(Some(endpoint)).is_some_and(|own| own.critical)
    }

    /// The names of all endpoints marked critical.
    pub fn critical_endpoints(&self) -> impl Iterator<Item = &str> {
        let marked = self.endpoint.iter().filter(|own| own.critical).map(|own| own.name.as_str());
        self.critical.iter().map(String::as_str).chain(marked)
    }

    fn own(&self, endpoint: Option<&str>) -> Option<&EndpointPolicy> {
        let name = endpoint?;
        self.endpoint.iter().find(|own| own.name == name)
    }

    /// The ignore rules, compiled.
    ///
    /// # Errors
    /// Where the path of a rule is none.
    pub fn rules(&self) -> Result<Rules, RuleError> {
        let compiled = self.ignore.iter().map(|rule| IgnoreRule {
            endpoint: rule.endpoint.clone(),
            path: rule.path.clone(),
            kind: rule.kind.as_deref().and_then(Kind::of_name),
        });
        Rules::new(compiled.collect())
    }

    /// Checks that everything the policy names is in the plan.
    ///
    /// # Errors
    /// Names the first endpoint that is not, with those most like it.
    pub fn check_endpoints(&self, endpoints: &[EndpointPlan]) -> Result<(), PolicyError> {
        let critical = self.critical.iter().map(|name| ("policy.critical", name));
        let own = self.endpoint.iter().map(|own| ("policy.endpoint", &own.name));
        let rules = self.ignore.iter().filter_map(|rule| Some(("policy.ignore", rule.endpoint.as_ref()?)));
        for (place, name) in critical.chain(own).chain(rules) {
            if !endpoints.iter().any(|endpoint| &endpoint.name == name) {
                return Err(PolicyError::unknown_endpoint(place, name, endpoints));
            }
        }
        Ok(())
    }
}
