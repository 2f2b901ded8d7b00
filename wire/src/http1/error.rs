//! Typed errors of the HTTP/1.1 parsers and writers: what was wrong and at which byte.

use thiserror::Error;

/// Why bytes are no message head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("parse message head at byte {offset}: {kind}")]
pub struct HeadError {
    /// What was wrong.
    pub kind: HeadErrorKind,
    /// Where, from the start of the input (for trailers: of the trailer section).
    pub offset: usize,
}

/// What was wrong with a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum HeadErrorKind {
    /// The head exceeds [`Limits::max_head`](super::Limits::max_head).
    #[error("head too large")]
    HeadTooLarge,
    /// The start line exceeds [`Limits::max_start_line`](super::Limits::max_start_line).
    #[error("start line too long")]
    StartLineTooLong,
    /// More than [`Limits::max_fields`](super::Limits::max_fields) field lines.
    #[error("too many fields")]
    TooManyFields,
    /// The method is empty or holds a byte that is no token character.
    #[error("invalid method")]
    InvalidMethod,
    /// The target is empty or holds a byte that cannot be kept.
    #[error("invalid request target")]
    InvalidTarget,
    /// Not `HTTP/1.0` or `HTTP/1.1`.
    #[error("invalid or unsupported version")]
    InvalidVersion,
    /// The status is not three digits.
    #[error("invalid status")]
    InvalidStatus,
    /// The reason phrase holds a byte that cannot be kept.
    #[error("invalid reason phrase")]
    InvalidReason,
    /// White space where the start line allows none.
    #[error("invalid white space in the start line")]
    StartLineSpace,
    /// A field name is empty or holds a byte that is no token character.
    #[error("invalid field name")]
    InvalidFieldName,
    /// A field line without a colon.
    #[error("field line without colon")]
    MissingColon,
    /// White space between field name and colon.
    #[error("white space before colon")]
    SpaceBeforeColon,
    /// White space before the first field line.
    #[error("white space before the first field")]
    LeadingSpace,
    /// A folded field value where none is accepted.
    #[error("folded field value")]
    ObsFold,
    /// A field value holds a control character.
    #[error("control character in field value")]
    InvalidFieldValue,
    /// A CR that is not followed by LF.
    #[error("bare carriage return")]
    BareCr,
    /// An LF without CR before it.
    #[error("bare line feed")]
    BareLf,
    /// An HTTP/1.1 request without Host, with several, or with one that is no host.
    #[error("missing, repeated or invalid host")]
    InvalidHost,
}

/// Why the length of a body cannot be told (RFC 9112 section 6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FramingError {
    /// A Content-Length that is no decimal number.
    #[error("invalid content length")]
    InvalidLength,
    /// A Content-Length beyond 64 bits.
    #[error("content length overflows")]
    LengthOverflow,
    /// Several Content-Length values that differ, or that repeat where none may.
    #[error("conflicting content lengths")]
    ConflictingLengths,
    /// Both Content-Length and Transfer-Encoding in a request.
    #[error("both content length and transfer encoding")]
    LengthAndTransferEncoding,
    /// A Transfer-Encoding without codings, or a coding that is no token.
    #[error("invalid transfer encoding")]
    InvalidTransferEncoding,
    /// A request whose last transfer coding is not chunked.
    #[error("transfer encoding does not end in chunked")]
    ChunkedNotFinal,
    /// Chunked applied more than once.
    #[error("chunked applied more than once")]
    RepeatedChunked,
    /// A transfer coding that we do not know below chunked.
    #[error("unknown transfer coding")]
    UnknownTransferCoding,
    /// Transfer-Encoding in an HTTP/1.0 request.
    #[error("transfer encoding in an HTTP/1.0 message")]
    TransferEncodingInHttp10,
}

/// Why bytes are not the body that was announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("decode message body at byte {offset}: {kind}")]
pub struct BodyError {
    /// What was wrong.
    pub kind: BodyErrorKind,
    /// Where, from the first byte behind the head, skipped bytes included.
    pub offset: u64,
}

/// What was wrong with a chunked body (RFC 9112 section 7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BodyErrorKind {
    /// No hexadecimal digit where a chunk size begins, or something else behind it.
    #[error("invalid chunk size")]
    InvalidChunkSize,
    /// A chunk size beyond 64 bits.
    #[error("chunk size overflows")]
    ChunkSizeOverflow,
    /// A chunk extension that is no token or quoted string.
    #[error("invalid chunk extension")]
    InvalidExtension,
    /// A chunk size line beyond 16 KiB.
    #[error("chunk size line too long")]
    ChunkLineTooLong,
    /// Chunk data that is not followed by a line end.
    #[error("chunk data not followed by a line end")]
    MissingChunkEnd,
    /// A CR that is not followed by LF.
    #[error("bare carriage return")]
    BareCr,
    /// An LF without CR before it.
    #[error("bare line feed")]
    BareLf,
    /// The trailer section is malformed, or beyond 64 KiB.
    #[error("invalid trailer section: {0}")]
    Trailer(HeadErrorKind),
}

/// Why a message cannot be written without changing its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum WriteError {
    /// The method is no token.
    #[error("write request: method is no token")]
    InvalidMethod,
    /// The target is empty or holds white space or a control character.
    #[error("write request: target is empty or holds white space or control characters")]
    InvalidTarget,
    /// A field name is no token.
    #[error("write message: a field name is no token")]
    InvalidFieldName,
    /// A field value holds CR, LF or NUL.
    #[error("write message: a field value holds a line end or NUL")]
    InvalidFieldValue,
    /// The status is not of three digits, or the reason holds a line end or NUL.
    #[error("write response: invalid status line")]
    InvalidStatusLine,
}
