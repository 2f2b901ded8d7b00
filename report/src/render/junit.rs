//! JUnit XML: one suite for the judged run, one case for the verdict, for each judged metric and each group of
//! differences.
//!
//! CI systems disagree on what they show of a case, so that the essentials stand in its name and in its text. What is
//! missing evidence is an error: a skipped case would be green everywhere.

use super::number;
use super::text::{Limit, Lines, NAME, SENTENCE, visible};
use super::words;
use crate::summary::{Decision, DifferenceGroup, Gate, Metric, MetricKind, Summary, Verdict};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

/// Cases of one kind; what is beyond is counted in one last case.
const CASES: usize = 500;
/// Characters of one excerpt.
const EXCERPT: Limit = Limit(400);

/// Renders a summary as JUnit XML: no-go is a failure, inconclusive an error.
pub fn junit(summary: &Summary) -> String {
    let mut suite = TestSuite::new(suite_name(summary));
    suite.add_test_case(verdict_case(summary));
    let judged: Vec<&Metric> = summary.metrics.iter().filter(|metric| words::judged(metric)).collect();
    suite.add_test_cases(judged.iter().take(CASES).map(|metric| metric_case(summary, metric)));
    suite.add_test_cases(left_out(judged.len(), "metrics"));
    suite
        .add_test_cases(summary.difference_groups.iter().take(CASES).map(|group| group_case(summary, group)));
    suite.add_test_cases(left_out(summary.difference_groups.len(), "differences"));
    let mut report = Report::new("cutover");
    report.add_test_suite(suite);
    report.to_string().expect("writing XML into memory does not fail")
}

fn suite_name(summary: &Summary) -> String {
    let loads: Vec<&str> = summary.inputs.runs.iter().map(|run| run.load.as_str()).collect();
    line(&if loads.is_empty() { "cutover".to_owned() } else { format!("cutover at {}", loads.join(", ")) })
}

fn line(text: &str) -> String {
    visible(text, Lines::Show, SENTENCE).into_owned()
}

fn verdict_case(summary: &Summary) -> TestCase {
    let reasons: Vec<String> = words::deciding(summary)
        .iter()
        .take(20)
        .map(|r| format!("{}: {}", r.code.name(), line(&r.text)))
        .collect();
    let status = match summary.verdict {
        Verdict::Go => TestCaseStatus::success(),
        Verdict::NoGo => {
            unsuccessful(NonSuccessKind::Failure, "no-go", &summary.headline, &reasons.join("\n"))
        }
        Verdict::Inconclusive => {
            unsuccessful(NonSuccessKind::Error, "inconclusive", &summary.headline, &reasons.join("\n"))
        }
    };
    case(&format!("verdict: {}", summary.headline), "verdict", status)
}

fn unsuccessful(kind: NonSuccessKind, ty: &str, message: &str, text: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(ty).set_message(line(message)).set_description(text);
    status
}

fn case(name: &str, class: &str, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(line(name), status);
    case.set_classname(visible(class, Lines::Show, NAME).as_ref());
    case
}

fn metric_case(summary: &Summary, metric: &Metric) -> TestCase {
    let text = words::metric_line(metric);
    let name = format!("{} {}", metric.scope, words::metric(metric.metric));
    let untrusted = summary.verdict == Verdict::Inconclusive;
    let status = match (metric.decision, metric.gate) {
        (Decision::Ok, _) | (Decision::Undecided, Gate::Alarm) => TestCaseStatus::success(),
        // A run that cannot be trusted proves nothing, either way.
        (Decision::Worse, _) if !untrusted => unsuccessful(NonSuccessKind::Failure, "worse", &text, &text),
        _ => {
            let code = metric.reason.map_or(metric.decision.name(), |reason| reason.name());
            unsuccessful(NonSuccessKind::Error, code, &text, &text)
        }
    };
    let mut case = case(&name, &metric.scope.to_string(), status);
    if metric.decision == Decision::Ok {
        case.set_system_out(line(&text));
    }
    case
}

/// A group fails where it counts and the metric that it counts in is beyond its margin: never against the verdict.
fn group_case(summary: &Summary, group: &DifferenceGroup) -> TestCase {
    let name = format!("{}: {} at {}", group.endpoint, group.title, group.path);
    let text = group_text(group);
    let fails = group.counts
        && summary.verdict == Verdict::NoGo
        && summary.metrics.iter().any(|m| worse_with(m, group));
    let status = if fails {
        unsuccessful(NonSuccessKind::Failure, "difference", &name, &text)
    } else {
        TestCaseStatus::success()
    };
    let mut case = case(&name, &group.endpoint, status);
    if !fails {
        case.set_system_out(text);
    }
    case
}

fn worse_with(metric: &Metric, group: &DifferenceGroup) -> bool {
    let kind = if group.kind == "status" { MetricKind::Statuses } else { MetricKind::Bodies };
    // The overall metric and that of the pooled endpoints have no endpoint: they speak of all that lie in them.
    let covers = metric.scope.endpoint().is_none_or(|endpoint| endpoint == group.endpoint);
    metric.metric == kind && metric.decision == Decision::Worse && words::judged(metric) && covers
}

fn group_text(group: &DifferenceGroup) -> String {
    let pairs = number::counted(group.pairs, "pair", "pairs");
    let mut text = format!(
        "{} in {pairs} ({} of those compared){}\n",
        line(&words::readable(&group.kind)),
        number::percent(group.share),
        if group.counts { "" } else { "; does not count" },
    );
    if let Some(example) = group.examples.first() {
        let cut = |text: &str| visible(text, Lines::Keep, EXCERPT).into_owned();
        text.push_str(&format!(
            "{}\nbaseline: {}\ncandidate: {}\n",
            line(&example.request),
            cut(words::around(&example.baseline, EXCERPT.0)),
            cut(words::around(&example.candidate, EXCERPT.0)),
        ));
    }
    text
}

fn left_out(total: usize, what: &str) -> Option<TestCase> {
    let more = total.checked_sub(CASES).filter(|more| *more > 0)?;
    Some(case(
        &format!("{} more {what} are left out here", number::count(more as u64)),
        "cutover",
        TestCaseStatus::skipped(),
    ))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::sample;
    use super::*;

    fn check(verdict: Verdict, failures: bool, errors: bool) {
        let xml = junit(&sample(verdict));
        assert_eq!((xml.contains("<failure"), xml.contains("<error")), (failures, errors), "{xml}");
    }

    #[test]
    fn every_verdict_has_its_colour() {
        check(Verdict::Go, false, false);
        check(Verdict::NoGo, true, false);
        check(Verdict::Inconclusive, false, true);
    }

    #[test]
    fn a_run_that_cannot_be_trusted_fails_nothing() {
        let mut summary = sample(Verdict::NoGo);
        summary.verdict = Verdict::Inconclusive;
        assert!(!junit(&summary).contains("<failure"));
    }

    #[test]
    fn no_go_as_a_whole() {
        insta::assert_snapshot!(junit(&sample(Verdict::NoGo)));
    }
}
