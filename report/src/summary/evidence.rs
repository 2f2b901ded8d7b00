//! Evidence: coverage, accounting, curves, time series and inputs.

use super::{Decision, Scope};
use serde::Serialize;
use std::collections::BTreeMap;

/// How much of the recorded traffic a report speaks of. Shares are of exchanges of one pass over the corpus.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Coverage {
    /// What the policy opens, in a word: `reads` or `all methods`.
    pub opened: String,
    /// Exchanges of the corpus.
    pub corpus_exchanges: u64,
    /// Of those, what the policy opens.
    pub opened_exchanges: u64,
    /// Of those, what the plan holds.
    pub replayable_exchanges: u64,
    /// `replayable_exchanges` / `corpus_exchanges`: the number in the verdict line.
    pub share_of_traffic: f64,
    /// `replayable_exchanges` / `opened_exchanges`.
    pub share_of_opened: f64,
    /// Exchanges left out of the plan, by reason.
    pub left_out: BTreeMap<String, u64>,
    /// Production's rate, where known.
    pub production_rate_per_second: Option<f64>,
    /// The planned rate for each backend, without repeats.
    pub planned_rate_per_second: Option<f64>,
    /// The rate that was reached at the candidate.
    pub reached_rate_per_second: Option<f64>,
    /// The percent of production that the plan has.
    pub percent_of_production: Option<f64>,
    /// Endpoints that were recorded and not replayed.
    pub endpoints_not_replayed: Vec<EndpointCoverage>,
}

/// One endpoint's part in the recording.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EndpointCoverage {
    /// The endpoint.
    pub endpoint: String,
    /// Requests to it in one pass over the corpus.
    pub recorded: u64,
}

/// One endpoint with both sides.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EndpointRow {
    /// The endpoint.
    pub endpoint: String,
    /// Whether it is judged on its own.
    pub named: bool,
    /// Requests planned, repeats of an exchange included.
    pub planned: u64,
    /// Pairs with both sides usable.
    pub pairs: u64,
    /// Its share of all pairs.
    pub share: f64,
    /// The gravest decision of its metrics; null where it has none.
    pub decision: Option<Decision>,
    /// The baseline.
    pub baseline: EndpointSide,
    /// The candidate.
    pub candidate: EndpointSide,
    /// Pairs with different statuses.
    pub status_changes: u64,
    /// Pairs with a difference that is neither ignored nor noise.
    pub mismatches: u64,
}

/// One backend at one endpoint.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EndpointSide {
    /// Median; null where censored or without samples.
    pub p50_us: Option<f64>,
    /// 95th percentile.
    pub p95_us: Option<f64>,
    /// 99th percentile; null also with too few samples.
    pub p99_us: Option<f64>,
    /// Requests that ended in 5xx, a timeout or a failed connection.
    pub errors: u64,
    /// Responses by status; 0 stands for none.
    pub statuses: BTreeMap<u16, u64>,
}

/// Every request and pair in exactly one counted class.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Accounting {
    /// The balance of each backend.
    pub backends: Vec<BackendAccount>,
    /// The balance of pairs baseline to candidate.
    pub pairs: PairAccount,
    /// Pairs that measure noise.
    pub noise_pairs: u64,
    /// Parts of run files that could not be read.
    pub damage: Vec<String>,
    /// Whether all sums hold.
    pub balances: bool,
}

/// The balance of one backend: `planned = sent + sum of not_sent`, `sent = responses + sum of failures`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BackendAccount {
    /// `baseline`, `candidate` or `control`.
    pub role: String,
    /// Its URL.
    pub url: String,
    /// Requests due to it, repeats included.
    pub planned: u64,
    /// Requests of which at least one byte was sent.
    pub sent: u64,
    /// Requests not sent, by reason.
    pub not_sent: BTreeMap<String, u64>,
    /// Whole responses, without 1xx.
    pub responses: u64,
    /// Failures, by kind.
    pub failures: BTreeMap<String, u64>,
    /// Requests sent again on a new connection.
    pub retried_stale: u64,
    /// Lateness, the replayer's own fault, at its 99th percentile.
    pub lateness_p99_us: Option<f64>,
    /// Whether both sums hold.
    pub balances: bool,
}

/// The balance of pairs: `planned = usable + sum of excluded`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PairAccount {
    /// Requests that were due to both backends.
    pub planned: u64,
    /// Pairs that were judged.
    pub usable: u64,
    /// Pairs that were not, by reason: `replayer`, `stopped`, `no_outcome`.
    pub excluded: BTreeMap<String, u64>,
    /// Distinct recorded exchanges among the usable.
    pub distinct: u64,
    /// Distinct sessions among the usable.
    pub sessions: u64,
}

/// Latency of both sides by quantile, on a grid that is even in `log10(1 - q)`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PercentileCurve {
    /// What it covers.
    pub scope: Scope,
    /// Quantiles, 0..1, ascending.
    pub quantiles: Vec<f64>,
    /// Baseline; null beyond `censored_above_us`.
    pub baseline_us: Vec<Option<f64>>,
    /// Candidate; null beyond `censored_above_us`.
    pub candidate_us: Vec<Option<f64>>,
    /// What failed or was not answered within this counts as slower than everything.
    pub censored_above_us: f64,
}

/// Rate, failures, latency and lateness over time, by planned second. All lists of one series have one length.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TimeSeries {
    /// Seconds in one point.
    pub point_seconds: u64,
    /// Where a run begins, in seconds: more than one where several runs are judged together.
    pub run_starts: Vec<u64>,
    /// One series for each backend.
    pub backends: Vec<BackendSeries>,
}

/// The series of one backend, first sendings only.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BackendSeries {
    /// `baseline`, `candidate` or `control`.
    pub role: String,
    /// Requests a second.
    pub rate_per_second: Vec<f64>,
    /// Requests that ended in 5xx, a timeout or a failed connection.
    pub errors: Vec<u64>,
    /// Median latency; null where censored or without samples.
    pub p50_us: Vec<Option<f64>>,
    /// 99th percentile of latency; null where censored or without samples.
    pub p99_us: Vec<Option<f64>>,
    /// Largest lateness.
    pub lateness_max_us: Vec<f64>,
}

/// What was judged.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Inputs {
    /// The runs, in the order given.
    pub runs: Vec<RunInput>,
    /// Hex digest of the corpus.
    pub corpus_digest: String,
    /// The policy in force, as canonical JSON.
    pub policy: serde_json::Value,
    /// Hex digest of that text.
    pub policy_digest: String,
    /// Seed of the resampling.
    pub seed: u64,
    /// Resamples behind each latency interval.
    pub resamples: u64,
}

/// One run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunInput {
    /// Hex digest of its content.
    pub digest: String,
    /// Version of the tool that made it.
    pub tool_version: String,
    /// Seed of its plan.
    pub seed: u64,
    /// What was asked for: `25 % of production`, `500/s`, `2x`.
    pub load: String,
    /// Planned duration.
    pub duration_seconds: f64,
    /// How often the corpus was walked through.
    pub passes: u32,
    /// Deadline of one request.
    pub deadline_us: f64,
    /// Why it ended; null where the file is unsealed.
    pub ended: Option<String>,
}

/// A command and what it gives.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reproduce {
    /// What it gives.
    pub what: String,
    /// The command line; file names are placeholders.
    pub command: String,
}
