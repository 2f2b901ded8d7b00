//! Reading one direction: heads, bodies, bytes that are neither, and the way back after a loss.

use super::head::{HeadRead, Then, likeness, read_head, response_body, salvage};
use super::message::{BodyBuffer, BodyRoom, Faults, Garbage, Message, Open};
use super::{Conversation, End, Gap, Hides, Meaning, Roles, Side, State, Waiting};
use crate::engine::Engine;
use crate::ledger::PayloadClass;
use crate::reassembly::Mark;
use corpus::message::{Protocol, Request, Response};
use wire::http1::{
    BodyDecoder, BodyLength, HeadScan, Likeness, MessageKind, MessageStart, Strictness, find_message_start,
};

impl Conversation {
    /// Reads bytes of a connection that is known to carry HTTP/1.1.
    pub(super) fn read(&mut self, side: Side, bytes: &[u8], mark: Mark, engine: &mut Engine) {
        self.halves[side].last = mark.time;
        let (mut rest, mut mark) = (bytes, mark);
        while !rest.is_empty() {
            if self.roles == Roles::Opaque {
                return engine.tally.payload(PayloadClass::Opaque, rest.len());
            }
            let consumed = match &self.halves[side].state {
                State::Head => self.read_head(side, rest, mark, engine),
                State::Body(_) => self.read_body(side, rest, mark, engine),
                State::Garbage(_) => self.read_garbage(side, rest, mark, engine),
                State::Search(_) => self.search(side, rest, mark, engine),
            };
            rest = &rest[consumed..];
            mark.offset += consumed as u64;
        }
    }

    /// Reads a head, which may begin in bytes handed in before. Consumes nothing where it finds none.
    fn read_head(&mut self, side: Side, bytes: &[u8], mark: Mark, engine: &mut Engine) -> usize {
        if !self.halves[side].head.is_empty() {
            return self.read_split_head(side, bytes, engine);
        }
        // Line ends between messages (RFC 9112 section 2.2).
        let blank = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        if blank > 0 {
            engine.tally.payload(PayloadClass::InMessages, blank);
            return blank;
        }
        match read_head(&mut engine.heads, self.kind(side), bytes) {
            HeadRead::NeedMore => {
                let half = &mut self.halves[side];
                half.head.extend_from_slice(bytes);
                half.head_mark = mark;
                half.scan = HeadScan::default();
                engine.tally.payload(PayloadClass::InMessages, bytes.len());
                bytes.len()
            }
            HeadRead::Malformed(reason) => {
                self.begin_garbage(side, reason, Vec::new(), mark, Faults::default(), engine);
                0
            }
            whole => self.open(side, whole, mark, engine),
        }
    }

    /// Goes on with a head whose beginning is in `Half::head`.
    fn read_split_head(&mut self, side: Side, bytes: &[u8], engine: &mut Engine) -> usize {
        let kind = self.kind(side);
        let half = &mut self.halves[side];
        let (before, mark) = (half.head.len(), half.head_mark);
        half.head.extend_from_slice(bytes);
        let hopeless = likeness(kind, &half.head) == Likeness::No;
        let read = if hopeless || half.scan.ready(&half.head, &wire::http1::Limits::default()) {
            read_head(&mut engine.heads, kind, &half.head)
        } else {
            HeadRead::NeedMore
        };
        match read {
            HeadRead::NeedMore => {
                engine.tally.payload(PayloadClass::InMessages, bytes.len());
                bytes.len()
            }
            HeadRead::Malformed(reason) => {
                let mut raw = std::mem::take(&mut half.head);
                raw.truncate(before);
                self.begin_garbage(side, reason, raw, mark, Faults::default(), engine);
                0
            }
            whole => {
                self.halves[side].head = Vec::new();
                let consumed = self.open(side, whole, mark, engine);
                // The part before was counted when it came.
                engine.tally.payload_moved(PayloadClass::InMessages, before);
                consumed.saturating_sub(before)
            }
        }
    }

    /// Begins a message whose head was read; returns the head's length.
    fn open(&mut self, side: Side, read: HeadRead, mark: Mark, engine: &mut Engine) -> usize {
        match read {
            HeadRead::Request { request, body, then, consumed } => {
                engine.tally.payload(PayloadClass::InMessages, consumed);
                self.open_request(side, request, body, then, mark, engine);
                consumed
            }
            HeadRead::Response { response, consumed } => {
                engine.tally.payload(PayloadClass::InMessages, consumed);
                self.open_response(side, response, mark, engine);
                consumed
            }
            HeadRead::NeedMore | HeadRead::Malformed(_) => 0,
        }
    }

