//! Made-up summaries that look like real ones: for the tests of the renderers and for looking at what they make.

use super::summary::{
    Accounting, BackendAccount, BackendSeries, Coverage, Decision, DifferenceExample, DifferenceGroup,
    Effect, EndpointCoverage, EndpointRow, EndpointSide, Estimate, Excerpt, Gate, GatingMetric, GatingSet,
    Highlight, IgnoredRule, Inputs, Metric, MetricKind, Needs, NoiseRow, NotCompared, PairAccount,
    PercentileCurve, Reason, ReasonCode, Reproduce, RunInput, SCHEMA_VERSION, Scope, Summary, TimeSeries,
    Verdict,
};
use std::collections::BTreeMap;

/// Endpoints with their share of the traffic and their median in microseconds.
const ENDPOINTS: [(&str, f64, f64); 9] = [
    ("GET /orders/{id}", 0.34, 4_200.0),
    ("GET /customers/{id}/orders", 0.19, 9_600.0),
    ("GET /products", 0.16, 12_300.0),
    ("GET /products/{id}", 0.12, 2_800.0),
    ("GET /payments/{uuid}", 0.08, 6_100.0),
    ("GET /search", 0.05, 31_000.0),
    ("GET /invoices/{date}", 0.03, 15_400.0),
    ("HEAD /products/{id}", 0.02, 1_900.0),
    ("GET /health", 0.01, 420.0),
];

const PAIRS: u64 = 59_812;
const SECONDS: u64 = 120;

/// A summary with the given verdict.
pub(super) fn sample(verdict: Verdict) -> Summary {
    Summary {
        schema_version: SCHEMA_VERSION,
        tool_version: "0.1.0".to_owned(),
        verdict,
        exit_code: verdict.exit_code(),
        headline: format!("{verdict} for reads: 37 % of traffic"),
        reasons: reasons(verdict),
        warnings: vec![reason(
            ReasonCode::DeadRule,
            Effect::Note,
            "the ignore rule `header:X-Served-By` matched nothing in this run",
            None,
        )],
        coverage: coverage(),
        gating: gating(),
        metrics: metrics(verdict),
        endpoints: endpoints(verdict),
        difference_groups: if verdict == Verdict::NoGo { groups() } else { groups().split_off(3) },
        noise: noise(),
        ignored: vec![
            ignored("header:Date", "set by the server's clock", 59_640),
            ignored("header:X-Served-By", "names the host", 0),
        ],
        not_checked: not_checked(),
        accounting: accounting(verdict),
        percentile_curves: curves(verdict),
        time_series: series(verdict),
        inputs: inputs(),
        reproduce: vec![
            Reproduce {
                what: "This report:".to_owned(),
                command: "cutover report step.run --policy cutover.toml --html report.html".to_owned(),
            },
            Reproduce {
                what: "The run, from the corpus:".to_owned(),
                command: "cutover replay prod.corpus --percent 25 --duration 2m --seed 7 \\\n    --baseline BASELINE \
                          --candidate CANDIDATE --policy cutover.toml -o step.run"
                    .to_owned(),
            },
        ],
    }
}

fn reason(code: ReasonCode, effect: Effect, text: &str, metric: Option<&str>) -> Reason {
    Reason {
        code,
        effect,
        text: text.to_owned(),
        endpoint: metric.and_then(|id| id.rsplit_once('/')).map(|(endpoint, _)| endpoint.to_owned()),
        metric: metric.map(str::to_owned),
        remedy: None,
        needs: None,
        numbers: BTreeMap::new(),
    }
}

