//! Which protocol a connection carries, and which end is the client: told by content.

use super::head::likeness;
use super::{Conversation, Gap, Hides, Mark, Origin, Roles, Side, State};
use crate::engine::Engine;
use crate::ledger::PayloadClass;
use wire::http1::{Likeness, MessageKind, MessageStart, find_message_start};

/// Bytes of a beginning that are kept: the client's may prove to be a malformed request when the server answers.
const MAX_BEGINNING: usize = 16 * 1024;
/// Bytes that are searched for a message. Behind that, a connection seen from its start is given up, and of one
/// that was joined only the beginnings of packets are looked at.
const MAX_SEARCHED: usize = 64 * 1024;
/// A TLS handshake record, and the preface of HTTP/2.
const OTHERS: [&[u8]; 2] = [b"\x16\x03", b"PRI * HTTP/2.0\r\n"];

impl Conversation {
    /// Takes bytes of a connection whose protocol is not known.
    pub(super) fn detect(&mut self, side: Side, bytes: &[u8], mark: Mark, engine: &mut Engine) {
        let searched = self.searched;
        self.searched += bytes.len();
        let half = &mut self.halves[side];
        half.last = mark.time;
        let beginning = half.origin == Origin::FirstByte && half.head.len() < MAX_BEGINNING;
        if beginning {
            if half.head.is_empty() {
                half.head_mark = mark;
            }
            half.head.extend_from_slice(bytes);
            if OTHERS.iter().any(|other| half.head.starts_with(other)) {
                return self.give_up(engine);
            }
            match kind_of(&half.head) {
                (Likeness::Yes, kind) => return self.decide(side, kind, engine),
                (Likeness::NeedMore, _) => return,
                _ => {}
            }
        }
        let found = if searched < MAX_SEARCHED { start_in(bytes) } else { start_at(bytes) };
        if found.is_some() && beginning {
            let half = &mut self.halves[side];
            half.head.truncate(half.head.len() - bytes.len());
        }
        match found {
            Some((kind, at)) => self.decide_behind(side, kind, bytes, at, mark, engine),
            None if !beginning => engine.tally.payload(PayloadClass::NotHttp, bytes.len()),
            None => {}
        }
        let joined = self.halves.0.iter().any(|half| half.origin != Origin::FirstByte);
        if self.roles == Roles::Undecided && !joined && self.searched > MAX_SEARCHED {
            self.give_up(engine);
        }
    }

    /// The beginning of `side` is a message of this kind.
    fn decide(&mut self, side: Side, kind: MessageKind, engine: &mut Engine) {
        self.settle(side, kind, engine);
        let mut beginnings = Side::BOTH.map(|side| {
            let half = &mut self.halves[side];
            half.state = begin(half.origin, half.head_mark);
            (half.head_mark, side, std::mem::take(&mut half.head))
        });
        beginnings.sort_by_key(|(mark, ..)| mark.packet);
        for (mark, side, beginning) in beginnings {
            if !beginning.is_empty() {
                self.deliver(side, &beginning, mark, engine);
            }
        }
    }

    /// A message of this kind begins at `at` in `bytes` of `side`; what came before it is something else.
    fn decide_behind(
        &mut self,
        side: Side,
        kind: MessageKind,
        bytes: &[u8],
        at: usize,
        mark: Mark,
        engine: &mut Engine,
    ) {
        let half = &mut self.halves[side];
        engine.tally.payload(PayloadClass::NotHttp, half.head.len() + at);
        half.head = bytes[at..].to_vec();
        half.head_mark = Mark { offset: mark.offset + at as u64, ..mark };
        let origin = std::mem::replace(&mut half.origin, Origin::FirstByte);
        if origin == Origin::AfterLoss {
            self.pairing.doubt();
            match kind {
                MessageKind::Request => self.pairing.hide_requests(0, mark.offset + at as u64),
                MessageKind::Response => self.pairing.hide(0, mark.offset + at as u64),
            }
        }
        self.decide(side, kind, engine);
    }

    fn settle(&mut self, side: Side, kind: MessageKind, engine: &mut Engine) {
        let client = if kind == MessageKind::Request { side } else { side.other() };
        self.roles = Roles::Http { client };
        engine.tally.http_connection();
    }

    /// The connection carries something else.
    fn give_up(&mut self, engine: &mut Engine) {
        self.roles = Roles::Foreign;
        for side in Side::BOTH {
            let dropped = std::mem::take(&mut self.halves[side].head);
            engine.tally.payload(PayloadClass::NotHttp, dropped.len());
        }
    }

    /// Drops what is kept of a beginning that will not be decided.
    pub(super) fn drop_beginning(&mut self, side: Side, engine: &mut Engine) {
        if self.roles == Roles::Undecided {
            let dropped = std::mem::take(&mut self.halves[side].head);
            engine.tally.payload(PayloadClass::NotHttp, dropped.len());
        }
    }
}

/// How a direction is read once the roles are known.
fn begin(origin: Origin, mark: Mark) -> State {
    match origin {
        Origin::FirstByte => State::Head,
        Origin::Joined => State::Search(Gap { from: mark.offset, hides: Hides::Rest }),
        Origin::AfterLoss => State::Search(Gap { from: mark.offset, hides: Hides::Messages }),
    }
}

/// Which kind of message a beginning looks like. A request is tried first.
fn kind_of(beginning: &[u8]) -> (Likeness, MessageKind) {
    let request = likeness(MessageKind::Request, beginning);
    let response = likeness(MessageKind::Response, beginning);
    match (request, response) {
        (Likeness::Yes, _) => (Likeness::Yes, MessageKind::Request),
        (_, Likeness::Yes) => (Likeness::Yes, MessageKind::Response),
        (Likeness::No, Likeness::No) => (Likeness::No, MessageKind::Request),
        _ => (Likeness::NeedMore, MessageKind::Request),
    }
}

/// The first message in `bytes`.
fn start_in(bytes: &[u8]) -> Option<(MessageKind, usize)> {
    let kinds = [MessageKind::Request, MessageKind::Response];
    let found = kinds.map(|kind| match find_message_start(bytes, kind) {
        MessageStart::At(at) => Some((kind, at)),
        MessageStart::KeepFrom(_) => None,
    });
    found.into_iter().flatten().min_by_key(|(_, at)| *at)
}

/// A message at the very start of `bytes`.
fn start_at(bytes: &[u8]) -> Option<(MessageKind, usize)> {
    match kind_of(bytes) {
        (Likeness::Yes, kind) => Some((kind, 0)),
        _ => None,
    }
}
