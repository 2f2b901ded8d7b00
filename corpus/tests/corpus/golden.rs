//! Files of every released version still open and hold exactly what they held.
//!
//! `CUTOVER_WRITE_GOLDEN=1` writes those of the current version where they are missing.

use crate::support::*;
use corpus::exchange::{Exchange, Incomplete};
use corpus::message::{BodyExtent, Malformed, Protocol};
use corpus::run::*;
use corpus::{CorpusReader, LateResponse, Overwrite, RunReader, rewrite};
use std::path::PathBuf;

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

fn is_to_be_written(path: &std::path::Path) -> bool {
    std::env::var_os("CUTOVER_WRITE_GOLDEN").is_some() && !path.exists()
}

/// Every field of the format has a value that is not its default in one of these.
fn exchanges() -> Vec<Exchange> {
    let mut exchanges = mixed_below(20, 60);
    let full = &mut exchanges[0];
    full.request.protocol = Protocol::Http2;
    full.request.body = body(b"request \xff");
    full.request.body.extent = BodyExtent::Gap { missing: 70_000 };
    full.incomplete = vec![Incomplete::RequestGap, Incomplete::ResponseLimited];
    let answer = full.response.as_mut().expect("a response");
    answer.protocol = Protocol::Http10;
    answer.interim = vec![100, 103];
    answer.body.trailers.push(b"X-Sum", b"1");
    answer.body.extent = BodyExtent::Limited;
    answer.body.digest = Some(key().digest(b"all of it"));
    answer.body.wire_len = 5_000_000_000;
    let broken = &mut exchanges[1];
    broken.request.method.clear();
    broken.request.malformed =
        Some(Malformed { raw: b"\x16\x03".to_vec(), len: 200, reason: "method".to_owned() });
    exchanges
}

fn late() -> LateResponse {
    LateResponse {
        response_time: span(7, 9),
        response: response(503, b"late"),
        incomplete: vec![Incomplete::Evicted],
    }
}

fn write_corpus(path: &std::path::Path) {
    let exchanges = exchanges();
    let mut writer = unsealed(path, &exchanges);
    writer.append_late(exchanges[2].id, late()).expect("an append");
    let mut seal = seal();
    seal.ledger.packets = 300;
    seal.ledger.exchanges_incomplete.insert(Incomplete::NoResponse, 4);
    writer.seal(seal).expect("a seal");
}

fn check_corpus(name: &str) {
    let path = golden(name);
    let mut expected = exchanges();
    expected[2].response_time = Some(late().response_time);
    expected[2].response = Some(late().response);
    expected[2].incomplete = late().incomplete;
    let (stored, damage) = read(&path);
    assert_eq!(damage, []);
    for (found, wanted) in stored.iter().zip(&expected) {
        assert_eq!(&found.exchange, wanted);
    }
    assert_eq!(stored.len(), expected.len());
    let reader = CorpusReader::open(&path).expect("a corpus");
    assert_eq!(reader.version().to_string(), "1.0");
    assert_eq!(reader.verify().damage, []);
    assert_eq!(reader.header().represents, "5%".parse().expect("a fraction"));
    let ledger = &reader.seal().expect("a seal").ledger;
    assert_eq!((ledger.packets, ledger.exchanges_incomplete[&Incomplete::NoResponse]), (300, 4));
    assert!(reader.endpoints().id_of("(malformed)").is_some());
}

#[test]
fn corpora_of_version_1_open() {
    let (plain, packed) = (golden("v1.corpus"), golden("v1-packed.corpus"));
    if is_to_be_written(&plain) {
        write_corpus(&plain);
        let source = CorpusReader::open(&plain).expect("a corpus");
        rewrite::pack(&source, &packed, Overwrite::Refuse).expect("a packed corpus");
    }
    check_corpus("v1.corpus");
    check_corpus("v1-packed.corpus");
}

#[test]
fn runs_of_version_1_open() {
    let path = golden("v1.run");
    let content = |seq: u64| format!("content {}", seq % 2).into_bytes();
    if is_to_be_written(&path) {
        let mut writer = run_writer(&path);
        for seq in 0..12 {
            writer.planned(&planned(seq)).expect("an append");
            for arm in ARMS {
                writer.outcome(&outcome(seq, arm, &content(seq))).expect("an append");
            }
        }
        let ended = Some(RunEnd::FailureRate);
        writer.seal(&RunSeal { ended, ..RunSeal::default() }).expect("a seal");
    }
    let reader = RunReader::open(&path).expect("a run");
    assert_eq!(reader.header(), &run_header());
    assert_eq!(reader.seal().and_then(|seal| seal.ended), Some(RunEnd::FailureRate));
    let joined: Vec<_> = reader.joined().collect::<Result<_, _>>().expect("no damage");
    assert_eq!(joined.len(), 12);
    for (seq, joined) in (0..).zip(joined) {
        assert_eq!(joined.planned, planned(seq));
        for (found, arm) in joined.outcomes.iter().zip(ARMS) {
            let wanted = outcome(seq, arm, &content(seq));
            assert_eq!((found.arm, found.times), (wanted.arm, wanted.times));
            match (&found.result, &wanted.result) {
                (OutcomeResult::Response(found), OutcomeResult::Response(wanted)) => {
                    assert_eq!((found.status, &found.headers), (wanted.status, &wanted.headers));
                    let Kept::Stored(body) = &found.body.kept else { panic!("a stored body") };
                    assert_eq!(reader.load(body).expect("a body"), content(seq));
                }
                (found, wanted) => assert_eq!(found, wanted),
            }
        }
    }
}
