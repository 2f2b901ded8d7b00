//! Why a replay ends before its plan does: somebody asks, or a backend fails too often.
//!
//! Failures here are what the backend did; a response of any status is none.

use corpus::run::RunEnd;
use corpus::time::RunTime;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Notify;

/// Stops a replay from another thread. Clones stop the same replay.
#[derive(Debug, Clone, Default)]
pub struct StopHandle(Arc<StopState>);

#[derive(Debug, Default)]
struct StopState {
    asked: AtomicBool,
    notify: Notify,
}

impl StopHandle {
    /// A handle that has not been used.
    pub fn new() -> StopHandle {
        StopHandle::default()
    }

    /// Asks for the end: nothing more is sent, and what was done stands in a valid run.
    pub fn stop(&self) {
        self.0.asked.store(true, Ordering::Release);
        self.0.notify.notify_one();
    }

    /// Whether somebody has asked.
    pub fn is_stopped(&self) -> bool {
        self.0.asked.load(Ordering::Acquire)
    }

    /// Ends when somebody asks.
    pub(crate) async fn stopped(&self) {
        while !self.is_stopped() {
            self.0.notify.notified().await;
        }
    }
}

/// Failures in a row at one backend that stop a run.
const IN_A_ROW: u32 = 100;
/// The share of failures that stops a run.
const SHARE: f64 = 0.05;
/// Over this many seconds.
const SECONDS: usize = 10;
/// Of at least this many requests.
const AT_LEAST: u64 = 100;

/// Watches one backend.
#[derive(Debug, Clone, Default)]
pub(crate) struct Breaker {
    in_a_row: u32,
    /// Requests and failures that ended in each of the last seconds, by second modulo the length.
    seconds: [(u64, u64); SECONDS],
    second: u64,
}

/// How a request ended, as the breaker sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// With a response.
    Well,
    /// With a failure of the backend's.
    Badly,
}

impl Breaker {
    /// Takes note of a request that ended at `now`; says whether the run must stop.
    pub(crate) fn note(&mut self, now: RunTime, ended: Ended) -> Option<RunEnd> {
        self.turn_to(now.0 / 1_000_000_000);
        let index = self.index(self.second);
        let (all, failed) = &mut self.seconds[index];
        *all += 1;
        if ended == Ended::Well {
            self.in_a_row = 0;
            return None;
        }
        *failed += 1;
        self.in_a_row += 1;
        if self.in_a_row >= IN_A_ROW {
            return Some(RunEnd::FailuresInARow);
        }
        self.too_many().then_some(RunEnd::FailureRate)
    }

    fn index(&self, second: u64) -> usize {
        usize::try_from(second).unwrap_or(0) % SECONDS
    }

    fn turn_to(&mut self, second: u64) {
        let first = (self.second + 1).max((second + 1).saturating_sub(SECONDS as u64));
        for passed in first..=second {
            let index = self.index(passed);
            self.seconds[index] = (0, 0);
        }
        self.second = self.second.max(second);
    }

    /// Only once the whole span has been seen.
    #[expect(clippy::cast_precision_loss, reason = "a share of counts")]
    fn too_many(&self) -> bool {
        let all: u64 = self.seconds.iter().map(|(all, _)| all).sum();
        let failed: u64 = self.seconds.iter().map(|(_, failed)| failed).sum();
        let seen = self.second + 1 >= SECONDS as u64;
        seen && all >= AT_LEAST && failed as f64 > SHARE * all as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Requests at `rate` a second for `seconds`, one in `one_in` failing (0: none).
    fn check(rate: u64, seconds: u64, one_in: u64, expected: Option<RunEnd>) {
        let mut breaker = Breaker::default();
        let found = (0..rate * seconds).find_map(|n| {
            let failed = one_in > 0 && n % one_in == 0;
            let ended = if failed { Ended::Badly } else { Ended::Well };
            breaker.note(RunTime(n * 1_000_000_000 / rate), ended)
        });
        assert_eq!(found, expected, "{rate}/s for {seconds} s, one in {one_in}");
    }

    #[test]
    fn stops_by_share_or_by_row() {
        check(100, 60, 0, None);
        check(100, 60, 1, Some(RunEnd::FailuresInARow));
        check(100, 60, 10, Some(RunEnd::FailureRate));
        check(100, 9, 10, None);
        check(100, 60, 25, None);
        check(5, 60, 2, None);
    }

    #[test]
    fn old_failures_are_forgotten() {
        let mut breaker = Breaker::default();
        for n in 0..90 {
            assert_eq!(breaker.note(RunTime(n), Ended::Badly), None);
        }
        for n in 0..2000_u64 {
            assert_eq!(breaker.note(RunTime(20_000_000_000 + n), Ended::Well), None);
        }
        assert_eq!(breaker.note(RunTime(21_000_000_000), Ended::Badly), None);
    }
}
