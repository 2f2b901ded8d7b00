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
