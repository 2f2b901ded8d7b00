//! What an engine is told before it starts, and what it says at its end.

use super::backends::BackendSetup;
use crate::pacer::Pacing;
use crate::stop::StopHandle;
use crate::transport::response::Shared;
use corpus::run::{BodyKeeping, RunEnd};
use corpus::time::RunTime;
use std::time::Duration;

/// How the engine is to run.
pub(crate) struct Setup {
    pub(crate) backends: Vec<BackendSetup>,
    pub(crate) pacing: Pacing,
    /// When the plan ends, where it has no end of its own.
    pub(crate) cut: Option<RunTime>,
    pub(crate) deadline: Duration,
    pub(crate) repeats: Repeats,
    pub(crate) bodies: BodyKeeping,
    pub(crate) seed: u64,
    pub(crate) open_files: u64,
    pub(crate) shared: Shared,
    pub(crate) stop: StopHandle,
}

/// What is done with requests that are drawn for noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeats {
    /// They go to the control too, at the same time.
    Control,
    /// They go to both backends again after this lag.
    After(Duration),
    /// Nothing.
    Never,
}

/// How the engine ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Finished {
    pub(crate) end: RunEnd,
    pub(crate) at: RunTime,
    pub(crate) interim: u64,
    pub(crate) degraded: u64,
    pub(crate) cpu: Duration,
}
