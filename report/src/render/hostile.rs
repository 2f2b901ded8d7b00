//! Hostile text in every field: it changes nothing but the text.
//!
//! The page's tags are read with a browser's tokeniser: where they are the same as for a harmless text, so is the tree.

use super::fixture::sample;
use super::{Color, html, junit, markdown, terminal};
use crate::summary::{
    DifferenceExample, DifferenceGroup, EndpointCoverage, Excerpt, Highlight, IgnoredRule, NotCompared,
    PercentileCurve, Reason, Reproduce, Scope, Summary, Verdict,
};
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{BufferQueue, Token, TokenSink, TokenSinkResult, Tokenizer};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::{env, fs};

const HARMLESS: &str = "harmless";

/// A small summary with one text wherever a text can stand.
fn poisoned(text: &str) -> Summary {
    let mut summary = sample(Verdict::NoGo);
    let text = || text.to_owned();
    summary.headline = text();
    summary.tool_version = text();
    summary.reasons.truncate(2);
    summary.warnings.truncate(1);
    for reason in summary.reasons.iter_mut().chain(&mut summary.warnings) {
        let known = reason.clone();
        *reason = Reason {
            text: text(),
            endpoint: Some(text()),
            metric: Some(text()),
            remedy: Some(text()),
            ..known
        };
    }
    poison_coverage(&mut summary, &text);
    summary.metrics.truncate(2);
    for metric in &mut summary.metrics {
        metric.id = text();
        metric.scope = Scope::Endpoint(text());
    }
    summary.endpoints.truncate(2);
    for row in &mut summary.endpoints {
        row.endpoint = text();
    }
    summary.difference_groups = vec![group(&summary.difference_groups[1], &text)];
    summary.noise.truncate(1);
    for row in &mut summary.noise {
        (row.endpoint, row.path, row.kind) = (text(), text(), text());
    }
    summary.ignored = vec![IgnoredRule { rule: text(), reason: text(), hits: 0 }];
    summary.not_checked = vec![NotCompared { what: text(), text: text(), count: 1 }];
    poison_accounting(&mut summary, &text);
    poison_inputs(&mut summary, &text);
    summary
}

fn poison_coverage(summary: &mut Summary, text: &dyn Fn() -> String) {
    summary.coverage.opened = text();
    summary.coverage.left_out = BTreeMap::from([(text(), 1)]);
    summary.coverage.endpoints_not_replayed = vec![EndpointCoverage { endpoint: text(), recorded: 1 }];
    summary.gating.endpoints = vec![text()];
}

fn group(known: &DifferenceGroup, text: &dyn Fn() -> String) -> DifferenceGroup {
    let excerpt = || Excerpt {
        text: text(),
        omitted_before: 1,
        omitted_after: 1,
        highlight: Some(Highlight { start: 0, end: text().len() }),
    };
    DifferenceGroup {
        id: text(),
        endpoint: text(),
        path: text(),
        kind: text(),
        change: Some(text()),
        title: text(),
        severity: text(),
        also_at: vec![text()],
        examples: vec![DifferenceExample {
            exchange: text(),
            request: text(),
            second: 1,
            baseline: excerpt(),
            candidate: excerpt(),
        }],
        ..known.clone()
    }
}

fn poison_accounting(summary: &mut Summary, text: &dyn Fn() -> String) {
    summary.accounting.backends.truncate(1);
    for backend in &mut summary.accounting.backends {
        (backend.role, backend.url) = (text(), text());
        backend.not_sent = BTreeMap::from([(text(), 1)]);
        backend.failures = BTreeMap::from([(text(), 1)]);
    }
    summary.accounting.pairs.excluded = BTreeMap::from([(text(), 1)]);
    summary.accounting.damage = vec![text()];
    summary.percentile_curves = vec![PercentileCurve {
        scope: Scope::Endpoint(text()),
        quantiles: vec![0.5, 0.9, 0.99],
        baseline_us: vec![Some(1e3), Some(2e3), Some(4e3)],
        candidate_us: vec![Some(1e3), Some(2e3), None],
        censored_above_us: 1e7,
    }];
    // Charts hold numbers alone; without them there is less to read.
    summary.time_series.backends.clear();
}

fn poison_inputs(summary: &mut Summary, text: &dyn Fn() -> String) {
    for run in &mut summary.inputs.runs {
        (run.digest, run.tool_version, run.load, run.ended) = (text(), text(), text(), Some(text()));
    }
    (summary.inputs.corpus_digest, summary.inputs.policy_digest) = (text(), text());
    summary.inputs.policy = serde_json::json!({ text(): [text()] });
    summary.reproduce = vec![Reproduce { what: text(), command: text() }];
}

/// Tags with their attributes, in order; text is left out, and so is the text of labels.
#[derive(Default)]
struct Tags(RefCell<Vec<String>>);

