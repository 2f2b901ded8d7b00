//! Format classes of texts: what stays checked where a value itself is noise.
//!
//! A class is as coarse as values of one field are alike: two random tokens of one length share theirs, a
//! time in milliseconds and one in seconds do not.

use std::fmt;

/// The format class of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// RFC 3339 date and time, with or without fraction and offset.
    DateTime { fraction: bool, zone: Zone },
    /// RFC 3339 full-date.
    Date,
    /// RFC 9110 section 5.6.7, the preferred form.
    HttpDate,
    /// A moment since 1970 in the unit named.
    Epoch(&'static str),
    /// RFC 9562, with its version.
    Uuid(u8),
    /// 26 characters of Crockford's base 32.
    Ulid,
    /// Hexadecimal of this length.
    Hex(usize),
    /// Base64, padded or URL-safe, of this length.
    Base64(usize),
    /// RFC 7519: three parts, the first of which is JSON.
    Jwt,
    /// A decimal number.
    Number,
    /// An absolute http or https URL.
    Url,
    /// None of these.
    Opaque,
}

/// How an RFC 3339 time names its zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Zone {
    Utc,
    Offset,
    None,
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Class::DateTime { fraction, zone } => {
                f.write_str(if *fraction { "RFC 3339 with fraction" } else { "RFC 3339" })?;
                f.write_str(match zone {
                    Zone::Utc => ", Z",
                    Zone::Offset => ", offset",
                    Zone::None => ", no zone",
                })
            }
            Class::Date => f.write_str("date"),
            Class::HttpDate => f.write_str("HTTP date"),
            Class::Epoch(unit) => f.write_str(unit),
            Class::Uuid(version) => write!(f, "UUID v{version}"),
            Class::Ulid => f.write_str("ULID"),
            Class::Hex(len) => write!(f, "hex of {len}"),
            Class::Base64(len) => write!(f, "base64 of {len}"),
            Class::Jwt => f.write_str("JWT"),
            Class::Number => f.write_str("number"),
            Class::Url => f.write_str("URL"),
            Class::Opaque => f.write_str("text"),
        }
    }
}

/// Texts longer than this are opaque, but for JWTs.
const MAX_CLASSIFIED: usize = 512;

/// The most specific class of a text.
pub(super) fn class(text: &str) -> Class {
    let bytes = text.as_bytes();
    if is_jwt(bytes) {
        return Class::Jwt;
    }
    if text.starts_with("https://") || text.starts_with("http://") {
        return Class::Url;
    }
    if bytes.len() > MAX_CLASSIFIED {
        return Class::Opaque;
    }
    date_time(bytes)
        .or_else(|| uuid(bytes))
        .or_else(|| is_http_date(bytes).then_some(Class::HttpDate))
        .or_else(|| number(text))
        .or_else(|| token(bytes))
        .unwrap_or(Class::Opaque)
}

/// The two classes, where they are not the same and neither text would pass as the other's class.
pub(super) fn changed(from: &str, to: &str) -> Option<(Class, Class)> {
    let (a, b) = (class(from), class(to));
    if a == b || fits(from, b) || fits(to, a) {
        return None;
    }
    let plain = |class: Class| matches!(class, Class::Number | Class::Opaque | Class::Epoch(_));
    let both_epoch = matches!((a, b), (Class::Epoch(_), Class::Epoch(_)));
    if plain(a) && plain(b) && !both_epoch && (a == Class::Opaque) == (b == Class::Opaque) {
        return None;
    }
    Some((a, b))
}

/// Whether a text may be a member of a class though a more specific one was found: digits are hexadecimal.
fn fits(text: &str, class: Class) -> bool {
    let bytes = text.as_bytes();
    match class {
        Class::Hex(len) => bytes.len() == len && bytes.iter().all(u8::is_ascii_hexdigit),
        Class::Base64(len) => bytes.len() == len && bytes.iter().all(|b| is_base64(*b)),
        Class::Ulid => bytes.len() == 26 && bytes.iter().all(u8::is_ascii_alphanumeric),
        _ => false,
    }
}