    fn open_request(
        &mut self,
        side: Side,
        request: Request,
        body: BodyLength,
        then: Then,
        mark: Mark,
        engine: &mut Engine,
    ) {
        let key = self.ask(mark, Meaning::of(&request.method), engine);
        self.waiting = if then == Then::PerhapsTunnel { Waiting::For(key) } else { Waiting::No };
        self.begin(side, Message::Request { key, request }, body, mark, engine);
    }

    fn open_response(&mut self, side: Side, mut response: Response, mark: Mark, engine: &mut Engine) {
        if (100..200).contains(&response.status) && response.status != 101 {
            engine.tally.interim();
            return self.halves[side].interim.push(response.status);
        }
        response.interim = std::mem::take(&mut self.halves[side].interim);
        let (to, meaning) = self.answer(mark, engine);
        match response_body(&response, meaning.method()) {
            Ok(body) => {
                self.begin(side, Message::Response { to, meaning, response }, body, mark, engine);
                if body == BodyLength::Tunnel {
                    self.leave_http(side.other(), engine);
                }
            }
            Err(reason) => {
                let message = Message::Response { to, meaning, response };
                let garbage = Garbage { raw: Vec::new(), len: 0, reason };
                let open = open(message, BodyLength::None, mark, Faults::default(), Some(garbage));
                self.halves[side].state = State::Garbage(Box::new(open));
            }
        }
    }

    /// The connection is a tunnel from here on.
    fn leave_http(&mut self, client: Side, engine: &mut Engine) {
        self.end(client, End::BrokenOff, engine);
        self.roles = Roles::Opaque;
    }

    /// Begins a message; one without body ends at once.
    fn begin(&mut self, side: Side, message: Message, body: BodyLength, mark: Mark, engine: &mut Engine) {
        let has_body = !matches!(body, BodyLength::None | BodyLength::Tunnel | BodyLength::Length(0));
        let body = if has_body { body } else { BodyLength::None };
        let mut open = open(message, body, mark, Faults::default(), None);
        if !has_body {
            return self.close(side, open, 0, engine);
        }
        if let BodyLength::Length(len) = body {
            open.body.expect(len);
        }
        self.halves[side].state = State::Body(Box::new(open));
    }

    fn read_body(&mut self, side: Side, bytes: &[u8], mark: Mark, engine: &mut Engine) -> usize {
        let State::Body(mut open) = std::mem::replace(&mut self.halves[side].state, State::Head) else {
            return 0;
        };
        if is_guessed(&open) && open.body.seen() == 0 {
            let half = &mut self.halves[side];
            let before = half.head.len();
            if before == 0 {
                half.head_mark = mark;
            }
            half.head.extend_from_slice(bytes);
            match likeness(MessageKind::Response, &half.head) {
                Likeness::NeedMore => {
                    half.state = State::Body(open);
                    engine.tally.payload(PayloadClass::InMessages, bytes.len());
                    return bytes.len();
                }
                Likeness::Yes => {
                    // It had no body after all: here is the next response.
                    half.head.truncate(before);
                    half.scan = HeadScan::default();
                    self.close(side, *open, 0, engine);
                    return 0;
                }
                Likeness::No => {
                    half.head.truncate(before);
                    self.read_peeked(side, &mut open, engine);
                }
            }
        }
        let Engine { limits, key, open_bytes, tally, .. } = engine;
        let mut room = BodyRoom { limits, key, open_bytes, tally };
        let mut at = 0;
        let failed = loop {
            match open.decoder.decode(&bytes[at..]) {
                Ok(step) => {
                    open.body.add(&bytes[at..][step.data], &mut room);
                    at += step.consumed;
                    if open.decoder.is_done() || at >= bytes.len() || step.consumed == 0 {
                        break None;
                    }
                }
                Err(error) => break Some(error),
            }
        };
        engine.tally.payload(PayloadClass::InMessages, at);
        if let Some(error) = failed {
            self.break_body(side, *open, error.to_string());
        } else {
            self.resume(side, open, engine);
        }
        at
    }

