//! Heads as owned messages, with what the connection needs to know of them.

use corpus::message::{Protocol, Request, Response};
use wire::http1::{
    BodyLength, Framing, HeadParser, Likeness, MessageKind, Parsed, Progress, RequestHeadRef,
    ResponseHeadRef, Strictness, Version, looks_like_request, looks_like_response,
};

/// What the start of a message was read as.
pub(super) enum HeadRead {
    /// Its end is not there yet.
    NeedMore,
    /// A whole head of `consumed` bytes.
    Request { request: Request, body: BodyLength, then: Then, consumed: usize },
    /// A whole head of `consumed` bytes. The framing depends on the request.
    Response { response: Response, consumed: usize },
    /// No head: why.
    Malformed(String),
}

/// What may follow a request on its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// Another request.
    Requests,
    /// Perhaps another protocol: CONNECT, or an offer to upgrade.
    PerhapsTunnel,
}

/// Reads the head of a message of this kind at the start of `input`.
pub(super) fn read_head(parser: &mut HeadParser, kind: MessageKind, input: &[u8]) -> HeadRead {
    match kind {
        MessageKind::Request => match parser.request(input) {
            Ok(Progress::NeedMore) => HeadRead::NeedMore,
            Ok(Progress::Done(parsed)) => request(&parsed),
            Err(error) => HeadRead::Malformed(error.kind.to_string()),
        },
        MessageKind::Response => match parser.response(input) {
            Ok(Progress::NeedMore) => HeadRead::NeedMore,
            Ok(Progress::Done(parsed)) => {
                HeadRead::Response { consumed: parsed.consumed, response: response(&parsed.head) }
            }
            Err(error) => HeadRead::Malformed(error.kind.to_string()),
        },
    }
}

fn request(parsed: &Parsed<RequestHeadRef<'_>>) -> HeadRead {
    let head = &parsed.head;
    let framing = match Framing::of_request(head, Strictness::Lenient) {
        Ok(framing) => framing,
        Err(error) => return HeadRead::Malformed(error.to_string()),
    };
    let offers = head.method == b"CONNECT" || head.headers.contains(b"upgrade");
    let request = Request {
        protocol: protocol(head.version),
        method: head.method.to_vec(),
        target: head.target.to_vec(),
        headers: head.headers.to_owned(),
        body: Default::default(),
        malformed: None,
    };
    let then = if offers { Then::PerhapsTunnel } else { Then::Requests };
    HeadRead::Request { request, body: framing.body, then, consumed: parsed.consumed }
}

fn response(head: &ResponseHeadRef<'_>) -> Response {
    Response {
        protocol: protocol(head.version),
        status: head.status,
        headers: head.headers.to_owned(),
        interim: Vec::new(),
        body: Default::default(),
        malformed: None,
    }
}

/// How the body of `response` ends, for a request of `method`.
pub(super) fn response_body(response: &Response, method: &[u8]) -> Result<BodyLength, String> {
    let version = if response.protocol == Protocol::Http10 { Version::Http10 } else { Version::Http11 };
    let head =
        ResponseHeadRef { version, status: response.status, reason: b"", headers: response.headers.as_ref() };
    let framing = Framing::of_response(&head, Some(method), Strictness::Lenient);
    framing.map(|framing| framing.body).map_err(|error| error.to_string())
}

fn protocol(version: Version) -> Protocol {
    match version {
        Version::Http10 => Protocol::Http10,
        Version::Http11 => Protocol::Http11,
    }
}

/// Whether `input` starts like a message of this kind.
pub(super) fn likeness(kind: MessageKind, input: &[u8]) -> Likeness {
    match kind {
        MessageKind::Request => looks_like_request(input),
        MessageKind::Response => looks_like_response(input),
    }
}

/// What a head that breaks off still tells: its whole lines.
pub(super) fn salvage(parser: &mut HeadParser, kind: MessageKind, part: &[u8]) -> HeadRead {
    let lines = part.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    if lines == 0 {
        return HeadRead::NeedMore;
    }
    read_head(parser, kind, &[&part[..lines], b"\r\n"].concat())
}
