//! Measures writing, reading and packing: `cargo run --release -p corpus --example throughput [EXCHANGES]`.
//!
//! Two corpora of the same heads: one with equal bodies of 2,289 bytes, one with all bodies different.

use corpus::digest::DigestKey;
use corpus::exchange::{Exchange, Span};
use corpus::ids::{ConnectionId, ExchangeId, SessionId};
use corpus::manifest::{CorpusHeader, CorpusSeal, RedactionInfo, Sampling, SessionBy};
use corpus::message::{Body, Protocol, Request, Response};
use corpus::redact::Redactor;
use corpus::select::Selection;
use corpus::time::CaptureTime;
use corpus::units::Fraction;
use corpus::{Bodies, CorpusReader, CorpusWriter, Overwrite};
use std::path::Path;
use std::time::Instant;

const BODY: usize = 2289;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let count = std::env::args().nth(1).map_or(Ok(250_000), |text| text.parse::<u64>())?;
    let dir = tempfile::tempdir()?;
    for (name, varied) in [("equal bodies", false), ("different bodies", true)] {
        let path = dir.path().join(name);
        measure(name, &path, count, varied)?;
    }
    Ok(())
}

/// One run of everything over one corpus, told in a line.
#[expect(clippy::print_stdout, reason = "a program that measures prints what it measured")]
fn measure(name: &str, path: &Path, count: u64, varied: bool) -> Result<(), Box<dyn std::error::Error>> {
    let key = DigestKey::from_bytes([1; 32]);
    let mut writer = CorpusWriter::create(path, &header(), &key, Overwrite::Replace)?;
    let redactor = Redactor::new(&key);
    let (mut writing, mut redacting, mut bytes) = (0.0, 0.0, 0);
    for n in 0..count {
        let mut exchange = exchange(n, varied);
        bytes += BODY + 400;
        let started = Instant::now();
        redactor.target(&mut exchange.request.target);
        redactor.headers(&mut exchange.request.headers);
        exchange.response.iter_mut().for_each(|response| redactor.headers(&mut response.headers));
        redacting += started.elapsed().as_secs_f64();
        let started = Instant::now();
        writer.append(&exchange)?;
        writing += started.elapsed().as_secs_f64();
    }
    writer.seal(CorpusSeal::default())?;
    let reader = CorpusReader::open(path)?;
    let started = Instant::now();
    let read = reader.exchanges(&Selection::all(), Bodies::Load).filter(Result::is_ok).count();
    let reading = started.elapsed().as_secs_f64();
    let started = Instant::now();
    let packed = path.with_extension("packed");
    corpus::rewrite::pack(&reader, &packed, Overwrite::Replace)?;
    let packing = started.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "figures of three digits")]
    let (megabytes, each) = (bytes as f64 / 1e6, 1e6 / count as f64);
    println!(
        "{name}: {read} exchanges, {megabytes:.0} MB; redact {:.2} us, append {:.2} us ({:.0} MB/s), read {:.2} us, \
         pack {:.2} us each; {} bytes, packed {}",
        redacting * each,
        writing * each,
        megabytes / writing,
        reading * each,
        packing * each,
        std::fs::metadata(path)?.len(),
        std::fs::metadata(&packed)?.len(),
    );
    Ok(())
}

fn header() -> CorpusHeader {
    CorpusHeader {
        tool_version: "bench".to_owned(),
        represents: Fraction::ONE,
        sampling: Sampling { rule: "all".to_owned(), fraction: Fraction::ONE },
        session_by: SessionBy::Default,
        redaction: RedactionInfo::default(),
    }
}

/// A body of JSON; where it is to be varied, one that no other exchange has.
fn body(n: u64, varied: bool) -> Vec<u8> {
    let mut state = if varied { n.wrapping_mul(0x9E37_79B9_7F4A_7C15) } else { 7 };
    let mut body = Vec::with_capacity(BODY + 64);
    while body.len() < BODY {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        body.extend_from_slice(
            format!("{{\"id\":{},\"name\":\"item\",\"price\":{}}},", state >> 40, state >> 52).as_bytes(),
        );
    }
    body.truncate(BODY);
    body
}

fn exchange(n: u64, varied: bool) -> Exchange {
    let at = 1_700_000_000_000_000_000 + n * 20_000;
    let span = |first| Span { first: CaptureTime(first), last: CaptureTime(first) };
    let body = bytes::Bytes::from(body(n, varied));
    let wire_len = body.len() as u64;
    Exchange {
        id: ExchangeId(n.wrapping_mul(0xBF58_476D_1CE4_E5B9)),
        connection: ConnectionId(n % 32),
        session: SessionId((n % 32).wrapping_mul(0x9E37_79B9_7F4A_7C15)),
        request_time: span(at),
        request: Request {
            protocol: Protocol::Http11,
            method: b"GET".to_vec(),
            target: b"/items.json".to_vec(),
            headers: [("Host", "127.0.0.1:18080"), ("Accept", "*/*")].into_iter().collect(),
            body: Body::default(),
            malformed: None,
        },
        response_time: Some(span(at + 40_000 + n % 977)),
        response: Some(Response {
            protocol: Protocol::Http11,
            status: 200,
            headers: [
                ("Server", "nginx/1.22.1"),
                ("Date", "Sun, 22 Nov 2026 10:00:00 GMT"),
                ("Content-Type", "application/json"),
                ("Content-Length", "2289"),
                ("Last-Modified", "Sun, 22 Nov 2026 09:00:00 GMT"),
                ("Connection", "keep-alive"),
                ("ETag", "\"6561c1a0-8f1\""),
                ("Accept-Ranges", "bytes"),
            ]
            .into_iter()
            .collect(),
            interim: Vec::new(),
            body: Body { bytes: body, wire_len, ..Body::default() },
            malformed: None,
        }),
        incomplete: Vec::new(),
    }
}
