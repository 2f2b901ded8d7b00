//! Charts of latency by quantile and of the run over time.

use super::super::number;
use super::axis;
use super::chart::{Chart, Line, Tone};
use super::markup::Markup;
use super::overview::left_out;
use super::svg::{Svg, put};
use crate::summary::{BackendSeries, Decision, PercentileCurve, Summary};

/// Charts of endpoints on one page.
const CURVES: usize = 24;
/// Points of one line; more are merged.
const POINTS: usize = 600;

/// Latency by quantile.
pub(super) fn latency(m: &mut Markup, summary: &Summary) {
    m.raw("<section aria-labelledby=\"latency\"><h2 id=\"latency\">Latency by percentile</h2><p class=\"lead\">");
    m.raw("From the planned time of each request, so that waiting for a slow backend counts. Each step to the right ");
    m.raw("is ten times rarer; what failed or was not answered counts as slower than everything.</p>");
    let Some((overall, endpoints)) = summary.percentile_curves.split_first() else {
        m.raw("<p class=\"card pad\">No latencies were measured.</p></section>\n");
        return;
    };
    m.raw("<div class=\"charts one\">");
    curve_figure(m, overall);
    quantile_table(m, overall);
    m.raw("</div>");
    if !endpoints.is_empty() {
        let mut order: Vec<&PercentileCurve> = endpoints.iter().collect();
        order.sort_by_cached_key(|curve| std::cmp::Reverse(gravity(summary, curve)));
        m.raw("<details class=\"more\"><summary>");
        m.text(&number::counted(
            order.len() as u64,
            "curve of an endpoint",
            "curves of endpoints, the gravest first",
        ));
        m.raw("</summary><div class=\"charts\">");
        for curve in order.iter().take(CURVES) {
            curve_figure(m, curve);
        }
        m.raw("</div>");
        left_out(m, order.len(), CURVES);
        m.raw("</details>");
    }
    m.raw("</section>\n");
}

/// The gravest decision about a latency of the curve's scope.
fn gravity(summary: &Summary, curve: &PercentileCurve) -> Option<Decision> {
    let about =
        |metric: &&crate::summary::Metric| metric.scope == curve.scope && metric.metric.quantile().is_some();
    summary.metrics.iter().filter(about).map(|metric| metric.decision).max()
}

fn curve_figure(m: &mut Markup, curve: &PercentileCurve) {
    let values = || curve.baseline_us.iter().chain(&curve.candidate_us).flatten().copied();
    let known =
        |(q, us): (&f64, &Option<f64>)| us.filter(|us| *us > 0.0).map(|us| (axis::nines(*q), us.log10()));
    let line =
        |tone, us: &[Option<f64>]| Line { tone, points: curve.quantiles.iter().zip(us).map(known).collect() };
    let chart = Chart {
        x: axis::quantile(curve.quantiles.last().copied().unwrap_or(0.99)),
        y: axis::latency(values()),
        lines: vec![line(Tone::Baseline, &curve.baseline_us), line(Tone::Candidate, &curve.candidate_us)],
        rules: Vec::new(),
    };
    let at = |q: f64| {
        let (baseline, candidate) = at_quantile(curve, q);
        let show = |us| number::latency_or_censored(us, curve.censored_above_us);
        format!("{}: baseline {}, candidate {}", number::percent(q), show(baseline), show(candidate))
    };
    let label = format!("Latency by percentile, {}. {}; {}.", curve.scope, at(0.5), at(0.99));
    figure(m, &curve.scope.to_string(), &label, &[Tone::Baseline, Tone::Candidate], &chart);
}

/// Both sides at the point of the grid that is nearest to a quantile.
fn at_quantile(curve: &PercentileCurve, quantile: f64) -> (Option<f64>, Option<f64>) {
    let distance = |at: &usize| (axis::nines(curve.quantiles[*at]) - axis::nines(quantile)).abs();
    let nearest = (0..curve.quantiles.len()).min_by(|a, b| distance(a).total_cmp(&distance(b)));
    let value = |us: &[Option<f64>]| nearest.and_then(|at| us.get(at).copied().flatten());
    (value(&curve.baseline_us), value(&curve.candidate_us))
}

