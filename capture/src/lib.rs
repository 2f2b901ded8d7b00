//! Packets to exchanges: capture files, TCP reassembly, HTTP pairing, the ledger.
//!
//! Packets come from a [`source`], are decoded ([`link`], [`ip`], [`tcp`]), sorted into connections
//! ([`flow`], [`connection`]), put in sequence ([`reassembly`]), read as messages ([`http1`]), paired
//! ([`pairing`]), put in order ([`sequencer`]) and written as a corpus ([`sink`]). Everything goes by packet time:
//! the same files, options and key give the same bytes. Invariant: every packet, payload byte and request is
//! counted in exactly one class of the ledger, or the capture fails.

mod config;
mod connection;
mod engine;
mod error;
mod flow;
mod http1;
mod ip;
mod ledger;
mod link;
mod pairing;
mod reassembly;
mod run;
mod sequencer;
mod sink;
mod source;
mod tcp;

pub use config::{Config, Limits, Patience};
pub use error::CaptureError;
pub use ledger::Unbalanced;
pub use run::{CaptureReport, Progress, exchanges_of, run};
pub use source::SourceError;
