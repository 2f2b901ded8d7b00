//! Reasons to doubt a run, from a closed list, and which of them forbid go.
//!
//! Invariant: a run that is empty, cut, damaged, unlike the recording or judged by other rules than those fixed before
//! it never passes for evidence.

mod backends;

use crate::collect::{Counters, Excluded, Stratum};
use crate::policy::{Baseline, Policy};
use crate::stats::histogram::Histogram;
use crate::summary::{Coverage, Effect, Reason, ReasonCode};
use corpus::run::{RunEnd, RunHeader, RunSeal, Scale};
use corpus::units::Speed;
use std::collections::BTreeMap;

/// Requests that the replayer itself failed, as a share of pairs, before it is a reason to doubt.
const REPLAYER_FAILS: f64 = 0.001;
/// Exchanges of the corpus that are incomplete or damaged, as a share.
const CORPUS_INCOMPLETE: f64 = 0.1;
/// How far the load may be off what was asked for, as a share.
const PERCENT_OFF: f64 = 0.1;
/// Below this many seconds, correlation over time cannot be seen.
const SHORT_SECONDS: f64 = 60.0;

/// One run's own account.
#[derive(Debug, Clone)]
pub(crate) struct RunFacts {
    pub(crate) header: RunHeader,
    pub(crate) seal: Option<RunSeal>,
}

/// How the policy in force relates to the one that the runs were made under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PolicyStanding {
    /// The same.
    Fixed,
    /// Another one.
    Changed,
    /// The run's cannot be read.
    Unreadable,
}

/// What doubts are drawn from.
#[derive(Debug)]
pub(crate) struct Evidence<'a> {
    pub(crate) runs: &'a [RunFacts],
    pub(crate) counters: &'a Counters,
    pub(crate) overall: &'a Stratum,
    /// Endpoints judged on their own, with their counters.
    pub(crate) named: &'a [(&'a str, &'a Stratum)],
    pub(crate) coverage: &'a Coverage,
    pub(crate) policy: &'a Policy,
    pub(crate) standing: PolicyStanding,
    pub(crate) baseline: Baseline,
    /// Planned seconds of all runs.
    pub(crate) seconds: f64,
}

fn reason(code: ReasonCode, effect: Effect, text: String, remedy: &str) -> Reason {
    let remedy = (!remedy.is_empty()).then(|| remedy.to_owned());
    Reason { code, effect, text, endpoint: None, metric: None, remedy, needs: None, numbers: BTreeMap::new() }
}

fn numbered(mut reason: Reason, numbers: &[(&str, f64)]) -> Reason {
    reason.numbers =
        numbers.iter().map(|(name, value)| ((*name).to_owned(), crate::build::tidy(*value))).collect();
    reason
}

/// All reasons to doubt, those that forbid most first.
pub(crate) fn doubts(evidence: &Evidence<'_>) -> Vec<Reason> {
    let mut doubts = Vec::new();
    data(evidence, &mut doubts);
    ends(evidence, &mut doubts);
    backends::find(evidence, &mut doubts);
    replayer(evidence, &mut doubts);
    load(evidence, &mut doubts);
    scope(evidence, &mut doubts);
    notes(evidence, &mut doubts);
    doubts.sort_by_key(|reason| reason.effect);
    doubts
}

fn data(evidence: &Evidence<'_>, doubts: &mut Vec<Reason>) {
    let ledger = &evidence.counters.ledger;
    if ledger.usable() == 0 {
        let text = match ledger.pairs_planned {
            0 => "nothing was replayed at both backends".to_owned(),
            planned => format!("none of {planned} requests has an outcome at both backends"),
        };
        doubts.push(reason(
            ReasonCode::NoData,
            Effect::BlocksGo,
            text,
            "replay a corpus that holds requests the policy opens",
        ));
    }
    if ledger.damaged > 0 {
        let first = ledger.damage.first().cloned().unwrap_or_default();
        let text = format!("{} parts of the run cannot be read; the first: {first}", ledger.damaged);
        doubts.push(reason(ReasonCode::RunDamaged, Effect::BlocksGo, text, "replay again"));
        return;
    }
    for facts in evidence.runs {
        let Some(seal) = &facts.seal else { continue };
        let own_hold = seal.accounting.iter().all(corpus::run::BackendAccounting::balances);
        if !own_hold || (evidence.runs.len() == 1 && !agrees(evidence, seal)) {
            let text = "the run's accounting does not add up: outcomes were lost or invented".to_owned();
            doubts.push(reason(
                ReasonCode::AccountingBroken,
                Effect::BlocksGo,
                text,
                "report this as a defect of the tool",
            ));
        }
    }
}

fn agrees(evidence: &Evidence<'_>, seal: &RunSeal) -> bool {
    let records = &evidence.counters.ledger.backends;
    seal.accounting.iter().all(|own| match records.get(&own.role) {
        Some(balance) => balance.balances() && balance.agrees(own),
        None => own.planned == 0,
    })
}

