//! Whole runs judged: what must be go, what must never be, and what each lack is called.

use super::scenario::{Does, Request, Scenario};
use crate::render;
use crate::summary::{Decision, MetricKind, ReasonCode, Scope, Summary, Verdict};
use corpus::run::{Backend, Role, RunEnd, RunHeader, Scale, Sending};
use corpus::units::{Percent, Speed};

fn codes(summary: &Summary) -> Vec<ReasonCode> {
    let mut codes: Vec<ReasonCode> = summary.reasons.iter().map(|reason| reason.code).collect();
    codes.dedup();
    codes
}

fn check(scenario: &Scenario, verdict: Verdict, code: ReasonCode) -> Summary {
    let summary = scenario.summary();
    let why: Vec<&str> = summary.reasons.iter().map(|reason| reason.text.as_str()).collect();
    assert_eq!(summary.verdict, verdict, "{why:#?}");
    assert!(codes(&summary).contains(&code), "{code:?} is not in {why:#?}");
    assert_eq!(summary.exit_code, verdict.exit_code());
    summary
}

fn decision(summary: &Summary, scope: &Scope, kind: MetricKind) -> Decision {
    let metric = summary.metrics.iter().find(|metric| metric.scope == *scope && metric.metric == kind);
    metric.unwrap_or_else(|| panic!("{scope} has {kind:?}")).decision
}

#[test]
fn a_backend_against_itself_is_go() {
    let summary = check(&Scenario::default(), Verdict::Go, ReasonCode::WithinMargins);
    assert_eq!(summary.headline, "go for all methods: 100 % of traffic");
    assert!(summary.accounting.balances);
    assert_eq!(summary.accounting.pairs.usable, 6000);
    assert_eq!(summary.accounting.noise_pairs, 1200);
}

#[test]
fn the_same_run_gives_the_same_bytes() {
    let scenario = Scenario { candidate: Box::new(|r| r.slower(1.2)), ..Scenario::default() };
    assert_eq!(render::json(&scenario.summary()), render::json(&scenario.summary()));
}

#[test]
fn slower_in_the_tail_alone_is_no_go() {
    let tail = |r: Request| if r.own.is_multiple_of(20) { r.slower(8.0) } else { r.answer() };
    let scenario = Scenario { candidate: Box::new(tail), ..Scenario::default() };
    let summary = check(&scenario, Verdict::NoGo, ReasonCode::Worse);
    assert_eq!(decision(&summary, &Scope::Overall, MetricKind::LatencyP99), Decision::Worse);
    assert_eq!(decision(&summary, &Scope::Overall, MetricKind::LatencyP50), Decision::Ok);
}

#[test]
fn errors_timeouts_statuses_and_bodies_are_no_go() {
    let rare = |does: fn(&Request) -> Does| {
        Box::new(move |r: Request| if r.number.is_multiple_of(47) { does(&r) } else { r.answer() })
    };
    for (does, kind) in [
        (rare(|_| Does::Answers(503, "busy".to_owned(), 900)), MetricKind::Errors),
        (rare(|_| Does::TimesOut), MetricKind::Errors),
        (rare(|_| Does::Answers(404, "none".to_owned(), 9000)), MetricKind::Statuses),
        (rare(|r| Does::Answers(200, format!("{{\"id\":{}}}", r.number), 9000)), MetricKind::Bodies),
        (
            rare(|r| Does::Answers(200, format!("{{\"id\":{},\"price\":9.5}}", r.number), 9000)),
            MetricKind::Bodies,
        ),
    ] {
        let scenario = Scenario { candidate: does, ..Scenario::default() };
        let summary = check(&scenario, Verdict::NoGo, ReasonCode::Worse);
        assert_eq!(decision(&summary, &Scope::Overall, kind), Decision::Worse, "{kind:?}");
    }
}

#[test]
fn what_differs_between_a_backend_and_itself_is_noise() {
    let stamped = |r: Request| {
        let body = format!("{{\"id\":{},\"trace\":\"{:016x}\"}}", r.number, r.own);
        Does::Answers(200, body, r.base_us)
    };
    let scenario =
        Scenario { baseline: Box::new(stamped), candidate: Box::new(stamped), ..Scenario::default() };
    let summary = check(&scenario, Verdict::Go, ReasonCode::WithinMargins);
    assert!(summary.noise.iter().any(|row| row.path.contains("trace")), "{:?}", summary.noise);
    let unmeasured = Scenario { repeat_every: 0, ..scenario };
    check(&unmeasured, Verdict::Inconclusive, ReasonCode::NoNoiseData);
}

