//! What a corpus says of itself: how it was captured, what it stands for, what is in it.

use crate::ledger::Ledger;
use crate::time::CaptureTime;
use crate::units::Fraction;
use serde::{Deserialize, Serialize};

/// Known when a capture begins; written first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CorpusHeader {
    /// Version of the tool that wrote the file.
    pub tool_version: String,
    /// The part of production that the capture point saw (`--represents`).
    pub represents: Fraction,
    /// How exchanges were sampled at capture.
    pub sampling: Sampling,
    /// How sessions were told apart.
    pub session_by: SessionBy,
    /// Which rules redacted.
    pub redaction: RedactionInfo,
}

/// How exchanges were chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sampling {
    /// The rule in words: `all`, `session hash`, ...
    pub rule: String,
    /// The fraction of exchanges kept of what the capture point saw: what came of the rule, not what it asked for.
    pub fraction: Fraction,
}

/// How sessions are told apart (`--session-by`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum SessionBy {
    /// The token of Authorization or a session cookie, else the client in X-Forwarded-For, else the connection.
    Default,
    /// The connection.
    Connection,
    /// A header field's value.
    Header(String),
    /// A cookie's value.
    Cookie(String),
    /// A query parameter's value.
    Query(String),
}

/// Which rules redacted, and by which key.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RedactionInfo {
    /// Header fields whose values became keyed tokens, lower case.
    pub headers: Vec<String>,
    /// The key's check value: two corpora with one key have equal tokens for equal values.
    pub key_check: [u8; 8],
}

/// Known when a capture ends; written into the seal. Derived from the records where a file is unsealed.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct CorpusSeal {
    /// The first and the last packet of the capture, HTTP or not.
    pub window: Option<(CaptureTime, CaptureTime)>,
    /// The balance.
    pub ledger: Ledger,
}
