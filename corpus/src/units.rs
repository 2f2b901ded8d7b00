//! Units as types, with the spellings that people use on the command line.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A text that should have been a quantity and was not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("read {text:?} as {what}: expected {expected}")]
pub struct UnitError {
    text: String,
    what: &'static str,
    expected: &'static str,
}

fn unit_error(text: &str, what: &'static str, expected: &'static str) -> UnitError {
    UnitError { text: text.to_owned(), what, expected }
}

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct ByteCount(pub u64);

impl fmt::Display for ByteCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const STEPS: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];
        let &(unit, size) = STEPS.iter().find(|(_, size)| self.0 >= *size).unwrap_or(&STEPS[3]);
        if size == 1 {
            return write!(f, "{} B", self.0);
        }
        #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
        let scaled = self.0 as f64 / size as f64;
        write!(f, "{scaled:.1} {unit}")
    }
}

/// A fraction in 0..=1, written `5%` or `0.05`.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
pub struct Fraction(f64);

impl Fraction {
    /// All of it.
    pub const ONE: Fraction = Fraction(1.0);

    /// The fraction `value`, where it lies in 0..=1.
    pub fn new(value: f64) -> Option<Fraction> {
        (0.0..=1.0).contains(&value).then_some(Fraction(value))
    }

    /// The value, 0..=1.
    pub fn value(self) -> f64 {
        self.0
    }
}

impl fmt::Display for Fraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", Percent(self.0 * 100.0))
    }
}

impl FromStr for Fraction {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let error = || unit_error(text, "a fraction", "a percentage such as 5% or a number from 0 to 1");
        let value = match text.strip_suffix('%') {
            Some(percent) => percent.trim().parse::<f64>().map_err(|_| error())? / 100.0,
            None => text.parse::<f64>().map_err(|_| error())?,
        };
        Fraction::new(value).ok_or_else(error)
    }
}

/// A percentage of production's rate: above 0, and above 100 where production is to be exceeded.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
pub struct Percent(f64);

impl Percent {
    /// Production's own rate.
    pub const HUNDRED: Percent = Percent(100.0);

    /// The percentage `value`, where it is above 0 and at most 100,000: a thousand times production.
    pub fn new(value: f64) -> Option<Percent> {
        (value > 0.0 && value <= 100_000.0).then_some(Percent(value))
    }

    /// The value: 25 for 25 %.
    pub fn value(self) -> f64 {
        self.0
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rounded = (self.0 * 1000.0).round() / 1000.0;
        write!(f, "{rounded}")
    }
}

impl FromStr for Percent {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let digits = text.strip_suffix('%').unwrap_or(text).trim();
        let value = digits.parse::<f64>().ok().and_then(Percent::new);
        value.ok_or_else(|| {
            unit_error(text, "a percentage", "a number above 0 and at most 100000, such as 25")
        })
    }
}

/// Requests a second, above 0.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
pub struct RequestRate(f64);

impl RequestRate {
    /// The rate of `per_second`, where it is above 0 and at most a hundred million.
    pub fn new(per_second: f64) -> Option<RequestRate> {
        (per_second > 0.0 && per_second <= 1e8).then_some(RequestRate(per_second))
    }

    /// Requests a second.
    pub fn per_second(self) -> f64 {
        self.0
    }
}

impl fmt::Display for RequestRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = if self.0 < 10.0 { 2 } else { usize::from(self.0 < 1000.0) };
        write!(f, "{:.digits$}/s", self.0)
    }
}

impl FromStr for RequestRate {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let (digits, per) = match text.split_once('/') {
            None | Some((_, "s")) => (text.split('/').next().unwrap_or(text), 1.0),
            Some((digits, "m")) => (digits, 60.0),
            Some(_) => ("", 1.0),
        };
        let value = digits.trim().parse::<f64>().ok().and_then(|count| RequestRate::new(count / per));
        value.ok_or_else(|| unit_error(text, "a rate", "a number above 0 with a unit, such as 500/s or 30/m"))
    }
}

/// How fast recorded time is played.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Speed {
    /// Recorded time divided by this factor.
    Times(f64),
    /// Closed loop, unpaced: for finding limits, never judged.
    Max,
}

impl FromStr for Speed {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        if text == "max" {
            return Ok(Speed::Max);
        }
        let digits = text.strip_suffix('x').unwrap_or(text);
        match digits.parse::<f64>() {
            Ok(factor) if (0.001..=1000.0).contains(&factor) => Ok(Speed::Times(factor)),
            _ => Err(unit_error(text, "a speed", "a factor from 0.001x to 1000x such as 2x, or max")),
        }
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Speed::Times(factor) => write!(f, "{factor}x"),
            Speed::Max => f.write_str("max"),
        }
    }
}

/// Reads a duration: a number with `ms`, `s`, `m` or `h`, also several in a row (`1m30s`).
///
/// # Errors
/// Where the text is no duration, or is longer than a `u64` of nanoseconds.
pub fn parse_duration(text: &str) -> Result<Duration, UnitError> {
    let error = || unit_error(text, "a duration", "a number with a unit, such as 250ms, 10s, 2m or 1h30m");
    let mut total = 0.0_f64;
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(error());
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(error)?;
        let number: f64 = rest[..digits].parse().map_err(|_| error())?;
        let after = &rest[digits..];
        let unit_len = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let seconds = match after[..unit_len].trim() {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return Err(error()),
        };
        total += number * seconds;
        rest = &after[unit_len..];
    }
    Duration::try_from_secs_f64(total).ok().filter(|d| d.as_nanos() < u128::from(u64::MAX)).ok_or_else(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: FromStr + fmt::Display>(input: &str, expected: Option<&str>) {
        assert_eq!(input.parse::<T>().ok().map(|unit| unit.to_string()).as_deref(), expected, "{input:?}");
    }

    #[test]
    fn reads_units_as_people_write_them() {
        check::<Fraction>("5%", Some("5%"));
        check::<Fraction>("0.05", Some("5%"));
        check::<Fraction>("101%", None);
        check::<Fraction>("NaN", None);
        check::<Percent>("25", Some("25"));
        check::<Percent>("250%", Some("250"));
        check::<Percent>("0", None);
        check::<RequestRate>("500/s", Some("500.0/s"));
        check::<RequestRate>("30/m", Some("0.50/s"));
        check::<RequestRate>("500/d", None);
        check::<RequestRate>("-1/s", None);
        check::<Speed>("2x", Some("2x"));
        check::<Speed>("max", Some("max"));
        check::<Speed>("0", None);
    }

    #[test]
    fn reads_durations() {
        let cases = [
            ("250ms", Some(250)),
            ("10s", Some(10_000)),
            ("1m30s", Some(90_000)),
            ("1.5h", Some(5_400_000)),
            ("10", None),
            ("", None),
            ("s", None),
            ("é", None),
            ("99999999999999999h", None),
        ];
        for (text, millis) in cases {
            assert_eq!(parse_duration(text).ok(), millis.map(Duration::from_millis), "{text:?}");
        }
    }
}