#[test]
fn a_dead_candidate_is_no_go_and_a_dead_baseline_is_not() {
    let dead = || Box::new(|_: Request| Does::Refuses);
    let ended = Some(RunEnd::FailuresInARow);
    let candidate = Scenario { candidate: dead(), seconds: 1, per_second: 100, ended, ..Scenario::default() };
    check(&candidate, Verdict::NoGo, ReasonCode::CandidateFailing);
    let baseline = Scenario { baseline: dead(), ..Scenario::default() };
    check(&baseline, Verdict::Inconclusive, ReasonCode::BaselineFailing);
    let both = Scenario { baseline: dead(), candidate: dead(), ..Scenario::default() };
    check(&both, Verdict::Inconclusive, ReasonCode::BaselineFailing);
}

#[test]
fn equal_failure_is_never_go() {
    let refuse = || Box::new(|r: Request| Does::Answers(401, "who".to_owned(), r.base_us));
    let equal = Scenario { baseline: refuse(), candidate: refuse(), ..Scenario::default() };
    check(&equal, Verdict::Inconclusive, ReasonCode::BaselineUnlikeRecording);
    let unknown = Scenario { recorded_status: None, ..Scenario::default() };
    check(&unknown, Verdict::Inconclusive, ReasonCode::NoRecordedStatuses);
}

#[test]
fn too_little_evidence_is_inconclusive_and_says_how_much_is_missing() {
    let few = Scenario { per_second: 20, ..Scenario::default() };
    let summary = check(&few, Verdict::Inconclusive, ReasonCode::InsufficientSamples);
    let errors =
        summary.reasons.iter().find(|r| r.metric.as_deref() == Some("overall/errors")).expect("a reason");
    let needs = errors.needs.as_ref().expect("says what it needs");
    let wanted = needs.distinct_exchanges.expect("a number");
    assert!((2994..=3000).contains(&wanted) && needs.larger_corpus, "{needs:?}");
    let short = Scenario { per_second: 1000, seconds: 6, ..Scenario::default() };
    check(&short, Verdict::Inconclusive, ReasonCode::TooFewBlocks);
    let lonely = Scenario { sessions: 5, ..Scenario::default() };
    check(&lonely, Verdict::Inconclusive, ReasonCode::TooFewSessions);
    check(&Scenario { seconds: 0, ..Scenario::default() }, Verdict::Inconclusive, ReasonCode::NoData);
}

#[test]
fn repeats_of_few_exchanges_are_no_evidence() {
    let repeated = Scenario { distinct: 400, ..Scenario::default() };
    let summary = check(&repeated, Verdict::Inconclusive, ReasonCode::InsufficientSamples);
    assert_eq!(summary.accounting.pairs.distinct, 400);
}

#[test]
fn a_run_that_cannot_be_trusted_is_never_go() {
    for (ended, code) in [
        (None, ReasonCode::PartialRun),
        (Some(RunEnd::Interrupted), ReasonCode::Interrupted),
        (Some(RunEnd::FailureRate), ReasonCode::Breaker),
        (Some(RunEnd::RecorderOverrun), ReasonCode::RecorderOverrun),
        (Some(RunEnd::RecorderFailed), ReasonCode::RecorderFailed),
    ] {
        check(&Scenario { ended, ..Scenario::default() }, Verdict::Inconclusive, code);
    }
    type Change = Box<dyn Fn(&mut RunHeader)>;
    let changes: Vec<(Change, ReasonCode)> = vec![
        (Box::new(|h| h.load.scale = Scale::Speed(Speed::Max)), ReasonCode::Unpaced),
        (Box::new(|h| h.load.percent_achieved = Percent::new(80.0)), ReasonCode::PercentOff),
        (Box::new(|h| h.corpus.exchanges_incomplete = 2000), ReasonCode::CorpusIncomplete),
        (
            Box::new(|h| {
                h.corpus_exchanges += 2000;
                h.left_out.insert("malformed".to_owned(), 2000);
            }),
            ReasonCode::Coverage,
        ),
        (Box::new(|h| h.policy_json = "{\"later\":1}".to_owned()), ReasonCode::PolicyUnreadable),
    ];
    for (header, code) in changes {
        check(&Scenario { header, ..Scenario::default() }, Verdict::Inconclusive, code);
    }
    let wider = "[policy.margins]\nerrors = \"5 points\"\n";
    let changed = Scenario { judged_by: Some(wider), ..Scenario::default() };
    check(&changed, Verdict::Inconclusive, ReasonCode::PolicyChanged);
    let fixed = Scenario { policy: wider, judged_by: Some(wider), ..Scenario::default() };
    check(&fixed, Verdict::Go, ReasonCode::WithinMargins);
}