/// The same curve as numbers.
fn quantile_table(m: &mut Markup, curve: &PercentileCurve) {
    m.raw("<div class=\"card scroll\" role=\"region\" aria-label=\"Latency by percentile as numbers\" tabindex=\"0\">");
    m.raw("<table><caption>").name(&curve.scope.to_string()).raw(", as numbers</caption><thead><tr>");
    m.raw("<th scope=\"col\" class=\"r\">Percentile</th><th scope=\"col\" class=\"r\">Baseline</th>");
    m.raw("<th scope=\"col\" class=\"r\">Candidate</th><th scope=\"col\" class=\"r\">Change</th></tr></thead><tbody>");
    let highest = curve.quantiles.last().copied().unwrap_or(0.0);
    for (q, name) in [
        (0.5, "50 %"),
        (0.75, "75 %"),
        (0.9, "90 %"),
        (0.95, "95 %"),
        (0.99, "99 %"),
        (0.999, "99.9 %"),
        (0.9999, "99.99 %"),
    ] {
        if q > highest + 1e-9 {
            break;
        }
        let (baseline, candidate) = at_quantile(curve, q);
        let show = |us| number::latency_or_censored(us, curve.censored_above_us);
        let change = match (baseline, candidate) {
            (Some(b), Some(c)) if b > 0.0 => number::signed(100.0 * (c / b - 1.0), "%"),
            _ => number::NONE.to_owned(),
        };
        m.raw("<tr><th scope=\"row\" class=\"num\">")
            .raw(name)
            .raw("</th><td class=\"num\">")
            .text(&show(baseline));
        m.raw("</td><td class=\"num\">").text(&show(candidate)).raw("</td><td class=\"num\">").text(&change);
        m.raw("</td></tr>");
    }
    m.raw("</tbody></table></div>");
}

/// Latency, rate, failures and lateness over time.
pub(super) fn over_time(m: &mut Markup, summary: &Summary) {
    let series = &summary.time_series;
    let points = series.backends.iter().map(|b| b.rate_per_second.len()).max().unwrap_or(0);
    m.raw("<section aria-labelledby=\"time\"><h2 id=\"time\">Over time</h2>");
    if points == 0 {
        m.raw("<p class=\"card pad\">Nothing was replayed.</p></section>\n");
        return;
    }
    let merged = points.div_ceil(POINTS);
    let seconds = series.point_seconds.max(1) * merged as u64;
    m.raw("<p class=\"lead\">");
    m.text(&format!("By planned time, one point for each {}.", number::seconds(seconds as f64)));
    if series.run_starts.len() > 1 {
        m.text(" Dotted upright lines are where another run begins.");
    }
    m.raw("</p><div class=\"charts\">");
    let show = Shown {
        summary,
        merged,
        seconds: seconds as f64,
        end: (points as u64 * series.point_seconds.max(1)) as f64,
    };
    show.latency(m, "p50 latency", |b| &b.p50_us);
    show.latency(m, "p99 latency", |b| &b.p99_us);
    m.raw("</div><div class=\"charts three\">");
    show.amount(m, "Requests a second", &|b| b.rate_per_second.clone(), mean, &number::rate);
    let errors = |b: &BackendSeries| b.errors.iter().map(|&n| n as f64).collect();
    show.amount(m, "Failures: 5xx, timeouts, no connection", &errors, sum, &|v| format!("{v}"));
    show.amount(
        m,
        "Largest lateness, the replayer's own",
        &|b| b.lateness_max_us.clone(),
        largest,
        &number::latency,
    );
    m.raw("</div></section>\n");
}

fn mean(values: &[f64]) -> f64 {
    sum(values) / values.len().max(1) as f64
}

fn sum(values: &[f64]) -> f64 {
    values.iter().sum()
}

