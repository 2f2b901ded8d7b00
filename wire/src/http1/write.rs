//! Messages to bytes: exactly the fields given, in their order and spelling.
//!
//! Invariant: whatever a hostile corpus puts into a head, the bytes written parse as that one head
//! again; what could not is refused.

use std::io::Write as _;

use super::error::WriteError;
use super::head::is_method;
use super::headers::HeadersRef;
use super::{Version, scan};

/// How the body that will follow is announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SentBody {
    /// The fields already say it: written as they are.
    AsGiven,
    /// Content-Length of this value, in the place of the one given, else last; Transfer-Encoding left out.
    Length(u64),
    /// `Transfer-Encoding: chunked` likewise; Content-Length left out.
    Chunked,
}

/// Appends a request head to `out`.
///
/// # Errors
///
/// [`WriteError`] if the head would not read back as given; `out` is left as it was.
pub fn write_request(
    out: &mut Vec<u8>,
    method: &[u8],
    target: &[u8],
    version: Version,
    headers: HeadersRef<'_>,
    body: SentBody,
) -> Result<(), WriteError> {
    if !is_method(method) {
        return Err(WriteError::InvalidMethod);
    }
    if target.is_empty() || scan::control_from::<0x21>(target, 0) != target.len() {
        return Err(WriteError::InvalidTarget);
    }
    check_fields(headers)?;
    out.reserve(method.len() + target.len() + headers.byte_len() + 4 * headers.len() + 64);
    out.extend_from_slice(method);
    out.push(b' ');
    out.extend_from_slice(target);
    out.push(b' ');
    out.extend_from_slice(version.as_bytes());
    out.extend_from_slice(b"\r\n");
    write_fields(out, headers, body);
    Ok(())
}

/// Appends a response head to `out`.
///
/// # Errors
///
/// [`WriteError`] if the head would not read back as given; `out` is left as it was.
pub fn write_response(
    out: &mut Vec<u8>,
    version: Version,
    status: u16,
    reason: &[u8],
    headers: HeadersRef<'_>,
    body: SentBody,
) -> Result<(), WriteError> {
    if !(100..=999).contains(&status) || reason.iter().any(|b| matches!(b, b'\r' | b'\n' | 0)) {
        return Err(WriteError::InvalidStatusLine);
    }
    check_fields(headers)?;
    out.extend_from_slice(version.as_bytes());
    write!(out, " {status} ").expect("writing to memory cannot fail");
    out.extend_from_slice(reason);
    out.extend_from_slice(b"\r\n");
    write_fields(out, headers, body);
    Ok(())
}

/// Appends one chunk; an empty one is left out, since it would end the body.
pub fn write_chunk(out: &mut Vec<u8>, data: &[u8]) {
    if data.is_empty() {
        return;
    }
    write!(out, "{:x}\r\n", data.len()).expect("writing to memory cannot fail");
    out.extend_from_slice(data);
    out.extend_from_slice(b"\r\n");
}

/// Appends the last chunk and the trailer section.
///
/// # Errors
///
/// [`WriteError`] if a trailer field would not read back as given.
pub fn write_last_chunk(out: &mut Vec<u8>, trailers: HeadersRef<'_>) -> Result<(), WriteError> {
    check_fields(trailers)?;
    out.extend_from_slice(b"0\r\n");
    write_fields(out, trailers, SentBody::AsGiven);
    Ok(())
}

fn check_fields(headers: HeadersRef<'_>) -> Result<(), WriteError> {
    for (name, value) in headers.iter() {
        if !scan::all_token(name) {
            return Err(WriteError::InvalidFieldName);
        }
        if value.iter().any(|b| matches!(b, b'\r' | b'\n' | 0)) {
            return Err(WriteError::InvalidFieldValue);
        }
    }
    Ok(())
}

