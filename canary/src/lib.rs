//! The walk over canary steps: replay, judge, report, next or stop.
//!
//! [`File`] is `cutover.toml`, which every command reads; [`walk()`] does what its `[canary]` section says with
//! the crates that replay and report. Environment, clock and signals are the caller's. Invariants: what gates is
//! fixed before a step's first request and kept in its run, and a walk is go only where every step is.

mod config;
mod evidence;
mod folder;
mod index;
mod outcome;
mod plan;
mod stages;
mod walk;

pub use config::{
    BackendSpec, Backends, CanarySection, ConfigError, CorpusSection, File, HeaderSpec, Lookup, Percentage,
    Span, StepSection,
};
pub use folder::FolderError;
pub use index::{document, summary_line};
pub use outcome::{REPORT_FILES, Reports, StepResult, Walk, WalkEnd};
pub use plan::{Step, steps};
pub use stages::Config;
pub use walk::{AfterNotGo, Observer, PlannedRun, WalkError, walk};
