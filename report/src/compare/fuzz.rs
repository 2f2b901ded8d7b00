//! Fuzz entries: any two bodies, compared in every way, must keep the comparison's promises.

use super::{BodyView, Comparison, Locus, ResponseView, Rules, compare_responses};
use crate::noise::{Accumulator, NoiseSettings, NoiseSource, PairContext};
use corpus::ids::{EndpointId, ExchangeId, PlanSeq};
use corpus::time::RunTime;
use wire::http1::Headers;
use wire::json::{JsonLimits, Tree};

/// Cuts the input in two bodies.
///
/// # Panics
/// Where a promise is broken.
pub fn fuzz_compare(data: &[u8]) {
    let (a, b) = data.split_at(data.len() / 2);
    fuzz_pair(a, b);
}

/// Compares two bodies as JSON, as text, without a media type, and through each content coding.
///
/// # Panics
/// Where a promise is broken: equal bodies show no difference, differing ones show one from either side, JSON
/// differs exactly where its values do, and all places lie within their bodies.
pub fn fuzz_pair(a: &[u8], b: &[u8]) {
    for media_type in ["application/json", "text/plain", ""] {
        for coding in ["", "gzip", "br"] {
            let mut headers = Headers::new();
            for (name, value) in [("content-type", media_type), ("content-encoding", coding)] {
                if !value.is_empty() {
                    headers.push(name.as_bytes(), value.as_bytes());
                }
            }
            check(a, b, &headers);
        }
    }
    check_json(a, b);
}

fn check(a: &[u8], b: &[u8], headers: &Headers) {
    let trailers = Headers::new();
    let view = |bytes| ResponseView {
        status: 200,
        headers,
        trailers: &trailers,
        body: BodyView::Whole { bytes, digest: None },
    };
    let compare = |x, y| compare_responses(&Rules::default(), "", &view(x), &view(y));
    assert!(compare(a, a).differences.is_empty(), "a body equals itself");
    let (there, back) = (compare(a, b), compare(b, a));
    assert_eq!(there.differences.is_empty(), back.differences.is_empty(), "a difference has two sides");
    assert_eq!(there.not_compared, back.not_compared, "what is not compared has two sides");
    assert_places(&there);
    let context = PairContext {
        endpoint: EndpointId(0),
        exchange: ExchangeId(1),
        seq: PlanSeq(1),
        at: RunTime(1),
        method: a,
        target: b,
    };
    let mut all = Accumulator::new(Rules::default(), vec!["GET /".to_owned()]);
    all.pair(&context, &view(a), &view(b));
    all.noise_pair(&context, NoiseSource::Baseline, &view(b), &view(a));
    for group in all.finish(NoiseSettings::default()).groups {
        for excerpt in group.examples.iter().flat_map(|example| [&example.baseline, &example.candidate]) {
            let differing = excerpt.differing.clone().unwrap_or(0..0);
            assert!(excerpt.text.get(differing).is_some(), "what differs lies within its excerpt");
        }
    }
}

fn assert_places(comparison: &Comparison<'_>) {
    for difference in &comparison.differences {
        let Locus::Body { baseline, candidate } = &difference.locus else { continue };
        let within = |range: &Option<std::ops::Range<usize>>, body: &[u8]| {
            range.as_ref().is_none_or(|range| body.get(range.clone()).is_some())
        };
        assert!(within(baseline, &comparison.baseline_body), "a place lies within its body");
        assert!(within(candidate, &comparison.candidate_body), "a place lies within its body");
    }
}

/// Documents that all readers read alike differ exactly where their values do.
fn check_json(a: &[u8], b: &[u8]) {
    let parse =
        |text| Tree::parse(text, &JsonLimits::default()).ok().filter(|tree| tree.ambiguity_count() == 0);
    let (Some(x), Some(y)) = (parse(a), parse(b)) else { return };
    let headers: Headers = [("content-type", "application/json")].into_iter().collect();
    let trailers = Headers::new();
    let view = |bytes| ResponseView {
        status: 200,
        headers: &headers,
        trailers: &trailers,
        body: BodyView::Whole { bytes, digest: None },
    };
    let found = compare_responses(&Rules::default(), "", &view(a), &view(b));
    let same = x.root().same_value(y.root());
    assert_eq!(found.differences.is_empty(), same, "JSON differs exactly where its values do");
}
