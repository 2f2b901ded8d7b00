//! Times of comparing, through the accumulator that a report uses: `cargo bench -p report --bench compare`.
//!
//! Pairs a second of one core's time, best of several rounds, for JSON bodies of 2 KiB.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use corpus::digest::{Digest, DigestKey};
use corpus::ids::{EndpointId, ExchangeId, PlanSeq};
use corpus::time::RunTime;
use report::compare::{BodyView, ResponseView, Rules, compare_responses};
use report::noise::{Accumulator, NoiseSettings, PairContext};
use std::hint::black_box;
use std::time::Instant;
use wire::http1::Headers;

const ROUNDS: usize = 10;
const PAIRS: u64 = 10_000;

/// An order of about 2 KiB.
fn document(seq: u64, price: &str, order: &[u64]) -> Vec<u8> {
    let item = |n: &u64| {
        format!(
            r#"{{"id":{n},"sku":"SKU-{n:06}","name":"A plain name of an article","price":{n}.{price},"stock":null,"tags":["new","sale"],"available":true}}"#
        )
    };
    let items: Vec<String> = order.iter().map(item).collect();
    format!(r#"{{"id":"o-{seq}","customer":{{"name":"Someone","city":"Somewhere"}},"status":"paid","items":[{}]}}"#, items.join(","))
        .into_bytes()
}

fn headers(date: &str) -> Headers {
    [
        ("Server", "nginx"),
        ("Date", date),
        ("Content-Type", "application/json; charset=utf-8"),
        ("Content-Length", "2048"),
        ("Connection", "keep-alive"),
        ("X-Request-Id", date),
        ("Cache-Control", "no-store"),
    ]
    .into_iter()
    .collect()
}

/// Time on the processor, in seconds, since other work on the machine is none of ours; else time that passed.
struct Watch {
    start: Instant,
    on_cpu: Option<f64>,
}

impl Watch {
    fn start() -> Watch {
        Watch { start: Instant::now(), on_cpu: on_cpu() }
    }

    fn seconds(&self) -> f64 {
        let on_cpu = self.on_cpu.zip(on_cpu()).map(|(start, end)| end - start);
        on_cpu.unwrap_or_else(|| self.start.elapsed().as_secs_f64())
    }
}

fn on_cpu() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanos: f64 = text.split(' ').next()?.parse().ok()?;
    (nanos > 0.0).then_some(nanos / 1e9)
}

enum Digests {
    Known,
    Unknown,
}

fn measure(name: &str, digests: &Digests, a: &[Vec<u8>], b: &[Vec<u8>]) {
    let key = DigestKey::from_bytes([7; 32]);
    let digest = |body: &[u8]| match digests {
        Digests::Known => Some(key.digest(body)),
        Digests::Unknown => None,
    };
    let digested =
        |bodies: &[Vec<u8>]| bodies.iter().map(|body| digest(body)).collect::<Vec<Option<Digest>>>();
    let (a_digests, b_digests) = (digested(a), digested(b));
    let (a_headers, b_headers) =
        (headers("Wed, 01 May 2024 10:00:00 GMT"), headers("Wed, 01 May 2024 10:00:01 GMT"));
    let trailers = Headers::new();
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let mut all = Accumulator::new(Rules::default(), vec!["GET /orders/{id}".to_owned()]);
        let watch = Watch::start();
        for seq in 0..PAIRS {
            let at = seq as usize % a.len();
            let context = PairContext {
                endpoint: EndpointId(0),
                exchange: ExchangeId(seq),
                seq: PlanSeq(seq),
                at: RunTime(seq),
                method: b"GET",
                target: b"/orders/1",
            };
            let view = |headers, bytes, digest| ResponseView {
                status: 200,
                headers,
                trailers: &trailers,
                body: BodyView::Whole { bytes, digest },
            };
            let x = view(&a_headers, &a[at], a_digests[at]);
            let y = view(&b_headers, &b[at], b_digests[at]);
            black_box(all.pair(&context, &x, &y));
        }
        black_box(all.finish(NoiseSettings::default()));
        best = best.min(watch.seconds());
    }
    let bytes: usize = a.iter().map(Vec::len).sum::<usize>() / a.len();
    println!("{name:<44} {bytes:>6} B {:>10.0} pairs/s", PAIRS as f64 / best);
}

fn main() {
    let order: Vec<u64> = (1..=15).collect();
    let shuffled: Vec<u64> = order.iter().map(|n| n * 5 % 16).collect();
    let bodies = |make: &dyn Fn(u64) -> Vec<u8>| (0..256).map(make).collect::<Vec<_>>();
    let plain = bodies(&|seq| document(seq, "95", &order));
    let spaced = bodies(&|seq| {
        let text = String::from_utf8(document(seq, "95", &order)).unwrap_or_default();
        text.replacen(':', ": ", 1).into_bytes()
    });
    measure("equal by digest", &Digests::Known, &plain, &plain.clone());
    measure("equal by bytes", &Digests::Unknown, &plain, &plain.clone());
    measure("equal by meaning, other bytes", &Digests::Known, &plain, &spaced);
    measure("one value differs", &Digests::Known, &plain, &bodies(&|seq| document(seq + 1, "95", &order)));
    measure(
        "a value in each of 15 elements differs",
        &Digests::Known,
        &plain,
        &bodies(&|seq| document(seq, "9", &order)),
    );
    measure("15 elements reordered", &Digests::Known, &plain, &bodies(&|seq| document(seq, "95", &shuffled)));
    long_array();
}

/// One pair of arrays of 10,000 objects in another order.
fn long_array() {
    let element = |n: usize| format!(r#"{{"id":{n},"name":"element {n}"}}"#);
    let list = |order: &mut dyn Iterator<Item = usize>| {
        format!("[{}]", order.map(element).collect::<Vec<_>>().join(","))
    };
    let (a, b) = (list(&mut (0..10_000)), list(&mut (0..10_000).map(|n| n * 7 % 10_000)));
    let (headers, trailers) = (headers("-"), Headers::new());
    let body = |text: &'static str| BodyView::Whole { bytes: text.as_bytes(), digest: None };
    let x = ResponseView { status: 200, headers: &headers, trailers: &trailers, body: body(a.leak()) };
    let y = ResponseView { body: body(b.leak()), ..x };
    let mut best = f64::INFINITY;
    let mut found = 0;
    for _ in 0..ROUNDS {
        let watch = Watch::start();
        found = compare_responses(&Rules::default(), "", &x, &y).differences.len();
        best = best.min(watch.seconds());
    }
    println!("10,000 elements reordered: {found} difference, {:.1} ms", best * 1e3);
}
