//! HTTP/1.1 messages by RFC 9112: heads, body framing, bodies, detection and writing.
//!
//! Used passively on reassembled streams ([`Strictness::Lenient`]: follows real traffic and records
//! what it tolerated) and actively on connections ([`Strictness::Strict`]: refuses what RFC 9112 lets
//! or makes a recipient refuse). Framing is exact in both: what could be framed in two ways is an error.
//! Invariant: a verdict on a prefix never changes when more bytes arrive.

mod body;
mod detect;
mod error;
mod framing;
mod head;
mod headers;
mod oddity;
mod parse;
mod scan;
mod write;

pub use body::{BodyDecoder, Completion, GapOutcome, Step};
pub use detect::{
    Likeness, MessageKind, MessageStart, find_message_start, looks_like_request, looks_like_response,
};
pub use error::{BodyError, BodyErrorKind, FramingError, HeadError, HeadErrorKind, WriteError};
pub use framing::{BodyLength, Framing, Persistence};
pub use head::{Method, RequestHead, RequestHeadRef, ResponseHead, ResponseHeadRef, Version};
pub use headers::{Headers, HeadersRef};
pub use oddity::{Oddities, Oddity};
pub use parse::{HeadParser, HeadScan, parse_request_head, parse_response_head};
pub use write::{SentBody, write_chunk, write_last_chunk, write_request, write_response};

/// How much a parser forgives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strictness {
    /// Refuses what RFC 9112 lets a recipient refuse: for messages that we act upon.
    Strict,
    /// Follows real traffic wherever its framing stays unambiguous, and records each [`Oddity`].
    Lenient,
}

/// Bounds on one message head; a head beyond them is an error, never an allocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the whole head, blank line included.
    pub max_head: usize,
    /// Bytes of the start line, its line end and blank lines before it included.
    pub max_start_line: usize,
    /// Field lines.
    pub max_fields: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_head: 256 * 1024, max_start_line: 64 * 1024, max_fields: 4096 }
    }
}

/// The answer of a parser that got a prefix of its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress<T> {
    /// Nothing is wrong so far; call again with more bytes appended to the same input.
    NeedMore,
    /// A whole value.
    Done(T),
}

/// A head with the bytes it took and what was tolerated in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed<H> {
    /// The head.
    pub head: H,
    /// Bytes from the start of the input to the first byte behind the blank line.
    pub consumed: usize,
    /// What a strict parser would have refused, and harmless peculiarities.
    pub oddities: Oddities,
}