#[test]
fn the_replayer_s_own_failures_are_counted_and_doubted() {
    let failing = |r: Request| if r.number.is_multiple_of(100) { Does::ReplayerFails } else { r.answer() };
    let scenario = Scenario { candidate: Box::new(failing), ..Scenario::default() };
    let summary = check(&scenario, Verdict::Inconclusive, ReasonCode::ReplayerFailures);
    assert_eq!(summary.accounting.pairs.excluded.get("replayer"), Some(&60));
    let late = Scenario { lateness_us: [20, 30_000], ..Scenario::default() };
    check(&late, Verdict::Inconclusive, ReasonCode::GeneratorLag);
    let both_late = Scenario { lateness_us: [200, 200], ..Scenario::default() };
    check(&both_late, Verdict::Go, ReasonCode::WithinMargins);
}

#[test]
fn bodies_that_were_not_kept_are_no_evidence() {
    let differing = |r: Request| Does::Answers(200, format!("{{\"at\":{}}}", r.own), r.base_us);
    let scenario = Scenario { candidate: Box::new(differing), keep_bodies: false, ..Scenario::default() };
    check(&scenario, Verdict::Inconclusive, ReasonCode::BodiesNotCompared);
    check(&Scenario { keep_bodies: false, ..Scenario::default() }, Verdict::Go, ReasonCode::WithinMargins);
}

#[test]
fn a_recorded_baseline_gates_statuses_and_bodies_but_no_latency() {
    let recorded = |header: &mut RunHeader| {
        let backend: &mut Backend = &mut header.backends[0];
        assert_eq!(backend.role, Role::Baseline);
        backend.url = "recorded".to_owned();
    };
    let slow = Scenario {
        candidate: Box::new(|r| r.slower(5.0)),
        header: Box::new(recorded),
        repeat_every: 0,
        ..Scenario::default()
    };
    let summary = check(&slow, Verdict::Go, ReasonCode::WithinMargins);
    assert!(summary.metrics.iter().all(|metric| metric.metric.quantile().is_none()));
    let changed = |r: Request| Does::Answers(200, format!("{{\"id\":{}}}", r.number + 1), 900);
    let broken = Scenario { candidate: Box::new(changed), header: Box::new(recorded), ..slow };
    check(&broken, Verdict::NoGo, ReasonCode::Worse);
}

#[test]
fn a_small_endpoint_raises_an_alarm() {
    let broken = |r: Request| match r.endpoint {
        3 => Does::Answers(500, "no".to_owned(), 900),
        _ => r.answer(),
    };
    let endpoints = vec!["GET /a", "GET /b", "GET /c", "GET /d"];
    let scenario = Scenario { endpoints, candidate: Box::new(broken), ..Scenario::default() };
    let summary = check(&scenario, Verdict::NoGo, ReasonCode::Worse);
    assert_eq!(
        decision(&summary, &Scope::Endpoint("GET /d".to_owned()), MetricKind::Errors),
        Decision::Worse
    );
    assert_eq!(
        decision(&summary, &Scope::Endpoint("GET /a".to_owned()), MetricKind::LatencyP50),
        Decision::Ok
    );
}

#[test]
fn a_policy_for_endpoints_that_are_not_there_is_an_error() {
    let typo =
        Scenario { judged_by: Some("[policy]\ncritical = [\"GET /order/{id}\"]\n"), ..Scenario::default() };
    let error = typo.try_summary().expect_err("the endpoint is not there");
    let cause = std::error::Error::source(&error).expect("says why").to_string();
    assert!(cause.contains("did you mean \"GET /orders/{id}\""), "{cause}");
}

