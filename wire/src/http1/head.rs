//! Request and response heads, borrowed from the wire or owned.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use super::error::{HeadError, HeadErrorKind};
use super::headers::{Headers, HeadersRef};
use super::scan;

/// The HTTP versions that share this message syntax.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// `HTTP/1.0`
    Http10,
    /// `HTTP/1.1`
    Http11,
}

impl Version {
    /// The name as it stands in a start line.
    pub fn as_bytes(self) -> &'static [u8] {
        match self {
            Self::Http10 => b"HTTP/1.0",
            Self::Http11 => b"HTTP/1.1",
        }
    }

    /// Reads the eight bytes of a version, case-sensitively (RFC 9112 section 2.3).
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        match bytes {
            b"HTTP/1.1" => Some(Self::Http11),
            b"HTTP/1.0" => Some(Self::Http10),
            _ => None,
        }
    }
}

/// A method, case-sensitive; the usual ones cost no allocation.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Method(Cow<'static, [u8]>);

impl Method {
    /// A method of these bytes.
    pub fn new(bytes: &[u8]) -> Self {
        let known: &'static [u8] = match bytes {
            b"GET" => b"GET",
            b"POST" => b"POST",
            b"PUT" => b"PUT",
            b"PATCH" => b"PATCH",
            b"DELETE" => b"DELETE",
            b"HEAD" => b"HEAD",
            b"OPTIONS" => b"OPTIONS",
            b"CONNECT" => b"CONNECT",
            b"TRACE" => b"TRACE",
            other => return Self(Cow::Owned(other.to_vec())),
        };
        Self(Cow::Borrowed(known))
    }

    /// The bytes as sent.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether the method is safe by RFC 9110 section 9.2.1.
    pub fn is_safe(&self) -> bool {
        matches!(self.as_bytes(), b"GET" | b"HEAD" | b"OPTIONS" | b"TRACE")
    }
}

impl Deref for Method {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.escape_ascii().fmt(f)
    }
}

impl fmt::Debug for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.escape_ascii().fmt(f)
    }
}

/// A request head that borrows from the parsed bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RequestHeadRef<'a> {
    /// The method, as sent.
    pub method: &'a [u8],
    /// The target, as sent.
    pub target: &'a [u8],
    /// The version.
    pub version: Version,
    /// The fields.
    pub headers: HeadersRef<'a>,
}

/// An owned request head.
#[derive(Clone, PartialEq, Eq)]
pub struct RequestHead {
    /// The method.
    pub method: Method,
    /// The target, as sent.
    pub target: Vec<u8>,
    /// The version.
    pub version: Version,
    /// The fields.
    pub headers: Headers,
}

/// A response head that borrows from the parsed bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ResponseHeadRef<'a> {
    /// The version.
    pub version: Version,
    /// The status, 0 to 999.
    pub status: u16,
    /// The reason phrase, as sent; may be empty.
    pub reason: &'a [u8],
    /// The fields.
    pub headers: HeadersRef<'a>,
}

/// An owned response head.
#[derive(Clone, PartialEq, Eq)]
pub struct ResponseHead {
    /// The version.
    pub version: Version,
    /// The status, 0 to 999.
    pub status: u16,
    /// The reason phrase, as sent; may be empty.
    pub reason: Vec<u8>,
    /// The fields.
    pub headers: Headers,
}

impl<'a> RequestHeadRef<'a> {
    /// An owned copy.
    pub fn to_owned(self) -> RequestHead {
        RequestHead {
            method: Method::new(self.method),
            target: self.target.to_vec(),
            version: self.version,
            headers: self.headers.to_owned(),
        }
    }

