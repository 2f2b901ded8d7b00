//! A corpus replayed open loop at two backends, with every outcome recorded.
//!
//! [`prepare()`] reads the corpus, checks the targets and makes the plan, so that what will be sent is
//! known before the first request; [`Prepared::run`] carries it out and writes a run file. Judging is
//! left to others. Invariant: every planned request of every backend ends in exactly one outcome, and a
//! backend that fails is an outcome, never an error.

mod admit;
mod books;
mod clock;
mod config;
mod doubt;
mod draw;
mod engine;
mod error;
mod guard;
mod item;
mod pacer;
mod plan;
mod prepare;
mod record;
mod replay;
mod rewrite;
pub mod settings;
mod stop;
mod summary;
mod transport;

pub use config::{
    Baseline, Certificates, Config, Connections, HeaderSetting, HostHeader, Roots, Secret, Target,
};
pub use doubt::Doubt;
pub use error::ReplayError;
pub use guard::{AddressKind, GuardError};
pub use prepare::{Prepared, prepare};
pub use replay::run;
pub use rewrite::HeaderError;
pub use stop::StopHandle;
pub use summary::{BackendProgress, BackendSummary, Observer, Progress, Quantiles, RunSummary, Unobserved};
