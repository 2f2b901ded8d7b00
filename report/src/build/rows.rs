//! Rows of tables: endpoints, differences, noise, rules, what was not checked, and how to see it again.

use super::{endpoint_name, is_live, tidy};
use crate::collect::{Counters, Frame};
use crate::group;
use crate::noise::Resolved;
use crate::policy::{Ignore, Policy};
use crate::stats::histogram::Histogram;
use crate::summary::{
    Coverage, DifferenceExample, DifferenceGroup, Effect, EndpointRow, EndpointSide, Excerpt, Highlight,
    IgnoredRule, Metric, NoiseRow, NotCompared, Reason, ReasonCode, Reproduce,
};
use std::collections::BTreeMap;

#[expect(clippy::cast_precision_loss, reason = "shares are wanted")]
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { tidy(part as f64 / whole as f64) }
}

/// One row for each endpoint with requests, by traffic.
pub(super) fn endpoints(
    frame: &Frame,
    counters: &Counters,
    resolved: &Resolved,
    metrics: &[Metric],
) -> Vec<EndpointRow> {
    let all: u64 = counters.rows.iter().map(|row| row.pairs).sum();
    let row = |(index, row): (usize, &crate::collect::Row)| {
        let name = &frame.endpoints[index].name;
        let counts = resolved.endpoints.get(index).copied().unwrap_or_default().pairs;
        let own = metrics.iter().filter(|metric| metric.scope.endpoint() == Some(name));
        let [baseline, candidate] = &row.sides;
        let timed = is_live(frame);
        EndpointRow {
            endpoint: name.clone(),
            named: frame.named.contains(name),
            planned: row.planned,
            pairs: row.pairs,
            share: share(row.pairs, all),
            decision: own.filter(|m| m.gate != crate::summary::Gate::Shown).map(|m| m.decision).max(),
            baseline: side(baseline, timed),
            candidate: side(candidate, timed),
            status_changes: counts.status.pairs,
            mismatches: counts.mismatched.pairs,
        }
    };
    let mut rows: Vec<EndpointRow> =
        counters.rows.iter().enumerate().filter(|(_, row)| row.planned > 0).map(row).collect();
    rows.sort_by(|a, b| b.pairs.cmp(&a.pairs).then_with(|| a.endpoint.cmp(&b.endpoint)));
    rows
}

fn side(side: &crate::collect::Side, timed: bool) -> EndpointSide {
    let quantile = |q: f64, least: u64| {
        let enough = timed && side.latency.total() >= least;
        enough.then(|| Histogram::quantile(&side.latency, q).us()).flatten().map(tidy)
    };
    EndpointSide {
        p50_us: quantile(0.5, 1),
        p95_us: quantile(0.95, 20),
        p99_us: quantile(0.99, 100),
        errors: side.errors,
        statuses: side.statuses.clone(),
    }
}

/// Differences by cause.
pub(super) fn groups(frame: &Frame, resolved: &Resolved) -> Vec<DifferenceGroup> {
    resolved.groups.iter().map(|group| difference_group(frame, group)).collect()
}

fn difference_group(frame: &Frame, group: &group::Group) -> DifferenceGroup {
    let name = &group.name;
    let change = (!name.change.is_empty()).then(|| name.change.clone());
    let shown_change = change.as_deref().map(|change| format!(" ({change})")).unwrap_or_default();
    DifferenceGroup {
        id: group.id.to_string(),
        endpoint: endpoint_name(frame, group.endpoint),
        path: name.path.clone(),
        kind: name.kind.name().to_owned(),
        title: format!("{} {}{shown_change}", name.path, words(name.kind)),
        change,
        severity: group.severity.name().to_owned(),
        counts: group.severity != group::Severity::Incidental,
        pairs: group.seen.pairs,
        exchanges: group.seen.exchanges,
        share: share(group.seen.pairs, group.seen.of_pairs),
        first_second: group.first.0 / 1_000_000_000,
        last_second: group.last.0 / 1_000_000_000,
        also_at: group.also.iter().map(|also| also.path.clone()).collect(),
        examples: group.examples.iter().map(example).collect(),
    }
}

/// What a kind says of a place, for titles.
fn words(kind: crate::compare::Kind) -> &'static str {
    use crate::compare::Kind;
    match kind {
        Kind::Status => "changed",
        Kind::Missing => "is missing",
        Kind::Extra => "was not there before",
        Kind::Type => "has another type",
        Kind::Unparsable => "cannot be read on one side",
        Kind::Ambiguous => "is ambiguous and differs",
        Kind::Format => "has another format",
        Kind::Length => "has another length",
        Kind::Value | Kind::Header => "has another value",
        Kind::Bytes => "has other bytes",
        Kind::Order => "is in another order",
    }
}

fn example(example: &group::Example) -> DifferenceExample {
    DifferenceExample {
        exchange: example.exchange.to_string(),
        request: format!("{} {}", example.method, example.target),
        second: example.at.0 / 1_000_000_000,
        baseline: excerpt(&example.baseline),
        candidate: excerpt(&example.candidate),
    }
}

