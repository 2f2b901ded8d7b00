//! Shares of one scope: errors, changed statuses, differing bodies.

use super::{Draft, ScopeData, Setting, needs, tidy};
use crate::collect::Cluster;
use crate::noise::Tally;
use crate::policy::Baseline;
use crate::rates::{Count, Limits, Pairs, difference, p_beyond, paired_difference};
use crate::summary::{Decision, Estimate, GatingMetric, MetricKind, ReasonCode};

const PAIRED: &str = "Newcombe's paired hybrid Wilson limits, with the design effect of seconds and sessions";
const BEYOND_NOISE: &str = "Newcombe's hybrid Wilson limits, pairs against noise pairs";

/// One share's numbers before the decision.
struct Share {
    baseline: Option<f64>,
    candidate: Option<f64>,
    baseline_events: u64,
    candidate_events: u64,
    effective: f64,
    /// Differences and limits, as shares.
    estimate: f64,
    limits: Limits,
    p_worse: f64,
    /// Whether the upper limit would lie within the margin if what was not compared had been equal.
    ok_if_compared: bool,
    /// Whether noise, which was not measured, could be all of it.
    may_be_noise: bool,
    /// The upper limit with so many times as much of the same data.
    upper_with: Box<dyn Fn(f64) -> f64>,
}

/// The draft of a share metric.
pub(super) fn draft(setting: &Setting<'_>, metric: &GatingMetric, data: &ScopeData<'_>) -> Draft {
    let margin = metric.margin_points.unwrap_or(0.0) / 100.0;
    let levels = Levels { margin, alpha: setting.gating.alpha_go };
    let share = match metric.metric {
        MetricKind::Errors => errors(data, levels),
        MetricKind::Statuses => statuses(data, levels),
        _ => bodies(setting, data, levels),
    };
    let method = if metric.metric == MetricKind::Errors { PAIRED } else { BEYOND_NOISE };
    match share {
        None => lacking(metric, data, method, setting),
        Some(share) => judged(setting, metric, &share, data, levels, method),
    }
}

#[derive(Debug, Clone, Copy)]
struct Levels {
    margin: f64,
    alpha: f64,
}

fn lacking(
    metric: &GatingMetric,
    data: &ScopeData<'_>,
    method: &'static str,
    setting: &Setting<'_>,
) -> Draft {
    let margin_points = metric.margin_points.unwrap_or(0.0);
    Draft {
        decision: Decision::Undecided,
        reason: Some(ReasonCode::NoData),
        estimate: Estimate::Share {
            baseline_share: None,
            candidate_share: None,
            baseline_events: 0,
            candidate_events: 0,
            difference_points: None,
            lower_points: None,
            upper_points: None,
            margin_points,
        },
        changed: false,
        effective_n: None,
        p_worse: None,
        detectable: None,
        method,
        needs: Some(needs(setting, data, least(margin_points / 100.0))),
    }
}

/// Exchanges without any event that prove a share to lie within `margin` at 5 %.
fn least(margin: f64) -> f64 {
    (3.0 / margin.max(1e-9)).ceil()
}

fn judged(
    setting: &Setting<'_>,
    metric: &GatingMetric,
    share: &Share,
    data: &ScopeData<'_>,
    levels: Levels,
    method: &'static str,
) -> Draft {
    let ok = share.limits.upper < levels.margin;
    let beyond = share.p_worse <= setting.gating.alpha_no_go;
    let reason = match ok {
        true => None,
        false if beyond && share.may_be_noise => Some(ReasonCode::NoNoiseData),
        false if share.ok_if_compared => Some(ReasonCode::BodiesNotCompared),
        false if share.effective < least(levels.margin) => Some(ReasonCode::InsufficientSamples),
        false => Some(ReasonCode::IntervalTooWide),
    };
    let points = |share: f64| tidy(100.0 * share);
    let reach = share.limits.upper - share.estimate;
    let more_helps = matches!(reason, Some(ReasonCode::InsufficientSamples | ReasonCode::IntervalTooWide));
    let factor = (more_helps && share.estimate < levels.margin).then(|| enough(share, levels.margin));
    Draft {
        decision: if ok { Decision::Ok } else { Decision::Undecided },
        reason,
        estimate: Estimate::Share {
            baseline_share: share.baseline.map(tidy),
            candidate_share: share.candidate.map(tidy),
            baseline_events: share.baseline_events,
            candidate_events: share.candidate_events,
            difference_points: Some(points(share.estimate)),
            lower_points: Some(points(share.limits.lower)),
            upper_points: Some(points(share.limits.upper)),
            margin_points: metric.margin_points.unwrap_or(0.0),
        },
        changed: share.limits.lower > 0.0 || share.limits.upper < 0.0,
        effective_n: Some(share.effective),
        p_worse: Some(share.p_worse),
        detectable: Some(100.0 * (share.estimate - share.limits.lower).max(reach)),
        method,
        needs: factor.map(|factor| needs(setting, data, factor)),
    }
}