fn write_fields(out: &mut Vec<u8>, headers: HeadersRef<'_>, body: SentBody) {
    let mut announced = body == SentBody::AsGiven;
    for (name, value) in headers.iter() {
        let is_length = name.eq_ignore_ascii_case(b"content-length");
        let frames = is_length || name.eq_ignore_ascii_case(b"transfer-encoding");
        if body == SentBody::AsGiven || !frames {
            write_field(out, name, value);
        } else if !announced && is_length == matches!(body, SentBody::Length(_)) {
            announce(out, name, body);
            announced = true;
        }
    }
    if !announced {
        let name: &[u8] = if body == SentBody::Chunked { b"Transfer-Encoding" } else { b"Content-Length" };
        announce(out, name, body);
    }
    out.extend_from_slice(b"\r\n");
}

fn announce(out: &mut Vec<u8>, name: &[u8], body: SentBody) {
    match body {
        SentBody::AsGiven => {}
        SentBody::Chunked => write_field(out, name, b"chunked"),
        SentBody::Length(length) => write_field(out, name, length.to_string().as_bytes()),
    }
}

fn write_field(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http1::Headers;

    const FIELDS: [(&str, &str); 4] =
        [("HOST", "h"), ("content-length", "9"), ("X", ""), ("Transfer-Encoding", "chunked")];

    fn check(fields: &[(&str, &str)], body: SentBody, expected: Result<&str, WriteError>) {
        let headers: Headers = fields.iter().copied().collect();
        let mut out = Vec::new();
        let sent = write_request(&mut out, b"POST", b"/a?b", Version::Http11, headers.as_ref(), body);
        let text = String::from_utf8(out).unwrap();
        assert_eq!(sent.map(|()| text.as_str()), expected);
    }

    #[test]
    fn requests_as_given_and_reframed() {
        let head = "POST /a?b HTTP/1.1\r\nHOST: h\r\n";
        let given = format!("{head}content-length: 9\r\nX: \r\nTransfer-Encoding: chunked\r\n\r\n");
        check(&FIELDS, SentBody::AsGiven, Ok(&given));
        check(&FIELDS, SentBody::Length(3), Ok(&format!("{head}content-length: 3\r\nX: \r\n\r\n")));
        let chunked = format!("{head}X: \r\nTransfer-Encoding: chunked\r\n\r\n");
        check(&FIELDS, SentBody::Chunked, Ok(&chunked));
        check(&FIELDS[..1], SentBody::Length(0), Ok(&format!("{head}Content-Length: 0\r\n\r\n")));
    }

    #[test]
    fn what_would_read_back_differently_is_refused() {
        check(&[("X", "a\r\nY: b")], SentBody::AsGiven, Err(WriteError::InvalidFieldValue));
        check(&[("X y", "a")], SentBody::AsGiven, Err(WriteError::InvalidFieldName));
        let none = Headers::new();
        for (method, target) in [("GET /", "/"), ("GET", "/ HTTP/1.1\r\nX: "), ("", "/"), ("GET", "")] {
            let mut out = Vec::new();
            let (method, target) = (method.as_bytes(), target.as_bytes());
            let sent =
                write_request(&mut out, method, target, Version::Http11, none.as_ref(), SentBody::AsGiven);
            assert!(sent.is_err() && out.is_empty());
        }
    }

    #[test]
    fn responses_and_chunks() {
        let mut out = Vec::new();
        let headers: Headers = [("A", "b")].into_iter().collect();
        write_response(&mut out, Version::Http10, 299, b"", headers.as_ref(), SentBody::Chunked).unwrap();
        write_chunk(&mut out, b"");
        write_chunk(&mut out, &[b'x'; 16]);
        write_last_chunk(&mut out, headers.as_ref()).unwrap();
        let expected = "HTTP/1.0 299 \r\nA: b\r\nTransfer-Encoding: chunked\r\n\r\n\
            10\r\nxxxxxxxxxxxxxxxx\r\n0\r\nA: b\r\n\r\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
