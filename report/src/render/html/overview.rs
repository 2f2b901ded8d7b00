//! The top of the page: verdict, what to look at first, the numbers in short, and coverage.

use super::super::{number, words};
use super::badge::{banner, verdict_chip};
use super::markup::Markup;
use super::metrics::metric_anchor;
use super::svg::{Svg, put};
use crate::summary::{Effect, Estimate, Metric, MetricKind, Reason, ReasonCode, Scope, Summary, Verdict};

/// How many reasons stand open; the rest is folded.
const FIRST: usize = 3;
/// Reasons and warnings on the page in all.
const REASONS: usize = 100;

/// The bar that stays at the top.
pub(super) fn bar(m: &mut Markup, summary: &Summary) {
    m.raw("<a class=\"skip\" href=\"#main\">Skip to the verdict</a>\n<nav class=\"bar\" aria-label=\"Sections\">");
    m.raw("<div class=\"bar-in\"><span class=\"brand\">cutover</span>");
    verdict_chip(m, summary.verdict);
    m.raw("<a href=\"#first\">First</a><a href=\"#metrics\">Metrics</a><a href=\"#latency\">Latency</a>");
    m.raw("<a href=\"#time\">Over time</a><a href=\"#endpoints\">Endpoints</a><a href=\"#differences\">Differences</a>");
    m.raw("<a href=\"#unchecked\">Not checked</a><a href=\"#accounting\">Accounting</a>");
    m.raw("<a href=\"#reproduce\">Reproduce</a></div></nav>\n");
}

/// Verdict, reasons, tiles, coverage.
pub(super) fn overview(m: &mut Markup, summary: &Summary) {
    banner(m, summary.verdict, &subject(summary), &summary.headline, words::meaning(summary.verdict));
    first(m, summary);
    tiles(m, summary);
    coverage(m, summary);
}

/// `Report on one run of 2 min at 25 % of production`.
fn subject(summary: &Summary) -> String {
    match summary.inputs.runs.as_slice() {
        [] => "Report without a run".to_owned(),
        [run] => format!("Report on a run of {} at {}", number::seconds(run.duration_seconds), run.load),
        runs => {
            let seconds: f64 = runs.iter().map(|run| run.duration_seconds).sum();
            format!("Report on {} runs, {} in all", runs.len(), number::seconds(seconds))
        }
    }
}

fn first(m: &mut Markup, summary: &Summary) {
    let reasons = words::deciding(summary);
    let heading = if summary.verdict == Verdict::Go { "What was proven" } else { "What to look at first" };
    m.raw("<section aria-labelledby=\"first\"><h2 id=\"first\">")
        .raw(heading)
        .raw("</h2><ol class=\"first\">\n");
    for reason in reasons.iter().take(FIRST) {
        m.raw("<li class=\"card\">");
        reason_body(m, summary, reason);
        m.raw("</li>\n");
    }
    m.raw("</ol>");
    let notes = summary.reasons.iter().filter(|r| !reasons.iter().any(|d| std::ptr::eq(*d, *r)));
    let rest: Vec<&Reason> = reasons.iter().skip(FIRST).copied().chain(notes).collect();
    folded(m, summary, &rest, "more reason", "more reasons");
    let warnings: Vec<&Reason> = summary.warnings.iter().collect();
    folded(m, summary, &warnings, "warning that did not decide", "warnings that did not decide");
    m.raw("</section>\n");
}

fn folded(m: &mut Markup, summary: &Summary, reasons: &[&Reason], one: &str, many: &str) {
    if reasons.is_empty() {
        return;
    }
    m.raw("<details class=\"more\"><summary>");
    m.text(&number::counted(reasons.len() as u64, one, many))
        .raw("</summary><ul class=\"plainlist card pad\">\n");
    for reason in reasons.iter().take(REASONS) {
        m.raw("<li>");
        reason_body(m, summary, reason);
        m.raw("</li>\n");
    }
    m.raw("</ul>");
    left_out(m, reasons.len(), REASONS);
    m.raw("</details>\n");
}

