//! Metrics with their intervals against their margins.

use super::super::{number, words};
use super::badge::decision_chip;
use super::forest;
use super::markup::Markup;
use super::overview::left_out;
use crate::summary::{Decision, Gate, Metric, Scope, Summary};

/// Rows of one table.
const ROWS: usize = 250;

/// The anchor of a metric that is on the page.
pub(super) fn metric_anchor(summary: &Summary, id: &str) -> Option<String> {
    summary.metrics.iter().position(|metric| metric.id == id).map(anchor)
}

fn anchor(position: usize) -> String {
    format!("metric-{position}")
}

/// Everything that gates: what is overall or not within its margin stands open, the rest is folded.
pub(super) fn metrics(m: &mut Markup, summary: &Summary) {
    let all: Vec<(usize, &Metric)> = summary.metrics.iter().enumerate().collect();
    let (judged, shown): (Vec<_>, Vec<_>) = all.into_iter().partition(|(_, metric)| words::judged(metric));
    let open =
        |(_, metric): &(usize, &Metric)| metric.scope == Scope::Overall || metric.decision != Decision::Ok;
    let (open, fine): (Vec<_>, Vec<_>) = judged.into_iter().partition(open);
    m.raw("<section aria-labelledby=\"metrics\"><h2 id=\"metrics\">Metrics against their margins</h2><p class=\"lead\">");
    m.text(&lead(summary)).raw("</p>");
    if open.is_empty() {
        m.raw("<p class=\"card pad\">No metric could be estimated.</p>");
    } else {
        table(m, "Overall, and whatever is not within its margin", &open);
    }
    let endpoints = "endpoint metric within its margin";
    fold(m, &fine, endpoints, "endpoint metrics within their margins");
    fold(m, &shown, "metric that decides nothing", "metrics that decide nothing");
    m.raw("</section>\n");
}

fn lead(summary: &Summary) -> String {
    let gating = &summary.gating;
    format!(
        "Fixed before the first request: {}, {} judged on their own, {} pooled. Go needs every gate proven within its \
         margin at level {}; no-go needs one proven beyond it at {}, shared out over all of them. In the \
         drawings the bar is the interval, its mark the estimate, and the shaded side beyond the margin.",
        number::counted(gating.metrics.len() as u64, "metric", "metrics"),
        number::counted(gating.endpoints.len() as u64, "endpoint", "endpoints"),
        number::count(gating.pooled_endpoints),
        number::percent(gating.alpha_go),
        number::percent(gating.alpha_no_go),
    )
}

fn fold(m: &mut Markup, rows: &[(usize, &Metric)], one: &str, many: &str) {
    if rows.is_empty() {
        return;
    }
    let title = number::counted(rows.len() as u64, one, many);
    m.raw("<details class=\"more\"><summary>").text(&title).raw("</summary>");
    table(m, &title, rows);
    m.raw("</details>\n");
}

fn table(m: &mut Markup, caption: &str, rows: &[(usize, &Metric)]) {
    m.raw("<div class=\"card scroll\" role=\"region\" tabindex=\"0\"")
        .attr("aria-label", caption)
        .raw("><table>");
    m.raw("<caption>").text(caption).raw("</caption>");
    m.raw("<thead><tr><th scope=\"col\">Metric</th><th scope=\"col\">Decision</th>");
    m.raw("<th scope=\"col\"><span class=\"sr\">Interval against margin, drawn</span>")
        .svg(&forest::head())
        .raw("</th>");
    m.raw("<th scope=\"col\" class=\"r\">Difference</th><th scope=\"col\" class=\"r\">Margin</th>");
    m.raw("<th scope=\"col\" class=\"r\">Baseline</th><th scope=\"col\" class=\"r\">Candidate</th>");
    m.raw("<th scope=\"col\" class=\"r\">Evidence</th></tr></thead>\n<tbody>");
    let mut scope = None;
    for (position, metric) in rows.iter().take(ROWS) {
        if scope != Some(&metric.scope) {
            m.raw("<tr class=\"scope\"><th colspan=\"8\" scope=\"colgroup\">")
                .name(&metric.scope.to_string());
            m.raw("</th></tr>\n");
        }
        scope = Some(&metric.scope);
        row(m, *position, metric);
    }
    m.raw("</tbody></table></div>");
    left_out(m, rows.len(), ROWS);
}

fn row(m: &mut Markup, position: usize, metric: &Metric) {
    let figures = words::figures(metric);
    m.raw("<tr").attr("id", &anchor(position)).raw("><th scope=\"row\"><span class=\"nowrap\">");
    m.raw(words::metric(metric.metric)).raw("</span>");
    sub(m, &format!("{}{}", part(metric.gate), metric.method));
    m.raw("</th><td>");
    decision_chip(m, metric.decision);
    if let Some(reason) = metric.reason {
        m.raw("<span class=\"sub\"><code>").raw(reason.name()).raw("</code></span>");
    }
    m.raw("</td><td>");
    match metric.estimate.forest() {
        Some(interval) => m.svg(&forest::row(interval, metric.decision)),
        None => m.raw("<span class=\"muted\">no interval</span>"),
    };
    m.raw("</td><td class=\"num\">").text(&figures.difference);
    sub(m, &figures.interval);
    m.raw("</td><td class=\"num\">").text(&figures.margin);
    if metric.decision == Decision::Ok && !figures.detectable.is_empty() {
        sub(m, &format!("sees {}", figures.detectable));
    }
    m.raw("</td><td class=\"num\">")
        .text(&figures.baseline)
        .raw("</td><td class=\"num\">")
        .text(&figures.candidate);
    m.raw("</td><td class=\"num\">").text(&format!("{} distinct", number::count(metric.distinct)));
    sub(m, &number::counted(metric.pairs, "pair", "pairs"));
    m.raw("</td></tr>\n");
}

fn sub(m: &mut Markup, text: &str) {
    if !text.is_empty() {
        m.raw("<span class=\"sub\">").text(text).raw("</span>");
    }
}

fn part(gate: Gate) -> &'static str {
    match gate {
        Gate::Gate => "",
        Gate::Alarm => "can only say no-go; ",
        Gate::Shown => "decides nothing; ",
    }
}
