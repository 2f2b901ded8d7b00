//! One step's work with the true tools: a replay, then its judgement and reports.
//!
//! The walk sees this through [`Stages`] alone, so that its own rules are tested without network.

use crate::config::{ConfigError, File, Lookup};
use crate::folder;
use crate::outcome::REPORT_FILES;
use crate::plan::{self, Step};
use crate::walk::{AfterNotGo, Observer, PlannedRun, WalkError};
use corpus::Overwrite;
use corpus::run::{RunEnd, Scale};
use replay::{Progress, ReplayError, StopHandle};
use report::policy::{Baseline, Policy, gating_set};
use report::summary::{Reason, Summary, Verdict};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Everything that a walk depends on.
#[derive(Debug, Clone)]
pub struct Config {
    /// The steps, ascending.
    pub steps: Vec<Step>,
    /// Every replay as far as steps do not change it.
    pub replay: replay::Config,
    /// The policy as far as steps do not change it.
    pub policy: Policy,
    /// The folder to write to.
    pub out: PathBuf,
    /// What to do where an earlier walk is there.
    pub overwrite: Overwrite,
    /// What follows a step that is not go.
    pub after: AfterNotGo,
    /// The wall clock, nanoseconds since 1970: kept in runs for people, nothing depends on it.
    pub clock: fn() -> u64,
}

impl Config {
    /// The walk that a file describes; values named `env:NAME` come from `lookup`.
    ///
    /// # Errors
    /// Where a section is missing, a value makes no sense, or a variable is not set.
    pub fn of_file(file: &File, lookup: Lookup<'_>, clock: fn() -> u64) -> Result<Config, ConfigError> {
        let backends = file.backends.as_ref().ok_or(ConfigError::Missing { section: "backends" })?;
        let corpus = file.corpus.as_ref().ok_or(ConfigError::Missing { section: "corpus" })?;
        let baseline = backends.baseline.baseline(&backends.headers, lookup)?;
        let candidate = backends.candidate.target(&backends.headers, lookup)?;
        let mut replay = replay::Config::new(file.resolve(&corpus.file), PathBuf::new(), baseline, candidate);
        replay.control =
            backends.control.as_ref().map(|control| control.target(&backends.headers, lookup)).transpose()?;
        if backends.insecure {
            replay.certificates = replay::Certificates::Unchecked;
        }
        file.replay
            .apply(&mut replay, &file.folder)
            .map_err(|error| ConfigError::Replay { source: Box::new(error) })?;
        let out = file.canary.out.clone().unwrap_or_else(|| PathBuf::from("canary"));
        Ok(Config {
            steps: plan::steps(&file.canary)?,
            replay,
            policy: file.policy.clone(),
            out: file.resolve(&out),
            overwrite: Overwrite::Refuse,
            after: AfterNotGo::Stop,
            clock,
        })
    }

    fn policy_of(&self, step: &Step) -> Policy {
        step.gate.as_ref().map_or_else(|| self.policy.clone(), |gate| self.policy.gating_on(gate))
    }
}

/// What a walk has done for it.
pub(crate) trait Stages {
    /// Replays one part of a step into `run`; the parts of a step count from 0.
    fn replay(
        &mut self,
        step: &Step,
        part: u32,
        duration: Option<Duration>,
        run: &Path,
        observer: &mut dyn Observer,
    ) -> Result<Replayed, WalkError>;

    /// Judges the runs of a step together and writes their reports into `folder`.
    fn judge(&mut self, step: &Step, runs: &[PathBuf], folder: &Path) -> Result<Judged, WalkError>;
}

/// What a replay was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Replayed {
    /// It has a run file.
    Run {
        /// The planned duration.
        planned: Duration,
        /// Why it ended.
        ended: RunEnd,
    },
    /// The step's share of the corpus is empty.
    Nothing {
        /// What was left out.
        why: String,
    },
}

/// What a judgement was.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Judged {
    /// The verdict.
    pub(crate) verdict: Verdict,
    /// One line with verdict and coverage.
    pub(crate) headline: String,
    /// Why.
    pub(crate) reasons: Vec<Reason>,
}

/// The tools themselves.
pub(crate) struct TrueStages {
    config: Config,
    stop: StopHandle,
}

impl TrueStages {
    pub(crate) fn new(config: Config, stop: StopHandle) -> TrueStages {
        TrueStages { config, stop }
    }
}

impl Stages for TrueStages {
    fn replay(
        &mut self,
        step: &Step,
        part: u32,
        duration: Option<Duration>,
        run: &Path,
        observer: &mut dyn Observer,
    ) -> Result<Replayed, WalkError> {
        let failed = |source| WalkError::Replay { percent: step.percent, source };
        let mut config = self.config.replay.clone();
        config.output = run.to_owned();
        config.scale = Scale::Percent(step.percent);
        config.duration = duration;
        // Another seed picks other sessions: below 100 % a step that goes on finds new exchanges, not repeats.
        config.seed = config.seed.wrapping_add(u64::from(part));
        config.started_unix_ns = (self.config.clock)();
        let live = match config.baseline {
            replay::Baseline::Backend(_) => Baseline::Live,
            replay::Baseline::Recorded => Baseline::Recorded,
        };
        let mut prepared = match replay::prepare(config) {
            Err(ReplayError::NothingToSend { reason, .. }) => {
                return Ok(Replayed::Nothing { why: format!("nothing to send, {reason}") });
            }
            other => other.map_err(failed)?,
        };
        let policy = self.config.policy_of(step);
        let header = prepared.header();
        policy
            .check_endpoints(&header.endpoints)
            .map_err(|source| WalkError::Policy { percent: step.percent, source })?;
        let planned = header.load.duration;
        if part == 0 {
            let gating = gating_set(&policy, &header.endpoints, live);
            let planned =
                PlannedRun { requests: header.planned_requests, duration: planned, gating: &gating };
            observer.begins(step, &planned);
        }
        prepared.fix_policy(policy.canonical_json());
        let summary = prepared.run(&mut Relay(observer), &self.stop).map_err(failed)?;
        Ok(Replayed::Run { planned, ended: summary.ended() })
    }

    fn judge(&mut self, step: &Step, runs: &[PathBuf], folder: &Path) -> Result<Judged, WalkError> {
        let policy = Some(self.config.policy_of(step));
        let config = report::Config { runs: runs.to_vec(), policy, seed: report::DEFAULT_SEED };
        let summary =
            report::build(&config).map_err(|source| WalkError::Judge { percent: step.percent, source })?;
        for (kind, name) in REPORT_FILES {
            folder::write(&folder.join(name), rendered(kind, &summary).as_bytes())?;
        }
        Ok(Judged { verdict: summary.verdict, headline: summary.headline, reasons: summary.reasons })
    }
}

fn rendered(kind: &str, summary: &Summary) -> String {
    match kind {
        "html" => report::render::html(summary),
        "junit" => report::render::junit(summary),
        "markdown" => report::render::markdown(summary),
        _ => report::render::json(summary),
    }
}

/// A replay's progress, passed on to who sees the walk.
struct Relay<'a>(&'a mut dyn Observer);

impl replay::Observer for Relay<'_> {
    fn progress(&mut self, progress: &Progress) {
        self.0.progress(progress);
    }
}