/// Whether a text is a decimal number as JSON writes them, without exponent.
pub(super) fn is_number(text: &str) -> bool {
    let rest = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = rest.split_once('.').unwrap_or((rest, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    all_digits(whole) && all_digits(fraction)
}

fn number(text: &str) -> Option<Class> {
    if !is_number(text) {
        return None;
    }
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    Some(match text.len() {
        10 if plain => Class::Epoch("epoch s"),
        13 if plain => Class::Epoch("epoch ms"),
        16 if plain => Class::Epoch("epoch us"),
        19 if plain => Class::Epoch("epoch ns"),
        _ => Class::Number,
    })
}

/// Whether `bytes` follow a mask: `0` a digit, `x` a hexadecimal digit, `a` a letter, else itself.
fn follows(bytes: &[u8], mask: &[u8]) -> bool {
    bytes.len() == mask.len()
        && bytes.iter().zip(mask).all(|(byte, mask)| match mask {
            b'0' => byte.is_ascii_digit(),
            b'x' => byte.is_ascii_hexdigit(),
            b'a' => byte.is_ascii_alphabetic(),
            other => byte == other,
        })
}

fn date_time(bytes: &[u8]) -> Option<Class> {
    if follows(bytes, b"0000-00-00") {
        return Some(Class::Date);
    }
    let (date, rest) = bytes.split_at_checked(19)?;
    if !follows(date, b"0000-00-00T00:00:00") && !follows(date, b"0000-00-00 00:00:00") {
        return None;
    }
    let (fraction, zone) = match rest.strip_prefix(b".") {
        Some(digits) => {
            let len = digits.iter().take_while(|b| b.is_ascii_digit()).count();
            (len > 0, digits.get(len..)?)
        }
        None => (false, rest),
    };
    let zone = match zone {
        b"" => Zone::None,
        b"Z" | b"z" => Zone::Utc,
        offset if follows(offset, b"+00:00") || follows(offset, b"-00:00") => Zone::Offset,
        _ => return None,
    };
    Some(Class::DateTime { fraction, zone })
}

fn uuid(bytes: &[u8]) -> Option<Class> {
    let is_uuid = follows(bytes, b"xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx");
    is_uuid.then(|| Class::Uuid(char::from(bytes[14]).to_digit(16).map_or(0, |d| d as u8)))
}

fn is_http_date(bytes: &[u8]) -> bool {
    follows(bytes, b"aaa, 00 aaa 0000 00:00:00 GMT")
}

/// Header and claims are base64url of JSON objects, which begin with `eyJ`.
fn is_jwt(bytes: &[u8]) -> bool {
    bytes.starts_with(b"eyJ")
        && bytes.iter().filter(|b| **b == b'.').count() == 2
        && bytes.iter().all(|b| is_base64(*b) || *b == b'.')
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'=')
}

/// Random tokens: long enough, and of letters and digits mixed as words are not.
fn token(bytes: &[u8]) -> Option<Class> {
    let (mut digits, mut upper, mut lower) = (0, 0, 0);
    for byte in bytes {
        digits += usize::from(byte.is_ascii_digit());
        upper += usize::from(byte.is_ascii_uppercase());
        lower += usize::from(byte.is_ascii_lowercase());
    }
    let len = bytes.len();
    if len >= 8 && digits > 0 && (upper == 0 || lower == 0) && bytes.iter().all(u8::is_ascii_hexdigit) {
        return Some(Class::Hex(len));
    }
    if len == 26 && digits > 0 && lower == 0 && digits + upper == len {
        return Some(Class::Ulid);
    }
    let mixed = digits > 0 && upper > 0 && lower > 0;
    (len >= 16 && mixed && bytes.iter().all(|b| is_base64(*b))).then_some(Class::Base64(len))
}

/// Seconds from one RFC 3339 time to another of the same day's notation, where both have one.
pub(super) fn shift_seconds(from: &str, to: &str) -> Option<i64> {
    Some(seconds_of(to)? - seconds_of(from)?)
}

/// Seconds since 1 March of year 0, offsets left out.
fn seconds_of(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    matches!(date_time(bytes)?, Class::DateTime { .. }).then_some(())?;
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = year * 365 + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (month * 153 + 2) / 5
        + day;
    Some(days * 86_400 + number(11, 13)? * 3600 + number(14, 16)? * 60 + number(17, 19)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(class(text).to_string(), expected, "{text}");
    }

    #[test]
    fn texts_have_format_classes() {
        check("2024-05-01", "date");
        check("2024-05-01T10:00:00Z", "RFC 3339, Z");
        check("2024-05-01 10:00:00.5", "RFC 3339 with fraction, no zone");
        check("2024-05-01T10:00:00.5-07:00", "RFC 3339 with fraction, offset");
        check("Wed, 01 May 2024 10:00:00 GMT", "HTTP date");
        check("1714557600", "epoch s");
        check("1714557600123", "epoch ms");
        check("6ba7b810-9dad-11d1-80b4-00c04fd430c8", "UUID v1");
        check("01ARZ3NDEKTSV4RRFFQ69G5FAV", "ULID");
        check("d41d8cd98f00b204e9800998ecf8427e", "hex of 32");
        check("dGhlIHRleHQgb2YgaXQ5", "base64 of 20");
        check("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "JWT");
        check("https://example.org/", "URL");
        check("-12.5", "number");
        check("deadbeef", "text");
        check("", "text");
        check("2024-13", "text");
        check("é2024-05-01T10:00:00Z", "text");
    }

    #[test]
    fn a_digit_string_may_be_hexadecimal() {
        assert_eq!(changed("12345678", "1234567a"), None);
        assert_eq!(changed("12345", "1714557600"), None);
        assert!(changed("12345678", "123456789a").is_some());
    }
}
