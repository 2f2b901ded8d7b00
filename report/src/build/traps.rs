//! Series on which an established judge is known to be wrong, with the verdict that was wanted; and random runs, which
//! must never be go without evidence.

use super::scenario::{Does, Request, Scenario};
use crate::stats::draw::Draw;
use crate::summary::{Decision, Gate, Verdict};
use serde_json::Value;
use std::path::PathBuf;

fn suite() -> Option<Value> {
    let root = std::env::var_os("CUTOVER_TEST_DATA").map(PathBuf::from);
    let root = root.unwrap_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared")));
    let text = std::fs::read_to_string(root.join("suites/judge-traps/cases.json")).ok();
    let required =
        std::env::var("CUTOVER_REQUIRE").unwrap_or_default().split(',').any(|name| name.trim() == "data");
    assert!(text.is_some() || !required, "judge-traps is required by CUTOVER_REQUIRE and is not there");
    if text.is_none() {
        eprintln!("skipped: suites/judge-traps is not on this machine");
    }
    Some(serde_json::from_str(&text?).expect("the suite is JSON"))
}

fn series(case: &Value, side: &str) -> Vec<f64> {
    case[side].as_array().into_iter().flatten().filter_map(Value::as_f64).collect()
}

/// A backend whose n-th request (of a length that repeats) takes that many milliseconds.
fn slow(values: Vec<f64>) -> Box<dyn Fn(Request) -> Does> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "milliseconds below 1e6")]
    let us = move |r: Request| (1e3 * values[r.number as usize % values.len()]) as u64;
    Box::new(move |r| Does::Answers(200, "{}".to_owned(), us(r)))
}

/// A backend that has that many errors in the n-th second, of 40 requests.
fn failing(values: Vec<f64>) -> Box<dyn Fn(Request) -> Does> {
    Box::new(move |r| {
        let second = usize::try_from(r.number / 40).unwrap_or(0);
        #[expect(clippy::cast_precision_loss, reason = "a small number")]
        let fails = ((r.number % 40) as f64) < values.get(second).copied().unwrap_or(0.0);
        if fails {
            Does::Answers(500, "{}".to_owned(), r.base_us)
        } else {
            Does::Answers(200, "{}".to_owned(), r.base_us)
        }
    })
}

/// Each case as one run: latencies one request a value, errors one second a value. As small as they were reported,
/// none may be go.
#[test]
fn no_trap_is_go_as_it_was_reported() {
    let Some(suite) = suite() else { return };
    let cases = suite.as_array().expect("a list of cases");
    assert_eq!(cases.len(), 7);
    for case in cases {
        let (control, experiment) = (series(case, "control"), series(case, "experiment"));
        let seconds = experiment.len() as u64;
        let name = case["name"].as_str().unwrap_or_default();
        let errors = name.contains("error");
        let scenario = if errors {
            Scenario {
                per_second: 40,
                seconds,
                baseline: failing(control),
                candidate: failing(experiment),
                ..Scenario::default()
            }
        } else {
            let both = (slow(control), slow(experiment));
            Scenario {
                per_second: 10,
                seconds: seconds.div_ceil(10),
                baseline: both.0,
                candidate: both.1,
                ..Scenario::default()
            }
        };
        assert_ne!(scenario.summary().verdict, Verdict::Go, "{name}");
    }
}

/// The same laws with enough requests to decide.
#[test]
fn with_enough_requests_traps_get_the_verdict_that_was_wanted() {
    let Some(suite) = suite() else { return };
    for (name, wanted) in [
        ("variance collapse / shape change", Verdict::Inconclusive),
        ("seven of ten points 100x higher", Verdict::NoGo),
        ("tail-only regression: 5% of values ten times slower", Verdict::NoGo),
    ] {
        let case = suite.as_array().into_iter().flatten().find(|case| case["name"] == name).expect(name);
        let (control, experiment) = (series(case, "control"), series(case, "experiment"));
        let scenario =
            Scenario { baseline: slow(control), candidate: slow(experiment), ..Scenario::default() };
        let summary = scenario.summary();
        let why: Vec<&str> = summary.reasons.iter().map(|reason| reason.text.as_str()).collect();
        assert_eq!(summary.verdict, wanted, "{name}: {why:#?}");
    }
}

/// A go must be provable from the summary itself, whatever the run.
#[test]
fn random_runs_are_never_go_without_evidence() {
    let mut draw = Draw::new(11);
    let mut goes = 0;
    for _ in 0..40 {
        let (fault, rate) = (draw.below(8), 1 + draw.below(60) as u64);
        let faulty = move |r: Request| match fault {
            0 if r.own % 64 < rate => Does::TimesOut,
            1 if r.own % 64 < rate => Does::Answers(500, "{}".to_owned(), 100),
            2 if r.own % 64 < rate => Does::Answers(302, "{}".to_owned(), 100),
            3 if r.own % 64 < rate => Does::Refuses,
            4 => r.slower(1.0 + f64::from(u32::try_from(rate).unwrap_or(0)) / 40.0),
            5 if r.own % 64 < rate => Does::ReplayerFails,
            _ => r.answer(),
        };
        let gates = ["", "[policy]\ngate = [\"errors\"]\n", "[policy]\ngate = [\"p99\", \"bodies\"]\n"];
        let gate = draw.below(3);
        let scenario = Scenario {
            per_second: [1, 40, 160][draw.below(3)],
            seconds: [0, 3, 20, 25][draw.below(4)],
            sessions: [1, 20, 500][draw.below(3)],
            distinct: [50, u64::MAX, u64::MAX][draw.below(3)],
            repeat_every: [0, 5][draw.below(2)],
            endpoints: vec!["GET /a", "GET /b", "GET /c"][..1 + draw.below(3)].to_vec(),
            candidate: Box::new(faulty),
            policy: gates[gate],
            keep_bodies: draw.below(2) == 0,
            ..Scenario::default()
        };
        let summary = scenario.summary();
        if summary.verdict != Verdict::Go {
            continue;
        }
        goes += 1;
        // A policy that does not gate on what is broken cannot see it.
        let visible = matches!((fault, gate), (0 | 3 | 5, _) | (1, 0 | 1) | (2, 0));
        assert!(!visible, "fault {fault} at {rate}/64 is go under {}", gates[gate]);
        let gates: Vec<_> = summary.metrics.iter().filter(|metric| metric.gate == Gate::Gate).collect();
        assert!(!gates.is_empty() && summary.accounting.pairs.usable > 0);
        for metric in gates {
            let forest = metric.estimate.forest().expect("an interval");
            assert!(metric.decision == Decision::Ok && forest.upper < forest.margin, "{metric:?}");
        }
    }
    assert!(goes > 0, "some of these runs have enough evidence");
}
