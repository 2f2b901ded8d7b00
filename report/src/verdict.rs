//! From metrics and doubts to go, no-go or inconclusive.
//!
//! Go needs every gating metric proven within its margin and nothing that forbids it; no-go needs one metric proven
//! beyond. Everything else, and everything that is missing, is inconclusive.

use crate::summary::{Decision, Effect, Estimate, Gate, Metric, Needs, Reason, ReasonCode, Scope, Verdict};
use std::collections::BTreeMap;

/// The verdict with why, and what else should be known.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Judgement {
    pub(crate) verdict: Verdict,
    pub(crate) reasons: Vec<Reason>,
    pub(crate) warnings: Vec<Reason>,
}

/// Judges.
pub(crate) fn judge(metrics: &[Metric], doubts: Vec<Reason>) -> Judgement {
    let (notes, doubts): (Vec<_>, Vec<_>) =
        doubts.into_iter().partition(|reason| reason.effect == Effect::Note);
    let deciding = |metric: &&Metric| metric.gate != Gate::Shown;
    let worse: Vec<Reason> =
        metrics.iter().filter(deciding).filter(|m| m.decision == Decision::Worse).map(worse_reason).collect();
    let gates = || metrics.iter().filter(|metric| metric.gate == Gate::Gate);
    let undecided: Vec<Reason> =
        gates().filter(|m| m.decision == Decision::Undecided).map(undecided_reason).collect();
    let has = |effect: Effect| doubts.iter().any(|reason| reason.effect == effect);
    let verdict = if has(Effect::NoGo) || (!worse.is_empty() && !has(Effect::BlocksAll)) {
        Verdict::NoGo
    } else if !doubts.is_empty() || !worse.is_empty() || !undecided.is_empty() || gates().next().is_none() {
        Verdict::Inconclusive
    } else {
        Verdict::Go
    };
    let mut reasons: Vec<Reason> = doubts.into_iter().chain(worse).chain(undecided).collect();
    reasons.sort_by_key(|reason| rank(verdict, reason));
    if verdict == Verdict::Go {
        reasons.push(within_margins(gates().count()));
    } else if reasons.is_empty() {
        reasons.push(nothing_gates());
    }
    let mut warnings = notes;
    warnings.extend(not_proven_alone(metrics));
    Judgement { verdict, reasons, warnings }
}

/// What made the verdict comes first.
fn rank(verdict: Verdict, reason: &Reason) -> u8 {
    match (verdict, reason.effect) {
        (Verdict::NoGo, Effect::NoGo) => 0,
        (_, Effect::BlocksAll) => 1,
        (_, Effect::BlocksGo) if reason.metric.is_none() => 2,
        (_, Effect::NoGo) => 3,
        (_, Effect::BlocksGo) => 4,
        (_, Effect::Note) => 5,
    }
}

fn plain(code: ReasonCode, effect: Effect, text: String) -> Reason {
    Reason {
        code,
        effect,
        text,
        endpoint: None,
        metric: None,
        remedy: None,
        needs: None,
        numbers: BTreeMap::new(),
    }
}

fn within_margins(gates: usize) -> Reason {
    plain(
        ReasonCode::WithinMargins,
        Effect::Note,
        format!("all {gates} gating metrics are proven to lie within their margins"),
    )
}

fn nothing_gates() -> Reason {
    plain(ReasonCode::NoData, Effect::BlocksGo, "nothing gates: there is nothing to prove".to_owned())
}

fn of_metric(metric: &Metric, code: ReasonCode, effect: Effect, text: String) -> Reason {
    let mut reason = plain(code, effect, text);
    reason.metric = Some(metric.id.clone());
    reason.endpoint = metric.scope.endpoint().map(str::to_owned);
    if let Some(forest) = metric.estimate.forest() {
        let unit = match metric.estimate {
            Estimate::Latency { .. } => "percent",
            Estimate::Share { .. } => "points",
        };
        let numbers = [
            ("estimate", forest.estimate),
            ("lower", forest.lower),
            ("upper", forest.upper),
            ("margin", forest.margin),
        ];
        let finite = numbers.into_iter().filter(|(_, value)| value.is_finite());
        reason.numbers =
            finite.map(|(name, value)| (format!("{name}_{unit}"), crate::build::tidy(value))).collect();
    }
    reason
}

fn worse_reason(metric: &Metric) -> Reason {
    let text = format!("{} is worse: {}", name(metric), interval(metric));
    of_metric(metric, ReasonCode::Worse, Effect::NoGo, text)
}

fn name(metric: &Metric) -> String {
    match &metric.scope {
        Scope::Overall => format!("{} overall", metric.metric.short()),
        Scope::Endpoint(endpoint) => format!("{} at {endpoint}", metric.metric.short()),
        Scope::Rest => format!("{} at other endpoints", metric.metric.short()),
    }
}

