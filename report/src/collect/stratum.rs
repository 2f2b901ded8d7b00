//! Counters of one judged scope, and of one endpoint's row.

use super::SESSION_GROUPS;
use super::outcome::Class;
use crate::stats::distinct::Distinct;
use crate::stats::histogram::Histogram;
use corpus::ids::ExchangeId;
use std::collections::BTreeMap;

/// Errors within one second or one group of sessions.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Cluster {
    pub(crate) pairs: u64,
    pub(crate) candidate_only: u64,
    pub(crate) baseline_only: u64,
}

/// Counters of one judged scope. Entries of cells are baseline and candidate.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stratum {
    pub(crate) pairs: u64,
    pub(crate) exchanges: Distinct,
    pub(crate) seconds: Vec<(Histogram, Histogram)>,
    pub(crate) sessions: Vec<(Histogram, Histogram)>,
    /// Latency without the replayer's own part, over the whole run.
    pub(crate) prompt: (Histogram, Histogram),
    /// Pairs in which both sides had an error.
    pub(crate) both_errors: u64,
    pub(crate) errors_by_second: Vec<Cluster>,
    pub(crate) errors_by_session: Vec<Cluster>,
    /// Baseline outcomes that can be held against the recording.
    pub(crate) recorded_known: u64,
    /// Of those, with the recorded status.
    pub(crate) recorded_same: u64,
    /// Outcomes of the baseline, usable or not in a pair.
    pub(crate) baseline_outcomes: u64,
    /// Baseline errors that were none in the recording.
    pub(crate) baseline_fails: u64,
    /// Candidate errors where the baseline had none.
    pub(crate) candidate_fails: u64,
}

fn at<T: Clone + Default>(list: &mut Vec<T>, index: usize) -> &mut T {
    if list.len() <= index {
        list.resize(index + 1, T::default());
    }
    &mut list[index]
}

impl Stratum {
    /// Holds the baseline against the recording.
    pub(super) fn recording(&mut self, baseline: &Class<'_>, recorded: Option<u16>) {
        if baseline.excluded().is_some() {
            return;
        }
        self.baseline_outcomes += 1;
        let recorded_error = recorded.is_some_and(|status| (500..600).contains(&status));
        self.baseline_fails += u64::from(baseline.is_error() && !recorded_error);
        if let Some(recorded) = recorded {
            self.recorded_known += 1;
            self.recorded_same += u64::from(baseline.status() == Some(recorded));
        }
    }

    /// Counts a usable pair.
    pub(super) fn pair(
        &mut self,
        block: usize,
        group: usize,
        exchange: ExchangeId,
        baseline: &Class<'_>,
        candidate: &Class<'_>,
    ) {
        self.pairs += 1;
        self.exchanges.add(exchange.0);
        for cell in [at(&mut self.seconds, block), at(&mut self.sessions, group)] {
            cell.0.add(baseline.bucket());
            cell.1.add(candidate.bucket());
        }
        self.prompt.0.add(baseline.prompt_bucket());
        self.prompt.1.add(candidate.prompt_bucket());
        let (a, b) = (baseline.is_error(), candidate.is_error());
        self.both_errors += u64::from(a && b);
        self.candidate_fails += u64::from(b && !a);
        for cluster in [at(&mut self.errors_by_second, block), at(&mut self.errors_by_session, group)] {
            cluster.pairs += 1;
            cluster.candidate_only += u64::from(b && !a);
            cluster.baseline_only += u64::from(a && !b);
        }
    }

    pub(super) fn settle(&mut self) {
        let cells = self.seconds.iter_mut().chain(&mut self.sessions).chain([&mut self.prompt]);
        cells.for_each(|(a, b)| {
            a.settle();
            b.settle();
        });
    }

    /// All strata as one.
    pub(crate) fn pooled(strata: &[Stratum]) -> Stratum {
        let mut sum = Stratum::default();
        for stratum in strata {
            sum.absorb(stratum);
        }
        sum
    }

    fn absorb(&mut self, other: &Stratum) {
        self.pairs += other.pairs;
        self.exchanges.absorb(&other.exchanges);
        absorb_cells(&mut self.seconds, &other.seconds);
        absorb_cells(&mut self.sessions, &other.sessions);
        self.prompt.0.merge(&other.prompt.0);
        self.prompt.1.merge(&other.prompt.1);
        self.both_errors += other.both_errors;
        absorb_clusters(&mut self.errors_by_second, &other.errors_by_second);
        absorb_clusters(&mut self.errors_by_session, &other.errors_by_session);
        self.recorded_known += other.recorded_known;
        self.recorded_same += other.recorded_same;
        self.baseline_outcomes += other.baseline_outcomes;
        self.baseline_fails += other.baseline_fails;
        self.candidate_fails += other.candidate_fails;
    }

    /// Pairs in which only the candidate, and only the baseline, had an error.
    pub(crate) fn one_sided_errors(&self) -> (u64, u64) {
        let clusters = self.errors_by_second.iter();
        clusters.fold((0, 0), |(c, b), cluster| (c + cluster.candidate_only, b + cluster.baseline_only))
    }
}

fn absorb_cells(into: &mut Vec<(Histogram, Histogram)>, from: &[(Histogram, Histogram)]) {
    for (index, (a, b)) in from.iter().enumerate() {
        let cell = at(into, index);
        cell.0.merge(a);
        cell.1.merge(b);
    }
}

fn absorb_clusters(into: &mut Vec<Cluster>, from: &[Cluster]) {
    debug_assert!(from.len() <= SESSION_GROUPS.max(2 * 3600 + 1), "clusters are bounded");
    for (index, cluster) in from.iter().enumerate() {
        let sum = at(into, index);
        sum.pairs += cluster.pairs;
        sum.candidate_only += cluster.candidate_only;
        sum.baseline_only += cluster.baseline_only;
    }
}

/// Counters of one endpoint's row.
#[derive(Debug, Clone, Default)]
pub(crate) struct Row {
    pub(crate) planned: u64,
    pub(crate) pairs: u64,
    pub(crate) sides: [Side; 2],
}

/// One backend at one endpoint.
#[derive(Debug, Clone, Default)]
pub(crate) struct Side {
    pub(crate) latency: Histogram,
    pub(crate) errors: u64,
    /// By status; 0 stands for none.
    pub(crate) statuses: BTreeMap<u16, u64>,
}

impl Row {
    pub(super) fn pair(&mut self, baseline: &Class<'_>, candidate: &Class<'_>) {
        self.pairs += 1;
        for (side, class) in self.sides.iter_mut().zip([baseline, candidate]) {
            side.latency.add(class.bucket());
            side.errors += u64::from(class.is_error());
            *side.statuses.entry(class.status().unwrap_or(0)).or_default() += 1;
        }
    }

    pub(super) fn settle(&mut self) {
        self.sides.iter_mut().for_each(|side| side.latency.settle());
    }
}
