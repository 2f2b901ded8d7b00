//! Small corpora and runs for tests, the same on every machine.

use corpus::digest::DigestKey;
use corpus::exchange::{Exchange, Incomplete, Span};
use corpus::ids::{ConnectionId, EndpointId, ExchangeId, PlanSeq, SessionId};
use corpus::manifest::{CorpusHeader, CorpusSeal, RedactionInfo, Sampling, SessionBy};
use corpus::message::{Body, Protocol, Request, Response};
use corpus::run::*;
use corpus::time::{CaptureTime, RunTime};
use corpus::units::Fraction;
use corpus::{Bodies, CorpusReader, CorpusWriter, Damage, Overwrite, RunWriter, Stored};
use std::path::Path;
use std::time::Duration;
use wire::http1::Headers;

/// Numbers that look random and are not.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    pub(crate) fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next().to_le_bytes()[3]).collect()
    }
}

pub(crate) fn key() -> DigestKey {
    DigestKey::from_bytes([7; 32])
}

pub(crate) fn header() -> CorpusHeader {
    CorpusHeader {
        tool_version: "0.1.0".to_owned(),
        represents: "5%".parse().expect("a fraction"),
        sampling: Sampling { rule: "all".to_owned(), fraction: Fraction::ONE },
        session_by: SessionBy::Default,
        redaction: RedactionInfo { headers: vec!["cookie".to_owned()], key_check: [0; 8] },
    }
}

pub(crate) fn seal() -> CorpusSeal {
    CorpusSeal { window: Some((CaptureTime(1), CaptureTime(u64::MAX))), ..CorpusSeal::default() }
}

pub(crate) fn span(first: u64, last: u64) -> Span {
    Span { first: CaptureTime(first), last: CaptureTime(last) }
}

pub(crate) fn body(bytes: &[u8]) -> Body {
    Body { bytes: bytes::Bytes::copy_from_slice(bytes), wire_len: bytes.len() as u64, ..Body::default() }
}

pub(crate) fn response(status: u16, content: &[u8]) -> Response {
    Response {
        protocol: Protocol::Http11,
        status,
        headers: [("Content-Type", "application/json"), ("X-N", "1")].into_iter().collect(),
        interim: Vec::new(),
        body: body(content),
        malformed: None,
    }
}

/// Exchange `n` of an even stream: one a millisecond.
pub(crate) fn exchange(n: u64, target: &str, content: &[u8]) -> Exchange {
    let at = 1_700_000_000_000_000_000 + n * 1_000_000;
    Exchange {
        id: ExchangeId(n.wrapping_mul(0x9E37_79B9_7F4A_7C15)),
        connection: ConnectionId(n % 4),
        session: SessionId(n % 7),
        request_time: span(at, at + 10),
        request: Request {
            protocol: Protocol::Http11,
            method: b"GET".to_vec(),
            target: target.as_bytes().to_vec(),
            headers: [("Host", "shop"), ("User-Agent", "test")].into_iter().collect::<Headers>(),
            body: Body::default(),
            malformed: None,
        },
        response_time: Some(span(at + 500_000, at + 600_000)),
        response: Some(response(200, content)),
        incomplete: Vec::new(),
    }
}

/// An exchange of which no response was seen.
pub(crate) fn unanswered(n: u64, target: &str) -> Exchange {
    let mut exchange = exchange(n, target, b"");
    exchange.response = None;
    exchange.response_time = None;
    exchange.incomplete = vec![Incomplete::NoResponse];
    exchange
}

/// A small mixed corpus: repeated and large bodies, several endpoints.
pub(crate) fn mixed(count: u64) -> Vec<Exchange> {
    mixed_below(count, 3000)
}

/// The same with random bodies of less than `limit` bytes.
pub(crate) fn mixed_below(count: u64, limit: u64) -> Vec<Exchange> {
    let mut numbers = Numbers(1);
    (0..count)
        .map(|n| match n % 5 {
            0 => exchange(n, &format!("/items/{n}"), b"{\"same\":true}"),
            1 => {
                let len = usize::try_from(numbers.below(limit)).expect("small");
                exchange(n, "/random", &numbers.bytes(len))
            }
            2 => unanswered(n, "/lost"),
            3 => exchange(n, &format!("/users/u{n}/posts?token=x"), format!("{{\"n\":{n}}}").as_bytes()),
            _ => exchange(n, "/", b""),
        })
        .collect()
}