    /// The host that the request is for: the authority of an absolute target, or of a CONNECT target,
    /// else the Host field (RFC 9112 section 3.2.2), without user information.
    pub fn host(self) -> Option<&'a [u8]> {
        let authority = match absolute_authority(self.target) {
            Some(authority) => authority,
            None if self.method == b"CONNECT" => self.target,
            None => self.headers.get(b"host")?,
        };
        let host = match memchr::memrchr(b'@', authority) {
            Some(at) => &authority[at + 1..],
            None => authority,
        };
        Some(host)
    }

    /// Refuses what a server must answer with 400 (RFC 9112 section 3.2).
    ///
    /// # Errors
    ///
    /// [`HeadErrorKind::InvalidHost`] for an HTTP/1.1 request without Host, and for any request with
    /// several Host fields or one that is no `host[:port]`.
    pub fn check_host(self) -> Result<(), HeadError> {
        let mut hosts = self.headers.get_all(b"host");
        let valid = match (hosts.next(), hosts.next()) {
            (None, _) => self.version == Version::Http10,
            (Some(host), None) => host.iter().all(|b| is_host_byte(*b)),
            (Some(_), Some(_)) => false,
        };
        if valid { Ok(()) } else { Err(HeadError { kind: HeadErrorKind::InvalidHost, offset: 0 }) }
    }
}

fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:[]".contains(&byte)
}

fn absolute_authority(target: &[u8]) -> Option<&[u8]> {
    let colon = target.iter().position(|b| !b.is_ascii_alphanumeric() && !b"+-.".contains(b))?;
    let rest = target.get(colon..)?.strip_prefix(b"://")?;
    let end = rest.iter().position(|b| b"/?#".contains(b)).unwrap_or(rest.len());
    Some(&rest[..end])
}

impl RequestHead {
    /// The head, borrowed.
    pub fn as_ref(&self) -> RequestHeadRef<'_> {
        RequestHeadRef {
            method: &self.method,
            target: &self.target,
            version: self.version,
            headers: self.headers.as_ref(),
        }
    }
}

impl ResponseHeadRef<'_> {
    /// An owned copy.
    pub fn to_owned(self) -> ResponseHead {
        ResponseHead {
            version: self.version,
            status: self.status,
            reason: self.reason.to_vec(),
            headers: self.headers.to_owned(),
        }
    }

    /// Whether this is an interim response, which another follows; 101 ends the HTTP/1.1 exchange
    /// and is none.
    pub fn is_interim(self) -> bool {
        (100..200).contains(&self.status) && self.status != 101
    }
}

impl ResponseHead {
    /// The head, borrowed.
    pub fn as_ref(&self) -> ResponseHeadRef<'_> {
        ResponseHeadRef {
            version: self.version,
            status: self.status,
            reason: &self.reason,
            headers: self.headers.as_ref(),
        }
    }
}

impl fmt::Debug for RequestHeadRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (method, target) = (self.method.escape_ascii(), self.target.escape_ascii());
        write!(f, "{method} {target} {:?} {:?}", self.version, self.headers)
    }
}

impl fmt::Debug for RequestHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().fmt(f)
    }
}

impl fmt::Debug for ResponseHeadRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {} {} {:?}", self.version, self.status, self.reason.escape_ascii(), self.headers)
    }
}

impl fmt::Debug for ResponseHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().fmt(f)
    }
}

/// Whether `method` could be the method of a request.
pub(super) fn is_method(method: &[u8]) -> bool {
    scan::all_token(method)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(target: &str, host: &str, expected: Option<&str>) {
        let headers: Headers = [("Host", host)].into_iter().collect();
        let head = RequestHead {
            method: Method::new(b"GET"),
            target: target.into(),
            version: Version::Http11,
            headers,
        };
        assert_eq!(head.as_ref().host(), expected.map(str::as_bytes), "{head:?}");
    }

    #[test]
    fn the_target_names_the_host_before_the_field_does() {
        check("/a", "h:80", Some("h:80"));
        check("http://x/a", "y", Some("x"));
        check("http://u@x:1?q", "y", Some("x:1"));
        check("/http://x", "y", Some("y"));
        check("*", "", Some(""));
    }
}
