//! Bytes of a connection to one response: head, body with its digest, end. No I/O.
//!
//! Invariant: the response is the same however its bytes are cut into pieces; memory is bounded by the
//! limit of one head, the limit of one kept body, and a budget over all bodies that are on their way.

use super::memo::Memo;
use bytes::Bytes;
use corpus::digest::{Digest, DigestHasher, DigestKey};
use corpus::run::{FailureKind, Kept, RecordedBody, RecordedResponse, StoredBody};
use wire::http1::{
    BodyDecoder, BodyLength, Completion, Framing, HeadParser, HeadScan, Headers, Limits, Persistence,
    Progress, Strictness,
};

/// A body larger than this is digested as it arrives and not kept.
pub(crate) const MAX_KEPT: usize = 4 << 20;
/// A response larger than this is not read to its end.
pub(crate) const MAX_READ: u64 = 256 << 20;
/// Bytes of bodies that are on their way, over all connections; beyond, they are only digested.
pub(crate) const MAX_COLLECTED: usize = 24 << 20;
/// A body is digested in one go up to this size, and as it arrives beyond, so that nobody waits for a long digest.
const ONE_GO: usize = 64 << 10;
/// Interim responses before a final one.
const MAX_INTERIM: u32 = 100;

/// What reading needs and connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    parser: HeadParser,
    limits: Limits,
    key: DigestKey,
    memo: Memo,
    collected: usize,
    /// Interim responses that were skipped.
    pub(crate) interim: u64,
}

impl Shared {
    pub(crate) fn new(key: DigestKey) -> Shared {
        let limits = Limits::default();
        let parser = HeadParser::new(Strictness::Lenient, limits);
        Shared { parser, limits, key, memo: Memo::new(), collected: 0, interim: 0 }
    }
}

/// Whether the bytes of a body are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    Bytes,
    Digest,
}

/// Whether the request's method keeps a response from having a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    Head,
    Other,
}

/// Reads one response.
pub(crate) struct ResponseReader {
    keep: Keep,
    asked: Asked,
    /// Requests that are alike may have equal bodies.
    like: u64,
    interim: u32,
    state: State,
}

enum State {
    Head { bytes: Vec<u8>, scan: HeadScan },
    Body(Box<Reading>),
    Over,
}

struct Reading {
    status: u16,
    headers: Headers,
    persistence: Persistence,
    decoder: BodyDecoder,
    sink: Sink,
}

/// A response that is whole.
#[derive(Debug)]
pub(crate) struct Whole {
    pub(crate) response: RecordedResponse,
    /// Whether the connection may carry another request.
    pub(crate) persistence: Persistence,
    /// Bytes of the last piece that belong to it.
    pub(crate) used: usize,
}

/// Why no whole response came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Broken {
    pub(crate) kind: FailureKind,
    pub(crate) status: Option<u16>,
}

impl ResponseReader {
    pub(crate) fn new(keep: Keep, asked: Asked, like: u64) -> ResponseReader {
        ResponseReader {
            keep,
            asked,
            like,
            interim: 0,
            state: State::Head { bytes: Vec::new(), scan: HeadScan::default() },
        }
    }

    /// The status, where a head has come.
    pub(crate) fn status(&self) -> Option<u16> {
        match &self.state {
            State::Body(reading) => Some(reading.status),
            _ => None,
        }
    }

    /// Takes the next bytes; the response, where they complete it.
    pub(crate) fn take(&mut self, piece: &[u8], shared: &mut Shared) -> Result<Option<Whole>, Broken> {
        let State::Head { bytes, scan } = &mut self.state else { return self.take_body(piece, 0, shared) };
        if bytes.is_empty() {
            return self.take_head(piece, 0, shared);
        }
        let before = bytes.len();
        bytes.extend_from_slice(piece);
        if !scan.ready(bytes, &shared.limits) {
            return Ok(None);
        }
        let whole = std::mem::take(bytes);
        self.take_head(&whole, before, shared)
    }

