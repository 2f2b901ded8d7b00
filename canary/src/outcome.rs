//! What came of a walk: a result for each step, one verdict for all.

use corpus::units::Percent;
use report::summary::{Reason, Verdict};
use std::path::PathBuf;
use std::time::Duration;

/// What came of a walk.
#[derive(Debug, Clone, PartialEq)]
pub struct Walk {
    /// The worst of the steps; go only where every step was walked and is go.
    pub verdict: Verdict,
    /// How it ended.
    pub ended: WalkEnd,
    /// The steps that were walked.
    pub steps: Vec<StepResult>,
    /// The steps that were not.
    pub not_walked: Vec<Percent>,
    /// The folder of everything that was written: `index.html`, `index.json`, a folder for each step.
    pub out: PathBuf,
}

/// How a walk ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WalkEnd {
    /// Every step was walked.
    Complete,
    /// A step was not go.
    StoppedAtStep,
    /// Somebody asked for the end.
    Interrupted,
    /// A replay or a report could not be made.
    Failed,
    /// It has not ended.
    Walking,
}

impl WalkEnd {
    /// The name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            WalkEnd::Complete => "complete",
            WalkEnd::StoppedAtStep => "stopped_at_step",
            WalkEnd::Interrupted => "interrupted",
            WalkEnd::Failed => "failed",
            WalkEnd::Walking => "walking",
        }
    }
}

/// What came of one step.
#[derive(Debug, Clone, PartialEq)]
pub struct StepResult {
    /// Percentage of production's rate.
    pub percent: Percent,
    /// Its folder within the walk's.
    pub folder: String,
    /// Its verdict.
    pub verdict: Verdict,
    /// One line with verdict and coverage.
    pub headline: String,
    /// Why.
    pub reasons: Vec<Reason>,
    /// What it would have needed, where it is inconclusive.
    pub needs: Vec<String>,
    /// Run files in its folder.
    pub runs: Vec<String>,
    /// How long it replayed in all.
    pub replayed: Duration,
    /// Whether reports were written: not where nothing could be replayed.
    pub reports: Reports,
}

/// Whether a step has reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reports {
    /// In its folder, by the names of [`REPORT_FILES`].
    Written,
    /// Nothing was replayed.
    None,
}

/// The report for people.
pub(crate) const HTML_REPORT: &str = "report.html";

/// The reports of a step: kind and file name.
pub const REPORT_FILES: [(&str, &str); 4] =
    [("html", HTML_REPORT), ("json", "report.json"), ("junit", "junit.xml"), ("markdown", "report.md")];

/// The verdict over the steps walked so far: the worst, and never go where steps are left.
pub(crate) fn worst(steps: &[StepResult], left: usize) -> Verdict {
    let rank = |verdict: Verdict| match verdict {
        Verdict::Go => 0,
        Verdict::Inconclusive => 1,
        Verdict::NoGo => 2,
    };
    let walked = steps.iter().map(|step| step.verdict).max_by_key(|verdict| rank(*verdict));
    match walked {
        Some(Verdict::Go) if left > 0 => Verdict::Inconclusive,
        Some(verdict) => verdict,
        None => Verdict::Inconclusive,
    }
}