/// `+31.2 % (24.0 to 38.9), margin 25 %`.
fn interval(metric: &Metric) -> String {
    let unit = match metric.estimate {
        Estimate::Latency { .. } => "%",
        Estimate::Share { .. } => "points",
    };
    let digits = if unit == "%" { 1 } else { 2 };
    match metric.estimate.forest() {
        None => "no estimate".to_owned(),
        Some(forest) => format!(
            "{:+.digits$} {unit} ({:+.digits$} to {}), margin {:+.digits$} {unit}",
            forest.estimate,
            forest.lower,
            if forest.upper.is_finite() {
                format!("{:+.digits$}", forest.upper)
            } else {
                "unbounded".to_owned()
            },
            forest.margin,
        ),
    }
}

fn undecided_reason(metric: &Metric) -> Reason {
    let code = metric.reason.unwrap_or(ReasonCode::IntervalTooWide);
    let name = name(metric);
    let text = match code {
        ReasonCode::NoData => format!("{name} has no data"),
        ReasonCode::InsufficientSamples => {
            format!("{name} has too few distinct exchanges: {}", metric.distinct)
        }
        ReasonCode::TooFewBlocks => format!("{name} has too few seconds for an interval over time"),
        ReasonCode::TooFewSessions => format!("{name} has too few sessions for an interval over sessions"),
        ReasonCode::GeneratorLag => {
            format!("{name} would be decided otherwise had the replayer not been late")
        }
        ReasonCode::BodiesNotCompared => {
            format!("{name}: too many bodies differ by digest and were not kept")
        }
        ReasonCode::NoNoiseData => {
            format!("{name}: values differ, and without control or repeats they cannot be told from noise")
        }
        _ => format!("{name} is not decided: {}", interval(metric)),
    };
    let mut reason = of_metric(metric, code, Effect::BlocksGo, text);
    reason.remedy = Some(remedy(code, metric));
    reason.needs = metric.needs.clone();
    reason
}

fn remedy(code: ReasonCode, metric: &Metric) -> String {
    match code {
        ReasonCode::GeneratorLag => "replay on a machine with processors to spare".to_owned(),
        ReasonCode::BodiesNotCompared => "replay with --bodies all".to_owned(),
        ReasonCode::NoNoiseData => {
            "replay with --control or a noise share, or ignore what may differ".to_owned()
        }
        _ => match &metric.needs {
            Some(needs) => in_words(needs),
            None if metric.estimate.forest().is_some_and(|forest| forest.estimate >= forest.margin) => {
                "the estimate itself lies beyond the margin: more data would rather show no-go".to_owned()
            }
            None => "replay for longer".to_owned(),
        },
    }
}

/// `about 4 more minutes, or 3,000 distinct exchanges in all`.
fn in_words(needs: &Needs) -> String {
    let corpus = match (needs.distinct_exchanges, needs.corpus_has) {
        (Some(wanted), Some(has)) if needs.larger_corpus => {
            format!(
                "a corpus with about {wanted} distinct exchanges here would decide it; this one has {has}"
            )
        }
        _ if needs.larger_corpus => "a corpus with more sessions would decide it".to_owned(),
        (Some(wanted), _) => format!("about {wanted} distinct exchanges in all would decide it"),
        (None, _) => String::new(),
    };
    let time = needs.more_seconds.filter(|_| !needs.larger_corpus).map(|seconds| match seconds {
        s if s < 90.0 => format!("about {} more seconds", s.ceil()),
        s => format!("about {} more minutes", (s / 60.0).ceil()),
    });
    match (time, corpus.is_empty()) {
        (Some(time), false) => format!("{time}: {corpus}"),
        (Some(time), true) => format!("{time} would decide it"),
        (None, _) => corpus,
    }
}

/// One warning for each scope whose shares can raise an alarm and cannot be proven.
fn not_proven_alone(metrics: &[Metric]) -> Vec<Reason> {
    let mut by_scope: BTreeMap<&Scope, Vec<&Metric>> = BTreeMap::new();
    let alarms = metrics.iter().filter(|m| m.gate == Gate::Alarm && m.decision == Decision::Undecided);
    alarms.for_each(|metric| by_scope.entry(&metric.scope).or_default().push(metric));
    let warn = |(scope, metrics): (&Scope, Vec<&Metric>)| {
        let names: Vec<&str> = metrics.iter().map(|metric| metric.metric.short()).collect();
        let distinct = metrics.first().map_or(0, |metric| metric.distinct);
        let text = format!(
            "{scope} has {distinct} distinct exchanges: too few to prove {} on their own",
            names.join(", ")
        );
        let mut reason = plain(ReasonCode::NotProvenAlone, Effect::Note, text);
        reason.endpoint = scope.endpoint().map(str::to_owned);
        reason
    };
    by_scope.into_iter().map(warn).collect()
}