    /// Reads heads at the start of `input`, of which `before` bytes came earlier.
    fn take_head(
        &mut self,
        input: &[u8],
        before: usize,
        shared: &mut Shared,
    ) -> Result<Option<Whole>, Broken> {
        let mut at = 0;
        loop {
            let parsed = match shared.parser.response(&input[at..]) {
                Err(_) => return Err(self.broken(FailureKind::Garbage)),
                Ok(Progress::NeedMore) => {
                    let mut scan = HeadScan::default();
                    let bytes = input[at..].to_vec();
                    scan.ready(&bytes, &shared.limits);
                    self.state = State::Head { bytes, scan };
                    return Ok(None);
                }
                Ok(Progress::Done(parsed)) => parsed,
            };
            at += parsed.consumed;
            if parsed.head.is_interim() {
                shared.interim += 1;
                self.interim += 1;
                if self.interim > MAX_INTERIM {
                    return Err(self.broken(FailureKind::Garbage));
                }
                continue;
            }
            let method = if self.asked == Asked::Head { &b"HEAD"[..] } else { b"GET" };
            let Ok(framing) = Framing::of_response(&parsed.head, Some(method), Strictness::Lenient) else {
                return Err(Broken { kind: FailureKind::Garbage, status: Some(parsed.head.status) });
            };
            if parsed.head.status < 100 {
                return Err(self.broken(FailureKind::Garbage));
            }
            self.state = State::Body(Box::new(Reading {
                status: parsed.head.status,
                persistence: persistence(
                    Persistence::of(parsed.head.version, parsed.head.headers),
                    framing.body,
                ),
                headers: parsed.head.headers.to_owned(),
                decoder: BodyDecoder::new(decoded(framing.body), Strictness::Lenient),
                sink: Sink::default(),
            }));
            return self
                .take_body(&input[at..], at, shared)
                .map(|whole| whole.map(|whole| Whole { used: whole.used.saturating_sub(before), ..whole }));
        }
    }

    /// Reads the body at the start of `piece`, which itself starts `offset` bytes into the input.
    fn take_body(
        &mut self,
        piece: &[u8],
        offset: usize,
        shared: &mut Shared,
    ) -> Result<Option<Whole>, Broken> {
        let State::Body(reading) = &mut self.state else { return Err(self.broken(FailureKind::Garbage)) };
        let mut at = 0;
        while !reading.decoder.is_done() && at < piece.len() {
            let step = match reading.decoder.decode(&piece[at..]) {
                Ok(step) => step,
                Err(_) => return Err(self.broken(FailureKind::Garbage)),
            };
            let data = &piece[at..][step.data];
            at += step.consumed;
            let end = if reading.decoder.is_done() { End::Here } else { End::Later };
            reading.sink.take(data, self.keep, self.like, end, shared);
            if reading.sink.len > MAX_READ {
                return Err(self.broken(FailureKind::TooLarge));
            }
        }
        if reading.decoder.is_done() { Ok(self.whole(offset + at, shared)) } else { Ok(None) }
    }

    /// The connection was closed: the response, where that completes it.
    pub(crate) fn end(&mut self, shared: &mut Shared) -> Result<Option<Whole>, Broken> {
        match &mut self.state {
            State::Body(reading) if reading.decoder.finish_at_eof() == Completion::Complete => {
                Ok(self.whole(0, shared))
            }
            State::Head { bytes, .. } if bytes.is_empty() && self.interim == 0 => {
                Err(self.broken(FailureKind::Closed))
            }
            // While a head trickles in it is looked at only where it may be whole: so once more, now.
            State::Head { bytes, .. } if shared.parser.response(bytes).is_err() => {
                Err(self.broken(FailureKind::Garbage))
            }
            _ => Err(self.broken(FailureKind::Partial)),
        }
    }

    fn whole(&mut self, used: usize, shared: &mut Shared) -> Option<Whole> {
        let State::Body(mut reading) = std::mem::replace(&mut self.state, State::Over) else { return None };
        let body = reading.sink.finish(self.keep, self.like, shared);
        let trailers = reading.decoder.trailers().clone();
        let response = RecordedResponse { status: reading.status, headers: reading.headers, trailers, body };
        Some(Whole { response, persistence: reading.persistence, used })
    }

    fn broken(&self, kind: FailureKind) -> Broken {
        Broken { kind, status: self.status() }
    }

    /// Gives back what was collected for a response that will not be whole.
    pub(crate) fn abandon(&mut self, shared: &mut Shared) {
        if let State::Body(reading) = &mut self.state {
            reading.sink.release(shared);
        }
    }
}

/// A tunnel's bytes are none of ours: its head is the response.
fn decoded(length: BodyLength) -> BodyLength {
    if length == BodyLength::Tunnel { BodyLength::None } else { length }
}

fn persistence(said: Persistence, length: BodyLength) -> Persistence {
    match length {
        BodyLength::UntilClose | BodyLength::Tunnel => Persistence::Close,
        _ => said,
    }
}

/// Whether a piece of a body is the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Here,
    Later,
}

/// Collects and digests a body.
#[derive(Default)]
struct Sink {
    len: u64,
    /// What of the common budget it holds, in bytes.
    collected: usize,
    bytes: Vec<u8>,
    /// For bodies beyond [`ONE_GO`].
    hasher: Option<Box<DigestHasher>>,
    /// Why the bytes are not kept, once that is so.
    lost: Option<Kept>,
    /// A whole body that came in one piece.
    whole: Option<(Bytes, Digest)>,
}