fn reasons(verdict: Verdict) -> Vec<Reason> {
    match verdict {
        Verdict::Go => vec![reason(
            ReasonCode::WithinMargins,
            Effect::Note,
            "all 34 gating metrics are proven to lie within their margins; the tightest is p99 latency of GET /search: \
             +11.2 % at most, margin +25 %",
            Some("GET /search/latency_p99"),
        )],
        Verdict::NoGo => {
            let worse = |text: &str, metric| reason(ReasonCode::Worse, Effect::NoGo, text, Some(metric));
            let mut reasons = vec![
                worse(
                    "bodies of GET /orders/{id} differ in 4.8 % of pairs beyond noise (+4.5 to +5.1 points), margin 0.1 \
                     points",
                    "GET /orders/{id}/bodies",
                ),
                worse(
                    "p99 latency of GET /payments/{uuid} is 212 % slower (+168 to +261 %), margin +25 %",
                    "GET /payments/{uuid}/latency_p99",
                ),
                worse(
                    "errors overall: 1.9 % against 0.02 % (+1.8 to +2.1 points), margin 0.1 points",
                    "overall/errors",
                ),
                worse(
                    "p99 latency overall is 88 % slower (+61 to +113 %), margin +25 %",
                    "overall/latency_p99",
                ),
            ];
            reasons[0].remedy =
                Some("Look at the difference groups of this endpoint: `total` is rounded.".to_owned());
            reasons
        }
        Verdict::Inconclusive => {
            let mut short = reason(
                ReasonCode::InsufficientSamples,
                Effect::BlocksGo,
                "p99 latency of GET /search rests on 412 distinct exchanges; about 2,000 are needed",
                Some("GET /search/latency_p99"),
            );
            short.remedy =
                Some("Record a larger corpus: repeats of one exchange are no new evidence.".to_owned());
            short.needs = Some(Needs {
                more_seconds: None,
                distinct_exchanges: Some(2_000),
                corpus_has: Some(412),
                larger_corpus: true,
            });
            let mut wide = reason(
                ReasonCode::IntervalTooWide,
                Effect::BlocksGo,
                "p99 latency overall: +7.9 % (-9.8 to +31.5 %) reaches across the margin of +25 %",
                Some("overall/latency_p99"),
            );
            wide.remedy = Some("About 4 more minutes at this load would decide it.".to_owned());
            vec![wide, short]
        }
    }
}

fn coverage() -> Coverage {
    Coverage {
        opened: "reads".to_owned(),
        corpus_exchanges: 161_700,
        opened_exchanges: 62_310,
        replayable_exchanges: 59_830,
        share_of_traffic: 0.37,
        share_of_opened: 0.96,
        left_out: BTreeMap::from([("unsafe_method".to_owned(), 99_390), ("incomplete".to_owned(), 2_480)]),
        production_rate_per_second: Some(1_994.0),
        planned_rate_per_second: Some(498.6),
        reached_rate_per_second: Some(498.4),
        percent_of_production: Some(25.0),
        endpoints_not_replayed: vec![
            EndpointCoverage { endpoint: "POST /orders".to_owned(), recorded: 61_200 },
            EndpointCoverage { endpoint: "PUT /customers/{id}".to_owned(), recorded: 38_190 },
        ],
    }
}

fn gating() -> GatingSet {
    let one = |scope: Scope, metric: MetricKind, ratio: Option<f64>, points: Option<f64>| GatingMetric {
        scope,
        metric,
        gate: Gate::Gate,
        planned: PAIRS,
        margin_ratio: ratio,
        margin_us: ratio.map(|_| 2_000.0),
        margin_points: points,
    };
    GatingSet {
        alpha_go: 0.05,
        alpha_no_go: 0.05,
        metrics: vec![
            one(Scope::Overall, MetricKind::LatencyP50, Some(1.1), None),
            one(Scope::Overall, MetricKind::LatencyP99, Some(1.25), None),
            one(Scope::Overall, MetricKind::Errors, None, Some(0.1)),
        ],
        endpoints: ENDPOINTS[..6].iter().map(|(name, ..)| (*name).to_owned()).collect(),
        pooled_endpoints: 3,
    }
}

/// A small and steady "random" number in -1..1.
fn wobble(seed: u64) -> f64 {
    let mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed >> 40) as f64 / f64::from(1u32 << 23) - 1.0
}

