//! However packets are cut, reordered and repeated within bounds, the same exchanges come out.

use capture::{Limits, exchanges_of};
use corpus::exchange::Exchange;
use std::fmt::Write;

/// The same numbers on every run (SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound.max(1) as u64) as usize
    }
}

const SYN: u8 = 2;
const ACK: u8 = 16;
const FIN: u8 = 1;

#[derive(Clone)]
struct Segment {
    from_client: bool,
    seq: u32,
    ack: u32,
    flags: u8,
    payload: Vec<u8>,
}

/// A connection being written down in the order in which it happens.
struct Script {
    segments: Vec<Segment>,
    client: u32,
    server: u32,
    mss: usize,
}

impl Script {
    fn open(random: &mut Random) -> Self {
        // Initial numbers near the end of their range, so that they wrap.
        let (client, server) = (u32::MAX - random.below(300) as u32, u32::MAX - random.below(300) as u32);
        let mut script = Self { segments: Vec::new(), client, server, mss: 1 + random.below(200) };
        script.push(true, SYN, Vec::new());
        script.segments[0].ack = 0;
        script.client = script.client.wrapping_add(1);
        script.push(false, SYN | ACK, Vec::new());
        script.server = script.server.wrapping_add(1);
        script.push(true, ACK, Vec::new());
        script
    }

    fn push(&mut self, from_client: bool, flags: u8, payload: Vec<u8>) {
        let (seq, ack) = if from_client { (self.client, self.server) } else { (self.server, self.client) };
        let sent = &mut if from_client { &mut self.client } else { &mut self.server };
        **sent = sent.wrapping_add(payload.len() as u32);
        self.segments.push(Segment { from_client, seq, ack, flags, payload });
    }

    fn send(&mut self, from_client: bool, bytes: &[u8], random: &mut Random) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let len = (1 + random.below(self.mss)).min(rest.len());
            self.push(from_client, ACK, rest[..len].to_vec());
            rest = &rest[len..];
        }
    }

    fn close(&mut self) {
        self.push(false, FIN | ACK, Vec::new());
        self.server = self.server.wrapping_add(1);
        self.push(true, FIN | ACK, Vec::new());
        self.client = self.client.wrapping_add(1);
        self.push(false, ACK, Vec::new());
    }
}

/// What the exchanges are, as text.
fn conversation(random: &mut Random) -> (Script, String) {
    let mut script = Script::open(random);
    let mut expected = String::new();
    let rounds = 1 + random.below(5);
    let mut number = 0;
    for round in 0..rounds {
        let pipelined = 1 + random.below(3);
        let (mut requests, mut responses) = (Vec::new(), Vec::new());
        for at in 0..pipelined {
            number += 1;
            let last = round + 1 == rounds && at + 1 == pipelined;
            exchange(number, last, random, &mut requests, &mut responses, &mut expected);
        }
        script.send(true, &requests, random);
        script.send(false, &responses, random);
    }
    script.close();
    (script, expected)
}

/// Appends request and response number `number`, and what is expected of them.
fn exchange(
    number: usize,
    last: bool,
    random: &mut Random,
    requests: &mut Vec<u8>,
    responses: &mut Vec<u8>,
    expected: &mut String,
) {
    let method = ["GET", "POST", "HEAD", "PURGE"][random.below(4)];
    let body = "q".repeat(if method == "POST" { random.below(300) } else { 0 });
    let status = [200, 204, 304, 404][random.below(4)];
    let has_body = method != "HEAD" && !matches!(status, 204 | 304);
    let answer = format!("r{number}").repeat(random.below(120));
    let _ = write!(
        requests_text(requests),
        "{method} /{number} HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    if random.below(5) == 0 {
        responses.extend(b"HTTP/1.1 100 Continue\r\n\r\n");
    }
    let framing = random.below(if last { 3 } else { 2 });
    let mut head = format!("HTTP/1.1 {status} X\r\n");
    let mut framed = String::new();
    match framing {
        0 => {
            let _ = write!(head, "Content-Length: {}\r\n\r\n", answer.len());
            framed.push_str(&answer);
        }
        1 => {
            head.push_str("Transfer-Encoding: chunked\r\n\r\n");
            for piece in answer.as_bytes().chunks(37) {
                let _ = write!(framed, "{:x};e=1\r\n{}\r\n", piece.len(), String::from_utf8_lossy(piece));
            }
            framed.push_str("0\r\nT: 1\r\n\r\n");
        }
        _ => {
            head.push_str("Connection: close\r\n\r\n");
            framed.push_str(&answer);
        }
    }
    responses.extend(head.as_bytes());
    if has_body {
        responses.extend(framed.as_bytes());
    }
    let shown = if has_body { answer.as_str() } else { "" };
    let _ = writeln!(expected, "{method} /{number} {body} -> {status} {shown} complete");
}

/// Formats into bytes.
fn requests_text(bytes: &mut Vec<u8>) -> impl Write + '_ {
    struct Bytes<'a>(&'a mut Vec<u8>);
    impl Write for Bytes<'_> {
        fn write_str(&mut self, text: &str) -> std::fmt::Result {
            self.0.extend(text.as_bytes());
            Ok(())
        }
    }
    Bytes(bytes)
}

