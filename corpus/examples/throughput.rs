//! Measures writing, reading and packing in CPU time:
//! `cargo run --release -p corpus --example throughput [EXCHANGES] [write]`; with `write`, only writing.
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

const BODY: usize = 2289;
/// Exchanges between two looks at the clock.
const BATCH: u64 = 1000;

/// Seconds of CPU that this process has had, by the scheduler's count.
fn cpu() -> f64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|nanos| nanos.parse().ok()).map_or(0.0, |nanos: f64| nanos / 1e9)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let count = std::env::args().nth(1).map_or(Ok(250_000), |text| text.parse::<u64>())?;
    let only_write = std::env::args().nth(2).is_some_and(|text| text == "write");
    let dir = tempfile::tempdir()?;
    for (name, varied) in [("equal bodies", false), ("different bodies", true)] {
        let path = dir.path().join(name);
        write(name, &path, count, varied)?;
        if !only_write {
            rewrite(name, &path, count)?;
        }
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "figures of three digits")]
#[expect(clippy::print_stdout, reason = "a program that measures prints what it measured")]
fn write(name: &str, path: &Path, count: u64, varied: bool) -> Result<(), Box<dyn std::error::Error>> {
    let key = DigestKey::from_bytes([1; 32]);
    let mut writer = CorpusWriter::create(path, &header(), &key, Overwrite::Replace)?;
    let redactor = Redactor::new(&key);
    let (mut writing, mut redacting) = (0.0, 0.0);
    for start in (0..count).step_by(usize::try_from(BATCH)?) {
        let mut batch: Vec<_> = (start..count.min(start + BATCH)).map(|n| exchange(n, varied)).collect();
        let started = cpu();
        for exchange in &mut batch {
            redactor.target(&mut exchange.request.target);
            redactor.headers(&mut exchange.request.headers);
            exchange.response.iter_mut().for_each(|response| redactor.headers(&mut response.headers));
        }
        let redacted = cpu();
        batch.iter().try_for_each(|exchange| writer.append(exchange))?;
        redacting += redacted - started;
        writing += cpu() - redacted;
    }
    let started = cpu();
    writer.seal(CorpusSeal::default())?;
    writing += cpu() - started;
    let each = 1e6 / count as f64;
    println!(
        "{name}: {count} exchanges; redact {:.2} us, append {:.2} us each; {} bytes",
        redacting * each,
        writing * each,
        std::fs::metadata(path)?.len(),
    );
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "figures of three digits")]
#[expect(clippy::print_stdout, reason = "a program that measures prints what it measured")]
fn rewrite(name: &str, path: &Path, count: u64) -> Result<(), Box<dyn std::error::Error>> {
    let each = 1e6 / count as f64;
    let reader = CorpusReader::open(path)?;
    let started = cpu();
    let read = reader.exchanges(&Selection::all(), Bodies::Load).filter(Result::is_ok).count();
    let reading = cpu() - started;
    let started = cpu();
    let packed = path.with_extension("packed");
    corpus::rewrite::pack(&reader, &packed, Overwrite::Replace)?;
    let packing = cpu() - started;
    println!(
        "{name}: {read} read, {:.2} us each; packed, {:.2} us each; {} bytes",
        reading * each,
        packing * each,
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

/// The id that a capture gives: place on the connection, connection and time, mixed.
fn id(n: u64, at: u64) -> ExchangeId {
    let mut mixed = (n % 32) ^ (n / 32 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ at.rotate_left(32);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ExchangeId(mixed ^ (mixed >> 31))
}

fn exchange(n: u64, varied: bool) -> Exchange {
    let at = 1_700_000_000_000_000_000 + n * 20_000;
    let span = |first| Span { first: CaptureTime(first), last: CaptureTime(first) };
    let body = bytes::Bytes::from(body(n, varied));
    let wire_len = body.len() as u64;
    Exchange {
        id: id(n, at),
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
