//! Bodies against one another: undo content codings, compare bytes, then JSON, text or bytes by their own rules.

use super::json;
use super::sink::Sink;
use super::{BodyView, Change, Kind, Locus, NotCompared, ResponseView};
use std::borrow::Cow;
use std::ops::Range;
use wire::content::{self, ContentError, ContentLimits};
use wire::http1::Headers;
use wire::json::{Ambiguity, JsonErrorKind, JsonLimits, Tree};

/// What became of comparing two bodies.
pub(super) struct Compared<'a> {
    pub(super) baseline: Cow<'a, [u8]>,
    pub(super) candidate: Cow<'a, [u8]>,
    pub(super) not_compared: Option<NotCompared>,
}

/// Whether the bodies are the same as they came, coding included.
pub(super) fn same_as_received(a: &ResponseView<'_>, b: &ResponseView<'_>) -> bool {
    let same_bytes = match (a.body, b.body) {
        (BodyView::Whole { bytes: x, .. }, BodyView::Whole { bytes: y, .. }) if x.len() != y.len() => false,
        (x, y) => match (x.digest(), y.digest()) {
            (Some(x), Some(y)) => x == y,
            _ => {
                matches!((x, y), (BodyView::Whole { bytes: x, .. }, BodyView::Whole { bytes: y, .. }) if x == y)
            }
        },
    };
    same_bytes && a.headers.get_all(CODING).eq(b.headers.get_all(CODING))
}

const CODING: &[u8] = b"content-encoding";

/// Emits what differs between two bodies that are not the same as received.
pub(super) fn compare<'a>(sink: &mut Sink<'_>, a: &ResponseView<'a>, b: &ResponseView<'a>) -> Compared<'a> {
    let (x, y) = match (bytes(a.body), bytes(b.body)) {
        (Ok(x), Ok(y)) => (x, y),
        (Err(reason), _) | (_, Err(reason)) => return not_compared(reason),
    };
    let (x, y) = match (decode(x, a.headers), decode(y, b.headers)) {
        (Ok(x), Ok(y)) => (x, y),
        (Err(e), Err(f)) if is_limit(&e) || is_limit(&f) => return not_compared(NotCompared::DecodingLimit),
        (Err(_), Err(_)) => (Cow::Borrowed(x), Cow::Borrowed(y)),
        (Ok(x), Err(_)) => {
            let (y, change) = (Cow::Borrowed(y), Change::named("decodable -> undecodable"));
            sink.body(Kind::Unparsable, change, whole(&x, &y));
            return Compared { baseline: x, candidate: y, not_compared: None };
        }
        (Err(_), Ok(y)) => {
            let (x, change) = (Cow::Borrowed(x), Change::named("undecodable -> decodable"));
            sink.body(Kind::Unparsable, change, whole(&x, &y));
            return Compared { baseline: x, candidate: y, not_compared: None };
        }
    };
    if x != y {
        let json = likely_json(a.headers, &x) || likely_json(b.headers, &y);
        decoded(sink, &x, &y, if json { Likely::Json } else { Likely::Other });
    }
    Compared { baseline: x, candidate: y, not_compared: None }
}

fn not_compared<'a>(reason: NotCompared) -> Compared<'a> {
    let nothing = || Cow::Borrowed(&[][..]);
    Compared { baseline: nothing(), candidate: nothing(), not_compared: Some(reason) }
}

fn bytes<'a>(body: BodyView<'a>) -> Result<&'a [u8], NotCompared> {
    match body {
        BodyView::Whole { bytes, .. } => Ok(bytes),
        BodyView::Digest { len: 0, .. } => Ok(&[]),
        BodyView::Digest { missing, .. } => Err(missing),
        BodyView::Part => Err(NotCompared::Incomplete),
    }
}

fn decode<'a>(body: &'a [u8], headers: &Headers) -> Result<Cow<'a, [u8]>, ContentError> {
    content::decode(body, headers.get_all(CODING), &ContentLimits::default()).map(|content| content.bytes)
}