fn ends(evidence: &Evidence<'_>, doubts: &mut Vec<Reason>) {
    for facts in evidence.runs {
        let (code, text, remedy) = match facts.seal.as_ref().and_then(|seal| seal.ended) {
            Some(RunEnd::Completed) => continue,
            None => (
                ReasonCode::PartialRun,
                "the run is unsealed: the replay did not end by itself",
                "replay again",
            ),
            Some(RunEnd::Interrupted) => {
                (ReasonCode::Interrupted, "the replay was stopped by hand", "replay again")
            }
            Some(RunEnd::FailuresInARow) => (
                ReasonCode::Breaker,
                "the replay stopped itself: a backend failed 100 times in a row",
                "look at the failing backend",
            ),
            Some(RunEnd::FailureRate) => (
                ReasonCode::Breaker,
                "the replay stopped itself: a backend failed more than 5 % of requests over 10 s",
                "look at the failing backend",
            ),
            Some(RunEnd::RecorderOverrun) => (
                ReasonCode::RecorderOverrun,
                "the disk could not keep up with the outcomes",
                "replay with --bodies sample, or onto a faster disk",
            ),
            Some(RunEnd::RecorderFailed) => (
                ReasonCode::RecorderFailed,
                "outcomes could not be written",
                "make room on the disk and replay again",
            ),
        };
        doubts.push(reason(code, Effect::BlocksGo, text.to_owned(), remedy));
    }
}

#[expect(clippy::cast_precision_loss, reason = "shares are wanted")]
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn percent(share: f64) -> String {
    format!("{} %", crate::build::tidy((share * 1000.0).round() / 10.0))
}

fn replayer(evidence: &Evidence<'_>, doubts: &mut Vec<Reason>) {
    let ledger = &evidence.counters.ledger;
    let own = ledger.excluded.get(&Excluded::Replayer).copied().unwrap_or(0);
    if own > 0 {
        let part = share(own, ledger.pairs_planned);
        let effect = if part > REPLAYER_FAILS { Effect::BlocksGo } else { Effect::Note };
        let text = format!("the replayer itself failed {own} of {} pairs", ledger.pairs_planned);
        doubts.push(reason(
            ReasonCode::ReplayerFailures,
            effect,
            text,
            "give the replayer more file descriptors or processors",
        ));
    }
    let counts =
        |role| ledger.backends.get(&role).map_or(0, |b| b.responses + b.failures.values().sum::<u64>());
    let usable = [corpus::run::Role::Baseline, corpus::run::Role::Candidate].map(counts);
    if evidence.baseline == Baseline::Live && is_imbalanced(usable, evidence.overall) {
        let text =
            format!("{} requests were sent to the baseline and {} to the candidate", usable[0], usable[1]);
        doubts.push(reason(
            ReasonCode::ArmImbalance,
            Effect::BlocksGo,
            text,
            "look at what was not sent, and why",
        ));
    }
}

/// Whether one side was sent significantly less (chi-square at 0.001), other than because it failed.
#[expect(clippy::cast_precision_loss, reason = "counts against a quantile")]
fn is_imbalanced(sent: [u64; 2], overall: &Stratum) -> bool {
    const CHI_SQUARE_0_001: f64 = 10.83;
    let failed = overall.candidate_fails + overall.baseline_fails;
    let (a, b) = (sent[0] as f64, sent[1] as f64);
    let excess = ((a - b).abs() - failed as f64).max(0.0);
    a + b > 0.0 && excess * excess / (a + b) > CHI_SQUARE_0_001
}

fn load(evidence: &Evidence<'_>, doubts: &mut Vec<Reason>) {
    for facts in evidence.runs {
        let load = &facts.header.load;
        if load.scale == Scale::Speed(Speed::Max) {
            let text = "the run was not paced (--speed max): it finds limits and is never judged".to_owned();
            doubts.push(reason(
                ReasonCode::Unpaced,
                Effect::BlocksAll,
                text,
                "replay with --percent, --rate or a finite --speed",
            ));
        }
        if let Some((asked, planned)) = off(facts) {
            let text = format!(
                "the plan has {} of the load that was asked for, which is {asked}",
                percent(planned / 100.0)
            );
            let remedy = "replay a corpus with more sessions, or for longer";
            let found = reason(ReasonCode::PercentOff, Effect::BlocksGo, text, remedy);
            doubts.push(numbered(found, &[("planned_percent_of_asked", planned)]));
        }
    }
}

/// What was asked for, and how many percent of it the plan has, where that is more than a tenth off.
fn off(facts: &RunFacts) -> Option<(String, f64)> {
    let load = &facts.header.load;
    let by_plan = match load.scale {
        Scale::Percent(asked) => load.percent_achieved.map(|got| 100.0 * got.value() / asked.value()),
        Scale::Rate(asked) => load.planned_rate.map(|got| 100.0 * got.per_second() / asked.per_second()),
        Scale::Speed(_) => None,
    };
    let said = facts.seal.as_ref().and_then(|seal| seal.warnings.get("percent_off")).copied();
    let planned = said.or(by_plan.filter(|planned| (planned / 100.0 - 1.0).abs() > PERCENT_OFF))?;
    Some((crate::build::load_in_words(&facts.header), planned))
}

