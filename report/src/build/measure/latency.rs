//! Latency quantiles of one scope.

use super::{Draft, ScopeData, Setting, needs, tidy};
use crate::latency::{Cells, Estimate, LEAST_UNITS, Lack, Resampling, estimate};
use crate::policy::{LEAST_BEYOND, LatencyMargin, has_enough_beyond};
use crate::stats::resample::standing;
use crate::summary::{Decision, Estimate as Shown, GatingMetric, Needs, ReasonCode};

const METHOD: &str =
    "paired bootstrap of seconds (widened for autocorrelation) and of sessions, the wider; Student limits";

/// Drafts of all latency metrics of a scope, in their order.
pub(super) fn drafts(
    setting: &Setting<'_>,
    wanted: &[&GatingMetric],
    data: &ScopeData<'_>,
    draws: &mut Resampling,
) -> Vec<Draft> {
    let quantiles: Vec<f64> = wanted.iter().filter_map(|metric| metric.metric.quantile()).collect();
    let stratum = data.stratum;
    let cells =
        Cells { seconds: &stratum.seconds, sessions: &stratum.sessions, censor_us: setting.censor_us };
    let estimates = estimate(cells, &quantiles, draws);
    let judged = wanted.iter().zip(quantiles).zip(estimates);
    judged.map(|((metric, quantile), estimate)| draft(setting, metric, quantile, &estimate, data)).collect()
}

fn draft(
    setting: &Setting<'_>,
    metric: &GatingMetric,
    quantile: f64,
    estimate: &Estimate,
    data: &ScopeData<'_>,
) -> Draft {
    let margin = margin_in_force(metric, standing(estimate.baseline, setting.censor_us));
    let (alpha, worse_alpha) = (setting.gating.alpha_go, setting.gating.alpha_no_go);
    let (lower, upper) = (estimate.lower(alpha), estimate.upper(alpha));
    let enough = has_enough_beyond(data.stratum.exchanges.count(), quantile);
    let p_worse = estimate.p_beyond(margin.ln()).filter(|_| enough);
    let ok = enough && upper.is_some_and(|upper| upper < margin.ln());
    let lagging = is_lag_s_doing(
        setting,
        metric,
        quantile,
        estimate,
        data,
        ok,
        p_worse.is_some_and(|p| p <= worse_alpha),
    );
    let reason = match (ok, lagging) {
        (_, true) => Some(ReasonCode::GeneratorLag),
        (true, false) => None,
        (false, false) => Some(reason(data, estimate, enough)),
    };
    let ratio = |log: f64| tidy(log.exp());
    Draft {
        decision: if reason.is_none() { Decision::Ok } else { Decision::Undecided },
        reason,
        estimate: Shown::Latency {
            baseline_us: estimate.baseline.us().map(tidy),
            candidate_us: estimate.candidate.us().map(tidy),
            censored_above_us: tidy(setting.censor_us),
            ratio: estimate.log_ratio.map(ratio),
            ratio_lower: lower.map(ratio),
            ratio_upper: upper.filter(|upper| upper.is_finite()).map(ratio),
            ratio_margin: tidy(margin),
        },
        changed: lower.is_some_and(|lower| lower > 0.0) || upper.is_some_and(|upper| upper < 0.0),
        effective_n: estimate.reach(alpha).map(|_| estimate.effective),
        p_worse,
        detectable: estimate.reach(alpha).map(|reach| 100.0 * (reach.exp() - 1.0)),
        method: METHOD,
        needs: reason
            .and_then(|reason| what_would_decide(setting, reason, quantile, estimate, margin.ln(), data)),
    }
}

fn margin_in_force(metric: &GatingMetric, baseline_us: Option<f64>) -> f64 {
    let (ratio, absolute_us) = (metric.margin_ratio.unwrap_or(1.0), metric.margin_us.unwrap_or(0.0));
    LatencyMargin::larger(ratio, absolute_us, baseline_us.unwrap_or(0.0))
}

fn reason(data: &ScopeData<'_>, estimate: &Estimate, enough: bool) -> ReasonCode {
    match estimate.lack() {
        _ if data.stratum.pairs == 0 => ReasonCode::NoData,
        _ if !enough => ReasonCode::InsufficientSamples,
        Some(Lack::Values) => ReasonCode::NoData,
        Some(Lack::Seconds { .. }) => ReasonCode::TooFewBlocks,
        Some(Lack::Sessions { .. }) => ReasonCode::TooFewSessions,
        None => ReasonCode::IntervalTooWide,
    }
}

/// Whether the decision would be another one without the time by which the replayer itself was late.
fn is_lag_s_doing(
    setting: &Setting<'_>,
    metric: &GatingMetric,
    quantile: f64,
    estimate: &Estimate,
    data: &ScopeData<'_>,
    ok: bool,
    worse: bool,
) -> bool {
    let (a, b) = (&data.stratum.prompt.0.quantile(quantile), &data.stratum.prompt.1.quantile(quantile));
    let prompt = standing(*a, setting.censor_us).zip(standing(*b, setting.censor_us));
    let (Some((a, b)), Some(log_ratio)) = (prompt, estimate.log_ratio) else { return false };
    let shift = (b / a).ln() - log_ratio;
    let margin = margin_in_force(metric, Some(a)).ln();
    let upper = estimate.upper(setting.gating.alpha_go);
    let still_ok = upper.is_some_and(|upper| upper + shift < margin);
    let still_worse = estimate.p_beyond(margin - shift).is_some_and(|p| p <= setting.gating.alpha_no_go);
    (ok && !still_ok) || (worse && !still_worse)
}

fn what_would_decide(
    setting: &Setting<'_>,
    reason: ReasonCode,
    quantile: f64,
    estimate: &Estimate,
    margin: f64,
    data: &ScopeData<'_>,
) -> Option<Needs> {
    #[expect(clippy::cast_precision_loss, reason = "an estimate for people")]
    let have = data.stratum.exchanges.count().max(1) as f64;
    match reason {
        ReasonCode::InsufficientSamples | ReasonCode::NoData => {
            Some(needs(setting, data, (LEAST_BEYOND / (1.0 - quantile) / have).max(1.0)))
        }
        ReasonCode::TooFewBlocks => Some(Needs {
            more_seconds: Some(tidy(
                setting.seconds * (LEAST_UNITS / estimate.effective.max(1.0) - 1.0).max(0.1),
            )),
            distinct_exchanges: None,
            corpus_has: None,
            larger_corpus: false,
        }),
        ReasonCode::TooFewSessions => Some(Needs {
            more_seconds: None,
            distinct_exchanges: None,
            corpus_has: None,
            larger_corpus: true,
        }),
        ReasonCode::IntervalTooWide => {
            let room = margin - estimate.log_ratio?;
            let reach = estimate.reach(setting.gating.alpha_go)?;
            (room > 0.0).then(|| needs(setting, data, (reach / room).powi(2).max(1.1)))
        }
        _ => None,
    }
}
