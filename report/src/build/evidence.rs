//! Coverage, accounting, curves, time series and inputs, as renderers see them.

use super::runs::Opened;
use super::{is_live, tidy};
use crate::collect::{Counters, Frame, Stratum};
use crate::latency::totals;
use crate::policy::Policy;
use crate::stats::histogram::Histogram;
use crate::summary::{
    Accounting, BackendAccount, BackendSeries, Coverage, EndpointCoverage, Inputs, PairAccount,
    PercentileCurve, RunInput, Scope, TimeSeries, Verdict,
};
use corpus::run::{Role, RunHeader, Scale};
use std::collections::BTreeMap;

/// Points of a percentile curve: from the minimum to 99.99 %, even in `log10(1 - q)`.
const CURVE_POINTS: u32 = 80;

#[expect(clippy::cast_precision_loss, reason = "shares are wanted")]
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { tidy(part as f64 / whole as f64) }
}

/// How much of the recorded traffic was replayed, by the first run's plan.
pub(super) fn coverage(opened: &Opened, counters: &Counters, seconds: f64) -> Coverage {
    let header = opened.header();
    let unsafe_methods =
        header.left_out.get("unsafe_method").copied().unwrap_or(0).min(header.corpus_exchanges);
    let left_out: u64 = header.left_out.values().fold(0, |sum, count| sum.saturating_add(*count));
    let opened_exchanges = header.corpus_exchanges - unsafe_methods;
    let replayable = header.corpus_exchanges.saturating_sub(left_out);
    let sent = counters.ledger.backends.get(&Role::Candidate).map_or(0, |balance| balance.sent);
    let unplanned = header.endpoints.iter().filter(|endpoint| endpoint.planned == 0 && endpoint.recorded > 0);
    #[expect(clippy::cast_precision_loss, reason = "a rate is wanted")]
    let reached = (seconds > 0.0).then(|| tidy(sent as f64 / seconds));
    Coverage {
        opened: if unsafe_methods > 0 { "reads" } else { "all methods" }.to_owned(),
        corpus_exchanges: header.corpus_exchanges,
        opened_exchanges,
        replayable_exchanges: replayable,
        share_of_traffic: share(replayable, header.corpus_exchanges),
        share_of_opened: share(replayable, opened_exchanges),
        left_out: header.left_out.clone(),
        production_rate_per_second: header.load.production_rate.map(|rate| tidy(rate.per_second())),
        planned_rate_per_second: header.load.planned_rate.map(|rate| tidy(rate.per_second())),
        reached_rate_per_second: reached,
        percent_of_production: header.load.percent_achieved.map(|percent| tidy(percent.value())),
        endpoints_not_replayed: unplanned
            .map(|endpoint| EndpointCoverage { endpoint: endpoint.name.clone(), recorded: endpoint.recorded })
            .collect(),
    }
}

/// `go for reads: 37 % of traffic`.
pub(super) fn headline(verdict: Verdict, coverage: &Coverage) -> String {
    let percent = 100.0 * coverage.share_of_traffic;
    // Below one percent and next to a hundred, rounding would say too much.
    let shown = match percent {
        p if p >= 99.95 || p == 0.0 => format!("{p:.0}"),
        p if !(1.0..99.0).contains(&p) => format!("{p:.1}"),
        p => format!("{p:.0}"),
    };
    format!("{verdict} for {}: {shown} % of traffic", coverage.opened)
}

/// Every request and pair in exactly one class.
pub(super) fn accounting(opened: &Opened, counters: &Counters) -> Accounting {
    let ledger = &counters.ledger;
    let backends: Vec<BackendAccount> = opened
        .header()
        .backends
        .iter()
        .map(|backend| account(opened, counters, backend.role, &backend.url))
        .collect();
    let excluded = ledger.excluded.iter().map(|(why, count)| (why.name().to_owned(), *count)).collect();
    Accounting {
        balances: backends.iter().all(|backend| backend.balances),
        backends,
        pairs: PairAccount {
            planned: ledger.pairs_planned,
            usable: ledger.usable(),
            excluded,
            distinct: Stratum::pooled(&counters.strata).exchanges.count(),
            sessions: counters.sessions.count(),
        },
        noise_pairs: ledger.noise_pairs,
        damage: ledger.damage.clone(),
    }
}

fn account(opened: &Opened, counters: &Counters, role: Role, url: &str) -> BackendAccount {
    let balance = counters.ledger.backends.get(&role).cloned().unwrap_or_default();
    let own = opened.runs.iter().filter_map(|run| run.facts.seal.as_ref()).flat_map(|seal| &seal.accounting);
    let named = |counts: Vec<(&'static str, u64)>| -> BTreeMap<String, u64> {
        counts.into_iter().map(|(name, count)| (name.to_owned(), count)).collect()
    };
    BackendAccount {
        role: role.name().to_owned(),
        url: url.to_owned(),
        planned: balance.planned,
        sent: balance.sent,
        not_sent: named(balance.not_sent.iter().map(|(reason, count)| (reason.name(), *count)).collect()),
        responses: balance.responses,
        failures: named(balance.failures.iter().map(|(kind, count)| (kind.name(), *count)).collect()),
        retried_stale: own.filter(|own| own.role == role).map(|own| own.retried_stale).sum(),
        lateness_p99_us: balance.lateness.quantile(0.99).us().map(tidy),
        balances: balance.balances(),
    }
}

