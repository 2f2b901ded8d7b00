//! How long a body is (RFC 9112 section 6.3) and whether its connection persists (section 9.3).
//!
//! Invariant: a message whose body could be read in two ways is an error, except where the RFC names
//! the winner; then the other reading is recorded as an [`Oddity`].

use super::error::FramingError;
use super::head::{RequestHeadRef, ResponseHeadRef, Version};
use super::headers::HeadersRef;
use super::oddity::{Oddities, Oddity};
use super::{Strictness, scan};

/// How the end of a body is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyLength {
    /// There is no body.
    None,
    /// This many bytes.
    Length(u64),
    /// Chunks, then trailers.
    Chunked,
    /// Everything until the connection closes; responses only.
    UntilClose,
    /// The connection leaves HTTP/1.1 here: 101, or a successful CONNECT.
    Tunnel,
}

/// A body's length with what was tolerated in finding it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Framing {
    /// How the end is found.
    pub body: BodyLength,
    /// What a strict parser would have refused.
    pub oddities: Oddities,
}

/// Whether the connection may carry another exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Persistence {
    /// It may.
    KeepAlive,
    /// This is its last one.
    Close,
}

impl Persistence {
    /// By version and Connection field (RFC 9112 section 9.3). A connection persists if request and
    /// response both say so, and the response's body does not end with the connection.
    pub fn of(version: Version, headers: HeadersRef<'_>) -> Self {
        if headers.list_contains(b"connection", b"close") {
            return Self::Close;
        }
        match version {
            Version::Http11 => Self::KeepAlive,
            Version::Http10 if headers.list_contains(b"connection", b"keep-alive") => Self::KeepAlive,
            Version::Http10 => Self::Close,
        }
    }
}

impl Framing {
    /// The framing of a request's body. A request never reads until close.
    ///
    /// # Errors
    ///
    /// [`FramingError`] for what a server must or, in strict mode, may refuse.
    pub fn of_request(head: &RequestHeadRef<'_>, strictness: Strictness) -> Result<Self, FramingError> {
        let fields = LengthFields::read(head.version, head.headers, strictness, strictness)?;
        let mut oddities = fields.oddities;
        let body = match (fields.coding, fields.length) {
            (None, None | Some(0)) => BodyLength::None,
            (None, Some(length)) => BodyLength::Length(length),
            (Some(Coding::NotChunked), _) => return Err(FramingError::ChunkedNotFinal),
            (Some(Coding::Chunked), length) => {
                if head.version == Version::Http10 {
                    refuse(strictness, FramingError::TransferEncodingInHttp10)?;
                }
                if length.is_some() {
                    refuse(strictness, FramingError::LengthAndTransferEncoding)?;
                    oddities.insert(Oddity::LengthAndTransferEncoding);
                }
                BodyLength::Chunked
            }
        };
        Ok(Self { body, oddities })
    }

    /// The framing of a response's body; `request_method` is that of its request where known.
    ///
    /// # Errors
    ///
    /// [`FramingError`] for what makes the connection unusable.
    pub fn of_response(
        head: &ResponseHeadRef<'_>,
        request_method: Option<&[u8]>,
        strictness: Strictness,
    ) -> Result<Self, FramingError> {
        let tunnel =
            head.status == 101 || ((200..300).contains(&head.status) && request_method == Some(b"CONNECT"));
        let none = head.status < 200 || matches!(head.status, 204 | 304) || request_method == Some(b"HEAD");
        if tunnel || none {
            let body = if tunnel { BodyLength::Tunnel } else { BodyLength::None };
            return Ok(Self { body, oddities: Oddities::NONE });
        }
        // A coding unknown to us frames nothing wrongly here: the body is chunked or ends at the close.
        let fields = LengthFields::read(head.version, head.headers, strictness, Strictness::Lenient)?;
        let mut oddities = fields.oddities;
        if fields.coding.is_some() && fields.length.is_some() {
            oddities.insert(Oddity::LengthAndTransferEncoding);
        }
        let body = match (fields.coding, fields.length) {
            (Some(Coding::Chunked), _) => BodyLength::Chunked,
            (Some(Coding::NotChunked), _) => {
                oddities.insert(Oddity::ChunkedNotFinal);
                BodyLength::UntilClose
            }
            (None, Some(0)) => BodyLength::None,
            (None, Some(length)) => BodyLength::Length(length),
            (None, None) => BodyLength::UntilClose,
        };
        Ok(Self { body, oddities })
    }
}

