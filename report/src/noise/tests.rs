//! Many pairs, told in a few words: what is noise, what is a difference, how they are grouped and counted.

use super::*;
use crate::compare::{BodyView, IgnoreRule};
use crate::group::Severity;
use wire::http1::Headers;

struct Scenario {
    all: Accumulator,
    seq: u64,
}

fn draw(seq: u64, salt: u64) -> u64 {
    crate::group::sketch::spread(seq ^ (salt << 32))
}

impl Scenario {
    fn new(rules: &[(&str, &str)]) -> Scenario {
        let rule = |(endpoint, path): &(&str, &str)| IgnoreRule {
            endpoint: Some((*endpoint).to_owned()),
            path: (*path).to_owned(),
            kind: None,
        };
        let rules = Rules::new(rules.iter().map(rule).collect()).unwrap();
        let all = Accumulator::new(rules, vec!["GET /a".to_owned(), "GET /b".to_owned()]);
        Scenario { all, seq: 0 }
    }

    fn context(&mut self, endpoint: u32) -> PairContext<'static> {
        self.seq += 1;
        PairContext {
            endpoint: EndpointId(endpoint),
            exchange: ExchangeId(self.seq),
            seq: PlanSeq(self.seq),
            at: RunTime(self.seq * 1_000_000),
            method: b"GET",
            target: b"/a?x=1",
        }
    }

    fn pairs(mut self, count: u64, a: impl Fn(u64) -> String, b: impl Fn(u64) -> String) -> Scenario {
        for _ in 0..count {
            let context = self.context(0);
            let (x, y) = (a(self.seq), b(self.seq));
            with_views(&x, &y, |x, y| self.all.pair(&context, x, y));
        }
        self
    }

    fn noise(mut self, count: u64, a: impl Fn(u64) -> String, b: impl Fn(u64) -> String) -> Scenario {
        for _ in 0..count {
            let context = self.context(0);
            let (x, y) = (a(self.seq), b(self.seq));
            with_views(&x, &y, |x, y| self.all.noise_pair(&context, NoiseSource::Baseline, x, y));
        }
        self
    }

    /// Groups, noise and the mismatched pairs of the first endpoint, a line each.
    #[track_caller]
    fn check(self, expected: &[&str]) -> Resolved {
        let resolved = self.all.finish(NoiseSettings::default());
        let mut lines: Vec<String> = resolved
            .groups
            .iter()
            .map(|g| {
                let also: Vec<&str> = g.also.iter().map(|s| s.path.as_str()).collect();
                let also = if also.is_empty() { String::new() } else { format!(" also {}", also.join(" ")) };
                let Signature { path, kind, change } = &g.name;
                format!("{path} {}: {change} {} of {}{also}", kind.name(), g.seen.pairs, g.seen.of_pairs)
            })
            .collect();
        lines.extend(resolved.noise.iter().map(|n| format!("noise {} {}", n.name.path, n.name.kind.name())));
        let tally = resolved.endpoints[0].pairs;
        lines.push(format!("{} of {}", tally.mismatched.pairs, tally.compared.pairs));
        assert_eq!(lines, expected);
        assert_eq!(tally.mismatched.pairs, tally.mismatched.exchanges);
        resolved
    }
}

fn with_views<T>(a: &str, b: &str, then: impl FnOnce(&ResponseView<'_>, &ResponseView<'_>) -> T) -> T {
    let headers: Headers = [("content-type", "application/json")].into_iter().collect();
    let none = Headers::new();
    let whole = |text| BodyView::Whole { bytes: text, digest: None };
    let x = ResponseView { status: 200, headers: &headers, trailers: &none, body: whole(a.as_bytes()) };
    let y = ResponseView { body: whole(b.as_bytes()), ..x };
    then(&x, &y)
}

fn fixed(text: &'static str) -> impl Fn(u64) -> String {
    move |_| text.to_owned()
}