impl Sink {
    fn take(&mut self, piece: &[u8], keep: Keep, like: u64, end: End, shared: &mut Shared) {
        let first = self.len == 0;
        self.len += piece.len() as u64;
        if first && end == End::Here {
            self.whole = Some(shared.memo.digest(like, piece, &shared.key));
            return;
        }
        if let Some(hasher) = &mut self.hasher {
            hasher.update(piece);
        }
        if self.lost.is_some() {
            return;
        }
        self.bytes.extend_from_slice(piece);
        shared.collected += piece.len();
        self.collected += piece.len();
        if self.hasher.is_none() && self.bytes.len() > ONE_GO {
            let mut hasher = Box::new(shared.key.hasher());
            hasher.update(&self.bytes);
            self.hasher = Some(hasher);
        }
        self.drop_what_is_too_much(keep, shared);
    }

    fn drop_what_is_too_much(&mut self, keep: Keep, shared: &mut Shared) {
        let hashing = self.hasher.is_some();
        let lost = if hashing && keep == Keep::Digest {
            Kept::NotAsked
        } else if self.bytes.len() > MAX_KEPT {
            Kept::TooLarge
        } else if shared.collected > MAX_COLLECTED {
            Kept::QueueFull
        } else {
            return;
        };
        if !hashing {
            let mut hasher = Box::new(shared.key.hasher());
            hasher.update(&self.bytes);
            self.hasher = Some(hasher);
        }
        self.release(shared);
        self.lost = Some(lost);
    }

    fn release(&mut self, shared: &mut Shared) {
        shared.collected -= std::mem::take(&mut self.collected);
        self.bytes = Vec::new();
    }

    fn finish(&mut self, keep: Keep, like: u64, shared: &mut Shared) -> RecordedBody {
        let (bytes, digest) = match (self.whole.take(), &self.hasher) {
            (Some(whole), _) => whole,
            (None, Some(hasher)) => (Bytes::from(std::mem::take(&mut self.bytes)), hasher.finish()),
            (None, None) => shared.memo.digest(like, &self.bytes, &shared.key),
        };
        shared.collected -= self.collected;
        let kept = match (self.lost.take(), keep) {
            (Some(lost), _) => lost,
            (None, Keep::Digest) => Kept::NotAsked,
            (None, Keep::Bytes) => Kept::Stored(StoredBody::Inline(bytes)),
        };
        RecordedBody { len: self.len, digest, kept }
    }
}

