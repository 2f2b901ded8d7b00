//! `cutover report`: a run in, a verdict out, by text, documents and exit code.

use crate::support::{run, scratch};
use corpus::digest::DigestKey;
use corpus::ids::{EndpointId, ExchangeId, PlanSeq, SessionId};
use corpus::run::{
    Arm, Backend, BodyKeeping, CorpusRef, EndpointPlan, Kept, Load, Outcome, OutcomeResult, Planned,
    RecordedBody, RecordedResponse, Role, RunEnd, RunHeader, RunSeal, Scale, Sending, StoredBody, Times,
};
use corpus::time::RunTime;
use corpus::units::{Fraction, Percent, RequestRate};
use corpus::{Overwrite, RunWriter};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use wire::http1::Headers;

const REQUESTS: u64 = 4000;
const PER_SECOND: u64 = 200;

fn header() -> RunHeader {
    let backend =
        |role, url: &str| Backend { role, url: url.to_owned(), headers_set: Vec::new(), insecure: false };
    RunHeader {
        tool_version: "0.1.0".to_owned(),
        started_unix_ns: 0,
        corpus: CorpusRef {
            digest: "c0ffee".to_owned(),
            sealed: true,
            exchanges_complete: REQUESTS,
            exchanges_incomplete: 0,
            exchanges_damaged: 0,
        },
        backends: vec![
            backend(Role::Baseline, "http://127.0.0.1:1"),
            backend(Role::Candidate, "http://127.0.0.1:2"),
        ],
        load: Load {
            scale: Scale::Percent(Percent::HUNDRED),
            production_rate: RequestRate::new(200.0),
            planned_rate: RequestRate::new(200.0),
            percent_achieved: Some(Percent::HUNDRED),
            duration: Duration::from_secs(REQUESTS / PER_SECOND),
            passes: 1,
            max_rate: None,
        },
        seed: 1,
        deadline: Duration::from_secs(10),
        noise_share: Fraction::ONE,
        repeat_lag: Duration::from_millis(500),
        endpoints: vec![EndpointPlan {
            name: "GET /items/{id}".to_owned(),
            recorded: REQUESTS,
            planned: REQUESTS,
        }],
        left_out: BTreeMap::from([("unsafe_method".to_owned(), REQUESTS)]),
        corpus_exchanges: 2 * REQUESTS,
        planned_requests: REQUESTS,
        policy_json: String::new(),
        bodies: BodyKeeping::All,
    }
}

/// Writes a run in which both backends answer alike, but for the candidate's `status` and `factor` of latency.
fn write_run(path: &Path, status: u16, factor: u64, seal: bool) {
    let mut writer = RunWriter::create(path, &header(), Overwrite::Refuse).expect("the run can be written");
    for seq in 0..REQUESTS {
        let at = RunTime(seq * 1_000_000_000 / PER_SECOND);
        let arms = [Role::Baseline, Role::Candidate].map(|role| Arm { role, sending: Sending::First });
        let planned = Planned {
            seq: PlanSeq(seq),
            exchange: ExchangeId(seq),
            endpoint: EndpointId(0),
            session: SessionId(seq % 100),
            copy: 0,
            at,
            method: b"GET".to_vec(),
            target: format!("/items/{seq}").into_bytes(),
            recorded_status: Some(200),
            arms: arms.to_vec(),
        };
        writer.planned(&planned).expect("written");
        for arm in arms {
            let us = 20_000 + seq * 7919 % 10_000;
            let (status, us) = if arm.role == Role::Candidate { (status, us * factor) } else { (200, us) };
            let end = at.after(Duration::from_micros(us));
            let times = Times {
                planned: at,
                unblocked: at,
                ready: at,
                sent: Some(at),
                first_byte: Some(end),
                end: Some(end),
            };
            let outcome = Outcome { seq: planned.seq, arm, times, result: answer(status, seq) };
            writer.outcome(&outcome).expect("written");
        }
    }
    if seal {
        let at = RunTime(20_000_000_000);
        let seal = RunSeal { ended: Some(RunEnd::Completed), at, ..RunSeal::default() };
        writer.seal(&seal).expect("sealed");
    }
}