fn stamped(salt: u64) -> impl Fn(u64) -> String {
    move |seq| format!(r#"{{"at":{},"n":1}}"#, 1_714_557_600_000 + draw(seq, salt) % 1_000_000)
}

#[test]
fn what_also_differs_between_baselines_is_noise() {
    Scenario::new(&[])
        .noise(50, stamped(1), stamped(2))
        .pairs(500, stamped(3), stamped(4))
        .check(&["noise $.at value", "0 of 500"]);
}

#[test]
fn without_evidence_nothing_is_noise() {
    Scenario::new(&[])
        .pairs(10, stamped(1), stamped(2))
        .check(&["$.at value: another number 10 of 10", "10 of 10"]);
}

#[test]
fn noise_does_not_hide_another_unit_of_time() {
    let in_seconds = |seq| format!(r#"{{"at":{},"n":1}}"#, 1_714_557_600 + seq % 1000);
    let resolved = Scenario::new(&[])
        .noise(50, stamped(1), stamped(2))
        .pairs(500, stamped(3), in_seconds)
        .check(&["$.at format: epoch ms -> epoch s 500 of 500", "noise $.at value", "500 of 500"]);
    assert_eq!(resolved.groups[0].severity, Severity::Shape);
}

#[test]
fn noise_does_not_hide_another_sign() {
    let value = |salt| move |seq| format!(r#"{{"v":{}}}"#, 100 + draw(seq, salt) % 900);
    let negative = |seq| format!(r#"{{"v":-{}}}"#, 100 + draw(seq, 9) % 900);
    Scenario::new(&[]).noise(100, value(1), value(2)).pairs(500, value(3), negative).check(&[
        "$.v format: positive -> negative 500 of 500",
        "noise $.v value",
        "500 of 500",
    ]);
}

#[test]
fn noise_does_not_hide_a_missing_member() {
    let sometimes = |seq: u64| match seq % 5 {
        0 => r#"{"n":1}"#.to_owned(),
        _ => stamped(4)(seq),
    };
    Scenario::new(&[]).noise(50, stamped(1), stamped(2)).pairs(500, stamped(3), sometimes).check(&[
        "$.at missing: left out 100 of 500",
        "noise $.at value",
        "100 of 500",
    ]);
}

#[test]
fn more_of_it_than_noise_is_a_difference() {
    let rarely = |salt| move |seq| format!(r#"{{"x":{}}}"#, u64::from(draw(seq, salt) % 100 < 5));
    let often = |seq| format!(r#"{{"x":{}}}"#, u64::from(draw(seq, 9) % 100 < 50));
    Scenario::new(&[])
        .noise(400, rarely(1), rarely(2))
        .pairs(2000, rarely(3), rarely(4))
        .check(&["noise $.x value", "0 of 2000"]);
    let resolved = Scenario::new(&[]).noise(400, rarely(1), rarely(2)).pairs(2000, rarely(3), often);
    let resolved = resolved.all.finish(NoiseSettings::default());
    assert!(resolved.noise.is_empty());
    assert!(resolved.endpoints[0].pairs.mismatched.pairs > 900);
}

#[test]
fn one_cause_is_one_group() {
    let without = |seq: u64| match seq % 4 {
        0 => r#"{"a":1}"#.to_owned(),
        _ => r#"{"a":1,"price":{"net":1,"gross":2},"tax":3}"#.to_owned(),
    };
    let full = fixed(r#"{"a":1,"price":{"net":1,"gross":2},"tax":3}"#);
    let run = || {
        Scenario::new(&[])
            .pairs(10_000, &full, without)
            .check(&["$.price missing: left out 2500 of 10000 also $.tax", "2500 of 10000"])
    };
    let (first, second) = (run(), run());
    assert_eq!(first, second);
    assert_eq!(first.groups[0].id.to_string().len(), 16);
    assert!(first.groups[0].examples.len() >= 3);
}

#[test]
fn what_differs_everywhere_is_told_apart() {
    Scenario::new(&[])
        .pairs(
            100,
            fixed(r#"{"id":7,"sum":12.34,"user_name":"x"}"#),
            fixed(r#"{"id":"7","sum":12,"userName":"x"}"#),
        )
        .check(&[
            "$.user_name missing: left out 100 of 100 also $.userName",
            "$.id type: integer -> string 100 of 100",
            "$.sum value: rounded to 0 decimals 100 of 100",
            "100 of 100",
        ]);
}

#[test]
fn roundings_are_one_change() {
    let exact = |seq: u64| format!(r#"{{"sum":{}.{:03}}}"#, seq, seq % 1000);
    let rounded = |seq: u64| {
        let thousandths = seq * 1000 + seq % 1000;
        let hundredths = (thousandths + 5) / 10;
        format!(r#"{{"sum":{}.{:02}}}"#, hundredths / 100, hundredths % 100)
    };
    let resolved = Scenario::new(&[]).pairs(1000, exact, rounded).all.finish(NoiseSettings::default());
    let names: Vec<_> = resolved.groups.iter().map(|g| g.name.change.as_str()).collect();
    assert_eq!(names, ["rounded to 2 decimals"]);
}

#[test]
fn rules_hide_by_whole_names_and_dead_ones_show() {
    let resolved = Scenario::new(&[("GET /a", "$.user"), ("GET /b", "$.userId"), ("GET /a", "$.use")])
        .pairs(10, fixed(r#"{"user":1,"userId":1}"#), fixed(r#"{"user":2,"userId":2}"#))
        .check(&["$.userId value: another number 10 of 10", "10 of 10"]);
    assert_eq!(resolved.rule_hits, [(RuleId(0), 10), (RuleId(1), 0), (RuleId(2), 0)]);
}

#[test]
fn too_many_places_are_counted_as_other() {
    let names = |salt: u64| move |seq: u64| format!(r#"{{"k{}x{}":{}}}"#, salt, seq, seq);
    let resolved = Scenario::new(&[]).pairs(6_000, names(1), names(2)).all.finish(NoiseSettings::default());
    assert_eq!(resolved.other, 2_000);
    assert_eq!(resolved.endpoints[0].pairs.mismatched.pairs, 6_000);
}

#[test]
fn repeats_are_no_new_exchanges() {
    let mut scenario = Scenario::new(&[]);
    for _ in 0..100 {
        let context = PairContext { exchange: ExchangeId(1), ..scenario.context(0) };
        with_views("[1]", "[2]", |x, y| scenario.all.pair(&context, x, y));
    }
    let resolved = scenario.all.finish(NoiseSettings::default());
    let tally = resolved.endpoints[0].pairs;
    assert_eq!(tally.body, Count { pairs: 100, exchanges: 1 });
    assert_eq!(tally.compared, Count { pairs: 100, exchanges: 1 });
    assert_eq!(resolved.groups[0].seen.exchanges, 1);
}

#[test]
fn an_unsteady_candidate_is_no_excuse() {
    let mut scenario = Scenario::new(&[]).noise(50, fixed(r#"{"at":1}"#), fixed(r#"{"at":1}"#));
    for _ in 0..50 {
        let context = scenario.context(0);
        let (x, y) = (stamped(1)(scenario.seq), stamped(2)(scenario.seq));
        with_views(&x, &y, |x, y| scenario.all.noise_pair(&context, NoiseSource::Candidate, x, y));
    }
    let resolved = scenario
        .pairs(100, fixed(r#"{"at":1714557600000,"n":1}"#), stamped(3))
        .check(&["$.at value: another number 100 of 100", "100 of 100"]);
    let rates = resolved.groups[0].rates;
    assert_eq!((rates.candidate_noise_pairs, rates.of_candidate_noise_pairs), (50, 50));
}

#[test]
fn what_names_the_server_is_reported_and_does_not_count() {
    let mut scenario = Scenario::new(&[]);
    let fields = |server: &str| -> Headers { [("server", server), ("x-total", "7")].into_iter().collect() };
    let (old, new, none) = (fields("old/1.0"), fields("new"), Headers::new());
    let view = |headers| ResponseView {
        status: 200,
        headers,
        trailers: &none,
        body: BodyView::Whole { bytes: b"", digest: None },
    };
    for _ in 0..10 {
        let context = scenario.context(0);
        assert_eq!(scenario.all.pair(&context, &view(&old), &view(&new)), PairResult::Equal);
    }
    let resolved = scenario.check(&["header:server header: another text 10 of 10", "0 of 10"]);
    assert_eq!(resolved.groups[0].severity, Severity::Incidental);
    assert_eq!(resolved.groups[0].examples[0].baseline.text, "old/1.0");
}

#[test]
fn bodies_without_bytes_are_counted_apart() {
    let mut scenario = Scenario::new(&[]);
    let none = Headers::new();
    let view = |byte| ResponseView {
        status: 200,
        headers: &none,
        trailers: &none,
        body: BodyView::Digest {
            len: 5,
            digest: corpus::digest::Digest([byte; 16]),
            missing: NotCompared::QueueFull,
        },
    };
    for byte in 0..4 {
        let context = scenario.context(0);
        scenario.all.pair(&context, &view(0), &view(byte));
    }
    let resolved = scenario.check(&["0 of 1"]);
    assert_eq!(resolved.endpoints[0].pairs.not_compared, Count { pairs: 3, exchanges: 3 });
    assert_eq!(resolved.not_compared, BTreeMap::from([(NotCompared::QueueFull, 3)]));
}