pub(crate) fn write(path: &Path, exchanges: &[Exchange]) {
    let mut writer = unsealed(path, exchanges);
    writer.flush().expect("a flush");
    writer.seal(seal()).expect("a seal");
}

pub(crate) fn unsealed(path: &Path, exchanges: &[Exchange]) -> CorpusWriter {
    let mut writer = CorpusWriter::create(path, &header(), &key(), Overwrite::Replace).expect("a new file");
    exchanges.iter().for_each(|exchange| writer.append(exchange).expect("an append"));
    writer
}

/// What is read, and what is lost.
pub(crate) fn read(path: &Path) -> (Vec<Stored>, Vec<Damage>) {
    split(
        CorpusReader::open(path)
            .expect("a corpus")
            .exchanges(&corpus::select::Selection::all(), Bodies::Load),
    )
}

pub(crate) fn split(items: impl Iterator<Item = Result<Stored, Damage>>) -> (Vec<Stored>, Vec<Damage>) {
    let (mut stored, mut damage) = (Vec::new(), Vec::new());
    for item in items {
        match item {
            Ok(item) => stored.push(item),
            Err(lost) => damage.push(lost),
        }
    }
    (stored, damage)
}

pub(crate) fn run_header() -> RunHeader {
    RunHeader {
        tool_version: "0.1.0".to_owned(),
        started_unix_ns: 1,
        corpus: CorpusRef {
            digest: "d".to_owned(),
            sealed: true,
            exchanges_complete: 1,
            exchanges_incomplete: 0,
            exchanges_damaged: 0,
        },
        backends: vec![Backend {
            role: Role::Baseline,
            url: "http://127.0.0.1:1".to_owned(),
            headers_set: Vec::new(),
            insecure: false,
        }],
        load: Load {
            scale: Scale::Percent("25".parse().expect("a percentage")),
            production_rate: None,
            planned_rate: None,
            percent_achieved: None,
            duration: Duration::from_secs(1),
            passes: 1,
            max_rate: None,
        },
        seed: 1,
        deadline: Duration::from_secs(10),
        noise_share: Fraction::ONE,
        repeat_lag: Duration::from_secs(1),
        endpoints: vec![EndpointPlan { name: "GET /".to_owned(), recorded: 1, planned: 1 }],
        left_out: [("unsafe_method".to_owned(), 1)].into_iter().collect(),
        corpus_exchanges: 1,
        planned_requests: 1,
        policy_json: String::new(),
        bodies: BodyKeeping::All,
    }
}

pub(crate) const ARMS: [Arm; 2] = [
    Arm { role: Role::Baseline, sending: Sending::First },
    Arm { role: Role::Candidate, sending: Sending::First },
];

pub(crate) fn planned(seq: u64) -> Planned {
    Planned {
        seq: PlanSeq(seq),
        exchange: ExchangeId(seq),
        endpoint: EndpointId(0),
        session: SessionId(seq % 3),
        copy: 0,
        at: RunTime(seq * 1000),
        method: b"GET".to_vec(),
        target: format!("/items/{seq}").into_bytes(),
        recorded_status: Some(200),
        arms: ARMS.to_vec(),
    }
}

pub(crate) fn outcome(seq: u64, arm: Arm, content: &[u8]) -> Outcome {
    let at = |offset: u64| RunTime(seq * 1000 + offset);
    let result = match seq % 6 {
        4 => OutcomeResult::Failure { kind: FailureKind::Reset, fault: Fault::Backend, status: Some(500) },
        5 => OutcomeResult::NotSent { reason: NotSent::ConnectRefused, fault: Fault::Backend },
        _ => OutcomeResult::Response(RecordedResponse {
            status: 200,
            headers: [("Content-Type", "text/plain")].into_iter().collect(),
            trailers: Headers::new(),
            body: RecordedBody {
                len: content.len() as u64,
                digest: key().digest(content),
                kept: Kept::Stored(StoredBody::Inline(bytes::Bytes::copy_from_slice(content))),
            },
        }),
    };
    let times = Times {
        planned: at(0),
        unblocked: at(1),
        ready: at(1),
        sent: Some(at(3)),
        first_byte: Some(at(500)),
        end: Some(at(700)),
    };
    Outcome { seq: PlanSeq(seq), arm, times, result }
}

pub(crate) fn run_writer(path: &Path) -> RunWriter {
    RunWriter::create(path, &run_header(), Overwrite::Replace).expect("a new file")
}
