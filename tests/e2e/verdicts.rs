//! Verdicts over the whole path: capture, replay, report. What must never be go, and what must be no-go.

use crate::support::server::{Answer, Seen, Server, json, nobody};
use crate::support::traffic::{Conversation, get, write_pcap};
use crate::support::{Ran, run, scratch};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// A capture of `count` sessions of one request each within a second, as a corpus.
fn corpus(folder: &Path, count: u16, status: u16) -> PathBuf {
    let conversations: Vec<Conversation> = (0..count)
        .map(|at| {
            let (request, response) =
                get(&format!("/orders/{at}"), &format!("10.1.{}.{}", at / 250, at % 250), status, &order(at));
            let time = u64::from(at) * 1_000_000_000 / u64::from(count);
            Conversation { client_port: 10_000 + at, exchanges: vec![(time, request, response)] }
        })
        .collect();
    let (capture, corpus) = (folder.join("made.pcap"), folder.join("made.corpus"));
    write_pcap(&capture, &conversations);
    let ledger = run(["capture", "--json", "--read", text(&capture), "-o", text(&corpus)]).exits(0).json();
    assert_eq!(ledger["exchanges_complete"], count, "{ledger}");
    corpus
}

fn order(at: u16) -> String {
    format!(r#"{{"id":{at},"total":{}.50,"state":"paid"}}"#, at % 97)
}

/// The legacy backend: answers as recorded.
fn legacy(seen: &Seen) -> Answer {
    let at: u16 = seen.target.rsplit('/').next().and_then(|id| id.parse().ok()).unwrap_or(0);
    json(200, order(at))
}

fn text(path: &Path) -> &str {
    path.to_str().expect("scratch paths are UTF-8")
}

struct Judged {
    replay: Value,
    report: Value,
    code: i32,
}

impl Judged {
    fn verdict(&self) -> &str {
        self.report["verdict"].as_str().expect("a report has a verdict")
    }

    fn reasons(&self) -> Vec<&str> {
        let reasons = self.report["reasons"].as_array().expect("a report has reasons");
        reasons.iter().filter_map(|reason| reason["code"].as_str()).collect()
    }
}

/// Replays `corpus` at both and judges; asserts what holds for every verdict.
fn judge(folder: &Path, corpus: &Path, baseline: &str, candidate: &str) -> Judged {
    let out = folder.join("step.run");
    let words = [
        "replay",
        text(corpus),
        "--baseline",
        baseline,
        "--candidate",
        candidate,
        "-o",
        text(&out),
        "--json",
    ];
    let replay = run([&words[..], &["--seed", "7", "--force", "--deadline", "2s"]].concat()).exits(0).json();
    check_accounting(&replay);
    let Ran { code, stdout, stderr } = run(["report", text(&out), "--json"]);
    let report: Value =
        serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stdout} {stderr}"));
    assert_eq!(report["exit_code"], code, "the document and the process say the same");
    let wanted = [("go", 0), ("no-go", 10), ("inconclusive", 20)];
    assert!(wanted.contains(&(report["verdict"].as_str().unwrap_or_default(), code)), "{report}");
    assert!(!report["reasons"].as_array().expect("a list").is_empty(), "every verdict has a reason");
    Judged { replay, report, code }
}

/// `planned = sent + sum of not_sent` and `sent = responses + sum of failures`, for each backend.
fn check_accounting(replay: &Value) {
    let count = |value: &Value| value.as_u64().expect("a count");
    let sum = |value: &Value| value.as_object().expect("counts by name").values().map(count).sum::<u64>();
    for backend in replay["backends"].as_array().expect("a list of backends") {
        assert_eq!(
            count(&backend["planned"]),
            count(&backend["sent"]) + sum(&backend["not_sent"]),
            "{backend}"
        );
        assert_eq!(
            count(&backend["sent"]),
            count(&backend["responses"]) + sum(&backend["failures"]),
            "{backend}"
        );
    }
}

#[test]
fn a_candidate_that_is_down_is_no_go() {
    let folder = scratch();
    let corpus = corpus(folder.path(), 300, 200);
    let baseline = Server::start(legacy);
    let judged = judge(folder.path(), &corpus, &baseline.url(), &nobody());
    assert_eq!((judged.verdict(), judged.code), ("no-go", 10), "{:?}", judged.reasons());
    let candidate = &judged.replay["backends"][1];
    assert_eq!(candidate["role"], "candidate");
    assert_eq!(candidate["sent"], 0);
}

