//! Drives the fuzz entries with a seeded mutator over the stored hostile inputs.

use wire::fuzz::{fuzz_body, fuzz_content, fuzz_head, fuzz_json, fuzz_path};

use crate::support::{bytes, data, json_lines, text};

/// Mutants of each input; enough to find shallow faults in a second or two.
const MUTANTS: usize = 40;
/// Longer inputs only cost time.
const MAX_INPUT: usize = 8 * 1024;

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
        for _ in 0..=self.below(4) {
            let at = self.below(mutant.len() + 1);
            match self.below(6) {
                0 if at < mutant.len() => mutant[at] ^= 1 << self.below(8),
                1 => mutant.insert(at, b"\r\n \t:;,0\"\\{}[]\0\xff"[self.below(16)]),
                2 if at < mutant.len() => drop(mutant.remove(at)),
                3 => mutant.truncate(at),
                4 => {
                    let from = self.below(other.len());
                    let to = (from + self.below(32)).min(other.len());
                    mutant.splice(at..at, other[from..to].iter().copied());
                }
                _ => {
                    let from = self.below(mutant.len());
                    let repeated: Vec<u8> = mutant[from..].iter().take(32).copied().collect();
                    mutant.splice(at..at, repeated);
                }
            }
        }
        mutant
    }
}

fn drive(inputs: &[Vec<u8>], entry: fn(&[u8])) {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for input in inputs {
        entry(input);
        for _ in 0..MUTANTS {
            let other = &inputs[random.below(inputs.len())];
            entry(&random.mutate(input, other));
        }
    }
}

fn lines(paths: &[&str]) -> Vec<Vec<u8>> {
    let mut inputs = Vec::new();
    for path in paths {
        json_lines(path, |case| inputs.push(bytes(case)));
    }
    for input in &mut inputs {
        input.truncate(MAX_INPUT);
    }
    inputs
}

fn files(folder: &str) -> Vec<Vec<u8>> {
    let Some(folder) = data(folder) else { return Vec::new() };
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut inputs: Vec<_> = paths.iter().filter_map(|path| std::fs::read(path).ok()).collect();
    inputs.iter_mut().for_each(|input| input.truncate(MAX_INPUT));
    inputs
}

const HTTP: [&str; 4] = [
    "hostile/http-framing/cases.jsonl",
    "hostile/go-fuzz-corpus/httpreq.jsonl",
    "hostile/go-fuzz-corpus/httpresp.jsonl",
    "hostile/h2o-fuzz/http1.jsonl",
];

#[test]
fn heads() {
    drive(&lines(&HTTP), fuzz_head);
}

#[test]
fn bodies() {
    let mut inputs = lines(&HTTP);
    for input in &mut inputs {
        if let Some(at) = input.windows(4).position(|window| window == b"\r\n\r\n") {
            input.drain(..at + 4);
        }
    }
    drive(&inputs, fuzz_body);
}

#[test]
fn content() {
    let paths = ["gzip", "flate", "zlib"].map(|name| format!("hostile/go-fuzz-corpus/{name}.jsonl"));
    let mut inputs = lines(&paths.each_ref().map(String::as_str));
    inputs.extend(files("hostile/bombs"));
    drive(&inputs, fuzz_content);
}

#[test]
fn json() {
    let mut inputs = files("suites/json-parsing-nst/test_parsing");
    inputs.extend(lines(&["hostile/utf8/cases.jsonl"]).iter().map(|text| [b"\"", &text[..], b"\""].concat()));
    drive(&inputs, fuzz_json);
}

#[test]
fn paths() {
    let mut inputs = Vec::new();
    if let Some(path) = data("suites/jsonpath-cts/cts.json") {
        let suite = std::fs::read(path).unwrap();
        let suite = wire::json::Tree::parse(&suite, &wire::json::JsonLimits::default()).unwrap();
        let cases = suite.root().get(b"tests").unwrap();
        inputs.extend(cases.children().map(|case| text(case, "selector").as_bytes().to_vec()));
    }
    inputs.extend([b"/a/1/b".to_vec(), b"/c/~0~1".to_vec()]);
    drive(&inputs, fuzz_path);
}