fn metrics(verdict: Verdict) -> Vec<Metric> {
    let mut all = Vec::new();
    let scopes = std::iter::once((Scope::Overall, 1.0, 7_400.0))
        .chain(
            ENDPOINTS[..6]
                .iter()
                .map(|(name, share, p50)| (Scope::Endpoint((*name).to_owned()), *share, *p50)),
        )
        .chain(std::iter::once((Scope::Rest, 0.06, 4_900.0)));
    for (at, (scope, share, p50)) in scopes.enumerate() {
        let pairs = (share * PAIRS as f64) as u64;
        for (nth, kind) in
            [MetricKind::LatencyP50, MetricKind::LatencyP95, MetricKind::LatencyP99].into_iter().enumerate()
        {
            let seed = (at * 7 + nth) as u64;
            let factor = [1.0, 3.1, 7.6][nth];
            let (change, half) = latency_change(verdict, &scope, kind, seed);
            all.push(latency(&scope, kind, pairs, p50 * factor, change, half, [1.1, 1.15, 1.25][nth]));
        }
        for kind in [MetricKind::Errors, MetricKind::Statuses, MetricKind::Bodies] {
            all.push(share_metric(verdict, &scope, kind, pairs));
        }
    }
    all
}

fn latency_change(verdict: Verdict, scope: &Scope, kind: MetricKind, seed: u64) -> (f64, f64) {
    let calm = (0.02 * wobble(seed) - 0.01, 0.03 + 0.02 * wobble(seed + 99).abs());
    let p99 = kind == MetricKind::LatencyP99;
    match (verdict, scope.endpoint()) {
        (Verdict::NoGo, Some("GET /payments/{uuid}")) if p99 => (2.12, 0.46),
        (Verdict::NoGo, None) if p99 && *scope == Scope::Overall => (0.88, 0.25),
        (Verdict::Inconclusive, None) if p99 && *scope == Scope::Overall => (0.079, 0.21),
        (Verdict::Inconclusive, Some("GET /search")) if p99 => (0.14, 0.9),
        _ => calm,
    }
}

fn decide(lower: f64, upper: f64, margin: f64) -> Decision {
    if upper < margin {
        Decision::Ok
    } else if lower > margin {
        Decision::Worse
    } else {
        Decision::Undecided
    }
}

fn latency(
    scope: &Scope,
    kind: MetricKind,
    pairs: u64,
    base: f64,
    change: f64,
    half: f64,
    margin: f64,
) -> Metric {
    let decision = decide(change - half, change + half, margin - 1.0);
    metric(
        scope,
        kind,
        pairs,
        decision,
        Estimate::Latency {
            baseline_us: Some(base),
            candidate_us: Some(base * (1.0 + change)),
            censored_above_us: 10_000_000.0,
            ratio: Some(1.0 + change),
            ratio_lower: Some(1.0 + change - half),
            ratio_upper: Some(1.0 + change + half),
            ratio_margin: margin,
        },
        Some(1.0 + half * 1.6),
    )
}

fn share_metric(verdict: Verdict, scope: &Scope, kind: MetricKind, pairs: u64) -> Metric {
    let (baseline, candidate, half) = match (verdict, kind, scope.endpoint()) {
        (Verdict::NoGo, MetricKind::Bodies, Some("GET /orders/{id}")) => (0.0, 0.048, 0.3),
        (Verdict::NoGo, MetricKind::Bodies, None) if *scope == Scope::Overall => (0.0, 0.017, 0.1),
        (Verdict::NoGo, MetricKind::Errors, None) if *scope == Scope::Overall => (0.0002, 0.019, 0.12),
        (_, MetricKind::Errors, _) => (0.0002, 0.0002, 0.031),
        _ => (0.0, 0.0, 0.024),
    };
    let difference = 100.0 * (candidate - baseline);
    let count = |share: f64| (share * pairs as f64).round() as u64;
    metric(
        scope,
        kind,
        pairs,
        decide(difference - half, difference + half, 0.1),
        Estimate::Share {
            baseline_share: Some(baseline),
            candidate_share: Some(candidate),
            baseline_events: count(baseline),
            candidate_events: count(candidate),
            difference_points: Some(difference),
            lower_points: Some(difference - half),
            upper_points: Some(difference + half),
            margin_points: 0.1,
        },
        Some(half * 1.4),
    )
}

fn metric(
    scope: &Scope,
    kind: MetricKind,
    pairs: u64,
    decision: Decision,
    estimate: Estimate,
    detectable: Option<f64>,
) -> Metric {
    let undecided = decision == Decision::Undecided;
    Metric {
        id: format!("{scope}/{}", kind.name()),
        scope: scope.clone(),
        metric: kind,
        gate: if kind == MetricKind::LatencyP95 && *scope == Scope::Rest { Gate::Alarm } else { Gate::Gate },
        decision,
        reason: undecided.then_some(ReasonCode::IntervalTooWide),
        estimate,
        changed: decision == Decision::Worse,
        pairs,
        distinct: pairs.min(9_200 + pairs / 9),
        effective_n: Some(96.0),
        p_worse: None,
        detectable,
        method: if kind.quantile().is_some() { "paired bootstrap" } else { "Newcombe" },
        needs: None,
    }
}

