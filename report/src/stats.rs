//! Statistics that know nothing of backends: counters, resampling, limits of shares, error levels.
//!
//! Everything is deterministic: random draws come from a seed, and sums fold in a fixed order.

pub(crate) mod distinct;
pub(crate) mod draw;
pub(crate) mod histogram;
pub(crate) mod holm;
pub(crate) mod resample;
pub(crate) mod serial;
pub(crate) mod student;
