//! The balance of a capture: every packet and every exchange in exactly one counted class.

use crate::exchange::Incomplete;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The balance of one capture. Names are those of `capture --json`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Ledger {
    /// Packets read.
    pub packets: u64,
    /// Bytes of those packets as captured.
    pub bytes: u64,
    /// Every packet by what became of it: `tcp_payload`, `tcp_empty`, `not_tcp`, `fragment`, `undecodable`, ...
    pub packets_by_class: BTreeMap<String, u64>,
    /// Payload bytes by what became of them: `in_messages`, `not_http`, `duplicate`, `opaque`, `lost` (known missing), ...
    pub payload_bytes_by_class: BTreeMap<String, u64>,
    /// TCP connections seen.
    pub connections: u64,
    /// Of those, connections that carried HTTP.
    pub http_connections: u64,
    /// Requests, malformed ones included.
    pub requests: u64,
    /// Final responses, malformed ones included; without 1xx.
    pub responses: u64,
    /// Interim (1xx) responses.
    pub interim_responses: u64,
    /// Exchanges whose request and response were seen whole.
    pub exchanges_complete: u64,
    /// Exchanges that are not whole, by their first reason.
    pub exchanges_incomplete: BTreeMap<Incomplete, u64>,
    /// Responses for which no request was seen.
    pub responses_without_request: u64,
    /// Bounds that were reached, by name: each counts how often it bit.
    pub limits_reached: BTreeMap<String, u64>,
    /// Why this is not all there was, where something kept it from being read: why reading the capture ended
    /// before its end, or that the corpus from which this one was made is damaged.
    pub input_error: Option<String>,
}

impl Ledger {
    /// Whether the classes add up to the totals: `requests` to exchanges, `packets` to their classes, and
    /// `responses` to those in exchanges plus those alone.
    pub fn balances(&self) -> bool {
        let incomplete: u64 = self.exchanges_incomplete.values().sum();
        let classed: u64 = self.packets_by_class.values().sum();
        self.requests == self.exchanges_complete + incomplete && self.packets == classed
    }
}