fn is_limit(error: &ContentError) -> bool {
    matches!(
        error,
        ContentError::TooLarge { .. }
            | ContentError::RatioExceeded { .. }
            | ContentError::WindowTooLarge { .. }
    )
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Likely {
    Json,
    Other,
}

/// By its media type (RFC 8259, RFC 6839 section 3.1), or where none is named by its first byte.
fn likely_json(headers: &Headers, body: &[u8]) -> bool {
    let Some(value) = headers.get(b"content-type") else {
        return matches!(body.trim_ascii_start().first(), Some(b'{' | b'['));
    };
    let media_type = value.split(|b| *b == b';').next().unwrap_or_default().trim_ascii();
    let ends = |suffix: &[u8]| {
        let at = media_type.len().checked_sub(suffix.len());
        at.is_some_and(|at| media_type[at..].eq_ignore_ascii_case(suffix))
    };
    ends(b"/json") || ends(b"+json")
}

/// The whole of both bodies.
fn whole(x: &[u8], y: &[u8]) -> Locus {
    Locus::Body { baseline: Some(0..x.len()), candidate: Some(0..y.len()) }
}

fn decoded(sink: &mut Sink<'_>, x: &[u8], y: &[u8], likely: Likely) {
    if x.is_empty() || y.is_empty() {
        let (kind, how) = if y.is_empty() { (Kind::Missing, "left out") } else { (Kind::Extra, "added") };
        return sink.body(kind, Change::named(how), whole(x, y));
    }
    if likely == Likely::Json {
        let limits = JsonLimits::default();
        match (Tree::parse(x, &limits), Tree::parse(y, &limits)) {
            (Ok(a), Ok(b)) if is_plain(&a) && is_plain(&b) => return json::compare(sink, a.root(), b.root()),
            (Ok(a), Ok(b)) => return ambiguous(sink, &a, &b),
            (Err(e), _) | (_, Err(e)) if is_json_limit(e.kind) => return ambiguous_bytes(sink, x, y),
            (Ok(_), Err(_)) => {
                return sink.body(Kind::Unparsable, Change::named("JSON -> no JSON"), whole(x, y));
            }
            (Err(_), Ok(_)) => {
                return sink.body(Kind::Unparsable, Change::named("no JSON -> JSON"), whole(x, y));
            }
            (Err(_), Err(_)) => {}
        }
    }
    match (text(x), text(y)) {
        (Some(from), Some(to)) => lines(sink, from, to),
        _ => plain_bytes(sink, x, y),
    }
}

/// Whether all readers understand a document in the same way. A byte order mark is left aside.
fn is_plain(tree: &Tree<'_>) -> bool {
    tree.ambiguity_count()
        == tree.ambiguities().iter().filter(|a| matches!(a, Ambiguity::ByteOrderMark)).count()
}

fn is_json_limit(kind: JsonErrorKind) -> bool {
    matches!(kind, JsonErrorKind::TooDeep | JsonErrorKind::TooLarge | JsonErrorKind::TooManyNodes)
}

/// Other bytes that readers may understand in other ways: never taken for equal.
fn ambiguous(sink: &mut Sink<'_>, a: &Tree<'_>, b: &Tree<'_>) {
    let change = match (is_plain(a), is_plain(b)) {
        (true, _) => Change::between("plain", ambiguity(b)),
        (_, true) => Change::between(ambiguity(a), "plain"),
        _ => Change::named(ambiguity(a)),
    };
    sink.body(Kind::Ambiguous, change, differing(a.source(), b.source()));
}

fn ambiguous_bytes(sink: &mut Sink<'_>, x: &[u8], y: &[u8]) {
    sink.body(Kind::Ambiguous, Change::named("beyond the limits of JSON"), differing(x, y));
}

fn ambiguity(tree: &Tree<'_>) -> &'static str {
    let names = tree.ambiguities().iter().filter_map(|ambiguity| match ambiguity {
        Ambiguity::DuplicateKey(_) => Some("duplicate names"),
        Ambiguity::LoneSurrogate(_) => Some("lone surrogate"),
        Ambiguity::InvalidUtf8(_) => Some("invalid UTF-8"),
        Ambiguity::ByteOrderMark => None,
    });
    names.min().unwrap_or("byte order mark")
}

/// UTF-8 without control characters that no text has.
fn text(body: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(body).ok()?;
    let is_binary = |b: u8| b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b);
    (!body.iter().copied().any(is_binary)).then_some(text)
}

/// The parts of both sides between their common head and tail.
fn differing(x: &[u8], y: &[u8]) -> Locus {
    let (a, b) = middles(x, y, |_| true);
    Locus::Body { baseline: Some(a), candidate: Some(b) }
}

/// What lies between common head and tail; both ends are moved outwards to where `is_end` holds behind a byte.
fn middles(x: &[u8], y: &[u8], is_end: impl Fn(u8) -> bool) -> (Range<usize>, Range<usize>) {
    let same = x.iter().zip(y).take_while(|(a, b)| a == b).count();
    let head = (0..same).rev().find(|i| is_end(x[*i])).map_or(0, |i| i + 1);
    let (x_rest, y_rest) = (&x[head..], &y[head..]);
    let same = x_rest.iter().rev().zip(y_rest.iter().rev()).take_while(|(a, b)| a == b).count();
    let tail = (0..=same).rev().find(|len| {
        let at = x_rest.len() - len;
        at == 0
            || is_end(x_rest[at - 1]) && y_rest.len().checked_sub(*len + 1).is_none_or(|i| is_end(y_rest[i]))
    });
    let tail = tail.unwrap_or(0);
    (head..x.len() - tail, head..y.len() - tail)
}

fn lines(sink: &mut Sink<'_>, from: &str, to: &str) {
    let (a, b) = middles(from.as_bytes(), to.as_bytes(), |byte| byte == b'\n');
    let (x, y) = (&from.as_bytes()[a.clone()], &to.as_bytes()[b.clone()]);
    let count = |part: &[u8]| part.split(|b| *b == b'\n').filter(|line| !line.is_empty()).count();
    let (kind, class) = match (count(x), count(y)) {
        (_, 0) if x.iter().any(|b| !b.is_ascii_whitespace()) => (Kind::Length, "lines left out"),
        (0, _) if y.iter().any(|b| !b.is_ascii_whitespace()) => (Kind::Length, "lines added"),
        (before, after) if before == after => (Kind::Value, "lines changed"),
        (before, after) if after < before => (Kind::Value, "lines changed, fewer of them"),
        _ => (Kind::Value, "lines changed, more of them"),
    };
    sink.body(kind, Change::named(class), Locus::Body { baseline: Some(a), candidate: Some(b) });
}

fn plain_bytes(sink: &mut Sink<'_>, x: &[u8], y: &[u8]) {
    let (kind, class) = match x.len().cmp(&y.len()) {
        std::cmp::Ordering::Equal => (Kind::Bytes, "other bytes"),
        std::cmp::Ordering::Less => (Kind::Length, "longer"),
        std::cmp::Ordering::Greater => (Kind::Length, "shorter"),
    };
    sink.body(kind, Change::named(class), differing(x, y));
}
