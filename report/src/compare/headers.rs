//! Header and trailer fields against one another, by exact names.
//!
//! A field is treated in one of four ways: not at all (it belongs to the hop, or the body speaks for it);
//! by its presence (its value differs from answer to answer: times and trace ids); incidentally (it names
//! the server or the way there: reported, never counted as a mismatch); or as part of the contract.

use super::change::{self, Change, TextChange};
use super::cookies;
use super::sink::{Field, Sink};
use super::{Kind, Place, Weight};
use wire::http1::Headers;

/// Bytes of a field's value that are kept.
const MAX_VALUE: usize = 2048;

/// Of the connection, not of the answer (RFC 9110 section 7.6.1), or told by the body itself.
const SKIPPED: [&str; 8] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "upgrade",
    "te",
    "trailer",
    "transfer-encoding",
    "content-length",
];

/// Another value in each answer: whether they are there is compared, what they hold is not.
const VARYING: [&str; 28] = [
    "date",
    "age",
    "expires",
    "x-request-id",
    "request-id",
    "x-correlation-id",
    "correlation-id",
    "x-transaction-id",
    "traceparent",
    "tracestate",
    "b3",
    "x-b3-traceid",
    "x-b3-spanid",
    "x-b3-parentspanid",
    "x-b3-sampled",
    "x-b3-flags",
    "x-amzn-trace-id",
    "x-amzn-requestid",
    "x-amz-request-id",
    "x-cloud-trace-context",
    "x-datadog-trace-id",
    "x-datadog-parent-id",
    "x-datadog-sampling-priority",
    "x-datadog-origin",
    "x-runtime",
    "x-response-time",
    "server-timing",
    "cf-ray",
];

/// About the server, the way there, or how the same content was coded and validated.
const INCIDENTAL: [&str; 18] = [
    "server",
    "via",
    "x-powered-by",
    "x-served-by",
    "x-server",
    "x-backend",
    "x-cache",
    "x-cache-hits",
    "x-varnish",
    "x-timer",
    "x-aspnet-version",
    "x-aspnetmvc-version",
    "x-generator",
    "accept-ranges",
    "content-encoding",
    "etag",
    "last-modified",
    "vary",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Treatment {
    Skipped,
    ByPresence,
    Incidental,
    Contract,
}

fn treatment(name: &[u8]) -> Treatment {
    let is_in = |list: &[&str]| list.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(name));
    if is_in(&SKIPPED) {
        Treatment::Skipped
    } else if is_in(&VARYING) {
        Treatment::ByPresence
    } else if is_in(&INCIDENTAL) {
        Treatment::Incidental
    } else {
        Treatment::Contract
    }
}

/// Emits what differs between two field lists. Validators of bodies that differ are compared by presence.
pub(super) fn compare(sink: &mut Sink<'_>, place: Place, a: &Headers, b: &Headers, bodies: Bodies) {
    if !alike_in_order(a, b, bodies) {
        Fields { sink, place, bodies }.compare(a, b);
    }
}

/// Whether two bodies are the same bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bodies {
    Same,
    Differ,
}

/// The usual case: the same names in the same order, and values that differ only where they may.
fn alike_in_order(a: &Headers, b: &Headers, bodies: Bodies) -> bool {
    a.len() == b.len()
        && a.iter().zip(b.iter()).all(|((name, x), (other, y))| {
            name.eq_ignore_ascii_case(other) && (x == y || by_presence_only(name, bodies))
        })
}

fn by_presence_only(name: &[u8], bodies: Bodies) -> bool {
    match treatment(name) {
        Treatment::Skipped | Treatment::ByPresence => true,
        Treatment::Incidental => bodies == Bodies::Differ && is_validator(name),
        Treatment::Contract => false,
    }
}

fn is_validator(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"etag") || name.eq_ignore_ascii_case(b"last-modified")
}

struct Fields<'s, 'r> {
    sink: &'s mut Sink<'r>,
    place: Place,
    bodies: Bodies,
}

