//! Counters over time, by planned second: for charts, not for judgement.

use super::outcome::classify;
use crate::policy::Baseline;
use crate::stats::histogram::Histogram;
use corpus::run::{Arm, Outcome, Role, Sending};
use std::collections::BTreeMap;
use std::time::Duration;

/// One block of one backend.
#[derive(Debug, Clone, Default)]
pub(crate) struct Point {
    pub(crate) requests: u64,
    pub(crate) errors: u64,
    pub(crate) lateness_max: Duration,
    pub(crate) latency: Histogram,
}

/// All blocks of all backends, first sendings only.
#[derive(Debug, Clone, Default)]
pub(crate) struct Series {
    /// The second at which each run begins.
    pub(crate) starts: Vec<u64>,
    pub(crate) backends: BTreeMap<Role, Vec<Point>>,
}

impl Series {
    pub(super) fn count(&mut self, block: usize, arm: Arm, outcome: &Outcome, baseline: Baseline) {
        let timed = arm.role != Role::Baseline || baseline == Baseline::Live;
        let class = classify(Some(outcome));
        if arm.sending != Sending::First || class.excluded().is_some() {
            return;
        }
        let points = self.backends.entry(arm.role).or_default();
        if points.len() <= block {
            points.resize_with(block + 1, Point::default);
        }
        let point = &mut points[block];
        point.requests += 1;
        point.errors += u64::from(class.is_error());
        if timed {
            point.latency.add(class.bucket());
            point.lateness_max = point.lateness_max.max(outcome.times.lateness().unwrap_or_default());
        }
    }

    pub(super) fn settle(&mut self) {
        self.backends.values_mut().flatten().for_each(|point| point.latency.settle());
    }

    /// The number of blocks.
    pub(crate) fn len(&self) -> usize {
        self.backends.values().map(Vec::len).max().unwrap_or(0)
    }
}