fn endpoints(verdict: Verdict) -> Vec<EndpointRow> {
    ENDPOINTS
        .iter()
        .enumerate()
        .map(|(at, (name, share, p50))| endpoint(verdict, at, name, *share, *p50))
        .collect()
}

fn endpoint(verdict: Verdict, at: usize, name: &str, share: f64, p50: f64) -> EndpointRow {
    let pairs = (share * PAIRS as f64) as u64;
    let bad = verdict == Verdict::NoGo;
    let slow = bad && name == "GET /payments/{uuid}";
    let side = |slower: f64, p99: f64, errors: u64| EndpointSide {
        p50_us: Some(p50 * slower),
        p95_us: Some(p50 * slower * 3.1),
        p99_us: (pairs > 1_000).then_some(p50 * 7.6 * p99),
        errors,
        statuses: BTreeMap::from([(200, pairs - errors), (503, errors)]),
    };
    let mismatches = if bad && name == "GET /orders/{id}" { 976 } else { 0 };
    EndpointRow {
        endpoint: name.to_owned(),
        named: at < 6,
        planned: pairs + 2,
        pairs,
        share,
        decision: (at < 6).then(|| match verdict {
            Verdict::NoGo if slow || mismatches > 0 => Decision::Worse,
            Verdict::Inconclusive if name == "GET /search" => Decision::Undecided,
            _ => Decision::Ok,
        }),
        baseline: side(1.0, 1.0, u64::from(at == 0)),
        candidate: side(
            1.0 + 0.02 * wobble(at as u64),
            if slow { 3.12 } else { 1.02 },
            if bad { pairs / 53 } else { 1 },
        ),
        status_changes: if bad { pairs / 53 } else { 0 },
        mismatches,
    }
}

fn excerpt(text: &str, marked: &str) -> Excerpt {
    let highlight = text.rfind(marked).map(|start| Highlight { start, end: start + marked.len() });
    Excerpt { text: text.to_owned(), omitted_before: 0, omitted_after: 0, highlight }
}

fn groups() -> Vec<DifferenceGroup> {
    let group = |id: &str, path: &str, kind: &str, change: Option<&str>, severity: &str, title: &str| {
        DifferenceGroup {
            id: id.to_owned(),
            endpoint: "GET /orders/{id}".to_owned(),
            path: path.to_owned(),
            kind: kind.to_owned(),
            change: change.map(str::to_owned),
            title: title.to_owned(),
            severity: severity.to_owned(),
            counts: severity != "incidental",
            pairs: 976,
            exchanges: 431,
            share: 0.048,
            first_second: 0,
            last_second: 119,
            also_at: Vec::new(),
            examples: Vec::new(),
        }
    };
    let mut status = group(
        "5c1e7a02",
        "status",
        "status",
        Some("200->503"),
        "status",
        "503 Service Unavailable instead of 200 OK",
    );
    status.endpoint = "GET /payments/{uuid}".to_owned();
    status.first_second = 41;
    status.last_second = 93;
    status.examples.push(example(
        "GET /payments/9f1c2d34-77aa-4c58-9a0e-5b2f",
        "200 OK",
        "200",
        "503 Service Unavailable",
        "503",
    ));
    let mut typed = group(
        "a41b90c3",
        "$['items'][*]['quantity']",
        "type",
        Some("int->string"),
        "shape",
        "a number became a string",
    );
    typed.also_at = vec!["$['count']".to_owned(), "$['items'][*]['position']".to_owned()];
    typed.examples.push(example(
        "GET /orders/48213?expand=items",
        "{\"id\": 48213, \"items\": [\n  {\"sku\": \"A-1009\", \"price\": 12.50, \"quantity\": 3}\n], \"currency\": \"EUR\"}",
        "3",
        "{\"id\": 48213, \"items\": [\n  {\"sku\": \"A-1009\", \"price\": 12.50, \"quantity\": \"3\"}\n], \"currency\": \"EUR\"}",
        "\"3\"",
    ));
    let mut money = group(
        "0d77e1f9",
        "$['total']",
        "value",
        Some("rounded to 0 digits"),
        "value",
        "$['total'] is rounded to 0 digits",
    );
    money.examples.push(example(
        "GET /orders/51007",
        "{\"id\": 51007, \"total\": 37.49, \"state\": \"paid\"}",
        "37.49",
        "{\"id\": 51007, \"total\": 37, \"state\": \"paid\"}",
        "37,",
    ));
    money.examples[0].candidate.highlight =
        money.examples[0].candidate.highlight.map(|h| Highlight { end: h.end - 1, ..h });
    let mut header =
        group("77b0c2aa", "header:Server", "value", None, "incidental", "header Server has another value");
    header.examples.push(example(
        "GET /products",
        "Server: legacy/2.1",
        "legacy/2.1",
        "Server: next/0.9",
        "next/0.9",
    ));
    vec![status, typed, money, header]
}

