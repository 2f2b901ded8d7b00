//! What a replay tells its caller: progress on the way, a summary at the end.
//!
//! Quantiles come from histograms of fixed size. What never got an answer because of its backend stands
//! above every measured latency, so a quantile that falls among it is "above the deadline", not a number.

use crate::doubt::Doubt;
use corpus::run::{BackendAccounting, FailureKind, NotSent, Role, RunEnd, RunHeader, RunSeal};
use corpus::units::RequestRate;
use hdrhistogram::Histogram;
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// Receives progress while a replay runs; called on the caller's thread about four times a second.
pub trait Observer {
    /// Sees how far the replay is.
    fn progress(&mut self, progress: &Progress);
}

/// An observer that looks away.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn progress(&mut self, _progress: &Progress) {}
}

/// How far a replay is.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    /// Since the first planned moment.
    pub elapsed: Duration,
    /// The plan's length.
    pub duration: Duration,
    /// The plan's rate for each backend, without repeats; `None` where unpaced.
    pub planned_rate: Option<RequestRate>,
    /// One entry for each backend that is sent to.
    pub backends: Vec<BackendProgress>,
    /// The 99th percentile of lateness over all backends so far.
    pub lateness_p99: Option<Duration>,
}

/// How far one backend is.
#[derive(Debug, Clone)]
pub struct BackendProgress {
    /// The backend.
    pub role: Role,
    /// Requests sent a second since the last progress.
    pub sent_rate: f64,
    /// Requests sent so far.
    pub sent: u64,
    /// Failures and requests not sent so far.
    pub failed: u64,
    /// Requests on their way or waiting.
    pub open: u64,
    /// Median latency so far.
    pub p50: Option<Duration>,
    /// 99th percentile of latency so far.
    pub p99: Option<Duration>,
}

/// What came of a replay.
#[derive(Debug, Clone)]
pub struct RunSummary {
    /// As written into the run.
    pub header: RunHeader,
    /// As written into the run.
    pub seal: RunSeal,
    /// Each backend, in the order baseline, candidate, control.
    pub backends: Vec<BackendSummary>,
    /// Reasons of the replayer's own to doubt the run.
    pub doubts: Vec<Doubt>,
    /// Requests whose redacted credentials were left out because nothing was set in their place.
    pub redacted_dropped: u64,
    /// Interim (1xx) responses that were skipped.
    pub interim_responses: u64,
}

impl RunSummary {
    /// Why the replay ended.
    pub fn ended(&self) -> RunEnd {
        self.seal.ended.unwrap_or(RunEnd::Interrupted)
    }
}

/// One backend's figures, as `replay --json` shows them.
#[derive(Debug, Clone, Serialize)]
pub struct BackendSummary {
    /// The backend.
    pub role: Role,
    /// Its URL, or `recorded`.
    pub url: String,
    /// Requests due to it, repeats included.
    pub planned: u64,
    /// Requests of which at least one byte was sent.
    pub sent: u64,
    /// Requests not sent.
    pub not_sent: BTreeMap<NotSent, u64>,
    /// Whole responses, without 1xx.
    pub responses: u64,
    /// Failures.
    pub failures: BTreeMap<FailureKind, u64>,
    /// Requests sent again because a kept-alive connection had been closed before they were sent.
    pub retried_stale: u64,
    /// From the planned time to the end.
    pub latency_us: Quantiles,
    /// From the real send to the end.
    pub service_us: Quantiles,
    /// Waiting for the predecessor in the session.
    pub blocked_us: Quantiles,
    /// From ready to sent.
    pub lateness_us: Quantiles,
}

impl BackendSummary {
    pub(crate) fn new(url: String, accounting: &BackendAccounting, times: &TimeHistograms) -> BackendSummary {
        BackendSummary {
            role: accounting.role,
            url,
            planned: accounting.planned,
            sent: accounting.sent,
            not_sent: accounting.not_sent.clone(),
            responses: accounting.responses,
            failures: accounting.failures.clone(),
            retried_stale: accounting.retried_stale,
            latency_us: times.latency.quantiles(),
            service_us: times.service.quantiles(),
            blocked_us: times.blocked.quantiles(),
            lateness_us: times.lateness.quantiles(),
        }
    }
}

/// Quantiles in whole microseconds. `None`: too few samples, or beyond `censored_above_us`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Quantiles {
    /// Median.
    pub p50: Option<u64>,
    /// 90th percentile.
    pub p90: Option<u64>,
    /// 99th percentile.
    pub p99: Option<u64>,
    /// 99.9th percentile.
    pub p999: Option<u64>,
    /// Largest; beyond the deadline where anything is.
    pub max: Option<u64>,
    /// Where some samples are infinite: the deadline, above which nothing is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub censored_above_us: Option<u64>,
    /// Samples, infinite ones included.
    pub samples: u64,
}

