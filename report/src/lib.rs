//! Runs compared and judged.
//!
//! One pass over the outcomes of a replay gives one [`summary::Summary`]: the verdict, why, and all evidence. Every
//! renderer sees that value and nothing else. The same runs, policy and seed give the same value: reductions fold in
//! the order of the plan, and no wall clock, path or hash order gets in.

mod build;
mod collect;
pub mod compare;
pub mod group;
mod latency;
pub mod noise;
pub mod policy;
mod rates;
pub mod render;
mod stats;
pub mod summary;
mod trust;
mod verdict;

pub use build::{Config, DEFAULT_SEED, ReportError, build};
