//! JSON numbers as decimals: compared by value, however large, without ever writing them out.
//!
//! A value is `0.d1 d2 .. dn` times ten to the `exponent`, with `d1` and `dn` not zero. Invariant: work
//! is linear in the spelling, also for `1e999999999`.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

/// A number as it is spelt in the text.
#[derive(Debug, Clone, Copy)]
pub struct Number<'t> {
    text: &'t [u8],
}

/// A number's parts, without zeros that do not count.
struct Decimal<'t> {
    negative: bool,
    whole: &'t [u8],
    fraction: &'t [u8],
    exponent: Exponent<'t>,
}

/// The power of ten; beyond 36 digits the spelling, so that equal means equally spelt there.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Exponent<'t> {
    Exact(i128),
    Vast { negative: bool, digits: &'t [u8], shift: i128 },
}

impl<'t> Number<'t> {
    /// A number out of a text that the parser has checked.
    pub(super) fn of_valid(text: &'t [u8]) -> Self {
        Self { text }
    }

    /// A number spelt by RFC 8259, else `None`.
    pub fn parse(text: &'t str) -> Option<Self> {
        let tree = super::Tree::parse(text.as_bytes(), &super::JsonLimits::default()).ok()?;
        let whole =
            matches!(tree.root().value(), super::Value::Number(_)) && tree.root().span() == (0..text.len());
        whole.then_some(Self { text: text.as_bytes() })
    }

    /// The spelling.
    pub fn text(self) -> &'t str {
        std::str::from_utf8(self.text).unwrap_or_default()
    }

    /// The nearest double; infinite beyond its range.
    pub fn to_f64(self) -> f64 {
        self.text().parse().unwrap_or(f64::NAN)
    }

    fn decimal(self) -> Decimal<'t> {
        let (negative, rest) = match self.text {
            [b'-', rest @ ..] => (true, rest),
            rest => (false, rest),
        };
        let (mantissa, power) = split_at_any(rest, b"eE");
        let (whole, fraction) = split_at_any(mantissa, b".");
        let whole = trim_start_zeros(whole);
        let mut fraction = trim_end_zeros(fraction);
        let mut shift = whole.len() as i128;
        if whole.is_empty() {
            let trimmed = trim_start_zeros(fraction);
            shift = -((fraction.len() - trimmed.len()) as i128);
            fraction = trimmed;
        }
        let whole = if fraction.is_empty() { trim_end_zeros(whole) } else { whole };
        if whole.is_empty() && fraction.is_empty() {
            return Decimal { negative: false, whole, fraction, exponent: Exponent::Exact(0) };
        }
        Decimal { negative, whole, fraction, exponent: exponent(power, shift) }
    }
}

fn split_at_any<'t>(text: &'t [u8], separators: &[u8]) -> (&'t [u8], &'t [u8]) {
    match text.iter().position(|b| separators.contains(b)) {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, &[]),
    }
}

fn trim_start_zeros(digits: &[u8]) -> &[u8] {
    &digits[digits.iter().take_while(|b| **b == b'0').count()..]
}

fn trim_end_zeros(digits: &[u8]) -> &[u8] {
    &digits[..digits.len() - digits.iter().rev().take_while(|b| **b == b'0').count()]
}

fn exponent(power: &[u8], shift: i128) -> Exponent<'_> {
    let (negative, digits) = match power {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    let digits = trim_start_zeros(digits);
    if digits.len() > 36 {
        return Exponent::Vast { negative, digits, shift };
    }
    let magnitude = digits.iter().fold(0_i128, |value, digit| value * 10 + i128::from(digit - b'0'));
    Exponent::Exact(if negative { shift - magnitude } else { shift + magnitude })
}

impl Ord for Exponent<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let size = |exponent: &Self| match exponent {
            Exponent::Exact(_) => 0,
            Exponent::Vast { negative: true, .. } => -1,
            Exponent::Vast { negative: false, .. } => 1,
        };
        match (self, other) {
            (Exponent::Exact(a), Exponent::Exact(b)) => a.cmp(b),
            (
                Exponent::Vast { negative: a_negative, digits: a, shift: a_shift },
                Exponent::Vast { negative: b_negative, digits: b, shift: b_shift },
            ) if a_negative == b_negative => {
                let magnitude = a.len().cmp(&b.len()).then_with(|| a.cmp(b));
                let magnitude = if *a_negative { magnitude.reverse() } else { magnitude };
                magnitude.then_with(|| a_shift.cmp(b_shift))
            }
            _ => size(self).cmp(&size(other)),
        }
    }
}

impl PartialOrd for Exponent<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<'t> Decimal<'t> {
    fn digits(&self) -> impl Iterator<Item = &'t u8> + use<'t> {
        self.whole.iter().chain(self.fraction)
    }

    fn is_zero(&self) -> bool {
        self.whole.is_empty() && self.fraction.is_empty()
    }

    fn cmp_magnitude(&self, other: &Self) -> Ordering {
        match (self.is_zero(), other.is_zero()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => {
                self.exponent.cmp(&other.exponent).then_with(|| self.digits().cmp(other.digits()))
            }
        }
    }
}

impl Ord for Number<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        if self.text == other.text {
            return Ordering::Equal;
        }
        let (a, b) = (self.decimal(), other.decimal());
        match (a.negative, b.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => a.cmp_magnitude(&b),
            (true, true) => b.cmp_magnitude(&a),
        }
    }
}

impl PartialOrd for Number<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Number<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Number<'_> {}

impl Hash for Number<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let decimal = self.decimal();
        (decimal.negative, decimal.exponent).hash(state);
        // Eighteen digits fit a word; a leading one keeps their number apart.
        let mut word = 1_u64;
        for digit in decimal.digits() {
            if word >= 1_000_000_000_000_000_000 {
                state.write_u64(word);
                word = 1;
            }
            word = word * 10 + u64::from(digit - b'0');
        }
        state.write_u64(word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(a: &str, b: &str, expected: Ordering) {
        let (a, b) = (Number::parse(a).unwrap(), Number::parse(b).unwrap());
        assert_eq!(a.cmp(&b), expected, "{a:?} {b:?}");
        assert_eq!(b.cmp(&a), expected.reverse(), "{b:?} {a:?}");
        assert_eq!(a == b, expected == Ordering::Equal);
    }

    #[test]
    fn numbers_compare_by_decimal_value() {
        use Ordering::{Equal, Greater, Less};
        for same in ["1", "1.0", "1e0", "10E-1", "0.1e+1", "0.0001e4", "1000e-0003"] {
            check("1", same, Equal);
        }
        check("0", "-0.0e99999999999999999999999999999999999999999", Equal);
        check("9007199254740993", "9007199254740992", Greater);
        check("0.1", "0.10000000000000001", Less);
        check("-2", "1", Less);
        check("-2", "-1", Less);
        check("0", "1e-999999999999999999", Less);
        check("1e999999999", "1e1000000000", Less);
        check(
            "1e99999999999999999999999999999999999999999",
            "1e99999999999999999999999999999999999999998",
            Greater,
        );
        check("1e-99999999999999999999999999999999999999999", "1e-9", Less);
        check("12e3", "1.3e4", Less);
        assert_eq!(Number::parse(" 1").map(Number::text), None);
    }
}