/// The four times of one backend.
#[derive(Debug, Clone)]
pub(crate) struct TimeHistograms {
    pub(crate) latency: Times,
    pub(crate) service: Times,
    pub(crate) blocked: Times,
    pub(crate) lateness: Times,
}

impl TimeHistograms {
    pub(crate) fn new(deadline: Duration) -> TimeHistograms {
        let times = Times::new(deadline);
        TimeHistograms {
            latency: times.clone(),
            service: times.clone(),
            blocked: times.clone(),
            lateness: times,
        }
    }
}

/// A histogram of durations from 100 ns to an hour with three digits, and a count of infinite ones.
#[derive(Debug, Clone)]
pub(crate) struct Times {
    finite: Histogram<u64>,
    infinite: u64,
    deadline: Duration,
}

/// Nanoseconds of one step of the histogram.
const STEP: u64 = 100;

impl Times {
    pub(crate) fn new(deadline: Duration) -> Times {
        let hour = 3600 * 1_000_000_000 / STEP;
        let finite =
            Histogram::new_with_bounds(1, hour, 3).expect("bounds and digits are within the crate's");
        Times { finite, infinite: 0, deadline }
    }

    pub(crate) fn record(&mut self, time: Duration) {
        self.finite.saturating_record(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX) / STEP);
    }

    pub(crate) fn record_infinite(&mut self) {
        self.infinite += 1;
    }

    fn samples(&self) -> u64 {
        self.finite.len() + self.infinite
    }

    /// The quantile `1 - tail`, where at least one sample in expectation lies beyond it, and where it is finite.
    pub(crate) fn quantile(&self, tail: Tail) -> Option<Duration> {
        let one_in = tail.one_in();
        let samples = self.samples();
        if samples < one_in {
            return None;
        }
        let rank = samples - samples / one_in;
        self.at_rank(rank.max(1))
    }

    fn at_rank(&self, rank: u64) -> Option<Duration> {
        if rank > self.finite.len() {
            return None;
        }
        let mut below = 0;
        let value = self.finite.iter_recorded().find(|step| {
            below += step.count_since_last_iteration();
            below >= rank
        })?;
        Some(Duration::from_nanos(value.value_iterated_to() * STEP))
    }

    pub(crate) fn quantiles(&self) -> Quantiles {
        let micros =
            |time: Option<Duration>| time.map(|time| u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
        Quantiles {
            p50: micros(self.quantile(Tail::Half)),
            p90: micros(self.quantile(Tail::Tenth)),
            p99: micros(self.quantile(Tail::Hundredth)),
            p999: micros(self.quantile(Tail::Thousandth)),
            max: micros(self.samples().checked_sub(1).and_then(|last| self.at_rank(last + 1))),
            censored_above_us: (self.infinite > 0).then(|| micros(Some(self.deadline)).unwrap_or(0)),
            samples: self.samples(),
        }
    }
}

/// The share of samples beyond a quantile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tail {
    Half,
    Tenth,
    Hundredth,
    Thousandth,
}

impl Tail {
    fn one_in(self) -> u64 {
        match self {
            Tail::Half => 2,
            Tail::Tenth => 10,
            Tail::Hundredth => 100,
            Tail::Thousandth => 1000,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(finite: u64, infinite: u64, expected: [Option<u64>; 5]) {
        let mut times = Times::new(Duration::from_secs(10));
        (1..=finite).for_each(|ms| times.record(Duration::from_millis(ms)));
        (0..infinite).for_each(|_| times.record_infinite());
        let found = times.quantiles();
        let near = |found: Option<u64>, expected: Option<u64>| match (found, expected) {
            (Some(found), Some(ms)) => found.abs_diff(ms * 1000) <= ms + 1,
            (found, expected) => found.is_none() && expected.is_none(),
        };
        let all = [found.p50, found.p90, found.p99, found.p999, found.max];
        for (found, expected) in all.into_iter().zip(expected) {
            assert!(near(found, expected), "{finite}+{infinite}: {found:?} for {expected:?}");
        }
        assert_eq!(found.censored_above_us, (infinite > 0).then_some(10_000_000));
    }

    #[test]
    fn quantiles_need_samples_and_stand_below_infinity() {
        check(0, 0, [None; 5]);
        check(1, 0, [None, None, None, None, Some(1)]);
        check(100, 0, [Some(50), Some(90), Some(99), None, Some(100)]);
        check(1000, 0, [Some(500), Some(900), Some(990), Some(999), Some(1000)]);
        check(95, 5, [Some(50), Some(90), None, None, None]);
        check(0, 10, [None; 5]);
    }
}