fn shown(exchanges: &[Exchange]) -> String {
    let mut text = String::new();
    let utf8 = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    for exchange in exchanges {
        let (request, response) = (&exchange.request, exchange.response.as_ref());
        let answer = response.map_or("none".to_owned(), |r| format!("{} {}", r.status, utf8(&r.body.bytes)));
        let whole =
            if exchange.is_complete() { "complete".to_owned() } else { format!("{:?}", exchange.incomplete) };
        let (method, target, body) =
            (utf8(&request.method), utf8(&request.target), utf8(&request.body.bytes));
        let _ = writeln!(text, "{method} {target} {body} -> {answer} {whole}");
    }
    text
}

/// A pcap of raw IP packets, one a millisecond.
fn pcap(segments: &[Segment]) -> Vec<u8> {
    let mut file = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 101, 0, 0, 0];
    for (number, segment) in segments.iter().enumerate() {
        let total = 40 + segment.payload.len();
        for word in [1_700_000_000, number as u32 * 1000, total as u32, total as u32] {
            file.extend(word.to_le_bytes());
        }
        file.extend([0x45, 0]);
        file.extend((total as u16).to_be_bytes());
        file.extend([0, 0, 0x40, 0, 64, 6, 0, 0]);
        let (client, server) = ([10, 0, 0, 1, 0x9c, 0x40], [10, 0, 0, 2, 0x1f, 0x90]);
        let (from, to) = if segment.from_client { (client, server) } else { (server, client) };
        file.extend(&from[..4]);
        file.extend(&to[..4]);
        file.extend(&from[4..]);
        file.extend(&to[4..]);
        file.extend(segment.seq.to_be_bytes());
        file.extend(segment.ack.to_be_bytes());
        file.extend([0x50, segment.flags, 0xff, 0xff, 0, 0, 0, 0]);
        file.extend(&segment.payload);
    }
    file
}

fn check(segments: &[Segment], expected: &str, what: &str) {
    let (mut exchanges, _) = exchanges_of(&pcap(segments), Limits::default()).expect("it is read");
    exchanges.sort_by_key(|exchange| {
        let target = String::from_utf8_lossy(&exchange.request.target).into_owned();
        target.trim_start_matches('/').parse::<u32>().unwrap_or(0)
    });
    assert_eq!(shown(&exchanges), expected, "{what}");
}

/// Moves each segment by at most `reach` places.
fn shuffle(segments: &[Segment], reach: usize, random: &mut Random) -> Vec<Segment> {
    let mut placed: Vec<(usize, usize)> =
        (0..segments.len()).map(|at| (at + random.below(reach + 1), at)).collect();
    placed.sort_unstable();
    placed.into_iter().map(|(_, at)| segments[at].clone()).collect()
}

/// Repeats some segments, and joins some with what follows them, as retransmissions do.
fn repeat(segments: &[Segment], random: &mut Random) -> Vec<Segment> {
    let mut all = Vec::new();
    for (at, segment) in segments.iter().enumerate() {
        all.push(segment.clone());
        if random.below(4) == 0 {
            all.push(segment.clone());
        }
        let joined = segments.get(at + 1).filter(|next| next.from_client == segment.from_client);
        if let Some(next) = joined.filter(|next| !next.payload.is_empty() && !segment.payload.is_empty())
            && random.below(5) == 0
        {
            let payload = [segment.payload.as_slice(), next.payload.as_slice()].concat();
            all.push(Segment { payload, ..segment.clone() });
        }
    }
    all
}

#[test]
fn any_cut_order_and_repetition_gives_the_same_exchanges() {
    let mut random = Random(7);
    for round in 0..400 {
        let (script, expected) = conversation(&mut random);
        check(&script.segments, &expected, &format!("round {round}, as it happened"));
        let repeated = repeat(&script.segments, &mut random);
        check(&repeated, &expected, &format!("round {round}, repeated"));
        let reach = 1 + random.below(20);
        let shuffled = shuffle(&repeated, reach, &mut random);
        check(&shuffled, &expected, &format!("round {round}, shuffled by {reach}"));
    }
}

#[test]
fn a_lost_segment_never_moves_a_response_to_another_request() {
    let mut random = Random(11);
    for round in 0..400 {
        let (script, expected) = conversation(&mut random);
        let mut segments = script.segments;
        let lost = 3 + random.below(segments.len() - 6);
        segments.remove(lost);
        let (exchanges, report) = exchanges_of(&pcap(&segments), Limits::default()).expect("it is read");
        assert!(report.ledger.balances());
        let found = shown(&exchanges);
        for line in found.lines().filter(|line| line.ends_with(" complete")) {
            assert!(
                expected.contains(line),
                "round {round}, without segment {lost}:\n{line}\n{expected}\nFOUND\n{found}"
            );
        }
    }
}

#[test]
fn the_same_capture_gives_the_same_exchanges_and_ids() {
    let mut random = Random(3);
    let (script, _) = conversation(&mut random);
    let bytes = pcap(&script.segments);
    let first = exchanges_of(&bytes, Limits::default()).expect("it is read").0;
    let second = exchanges_of(&bytes, Limits::default()).expect("it is read").0;
    assert_eq!(first, second);
}
