//! HTTP/1.1 found by content, on any port, and found again behind a gap.
//!
//! Cheap and without verdict on the rest of the head: the parser decides. Invariant: an answer of yes
//! or no never changes when more bytes arrive.

use memchr::memmem;

use super::head::is_method;
use super::{Version, scan};

/// Which kind of message a stream carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageKind {
    /// From client to server.
    Request,
    /// From server to client.
    Response,
}

/// Whether bytes look like the start of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Likeness {
    /// They do.
    Yes,
    /// They do not.
    No,
    /// Too few bytes to tell.
    NeedMore,
}

/// Where the next message may start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageStart {
    /// Here.
    At(usize),
    /// Nowhere yet; bytes before this offset can be dropped.
    KeepFrom(usize),
}

/// Longest start line that is waited for.
const MAX_LINE: usize = 64 * 1024;
/// Longest method that is taken for one: the longest registered has 17 bytes.
const MAX_METHOD: usize = 24;
const METHODS: [&[u8]; 16] = [
    b"GET",
    b"POST",
    b"PUT",
    b"HEAD",
    b"DELETE",
    b"OPTIONS",
    b"PATCH",
    b"CONNECT",
    b"TRACE",
    b"PROPFIND",
    b"PROPPATCH",
    b"MKCOL",
    b"COPY",
    b"MOVE",
    b"REPORT",
    b"PURGE",
];

/// Whether `input` starts, perhaps behind empty lines, with a request line.
pub fn looks_like_request(input: &[u8]) -> Likeness {
    let blank = input.iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
    let input = &input[blank..];
    let end = scan::token_end(&input[..input.len().min(MAX_METHOD + 1)], 0);
    if end > MAX_METHOD {
        return Likeness::No;
    }
    match input.get(end) {
        None => return Likeness::NeedMore,
        Some(b' ' | b'\t') if is_method(&input[..end]) => {}
        Some(_) => return Likeness::No,
    }
    let window = &input[..input.len().min(MAX_LINE)];
    let Some(lf) = memchr::memchr(b'\n', &window[end..]).map(|at| at + end) else {
        return if window.len() < MAX_LINE { Likeness::NeedMore } else { Likeness::No };
    };
    let target_and_version = scan::trim(window[end..lf].strip_suffix(b"\r").unwrap_or(&window[end..lf]));
    let Some(split) = target_and_version.len().checked_sub(8) else { return Likeness::No };
    let (target, version) = target_and_version.split_at(split);
    let blank_before = target.last().is_some_and(|b| scan::is_blank(*b)) && !scan::trim(target).is_empty();
    if blank_before && Version::parse(version).is_some() { Likeness::Yes } else { Likeness::No }
}

/// Whether `input` starts, perhaps behind empty lines, with a status line.
pub fn looks_like_response(input: &[u8]) -> Likeness {
    let blank = input.iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
    status_line(&input[blank..])
}

fn status_line(input: &[u8]) -> Likeness {
    const PATTERN: &[u8] = b"HTTP/1.v ddd";
    for (byte, pattern) in input.iter().zip(PATTERN) {
        let fits = match pattern {
            b'v' => matches!(byte, b'0' | b'1'),
            b'd' => byte.is_ascii_digit(),
            other => byte == other,
        };
        if !fits {
            return Likeness::No;
        }
    }
    match input.get(PATTERN.len()) {
        None => Likeness::NeedMore,
        Some(b' ' | b'\t' | b'\r' | b'\n') => Likeness::Yes,
        Some(_) => Likeness::No,
    }
}

/// Finds the next plausible message start behind a gap: a start line followed by a field line or an
/// empty line.
pub fn find_message_start(input: &[u8], kind: MessageKind) -> MessageStart {
    match kind {
        MessageKind::Response => find_response(input),
        MessageKind::Request => find_request(input),
    }
}

fn find_response(input: &[u8]) -> MessageStart {
    for at in memmem::find_iter(input, b"HTTP/1.") {
        match (status_line(&input[at..]), fields_follow(input, at)) {
            (Likeness::No, _) | (_, Likeness::No) => {}
            (Likeness::Yes, Likeness::Yes) => return MessageStart::At(at),
            _ => return MessageStart::KeepFrom(at),
        }
    }
    let tail = input.len().saturating_sub(b"HTTP/1".len());
    let partial = (tail..input.len()).find(|at| b"HTTP/1.".starts_with(&input[*at..]));
    MessageStart::KeepFrom(partial.unwrap_or(input.len()))
}

