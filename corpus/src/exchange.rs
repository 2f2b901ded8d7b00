//! One recorded request and, where seen, its response.

use crate::ids::{ConnectionId, ExchangeId, SessionId};
use crate::message::{Request, Response};
use crate::time::CaptureTime;
use serde::{Deserialize, Serialize};

/// One exchange as the capture saw it.
#[derive(Debug, Clone, PartialEq)]
pub struct Exchange {
    /// Its identity within the corpus.
    pub id: ExchangeId,
    /// The connection that carried it.
    pub connection: ConnectionId,
    /// The session it belongs to.
    pub session: SessionId,
    /// First and last packet of the request.
    pub request_time: Span,
    /// The request.
    pub request: Request,
    /// First and last packet of the final response, where one was seen.
    pub response_time: Option<Span>,
    /// The final response, where one was seen.
    pub response: Option<Response>,
    /// Why this exchange is not whole; empty where it is. The first reason is the one the ledger counts.
    pub incomplete: Vec<Incomplete>,
}

impl Exchange {
    /// Whether request and response were seen whole.
    pub fn is_complete(&self) -> bool {
        self.incomplete.is_empty()
    }
}

/// The packet times of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// The first packet that carried part of it.
    pub first: CaptureTime,
    /// The packet that completed it.
    pub last: CaptureTime,
}

/// Why an exchange is not whole. A closed list; the names stand in the ledger and in `corpus cat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Incomplete {
    /// No response was seen before the connection or the capture ended.
    NoResponse,
    /// The capture lacks packets of the request.
    RequestGap,
    /// The capture lacks packets of the response.
    ResponseGap,
    /// The snapshot length cut packets of the request.
    RequestTruncated,
    /// The snapshot length cut packets of the response.
    ResponseTruncated,
    /// The connection or the capture ended inside the request.
    RequestCutShort,
    /// The connection or the capture ended inside the response.
    ResponseCutShort,
    /// The request is not HTTP by its rules; its bytes are kept.
    MalformedRequest,
    /// The response is not HTTP by its rules; its bytes are kept.
    MalformedResponse,
    /// The request's body is larger than what is kept.
    RequestLimited,
    /// The response's body is larger than what is kept.
    ResponseLimited,
    /// A bound on memory was reached while the exchange was open.
    Evicted,
}

impl Incomplete {
    /// Every reason, in the order of the declaration.
    pub const ALL: [Incomplete; 12] = [
        Incomplete::NoResponse,
        Incomplete::RequestGap,
        Incomplete::ResponseGap,
        Incomplete::RequestTruncated,
        Incomplete::ResponseTruncated,
        Incomplete::RequestCutShort,
        Incomplete::ResponseCutShort,
        Incomplete::MalformedRequest,
        Incomplete::MalformedResponse,
        Incomplete::RequestLimited,
        Incomplete::ResponseLimited,
        Incomplete::Evicted,
    ];

    /// The name in JSON and in tables.
    pub fn name(self) -> &'static str {
        match self {
            Incomplete::NoResponse => "no_response",
            Incomplete::RequestGap => "request_gap",
            Incomplete::ResponseGap => "response_gap",
            Incomplete::RequestTruncated => "request_truncated",
            Incomplete::ResponseTruncated => "response_truncated",
            Incomplete::RequestCutShort => "request_cut_short",
            Incomplete::ResponseCutShort => "response_cut_short",
            Incomplete::MalformedRequest => "malformed_request",
            Incomplete::MalformedResponse => "malformed_response",
            Incomplete::RequestLimited => "request_limited",
            Incomplete::ResponseLimited => "response_limited",
            Incomplete::Evicted => "evicted",
        }
    }
}
