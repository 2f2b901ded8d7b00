//! The one value that all renderers see: verdict, reasons, evidence.
//!
//! Field names are those of `report --json` and are published in `docs/report.schema.json`: names may be added, not
//! changed. Units stand in the names (`_us`, `_share`, `_points`, `_seconds`). All text that came from outside
//! (targets, paths, excerpts) is kept as it was read: renderers escape it.

mod differences;
mod evidence;
mod metric;
mod reason;

pub use differences::{
    DifferenceExample, DifferenceGroup, Excerpt, Highlight, IgnoredRule, NoiseRow, NotCompared,
};
pub use evidence::{
    Accounting, BackendAccount, BackendSeries, Coverage, EndpointCoverage, EndpointRow, EndpointSide, Inputs,
    PairAccount, PercentileCurve, Reproduce, RunInput, TimeSeries,
};
pub use metric::{
    Decision, Estimate, Forest, Gate, GatingMetric, GatingSet, Metric, MetricKind, Needs, Scope,
};
pub use reason::{Effect, Reason, ReasonCode};

use serde::Serialize;
use std::fmt;

/// The version of the document. Grows when a name changes its meaning.
pub const SCHEMA_VERSION: u32 = 1;

/// What a report says, whole.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Version of the tool that judged.
    pub tool_version: String,
    /// The verdict.
    pub verdict: Verdict,
    /// The process exit code that says the same: 0, 10 or 20.
    pub exit_code: u8,
    /// One line with verdict and coverage: `go for reads: 37 % of traffic`.
    pub headline: String,
    /// Why the verdict is what it is, most important first. For go: what was proven.
    pub reasons: Vec<Reason>,
    /// What a reader should know that did not decide.
    pub warnings: Vec<Reason>,
    /// How much of the recorded traffic this speaks of.
    pub coverage: Coverage,
    /// What was fixed before the first request.
    pub gating: GatingSet,
    /// Every judged or shown metric: overall first, then endpoints by traffic, then the rest.
    pub metrics: Vec<Metric>,
    /// One row for each endpoint, by traffic.
    pub endpoints: Vec<EndpointRow>,
    /// Differences between the backends' responses, grouped by cause, the gravest first.
    pub difference_groups: Vec<DifferenceGroup>,
    /// Differences that also occur between a backend and itself.
    pub noise: Vec<NoiseRow>,
    /// Rules of the policy that hide differences, with how often each did.
    pub ignored: Vec<IgnoredRule>,
    /// What was not compared or not replayed, by reason.
    pub not_checked: Vec<NotCompared>,
    /// Every request and pair in exactly one counted class.
    pub accounting: Accounting,
    /// Latency by quantile: overall first, then the gating endpoints.
    pub percentile_curves: Vec<PercentileCurve>,
    /// Rate, failures, latency and lateness over time.
    pub time_series: TimeSeries,
    /// What was judged: runs, corpus, policy, seed.
    pub inputs: Inputs,
    /// Commands that give this report, or parts of its evidence, again.
    pub reproduce: Vec<Reproduce>,
}

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Verdict {
    /// Every gating metric is proven to lie within its margin.
    #[serde(rename = "go")]
    Go,
    /// Evidence is missing.
    #[serde(rename = "inconclusive")]
    Inconclusive,
    /// At least one metric is proven to lie beyond its margin.
    #[serde(rename = "no-go")]
    NoGo,
}

impl Verdict {
    /// The name in JSON and in tables.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Go => "go",
            Verdict::Inconclusive => "inconclusive",
            Verdict::NoGo => "no-go",
        }
    }

    /// The process exit code: 0 go, 10 no-go, 20 inconclusive.
    pub fn exit_code(self) -> u8 {
        match self {
            Verdict::Go => 0,
            Verdict::NoGo => 10,
            Verdict::Inconclusive => 20,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
