//! Comparison against test data from outside: suites of JSON differences, hostile bodies and their mutants.
//!
//! The data is found through `CUTOVER_TEST_DATA`; without it every test here says so and passes, unless
//! `CUTOVER_REQUIRE` names `data`.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "helpers of tests fail, and say what was skipped, like tests"
)]

use report::compare::fuzz::{fuzz_compare, fuzz_pair};
use report::compare::{BodyView, Difference, ResponseView, Rules, compare_responses};
use std::path::{Path, PathBuf};
use wire::http1::Headers;
use wire::json::{JsonLimits, Node, Tree, Value};

/// Mutants of each input.
const MUTANTS: usize = 5;
/// Longer inputs only cost time.
const MAX_INPUT: usize = 4 * 1024;

fn data(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("CUTOVER_TEST_DATA")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared")), PathBuf::from);
    let found = root.join(path);
    if found.exists() {
        return Some(found);
    }
    let required = std::env::var("CUTOVER_REQUIRE").unwrap_or_default();
    assert!(!required.split(',').any(|word| word == "data"), "test data is required but lacks {path}");
    println!("skipped: no test data at {}", found.display());
    None
}

fn files(folder: &str) -> Vec<Vec<u8>> {
    let Some(folder) = data(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().filter(|path| path.is_file()).map(|path| std::fs::read(path).unwrap()).collect()
}

fn differences(a: &[u8], b: &[u8]) -> Vec<Difference> {
    let headers: Headers = [("content-type", "application/json")].into_iter().collect();
    let trailers = Headers::new();
    let view = |bytes| ResponseView {
        status: 200,
        headers: &headers,
        trailers: &trailers,
        body: BodyView::Whole { bytes, digest: None },
    };
    compare_responses(&Rules::default(), "", &view(a), &view(b)).differences
}

/// xorshift64*: the same mutants on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % bound.max(1)
    }

    fn mutate(&mut self, input: &[u8], other: &[u8]) -> Vec<u8> {
        let mut mutant = input.to_vec();
        for _ in 0..=self.below(3) {
            let at = self.below(mutant.len() + 1);
            match self.below(5) {
                0 if at < mutant.len() => mutant[at] ^= 1 << self.below(8),
                1 => mutant.insert(at, b"\r\n :,0123\"\\{}[]-.e\0\xff"[self.below(20)]),
                2 if at < mutant.len() => drop(mutant.remove(at)),
                3 => {
                    let from = self.below(other.len());
                    let to = (from + self.below(32)).min(other.len());
                    mutant.splice(at..at, other[from..to].iter().copied());
                }
                _ => {
                    let from = self.below(mutant.len());
                    let repeated: Vec<u8> = mutant[from..].iter().take(24).copied().collect();
                    mutant.splice(at..at, repeated);
                }
            }
        }
        mutant
    }
}

fn drive(inputs: &[Vec<u8>]) {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for input in inputs.iter().filter(|input| input.len() <= MAX_INPUT) {
        fuzz_compare(input);
        for _ in 0..MUTANTS {
            let other = &inputs[random.below(inputs.len())];
            let mutant = random.mutate(input, other);
            fuzz_pair(input, &mutant);
        }
    }
}

#[test]
fn mutants_keep_the_promises() {
    let mut inputs = vec![
        br#"{"id":7,"at":1714557600123,"items":[{"p":1.5},{"p":2.5},{"p":1.5}],"s":"paid"}"#.to_vec(),
        br#"[1,2,3,[4,5,[6]],{"a":null,"b":true},"x","1.50"]"#.to_vec(),
        b"line one\nline two\n\nline four".to_vec(),
    ];
    for folder in ["suites/json-parsing-nst/test_parsing", "suites/json-parsing-nst/test_transform"] {
        inputs.extend(files(folder));
    }
    drive(&inputs);
}

#[test]
fn hostile_bodies_are_compared() {
    let inputs = [files("hostile/bombs"), files("hostile/naughty-strings"), files("hostile/utf8")].concat();
    for pair in inputs.windows(2) {
        let _ = differences(&pair[0], &pair[1]);
        for coding in ["gzip", "deflate", "zstd", "gzip, gzip"] {
            compare_coded(&pair[0], &pair[1], coding);
        }
    }
}

fn compare_coded(a: &[u8], b: &[u8], coding: &str) {
    let headers: Headers = [("content-encoding", coding)].into_iter().collect();
    let trailers = Headers::new();
    let view = |bytes| ResponseView {
        status: 200,
        headers: &headers,
        trailers: &trailers,
        body: BodyView::Whole { bytes, digest: None },
    };
    let found = compare_responses(&Rules::default(), "", &view(a), &view(b));
    assert!(a == b || !found.differences.is_empty() || found.not_compared.is_some());
}

/// Two documents differ exactly where their values do, and as often from the other side.
#[track_caller]
fn check(a: &[u8], b: &[u8]) {
    let parse = |text| Tree::parse(text, &JsonLimits::default());
    let (Ok(x), Ok(y)) = (parse(a), parse(b)) else { return };
    let same = x.root().same_value(y.root());
    let (there, back) = (differences(a, b), differences(b, a));
    let shown = || format!("{} | {}", String::from_utf8_lossy(a), String::from_utf8_lossy(b));
    assert_eq!(there.is_empty(), same, "{}", shown());
    assert_eq!(back.is_empty(), same, "{}", shown());
}

fn cases(file: &Path, mut each: impl FnMut(Node<'_>)) -> usize {
    let text = std::fs::read(file).unwrap();
    let tree = Tree::parse(&text, &JsonLimits::default()).unwrap();
    tree.root().children().map(&mut each).count()
}

#[test]
fn suites_of_differences_agree() {
    let mut count = 0;
    for name in ["diff", "sample", "ops-rfc6902-samples", "ops-js-libs-samples"] {
        let Some(file) = data(&format!("suites/zjsonpatch-diff/{name}.json")) else { return };
        count += cases(&file, |case| {
            let member = |names: [&str; 2]| names.iter().find_map(|name| case.get(name.as_bytes()));
            let (Some(a), Some(b)) = (member(["first", "node"]), member(["second", "expected"])) else {
                return;
            };
            check(a.raw(), b.raw());
        });
    }
    let Some(file) = data("suites/jd-spec/core.json") else { return };
    count += cases(&file, |case| {
        let text = |name: &str| match case.get(name.as_bytes()).map(Node::value) {
            Some(Value::String(text)) => text.to_vec(),
            _ => Vec::new(),
        };
        check(&text("content_a"), &text("content_b"));
    });
    println!("{count} cases");
    assert!(count > 100);
}