fn reason_body(m: &mut Markup, summary: &Summary, reason: &Reason) {
    m.raw("<p class=\"say\">").text(&reason.text).raw("</p>");
    if let Some(remedy) = &reason.remedy {
        m.raw("<p>").text(remedy).raw("</p>");
    }
    m.raw("<p class=\"meta\"><code>").raw(reason.code.name()).raw("</code>");
    if reason.code != ReasonCode::WithinMargins {
        m.raw("<span>").raw(effect(reason.effect)).raw("</span>");
    }
    let anchor = reason.metric.as_deref().and_then(|id| metric_anchor(summary, id));
    if let Some(anchor) = anchor {
        m.raw("<a").attr("href", &format!("#{anchor}")).raw(">the numbers</a>");
    }
    m.raw("</p>");
}

fn effect(effect: Effect) -> &'static str {
    match effect {
        Effect::NoGo => "makes it no-go",
        Effect::BlocksAll => "nothing measured can be trusted",
        Effect::BlocksGo => "forbids go",
        Effect::Note => "changes nothing",
    }
}

/// Says how many of a list are not on the page.
pub(super) fn left_out(m: &mut Markup, total: usize, shown: usize) {
    if total > shown {
        m.raw("<p class=\"muted small pad\">");
        m.text(&format!(
            "{} more are left out here; the JSON report has them all.",
            number::count((total - shown) as u64)
        ));
        m.raw("</p>\n");
    }
}

fn tiles(m: &mut Markup, summary: &Summary) {
    m.raw("<dl class=\"tiles\">");
    let pairs = &summary.accounting.pairs;
    let sub = format!(
        "{} distinct, {}",
        number::count(pairs.distinct),
        number::counted(pairs.sessions, "session", "sessions")
    );
    tile(m, "Pairs judged", &number::count(pairs.usable), &sub);
    for kind in [MetricKind::LatencyP50, MetricKind::LatencyP99, MetricKind::Errors] {
        if let Some(metric) = overall(summary, kind) {
            let figures = words::figures(metric);
            let sub = format!("baseline {}", figures.baseline);
            tile(m, &format!("Candidate {}", words::metric(kind)), &figures.candidate, &sub);
        }
    }
    let counting = summary.difference_groups.iter().filter(|group| group.counts).count();
    let sub = format!("that count, of {}", number::count(summary.difference_groups.len() as u64));
    tile(m, "Kinds of difference", &number::count(counting as u64), &sub);
    m.raw("</dl>\n");
}

fn tile(m: &mut Markup, name: &str, value: &str, sub: &str) {
    m.raw("<div class=\"card tile\"><dt>").text(name).raw("</dt><dd>").text(value);
    m.raw("<small>").text(sub).raw("</small></dd></div>");
}

fn overall(summary: &Summary, kind: MetricKind) -> Option<&Metric> {
    summary.metrics.iter().find(|metric| {
        let known = match metric.estimate {
            Estimate::Latency { baseline_us, candidate_us, .. } => baseline_us.or(candidate_us).is_some(),
            Estimate::Share { candidate_share, .. } => candidate_share.is_some(),
        };
        metric.scope == Scope::Overall && metric.metric == kind && known
    })
}

fn coverage(m: &mut Markup, summary: &Summary) {
    m.raw("<section aria-labelledby=\"coverage\"><h2 id=\"coverage\">Coverage</h2><div class=\"card pad\">");
    m.svg(&share_bar(summary.coverage.share_of_traffic))
        .raw("<p>")
        .text(&words::coverage(summary))
        .raw("</p>");
    if let Some(rate) = summary.coverage.production_rate_per_second {
        m.raw("<p class=\"muted small\">")
            .text(&format!("Production had {}.", number::rate(rate)))
            .raw("</p>");
    }
    m.raw("</div></section>\n");
}

fn share_bar(share: f64) -> Svg {
    let percent = 100.0 * if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
    let mut svg = String::new();
    put(
        &mut svg,
        format_args!(
            r#"<svg class="cover" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true"><rect width="{percent:.2}" height="4"/></svg>"#
        ),
    );
    Svg::of_numbers(svg)
}
