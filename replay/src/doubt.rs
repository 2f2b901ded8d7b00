//! Reasons of the replayer's own to doubt a run: what it measured of itself.
//!
//! Each is a name and a number in the run's seal; the report decides what follows from them.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// One reason to doubt a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Doubt {
    /// The 99th percentile of lateness is over 1 ms and over 5 % of the baseline's median service time.
    Late {
        /// That percentile.
        p99: Duration,
    },
    /// The replay's own thread had no time left.
    CpuSaturated {
        /// The share of wall time for which it ran, 0..=1.
        share: f64,
    },
    /// Requests were not sent for want of file descriptors, ports or queue places.
    ReplayerLimit {
        /// How many.
        requests: u64,
    },
    /// Bodies were not kept because the recorder could not keep up.
    BodiesNotKept {
        /// How many.
        bodies: u64,
    },
    /// The plan is more than a tenth off the load that was asked for.
    PercentOff {
        /// What it has, in percent of what was asked for.
        achieved: f64,
    },
    /// Parts of the corpus could not be read.
    CorpusDamaged {
        /// Exchanges known to be lost.
        exchanges: u64,
    },
}

impl Doubt {
    /// The name in a run's seal.
    pub fn name(self) -> &'static str {
        match self {
            Doubt::Late { .. } => "late",
            Doubt::CpuSaturated { .. } => "cpu_saturated",
            Doubt::ReplayerLimit { .. } => "replayer_limit",
            Doubt::BodiesNotKept { .. } => "bodies_not_kept",
            Doubt::PercentOff { .. } => "percent_off",
            Doubt::CorpusDamaged { .. } => "corpus_damaged",
        }
    }

    /// The number in a run's seal: microseconds, a share, a count or a percentage.
    #[expect(clippy::cast_precision_loss, reason = "counts and microseconds shown to people")]
    pub fn number(self) -> f64 {
        match self {
            Doubt::Late { p99 } => p99.as_nanos() as f64 / 1000.0,
            Doubt::CpuSaturated { share } => share,
            Doubt::ReplayerLimit { requests } => requests as f64,
            Doubt::BodiesNotKept { bodies } => bodies as f64,
            Doubt::PercentOff { achieved } => achieved,
            Doubt::CorpusDamaged { exchanges } => exchanges as f64,
        }
    }

    pub(crate) fn as_warnings(doubts: &[Doubt]) -> BTreeMap<String, f64> {
        doubts.iter().map(|doubt| (doubt.name().to_owned(), doubt.number())).collect()
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Doubt::Late { p99 } => {
                write!(f, "requests left late: 1 in 100 by more than {:.1} ms", p99.as_secs_f64() * 1000.0)
            }
            Doubt::CpuSaturated { share } => {
                write!(f, "the replayer ran {:.0} % of the time: this machine is the limit", share * 100.0)
            }
            Doubt::ReplayerLimit { requests } => {
                write!(f, "{requests} requests were not sent for want of descriptors, ports or queue places")
            }
            Doubt::BodiesNotKept { bodies } => {
                write!(f, "{bodies} bodies were only digested because the recorder could not keep up")
            }
            Doubt::PercentOff { achieved } => {
                write!(f, "the plan has {achieved:.1} % of the load that was asked for")
            }
            Doubt::CorpusDamaged { exchanges } => {
                write!(f, "the corpus is damaged: {exchanges} exchanges could not be read")
            }
        }
    }
}

/// Whether `lateness_p99` is large enough to matter beside a baseline whose median is `baseline_median`.
pub(crate) fn is_late(lateness_p99: Duration, baseline_median: Option<Duration>) -> bool {
    let share = baseline_median.map_or(Duration::ZERO, |median| median.mul_f64(0.05));
    lateness_p99 > share.max(Duration::from_millis(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(late_us: u64, median_ms: Option<u64>, expected: bool) {
        let median = median_ms.map(Duration::from_millis);
        assert_eq!(is_late(Duration::from_micros(late_us), median), expected, "{late_us} {median_ms:?}");
    }

    #[test]
    fn lateness_matters_beside_the_baseline() {
        check(900, None, false);
        check(1100, None, true);
        check(1100, Some(10), true);
        check(1100, Some(100), false);
        check(5100, Some(100), true);
    }
}