/// How many times as much data would bring the upper limit within the margin, within one part in a thousand.
fn enough(share: &Share, margin: f64) -> f64 {
    let (mut low, mut high) = (1.0, 1e9_f64);
    while high / low > 1.001 {
        let middle = (low * high).sqrt();
        if (share.upper_with)(middle) < margin { high = middle } else { low = middle }
    }
    high
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn errors(data: &ScopeData<'_>, levels: Levels) -> Option<Share> {
    let stratum = data.stratum;
    if stratum.pairs == 0 {
        return None;
    }
    let (candidate_only, baseline_only) = stratum.one_sided_errors();
    let both = stratum.both_errors;
    let neither = stratum.pairs - both - candidate_only - baseline_only;
    let pairs = Pairs {
        both: both as f64,
        first_only: candidate_only as f64,
        second_only: baseline_only as f64,
        neither: neither as f64,
    };
    let effect =
        design_effect(&stratum.errors_by_second, pairs).max(design_effect(&stratum.errors_by_session, pairs));
    let effective = (pairs.total() / effect).min(stratum.exchanges.count() as f64);
    let scaled = pairs.scaled_to(effective);
    let limits = paired_difference(scaled, levels.alpha);
    Some(Share {
        baseline: Some(pairs.second().share()),
        candidate: Some(pairs.first().share()),
        baseline_events: both + baseline_only,
        candidate_events: both + candidate_only,
        effective,
        estimate: pairs.first().share() - pairs.second().share(),
        limits,
        p_worse: p_beyond(levels.margin, |alpha| paired_difference(scaled, alpha).lower),
        ok_if_compared: false,
        may_be_noise: false,
        upper_with: Box::new(move |factor| {
            paired_difference(scaled.scaled_to(factor * effective), levels.alpha).upper
        }),
    })
}

/// How much larger the variance of the difference is than if pairs were independent; at least 1.
///
/// The variance over clusters is that of a ratio of sums (Cochran, Sampling Techniques, section 9A).
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn design_effect(clusters: &[Cluster], pairs: Pairs) -> f64 {
    let n = pairs.total();
    let p = (pairs.first_only - pairs.second_only) / n;
    let independent = ((pairs.first_only + pairs.second_only) / n - p * p) / n;
    let used: Vec<&Cluster> = clusters.iter().filter(|cluster| cluster.pairs > 0).collect();
    let m = used.len() as f64;
    if m < 2.0 || independent <= 0.0 {
        return 1.0;
    }
    let deviation = |c: &&Cluster| c.candidate_only as f64 - c.baseline_only as f64 - p * c.pairs as f64;
    let clustered = used.iter().map(|c| deviation(c).powi(2)).sum::<f64>() * m / (m - 1.0) / (n * n);
    (clustered / independent).max(1.0)
}

/// Pairs that were compared, and what noise pairs say.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn beyond_noise(
    data: &ScopeData<'_>,
    events: impl Fn(&Tally) -> u64,
    unknown: u64,
    levels: Levels,
) -> Option<Share> {
    let all = |tally: &Tally| tally.compared.pairs + tally.not_compared.pairs;
    let distinct = |tally: &Tally| tally.compared.exchanges + tally.not_compared.exchanges;
    let (pairs, noise) = (&data.compared.pairs, &data.compared.noise);
    if all(pairs) == 0 {
        return None;
    }
    let count = |tally: &Tally, extra: u64| {
        let of = distinct(tally).min(all(tally)) as f64;
        let share = if all(tally) > 0 { (events(tally) + extra) as f64 / all(tally) as f64 } else { 0.0 };
        Count { events: share.min(1.0) * of, of }
    };
    // Without noise pairs nothing is subtracted.
    let background = if all(noise) > 0 { count(noise, 0) } else { Count { events: 0.0, of: f64::MAX } };
    let (known, worst) = (count(pairs, 0), count(pairs, unknown));
    let optimistic = difference(known, background, levels.alpha);
    let limits = Limits { lower: optimistic.lower, upper: difference(worst, background, levels.alpha).upper };
    Some(Share {
        baseline: (all(noise) > 0).then(|| background.share()),
        candidate: Some(known.share()),
        baseline_events: events(noise),
        candidate_events: events(pairs),
        effective: known.of,
        estimate: known.share() - background.share(),
        limits,
        p_worse: p_beyond(levels.margin, |alpha| difference(known, background, alpha).lower),
        ok_if_compared: unknown > 0 && optimistic.upper < levels.margin,
        may_be_noise: false,
        upper_with: Box::new(move |factor| {
            difference(worst.times(factor), background.times(factor), levels.alpha).upper
        }),
    })
}

fn statuses(data: &ScopeData<'_>, levels: Levels) -> Option<Share> {
    beyond_noise(data, |tally| tally.status.pairs, 0, levels)
}

/// Pairs whose status agrees and whose body or headers differ: a changed status counts once, as a status.
fn bodies(setting: &Setting<'_>, data: &ScopeData<'_>, levels: Levels) -> Option<Share> {
    let differing = |tally: &Tally| tally.mismatched.pairs.saturating_sub(tally.status.pairs);
    let mut share = beyond_noise(data, differing, data.compared.pairs.not_compared.pairs, levels)?;
    let unmeasured = data.compared.noise.compared.pairs + data.compared.noise.not_compared.pairs == 0;
    if unmeasured && setting.baseline == Baseline::Live {
        let shape = beyond_noise(data, |_| data.shape_pairs, 0, levels)?;
        share.may_be_noise = shape.p_worse > setting.gating.alpha_no_go;
    }
    Some(share)
}