fn find_request(input: &[u8]) -> MessageStart {
    let mut line_floor = 0;
    for version_at in memmem::find_iter(input, b" HTTP/1.") {
        let line_start = memchr::memrchr(b'\n', &input[line_floor..version_at])
            .map_or(line_floor, |lf| lf + line_floor + 1);
        line_floor = version_at;
        let Some(start) = request_start(input, line_start, version_at) else { continue };
        match (looks_like_request(&input[start..]), fields_follow(input, start)) {
            (Likeness::No, _) | (_, Likeness::No) => {}
            (Likeness::Yes, Likeness::Yes) => return MessageStart::At(start),
            _ => return MessageStart::KeepFrom(start),
        }
    }
    MessageStart::KeepFrom(unfinished_line(input))
}

/// The method's first byte in the line that ends with a version at `version_at`: behind a body without
/// line end, a known method is found inside a longer run of token characters.
fn request_start(input: &[u8], line_start: usize, version_at: usize) -> Option<usize> {
    let line = &input[line_start..version_at];
    for blank in memchr::memchr_iter(b' ', line) {
        let run = &line[..blank];
        let token_start = run.iter().rposition(|b| !scan::is_token(*b)).map_or(0, |at| at + 1);
        let token = &run[token_start..];
        if let Some(method) = METHODS.iter().filter(|method| token.ends_with(method)).max_by_key(|m| m.len())
        {
            return Some(line_start + blank - method.len());
        }
        let upper = token.iter().all(|b| b.is_ascii_uppercase() || *b == b'-');
        if token_start == 0 && is_method(token) && upper && token.len() <= MAX_METHOD {
            return Some(line_start);
        }
    }
    None
}

/// Start of the last line, where a request line may still be growing.
fn unfinished_line(input: &[u8]) -> usize {
    let start = memchr::memrchr(b'\n', input).map_or(0, |lf| lf + 1);
    start.max(input.len().saturating_sub(MAX_LINE))
}

/// Whether the line behind the one at `at` is empty or starts like a field.
fn fields_follow(input: &[u8], at: usize) -> Likeness {
    let window = &input[at..input.len().min(at + MAX_LINE)];
    let Some(next) = memchr::memchr(b'\n', window).map(|lf| lf + 1) else {
        return if window.len() < MAX_LINE { Likeness::NeedMore } else { Likeness::No };
    };
    match &window[next..] {
        [] | [b'\r'] => Likeness::NeedMore,
        [b'\n', ..] | [b'\r', b'\n', ..] => Likeness::Yes,
        line => {
            let end = scan::token_end(line, 0);
            match line.get(end) {
                Some(b':') if end > 0 => Likeness::Yes,
                None if end < 256 => Likeness::NeedMore,
                _ => Likeness::No,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &str, request: Likeness, response: Likeness) {
        assert_eq!(looks_like_request(input.as_bytes()), request, "{input:?}");
        assert_eq!(looks_like_response(input.as_bytes()), response, "{input:?}");
    }

    #[test]
    fn likeness() {
        use Likeness::{NeedMore, No, Yes};
        check("GET / HTTP/1.1\r\n", Yes, No);
        check("\r\nM-SEARCH * HTTP/1.0\n", Yes, No);
        check("GET /a b HTTP/1.1\r\n", Yes, No);
        check("GET /", NeedMore, No);
        check("", NeedMore, NeedMore);
        check("HTTP/1.", No, NeedMore);
        check("HTTP/1.1 200", No, NeedMore);
        check("HTTP/1.1 200\r\n", No, Yes);
        check("HTTP/1.1 2000 OK\r\n", No, No);
        check("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", No, No);
        check("SSH-2.0-OpenSSH_9.6\r\n", No, No);
        check("\u{16}\u{3}\u{1}", No, No);
        check("HELO example.com\r\n", No, No);
    }

    fn check_start(input: &str, kind: MessageKind, expected: MessageStart) {
        assert_eq!(find_message_start(input.as_bytes(), kind), expected, "{input:?}");
    }

    #[test]
    fn starts_behind_a_gap() {
        use MessageKind::{Request, Response};
        use MessageStart::{At, KeepFrom};
        check_start("rest of body}HTTP/1.1 200 OK\r\nA: b\r\n\r\n", Response, At(13));
        check_start("see HTTP/1.1 200 OK for\n and HTTP/1.1 204\r\n\r\n", Response, At(29));
        check_start("bodyHTTP/1", Response, KeepFrom(4));
        check_start("bodyHTTP/1.1 200 O", Response, KeepFrom(4));
        check_start("nothing", Response, KeepFrom(7));
        check_start("{\"a\":1}GET /x HTTP/1.1\r\nHost: h\r\n\r\n", Request, At(7));
        check_start("tail\r\nBREW /pot HTTP/1.1\r\n\r\n", Request, At(6));
        check_start("a=1POST /x HTTP/1.1\r\nHost: h\r\n\r\n", Request, At(3));
        check_start("line\nGET /x HT", Request, KeepFrom(5));
        check_start("line\nGET /x HTTP/1.1\r\nHo", Request, KeepFrom(5));
    }
}