fn example(
    request: &str,
    baseline: &str,
    base_mark: &str,
    candidate: &str,
    candidate_mark: &str,
) -> DifferenceExample {
    DifferenceExample {
        exchange: "1048211".to_owned(),
        request: request.to_owned(),
        second: 47,
        baseline: excerpt(baseline, base_mark),
        candidate: excerpt(candidate, candidate_mark),
    }
}

fn noise() -> Vec<NoiseRow> {
    let row = |endpoint: &str, path: &str, kind: &str, noise_share, pair_share| NoiseRow {
        endpoint: endpoint.to_owned(),
        path: path.to_owned(),
        kind: kind.to_owned(),
        noise_share,
        pair_share,
        noise_pairs: 4_012,
        pairs: 20_336,
    };
    vec![
        row("GET /orders/{id}", "$['served_at']", "value", 1.0, 1.0),
        row("GET /orders/{id}", "header:X-Request-Id", "value", 1.0, 1.0),
        row("GET /products", "$['items']", "order", 0.312, 0.309),
    ]
}

fn ignored(rule: &str, why: &str, hits: u64) -> IgnoredRule {
    IgnoredRule { rule: rule.to_owned(), reason: why.to_owned(), hits }
}

fn not_checked() -> Vec<NotCompared> {
    let one =
        |what: &str, text: &str, count| NotCompared { what: what.to_owned(), text: text.to_owned(), count };
    vec![
        one("unsafe_method", "requests with a method that writes were not replayed", 99_390),
        one("incomplete", "recorded requests were incomplete and not replayed", 2_480),
        one("body_not_kept", "bodies differ by digest and were not kept: where they differ is not known", 12),
    ]
}

fn accounting(verdict: Verdict) -> Accounting {
    let backend = |role: &str, url: &str, failures: u64, planned: u64| BackendAccount {
        role: role.to_owned(),
        url: url.to_owned(),
        planned,
        sent: planned - 18,
        not_sent: BTreeMap::from([("stopped".to_owned(), 18)]),
        responses: planned - 18 - failures,
        failures: if failures > 0 {
            BTreeMap::from([
                ("timeout".to_owned(), failures / 3),
                ("connection_reset".to_owned(), failures - failures / 3),
            ])
        } else {
            BTreeMap::new()
        },
        retried_stale: 4,
        lateness_p99_us: Some(310.0),
        balances: true,
    };
    Accounting {
        backends: vec![
            backend("baseline", "http://127.0.0.1:8081", 0, 59_830),
            backend(
                "candidate",
                "http://127.0.0.1:8082",
                if verdict == Verdict::NoGo { 212 } else { 3 },
                59_830,
            ),
            backend("control", "http://127.0.0.1:8083", 0, 12_033),
        ],
        pairs: PairAccount {
            planned: 59_830,
            usable: PAIRS,
            excluded: BTreeMap::from([("stopped".to_owned(), 18)]),
            distinct: 14_957,
            sessions: 2_311,
        },
        noise_pairs: 12_015,
        damage: Vec::new(),
        balances: true,
    }
}