#[test]
fn several_runs_of_one_step_are_judged_together() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let paths = ["a.run", "b.run", "c.run"].map(|name| folder.path().join(name));
    for (began, path) in (1..).zip(&paths) {
        let header = Box::new(move |h: &mut RunHeader| h.started_unix_ns = began);
        Scenario { seconds: 10, header, ..Scenario::default() }.write(path);
    }
    let config = super::Config { runs: paths.to_vec(), policy: None, seed: 1 };
    let summary = super::build(&config).expect("they belong together");
    assert_eq!(summary.accounting.pairs.usable, 6000);
    assert_eq!(summary.accounting.pairs.distinct, 2000, "the same exchanges are no new evidence");
    assert_eq!(summary.time_series.run_starts, [0, 10, 20]);
    let other =
        Scenario { header: Box::new(|h| h.corpus.digest = "other".to_owned()), ..Scenario::default() };
    let stranger = folder.path().join("d.run");
    other.write(&stranger);
    let mixed = super::Config { runs: vec![paths[0].clone(), stranger], policy: None, seed: 1 };
    assert!(super::build(&mixed).expect_err("another corpus").to_string().contains("corpora"));
    let copy = folder.path().join("copy.run");
    std::fs::copy(&paths[0], &copy).expect("a run can be copied");
    let twice = super::Config { runs: vec![paths[0].clone(), copy], policy: None, seed: 1 };
    assert!(super::build(&twice).expect_err("no new evidence").to_string().contains("the same replay"));
}

#[test]
fn an_ignored_difference_does_not_count_and_a_dead_rule_is_named() {
    let policy = "[[policy.ignore]]\npath = \"$.price\"\nreason = \"rounded on purpose\"\n\
                  [[policy.ignore]]\npath = \"$.pric\"\nreason = \"typo\"\n";
    let rounded =
        |r: Request| Does::Answers(200, format!("{{\"id\":{},\"price\":\"9.5\"}}", r.number), r.base_us);
    let scenario = Scenario { candidate: Box::new(rounded), policy, ..Scenario::default() };
    let summary = check(&scenario, Verdict::Go, ReasonCode::WithinMargins);
    assert!(summary.ignored[0].hits > 0 && summary.ignored[1].hits == 0, "{:?}", summary.ignored);
    assert!(summary.warnings.iter().any(|warning| warning.code == ReasonCode::DeadRule));
}

#[test]
fn repeats_do_not_enter_latency() {
    let slow_repeats = |r: Request| match r.sending {
        Sending::First => r.answer(),
        Sending::Repeat => r.slower(50.0),
    };
    let scenario = Scenario { candidate: Box::new(slow_repeats), ..Scenario::default() };
    check(&scenario, Verdict::Go, ReasonCode::WithinMargins);
}

#[test]
fn the_document_is_what_the_published_schema_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/report.schema.json");
    let schema = std::fs::read_to_string(path).expect("the schema is in the repository");
    let schema: serde_json::Value = serde_json::from_str(&schema).expect("the schema is JSON");
    let broken = |r: Request| match r.number % 7 {
        0 => Does::TimesOut,
        1 => Does::Answers(200, format!("{{\"id\":\"{}\"}}", r.own), r.base_us),
        _ => r.slower(2.0),
    };
    let policy = "[[policy.ignore]]\npath = \"$.none\"\nreason = \"nothing\"\n";
    let endpoints = vec!["GET /a", "GET /b"];
    let no_go =
        Scenario { candidate: Box::new(broken), policy, endpoints, ended: None, ..Scenario::default() };
    let empty = Scenario { seconds: 0, ..Scenario::default() };
    for scenario in [Scenario::default(), no_go, empty] {
        let text = render::json(&scenario.summary());
        let document: serde_json::Value = serde_json::from_str(&text).expect("the document is JSON");
        assert_eq!(super::schema::faults(&schema, &document), Vec::<String>::new());
    }
    let codes: Vec<&str> = ReasonCode::ALL.iter().map(|code| code.name()).collect();
    let listed =
        schema.pointer("/$defs/ReasonCode/enum").and_then(|list| list.as_array()).expect("a list of codes");
    assert_eq!(listed.iter().filter_map(|code| code.as_str()).collect::<Vec<_>>(), codes);
}