fn scope(evidence: &Evidence<'_>, doubts: &mut Vec<Reason>) {
    let (coverage, needed) = (evidence.coverage, evidence.policy.coverage.value());
    if coverage.opened_exchanges > 0 && coverage.share_of_opened < needed {
        let text = format!(
            "{} of the traffic that the policy opens was replayable; {} is needed",
            percent(coverage.share_of_opened),
            percent(needed)
        );
        doubts.push(reason(
            ReasonCode::Coverage,
            Effect::BlocksGo,
            text,
            "see what was left out of the plan, and why",
        ));
    }
    if let Some(facts) = evidence.runs.first() {
        let corpus = &facts.header.corpus;
        let lost = corpus.exchanges_incomplete + corpus.exchanges_damaged;
        let part = share(lost, lost + corpus.exchanges_complete);
        if part > CORPUS_INCOMPLETE {
            let text = format!("{} of the corpus' exchanges are incomplete or damaged", percent(part));
            doubts.push(reason(
                ReasonCode::CorpusIncomplete,
                Effect::BlocksGo,
                text,
                "capture again without losing packets",
            ));
        }
    }
    let (code, text) = match evidence.standing {
        PolicyStanding::Fixed => return,
        PolicyStanding::Changed => {
            (ReasonCode::PolicyChanged, "the run was made under another policy than the one it is judged by")
        }
        PolicyStanding::Unreadable => {
            (ReasonCode::PolicyUnreadable, "the policy that the run holds cannot be read")
        }
    };
    doubts.push(reason(
        code,
        Effect::BlocksGo,
        text.to_owned(),
        "give the same --policy to replay and report",
    ));
}

fn notes(evidence: &Evidence<'_>, doubts: &mut Vec<Reason>) {
    drift(evidence, doubts);
    if evidence.baseline == Baseline::Recorded {
        let text = "the baseline is the recording: latency is not judged".to_owned();
        doubts.push(reason(ReasonCode::LatencyNotJudged, Effect::Note, text, ""));
    } else if evidence.seconds < SHORT_SECONDS && evidence.overall.pairs > 0 {
        let text = format!(
            "the run is {} s long: correlation over time cannot be seen in less than {SHORT_SECONDS} s",
            crate::build::tidy(evidence.seconds)
        );
        doubts.push(reason(ReasonCode::ShortRun, Effect::Note, text, "replay for longer"));
    }
    for facts in evidence.runs {
        for backend in facts.header.backends.iter().filter(|backend| backend.insecure) {
            let text = format!("the certificate of the {} was not checked", backend.role.name());
            doubts.push(reason(ReasonCode::Insecure, Effect::Note, text, ""));
        }
        for (name, value) in facts.seal.iter().flat_map(|seal| &seal.warnings) {
            if let Some(text) = of_replayer(name, *value) {
                let found = reason(ReasonCode::ReplayerWarning, Effect::Note, text, "");
                doubts.push(numbered(found, &[(name, *value)]));
            }
        }
    }
}

/// What the replayer says of itself, in words; `None` for what is a reason of its own already.
fn of_replayer(name: &str, value: f64) -> Option<String> {
    let number = crate::build::tidy(value);
    Some(match name {
        "percent_off" | "replayer_limit" | "corpus_damaged" => return None,
        "late" => format!("one request in a hundred left more than {:.1} ms late", value / 1000.0),
        "cpu_saturated" => {
            format!("the replayer was busy {} of the time: its machine is a limit", percent(value))
        }
        "bodies_not_kept" => {
            format!("{number} bodies were only digested because the recorder could not keep up")
        }
        _ => format!("the replayer says {name}: {number}"),
    })
}

/// The baseline's median, first half against second: said beyond a quarter, a reason to doubt beyond double.
fn drift(evidence: &Evidence<'_>, doubts: &mut Vec<Reason>) {
    let seconds = &evidence.overall.seconds;
    let (early, late) = seconds.split_at(seconds.len() / 2);
    let median = |cells: &[(Histogram, Histogram)]| {
        let mut sum = Histogram::default();
        cells.iter().for_each(|(baseline, _)| sum.merge(baseline));
        sum.quantile(0.5).us().filter(|_| sum.total() >= 100)
    };
    let (Some(early), Some(late)) = (median(early), median(late)) else { return };
    let (low, high) = (early.min(late), early.max(late));
    let absolute_us = evidence.policy.margins.p50.absolute().as_secs_f64() * 1e6;
    if evidence.baseline == Baseline::Recorded || high - low <= absolute_us || high / low <= 1.25 {
        return;
    }
    let effect = if high / low > 2.0 { Effect::BlocksGo } else { Effect::Note };
    let text = format!(
        "the baseline's median went from {early:.0} us in the first half to {late:.0} us in the second"
    );
    let found = reason(ReasonCode::BaselineDrift, effect, text, "replay when the baseline is steady");
    doubts.push(numbered(found, &[("first_half_p50_us", early), ("second_half_p50_us", late)]));
}
