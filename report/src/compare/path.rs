//! Places in a JSON body, as they are shown and grouped.
//!
//! RFC 9535 shorthand with every index as `[*]` and every name that looks like an id as `{*}`, so that the
//! same field of many elements is one place.

use super::format::{self, Class};
use wire::path::Step;

/// Bytes of one name that are shown.
const MAX_NAME: usize = 128;
/// Steps that are shown; what lies deeper is one place.
const MAX_STEPS: usize = 64;

/// Writes the normalised path of `steps`.
pub(super) fn write(out: &mut String, steps: &[Step<'_>]) {
    out.push('$');
    for step in steps.iter().take(MAX_STEPS) {
        match step {
            Step::Index(_) => out.push_str("[*]"),
            Step::Name(name) => write_name(out, name),
        }
    }
    if steps.len() > MAX_STEPS {
        out.push_str("..*");
    }
}

fn write_name(out: &mut String, name: &[u8]) {
    let text = String::from_utf8_lossy(&name[..name.len().min(MAX_NAME)]);
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b >= 0x80;
    if is_id(&text) {
        out.push_str(".{*}");
    } else if !text.is_empty() && text.bytes().all(plain) && !text.as_bytes()[0].is_ascii_digit() {
        out.push('.');
        out.push_str(&text);
    } else {
        out.push_str("['");
        for character in text.chars() {
            match character {
                '\'' | '\\' => out.extend(['\\', character]),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                control if control < ' ' => out.push_str(&format!("\\u{:04x}", control as u32)),
                other => out.push(other),
            }
        }
        out.push_str("']");
    }
}

/// Digits that a token has and the name of a field hardly.
const TOKEN_DIGITS: usize = 3;

/// Whether a member name is a key of a map rather than the name of a field such as `shippingAddressLine2`.
fn is_id(name: &str) -> bool {
    let digits = name.bytes().filter(u8::is_ascii_digit).count();
    match format::class(name) {
        Class::Opaque | Class::Url | Class::Jwt => false,
        Class::Base64(_) => digits >= TOKEN_DIGITS,
        _ => digits > 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(steps: &[Step<'_>], expected: &str) {
        let mut out = String::new();
        write(&mut out, steps);
        assert_eq!(out, expected);
    }

    #[test]
    fn places_are_normalised() {
        check(&[], "$");
        check(&[Step::Name(b"items"), Step::Index(17), Step::Name(b"price")], "$.items[*].price");
        check(&[Step::Name(b"users"), Step::Name(b"6ba7b810-9dad-11d1-80b4-00c04fd430c8")], "$.users.{*}");
        check(&[Step::Name(b"2024-05-01"), Step::Name(b"42")], "$.{*}.{*}");
        check(
            &[Step::Name(b"line1"), Step::Name(b"a b"), Step::Name(b"it's\n")],
            r"$.line1['a b']['it\'s\n']",
        );
        check(&[Step::Name(b"shippingAddressLine2")], "$.shippingAddressLine2");
        check(&[Step::Name(b""), Step::Name(b"\xff\x00")], "$['']['\u{fffd}\\u0000']");
    }
}
