//! Classes of changed texts: another format, case, white space, a shifted time, one word for another.

use super::Change;
use super::number::of_numbers;
use crate::compare::format::{self, Class};

/// Words up to this length are named in the class of a change.
const MAX_WORD: usize = 24;

/// A changed text: the class of the change, and whether it is one of format.
pub(crate) enum TextChange {
    /// Another format class.
    Format(Change),
    /// Another value of the same class.
    Value(Change),
}

/// Classifies the change from one text to another.
pub(crate) fn of_texts(from: &str, to: &str) -> TextChange {
    if from.trim() == to.trim() {
        return TextChange::Value(Change::named("white space"));
    }
    match (from.is_empty(), to.is_empty()) {
        (true, _) => return TextChange::Value(Change::named("\"\" -> text")),
        (_, true) => return TextChange::Value(Change::named("text -> \"\"")),
        _ => {}
    }
    if from.len() == to.len() && from.eq_ignore_ascii_case(to) && !is_token(from) {
        return TextChange::Value(Change::named("case"));
    }
    if let Some((a, b)) = format::changed(from, to) {
        return TextChange::Format(Change::between(&a.to_string(), &b.to_string()));
    }
    TextChange::Value(value(from, to))
}

fn value(from: &str, to: &str) -> Change {
    if to.strip_suffix('/') == Some(from) || from.strip_suffix('/') == Some(to) {
        return Change::named("trailing slash");
    }
    if let Some(seconds) = format::shift_seconds(from, to).filter(|s| *s != 0 && s % 900 == 0) {
        return Change::told(format!("{seconds:+} s"));
    }
    if format::is_number(from) && format::is_number(to) {
        return of_numbers(from, to).change;
    }
    if is_word(from) && is_word(to) {
        return Change::between(from, to);
    }
    Change::named("another text")
}

/// Letters of other case are other values in a token.
fn is_token(text: &str) -> bool {
    matches!(format::class(text), Class::Base64(_) | Class::Jwt)
}

/// A member of an enumeration, in all likelihood: short, letters and joints only.
fn is_word(text: &str) -> bool {
    text.len() <= MAX_WORD && text.bytes().all(|b| b.is_ascii_alphabetic() || matches!(b, b'_' | b'-' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(from: &str, to: &str, expected: &str) {
        let found = match of_texts(from, to) {
            TextChange::Format(change) => format!("format {change}"),
            TextChange::Value(change) => format!("value {change}"),
        };
        assert_eq!(found, expected, "{from:?} -> {to:?}");
    }

    #[test]
    fn texts_have_classes() {
        check("", "x", "value \"\" -> text");
        check("x y", "", "value text -> \"\"");
        check("Paid", "PAID", "value case");
        check("paid ", "paid", "value white space");
        check("paid", "settled", "value paid -> settled");
        check("/orders", "/orders/", "value trailing slash");
        check("some longer text, 1", "some longer text, 2", "value another text");
        check("12.34", "12.3", "value rounded to 1 decimals");
        check("2024-05-01T10:00:00Z", "2024-05-01T11:00:00Z", "value +3600 s");
        check("2024-05-01T10:00:00Z", "2024-05-01T10:00:01Z", "value another text");
        check(
            "2024-05-01T10:00:00.123Z",
            "2024-05-01T10:00:00Z",
            "format RFC 3339 with fraction, Z -> RFC 3339, Z",
        );
        check("2024-05-01T10:00:00Z", "2024-05-01T10:00:00+02:00", "format RFC 3339, Z -> RFC 3339, offset");
        check("2024-05-01T10:00:00Z", "Wed, 01 May 2024 10:00:00 GMT", "format RFC 3339, Z -> HTTP date");
        check("1714557600123", "1714557600", "format epoch ms -> epoch s");
        check("6ba7b810-9dad-41d1-80b4-00c04fd430c8", "12345", "format UUID v4 -> number");
    }
}
