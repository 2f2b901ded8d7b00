//! The whole story in one command: a recorded capture, a corpus, three canary steps at two built-in backends,
//! and the reports.
//!
//! Nothing here is a shortcut: the capture, the walk and the reports are those of the other commands, and the
//! configuration that the demo writes works with them.

pub(crate) mod backend;
pub(crate) mod draw;
pub(crate) mod evidence;
pub(crate) mod faults;
mod folder;
pub(crate) mod shop;

use crate::cli::canary::wall_clock;
use anyhow::{Context, Result};
use backend::Backend;
use canary::{AfterNotGo, Observer, Walk};
use capture::CaptureReport;
use corpus::Overwrite;
use corpus::digest::DigestKey;
use corpus::manifest::SessionBy;
use corpus::units::Fraction;
use evidence::Named;
use replay::StopHandle;
use shop::Build;
use std::fs;
use std::path::{Path, PathBuf};

/// The capture: recorded by `examples/record_demo` from the legacy build.
const CAPTURE: &[u8] = include_bytes!("../demo/legacy.pcap");
/// The policy and the steps.
pub(crate) const POLICY: &str = include_str!("../demo/cutover.toml");

/// Which candidate is walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Candidate {
    /// A faithful one.
    Good,
    /// One with planted faults.
    Bad,
}

/// The demo's folder with a corpus in it and its backends running.
#[derive(Debug)]
pub(crate) struct Stage {
    out: PathBuf,
    candidate: Candidate,
    /// What the capture gave.
    pub(crate) captured: CaptureReport,
    // Both end when dropped.
    legacy: Backend,
    new: Backend,
}

impl Stage {
    /// Makes the folder, records the corpus from the shipped capture, and starts the backends.
    ///
    /// # Errors
    /// Where the folder is not the demo's own or cannot be written, or no port can be listened on.
    pub(crate) fn set(out: &Path, candidate: Candidate) -> Result<Stage> {
        folder::prepare(out)?;
        let pcap = out.join("legacy.pcap");
        fs::write(&pcap, CAPTURE).with_context(|| format!("write {}", pcap.display()))?;
        let captured = record(&pcap, &out.join("legacy.corpus"))?;
        let build = match candidate {
            Candidate::Good => Build::Good,
            Candidate::Bad => Build::Bad,
        };
        let start = |build| Backend::start(build, 0).context("start a built-in backend");
        let (legacy, new) = (start(Build::Legacy)?, start(build)?);
        let config = format!(
            "{POLICY}\n# Started by the demo, gone with it.\n[backends]\nbaseline = \"http://{}\"\ncandidate = \"http://{}\"\n",
            legacy.address(),
            new.address()
        );
        let path = out.join("cutover.toml");
        fs::write(&path, config).with_context(|| format!("write {}", path.display()))?;
        Ok(Stage { out: out.to_owned(), candidate, captured, legacy, new })
    }

    /// Where the legacy backend and the candidate listen.
    pub(crate) fn addresses(&self) -> [std::net::SocketAddr; 2] {
        [self.legacy.address(), self.new.address()]
    }

    /// Walks the steps; a bad candidate through all of them.
    ///
    /// # Errors
    /// As [`canary::walk`].
    pub(crate) fn walk(&self, observer: &mut dyn Observer, stop: &StopHandle) -> Result<Walk> {
        let file = canary::File::read(&self.out.join("cutover.toml"))?;
        let mut config = canary::Config::of_file(&file, &|_| None, wall_clock)?;
        config.after = match self.candidate {
            Candidate::Good => AfterNotGo::Stop,
            Candidate::Bad => AfterNotGo::KeepGoing,
        };
        Ok(canary::walk(config, observer, stop)?)
    }
}

fn record(pcap: &Path, output: &Path) -> Result<CaptureReport> {
    let config = capture::Config {
        inputs: vec![pcap.to_owned()],
        output: output.to_owned(),
        overwrite: Overwrite::Refuse,
        represents: Fraction::ONE,
        session_by: SessionBy::Default,
        // Its credentials are invented, and a fixed key makes every demo replay the same sessions.
        key: DigestKey::from_secret(b"cutover demo"),
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        limits: capture::Limits::default(),
    };
    capture::run(config, &mut |_| {}).context("record the demo's corpus")
}

/// Where the reports of a walk name what was planted.
///
/// # Errors
/// Where a report cannot be read.
pub(crate) fn named(walk: &Walk) -> Result<Vec<Named>> {
    let mut reports = Vec::new();
    for step in &walk.steps {
        let path = walk.out.join(&step.folder).join("report.json");
        let text = fs::read(&path).with_context(|| format!("read {}", path.display()))?;
        let report = serde_json::from_slice(&text).with_context(|| format!("read {}", path.display()))?;
        reports.push((step.folder.clone(), report));
    }
    Ok(evidence::find(&reports))
}
