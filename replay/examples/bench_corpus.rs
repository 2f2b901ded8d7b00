//! Writes a corpus for measurements: `bench_corpus FILE REQUESTS RATE SESSIONS TARGET`.
//!
//! Gaps are exponential (Poisson arrivals) from a fixed seed. `{at}` in TARGET becomes the recorded time in
//! nanoseconds from the first request, `{n}` the request's number, so that a server knows the plan.

use corpus::digest::DigestKey;
use corpus::exchange::{Exchange, Span};
use corpus::ids::{ConnectionId, ExchangeId, SessionId};
use corpus::ledger::Ledger;
use corpus::manifest::{CorpusHeader, CorpusSeal, RedactionInfo, Sampling, SessionBy};
use corpus::message::{Body, Protocol, Request, Response};
use corpus::time::CaptureTime;
use corpus::units::Fraction;
use corpus::{CorpusWriter, Overwrite};
use wire::http1::Headers;

const START: u64 = 1_700_000_000_000_000_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [file, requests, rate, sessions, target] = words.as_slice() else {
        return Err("usage: bench_corpus FILE REQUESTS RATE SESSIONS TARGET".into());
    };
    let (requests, rate, sessions): (u64, f64, u64) = (requests.parse()?, rate.parse()?, sessions.parse()?);
    let header = CorpusHeader {
        tool_version: "bench".to_owned(),
        represents: Fraction::ONE,
        sampling: Sampling { rule: "all".to_owned(), fraction: Fraction::ONE },
        session_by: SessionBy::Connection,
        redaction: RedactionInfo::default(),
    };
    let key = DigestKey::from_bytes([1; 32]);
    let mut writer = CorpusWriter::create(file.as_ref(), &header, &key, Overwrite::Replace)?;
    let mut draw = 0x9e37_79b9_7f4a_7c15_u64;
    let mut at = 0.0_f64;
    for n in 0..requests {
        let nanos = at as u64;
        let target = target.replace("{at}", &nanos.to_string()).replace("{n}", &n.to_string());
        writer.append(&exchange(n, nanos, n % sessions, &target))?;
        draw = draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let unit = ((draw >> 11) as f64 + 1.0) / (1_u64 << 53) as f64;
        at += -unit.ln() / rate * 1e9;
    }
    let window = Some((CaptureTime(START), CaptureTime(START + at as u64)));
    writer.seal(CorpusSeal { window, ledger: Ledger::default() })?;
    Ok(())
}

fn exchange(n: u64, nanos: u64, session: u64, target: &str) -> Exchange {
    let at = CaptureTime(START + nanos);
    Exchange {
        id: ExchangeId(n + 1),
        connection: ConnectionId(session),
        session: SessionId(session),
        request_time: Span { first: at, last: at },
        request: Request {
            protocol: Protocol::Http11,
            method: b"GET".to_vec(),
            target: target.as_bytes().to_vec(),
            headers: [("Host", "bench.example"), ("Accept", "*/*")].into_iter().collect(),
            body: Body::default(),
            malformed: None,
        },
        response_time: Some(Span { first: at, last: at }),
        response: Some(Response {
            protocol: Protocol::Http11,
            status: 200,
            headers: Headers::new(),
            interim: Vec::new(),
            body: Body::default(),
            malformed: None,
        }),
        incomplete: Vec::new(),
    }
}
