//! Classes of changed numbers: rounded, scaled, sign, unit of time.

use super::Change;
use super::decimal::Decimal;

/// A changed number: its class, and whether its format changed with it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NumberChange {
    /// The class of the change.
    pub(crate) change: Change,
    /// Another unit of time, which noise in the value never explains.
    pub(crate) format: Option<Change>,
    /// Another sign, or whole numbers against fractions: counted apart where the value itself is noise.
    pub(crate) shape: Option<Change>,
}

/// Classifies the change from one number to another, both as written in JSON.
pub(crate) fn of_numbers(from: &str, to: &str) -> NumberChange {
    let (Some(a), Some(b)) = (Decimal::parse(from), Decimal::parse(to)) else {
        return NumberChange { change: ANOTHER, format: None, shape: None };
    };
    NumberChange { change: class(&a, &b), format: unit_of_time(&a, &b), shape: shape(&a, &b) }
}

const ANOTHER: Change = Change::named("another number");

fn class(a: &Decimal, b: &Decimal) -> Change {
    if a.is_zero() || b.is_zero() {
        return if a.is_zero() { Change::named("0 -> number") } else { Change::named("number -> 0") };
    }
    if a.negative != b.negative {
        let mirrored = a.digits == b.digits && a.exponent == b.exponent;
        return if mirrored { Change::named("sign") } else { ANOTHER };
    }
    if a.digits == b.digits {
        return scaled(b.exponent - a.exponent);
    }
    if is_rounded(a, b) {
        return Change::rounded(b.scale());
    }
    if is_rounded(b, a) {
        return Change::told(format!("{} decimals -> more", a.scale()));
    }
    ANOTHER
}

fn scaled(power: i64) -> Change {
    let sign = if power > 0 { '*' } else { '/' };
    match power.unsigned_abs() {
        magnitude @ 1..=9 => Change::told(format!("{sign} {}", 10_u64.pow(magnitude as u32))),
        _ => ANOTHER,
    }
}

/// Whether `b` is `a` with fewer decimals, however rounded: less than one unit of its last place away.
fn is_rounded(a: &Decimal, b: &Decimal) -> bool {
    let (fine, coarse) = (a.scale(), b.scale());
    if fine <= coarse {
        return false;
    }
    let (Some(exact), Some(cut)) = (a.scaled(fine), b.scaled(fine)) else { return false };
    let unit = u32::try_from(fine - coarse).ok().and_then(|power| 10_u128.checked_pow(power));
    unit.is_some_and(|unit| exact.abs_diff(cut) < unit)
}

/// Moments since 1970 by their magnitude: 10 digits are seconds from 2001 to 2286, 13 milliseconds, and so on.
fn epoch_unit(number: &Decimal) -> Option<&'static str> {
    if number.negative || !number.is_whole() {
        return None;
    }
    match number.whole_digits() {
        10 => Some("epoch s"),
        13 => Some("epoch ms"),
        16 => Some("epoch us"),
        19 => Some("epoch ns"),
        _ => None,
    }
}

fn unit_of_time(a: &Decimal, b: &Decimal) -> Option<Change> {
    let (from, to) = (epoch_unit(a)?, epoch_unit(b)?);
    (from != to).then(|| Change::between(from, to))
}

fn shape(a: &Decimal, b: &Decimal) -> Option<Change> {
    if a.is_zero() || b.is_zero() {
        return None;
    }
    match (a.negative, b.negative) {
        (false, true) => return Some(Change::named("positive -> negative")),
        (true, false) => return Some(Change::named("negative -> positive")),
        _ => {}
    }
    match (a.decimals, b.decimals) {
        (0, 0) => None,
        (0, _) => Some(Change::named("integer -> decimal")),
        (_, 0) => Some(Change::named("decimal -> integer")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(from: &str, to: &str, expected: &str) {
        let found = of_numbers(from, to);
        let part =
            |name: &str, change: Option<Change>| change.map(|c| format!("; {name}: {c}")).unwrap_or_default();
        let text = format!("{}{}{}", found.change, part("format", found.format), part("shape", found.shape));
        assert_eq!(text, expected, "{from} -> {to}");
    }

    #[test]
    fn numbers_have_classes() {
        check("12.34", "12", "rounded to 0 decimals; shape: decimal -> integer");
        check("12.34", "12.3", "rounded to 1 decimals");
        check("12.35", "12.4", "rounded to 1 decimals");
        check("19.99", "20", "rounded to 0 decimals; shape: decimal -> integer");
        check("0.005", "0.01", "rounded to 2 decimals");
        check("12", "12.34", "0 decimals -> more; shape: integer -> decimal");
        check("5", "5000", "* 1000");
        check("12.5", "1250", "* 100; shape: decimal -> integer");
        check("1.5e3", "1.5", "/ 1000");
        check("7", "-7", "sign; shape: positive -> negative");
        check("0", "7", "0 -> number");
        check("7", "0.0", "number -> 0");
        check("41", "42", "another number");
        check("-41", "42", "another number; shape: negative -> positive");
        check("1700000000123", "1700000000", "another number; format: epoch ms -> epoch s");
        check("1700000000", "1700000000000", "* 1000; format: epoch s -> epoch ms");
    }

    #[test]
    fn hostile_numbers_have_a_class() {
        let long = "9".repeat(10_000);
        check(&long, "1", "another number");
        check("1e999999999999999999999", "1", "another number");
        check("1e9999", "2e-9999", "another number");
        check("1.5e-9999", "1e-9999", "rounded to 9999 decimals; shape: decimal -> integer");
        check("", "-", "another number");
        check("1", "1e10000", "another number");
    }
}
