//! What a parser tolerated: a small closed set, cheap to carry beside every message.

use std::fmt;

/// A departure from RFC 9112 that was followed instead of refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Oddity {
    /// Lines ended by LF alone.
    BareLf,
    /// Empty lines before the start line (RFC 9112 section 2.2).
    LeadingBlankLine,
    /// A field value continued on the next line (section 5.2); the break became spaces.
    ObsFold,
    /// More, or other, white space in the start line than single spaces.
    StartLineSpace,
    /// A raw space inside the request target.
    SpaceInTarget,
    /// White space between field name and colon (section 5.1).
    SpaceBeforeColon,
    /// A control character in target, reason or field value.
    ControlCharacter,
    /// A status below 100.
    UnusualStatus,
    /// Several equal Content-Length values (RFC 9110 section 8.6).
    RepeatedLength,
    /// Transfer-Encoding and Content-Length together: the former won (section 6.3).
    LengthAndTransferEncoding,
    /// Transfer-Encoding in an HTTP/1.0 message (section 6.1).
    TransferEncodingInHttp10,
    /// A transfer coding other than chunked is applied below it: the payload is still coded.
    OtherTransferCoding,
    /// A response whose transfer coding does not end in chunked: read until close (section 6.3).
    ChunkedNotFinal,
    /// White space around a chunk size.
    ChunkSizeSpace,
    /// A chunk extension that is no token or quoted string.
    ChunkExtension,
}

const ALL: [Oddity; 15] = [
    Oddity::BareLf,
    Oddity::LeadingBlankLine,
    Oddity::ObsFold,
    Oddity::StartLineSpace,
    Oddity::SpaceInTarget,
    Oddity::SpaceBeforeColon,
    Oddity::ControlCharacter,
    Oddity::UnusualStatus,
    Oddity::RepeatedLength,
    Oddity::LengthAndTransferEncoding,
    Oddity::TransferEncodingInHttp10,
    Oddity::OtherTransferCoding,
    Oddity::ChunkedNotFinal,
    Oddity::ChunkSizeSpace,
    Oddity::ChunkExtension,
];

/// A set of [`Oddity`].
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Oddities(u16);

impl Oddities {
    /// The empty set.
    pub const NONE: Self = Self(0);

    /// Adds one.
    pub fn insert(&mut self, oddity: Oddity) {
        self.0 |= 1 << oddity as u8;
    }

    /// Whether nothing was tolerated.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether `oddity` was seen.
    pub fn contains(self, oddity: Oddity) -> bool {
        self.0 & (1 << oddity as u8) != 0
    }

    /// Both sets together.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The members, in declaration order.
    pub fn iter(self) -> impl Iterator<Item = Oddity> {
        ALL.into_iter().filter(move |oddity| self.contains(*oddity))
    }
}

impl fmt::Debug for Oddities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