/// Latency by quantile: overall, then the endpoints judged on their own.
pub(super) fn curves(frame: &Frame, counters: &Counters, overall: &Stratum) -> Vec<PercentileCurve> {
    if !is_live(frame) {
        return Vec::new();
    }
    let censored_above_us = tidy(counters.censor.as_secs_f64() * 1e6);
    let named = frame.named.iter().map(|name| Scope::Endpoint(name.clone())).zip(&counters.strata);
    let scopes =
        std::iter::once((Scope::Overall, overall)).chain(named).filter(|(_, stratum)| stratum.pairs > 0);
    let curve = |(scope, stratum): (Scope, &Stratum)| {
        let (baseline, candidate) = totals(&stratum.seconds);
        let quantiles = grid(stratum.pairs);
        let values = |side: &Histogram| quantiles.iter().map(|q| side.quantile(*q).us().map(tidy)).collect();
        PercentileCurve {
            scope,
            baseline_us: values(&baseline),
            candidate_us: values(&candidate),
            quantiles,
            censored_above_us,
        }
    };
    scopes.map(curve).collect()
}

/// Quantiles even in `log10(1 - q)`, up to the last of which `n` values can say something.
fn grid(n: u64) -> Vec<f64> {
    #[expect(clippy::cast_precision_loss, reason = "a logarithm is wanted")]
    let deepest = (n.max(10) as f64).log10().min(5.0);
    let point = |i: u32| tidy(1.0 - 10.0_f64.powf(-deepest * f64::from(i) / f64::from(CURVE_POINTS)));
    (0..=CURVE_POINTS).map(point).collect()
}

/// Rate, failures, latency and lateness over time.
pub(super) fn time_series(frame: &Frame, counters: &Counters) -> TimeSeries {
    let len = counters.series.len();
    #[expect(clippy::cast_precision_loss, reason = "rates are wanted")]
    let block = frame.block_seconds.max(1) as f64;
    let series = |(role, points): (&Role, &Vec<crate::collect::Point>)| {
        let empty = crate::collect::Point::default();
        let at = |index: usize| points.get(index).unwrap_or(&empty);
        let quantile = |q: f64| (0..len).map(|i| at(i).latency.quantile(q).us().map(tidy)).collect();
        #[expect(clippy::cast_precision_loss, reason = "rates are wanted")]
        let rate = |i: usize| tidy(at(i).requests as f64 / block);
        BackendSeries {
            role: role.name().to_owned(),
            rate_per_second: (0..len).map(rate).collect(),
            errors: (0..len).map(|i| at(i).errors).collect(),
            p50_us: quantile(0.5),
            p99_us: quantile(0.99),
            lateness_max_us: (0..len).map(|i| tidy(at(i).lateness_max.as_secs_f64() * 1e6)).collect(),
        }
    };
    TimeSeries {
        point_seconds: frame.block_seconds,
        run_starts: counters.series.starts.clone(),
        backends: counters.series.backends.iter().map(series).collect(),
    }
}

/// What was judged.
pub(super) fn inputs(opened: &Opened, policy: &Policy, seed: u64, resamples: usize) -> Inputs {
    let text = policy.canonical_json();
    let run = |one: &super::runs::OneRun| RunInput {
        digest: one.reader.digest(),
        tool_version: one.facts.header.tool_version.clone(),
        seed: one.facts.header.seed,
        load: load_in_words(&one.facts.header),
        duration_seconds: tidy(one.facts.header.load.duration.as_secs_f64()),
        passes: one.facts.header.load.passes,
        deadline_us: tidy(one.facts.header.deadline.as_secs_f64() * 1e6),
        ended: one.facts.seal.as_ref().and_then(|seal| seal.ended).map(|end| end.name().to_owned()),
    };
    Inputs {
        runs: opened.runs.iter().map(run).collect(),
        corpus_digest: opened.header().corpus.digest.clone(),
        policy_digest: blake3::hash(text.as_bytes()).to_hex().to_string(),
        policy: serde_json::from_str(&text).unwrap_or_default(),
        seed,
        resamples: resamples as u64,
    }
}

/// The load that was asked for: `25 % of production`, `500/s`, `2x`.
pub(crate) fn load_in_words(header: &RunHeader) -> String {
    match header.load.scale {
        Scale::Percent(percent) => format!("{percent} % of production"),
        Scale::Rate(rate) => rate.to_string(),
        Scale::Speed(speed) => speed.to_string(),
    }
}
