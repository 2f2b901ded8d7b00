//! The walk: step -> replay -> report -> next or stop.
//!
//! Invariant: the index on disk is true at every moment, and a walk is go only where every step is.

use crate::evidence::{self, Next};
use crate::folder::{self, FolderError, INDEX_HTML, INDEX_JSON};
use crate::index;
use crate::outcome::{Reports, StepResult, Walk, WalkEnd, worst};
use crate::plan::Step;
use crate::stages::{Config, Judged, Replayed, Stages, TrueStages};
use corpus::run::RunEnd;
use replay::{Progress, ReplayError, StopHandle};
use report::summary::{GatingSet, Verdict};
use std::path::PathBuf;
use std::time::Duration;

/// Below this, going on gives nothing that a judge could use.
const SHORTEST_PART: Duration = Duration::from_secs(1);

/// Sees a walk happen; called on the walk's thread.
pub trait Observer {
    /// A step begins: what it asks of the backends and what gates, before its first request.
    fn begins(&mut self, step: &Step, planned: &PlannedRun<'_>);
    /// A replay is this far.
    fn progress(&mut self, progress: &Progress);
    /// A step lacks evidence and goes on.
    fn goes_on(&mut self, step: &Step, needs: &[String]);
    /// A step was judged and its reports are written.
    fn ends(&mut self, result: &StepResult);
}

/// A replay that is about to begin.
#[derive(Debug, Clone, Copy)]
pub struct PlannedRun<'a> {
    /// Requests for each backend, without repeats.
    pub requests: u64,
    /// How long it takes.
    pub duration: Duration,
    /// What gates, with margins: fixed from here on.
    pub gating: &'a GatingSet,
}

/// Why a walk could not do its work. A backend that fails is a verdict, never one of these.
#[derive(Debug, thiserror::Error)]
pub enum WalkError {
    /// The folder cannot be used.
    #[error("prepare the walk's folder")]
    Folder(#[from] FolderError),
    /// A replay could not be done.
    #[error("replay step {percent} %")]
    Replay {
        /// The step.
        percent: corpus::units::Percent,
        /// Why not.
        source: ReplayError,
    },
    /// The policy names what the corpus does not have.
    #[error("apply the policy at step {percent} %")]
    Policy {
        /// The step.
        percent: corpus::units::Percent,
        /// Why not.
        source: report::policy::PolicyError,
    },
    /// Runs could not be judged.
    #[error("judge step {percent} %")]
    Judge {
        /// The step.
        percent: corpus::units::Percent,
        /// Why not.
        source: report::ReportError,
    },
}

/// Walks the steps.
///
/// # Errors
/// Where a replay or a report could not be made, or the folder cannot be written. The index then holds the
/// steps before; where there are none, nothing is left behind.
pub fn walk(config: Config, observer: &mut dyn Observer, stop: &StopHandle) -> Result<Walk, WalkError> {
    folder::prepare(&config.out, config.overwrite)?;
    let (steps, after, out) = (config.steps.clone(), config.after, config.out.clone());
    let mut stages = TrueStages::new(config, stop.clone());
    Walker { stages: &mut stages, observer, stop, out }.walk(&steps, after)
}

/// What follows a step that is not go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterNotGo {
    /// The walk stops.
    Stop,
    /// The next step is walked all the same.
    KeepGoing,
}

struct Walker<'a> {
    stages: &'a mut dyn Stages,
    observer: &'a mut dyn Observer,
    stop: &'a StopHandle,
    out: PathBuf,
}