fn excerpt(excerpt: &group::Excerpt) -> Excerpt {
    Excerpt {
        text: excerpt.text.clone(),
        omitted_before: excerpt.omitted_before,
        omitted_after: excerpt.omitted_after,
        highlight: excerpt.differing.as_ref().map(|range| Highlight { start: range.start, end: range.end }),
    }
}

/// Differences that also occur between a backend and itself.
pub(super) fn noise(frame: &Frame, resolved: &Resolved) -> Vec<NoiseRow> {
    let row = |unit: &crate::noise::NoiseUnit| NoiseRow {
        endpoint: endpoint_name(frame, unit.endpoint),
        path: unit.name.path.clone(),
        kind: unit.name.kind.name().to_owned(),
        noise_share: share(unit.rates.noise_pairs, unit.rates.of_noise_pairs),
        pair_share: share(unit.rates.pairs, unit.rates.of_pairs),
        noise_pairs: unit.rates.of_noise_pairs,
        pairs: unit.rates.of_pairs,
    };
    resolved.noise.iter().map(row).collect()
}

/// `GET /orders/{id} $.at value`.
fn rule_text(rule: &Ignore) -> String {
    let endpoint = rule.endpoint.as_deref().unwrap_or("every endpoint");
    let kind = rule.kind.as_deref().unwrap_or("any difference");
    format!("{endpoint}: {kind} at {}", rule.path)
}

fn hits(resolved: &Resolved, index: usize) -> u64 {
    resolved.rule_hits.iter().filter(|(rule, _)| rule.0 == index).map(|(_, hits)| *hits).sum()
}

/// Rules of the policy with how often each hid something.
pub(super) fn ignored(policy: &Policy, resolved: &Resolved) -> Vec<IgnoredRule> {
    let row = |(index, rule): (usize, &Ignore)| IgnoredRule {
        rule: rule_text(rule),
        reason: rule.reason.clone(),
        hits: hits(resolved, index),
    };
    policy.ignore.iter().enumerate().map(row).collect()
}

/// A warning for each rule that hid nothing.
pub(super) fn dead_rules(policy: &Policy, resolved: &Resolved) -> Vec<Reason> {
    let dead = policy.ignore.iter().enumerate().filter(|(index, _)| hits(resolved, *index) == 0);
    let warn = |(_, rule): (usize, &Ignore)| Reason {
        code: ReasonCode::DeadRule,
        effect: Effect::Note,
        text: format!("the ignore rule \"{}\" hid nothing", rule_text(rule)),
        endpoint: rule.endpoint.clone(),
        metric: None,
        remedy: Some("correct the rule, or take it out".to_owned()),
        needs: None,
        numbers: BTreeMap::new(),
    };
    dead.map(warn).collect()
}

/// What was left out, not judged or not compared.
pub(super) fn not_checked(coverage: &Coverage, counters: &Counters, resolved: &Resolved) -> Vec<NotCompared> {
    let row = |what: &str, text: String, count: u64| NotCompared { what: what.to_owned(), text, count };
    let left_out = coverage.left_out.iter();
    let left_out =
        left_out.map(|(why, count)| row(why, "recorded exchanges left out of the plan".to_owned(), *count));
    let excluded = counters.ledger.excluded.iter();
    let excluded = excluded
        .map(|(why, count)| row(why.name(), "pairs without a measurement of both sides".to_owned(), *count));
    let bodies = resolved.not_compared.iter();
    let bodies =
        bodies.map(|(why, count)| row(why.name(), "pairs whose bodies were not compared".to_owned(), *count));
    let other = row(
        "too_many_differences",
        "differences beyond the number that is told apart".to_owned(),
        resolved.other,
    );
    left_out.chain(excluded).chain(bodies).chain([other]).filter(|row| row.count > 0).collect()
}

/// Commands that show the evidence again.
pub(super) fn reproduce(resolved: &Resolved, frame: &Frame) -> Vec<Reproduce> {
    let whole = Reproduce {
        what: "this report".to_owned(),
        command: "cutover report STEP.run --policy cutover.toml".to_owned(),
    };
    let first = |group: &group::Group| {
        let target = &group.examples.iter().find(|example| is_plain(&example.target))?.target;
        Some(Reproduce {
            what: format!(
                "the recorded exchange behind {} at {}",
                group.id,
                endpoint_name(frame, group.endpoint)
            ),
            command: format!(
                "cutover corpus cat PROD.corpus --json --bodies --filter 'target == \"{target}\"'"
            ),
        })
    };
    std::iter::once(whole).chain(resolved.groups.iter().take(5).filter_map(first)).collect()
}

/// Whether captured text may stand in a command that people paste: nothing in it means anything to a shell's quotes.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._~?=&%-+,:;@".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::is_plain;

    #[test]
    fn captured_text_cannot_leave_the_quotes_of_a_command() {
        for (text, expected) in [
            ("/orders/5?page=2&sort=-id", true),
            ("/a' ; rm -rf / '", false),
            ("/a\"b", false),
            ("/$(id)", false),
            ("/`id`", false),
            ("/a\nb", false),
            ("/\u{e9}", false),
        ] {
            assert_eq!(is_plain(text), expected, "{text:?}");
        }
    }
}
