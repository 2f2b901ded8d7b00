//! What one outcome means for the judgement.

use super::ledger::Excluded;
use crate::stats::histogram::{NEVER, bucket};
use corpus::run::{Fault, Outcome, OutcomeResult, RecordedResponse};
use std::time::Duration;

/// An outcome, classed.
#[derive(Debug)]
pub(crate) enum Class<'a> {
    /// A whole response.
    Answered {
        response: &'a RecordedResponse,
        /// From the planned time.
        latency: Duration,
        /// The part of it that is the replayer's own doing.
        lateness: Duration,
    },
    /// No whole response, and the backend's doing: slower than everything.
    Failed,
    /// Not the backend's doing: no measurement.
    Excluded(Excluded),
}

/// Classes an outcome; none at all is no measurement.
pub(crate) fn classify(outcome: Option<&Outcome>) -> Class<'_> {
    let Some(outcome) = outcome else { return Class::Excluded(Excluded::NoOutcome) };
    let fault = match &outcome.result {
        OutcomeResult::Response(response) => {
            let latency = outcome.times.latency().unwrap_or_default();
            return Class::Answered {
                response,
                latency,
                lateness: outcome.times.lateness().unwrap_or_default(),
            };
        }
        OutcomeResult::Failure { fault, .. } | OutcomeResult::NotSent { fault, .. } => fault,
    };
    match fault {
        Fault::Backend => Class::Failed,
        Fault::Replayer => Class::Excluded(Excluded::Replayer),
        Fault::Operator => Class::Excluded(Excluded::Stopped),
    }
}

impl Class<'_> {
    pub(crate) fn excluded(&self) -> Option<Excluded> {
        match self {
            Class::Excluded(why) => Some(*why),
            Class::Answered { .. } | Class::Failed => None,
        }
    }

    /// The status; `None` where no response came.
    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            Class::Answered { response, .. } => Some(response.status),
            Class::Failed | Class::Excluded(_) => None,
        }
    }

    /// A server error, or no whole response by the backend's doing.
    pub(crate) fn is_error(&self) -> bool {
        match self {
            Class::Answered { response, .. } => (500..600).contains(&response.status),
            Class::Failed => true,
            Class::Excluded(_) => false,
        }
    }

    pub(crate) fn latency(&self) -> Option<Duration> {
        match self {
            Class::Answered { latency, .. } => Some(*latency),
            Class::Failed | Class::Excluded(_) => None,
        }
    }

    /// The bucket of its latency.
    pub(crate) fn bucket(&self) -> u16 {
        self.latency().map_or(NEVER, bucket)
    }

    /// The bucket of its latency without the replayer's own part.
    pub(crate) fn prompt_bucket(&self) -> u16 {
        match self {
            Class::Answered { latency, lateness, .. } => bucket(latency.saturating_sub(*lateness)),
            Class::Failed | Class::Excluded(_) => NEVER,
        }
    }
}
