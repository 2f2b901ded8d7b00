//! The words and number strings that all renderers share, so that they cannot tell different stories.

use super::number;
use crate::summary::{
    Decision, Effect, Estimate, Excerpt, Gate, Metric, MetricKind, Reason, Summary, Verdict,
};

/// The verdict as a word at the head of a page.
pub(super) fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Go => "Go",
        Verdict::NoGo => "No-go",
        Verdict::Inconclusive => "Inconclusive",
    }
}

/// What the verdict means for the reader.
pub(super) fn meaning(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Go => "Every gating metric is proven to lie within its margin.",
        Verdict::NoGo => "The candidate is proven to be worse than the margins allow.",
        Verdict::Inconclusive => "The evidence is not enough for go, nor for no-go.",
    }
}

/// What an interval says against its margin.
pub(super) fn decision(decision: Decision) -> &'static str {
    match decision {
        Decision::Ok => "within margin",
        Decision::Undecided => "undecided",
        Decision::Worse => "beyond margin",
    }
}

/// A sign that says the same without colour.
pub(super) fn decision_sign(decision: Decision) -> &'static str {
    match decision {
        Decision::Ok => "✓",
        Decision::Undecided => "?",
        Decision::Worse => "✗",
    }
}

/// What a metric is, in full.
pub(super) fn metric(kind: MetricKind) -> &'static str {
    match kind {
        MetricKind::LatencyP50 => "p50 latency",
        MetricKind::LatencyP95 => "p95 latency",
        MetricKind::LatencyP99 => "p99 latency",
        MetricKind::LatencyP999 => "p99.9 latency",
        MetricKind::Errors => "errors",
        MetricKind::Statuses => "status changes",
        MetricKind::Bodies => "body differences",
    }
}

/// A counted class or other name from the formats, readable: `connect_refused` is `connect refused`.
pub(super) fn readable(name: &str) -> String {
    name.replace('_', " ")
}

/// The numbers of a metric as text, each with its unit.
pub(super) struct Figures {
    /// The baseline's value, or the share among noise pairs.
    pub(super) baseline: String,
    /// The candidate's value, or the share among pairs.
    pub(super) candidate: String,
    /// The difference.
    pub(super) difference: String,
    /// The interval; empty where there is none.
    pub(super) interval: String,
    /// The margin.
    pub(super) margin: String,
    /// The smallest worsening that would have been seen; empty where unknown.
    pub(super) detectable: String,
}

/// The figures of a metric.
pub(super) fn figures(metric: &Metric) -> Figures {
    let (baseline, candidate, unit, margin) = match &metric.estimate {
        Estimate::Latency { baseline_us, candidate_us, censored_above_us, ratio_margin, .. } => (
            number::latency_or_censored(*baseline_us, *censored_above_us),
            number::latency_or_censored(*candidate_us, *censored_above_us),
            "%",
            100.0 * (ratio_margin - 1.0),
        ),
        Estimate::Share { baseline_share, candidate_share, margin_points, .. } => (
            number::percent_or_none(*baseline_share),
            number::percent_or_none(*candidate_share),
            "points",
            *margin_points,
        ),
    };
    let forest = metric.estimate.forest();
    Figures {
        baseline,
        candidate,
        difference: forest.map_or_else(|| number::NONE.to_owned(), |f| number::signed(f.estimate, unit)),
        interval: forest
            .map(|f| format!("{} to {}", number::signed(f.lower, ""), number::signed(f.upper, unit)))
            .unwrap_or_default(),
        margin: number::signed(margin, unit),
        detectable: metric
            .detectable
            .map(|d| number::signed(detectable(metric, d), unit))
            .unwrap_or_default(),
    }
}

/// The smallest worsening that would have been seen, in percent or percentage points.
fn detectable(metric: &Metric, value: f64) -> f64 {
    match metric.estimate {
        Estimate::Latency { .. } => 100.0 * (value - 1.0),
        Estimate::Share { .. } => value,
    }
}

/// A metric in one line: `p99 latency: 56.2 ms to 106 ms, +88.0 % (+63.0 to +113 %), margin +25.0 %: beyond margin`.
pub(super) fn metric_line(metric: &Metric) -> String {
    let figures = figures(metric);
    let interval = if figures.interval.is_empty() { "no interval".to_owned() } else { figures.interval };
    format!(
        "{}, {}: baseline {}, candidate {}, {} ({interval}), margin {}: {}",
        metric.scope,
        self::metric(metric.metric),
        figures.baseline,
        figures.candidate,
        figures.difference,
        figures.margin,
        decision(metric.decision),
    )
}

/// The part of an excerpt around what is marked in it, about as long as asked for in bytes.
pub(super) fn around(excerpt: &Excerpt, length: usize) -> &str {
    let text = &excerpt.text;
    let middle = excerpt.highlight.map_or(0, |highlight| highlight.start);
    let start = text.floor_char_boundary(middle.min(text.len()).saturating_sub(length / 2));
    &text[start..text.floor_char_boundary(start.saturating_add(length))]
}

/// Whether a metric has a part in the verdict.
pub(super) fn judged(metric: &Metric) -> bool {
    metric.gate != Gate::Shown
}

/// The reasons that decided, or everything that was proven where nothing stood against it.
pub(super) fn deciding(summary: &Summary) -> Vec<&Reason> {
    let deciding: Vec<&Reason> = summary.reasons.iter().filter(|r| r.effect != Effect::Note).collect();
    if deciding.is_empty() { summary.reasons.iter().collect() } else { deciding }
}

/// One sentence on how much of the traffic the verdict speaks of.
pub(super) fn coverage(summary: &Summary) -> String {
    let coverage = &summary.coverage;
    let mut text = format!(
        "The verdict speaks of {} of the recorded traffic: {} of {} exchanges were replayable, \
         which is {} of what the policy opens ({}).",
        number::percent(coverage.share_of_traffic),
        number::count(coverage.replayable_exchanges),
        number::count(coverage.corpus_exchanges),
        number::percent(coverage.share_of_opened),
        coverage.opened,
    );
    if let Some(planned) = coverage.planned_rate_per_second {
        text.push_str(&format!(" Planned were {} for each backend", number::rate(planned)));
        if let Some(percent) = coverage.percent_of_production {
            text.push_str(&format!(" ({} of production)", number::percent(percent / 100.0)));
        }
        if let Some(reached) = coverage.reached_rate_per_second {
            text.push_str(&format!("; {} were reached at the candidate", number::rate(reached)));
        }
        text.push('.');
    }
    text
}
