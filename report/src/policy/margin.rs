//! Margins and levels with the spellings that people write: `10% or 2ms`, `0.1 points`, `90%`.

use corpus::units::parse_duration;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A text that should have been a margin or a level and was not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("read {text:?} as {what}: expected {expected}")]
pub struct MarginError {
    text: String,
    what: &'static str,
    expected: &'static str,
}

fn error(text: &str, what: &'static str, expected: &'static str) -> MarginError {
    MarginError { text: text.to_owned(), what, expected }
}

fn percent(text: &str) -> Option<f64> {
    let value = text.trim().strip_suffix('%')?.trim().parse::<f64>().ok()?;
    (value >= 0.0 && value.is_finite()).then_some(value)
}

/// How much slower a quantile may be: `10% or 2ms`, whichever is larger; one of the two alone is enough.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LatencyMargin {
    percent: f64,
    absolute: Duration,
}

impl LatencyMargin {
    pub(super) const fn of(percent: f64, millis: u64) -> LatencyMargin {
        LatencyMargin { percent, absolute: Duration::from_millis(millis) }
    }

    /// The relative margin as a ratio: 1.1 for 10 %.
    pub fn ratio(self) -> f64 {
        1.0 + self.percent / 100.0
    }

    /// The absolute margin.
    pub fn absolute(self) -> Duration {
        self.absolute
    }

    /// The larger of a relative and an absolute margin, as a ratio, where the baseline's quantile is `baseline_us`.
    pub(crate) fn larger(ratio: f64, absolute_us: f64, baseline_us: f64) -> f64 {
        if baseline_us > 0.0 { ratio.max((baseline_us + absolute_us) / baseline_us) } else { ratio }
    }
}

impl FromStr for LatencyMargin {
    type Err = MarginError;

    fn from_str(text: &str) -> Result<Self, MarginError> {
        let fail =
            || error(text, "a latency margin", "a percentage, a duration or both, such as \"10% or 2ms\"");
        let mut margin = LatencyMargin::of(0.0, 0);
        for part in text.split(" or ") {
            match percent(part) {
                Some(value) => margin.percent = value,
                None => margin.absolute = parse_duration(part.trim()).map_err(|_| fail())?,
            }
        }
        if margin.percent == 0.0 && margin.absolute.is_zero() { Err(fail()) } else { Ok(margin) }
    }
}

impl fmt::Display for LatencyMargin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}% or {}ms", self.percent, self.absolute.as_secs_f64() * 1e3)
    }
}

/// A margin of a share, in percentage points: `0.1 points`.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Points(f64);

impl Points {
    pub(super) const TENTH: Points = Points(0.1);

    /// Percentage points: 0.1 for a tenth.
    pub fn value(self) -> f64 {
        self.0
    }

    /// As a share: 0.001 for a tenth of a point.
    pub fn share(self) -> f64 {
        self.0 / 100.0
    }

    /// The number of exchanges without any event from which the share is proven to lie within the margin at 5 %.
    pub fn least_exchanges(self) -> u64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "above 0 and at most 3e9"
        )]
        let count = (3.0 / self.share().max(1e-9)).ceil() as u64;
        count
    }
}

impl FromStr for Points {
    type Err = MarginError;

    fn from_str(text: &str) -> Result<Self, MarginError> {
        let fail =
            || error(text, "a margin", "percentage points above 0 and up to 100, such as \"0.1 points\"");
        let digits =
            text.trim().trim_end_matches("points").trim_end_matches("point").trim_end_matches('%').trim();
        match digits.parse::<f64>() {
            Ok(value) if value > 0.0 && value <= 100.0 && digits.len() < text.trim().len() => {
                Ok(Points(value))
            }
            _ => Err(fail()),
        }
    }
}

impl fmt::Display for Points {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} points", self.0)
    }
}

/// An error level, above 0 and below one half: `5%` or `0.05`.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Level(f64);

impl Level {
    pub(super) const FIVE_PERCENT: Level = Level(0.05);

    /// The level, 0..0.5.
    pub fn value(self) -> f64 {
        self.0
    }

    /// This level shared out over `parts` decisions.
    pub fn shared(self, parts: usize) -> Level {
        #[expect(clippy::cast_precision_loss, reason = "a small count")]
        let parts = parts.max(1) as f64;
        Level(self.0 / parts)
    }
}

impl TryFrom<f64> for Level {
    type Error = MarginError;

    fn try_from(value: f64) -> Result<Level, MarginError> {
        let fail =
            || error(&value.to_string(), "an error level", "a number above 0 and below 0.5, such as 0.05");
        if value > 0.0 && value < 0.5 { Ok(Level(value)) } else { Err(fail()) }
    }
}

impl From<Level> for f64 {
    fn from(level: Level) -> f64 {
        level.0
    }
}

/// A share, 0..1, written `90%`.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Share(f64);

impl Share {
    pub(super) const NINETY_PERCENT: Share = Share(0.9);

    /// The share, 0..=1.
    pub fn value(self) -> f64 {
        self.0
    }
}

impl FromStr for Share {
    type Err = MarginError;

    fn from_str(text: &str) -> Result<Self, MarginError> {
        let fail = || error(text, "a share", "a percentage from 0% to 100%, such as 90%");
        percent(text).filter(|value| *value <= 100.0).map(|value| Share(value / 100.0)).ok_or_else(fail)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", (self.0 * 1e6).round() / 1e4)
    }
}

macro_rules! through_text {
    ($($type:ty),+) => {
        $(impl TryFrom<String> for $type {
            type Error = MarginError;

            fn try_from(text: String) -> Result<Self, MarginError> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(value: $type) -> String {
                value.to_string()
            }
        })+
    };
}

through_text!(LatencyMargin, Points, Share);

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: FromStr + fmt::Display>(input: &str, expected: Option<&str>) {
        assert_eq!(input.parse::<T>().ok().map(|value| value.to_string()).as_deref(), expected, "{input:?}");
    }

    #[test]
    fn reads_margins_as_people_write_them() {
        check::<LatencyMargin>("10% or 2ms", Some("10% or 2ms"));
        check::<LatencyMargin>("2ms or 10%", Some("10% or 2ms"));
        check::<LatencyMargin>("7.5%", Some("7.5% or 0ms"));
        check::<LatencyMargin>("1.5s", Some("0% or 1500ms"));
        for bad in ["", "10", "10% and 2ms", "-1%", "NaN%", "0%", "10% or", "inf%"] {
            check::<LatencyMargin>(bad, None);
        }
        check::<Points>("0.1 points", Some("0.1 points"));
        check::<Points>("1 point", Some("1 points"));
        check::<Points>("0.1%", Some("0.1 points"));
        for bad in ["0.1", "0%", "-1 points", "101%", "NaN%", "points"] {
            check::<Points>(bad, None);
        }
        check::<Share>("90%", Some("90%"));
        for bad in ["0.9", "101%", "-1%"] {
            check::<Share>(bad, None);
        }
        for bad in [0.0, 0.5, -0.1, f64::NAN] {
            assert!(Level::try_from(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_larger_of_both_margins_holds() {
        for (baseline_us, expected) in [(10_000.0, 1.2), (100_000.0, 1.1), (0.0, 1.1)] {
            assert!(
                (LatencyMargin::larger(1.1, 2000.0, baseline_us) - expected).abs() < 1e-12,
                "{baseline_us}"
            );
        }
    }

    #[test]
    fn a_tenth_of_a_point_needs_three_thousand() {
        assert_eq!(Points::TENTH.least_exchanges(), 3000);
    }
}