    /// Reads as a body what was held back until it was clear that it is no head.
    pub(super) fn read_peeked(&mut self, side: Side, open: &mut Open, engine: &mut Engine) {
        let peeked = std::mem::take(&mut self.halves[side].head);
        let Engine { limits, key, open_bytes, tally, .. } = engine;
        let mut room = BodyRoom { limits, key, open_bytes, tally };
        let mut rest = peeked.as_slice();
        // What is no body by its framing is found so again with the next bytes.
        while let Ok(step) = open.decoder.decode(rest) {
            open.body.add(&rest[step.data], &mut room);
            rest = &rest[step.consumed..];
            if rest.is_empty() || step.consumed == 0 {
                break;
            }
        }
    }

    /// Goes on with a body, or ends its message.
    pub(super) fn resume(&mut self, side: Side, open: Box<Open>, engine: &mut Engine) {
        if open.decoder.is_done() {
            self.halves[side].state = State::Head;
            self.close(side, *open, 0, engine);
        } else {
            self.halves[side].state = State::Body(open);
        }
    }

    /// A body whose framing is broken: its message is malformed from here on.
    fn break_body(&mut self, side: Side, mut open: Open, reason: String) {
        open.garbage = Some(Garbage { raw: Vec::new(), len: 0, reason });
        self.pairing.doubt();
        self.halves[side].state = State::Garbage(Box::new(open));
    }

    /// Begins to gather bytes that are no message; `raw` was handed in before.
    fn begin_garbage(
        &mut self,
        side: Side,
        reason: String,
        raw: Vec<u8>,
        mark: Mark,
        faults: Faults,
        engine: &mut Engine,
    ) {
        let kind = self.kind(side);
        if kind == MessageKind::Request && self.waiting == Waiting::InVain {
            engine.tally.payload_moved(PayloadClass::InMessages, raw.len());
            engine.tally.payload(PayloadClass::Opaque, raw.len());
            self.end(side.other(), End::BrokenOff, engine);
            self.roles = Roles::Opaque;
            return;
        }
        let message = match kind {
            MessageKind::Request => {
                let key = self.ask(mark, Meaning::Plain, engine);
                Message::Request { key, request: no_request() }
            }
            MessageKind::Response => {
                let (to, meaning) = self.answer(mark, engine);
                let mut response = no_response();
                response.interim = std::mem::take(&mut self.halves[side].interim);
                Message::Response { to, meaning, response }
            }
        };
        let garbage = Garbage { len: raw.len() as u64, raw, reason };
        let open = open(message, BodyLength::None, mark, faults, Some(garbage));
        self.halves[side].state = State::Garbage(Box::new(open));
    }

