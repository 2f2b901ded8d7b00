//! Values that are secrets wherever they stand: web tokens, keys of well-known services, private keys, cards.
//!
//! They are recognised through the encodings in which they turn up in heads: percent (also twice), base64,
//! hex, JSON and HTML escapes. What is recognised is replaced as a whole by its caller.

use super::decode;

/// Encodings inside one another that are undone.
const DEPTH: usize = 3;
/// The shortest text that can hold a secret: a card number.
const SHORTEST: usize = 13;
/// The shortest run that can be the base64 or hex of a secret.
const SHORTEST_RUN: usize = 18;

/// Whether `value` holds a secret, encoded or not.
pub(super) fn is_secret(value: &[u8]) -> bool {
    value.len() >= SHORTEST && within(value, DEPTH)
}

fn within(value: &[u8], depth: usize) -> bool {
    if is_plain_secret(value) {
        return true;
    }
    if depth == 0 {
        return false;
    }
    let again = |decoded: Option<Vec<u8>>| decoded.is_some_and(|decoded| within(&decoded, depth - 1));
    again(decode::percent(value))
        || again(decode::html(value))
        || again(decode::json(value))
        || runs(value).any(|run| again(decode::hex(run)) || again(decode::base64(run)))
}

/// The stretches that could be base64 or hex. A slash is of the alphabet, and parts paths as well.
fn runs(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let long = |run: &&[u8]| run.len() >= SHORTEST_RUN;
    let whole = value.split(|b| !decode::is_base64(*b)).filter(long);
    whole.flat_map(move |run| {
        let parts = run.contains(&b'/').then(|| run.split(|b| *b == b'/').filter(long));
        std::iter::once(run).chain(parts.into_iter().flatten())
    })
}

fn is_plain_secret(text: &[u8]) -> bool {
    let mut digits = 0;
    for (at, &byte) in text.iter().enumerate() {
        let rest = &text[at..];
        let found = match byte {
            b'0'..=b'9' => {
                digits += 1;
                let ends = !rest.get(1).is_some_and(u8::is_ascii_digit);
                ends && is_card(&text[at + 1 - digits..=at])
            }
            b'e' => is_web_token(rest),
            b'g' => is_github(rest),
            b'x' => is_slack(rest),
            b'A' => is_aws(rest),
            b'-' => rest.starts_with(b"-----BEGIN") && contains(rest, b"PRIVATE KEY"),
            _ => false,
        };
        if !byte.is_ascii_digit() {
            digits = 0;
        }
        if found {
            return true;
        }
    }
    false
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// `eyJ..` and a second part behind a point (RFC 7519).
fn is_web_token(text: &[u8]) -> bool {
    if !text.starts_with(b"eyJ") {
        return false;
    }
    let mut parts = text.split(|b| *b == b'.');
    let long = |part: Option<&[u8]>| {
        part.is_some_and(|part| part.iter().take_while(|b| decode::is_base64(**b)).count() >= 8)
    };
    long(parts.next()) && long(parts.next())
}

fn is_github(text: &[u8]) -> bool {
    let classic = text.len() > 4 && text.starts_with(b"gh") && b"pousr".contains(&text[2]) && text[3] == b'_';
    let length =
        |from: usize| text[from..].iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
    (classic && length(4) >= 20) || (text.starts_with(b"github_pat_") && length(11) >= 20)
}

fn is_slack(text: &[u8]) -> bool {
    text.len() > 15 && text.starts_with(b"xox") && b"abeoprs".contains(&text[3]) && text[4] == b'-'
}

/// An access key of AWS: a prefix and sixteen upper-case letters or digits.
fn is_aws(text: &[u8]) -> bool {
    let named = text.starts_with(b"AKIA") || text.starts_with(b"ASIA");
    let follow =
        |text: &[u8]| text.iter().take_while(|b| b.is_ascii_uppercase() || b.is_ascii_digit()).count();
    named && follow(&text[4..]) == 16
}

/// A number of one of the large card networks with its check digit right.
fn is_card(digits: &[u8]) -> bool {
    let value = |len: usize| digits[..len].iter().fold(0_u32, |n, d| n * 10 + u32::from(d - b'0'));
    let network = match digits.len() {
        15 => matches!(value(2), 34 | 37),
        16 => {
            let (two, four) = (value(2), value(4));
            digits[0] == b'4'
                || (51..=55).contains(&two)
                || (2221..=2720).contains(&four)
                || two == 65
                || four == 6011
        }
        _ => false,
    };
    network && luhn(digits)
}

fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let digit = u32::from(digit - b'0');
            if place % 2 == 0 { digit } else { digit * 2 / 10 + digit * 2 % 10 }
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &str, expected: bool) {
        assert_eq!(is_secret(value.as_bytes()), expected, "{value}");
    }

    #[test]
    fn secrets_are_recognised_by_their_shape() {
        check("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", true);
        check("Token ghp_0123456789abcdefghijABCDEF", true);
        check("xoxb-1234567890-abcdef", true);
        check("AKIAIOSFODNN7EXAMPLE", true);
        check("-----BEGIN PRIVATE KEY-----\nAAAA", true);
        check("4111111111111111", true);
        check("id 5555555555554444!", true);
        check("NDExMTExMTExMTExMTExMQ==", true);
        check("34313131313131313131313131313131", true);
        check("%2541%254B%2549%2541IOSFODNN7EXAMPLE", true);
    }

    #[test]
    fn ordinary_values_are_not() {
        for value in [
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
            "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
            "Sun, 22 Nov 2026 10:00:00 GMT",
            "\"5f3c2a9b1d0e4f6a8b7c9d0e1f2a3b4c\"",
            "4111111111111112",
            "1795348799999999",
            "/api/v1/orders/1234567890123456789",
            "application/vnd.github.v3+json",
            "max-age=31536000; includeSubDomains; preload",
        ] {
            check(value, false);
        }
    }
}