impl TokenSink for Tags {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        match token {
            Token::TagToken(tag) => {
                let name = tag.name.to_string();
                let attributes = tag.attrs.iter().map(|attribute| match &*attribute.name.local {
                    "aria-label" => "aria-label".to_owned(),
                    other => format!("{other}={}", attribute.value),
                });
                let attributes: Vec<String> = attributes.collect();
                self.0.borrow_mut().push(format!("{:?} {name} {}", tag.kind, attributes.join(" ")));
                match (tag.kind, name.as_str()) {
                    (html5ever::tokenizer::StartTag, "title") => TokenSinkResult::RawData(RawKind::Rcdata),
                    (html5ever::tokenizer::StartTag, "style") => TokenSinkResult::RawData(RawKind::Rawtext),
                    (html5ever::tokenizer::StartTag, "script") => {
                        TokenSinkResult::RawData(RawKind::ScriptData)
                    }
                    _ => TokenSinkResult::Continue,
                }
            }
            Token::CommentToken(text) => {
                self.0.borrow_mut().push(format!("comment {text}"));
                TokenSinkResult::Continue
            }
            _ => TokenSinkResult::Continue,
        }
    }
}

fn tags(html: &str) -> Vec<String> {
    let queue = BufferQueue::default();
    queue.push_back(StrTendril::from(html));
    let tokenizer = Tokenizer::new(Tags::default(), html5ever::tokenizer::TokenizerOpts::default());
    let _ = tokenizer.feed(&queue);
    tokenizer.end();
    tokenizer.sink.0.into_inner()
}

/// What may not depend on the text.
struct Shape {
    tags: Vec<String>,
    xml_tags: usize,
    /// For each line.
    markdown_cells: Vec<usize>,
}

fn shape(text: &str) -> Shape {
    let summary = poisoned(text);
    let (page, xml, markdown) = (html(&summary), junit(&summary), markdown(&summary));
    let terminal = terminal(&summary, 80, Color::Off);
    for (form, rendered) in
        [("html", &page), ("junit", &xml), ("markdown", &markdown), ("terminal", &terminal)]
    {
        let bad = rendered.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t'));
        let bad = bad.or_else(|| {
            rendered.chars().find(|c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
        });
        assert_eq!(bad, None, "a character that acts is left in {form} for {text:?}");
    }
    let cells = |line: &str| line.replace("\\|", "").matches('|').count();
    Shape {
        tags: tags(&page),
        xml_tags: xml.matches('<').count(),
        markdown_cells: markdown.lines().map(cells).collect(),
    }
}

fn check(text: &str, harmless: &Shape) {
    let found = shape(text);
    let first = found.tags.iter().zip(&harmless.tags).find(|(a, b)| a != b);
    assert_eq!(first, None, "the tree of the page depends on {text:?}");
    assert_eq!(found.tags.len(), harmless.tags.len(), "the tree of the page depends on {text:?}");
    assert_eq!(found.xml_tags, harmless.xml_tags, "the elements of the XML depend on {text:?}");
    assert_eq!(
        found.markdown_cells, harmless.markdown_cells,
        "the lines or cells of Markdown depend on {text:?}"
    );
}

/// The stored hostile lines; empty where the data is not there.
fn stored() -> Vec<String> {
    let root = env::var_os("CUTOVER_TEST_DATA")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared")), PathBuf::from);
    let payloads = fs::read(root.join("hostile/xss-payloads/payloads.txt"));
    let strings = fs::read(root.join("hostile/naughty-strings/blns.json"));
    let (Ok(payloads), Ok(strings)) = (payloads, strings) else {
        let required = env::var("CUTOVER_REQUIRE").is_ok_and(|wanted| wanted.split(',').any(|w| w == "data"));
        assert!(!required, "the hostile lines are required and not at {}", root.display());
        println!("skipped: no hostile lines at {}", root.display());
        return Vec::new();
    };
    let strings: Vec<String> = serde_json::from_slice(&strings).expect("a list of strings");
    String::from_utf8_lossy(&payloads).lines().map(str::to_owned).chain(strings).collect()
}

#[test]
fn own_hostile_texts_are_only_text() {
    let harmless = shape(HARMLESS);
    for text in [
        "</script><script>alert(1)</script>",
        "</title><img src=x onerror=alert(1)>",
        "\" onload=\"alert(1)",
        "-->]]><![CDATA[",
        "a\u{0}\u{1b}[31m\u{9b}31m\u{7f}\r\nb",
        "\u{202e}txt.exe\u{2066}\u{200b}\u{feff}",
        "`` ` | \\| <b> @team #1 https://e.org",
        "\n\n# heading\n\n| a | b |\n",
        "",
        &"<".repeat(5_000),
    ] {
        check(text, &harmless);
    }
}

#[test]
fn stored_hostile_texts_are_only_text() {
    let lines = stored();
    let harmless = shape(HARMLESS);
    std::thread::scope(|scope| {
        for part in lines.chunks(lines.len().div_ceil(2).max(1)) {
            scope.spawn(|| part.iter().for_each(|text| check(text, &harmless)));
        }
    });
}

#[test]
fn nothing_makes_the_page_too_large_to_open() {
    let mut summary = poisoned(&"\u{e0041}\"<".repeat(700));
    fn fill<T: Clone>(list: &mut Vec<T>, n: usize) {
        let first = list[0].clone();
        list.resize(n, first);
    }
    fill(&mut summary.endpoints, 10_000);
    fill(&mut summary.metrics, 2_000);
    fill(&mut summary.difference_groups, 500);
    fill(&mut summary.noise, 1_000);
    fill(&mut summary.not_checked, 1_000);
    fill(&mut summary.percentile_curves, 100);
    fill(&mut summary.reasons, 1_000);
    fill(&mut summary.reproduce, 1_000);
    let page = html(&summary);
    assert!(page.len() < 50 << 20, "{} bytes", page.len());
}