fn refuse(strictness: Strictness, error: FramingError) -> Result<(), FramingError> {
    match strictness {
        Strictness::Strict => Err(error),
        Strictness::Lenient => Ok(()),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    Chunked,
    NotChunked,
}

/// What the two length fields say.
struct LengthFields {
    coding: Option<Coding>,
    chunked: usize,
    length: Option<u64>,
    oddities: Oddities,
}

impl LengthFields {
    fn read(
        version: Version,
        headers: HeadersRef<'_>,
        lengths: Strictness,
        codings: Strictness,
    ) -> Result<Self, FramingError> {
        let mut fields = Self { coding: None, chunked: 0, length: None, oddities: Oddities::NONE };
        let mut has_coding = false;
        for (name, value) in headers.iter() {
            if name.eq_ignore_ascii_case(b"content-length") {
                fields.add_length(value, lengths)?;
            } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
                has_coding = true;
                fields.add_codings(value, codings)?;
            }
        }
        if has_coding {
            if fields.coding.is_none() {
                return Err(FramingError::InvalidTransferEncoding);
            }
            if version == Version::Http10 {
                fields.oddities.insert(Oddity::TransferEncodingInHttp10);
            }
        }
        Ok(fields)
    }

    fn add_length(&mut self, value: &[u8], strictness: Strictness) -> Result<(), FramingError> {
        for member in value.split(|b| *b == b',') {
            let length = parse_length(scan::trim(member))?;
            match self.length {
                None => self.length = Some(length),
                Some(seen) if seen == length => {
                    refuse(strictness, FramingError::ConflictingLengths)?;
                    self.oddities.insert(Oddity::RepeatedLength);
                }
                Some(_) => return Err(FramingError::ConflictingLengths),
            }
        }
        Ok(())
    }

    fn add_codings(&mut self, value: &[u8], strictness: Strictness) -> Result<(), FramingError> {
        for member in value.split(|b| *b == b',').map(scan::trim).filter(|member| !member.is_empty()) {
            if member.eq_ignore_ascii_case(b"chunked") {
                self.chunked += 1;
                if self.chunked > 1 {
                    return Err(FramingError::RepeatedChunked);
                }
                self.coding = Some(Coding::Chunked);
                continue;
            }
            let known = [&b"gzip"[..], b"x-gzip", b"deflate", b"compress", b"x-compress"];
            if !known.iter().any(|known| member.eq_ignore_ascii_case(known)) {
                refuse(strictness, FramingError::UnknownTransferCoding)?;
            }
            if !scan::all_token(member.split(|b| *b == b';').next().unwrap_or_default()) {
                refuse(strictness, FramingError::InvalidTransferEncoding)?;
            }
            self.oddities.insert(Oddity::OtherTransferCoding);
            self.coding = Some(Coding::NotChunked);
        }
        Ok(())
    }
}

fn parse_length(digits: &[u8]) -> Result<u64, FramingError> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(FramingError::InvalidLength);
    }
    digits.iter().try_fold(0_u64, |length, digit| {
        length
            .checked_mul(10)
            .and_then(|length| length.checked_add(u64::from(digit - b'0')))
            .ok_or(FramingError::LengthOverflow)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http1::Headers;

    type Fields<'a> = [(&'a str, &'a str)];

    fn check(status: u16, method: &str, fields: &Fields<'_>, expected: Result<BodyLength, FramingError>) {
        let headers: Headers = fields.iter().copied().collect();
        let headers = headers.as_ref();
        let head = ResponseHeadRef { version: Version::Http11, status, reason: b"", headers };
        let found = Framing::of_response(&head, Some(method.as_bytes()), Strictness::Strict);
        assert_eq!(found.map(|framing| framing.body), expected, "{status} {method} {fields:?}");
    }

    #[test]
    fn responses() {
        use BodyLength::{Chunked, Length, None, Tunnel, UntilClose};
        let (five, chunked) = (("Content-Length", "5"), ("Transfer-Encoding", "gzip, Chunked"));
        check(200, "GET", &[five], Ok(Length(5)));
        check(200, "GET", &[("Content-Length", "0")], Ok(None));
        check(200, "GET", &[], Ok(UntilClose));
        check(200, "GET", &[chunked, five], Ok(Chunked));
        check(200, "GET", &[chunked, ("transfer-encoding", "gzip")], Ok(UntilClose));
        check(200, "HEAD", &[five], Ok(None));
        check(304, "GET", &[chunked], Ok(None));
        check(204, "GET", &[five], Ok(None));
        check(103, "GET", &[], Ok(None));
        check(101, "GET", &[], Ok(Tunnel));
        check(200, "CONNECT", &[five], Ok(Tunnel));
        check(407, "CONNECT", &[five], Ok(Length(5)));
    }

    #[test]
    fn lengths_that_cannot_be_told() {
        let five = ("Content-Length", "5");
        check(200, "GET", &[five, ("content-length", "6")], Err(FramingError::ConflictingLengths));
        check(200, "GET", &[("Content-Length", "-1")], Err(FramingError::InvalidLength));
        let beyond = ("Content-Length", "18446744073709551616");
        check(200, "GET", &[beyond], Err(FramingError::LengthOverflow));
        let twice = ("Transfer-Encoding", "chunked, chunked");
        check(200, "GET", &[twice], Err(FramingError::RepeatedChunked));
    }

    fn check_persistence(version: Version, connection: &str, expected: Persistence) {
        let headers: Headers = [("connection", connection)].into_iter().collect();
        assert_eq!(Persistence::of(version, headers.as_ref()), expected);
    }

    #[test]
    fn persistence() {
        check_persistence(Version::Http11, "", Persistence::KeepAlive);
        check_persistence(Version::Http11, "foo, Close", Persistence::Close);
        check_persistence(Version::Http10, "", Persistence::Close);
        check_persistence(Version::Http10, "Keep-Alive", Persistence::KeepAlive);
    }
}
