//! The balance of a run as its records show it, beside the balance that the replay wrote.

use crate::stats::histogram::{Histogram, bucket};
use corpus::run::{Arm, BackendAccounting, FailureKind, NotSent, Outcome, OutcomeResult, Role};
use std::collections::BTreeMap;

/// Why a pair was not judged. The first that applies counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Excluded {
    /// The replayer failed it.
    Replayer,
    /// Somebody stopped the replay.
    Stopped,
    /// The run holds no outcome of it.
    NoOutcome,
}

impl Excluded {
    /// The name in JSON and in tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Excluded::Replayer => "replayer",
            Excluded::Stopped => "stopped",
            Excluded::NoOutcome => "no_outcome",
        }
    }
}

/// Counts of one backend from the records.
#[derive(Debug, Clone, Default)]
pub(crate) struct Balance {
    pub(crate) planned: u64,
    pub(crate) sent: u64,
    pub(crate) responses: u64,
    pub(crate) not_sent: BTreeMap<NotSent, u64>,
    pub(crate) failures: BTreeMap<FailureKind, u64>,
    pub(crate) lateness: Histogram,
}

impl Balance {
    /// Whether both sums hold exactly.
    pub(crate) fn balances(&self) -> bool {
        self.planned == self.sent + self.not_sent.values().sum::<u64>()
            && self.sent == self.responses + self.failures.values().sum::<u64>()
    }

    /// Whether the replay's own balance says the same.
    pub(crate) fn agrees(&self, own: &BackendAccounting) -> bool {
        (self.planned, self.sent, self.responses) == (own.planned, own.sent, own.responses)
            && nonzero(&self.not_sent).eq(nonzero(&own.not_sent))
            && nonzero(&self.failures).eq(nonzero(&own.failures))
    }
}

fn nonzero<K>(counts: &BTreeMap<K, u64>) -> impl Iterator<Item = (&K, &u64)> {
    counts.iter().filter(|(_, count)| **count > 0)
}

/// Everything that was counted about the run itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ledger {
    pub(crate) backends: BTreeMap<Role, Balance>,
    pub(crate) pairs_planned: u64,
    pub(crate) excluded: BTreeMap<Excluded, u64>,
    pub(crate) noise_pairs: u64,
    /// Parts that cannot be read, the first of them by name.
    pub(crate) damaged: u64,
    pub(crate) damage: Vec<String>,
}

impl Ledger {
    pub(crate) fn count(&mut self, arm: Arm, outcome: Option<&Outcome>) {
        let balance = self.backends.entry(arm.role).or_default();
        balance.planned += 1;
        let Some(outcome) = outcome else { return };
        match &outcome.result {
            OutcomeResult::NotSent { reason, .. } => *balance.not_sent.entry(*reason).or_default() += 1,
            OutcomeResult::Response(_) => {
                balance.sent += 1;
                balance.responses += 1;
            }
            OutcomeResult::Failure { kind, .. } => {
                balance.sent += 1;
                *balance.failures.entry(*kind).or_default() += 1;
            }
        }
        if let Some(lateness) = outcome.times.lateness() {
            balance.lateness.add(bucket(lateness));
        }
    }

    pub(crate) fn settle(&mut self) {
        self.backends.values_mut().for_each(|balance| balance.lateness.settle());
    }

    /// Pairs that were judged.
    pub(crate) fn usable(&self) -> u64 {
        self.pairs_planned - self.excluded.values().sum::<u64>()
    }
}
