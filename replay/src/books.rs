//! The accounting and the histograms of a run, kept by the recorder from what it writes.
//!
//! Invariant: `planned = sent + sum of not_sent` and `sent = responses + sum of failures` at the end of every run.

use crate::record::Arms;
use crate::summary::{BackendProgress, Progress, Tail, TimeHistograms};
use corpus::run::{BackendAccounting, Fault, Outcome, OutcomeResult, Role};
use std::collections::BTreeMap;
use std::time::Duration;

/// The accounting and the histograms of a run.
#[derive(Debug)]
pub(crate) struct Books {
    pub(crate) backends: Vec<BackendBooks>,
    shown: std::time::Instant,
    template: Progress,
}

/// The books of one backend.
#[derive(Debug)]
pub(crate) struct BackendBooks {
    pub(crate) accounting: BackendAccounting,
    pub(crate) times: TimeHistograms,
    /// Whether times mean something: not for a recorded baseline.
    pub(crate) timed: Timed,
    shown_sent: u64,
}

/// Whether a backend's times are measurements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Timed {
    Measured,
    Recorded,
}

/// How often progress is made known.
const SHOW: Duration = Duration::from_millis(250);

impl Books {
    /// Empty books; `template` holds what of the progress does not change.
    pub(crate) fn new(backends: &[(Role, Timed)], deadline: Duration, template: Progress) -> Books {
        let empty = |role| BackendAccounting {
            role,
            planned: 0,
            sent: 0,
            not_sent: BTreeMap::new(),
            responses: 0,
            failures: BTreeMap::new(),
            retried_stale: 0,
        };
        let backends = backends.iter().map(|(role, timed)| BackendBooks {
            accounting: empty(*role),
            times: TimeHistograms::new(deadline),
            timed: *timed,
            shown_sent: 0,
        });
        Books { backends: backends.collect(), shown: std::time::Instant::now(), template }
    }

    fn of(&mut self, role: Role) -> Option<&mut BackendBooks> {
        self.backends.iter_mut().find(|backend| backend.accounting.role == role)
    }

    pub(crate) fn planned(&mut self, arms: &Arms) {
        for arm in arms.iter() {
            if let Some(books) = self.of(arm.role) {
                books.accounting.planned += 1;
            }
        }
    }

    pub(crate) fn retried(&mut self, role: Role) {
        if let Some(books) = self.of(role) {
            books.accounting.retried_stale += 1;
        }
    }

    pub(crate) fn outcome(&mut self, outcome: &Outcome) {
        let Some(books) = self.of(outcome.arm.role) else { return };
        let accounting = &mut books.accounting;
        let infinite = match &outcome.result {
            OutcomeResult::Response(_) => {
                accounting.sent += 1;
                accounting.responses += 1;
                false
            }
            OutcomeResult::Failure { kind, fault, .. } => {
                accounting.sent += 1;
                *accounting.failures.entry(*kind).or_default() += 1;
                *fault == Fault::Backend
            }
            OutcomeResult::NotSent { reason, fault } => {
                *accounting.not_sent.entry(*reason).or_default() += 1;
                *fault == Fault::Backend
            }
        };
        if books.timed == Timed::Recorded {
            return;
        }
        let (times, kept) = (&outcome.times, &mut books.times);
        if infinite {
            kept.latency.record_infinite();
            kept.service.record_infinite();
        } else if matches!(outcome.result, OutcomeResult::Response(_)) {
            times.latency().into_iter().for_each(|time| kept.latency.record(time));
            times.service().into_iter().for_each(|time| kept.service.record(time));
        }
        if let Some(lateness) = times.lateness() {
            kept.blocked.record(times.blocked());
            kept.lateness.record(lateness);
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "rates are shown to people")]
    pub(crate) fn progress_if_due(&mut self) -> Option<Progress> {
        let passed = self.shown.elapsed();
        if passed < SHOW {
            return None;
        }
        self.shown = std::time::Instant::now();
        let mut news = self.template.clone();
        for books in self.backends.iter_mut().filter(|books| books.timed == Timed::Measured) {
            let accounting = &books.accounting;
            let not_sent: u64 = accounting.not_sent.values().sum();
            let failures: u64 = accounting.failures.values().sum();
            news.backends.push(BackendProgress {
                role: accounting.role,
                sent_rate: (accounting.sent - books.shown_sent) as f64 / passed.as_secs_f64(),
                sent: accounting.sent,
                failed: not_sent + failures,
                open: accounting.planned - accounting.sent - not_sent,
                p50: books.times.latency.quantile(Tail::Half),
                p99: books.times.latency.quantile(Tail::Hundredth),
            });
            news.lateness_p99 = news.lateness_p99.max(books.times.lateness.quantile(Tail::Hundredth));
            books.shown_sent = accounting.sent;
        }
        Some(news)
    }
}
