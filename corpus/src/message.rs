//! The parts of a recorded message: version, heads, bodies.
//!
//! Bodies are kept as they were framed away from the connection: after transfer coding, before
//! content coding.

use crate::digest::Digest;
use serde::{Deserialize, Serialize};
use wire::http1::Headers;

/// The protocol that carried a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Protocol {
    /// HTTP/1.0 (RFC 1945).
    Http10,
    /// HTTP/1.1 (RFC 9112).
    Http11,
    /// HTTP/2 (RFC 9113).
    Http2,
}

impl Protocol {
    /// The name that `corpus cat` shows: `http/1.0`, `http/1.1`, `h2`.
    pub fn name(self) -> &'static str {
        match self {
            Protocol::Http10 => "http/1.0",
            Protocol::Http11 => "http/1.1",
            Protocol::Http2 => "h2",
        }
    }
}

/// A recorded body and how much of it is there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Body {
    /// The bytes that were seen and kept. Never filled up where bytes are missing.
    pub bytes: bytes::Bytes,
    /// The length on the wire, in bytes: what was seen, or what the framing declared where that is known
    /// and more than was seen.
    pub wire_len: u64,
    /// Trailer fields of a chunked body.
    pub trailers: Headers,
    /// Whether `bytes` is all of it.
    pub extent: BodyExtent,
    /// The keyed digest of the whole, where the whole was seen but not kept.
    pub digest: Option<Digest>,
}

/// How much of a body is in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum BodyExtent {
    /// Every byte.
    #[default]
    Whole,
    /// Bytes are missing because packets were: the pieces that were seen are joined, this many are missing
    /// (0 where that cannot be known).
    Gap {
        /// Bytes known to be missing.
        missing: u64,
    },
    /// The packets were cut by the capture's snapshot length.
    Truncated,
    /// The connection or the capture ended inside the body.
    CutShort,
    /// Larger than the limit of what is kept: the rest was counted and digested.
    Limited,
}

/// A request as recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The protocol.
    pub protocol: Protocol,
    /// The method as sent; for a malformed request, empty.
    pub method: Vec<u8>,
    /// The target as sent: origin form, absolute form, authority or `*`.
    pub target: Vec<u8>,
    /// Header fields in order, credentials replaced by keyed tokens.
    pub headers: Headers,
    /// The body.
    pub body: Body,
    /// For a message that is no HTTP: its bytes after redaction, and then the fields above are empty.
    pub malformed: Option<Malformed>,
}

impl Request {
    /// The host this request names: that of an absolute target, else the Host field; empty where neither is.
    pub fn host(&self) -> &[u8] {
        let absolute = self.target.windows(3).position(|w| w == b"://").map(|at| &self.target[at + 3..]);
        match absolute {
            Some(rest) if !self.target.starts_with(b"/") => {
                rest.split(|b| matches!(b, b'/' | b'?' | b'#')).next().unwrap_or(rest)
            }
            _ => self.headers.get(b"host").unwrap_or(b""),
        }
    }
}

/// A response as recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// The protocol.
    pub protocol: Protocol,
    /// The status of the final response, 200..=999 (101 where it ended HTTP on the connection).
    pub status: u16,
    /// Header fields in order, credentials replaced by keyed tokens.
    pub headers: Headers,
    /// Interim (1xx) responses that came before, in order.
    pub interim: Vec<u16>,
    /// The body.
    pub body: Body,
    /// For a message that is no HTTP: its bytes after redaction.
    pub malformed: Option<Malformed>,
}

/// Bytes where a message was expected and none could be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Malformed {
    /// The raw bytes, redacted line by line, up to a limit; empty where they could not be redacted safely.
    #[serde(with = "serde_bytes")]
    pub raw: Vec<u8>,
    /// How many bytes there were.
    pub len: u64,
    /// What was wrong, from the parser: a stable short text.
    pub reason: String,
}
