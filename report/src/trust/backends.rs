//! Reasons to doubt a run that lie in its backends: a baseline unlike production, a backend that is down.

use super::{Evidence, numbered, percent, reason, share};
use crate::collect::Stratum;
use crate::policy::Baseline;
use crate::summary::{Effect, Reason, ReasonCode};

/// The baseline's statuses must agree with the recorded ones in at least this share.
const LIKE_RECORDING: f64 = 0.95;
/// The recording must know the status of at least this share of what the baseline answered.
const RECORDED_KNOWN: f64 = 0.5;
/// A backend that fails more than this share is down, not slow.
const DOWN: f64 = 0.5;
/// The baseline may fail this share of what it answered in the recording.
const BASELINE_FAILS: f64 = 0.05;

/// Finds reasons in how the backends answered.
pub(super) fn find(evidence: &Evidence<'_>, doubts: &mut Vec<Reason>) {
    if evidence.baseline == Baseline::Live {
        baseline(evidence, doubts);
    }
    let overall = evidence.overall;
    let fails = share(overall.candidate_fails, overall.pairs);
    let baseline_down = share(overall.baseline_fails, overall.baseline_outcomes) >= DOWN;
    if overall.pairs >= 10 && fails >= DOWN && !baseline_down {
        let text = format!(
            "the candidate failed {} of {} requests that the baseline answered",
            overall.candidate_fails, overall.pairs
        );
        doubts.push(reason(ReasonCode::CandidateFailing, Effect::NoGo, text, ""));
    }
}

fn baseline(evidence: &Evidence<'_>, doubts: &mut Vec<Reason>) {
    let scopes = std::iter::once((None, evidence.overall));
    let scopes = scopes.chain(evidence.named.iter().map(|(name, stratum)| (Some(*name), *stratum)));
    for (endpoint, stratum) in scopes {
        let place = endpoint.map_or_else(|| "overall".to_owned(), |name| format!("at {name}"));
        let found = baseline_failing(stratum, &place)
            .or_else(|| unlike_recording(stratum, &place))
            .or_else(|| unknown_recording(stratum, &place));
        if let Some(mut found) = found {
            found.endpoint = endpoint.map(str::to_owned);
            doubts.push(found);
        }
    }
}

fn baseline_failing(stratum: &Stratum, place: &str) -> Option<Reason> {
    let fails = share(stratum.baseline_fails, stratum.baseline_outcomes);
    let text = format!(
        "the baseline failed {} of {} requests {place} that did not fail in the recording",
        stratum.baseline_fails, stratum.baseline_outcomes
    );
    let effect = if fails >= DOWN { Effect::BlocksAll } else { Effect::BlocksGo };
    (fails > BASELINE_FAILS).then(|| {
        let found = reason(
            ReasonCode::BaselineFailing,
            effect,
            text,
            "bring the baseline into the state of the recording",
        );
        numbered(found, &[("failed_share", fails)])
    })
}

fn unlike_recording(stratum: &Stratum, place: &str) -> Option<Reason> {
    let same = share(stratum.recorded_same, stratum.recorded_known);
    let text = format!(
        "the baseline's statuses agree with the recorded ones in {} of {} requests {place}; {} is needed",
        percent(same),
        stratum.recorded_known,
        percent(LIKE_RECORDING)
    );
    let remedy = "set the credentials and data that the recording had (--header, --host-header)";
    (stratum.recorded_known > 0 && same < LIKE_RECORDING).then(|| {
        let found = reason(ReasonCode::BaselineUnlikeRecording, Effect::BlocksAll, text, remedy);
        numbered(found, &[("same_share", same)])
    })
}

fn unknown_recording(stratum: &Stratum, place: &str) -> Option<Reason> {
    let known = share(stratum.recorded_known, stratum.baseline_outcomes);
    let text = format!(
        "the recording holds a status for {} of {} requests {place}: whether the baseline answers as in production is unknown",
        stratum.recorded_known, stratum.baseline_outcomes
    );
    (stratum.baseline_outcomes > 0 && known < RECORDED_KNOWN).then(|| {
        reason(ReasonCode::NoRecordedStatuses, Effect::BlocksGo, text, "capture where responses are seen too")
    })
}
