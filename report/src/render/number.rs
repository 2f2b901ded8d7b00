//! Numbers for people: three significant digits, thousands apart, and never without a unit.

use std::fmt::Write as _;

/// What stands where there is no number.
pub(super) const NONE: &str = "–";

/// `12,345`.
pub(super) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 request`, `2 requests`.
pub(super) fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

/// Three significant digits, without zeros that say nothing after whole numbers of three digits and more.
fn significant(value: f64) -> String {
    let size = value.abs();
    let decimals = match size {
        s if s == 0.0 || s >= 99.95 => 0,
        s if s >= 9.995 => 1,
        s if s >= 0.9995 => 2,
        _ => 3,
    };
    if (1_000.0..1e15).contains(&size) {
        let sign = if value < 0.0 { "-" } else { "" };
        // Rounded and below 1e15: exact as an integer.
        return format!("{sign}{}", count(size.round() as u64));
    }
    format!("{value:.decimals$}")
}

/// Microseconds: `850 µs`, `12.3 ms`, `1.25 s`.
pub(super) fn latency(us: f64) -> String {
    if !us.is_finite() {
        return "∞".to_owned();
    }
    match us.abs() {
        u if u < 999.5 => format!("{} µs", significant(us)),
        u if u < 999_500.0 => format!("{} ms", significant(us / 1e3)),
        _ => format!("{} s", significant(us / 1e6)),
    }
}

/// A quantile that may lie beyond what was waited for: `> 10.0 s`.
pub(super) fn latency_or_censored(us: Option<f64>, censored_above_us: f64) -> String {
    us.map_or_else(|| format!("> {}", latency(censored_above_us)), latency)
}

/// A latency where there may be none.
pub(super) fn latency_or_none(us: Option<f64>) -> String {
    us.map_or_else(|| NONE.to_owned(), latency)
}

/// Seconds: `45 s`, `2 min 5 s`, `3 h 20 min`.
pub(super) fn seconds(value: f64) -> String {
    if !value.is_finite() {
        return "∞".to_owned();
    }
    if value < 10.0 && value.fract() != 0.0 {
        return format!("{value:.1} s");
    }
    // Not negative and far below 2^53 in any run.
    let whole = value.max(0.0).round() as u64;
    let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60);
    match (hours, minutes, rest) {
        (0, 0, s) => format!("{s} s"),
        (0, m, 0) => format!("{m} min"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, 0, _) => format!("{} h", count(h)),
        (h, m, _) => format!("{} h {m} min", count(h)),
    }
}

/// A share of 1 as percent: `37 %`, `0.12 %`.
pub(super) fn percent(share: f64) -> String {
    format!("{} %", percent_number(100.0 * share))
}

fn percent_number(percent: f64) -> String {
    let size = percent.abs();
    match size {
        0.0 => "0".to_owned(),
        s if (99.995..100.0).contains(&s) => "99.99".to_owned(),
        s if s >= 10.0 => trimmed(percent, 1),
        s if s >= 0.01 => trimmed(percent, 2),
        _ => "< 0.01".to_owned(),
    }
}

/// A number with at most `decimals` decimals and no zeros at the end.
fn trimmed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A share where there may be none.
pub(super) fn percent_or_none(share: Option<f64>) -> String {
    share.map_or_else(|| NONE.to_owned(), percent)
}

/// A change with its sign, in the given unit: `+4.2 %`, `−0.10 points`.
pub(super) fn signed(value: f64, unit: &str) -> String {
    if value == f64::INFINITY {
        return "+∞".to_owned();
    }
    let decimals = if value.abs() >= 100.0 {
        0
    } else if value.abs() >= 1.0 {
        1
    } else {
        2
    };
    let rounded = format!("{:.decimals$}", value.abs());
    let zero = rounded.chars().all(|c| matches!(c, '0' | '.'));
    let sign = if zero {
        ""
    } else if value < 0.0 {
        "−"
    } else {
        "+"
    };
    let mut out = String::with_capacity(16);
    let _ = write!(out, "{sign}{}", if zero { "0" } else { &rounded });
    if !unit.is_empty() {
        let _ = write!(out, " {unit}");
    }
    out
}

/// Requests a second.
pub(super) fn rate(per_second: f64) -> String {
    format!("{}/s", significant(per_second))
}

/// Bytes of what was left out.
pub(super) fn bytes(n: u64) -> String {
    counted(n, "byte", "bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(found: String, expected: &str) {
        assert_eq!(found, expected);
    }

    #[test]
    fn numbers_have_units_and_three_digits() {
        check(count(0), "0");
        check(count(1_234_567), "1,234,567");
        check(latency(0.5), "0.500 µs");
        check(latency(850.4), "850 µs");
        check(latency(999.7), "1.00 ms");
        check(latency(12_345.0), "12.3 ms");
        check(latency(1_250_000.0), "1.25 s");
        check(latency(5_000_000_000.0), "5,000 s");
        check(latency_or_censored(None, 10_000_000.0), "> 10.0 s");
        check(seconds(0.5), "0.5 s");
        check(seconds(45.0), "45 s");
        check(seconds(125.0), "2 min 5 s");
        check(seconds(12_000.0), "3 h 20 min");
        check(percent(0.37), "37 %");
        check(percent(0.001234), "0.12 %");
        check(percent(0.00001), "< 0.01 %");
        check(percent(0.999_99), "99.99 %");
        check(percent(1.0), "100 %");
        check(signed(4.21, "%"), "+4.2 %");
        check(signed(-0.1, "points"), "−0.10 points");
        check(signed(0.001, "points"), "0 points");
        check(signed(f64::INFINITY, "%"), "+∞");
        check(rate(499.7), "500/s");
    }
}
