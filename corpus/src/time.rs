//! Capture time is not replay time: two clocks, two types.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// A moment of the captured traffic: nanoseconds since 1970-01-01T00:00:00Z, from packet headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct CaptureTime(pub u64);

impl CaptureTime {
    /// The time that has passed since `earlier`, or zero where `earlier` is later (packet clocks step).
    pub fn since(self, earlier: CaptureTime) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// Shows RFC 3339 in UTC with nine decimals: `2026-11-22T10:00:00.000000001Z`.
impl fmt::Display for CaptureTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (secs, nanos) = (self.0 / 1_000_000_000, self.0 % 1_000_000_000);
        let (days, second_of_day) = (secs / 86_400, secs % 86_400);
        let (year, month, day) = civil_from_days(days);
        let (hour, minute, second) = (second_of_day / 3600, second_of_day / 60 % 60, second_of_day % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{nanos:09}Z")
    }
}

/// Year, month and day of the proleptic Gregorian calendar, from days since 1970-01-01.
///
/// Counts in 400-year eras that begin on 1 March, so that the leap day is the last day of a year.
fn civil_from_days(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

/// A moment of a replay: nanoseconds since the run's start, on the monotonic clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct RunTime(pub u64);

impl RunTime {
    /// The time that has passed since `earlier`, or zero where `earlier` is later.
    pub fn since(self, earlier: RunTime) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// The moment `by` after this one.
    pub fn after(self, by: Duration) -> RunTime {
        RunTime(self.0.saturating_add(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(nanos: u64, expected: &str) {
        assert_eq!(CaptureTime(nanos).to_string(), expected);
    }

    #[test]
    fn shows_rfc_3339() {
        check(0, "1970-01-01T00:00:00.000000000Z");
        check(951_782_400_000_000_001, "2000-02-29T00:00:00.000000001Z");
        check(1_795_348_799_999_999_999, "2026-11-22T11:59:59.999999999Z");
        check(u64::MAX, "2554-07-21T23:34:33.709551615Z");
    }
}
