//! Times of the hot parsers on typical messages: `cargo bench -p wire`.
//!
//! Prints the best of several rounds, in nanoseconds per item and MB/s.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::hint::black_box;
use std::time::Instant;

use wire::http1::{
    BodyDecoder, BodyLength, Framing, HeadParser, Limits, MessageKind, Progress, Strictness,
    find_message_start,
};
use wire::json::{JsonLimits, Tree, canonical_hash};

const ROUNDS: usize = 15;

const REQUEST: &[u8] = b"GET /api/orders/123456?expand=items HTTP/1.1\r\nHost: shop.example.com\r\n\
    User-Agent: bench/1.0 (linux)\r\nAccept: application/json\r\nX-Request-Id: 7f3c1b2a9d8e4f60\r\n\
    Cookie: sid=0123456789abcdef\r\n\r\n";
const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\n\
    Content-Type: application/json; charset=utf-8\r\nContent-Length: 200\r\nConnection: keep-alive\r\n\
    ETag: \"0123456789\"\r\n\r\n";

fn measure(name: &str, bytes: usize, iterations: usize, mut run: impl FnMut()) {
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for _ in 0..iterations {
            run();
        }
        best = best.min(start.elapsed().as_secs_f64() / iterations as f64);
    }
    println!("{name:<32} {bytes:>7} B {:>10.1} ns {:>8.0} MB/s", best * 1e9, bytes as f64 / best / 1e6);
}

fn document(items: usize) -> Vec<u8> {
    let item = |n: usize| {
        format!(
            r#"{{"id":{n},"sku":"SKU-{n:06}","price":{n}.95,"tags":["new","sale"],"stock":null,"name":"A plain name"}}"#
        )
    };
    let items: Vec<_> = (0..items).map(item).collect();
    format!(r#"{{"order":{{"id":"o-1","total":100.50,"items":[{}]}}}}"#, items.join(",")).into_bytes()
}

fn main() {
    let mut parser = HeadParser::new(Strictness::Lenient, Limits::default());
    measure("request head, borrowed, framing", REQUEST.len(), 100_000, || {
        let Ok(Progress::Done(parsed)) = parser.request(black_box(REQUEST)) else { return };
        black_box(Framing::of_request(&parsed.head, Strictness::Lenient).is_ok());
    });
    measure("request head, owned", REQUEST.len(), 100_000, || {
        let Ok(Progress::Done(parsed)) = parser.request(black_box(REQUEST)) else { return };
        black_box(parsed.head.to_owned());
    });
    measure("response head, borrowed, framing", RESPONSE.len(), 100_000, || {
        let Ok(Progress::Done(parsed)) = parser.response(black_box(RESPONSE)) else { return };
        black_box(Framing::of_response(&parsed.head, Some(b"GET"), Strictness::Lenient).is_ok());
    });
    let chunked = [&b"400\r\n"[..], &[b'x'; 1024], b"\r\n0\r\n\r\n"].concat();
    measure("chunked body, 1 KiB chunk", chunked.len(), 100_000, || {
        let mut body = BodyDecoder::new(BodyLength::Chunked, Strictness::Lenient);
        let mut at = 0;
        while let Ok(step) = body.decode(&chunked[at..]) {
            at += step.consumed;
            if body.is_done() {
                break;
            }
        }
        black_box(at);
    });
    let gap = [&[b'x'; 64 * 1024][..], RESPONSE].concat();
    measure("find a response behind 64 KiB", gap.len(), 200, || {
        black_box(find_message_start(&gap, MessageKind::Response));
    });
    let limits = JsonLimits::default();
    let small = document(20);
    measure("JSON parse", small.len(), 5_000, || {
        black_box(Tree::parse(&small, &limits).is_ok());
    });
    let tree = Tree::parse(&small, &limits).expect("the document is valid");
    measure("JSON canonical hash", small.len(), 5_000, || {
        black_box(canonical_hash(&tree));
    });
    measure("JSON same value", small.len(), 5_000, || {
        black_box(tree.root().same_value(tree.root()));
    });
}
