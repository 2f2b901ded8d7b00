//! Credentials in URLs: query parameters by name, and user information.

use super::{Redactor, names};

/// The URL with credentials as tokens, where it has any.
pub(super) fn redact(redactor: &Redactor, url: &[u8]) -> Option<Vec<u8>> {
    let start = url.iter().position(|b| matches!(b, b'?' | b'#')).unwrap_or(url.len());
    let (front, rest) = url.split_at(start);
    let front_redacted = user_information(redactor, front);
    let rest_redacted = parameters(redactor, rest);
    if front_redacted.is_none() && rest_redacted.is_none() {
        return None;
    }
    let mut out = front_redacted.unwrap_or_else(|| front.to_vec());
    out.extend_from_slice(rest_redacted.as_deref().unwrap_or(rest));
    Some(out)
}

/// `//user:password@host` with a token for what stands before the `@`.
fn user_information(redactor: &Redactor, front: &[u8]) -> Option<Vec<u8>> {
    let authority = front.windows(2).position(|w| w == b"//")? + 2;
    let end = front[authority..].iter().position(|b| *b == b'/').map_or(front.len(), |at| authority + at);
    let at = authority + front[authority..end].iter().rposition(|b| *b == b'@')?;
    let token = redactor.token(&front[authority..at]);
    Some([&front[..authority], token.as_bytes(), &front[at..]].concat())
}

/// `?a=b&token=x#frag` with tokens for the values of credentials.
fn parameters(redactor: &Redactor, rest: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(rest.len());
    let mut touched = false;
    for piece in rest.split_inclusive(|b| matches!(b, b'?' | b'&' | b';' | b'#')) {
        let (pair, separator) = match piece.split_last() {
            Some((last, pair)) if matches!(last, b'?' | b'&' | b';' | b'#') => (pair, Some(*last)),
            _ => (piece, None),
        };
        match pair.iter().position(|b| *b == b'=') {
            Some(at) if at + 1 < pair.len() && names::is_secret_parameter(&decoded(&pair[..at])) => {
                touched = true;
                out.extend_from_slice(&pair[..=at]);
                out.extend_from_slice(redactor.token(&pair[at + 1..]).as_bytes());
            }
            _ => out.extend_from_slice(pair),
        }
        out.extend(separator);
    }
    touched.then_some(out)
}

/// Percent-decoded until nothing changes, at most three times.
fn decoded(name: &[u8]) -> Vec<u8> {
    let mut decoded = name.to_vec();
    for _ in 0..3 {
        if !decoded.contains(&b'%') {
            break;
        }
        decoded = percent_decoded(&decoded);
    }
    decoded
}

fn percent_decoded(bytes: &[u8]) -> Vec<u8> {
    let digit = |at: usize| {
        bytes.get(at).and_then(|b| char::from(*b).to_digit(16)).and_then(|d| u8::try_from(d).ok())
    };
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push(high << 4 | low);
                at += 3;
            }
            _ => {
                out.push(byte);
                at += 1;
            }
        }
    }
    out
}