fn curves(verdict: Verdict) -> Vec<PercentileCurve> {
    let mut curves =
        vec![curve(Scope::Overall, 7_400.0, if verdict == Verdict::NoGo { 1.9 } else { 1.0 }, 4.0)];
    for (name, _, p50) in &ENDPOINTS[..6] {
        let slow = verdict == Verdict::NoGo && *name == "GET /payments/{uuid}";
        curves.push(curve(Scope::Endpoint((*name).to_owned()), *p50, if slow { 3.1 } else { 1.0 }, 3.0));
    }
    curves
}

fn curve(scope: Scope, p50: f64, tail: f64, nines: f64) -> PercentileCurve {
    let steps: Vec<f64> = (0..=(nines * 40.0) as u32).map(|i| f64::from(i) / 40.0).collect();
    let shape = |n: f64| p50 * (0.45 + 0.62 * n + 0.72 * n * n + 0.1 * n * n * n);
    // A slow tail begins near 95 %, with a bend of its own.
    let slower = |n: f64| 1.0 + (tail - 1.0) * ((n - 1.3) / 0.5).clamp(0.0, 1.0);
    PercentileCurve {
        scope,
        quantiles: steps.iter().map(|n| 1.0 - 10f64.powf(-n)).collect(),
        baseline_us: steps
            .iter()
            .enumerate()
            .map(|(i, n)| Some(shape(*n) * (1.0 + 0.012 * wobble(i as u64))))
            .collect(),
        candidate_us: steps
            .iter()
            .enumerate()
            .map(|(i, n)| {
                (tail < 2.0 || *n < 2.9)
                    .then_some(shape(*n) * slower(*n) * (1.01 + 0.012 * wobble(i as u64 + 500)))
            })
            .collect(),
        censored_above_us: 10_000_000.0,
    }
}

fn series(verdict: Verdict) -> TimeSeries {
    let bad = verdict == Verdict::NoGo;
    let backend = |role: &str, salt: u64, rate: f64, troubled: bool| {
        let second = move |i: u64| wobble(i.wrapping_mul(31).wrapping_add(salt));
        let trouble = move |i: u64| troubled && (41..=93).contains(&i);
        BackendSeries {
            role: role.to_owned(),
            rate_per_second: (0..SECONDS).map(|i| rate * (1.0 + 0.06 * wobble(i))).collect(),
            errors: (0..SECONDS)
                .map(|i| if trouble(i) { 18 + (i % 7) } else { u64::from(i % 57 == 50) })
                .collect(),
            p50_us: (0..SECONDS).map(|i| Some(7_400.0 * (1.0 + 0.05 * second(i)))).collect(),
            p99_us: (0..SECONDS)
                .map(|i| Some(41_000.0 * (1.0 + 0.2 * second(i)) * if trouble(i) { 3.4 } else { 1.0 }))
                .collect(),
            lateness_max_us: (0..SECONDS).map(|i| 260.0 + 140.0 * second(i + 7).abs()).collect(),
        }
    };
    TimeSeries {
        point_seconds: 1,
        run_starts: vec![0],
        backends: vec![
            backend("baseline", 1, 498.0, false),
            backend("candidate", 2, 498.0, bad),
            backend("control", 3, 99.0, false),
        ],
    }
}

fn inputs() -> Inputs {
    Inputs {
        runs: vec![RunInput {
            digest: "8f3b6a52d0c94e17b2a8f5c1d3e6079a4b5c6d7e8f90a1b2c3d4e5f60718293a".to_owned(),
            tool_version: "0.1.0".to_owned(),
            seed: 7,
            load: "25 % of production".to_owned(),
            duration_seconds: SECONDS as f64,
            passes: 4,
            deadline_us: 10_000_000.0,
            ended: Some("completed".to_owned()),
        }],
        corpus_digest: "1d2e3f405162738495a6b7c8d9eafb0c1d2e3f405162738495a6b7c8d9eafb0c".to_owned(),
        policy: serde_json::json!({
            "margins": { "p50": "10% or 2ms", "p95": "15% or 5ms", "p99": "25% or 10ms", "bodies": "0.1 points" },
            "ignore": [{ "path": "header:Date", "reason": "set by the server's clock" }],
        }),
        policy_digest: "b0c1d2e3f405162738495a6b7c8d9eafb0c1d2e3f405162738495a6b7c8d9eaf".to_owned(),
        seed: 7,
        resamples: 2_000,
    }
}