impl Walker<'_> {
    fn walk(&mut self, steps: &[Step], after: AfterNotGo) -> Result<Walk, WalkError> {
        let mut done: Vec<StepResult> = Vec::new();
        self.write_index(&done, steps, WalkEnd::Walking)?;
        for step in steps {
            if self.stop.is_stopped() {
                break;
            }
            let result = match self.step(step) {
                Ok(result) => result,
                Err(error) => return Err(self.give_up(&done, steps, step, error)),
            };
            self.observer.ends(&result);
            let stops = result.verdict != Verdict::Go && after == AfterNotGo::Stop;
            done.push(result);
            let end = match stops {
                _ if done.len() == steps.len() => WalkEnd::Complete,
                true => WalkEnd::StoppedAtStep,
                false => WalkEnd::Walking,
            };
            let walk = self.write_index(&done, steps, end)?;
            if end != WalkEnd::Walking && !self.stop.is_stopped() {
                return Ok(walk);
            }
        }
        self.write_index(&done, steps, WalkEnd::Interrupted)
    }

    /// Replays and judges one step, going on while only evidence is lacking and its longest window allows.
    fn step(&mut self, step: &Step) -> Result<StepResult, WalkError> {
        let folder = step.folder();
        let path = self.out.join(&folder);
        folder::create(&path)?;
        let (mut runs, mut replayed) = (Vec::new(), Duration::ZERO);
        let mut part = step.window;
        loop {
            let name = format!("run-{}.run", runs.len() + 1);
            let part_number = u32::try_from(runs.len()).unwrap_or(u32::MAX);
            let replay = self.stages.replay(step, part_number, part, &path.join(&name), self.observer)?;
            let Replayed::Run { planned, ended } = replay else {
                return Ok(nothing_to_send(step, folder, replay));
            };
            runs.push(name);
            replayed += planned;
            let files: Vec<PathBuf> = runs.iter().map(|name| path.join(name)).collect();
            let judged = self.stages.judge(step, &files, &path)?;
            let rest = step.limit(step.window.unwrap_or(planned)).saturating_sub(replayed);
            let may_go_on = ended == RunEnd::Completed && rest >= SHORTEST_PART && !self.stop.is_stopped();
            let needs = evidence::needs(judged.verdict, &judged.reasons);
            if !may_go_on || evidence::next(judged.verdict, &judged.reasons) == Next::Stand {
                return Ok(result(step, folder, judged, needs, runs, replayed));
            }
            self.observer.goes_on(step, &needs);
            part = Some(rest.min(step.window.unwrap_or(planned)));
        }
    }

    /// Leaves a true index behind, or nothing where no step was walked: a corrected word needs no `--force` then.
    fn give_up(&self, done: &[StepResult], steps: &[Step], failed: &Step, error: WalkError) -> WalkError {
        let left = match done {
            [] => folder::abandon(&self.out, &failed.folder()).map_err(WalkError::from),
            _ => self.write_index(done, steps, WalkEnd::Failed).map(|_| ()),
        };
        // The error that ended the walk matters more than one of tidying up after it.
        if let Err(second) = left {
            tracing::warn!(error = %second, "the walk's folder could not be brought up to date");
        }
        error
    }

    fn write_index(&self, done: &[StepResult], steps: &[Step], ended: WalkEnd) -> Result<Walk, WalkError> {
        let not_walked: Vec<_> = steps[done.len()..].iter().map(|step| step.percent).collect();
        let verdict = worst(done, not_walked.len());
        let walk = Walk { verdict, ended, steps: done.to_vec(), not_walked, out: self.out.clone() };
        folder::write(&self.out.join(INDEX_HTML), index::html(&walk).as_bytes())?;
        folder::write(&self.out.join(INDEX_JSON), index::json(&walk).as_bytes())?;
        Ok(walk)
    }
}

fn result(
    step: &Step,
    folder: String,
    judged: Judged,
    needs: Vec<String>,
    runs: Vec<String>,
    replayed: Duration,
) -> StepResult {
    let Judged { verdict, headline, reasons } = judged;
    StepResult {
        percent: step.percent,
        folder,
        verdict,
        headline,
        reasons,
        needs,
        runs,
        replayed,
        reports: Reports::Written,
    }
}

/// A step whose share of the corpus is empty proves nothing.
fn nothing_to_send(step: &Step, folder: String, replayed: Replayed) -> StepResult {
    let why = match replayed {
        Replayed::Nothing { why } => why,
        Replayed::Run { .. } => String::new(),
    };
    StepResult {
        percent: step.percent,
        folder,
        verdict: Verdict::Inconclusive,
        headline: format!("inconclusive: {why}"),
        reasons: Vec::new(),
        needs: vec!["a larger corpus, or a larger step: nothing of this one could be sent".to_owned()],
        runs: Vec::new(),
        replayed: Duration::ZERO,
        reports: Reports::None,
    }
}

#[cfg(test)]
mod tests;
