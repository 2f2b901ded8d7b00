//! A reader of one direction of a connection, as capture and replay build them: what it makes of bytes
//! that arrive in any pieces, as a value that can be compared.

use wire::content::{self, ContentError, ContentLimits};
use wire::http1::{
    BodyDecoder, BodyError, BodyErrorKind, BodyLength, Completion, Framing, FramingError, HeadErrorKind,
    HeadParser, Headers, Limits, MessageKind, Oddities, Parsed, Persistence, Progress, RequestHead,
    ResponseHead, Strictness,
};

/// A message as read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) head: String,
    pub(crate) headers: Headers,
    pub(crate) body: Vec<u8>,
    pub(crate) framing: BodyLength,
    pub(crate) trailers: Headers,
    pub(crate) oddities: Oddities,
}

impl Message {
    pub(crate) fn content(&self) -> Result<Vec<u8>, ContentError> {
        let encodings: Vec<&[u8]> = self.headers.get_all(b"content-encoding").collect();
        content::decode(&self.body, encodings, &ContentLimits::default())
            .map(|content| content.bytes.into_owned())
    }
}

/// How reading ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    Whole,
    Incomplete,
    Tunnel,
    /// Bytes behind a message that closes its connection.
    AfterClose,
    Head(HeadErrorKind),
    Framing(FramingError),
    Body(BodyErrorKind),
}

impl End {
    pub(crate) fn is_error(&self) -> bool {
        matches!(self, Self::Head(_) | Self::Framing(_) | Self::Body(_) | Self::AfterClose)
    }
}

/// Whether requests must name their host, as a server demands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HostRule {
    Checked,
    Unchecked,
}

pub(crate) struct Reader {
    kind: MessageKind,
    strictness: Strictness,
    hosts: HostRule,
    persistence: Persistence,
    parser: HeadParser,
    buffer: Vec<u8>,
    body: Option<BodyDecoder>,
    pub(crate) messages: Vec<Message>,
    end: Option<End>,
}

impl Reader {
    pub(crate) fn new(kind: MessageKind, strictness: Strictness, hosts: HostRule) -> Self {
        let parser = HeadParser::new(strictness, Limits::default());
        Self {
            kind,
            strictness,
            hosts,
            persistence: Persistence::KeepAlive,
            parser,
            buffer: Vec::new(),
            body: None,
            messages: Vec::new(),
            end: None,
        }
    }

    /// Reads `input` in pieces that end at `cuts`.
    pub(crate) fn read(mut self, input: &[u8], cuts: &[usize]) -> (Vec<Message>, End) {
        let mut from = 0;
        for cut in cuts.iter().copied().chain([input.len()]) {
            self.buffer.extend_from_slice(&input[from..cut]);
            from = cut;
            while self.end.is_none() && self.advance() {}
        }
        let end = self.end.take().unwrap_or_else(|| self.at_eof());
        (self.messages, end)
    }

    /// Takes a head or a piece of body out of the buffer; says whether there may be more.
    fn advance(&mut self) -> bool {
        let Some(body) = &mut self.body else { return self.head() };
        match body.decode(&self.buffer) {
            Err(BodyError { kind, .. }) => self.end = Some(End::Body(kind)),
            Ok(step) => {
                let message = self.messages.last_mut().unwrap();
                message.body.extend_from_slice(&self.buffer[step.data]);
                self.buffer.drain(..step.consumed);
                if body.is_done() {
                    message.trailers = body.trailers().clone();
                    message.oddities = message.oddities.union(body.oddities());
                    self.body = None;
                    return true;
                }
                return step.consumed > 0;
            }
        }
        false
    }

    fn head(&mut self) -> bool {
        if (self.strictness, self.persistence) == (Strictness::Strict, Persistence::Close)
            && !self.buffer.is_empty()
        {
            return self.stop(End::AfterClose);
        }
        let (head, headers, framing, consumed, oddities) = match self.kind {
            MessageKind::Request => match self.parser.request(&self.buffer) {
                Err(error) => return self.stop(End::Head(error.kind)),
                Ok(Progress::NeedMore) => return false,
                Ok(Progress::Done(Parsed { head, consumed, oddities })) => {
                    if let (HostRule::Checked, Err(error)) = (self.hosts, head.check_host()) {
                        return self.stop(End::Head(error.kind));
                    }
                    self.persistence = Persistence::of(head.version, head.headers);
                    let framing = Framing::of_request(&head, self.strictness);
                    let RequestHead { method, target, headers, .. } = head.to_owned();
                    (format!("{method} {}", target.escape_ascii()), headers, framing, consumed, oddities)
                }
            },
            MessageKind::Response => match self.parser.response(&self.buffer) {
                Err(error) => return self.stop(End::Head(error.kind)),
                Ok(Progress::NeedMore) => return false,
                Ok(Progress::Done(Parsed { head, consumed, oddities })) => {
                    self.persistence = Persistence::of(head.version, head.headers);
                    let framing = Framing::of_response(&head, None, self.strictness);
                    let ResponseHead { status, headers, .. } = head.to_owned();
                    (status.to_string(), headers, framing, consumed, oddities)
                }
            },
        };
        let framing = match framing {
            Ok(framing) => framing,
            Err(error) => return self.stop(End::Framing(error)),
        };
        self.buffer.drain(..consumed);
        let (body, trailers) = (Vec::new(), Headers::new());
        let oddities = oddities.union(framing.oddities);
        self.messages.push(Message { head, headers, body, framing: framing.body, trailers, oddities });
        if framing.body == BodyLength::Tunnel {
            return self.stop(End::Tunnel);
        }
        self.body = Some(BodyDecoder::new(framing.body, self.strictness));
        true
    }

    fn stop(&mut self, end: End) -> bool {
        self.end = Some(end);
        false
    }

    fn at_eof(&self) -> End {
        match self.body.as_ref().map(BodyDecoder::finish_at_eof) {
            Some(Completion::Complete) => End::Whole,
            Some(Completion::Incomplete { .. }) => End::Incomplete,
            // Line ends behind the last message are no message.
            None if self.buffer.iter().all(|b| matches!(b, b'\r' | b'\n')) => End::Whole,
            None => End::Incomplete,
        }
    }
}
