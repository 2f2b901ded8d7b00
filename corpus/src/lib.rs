//! Recorded data: exchanges, runs, and the files that hold them.
//!
//! Capture, replay and report never import one another; they meet in the types and files of this
//! crate. It has no network and no async. Everything read from a file is treated as hostile: lengths
//! are checked before memory is taken, and damage is an error or a named loss, never a panic.

pub mod digest;
pub mod endpoint;
pub mod exchange;
pub mod format;
pub mod ids;
pub mod ledger;
pub mod manifest;
pub mod message;
pub mod redact;
pub mod rewrite;
pub mod run;
pub mod select;
pub mod session;
pub mod time;
pub mod units;

pub use format::{
    Bodies, CorpusReader, CorpusWriter, Damage, Exchanges, FormatError, JoinedIter, LateResponse, Overwrite,
    RunReader, RunWriter, Stored, Verified,
};
