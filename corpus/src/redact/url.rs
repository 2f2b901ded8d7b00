//! Credentials in URLs: query parameters by name, user information, and secrets by their shape anywhere.

use super::{Redactor, decode, names, values};

/// Times that a parameter's name is percent-decoded.
const DECODED: usize = 3;

/// The URL with secrets as tokens, where it has any.
pub(super) fn redact(redactor: &Redactor, url: &[u8]) -> Option<Vec<u8>> {
    let start = url.iter().position(|b| matches!(b, b'?' | b'#')).unwrap_or(url.len());
    let (front, rest) = url.split_at(start);
    // An escaped value brings separators of its own: what cannot be taken apart is redacted as a whole.
    let front_redacted = front_redacted(redactor, front);
    let rest_redacted = parameters(redactor, rest);
    if front_redacted.is_none() && rest_redacted.is_none() {
        return values::is_secret(url).then(|| whole(redactor, url, start));
    }
    let mut out = front_redacted.unwrap_or_else(|| front.to_vec());
    out.extend_from_slice(rest_redacted.as_deref().unwrap_or(rest));
    if values::is_secret(&out) {
        return Some(whole(redactor, url, start));
    }
    Some(out)
}

/// The path stays where the secret is behind it, else nothing does.
fn whole(redactor: &Redactor, url: &[u8], start: usize) -> Vec<u8> {
    let (front, rest) = url.split_at(start);
    if rest.len() > 1 && !values::is_secret(front) {
        return [front, &rest[..1], redactor.token(&rest[1..]).as_bytes()].concat();
    }
    let slash: &[u8] = if url.starts_with(b"/") { b"/" } else { b"" };
    [slash, redactor.token(url).as_bytes()].concat()
}

/// `//user:password@host/segments`, with tokens for user information and for segments that are secrets.
fn front_redacted(redactor: &Redactor, front: &[u8]) -> Option<Vec<u8>> {
    let secret = values::is_secret(front);
    let authority = front.windows(2).position(|w| w == b"//").map(|at| at + 2);
    let user = authority.and_then(|start| {
        let end = front[start..].iter().position(|b| *b == b'/').map_or(front.len(), |at| start + at);
        let at = front[start..end].iter().rposition(|b| *b == b'@')?;
        Some((start, start + at))
    });
    if user.is_none() && !secret {
        return None;
    }
    let (mut out, path) = match user {
        Some((start, end)) => {
            let token = redactor.token(&front[start..end]);
            ([&front[..start], token.as_bytes()].concat(), &front[end..])
        }
        None => (Vec::new(), front),
    };
    for segment in path.split_inclusive(|b| *b == b'/') {
        let (inner, slash) = match segment.strip_suffix(b"/") {
            Some(inner) => (inner, &b"/"[..]),
            None => (segment, &b""[..]),
        };
        if values::is_secret(inner) {
            out.extend_from_slice(redactor.token(inner).as_bytes());
        } else {
            out.extend_from_slice(inner);
        }
        out.extend_from_slice(slash);
    }
    Some(out)
}

/// `?a=b&token=x#frag` with tokens for the values of credentials.
fn parameters(redactor: &Redactor, rest: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut touched = false;
    let mut at = 0;
    while at < rest.len() {
        let len = piece_len(&rest[at..]);
        let (piece, separator) = rest[at..].split_at(len);
        match piece.iter().position(|b| *b == b'=') {
            Some(equals) if equals + 1 < piece.len() && is_secret(&piece[..equals], &piece[equals + 1..]) => {
                touched = true;
                out.extend_from_slice(&piece[..=equals]);
                out.extend_from_slice(redactor.token(&piece[equals + 1..]).as_bytes());
            }
            None if values::is_secret(piece) => {
                touched = true;
                out.extend_from_slice(redactor.token(piece).as_bytes());
            }
            _ => out.extend_from_slice(piece),
        }
        out.extend(separator.first());
        at += len + 1;
    }
    touched.then_some(out)
}

/// Bytes up to the next separator; those of a character reference are none.
fn piece_len(rest: &[u8]) -> usize {
    let mut at = 0;
    while at < rest.len() {
        if let Some(len) = decode::entity_len(&rest[at..]) {
            at += len;
        } else if matches!(rest[at], b'?' | b'&' | b';' | b'#') {
            return at;
        } else {
            at += 1;
        }
    }
    rest.len()
}

fn is_secret(name: &[u8], value: &[u8]) -> bool {
    names::is_secret_parameter(name)
        || (name.contains(&b'%') && names::is_secret_parameter(&decoded(name)))
        || values::is_secret(value)
}

fn decoded(name: &[u8]) -> Vec<u8> {
    let mut decoded = name.to_vec();
    for _ in 0..DECODED {
        match decode::percent(&decoded) {
            Some(next) => decoded = next,
            None => break,
        }
    }
    decoded
}
