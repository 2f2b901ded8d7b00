//! Endpoints: method and path template, the unit by which exchanges are grouped.
//!
//! Fixed classes (numbers, UUIDs, hashes, dates, ...) become placeholders while exchanges stream by
//! ([`template_of`]); path positions with many values are learned ([`EndpointLearner`]). Invariant: what is
//! learned depends on the set of templates and their counts, not on their order.

mod class;
mod learn;
mod table;

pub use learn::EndpointLearner;
pub use table::{EndpointTable, Pinned};

/// The endpoint of requests that are no HTTP.
pub const MALFORMED: &str = "(malformed)";

/// Path segments that count; what lies deeper is one placeholder.
const MAX_SEGMENTS: usize = 16;
/// Placeholder of everything below [`MAX_SEGMENTS`].
const DEEPER: &str = "{path}";

/// The streaming template of a request: `GET /orders/{id}` for `GET /orders/7?x=1`.
///
/// The query is no part of it, nor is the authority of an absolute target. Bytes that are no printable ASCII
/// are percent-encoded, so that a template is always one line of plain text.
pub fn template_of(method: &[u8], target: &[u8]) -> String {
    if method.is_empty() {
        return MALFORMED.to_owned();
    }
    let mut out = String::with_capacity(method.len() + target.len() + 1);
    push_plain(&mut out, method);
    out.push(' ');
    if method == b"CONNECT" {
        out.push_str("{authority}");
    } else {
        push_path(&mut out, path_of(target));
    }
    out
}

/// The path of a target in origin or absolute form, as sent.
pub(crate) fn path_of(target: &[u8]) -> &[u8] {
    let rest = match target.windows(3).position(|window| window == b"://") {
        Some(at) if !target.starts_with(b"/") && is_scheme(&target[..at]) => {
            let authority = &target[at + 3..];
            let path = authority.iter().position(|b| matches!(b, b'/' | b'?' | b'#'));
            path.map_or(&b"/"[..], |start| &authority[start..])
        }
        _ => target,
    };
    let end = rest.iter().position(|b| matches!(b, b'?' | b'#')).unwrap_or(rest.len());
    if end == 0 { b"/" } else { &rest[..end] }
}

fn is_scheme(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(u8::is_ascii_alphabetic)
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
}

fn push_path(out: &mut String, path: &[u8]) {
    let Some(inner) = path.strip_prefix(b"/") else {
        return push_plain(out, path);
    };
    for (count, segment) in inner.split(|b| *b == b'/').enumerate() {
        out.push('/');
        if count == MAX_SEGMENTS {
            return out.push_str(DEEPER);
        }
        class::push_segment(out, segment);
    }
}

/// Appends bytes as plain text, percent-encoding what is not printable ASCII, and the braces of placeholders.
fn push_plain(out: &mut String, bytes: &[u8]) {
    for &byte in bytes {
        if byte.is_ascii_graphic() && !matches!(byte, b'{' | b'}') {
            out.push(char::from(byte));
        } else {
            const HEX: &[u8; 16] = b"0123456789ABCDEF";
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(method: &str, target: &[u8], expected: &str) {
        assert_eq!(template_of(method.as_bytes(), target), expected, "{}", target.escape_ascii());
    }

    #[test]
    fn fixed_classes_become_placeholders() {
        check("GET", b"/orders/7", "GET /orders/{id}");
        check("GET", b"/orders/7/lines/-3?x=1", "GET /orders/{id}/lines/{id}");
        check("GET", b"/u/3F2504E0-4f89-11d3-9a0c-0305e82c3301", "GET /u/{uuid}");
        check("GET", b"/u/01ARZ3NDEKTSV4RRFFQ69G5FAV", "GET /u/{ulid}");
        check("GET", b"/b/e83c5163316f89bfbde7d9ab23ca2e25604af290", "GET /b/{hash}");
        check("GET", b"/d/2026-11-22", "GET /d/{date}");
        check("GET", b"/d/2026-11-22T10:00:00Z/x", "GET /d/{date}/x");
        check("GET", b"/by/a.b%40example.org", "GET /by/{email}");
        check("GET", b"/s/aB3dE5fG7hI9jK1lM3nO5", "GET /s/{token}");
        check("GET", b"/n/10.0.0.1", "GET /n/{ip}");
        check("GET", b"/price/12.50", "GET /price/{number}");
        check("GET", b"/files/12345.json", "GET /files/{id}.json");
        check("GET", b"/o/order-20931", "GET /o/order-{id}");
    }

    #[test]
    fn words_stay() {
        for path in
            ["/", "/v1/items", "/items.json", "/deadbeef", "/v2/log-in", "/a//b/", "/api/oauth2/token"]
        {
            check("GET", path.as_bytes(), &format!("GET {path}"));
        }
    }

    #[test]
    fn every_form_of_target_has_a_template() {
        check("GET", b"http://h:80/a/1?q", "GET /a/{id}");
        check("GET", b"http://h", "GET /");
        check("GET", b"/r?u=http://x/1", "GET /r");
        check("CONNECT", b"h:443", "CONNECT {authority}");
        check("OPTIONS", b"*", "OPTIONS *");
        check("GET", b"?x", "GET /");
        check("GET", b"", "GET /");
        check("GET", b"/\x1b[31m\xff", "GET /%1B[31m%FF");
        check("", b"/x", MALFORMED);
        check("GET", b"/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a", "GET /a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/{path}");
    }
}