#[test]
fn a_baseline_that_is_down_is_inconclusive() {
    let folder = scratch();
    let corpus = corpus(folder.path(), 300, 200);
    let candidate = Server::start(legacy);
    let judged = judge(folder.path(), &corpus, &nobody(), &candidate.url());
    assert_eq!(judged.verdict(), "inconclusive", "{:?}", judged.reasons());
    let both = judge(folder.path(), &corpus, &nobody(), &nobody());
    assert_eq!(both.verdict(), "inconclusive", "{:?}", both.reasons());
}

#[test]
fn equal_401s_on_both_sides_are_inconclusive() {
    let folder = scratch();
    let corpus = corpus(folder.path(), 300, 200);
    let refuse = |_: &Seen| json(401, r#"{"error":"unauthorized"}"#);
    let (baseline, candidate) = (Server::start(refuse), Server::start(refuse));
    let judged = judge(folder.path(), &corpus, &baseline.url(), &candidate.url());
    assert_eq!(judged.verdict(), "inconclusive");
    assert!(judged.reasons().contains(&"baseline_unlike_recording"), "{:?}", judged.reasons());
}

#[test]
fn a_candidate_that_breaks_a_field_is_no_go_and_the_field_is_named() {
    let folder = scratch();
    let corpus = corpus(folder.path(), 600, 200);
    let broken = |seen: &Seen| match legacy(seen) {
        Answer::Response(status, headers, body) => {
            let body = String::from_utf8(body).expect("JSON is UTF-8");
            Answer::Response(status, headers, body.replace("\"paid\"", "null").into_bytes())
        }
        other => other,
    };
    let (baseline, candidate) = (Server::start(legacy), Server::start(broken));
    let judged = judge(folder.path(), &corpus, &baseline.url(), &candidate.url());
    assert_eq!(judged.verdict(), "no-go", "{:?}", judged.reasons());
    let group = &judged.report["difference_groups"][0];
    assert!(group.to_string().contains("$.state"), "{group}");
}

#[test]
fn a_handful_of_requests_is_never_go() {
    let folder = scratch();
    let corpus = corpus(folder.path(), 5, 200);
    let (baseline, candidate) = (Server::start(legacy), Server::start(legacy));
    let judged = judge(folder.path(), &corpus, &baseline.url(), &candidate.url());
    assert_eq!(judged.verdict(), "inconclusive", "{:?}", judged.reasons());
    assert_eq!(baseline.seen().len(), candidate.seen().len(), "neither backend carries more than the other");
}

#[test]
fn a_candidate_that_answers_garbage_or_half_a_body_is_a_measurement() {
    let folder = scratch();
    let corpus = corpus(folder.path(), 300, 200);
    let baseline = Server::start(legacy);
    type Script = fn(&Seen) -> Answer;
    let answers: [(Script, &str); 3] = [
        (|_| Answer::Raw(b"\x16\x03\x01 not http at all\r\n\r\n".to_vec()), "garbage"),
        (|_| Answer::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf".to_vec()), "partial"),
        (|_| Answer::Close, "closed"),
    ];
    for (answer, kind) in answers {
        let candidate = Server::start(answer);
        let judged = judge(folder.path(), &corpus, &baseline.url(), &candidate.url());
        assert_eq!(judged.verdict(), "no-go", "{kind}: {:?}", judged.reasons());
        let failures = &judged.replay["backends"][1]["failures"];
        assert!(failures[kind].as_u64() > Some(0), "{kind}: {failures}");
    }
}

#[test]
fn an_empty_corpus_is_never_go() {
    let folder = scratch();
    let corpus = corpus(folder.path(), 1, 200);
    let none = folder.path().join("none.corpus");
    run(["corpus", "filter", r#"method == "POST""#, text(&corpus), "-o", text(&none)]).exits(0);
    let baseline = Server::start(legacy);
    let out = folder.path().join("none.run");
    let url = baseline.url();
    let replay = run(["replay", text(&none), "--baseline", &url, "--candidate", &url, "-o", text(&out)]);
    assert_ne!(replay.code, 0, "nothing to send is no work done: {replay:?}");
    assert!(!replay.stderr.contains("panicked"), "{replay:?}");
}

#[test]
fn a_misspelt_endpoint_in_the_policy_is_usage() {
    let folder = scratch();
    let corpus = corpus(folder.path(), 20, 200);
    let (baseline, candidate) = (Server::start(legacy), Server::start(legacy));
    judge(folder.path(), &corpus, &baseline.url(), &candidate.url());
    let policy = folder.path().join("cutover.toml");
    let rule =
        "[[policy.ignore]]\nendpoint = \"GET /ordres/{id}\"\npath = \"$.total\"\nreason = \"rounding\"\n";
    std::fs::write(&policy, rule).expect("a scratch file can be written");
    let ran = run(["report", text(&folder.path().join("step.run")), "--policy", text(&policy)]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stderr.contains("GET /ordres/{id}"), "{ran:?}");
}