#[cfg(test)]
/// Feeds hostile bytes to the reader, cut at every place that the first byte says. For tests of robustness.
pub(crate) fn fuzz_response(input: &[u8]) {
    let Some((cut, rest)) = input.split_first() else { return };
    let mut shared = Shared::new(DigestKey::from_bytes([0; 32]));
    let asked = if cut & 1 == 1 { Asked::Head } else { Asked::Other };
    let keep = if cut & 2 == 2 { Keep::Digest } else { Keep::Bytes };
    let mut reader = ResponseReader::new(keep, asked, 0);
    for piece in rest.chunks(usize::from(*cut) + 1) {
        match reader.take(piece, &mut shared) {
            Ok(None) => {}
            Ok(Some(whole)) => {
                assert!(whole.used <= piece.len(), "a response ends inside the piece that completed it");
                return;
            }
            Err(_) => return reader.abandon(&mut shared),
        }
    }
    let _ = reader.end(&mut shared);
    reader.abandon(&mut shared);
    assert_eq!(shared.collected, 0, "what was collected is given back");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What came of `bytes`, cut into pieces of `size`, the connection closed behind them.
    fn read(bytes: &[u8], size: usize, asked: Asked) -> Result<(u16, Vec<u8>, Persistence, usize), Broken> {
        let mut shared = Shared::new(DigestKey::from_bytes([7; 32]));
        let mut reader = ResponseReader::new(Keep::Bytes, asked, 0);
        let mut done = None;
        let mut left = 0;
        for piece in bytes.chunks(size) {
            match done {
                None => {
                    done = reader.take(piece, &mut shared)?;
                    left += done.as_ref().map_or(0, |whole| piece.len() - whole.used);
                }
                Some(_) => left += piece.len(),
            }
        }
        let whole = match done {
            Some(whole) => whole,
            None => reader.end(&mut shared)?.expect("an end is a response or an error"),
        };
        assert_eq!(shared.collected, 0);
        let Kept::Stored(StoredBody::Inline(body)) = whole.response.body.kept else {
            panic!("the body is kept")
        };
        assert_eq!(whole.response.body.digest, shared.key.digest(&body));
        assert_eq!(whole.response.body.len, body.len() as u64);
        Ok((whole.response.status, body.to_vec(), whole.persistence, left))
    }

    fn check(text: &str, expected: Result<(u16, &str, Persistence, usize), FailureKind>) {
        let bytes = text.replace('|', "\r\n").into_bytes();
        for size in 1..=bytes.len() {
            let found = read(&bytes, size, Asked::Other).map_err(|broken| broken.kind);
            let expected =
                expected.map(|(status, body, after, left)| (status, body.as_bytes().to_vec(), after, left));
            assert_eq!(found, expected, "{text} in pieces of {size}");
        }
    }

    #[test]
    fn reads_responses_however_they_are_cut() {
        use Persistence::{Close, KeepAlive};
        check("HTTP/1.1 200 OK|Content-Length: 2||hi", Ok((200, "hi", KeepAlive, 0)));
        check("HTTP/1.1 200 OK|Content-Length: 2||hi+++", Ok((200, "hi", KeepAlive, 3)));
        check("HTTP/1.1 204 No|Connection: close||", Ok((204, "", Close, 0)));
        check("HTTP/1.1 200 OK||until close", Ok((200, "until close", Close, 0)));
        check("HTTP/1.0 200 OK|Content-Length: 0||", Ok((200, "", Close, 0)));
        check(
            "HTTP/1.1 200 OK|Transfer-Encoding: chunked||2|ab|1;x=y|c|0|T: 1||",
            Ok((200, "abc", KeepAlive, 0)),
        );
        check(
            "HTTP/1.1 100 Continue||HTTP/1.1 103 Hints|A: b||HTTP/1.1 404 No|Content-Length: 1||x",
            Ok((404, "x", KeepAlive, 0)),
        );
        check("HTTP/1.1 101 Switch|Upgrade: x||bytes", Ok((101, "", Close, 5)));
    }

    #[test]
    fn tells_failures_apart() {
        check("HTTP/1.1 200 OK|Content-Length: 5||hi", Err(FailureKind::Partial));
        check("HTTP/1.1 200 OK|Transfer-Encoding: chunked||2|ab|", Err(FailureKind::Partial));
        check("HTTP/1.1 200 OK|Transfer-Encoding: chunked||zz|ab|0||", Err(FailureKind::Garbage));
        check("HTTP/1.1 20", Err(FailureKind::Partial));
        check("HTTP/1.1 100 Continue||", Err(FailureKind::Partial));
        check("SSH-2.0-OpenSSH_9.2|", Err(FailureKind::Garbage));
        check("HTTP/1.1 200 OK|Content-Length: 1, 2||hi", Err(FailureKind::Garbage));
        let mut shared = Shared::new(DigestKey::from_bytes([7; 32]));
        let closed = ResponseReader::new(Keep::Bytes, Asked::Other, 0).end(&mut shared);
        assert_eq!(closed.unwrap_err().kind, FailureKind::Closed);
    }

    #[test]
    fn a_response_to_head_has_no_body() {
        let found = read(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", 7, Asked::Head).unwrap();
        assert_eq!(found, (200, Vec::new(), Persistence::KeepAlive, 0));
    }

    #[test]
    fn large_bodies_are_digested_and_not_kept() {
        let size = MAX_KEPT + 100_000;
        let body = vec![b'x'; size];
        let mut shared = Shared::new(DigestKey::from_bytes([7; 32]));
        for keep in [Keep::Bytes, Keep::Digest] {
            let mut reader = ResponseReader::new(keep, Asked::Other, 0);
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n");
            assert!(reader.take(head.as_bytes(), &mut shared).unwrap().is_none());
            let mut found = None;
            for piece in body.chunks(65_536) {
                found = reader.take(piece, &mut shared).unwrap();
                assert!(shared.collected <= MAX_KEPT + 65_536);
            }
            let found = found.unwrap().response.body;
            let lost = if keep == Keep::Bytes { Kept::TooLarge } else { Kept::NotAsked };
            assert_eq!((found.len, found.kept), (size as u64, lost));
            assert_eq!(found.digest, shared.key.digest(&body));
            assert_eq!(shared.collected, 0);
        }
    }

    #[test]
    fn hostile_bytes_do_no_harm() {
        let seeds: [&[u8]; 3] = [
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nT: 1\r\n\r\n",
            b"HTTP/1.1 100 C\r\n\r\nHTTP/1.0 302 F\r\nLocation: /\r\n\r\nrest",
        ];
        for round in 0..30_000_u64 {
            let draw = |value| crate::draw::bits(round, crate::draw::Purpose::Bodies, value);
            let mut input = vec![draw(0).to_le_bytes()[0]];
            input.extend_from_slice(seeds[usize::try_from(draw(1) % 3).unwrap()]);
            for change in 0..draw(2) % 4 {
                let at = usize::try_from(draw(3 + change)).unwrap_or(0) % input.len();
                match draw(7 + change) % 3 {
                    0 => input[at] = draw(11 + change).to_le_bytes()[0],
                    1 => drop(input.remove(at)),
                    _ => input.insert(at, draw(15 + change).to_le_bytes()[0]),
                }
            }
            fuzz_response(&input);
        }
    }
}
