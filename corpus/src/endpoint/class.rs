//! The fixed classes of path segments: what is plainly a value and not a word of the API.

/// Segments longer than this are values, whatever they hold.
const MAX_WORD: usize = 64;

/// Appends `segment`, or the placeholder of its class.
pub(super) fn push_segment(out: &mut String, segment: &[u8]) {
    if let Some(placeholder) = class_of(segment) {
        return out.push_str(placeholder);
    }
    if let Some((stem, extension)) = split_extension(segment)
        && let Some(placeholder) = class_of(stem)
    {
        out.push_str(placeholder);
        out.push('.');
        return super::push_plain(out, extension);
    }
    if let Some((word, value)) = split_word(segment)
        && let Some(placeholder) = class_of(value)
    {
        super::push_plain(out, word);
        return out.push_str(placeholder);
    }
    super::push_plain(out, segment);
}

/// What is of a class, and its placeholder.
type Class = (fn(&[u8]) -> bool, &'static str);

/// The placeholder of a segment that is a value as a whole.
fn class_of(segment: &[u8]) -> Option<&'static str> {
    let has_digit = segment.iter().any(u8::is_ascii_digit);
    if !has_digit {
        let plain = segment.len() <= MAX_WORD;
        return if is_email(segment) { Some("{email}") } else { (!plain).then_some("{text}") };
    }
    let classes: [Class; 9] = [
        (is_integer, "{id}"),
        (is_uuid, "{uuid}"),
        (is_date, "{date}"),
        (is_hash, "{hash}"),
        (is_ulid, "{ulid}"),
        (is_ip, "{ip}"),
        (is_number, "{number}"),
        (is_email, "{email}"),
        (is_token, "{token}"),
    ];
    let class = classes.iter().find(|(is, _)| is(segment)).map(|(_, placeholder)| *placeholder);
    class.or((segment.len() > MAX_WORD).then_some("{text}"))
}

fn is_integer(s: &[u8]) -> bool {
    let digits = s.strip_prefix(b"-").unwrap_or(s);
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
}

fn is_uuid(s: &[u8]) -> bool {
    s.len() == 36
        && s.iter().enumerate().all(|(at, b)| match at {
            8 | 13 | 18 | 23 => *b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}

/// `2026-11-22`, alone or with a time behind `T`.
fn is_date(s: &[u8]) -> bool {
    let day = s.len() >= 10
        && s[..10].iter().enumerate().all(|(at, b)| match at {
            4 | 7 => *b == b'-',
            _ => b.is_ascii_digit(),
        });
    day && (s.len() == 10 || (matches!(s[10], b'T' | b't') && s.len() <= 40))
}

/// Twelve or more hex digits, letters and digits mixed: hashes and object ids, never words.
fn is_hash(s: &[u8]) -> bool {
    s.len() >= 12 && s.iter().all(u8::is_ascii_hexdigit)
}

/// 26 characters of Crockford's base 32.
fn is_ulid(s: &[u8]) -> bool {
    let crockford =
        |b: &u8| b.is_ascii_alphanumeric() && !matches!(b.to_ascii_uppercase(), b'I' | b'L' | b'O' | b'U');
    s.len() == 26 && s[0].is_ascii_digit() && s.iter().all(crockford)
}

fn is_ip(s: &[u8]) -> bool {
    std::str::from_utf8(s).is_ok_and(|text| text.parse::<std::net::IpAddr>().is_ok())
}

fn is_number(s: &[u8]) -> bool {
    let mut parts = s.split(|b| *b == b'.');
    let both = [parts.next(), parts.next()];
    parts.next().is_none() && both.iter().all(|part| part.is_some_and(is_integer))
}

fn is_email(s: &[u8]) -> bool {
    let at = s.iter().position(|b| *b == b'@').map(|at| (at, at + 1));
    let encoded = || s.windows(3).position(|w| w.eq_ignore_ascii_case(b"%40")).map(|at| (at, at + 3));
    at.or_else(encoded).is_some_and(|(end, start)| end > 0 && s[start..].contains(&b'.'))
}

/// Long mixtures of cases and digits in the base64url alphabet: tokens, short ids.
fn is_token(s: &[u8]) -> bool {
    let alphabet = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'=' | b'.' | b'~');
    let digits = s.iter().filter(|b| b.is_ascii_digit()).count();
    let mixed = s.iter().any(u8::is_ascii_uppercase) && s.iter().any(u8::is_ascii_lowercase);
    s.len() >= 20 && digits >= 2 && s.iter().all(alphabet) && (mixed || digits * 4 >= s.len())
}

/// `12345.json` in front of and behind its last point.
fn split_extension(segment: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = segment.iter().rposition(|b| *b == b'.')?;
    let extension = &segment[at + 1..];
    let named = (1..=5).contains(&extension.len()) && extension[0].is_ascii_alphabetic();
    (named && extension.iter().all(u8::is_ascii_alphanumeric)).then_some((&segment[..at], extension))
}

/// `order-20931` as `order-` and `20931`: a word, a separator, and at least two characters behind it.
fn split_word(segment: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = segment.iter().position(|b| !b.is_ascii_alphabetic())?;
    let separated = at > 0 && matches!(segment[at], b'-' | b'_' | b':' | b'=');
    (separated && segment.len() > at + 2).then(|| segment.split_at(at + 1))
}
