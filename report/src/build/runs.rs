//! Run files that are judged together: opened, checked to belong together, and their plans merged.

use super::ReportError;
use crate::policy::{Baseline, Policy, parse_canonical};
use crate::trust::{PolicyStanding, RunFacts};
use corpus::RunReader;
use corpus::run::{EndpointPlan, Role, RunHeader};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// One run.
#[derive(Debug)]
pub(super) struct OneRun {
    pub(super) reader: RunReader,
    pub(super) facts: RunFacts,
}

impl OneRun {
    /// Seconds from its start to its end, planned or real, whichever is later.
    pub(super) fn whole_seconds(&self) -> u64 {
        let planned = self.facts.header.load.duration;
        let real = self.facts.seal.as_ref().map_or(Duration::ZERO, |seal| Duration::from_nanos(seal.at.0));
        // A day bounds what a broken header can ask for.
        planned.max(real).as_secs_f64().ceil().clamp(1.0, 86_400.0) as u64
    }
}

/// All runs of one report.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) runs: Vec<OneRun>,
}

/// Opens the runs and checks that they belong together.
pub(super) fn open(paths: &[PathBuf]) -> Result<Opened, ReportError> {
    let mut runs: Vec<OneRun> = Vec::new();
    for path in paths {
        let reader =
            RunReader::open(path).map_err(|source| ReportError::Open { path: path.clone(), source })?;
        let facts = RunFacts { header: reader.header().clone(), seal: reader.seal().cloned() };
        if let (Some(first), Some(first_path)) = (runs.first(), paths.first()) {
            belong_together(&first.facts.header, &facts.header, first_path, path)?;
        }
        // A header holds when its replay began: two equal ones are one replay, and no more evidence than one.
        if let Some(at) = runs.iter().position(|earlier| earlier.facts.header == facts.header) {
            return Err(ReportError::Repeated { first: paths[at].clone(), path: path.clone() });
        }
        runs.push(OneRun { reader, facts });
    }
    if runs.is_empty() { Err(ReportError::NoRun) } else { Ok(Opened { runs }) }
}

fn belong_together(a: &RunHeader, b: &RunHeader, first: &Path, path: &Path) -> Result<(), ReportError> {
    let urls = |header: &RunHeader| -> Vec<(Role, String)> {
        header.backends.iter().map(|backend| (backend.role, backend.url.clone())).collect()
    };
    let what = if a.corpus.digest != b.corpus.digest {
        "corpora"
    } else if urls(a) != urls(b) {
        "backends"
    } else if a.policy_json != b.policy_json {
        "policies"
    } else if a.deadline != b.deadline {
        "deadlines"
    } else {
        return Ok(());
    };
    Err(ReportError::Mixed { first: first.to_owned(), path: path.to_owned(), what })
}

impl Opened {
    /// The first run's header: what all runs share.
    pub(super) fn header(&self) -> &RunHeader {
        &self.runs.first().expect("at least one run was opened").facts.header
    }

    pub(super) fn facts(&self) -> Vec<RunFacts> {
        self.runs.iter().map(|run| run.facts.clone()).collect()
    }

    pub(super) fn baseline(&self) -> Baseline {
        let recorded = |header: &RunHeader| {
            header.backends.iter().any(|backend| backend.role == Role::Baseline && backend.url == "recorded")
        };
        if recorded(self.header()) { Baseline::Recorded } else { Baseline::Live }
    }

    /// Planned seconds of all runs.
    pub(super) fn seconds(&self) -> f64 {
        self.runs.iter().map(|run| run.facts.header.load.duration.as_secs_f64()).sum()
    }

    pub(super) fn deadline(&self) -> Duration {
        self.header().deadline
    }

    /// Seconds of one block: one, and more where the runs are longer than the blocks that are kept.
    pub(super) fn block_seconds(&self) -> u64 {
        let all: u64 = self.runs.iter().map(OneRun::whole_seconds).sum();
        all.div_ceil(crate::collect::BLOCKS).max(1)
    }
}

/// The policy to judge by, and how it relates to the one that was fixed before the runs.
pub(super) fn policy_in_force(opened: &Opened, given: Option<&Policy>) -> (Policy, PolicyStanding) {
    let kept = match opened.header().policy_json.as_str() {
        "" => Ok(Policy::default()),
        json => parse_canonical(json),
    };
    match (given, kept) {
        (None, Ok(kept)) => (kept, PolicyStanding::Fixed),
        (None, Err(_)) => (Policy::default(), PolicyStanding::Unreadable),
        (Some(given), Ok(kept)) if *given == kept => (kept, PolicyStanding::Fixed),
        (Some(given), Ok(_)) => (given.clone(), PolicyStanding::Changed),
        (Some(given), Err(_)) => (given.clone(), PolicyStanding::Unreadable),
    }
}

/// The endpoints of all runs by name: planned requests add up, recorded ones are those of the same corpus.
pub(super) fn merged_endpoints(opened: &Opened) -> Vec<EndpointPlan> {
    let mut merged: BTreeMap<&str, EndpointPlan> = BTreeMap::new();
    for endpoint in opened.runs.iter().flat_map(|run| &run.facts.header.endpoints) {
        let sum =
            merged.entry(&endpoint.name).or_insert_with(|| EndpointPlan { planned: 0, ..endpoint.clone() });
        sum.planned = sum.planned.saturating_add(endpoint.planned);
        sum.recorded = sum.recorded.max(endpoint.recorded);
    }
    merged.into_values().collect()
}
