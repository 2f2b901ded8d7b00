//! Reasons: a closed list of codes, each with a text, its numbers and what would decide it.

use super::Needs;
use serde::Serialize;
use std::collections::BTreeMap;

/// One reason for the verdict, or one warning.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reason {
    /// From the closed list.
    pub code: ReasonCode,
    /// What it does to the verdict.
    pub effect: Effect,
    /// One sentence with its numbers and units.
    pub text: String,
    /// The endpoint it is about; null for the whole run.
    pub endpoint: Option<String>,
    /// The id of the metric it is about.
    pub metric: Option<String>,
    /// What to do about it, in one sentence.
    pub remedy: Option<String>,
    /// What would decide it.
    pub needs: Option<Needs>,
    /// The numbers in the text, by name with unit.
    pub numbers: BTreeMap<String, f64>,
}

/// What a reason does to the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// It makes the verdict no-go.
    NoGo,
    /// It forbids go, and no-go as well: nothing that was measured can be trusted.
    BlocksAll,
    /// It forbids go.
    BlocksGo,
    /// It is said, and changes nothing.
    Note,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident => $name:literal),+ $(,)?) => {
        /// Why a verdict is what it is. A closed list: names may be added, not changed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        pub enum ReasonCode {
            $($(#[$doc])* #[serde(rename = $name)] $variant),+
        }

        impl ReasonCode {
            /// Every code, in the order of the declaration.
            pub const ALL: &'static [ReasonCode] = &[$(ReasonCode::$variant),+];

            /// The name in JSON and in tables.
            pub fn name(self) -> &'static str {
                match self { $(ReasonCode::$variant => $name),+ }
            }
        }
    };
}

codes! {
    /// Go: every gating metric is within its margin.
    WithinMargins => "within_margins",
    /// No-go: a metric is beyond its margin.
    Worse => "worse",
    /// No-go: the candidate answered less than half of the requests that the baseline answered.
    CandidateFailing => "candidate_failing",
    /// Nothing was replayed, or nothing that can be compared.
    NoData => "no_data",
    /// Too few distinct exchanges for this metric.
    InsufficientSamples => "insufficient_samples",
    /// The interval reaches across the margin.
    IntervalTooWide => "interval_too_wide",
    /// The run is too short for an interval over time.
    TooFewBlocks => "too_few_blocks",
    /// Too few sessions for an interval over sessions.
    TooFewSessions => "too_few_sessions",
    /// The replayer sent so late that the metric's decision could be its own doing.
    GeneratorLag => "generator_lag",
    /// The replayer itself failed requests.
    ReplayerFailures => "replayer_failures",
    /// One backend got more usable requests than the other.
    ArmImbalance => "arm_imbalance",
    /// The baseline changed during the run by more than a margin.
    BaselineDrift => "baseline_drift",
    /// The baseline does not answer as it did in the recording.
    BaselineUnlikeRecording => "baseline_unlike_recording",
    /// The recording has too few responses to know how the baseline should answer.
    NoRecordedStatuses => "no_recorded_statuses",
    /// The baseline fails requests that it answered in the recording.
    BaselineFailing => "baseline_failing",
    /// Too little of the traffic that the policy opens was replayed.
    Coverage => "coverage",
    /// The run file is unsealed: the replay was killed.
    PartialRun => "partial_run",
    /// The run was ended by hand.
    Interrupted => "interrupted",
    /// The run was ended because a backend failed too often.
    Breaker => "breaker",
    /// The recorder could not keep up.
    RecorderOverrun => "recorder_overrun",
    /// The recorder could not write.
    RecorderFailed => "recorder_failed",
    /// Parts of the run file are damaged.
    RunDamaged => "run_damaged",
    /// A sum of the run's accounting does not hold: the tool is broken.
    AccountingBroken => "accounting_broken",
    /// Too many bodies differ by digest and were not kept.
    BodiesNotCompared => "bodies_not_compared",
    /// Without control or repeats, differing values cannot be told from noise.
    NoNoiseData => "no_noise_data",
    /// The run was not paced.
    Unpaced => "unpaced",
    /// The load is more than a tenth off what was asked for.
    PercentOff => "percent_off",
    /// The corpus lacks much of what was captured.
    CorpusIncomplete => "corpus_incomplete",
    /// The run was made under another policy than the one it is judged by.
    PolicyChanged => "policy_changed",
    /// The run holds a policy that this version cannot read.
    PolicyUnreadable => "policy_unreadable",
    /// An endpoint marked critical has no requests.
    CriticalMissing => "critical_missing",
    /// An ignore rule matched nothing.
    DeadRule => "dead_rule",
    /// An endpoint has too few requests to be proven on its own.
    NotProvenAlone => "not_proven_alone",
    /// The baseline is the recording: latency is not judged.
    LatencyNotJudged => "latency_not_judged",
    /// The run is too short for correlation over time to be seen.
    ShortRun => "short_run",
    /// The certificate of a backend was not checked.
    Insecure => "insecure",
    /// A reason of the replayer's own to doubt the run.
    ReplayerWarning => "replayer_warning",
}