fn answer(status: u16, seq: u64) -> OutcomeResult {
    let body = format!("{{\"id\":{seq}}}").into_bytes();
    let digest = DigestKey::from_secret(b"test").digest(&body);
    let len = body.len() as u64;
    let kept = Kept::Stored(StoredBody::Inline(body.into()));
    let body = RecordedBody { len, digest, kept };
    OutcomeResult::Response(RecordedResponse {
        status,
        headers: Headers::new(),
        trailers: Headers::new(),
        body,
    })
}

#[test]
fn the_exit_code_is_the_verdict() {
    let folder = scratch();
    let path = |name: &str| folder.path().join(name);
    for (name, status, factor, seal, code, verdict) in [
        ("good.run", 200, 1, true, 0, "go"),
        ("slow.run", 200, 3, true, 10, "no-go"),
        ("broken.run", 503, 1, true, 10, "no-go"),
        ("cut.run", 200, 1, false, 20, "inconclusive"),
    ] {
        write_run(&path(name), status, factor, seal);
        let text = run([Path::new("report"), &path(name)]).exits(code);
        assert!(text.stdout.contains(verdict) && text.stdout.contains("reads"), "{text:?}");
        let document = run([Path::new("report"), &path(name), Path::new("--json")]).exits(code).json();
        assert_eq!(document["verdict"], verdict);
        assert_eq!(document["exit_code"], code);
        assert_eq!(document["headline"], format!("{verdict} for reads: 50 % of traffic"));
    }
}

#[test]
fn every_document_is_written_once_and_not_over_another() {
    let folder = scratch();
    let path = |name: &str| folder.path().join(name).display().to_string();
    write_run(&folder.path().join("step.run"), 200, 1, true);
    let (html, json, junit, markdown) = (path("r.html"), path("r.json"), path("r.xml"), path("r.md"));
    let words = [
        "report",
        &path("step.run"),
        "--html",
        &html,
        "--json-file",
        &json,
        "--junit",
        &junit,
        "--markdown",
        &markdown,
    ];
    let first = run(words).exits(0);
    for (file, beginning) in
        [(&html, "<!DOCTYPE html"), (&json, "{\n"), (&junit, "<?xml"), (&markdown, "## ")]
    {
        let text = std::fs::read_to_string(file).expect("written");
        assert!(
            text.to_lowercase().starts_with(&beginning.to_lowercase()),
            "{file}: {}",
            &text[..60.min(text.len())]
        );
    }
    let again = run(words).exits(1);
    assert!(again.stderr.contains("exists") && again.stderr.contains("--force"), "{again:?}");
    assert_eq!(run(words.into_iter().chain(["--force"])).exits(0).stdout, first.stdout);
    run(["report", &path("step.run"), "--html", &html, "--junit", &html, "--force"]).exits(2);
    run(["report", &path("step.run"), "--html", &path("none/r.html")]).exits(1);
}

#[test]
fn what_cannot_be_judged_says_why() {
    let folder = scratch();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("written");
    write_run(&folder.path().join("step.run"), 200, 1, true);
    write("empty.run", "");
    write("text.run", "this is no run at all, and says so for long enough to hold a header");
    for name in ["absent.run", "empty.run", "text.run"] {
        let failed = run(["report", &path(name)]).exits(1);
        assert!(failed.stderr.starts_with("error: ") && failed.stderr.contains(name), "{failed:?}");
    }
    write("key.toml", "[policy]\nmargin = 1\n");
    write("endpoint.toml", "[policy]\ncritical = [\"GET /item/{id}\"]\n");
    for (name, expected) in [
        ("key.toml", "unknown field `margin`"),
        ("endpoint.toml", "did you mean \"GET /items/{id}\""),
        ("absent.toml", "absent.toml"),
    ] {
        let failed = run(["report", &path("step.run"), "--policy", &path(name)]).exits(2);
        assert!(failed.stderr.contains(expected), "{failed:?}");
    }
    run(["report"]).exits(2);
}
