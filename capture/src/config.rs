//! What a capture is told to do, and its bounds.

use corpus::digest::DigestKey;
use corpus::format::Overwrite;
use corpus::manifest::SessionBy;
use corpus::units::Fraction;
use std::path::PathBuf;
use std::time::Duration;

/// What to read, what to write and how.
#[derive(Debug)]
pub struct Config {
    /// Capture files, read as one capture in the order of their first packets.
    pub inputs: Vec<PathBuf>,
    /// The corpus to write.
    pub output: PathBuf,
    /// Whether an existing corpus is replaced.
    pub overwrite: Overwrite,
    /// The part of production that the capture point saw.
    pub represents: Fraction,
    /// How sessions are told apart.
    pub session_by: SessionBy,
    /// Key of ids, digests and redaction tokens.
    pub key: DigestKey,
    /// Version of the tool, for the corpus header.
    pub tool_version: String,
    /// Bounds.
    pub limits: Limits,
}

/// Bounds on memory and patience. Every one that bites is counted in the ledger. Times are packet time.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections tracked at once; beyond, the least recently active is ended.
    pub connections: usize,
    /// Bytes kept out of sequence, one direction of one connection.
    pub reassembly_bytes: usize,
    /// Bytes kept out of sequence, all connections.
    pub reassembly_bytes_total: usize,
    /// Bytes kept of one body; the rest is counted and digested.
    pub body_bytes: usize,
    /// Bytes kept of all bodies that are being received.
    pub open_bytes: usize,
    /// Exchanges held to be written in order.
    pub window_exchanges: usize,
    /// Bytes of exchanges held to be written in order.
    pub window_bytes: usize,
    /// How long an exchange is held to be written in order.
    pub window_time: Duration,
    /// How long a hole is waited for when nothing says that its bytes arrived.
    pub patience: Patience,
    /// How long a hole is waited for that the other side has acknowledged: only the order of the
    /// capture can then bring it.
    pub patience_acknowledged: Patience,
    /// How long the first segments of a connection are held for its SYN to turn up.
    pub patience_start: Patience,
    /// How long a closed connection is kept for stragglers.
    pub linger: Duration,
    /// How long a silent connection is kept.
    pub idle: Duration,
}

/// A wait in packet time or in packets of the connection, whichever ends first.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Packet time.
    pub time: Duration,
    /// Packets of the connection.
    pub packets: u32,
}

impl Default for Limits {
    /// Bounds under which a capture stays below 64 MiB.
    fn default() -> Self {
        Self {
            connections: 32 * 1024,
            reassembly_bytes: 1 << 20,
            reassembly_bytes_total: 8 << 20,
            body_bytes: 8 << 20,
            open_bytes: 16 << 20,
            window_exchanges: 4096,
            window_bytes: 4 << 20,
            window_time: Duration::from_secs(5),
            patience: Patience { time: Duration::from_secs(5), packets: 1024 },
            patience_acknowledged: Patience { time: Duration::from_millis(500), packets: 256 },
            patience_start: Patience { time: Duration::from_millis(250), packets: 32 },
            linger: Duration::from_secs(2),
            idle: Duration::from_secs(600),
        }
    }
}