    /// Gathers bytes that are no message, up to where one begins.
    fn read_garbage(&mut self, side: Side, bytes: &[u8], mark: Mark, engine: &mut Engine) -> usize {
        let kind = self.kind(side);
        let half = &mut self.halves[side];
        let State::Garbage(open) = &mut half.state else { return 0 };
        let Some(garbage) = &mut open.garbage else { return 0 };
        // The sender took an answer in between: what follows is another message.
        let answered = kind == MessageKind::Request && mark.ack > open.first.ack;
        let own_line = if garbage.len == 0 {
            bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| at + 1)
        } else {
            0
        };
        let end = if answered && garbage.len > 0 {
            Some(0)
        } else {
            match find_message_start(&bytes[own_line..], kind) {
                MessageStart::At(at) => Some(own_line + at),
                MessageStart::KeepFrom(_) => None,
            }
        };
        let taken = end.unwrap_or(bytes.len());
        garbage.add(&bytes[..taken]);
        engine.tally.payload(PayloadClass::InMessages, taken);
        if end.is_some()
            && let State::Garbage(open) = std::mem::replace(&mut half.state, State::Head)
        {
            self.close(side, *open, 0, engine);
        }
        taken
    }

    /// Looks for the next message behind a loss.
    fn search(&mut self, side: Side, bytes: &[u8], mark: Mark, engine: &mut Engine) -> usize {
        let kind = self.kind(side);
        let half = &mut self.halves[side];
        let State::Search(gap) = half.state else { return 0 };
        let before = half.head.len();
        if before == 0 {
            half.head_mark = mark;
        }
        half.head.extend_from_slice(bytes);
        match find_message_start(&half.head, kind) {
            MessageStart::At(at) => {
                engine.tally.payload(PayloadClass::Skipped, at.min(before));
                half.state = State::Head;
                half.scan = HeadScan::default();
                half.head.truncate(before);
                half.head.drain(..at.min(before));
                half.head_mark.offset += at.min(before) as u64;
                engine.tally.payload(PayloadClass::InMessages, half.head.len());
                let skipped = at.saturating_sub(before);
                engine.tally.payload(PayloadClass::Skipped, skipped);
                let found =
                    if half.head.is_empty() { mark.offset + skipped as u64 } else { half.head_mark.offset };
                match (gap.hides, kind) {
                    (Hides::Messages, MessageKind::Response) => self.pairing.hide(gap.from, found),
                    (Hides::Messages, MessageKind::Request) => self.pairing.hide_requests(gap.from, found),
                    (Hides::Rest, _) => {}
                }
                skipped
            }
            MessageStart::KeepFrom(at) => {
                engine.tally.payload(PayloadClass::Skipped, at);
                half.head.drain(..at);
                if at >= before {
                    half.head_mark = Mark { offset: mark.offset + (at - before) as u64, ..mark };
                } else {
                    half.head_mark.offset += at as u64;
                }
                bytes.len()
            }
        }
    }

    /// A head that breaks off: what its whole lines tell is kept.
    pub(super) fn break_head(&mut self, side: Side, fault: impl FnOnce(&mut Faults), engine: &mut Engine) {
        let kind = self.kind(side);
        let half = &mut self.halves[side];
        let (part, mark) = (std::mem::take(&mut half.head), half.head_mark);
        if part.is_empty() {
            return;
        }
        let mut faults = Faults::default();
        fault(&mut faults);
        let state = std::mem::replace(&mut half.state, State::Head);
        let message = match salvage(&mut engine.heads, kind, &part) {
            HeadRead::NeedMore | HeadRead::Malformed(_)
                if kind == MessageKind::Response && matches!(state, State::Search(_)) =>
            {
                // It may be interim or final: whatever it was is part of the gap.
                engine.tally.payload_moved(PayloadClass::InMessages, part.len());
                engine.tally.payload(PayloadClass::Skipped, part.len());
                let gap = Gap { from: mark.offset, hides: Hides::Messages };
                self.halves[side].state = State::Search(gap);
                return;
            }
            HeadRead::Request { request, .. } => {
                let key = self.ask(mark, Meaning::of(&request.method), engine);
                Some(Message::Request { key, request })
            }
            HeadRead::Response { response, .. } if (100..200).contains(&response.status) => {
                engine.tally.interim();
                self.halves[side].interim.push(response.status);
                None
            }
            HeadRead::Response { mut response, .. } => {
                response.interim = std::mem::take(&mut self.halves[side].interim);
                let (to, meaning) = self.answer(mark, engine);
                Some(Message::Response { to, meaning, response })
            }
            HeadRead::NeedMore | HeadRead::Malformed(_) => {
                self.begin_garbage(side, "head breaks off".to_owned(), part, mark, faults, engine);
                match std::mem::replace(&mut self.halves[side].state, State::Head) {
                    State::Garbage(open) => self.close(side, *open, 0, engine),
                    other => self.halves[side].state = other,
                }
                None
            }
        };
        if let Some(message) = message {
            let open = open(message, BodyLength::None, mark, faults, None);
            self.close(side, open, 0, engine);
        }
        if self.roles != Roles::Opaque {
            self.halves[side].state = state;
        }
    }
}

fn open(message: Message, body: BodyLength, first: Mark, faults: Faults, garbage: Option<Garbage>) -> Open {
    let decoder = BodyDecoder::new(body, Strictness::Lenient);
    Open { message, first, decoder, body: BodyBuffer::default(), faults, garbage }
}

/// Whether the request of a response, and so the response's framing, is not known for sure.
fn is_guessed(open: &Open) -> bool {
    matches!(&open.message, Message::Response { to, .. } if !to.is_known())
}

/// The fields of a malformed request are empty.
fn no_request() -> Request {
    Request {
        protocol: Protocol::Http11,
        method: Vec::new(),
        target: Vec::new(),
        headers: Default::default(),
        body: Default::default(),
        malformed: None,
    }
}

fn no_response() -> Response {
    Response {
        protocol: Protocol::Http11,
        status: 0,
        headers: Default::default(),
        interim: Vec::new(),
        body: Default::default(),
        malformed: None,
    }
}