fn largest(values: &[f64]) -> f64 {
    values.iter().copied().fold(0.0, f64::max)
}

/// What all charts over time have in common.
struct Shown<'a> {
    summary: &'a Summary,
    /// Points of the series in one point of a chart.
    merged: usize,
    /// Seconds in one point of a chart.
    seconds: f64,
    /// Seconds in all.
    end: f64,
}

impl Shown<'_> {
    fn latency(&self, m: &mut Markup, title: &str, values: impl Fn(&BackendSeries) -> &Vec<Option<f64>>) {
        let worst = |us: &[Option<f64>]| us.iter().flatten().copied().filter(|v| *v > 0.0).reduce(f64::max);
        let of = |b: &BackendSeries| values(b).chunks(self.merged).map(worst).collect::<Vec<_>>();
        let lines: Vec<_> =
            self.summary.time_series.backends.iter().map(|b| (Tone::of(&b.role), of(b))).collect();
        let y = axis::latency(lines.iter().flat_map(|(_, points)| points.iter().flatten().copied()));
        self.chart(
            m,
            title,
            y,
            lines.into_iter().map(|(t, p)| (t, p.into_iter().map(|v| v.map(f64::log10)).collect())),
        );
    }

    fn amount(
        &self,
        m: &mut Markup,
        title: &str,
        values: &dyn Fn(&BackendSeries) -> Vec<f64>,
        merge: fn(&[f64]) -> f64,
        label: &dyn Fn(f64) -> String,
    ) {
        let of =
            |b: &BackendSeries| values(b).chunks(self.merged).map(|c| Some(merge(c))).collect::<Vec<_>>();
        let lines: Vec<_> =
            self.summary.time_series.backends.iter().map(|b| (Tone::of(&b.role), of(b))).collect();
        let max = lines.iter().flat_map(|(_, points)| points.iter().flatten().copied()).fold(0.0, f64::max);
        self.chart(m, title, axis::linear(max, 4, label), lines.into_iter());
    }

    fn chart(
        &self,
        m: &mut Markup,
        title: &str,
        y: axis::Axis,
        lines: impl Iterator<Item = (Tone, Vec<Option<f64>>)>,
    ) {
        let at = |(i, v): (usize, Option<f64>)| v.map(|v| (i as f64 * self.seconds, v));
        let lines: Vec<Line> = lines
            .map(|(tone, p)| Line { tone, points: p.into_iter().enumerate().map(at).collect() })
            .collect();
        let rules = self.summary.time_series.run_starts.iter().skip(1).map(|&s| s as f64);
        let rules = rules.filter(|s| *s < self.end).collect();
        let tones: Vec<Tone> = lines.iter().map(|line| line.tone).collect();
        let chart = Chart { x: axis::time(self.end, 4), y, lines, rules };
        let label = format!("{title} over {}, one line for each backend.", number::seconds(self.end));
        figure(m, title, &label, &tones, &chart);
    }
}

fn figure(m: &mut Markup, title: &str, label: &str, tones: &[Tone], chart: &Chart) {
    m.raw("<figure class=\"card\"><figcaption><b>").name(title).raw("</b><span class=\"legend\">");
    for &tone in tones {
        m.raw("<span>").svg(&key(tone)).raw(match tone {
            Tone::Baseline => "baseline",
            Tone::Candidate => "candidate",
            Tone::Control => "control",
        });
        m.raw("</span>");
    }
    m.raw("</span></figcaption><div role=\"img\"").attr("aria-label", label).raw(">").svg(&chart.draw());
    m.raw("</div></figure>\n");
}

/// A piece of the line, for the legend.
fn key(tone: Tone) -> Svg {
    let mut svg = String::new();
    put(
        &mut svg,
        format_args!(
            r#"<svg class="key" viewBox="0 0 96 36" aria-hidden="true"><path d="M0 18H96" {} stroke-width="14"/></svg>"#,
            tone.stroke()
        ),
    );
    Svg::of_numbers(svg)
}