impl Fields<'_, '_> {
    fn compare(&mut self, a: &Headers, b: &Headers) {
        for name in distinct_names(a) {
            match treatment(name) {
                Treatment::Skipped => {}
                _ if !b.contains(name) => self.presence(name, Kind::Missing, "left out", a),
                _ if by_presence_only(name, self.bodies) => {}
                _ if name.eq_ignore_ascii_case(b"set-cookie") => {
                    cookies::compare(self.sink, self.place, a, b)
                }
                _ => self.values(name, a, b),
            }
        }
        for name in distinct_names(b) {
            if treatment(name) != Treatment::Skipped && !a.contains(name) {
                self.presence(name, Kind::Extra, "added", b);
            }
        }
    }

    fn emit(&mut self, name: &[u8], kind: Kind, change: Change, values: [Option<String>; 2]) {
        let weight = match treatment(name) {
            Treatment::Contract => Weight::Counts,
            _ => Weight::Incidental,
        };
        let name = shown_name(name);
        self.sink.field(Field { place: self.place, weight, name: &name, member: None }, kind, change, values);
    }

    fn presence(&mut self, name: &[u8], kind: Kind, how: &'static str, list: &Headers) {
        let value = Some(joined(list, name));
        let values = if kind == Kind::Missing { [value, None] } else { [None, value] };
        self.emit(name, kind, Change::named(how), values);
    }

    fn values(&mut self, name: &[u8], a: &Headers, b: &Headers) {
        let is_media_type = name.eq_ignore_ascii_case(b"content-type");
        let same = match is_media_type {
            true => media_type(&joined(a, name)) == media_type(&joined(b, name)),
            false => members(a, name).eq(members(b, name)),
        };
        if same {
            return;
        }
        let (from, to) = (joined(a, name), joined(b, name));
        let (kind, change) = match change::of_texts(&from, &to) {
            _ if is_media_type => (Kind::Header, Change::between(&media_type(&from), &media_type(&to))),
            TextChange::Format(change) => (Kind::Format, change),
            TextChange::Value(change) => (Kind::Header, change),
        };
        self.emit(name, kind, change, [Some(from), Some(to)]);
    }
}

/// Each name once, at its first field.
fn distinct_names(list: &Headers) -> impl Iterator<Item = &[u8]> {
    list.iter().enumerate().filter_map(|(index, (name, _))| {
        let is_first = !list.iter().take(index).any(|(earlier, _)| earlier.eq_ignore_ascii_case(name));
        is_first.then_some(name)
    })
}

/// The values of all fields of a name as one list (RFC 9110 section 5.3), however split over lines.
fn members<'a>(list: &'a Headers, name: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    list.get_all(name).flat_map(|value| value.split(|b| *b == b',')).map(<[u8]>::trim_ascii)
}

pub(super) fn joined(list: &Headers, name: &[u8]) -> String {
    let mut bytes = Vec::new();
    for value in list.get_all(name) {
        if !bytes.is_empty() {
            bytes.extend_from_slice(b", ");
        }
        bytes.extend_from_slice(&value[..value.len().min(MAX_VALUE)]);
        if bytes.len() >= MAX_VALUE {
            break;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

pub(super) fn shown_name(name: &[u8]) -> String {
    String::from_utf8_lossy(&name[..name.len().min(128)]).to_ascii_lowercase()
}

/// A media type in one spelling: lower case but for parameter values, no white space, charset in lower case.
fn media_type(value: &str) -> String {
    let mut parts = value.split(';').map(str::trim).filter(|part| !part.is_empty());
    let mut out = parts.next().unwrap_or("").to_ascii_lowercase();
    for part in parts {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim().trim_matches('"'));
        let value = if name == "charset" { value.to_ascii_lowercase() } else { value.to_owned() };
        out.push_str(&format!(";{name}={value}"));
    }
    out.truncate(out.floor_char_boundary(128));
    out
}
