//! HTTP/1.1 on one connection: both directions read as messages, requests paired with responses.
//!
//! HTTP is found by content, on any port and from either side. The connection hands in bytes in
//! sequence, and in an order in which nobody answers what was not yet said; this module never looks at
//! TCP. Invariant: every byte handed in is counted once, every request begun is settled once.

mod detect;
mod head;
mod message;
mod read;

pub(crate) use message::{End, HeldResponse};

use crate::engine::Engine;
use crate::ledger::{MissingClass, PayloadClass};
use crate::pairing::{Answer, Held, Meaning, Outstanding, Pairing, Place};
use crate::reassembly::Mark;
use crate::sequencer::SlotKey;
use crate::tcp::Offset;
use corpus::exchange::Incomplete;
use corpus::ids::{ConnectionId, ExchangeId};
use corpus::time::CaptureTime;
use message::{Message, Open, To};
use wire::http1::{Completion, GapOutcome, HeadScan, MessageKind};

/// One of the two ends of a connection, as the flow key orders them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Lower,
    Higher,
}

impl Side {
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Lower => Self::Higher,
            Self::Higher => Self::Lower,
        }
    }

    pub(crate) const BOTH: [Side; 2] = [Side::Lower, Side::Higher];
}

/// Two of a kind, one for each side.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sides<T>(pub(crate) [T; 2]);

impl<T> std::ops::Index<Side> for Sides<T> {
    type Output = T;

    fn index(&self, side: Side) -> &T {
        &self.0[side as usize]
    }
}

impl<T> std::ops::IndexMut<Side> for Sides<T> {
    fn index_mut(&mut self, side: Side) -> &mut T {
        &mut self.0[side as usize]
    }
}

/// What a connection carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Roles {
    /// Not known yet.
    Undecided,
    /// HTTP/1.1, with this client.
    Http { client: Side },
    /// It left HTTP by an upgrade or a tunnel.
    Opaque,
    /// Something else.
    Foreign,
}

/// How a direction begins in the capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// With its first byte.
    FirstByte,
    /// Somewhere later.
    Joined,
    /// Behind a loss.
    AfterLoss,
}

/// What a direction is in the middle of.
enum State {
    /// Between messages or in a head; `Half::head` holds what there is of it.
    Head,
    /// In a body.
    Body(Box<Open>),
    /// In bytes that are no message.
    Garbage(Box<Open>),
    /// Looking for the next message; `Half::head` holds a line that may be its start.
    Search(Gap),
}

/// Bytes that were not read as messages.
#[derive(Debug, Clone, Copy)]
struct Gap {
    from: Offset,
    hides: Hides,
}

/// Whether whole messages may lie in a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hides {
    /// Packets are missing.
    Messages,
    /// The rest of a packet that was cut is missing: the rest of one message.
    Rest,
}

impl Gap {
    fn of(from: Offset, class: MissingClass) -> Self {
        let hides = if class == MissingClass::Lost { Hides::Messages } else { Hides::Rest };
        Self { from, hides }
    }

    /// Goes on with another gap.
    fn and(self, class: MissingClass) -> Self {
        let hides = if class == MissingClass::Lost { Hides::Messages } else { self.hides };
        Self { hides, ..self }
    }
}

/// One direction.
struct Half {
    state: State,
    origin: Origin,
    head: Vec<u8>,
    head_mark: Mark,
    scan: HeadScan,
    /// The time of the latest packet handed in.
    last: CaptureTime,
    interim: Vec<u16>,
}

impl Half {
    fn new() -> Self {
        let head_mark = Mark { time: CaptureTime(0), packet: 0, offset: 0, ack: None };
        Self {
            state: State::Head,
            origin: Origin::FirstByte,
            head: Vec::new(),
            head_mark,
            scan: HeadScan::default(),
            last: CaptureTime(0),
            interim: Vec::new(),
        }
    }
}

/// A client whose next bytes may not be HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waiting {
    /// It is in no such doubt.
    No,
    /// Until this request is answered.
    For(SlotKey),
    /// The answer did not come: what is no request is taken for a tunnel.
    InVain,
}

/// HTTP/1.1 on one connection.
pub(crate) struct Conversation {
    connection: ConnectionId,
    roles: Roles,
    halves: Sides<Half>,
    pairing: Pairing<SlotKey, HeldResponse>,
    waiting: Waiting,
    requests: u32,
    /// Bytes looked at in vain while the roles are undecided.
    searched: usize,
}

impl Conversation {
    pub(crate) fn new(connection: ConnectionId) -> Self {
        Self {
            connection,
            roles: Roles::Undecided,
            halves: Sides([Half::new(), Half::new()]),
            pairing: Pairing::new(),
            waiting: Waiting::No,
            requests: 0,
            searched: 0,
        }
    }

    /// Bytes of `side`, next in sequence.
    pub(crate) fn deliver(&mut self, side: Side, bytes: &[u8], mark: Mark, engine: &mut Engine) {
        match self.roles {
            Roles::Http { .. } => self.read(side, bytes, mark, engine),
            Roles::Undecided => self.detect(side, bytes, mark, engine),
            Roles::Opaque => engine.tally.payload(PayloadClass::Opaque, bytes.len()),
            Roles::Foreign => engine.tally.payload(PayloadClass::NotHttp, bytes.len()),
        }
    }

    /// What is in the capture of `side` begins at position `at`, which is not its first.
    pub(crate) fn joined(&mut self, side: Side, at: Offset) {
        self.pairing.doubt();
        self.halves[side].origin = Origin::Joined;
        if matches!(self.roles, Roles::Http { .. }) {
            self.halves[side].state = State::Search(Gap { from: at, hides: Hides::Rest });
        }
    }

    /// Something else is unsure about the order of messages.
    pub(crate) fn doubt(&mut self) {
        self.pairing.doubt();
    }

    /// Whether bytes of `side` must wait for the other side's answer to tell what they are.
    pub(crate) fn waits(&self, side: Side) -> bool {
        let waiting = matches!(self.waiting, Waiting::For(_));
        waiting
            && self.roles == Roles::Http { client: side }
            && matches!(self.halves[side].state, State::Head)
    }

    /// The answer does not come.
    pub(crate) fn stop_waiting(&mut self) {
        self.waiting = Waiting::InVain;
    }

    /// `bytes` of `side` are missing from position `at` on.
    pub(crate) fn missing(
        &mut self,
        side: Side,
        class: MissingClass,
        bytes: u64,
        at: Offset,
        engine: &mut Engine,
    ) {
        engine.tally.missing(class, bytes);
        match self.roles {
            Roles::Http { .. } => {}
            Roles::Undecided => {
                self.drop_beginning(side, engine);
                self.joined(side, at);
                self.halves[side].origin = Origin::AfterLoss;
                return;
            }
            Roles::Opaque | Roles::Foreign => return,
        }
        self.pairing.doubt();
        match std::mem::replace(&mut self.halves[side].state, State::Search(Gap::of(at, class))) {
            State::Search(gap) => {
                self.halves[side].state = State::Search(gap.and(class));
                let tail = std::mem::take(&mut self.halves[side].head);
                engine.tally.payload(PayloadClass::Skipped, tail.len());
            }
            State::Head => self.break_head(side, |faults| faults.miss(class, 0), engine),
            State::Garbage(mut open) => {
                open.faults.miss(class, bytes);
                self.close(side, *open, 0, engine);
            }
            State::Body(mut open) => {
                self.read_peeked(side, &mut open, engine);
                match open.decoder.skip(bytes) {
                    GapOutcome::Inside => {
                        open.faults.miss(class, bytes);
                        self.resume(side, open, engine);
                    }
                    GapOutcome::Lost { payload } => {
                        open.faults.miss(class, payload);
                        self.close(side, *open, 0, engine);
                    }
                }
            }
        }
    }

    /// Nothing more comes from `side`.
    pub(crate) fn end(&mut self, side: Side, end: End, engine: &mut Engine) {
        if !matches!(self.roles, Roles::Http { .. }) {
            return;
        }
        match std::mem::replace(&mut self.halves[side].state, State::Head) {
            State::Head => self.break_head(side, |faults| faults.end(end), engine),
            State::Search(_) => {
                let tail = std::mem::take(&mut self.halves[side].head);
                engine.tally.payload(PayloadClass::Skipped, tail.len());
            }
            State::Garbage(open) => self.close(side, *open, 0, engine),
            State::Body(mut open) => {
                self.read_peeked(side, &mut open, engine);
                let unseen = match open.decoder.finish_at_eof() {
                    Completion::Complete => 0,
                    Completion::Incomplete { missing } => missing.unwrap_or(0),
                };
                let whole = open.decoder.finish_at_eof() == Completion::Complete && end == End::Finished;
                if !whole {
                    open.faults.end(end);
                }
                self.close(side, *open, unseen, engine);
            }
        }
    }

    /// Nothing more comes at all: settles every request.
    pub(crate) fn finish(&mut self, end: End, engine: &mut Engine) {
        for side in Side::BOTH {
            self.end(side, end, engine);
            self.drop_beginning(side, engine);
        }
        let resolved = if end == End::Finished { self.pairing.resolve() } else { self.pairing.release() };
        self.settle_held(resolved, engine);
        let reasons: &[Incomplete] = if end == End::Evicted { &[Incomplete::Evicted] } else { &[] };
        for request in self.pairing.give_up() {
            engine.no_response(request.key, reasons);
        }
    }

    /// What `side` sends in these roles.
    fn kind(&self, side: Side) -> MessageKind {
        match self.roles {
            Roles::Http { client } if client == side => MessageKind::Request,
            _ => MessageKind::Response,
        }
    }

    /// Registers a request that begins at `mark`.
    fn ask(&mut self, mark: Mark, meaning: Meaning, engine: &mut Engine) -> SlotKey {
        let key = SlotKey { time: mark.time, packet: mark.packet, ordinal: self.requests };
        engine.begin(key, self.exchange_id(mark), self.connection);
        self.requests += 1;
        let ack = mark.ack.unwrap_or(0);
        if self.is_answered_up_to(ack, engine) && self.pairing.can_resolve(ack) {
            self.resolve(engine);
        }
        self.pairing.ask(Outstanding { key, start: mark.offset, ack, meaning });
        key
    }

    /// Whether no undecided response is still open when the client, having received up to `ack`, goes on. One
    /// without a byte of body by then has none.
    fn is_answered_up_to(&mut self, ack: Offset, engine: &mut Engine) -> bool {
        let Roles::Http { client } = self.roles else { return true };
        let server = client.other();
        let State::Body(open) = &self.halves[server].state else { return true };
        if !matches!(&open.message, Message::Response { to: To::Held(_), .. }) {
            return true;
        }
        let bodiless =
            open.body.seen() == 0 && self.halves[server].head.is_empty() && open.first.offset < ack;
        if bodiless && let State::Body(open) = std::mem::replace(&mut self.halves[server].state, State::Head)
        {
            self.close(server, *open, 0, engine);
        }
        bodiless
    }

    /// Mixes connection, place and time (the finaliser of SplitMix64): equal captures, equal ids.
    fn exchange_id(&self, mark: Mark) -> ExchangeId {
        let step = u64::from(self.requests).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.connection.0 ^ step ^ mark.time.0.rotate_left(32);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ExchangeId(mixed ^ (mixed >> 31))
    }

    /// Finds the request that a final response beginning at `mark` answers.
    fn answer(&mut self, mark: Mark, engine: &mut Engine) -> (To, Meaning) {
        let place = Place { start: mark.offset, ack: mark.ack.unwrap_or(Offset::MAX) };
        self.break_answered_head(place, engine);
        let answer = self.pairing.answer(place, |lost| engine.no_response(lost.key, &[]));
        match answer {
            Answer::To(request) => {
                if self.waiting == Waiting::For(request.key) {
                    self.waiting = Waiting::No;
                }
                (To::Slot(request.key), request.meaning)
            }
            Answer::Orphan => (To::Nobody, Meaning::Plain),
            Answer::Hold { meaning } => (To::Held(place), meaning),
        }
    }

    /// A request whose head is not whole, but is answered, will not go on.
    fn break_answered_head(&mut self, place: Place, engine: &mut Engine) {
        let Roles::Http { client } = self.roles else { return };
        let half = &self.halves[client];
        let in_head = matches!(half.state, State::Head) && !half.head.is_empty();
        if in_head && self.pairing.latest().is_none() && half.head_mark.offset < place.ack {
            self.break_head(client, |faults| faults.end(End::BrokenOff), engine);
        }
    }

    /// Decides where the responses that are held belong.
    fn resolve(&mut self, engine: &mut Engine) {
        let resolved = self.pairing.resolve();
        self.settle_held(resolved, engine);
    }

    fn settle_held(
        &mut self,
        resolved: Vec<(Option<Outstanding<SlotKey>>, HeldResponse)>,
        engine: &mut Engine,
    ) {
        for (request, held) in resolved {
            let mut held = held;
            if request.is_some_and(|request| request.meaning != held.meaning) {
                // It was framed as the answer to another method.
                held.reasons.push(Incomplete::ResponseGap);
            }
            let to = request.map_or(To::Nobody, |request| To::Slot(request.key));
            self.place(to, held, engine);
        }
    }

    /// A whole response goes to its exchange.
    fn place(&mut self, to: To, held: HeldResponse, engine: &mut Engine) {
        match to {
            To::Slot(key) => {
                engine.tally.response();
                engine.response(key, (held.response, held.span), &held.reasons);
            }
            To::Nobody => {
                engine.tally.response();
                engine.tally.orphan();
            }
            To::Held(place) => {
                if self.pairing.keep(place, held) == Held::Full {
                    self.resolve(engine);
                }
            }
        }
    }

    /// A message is as whole as it will be; `unseen` bytes of its body were declared and did not come.
    fn close(&mut self, side: Side, open: Open, unseen: u64, engine: &mut Engine) {
        let Open { message, first, decoder, body, mut faults, garbage } = open;
        faults.malformed |= garbage.is_some();
        let limited = body.is_limited();
        let body = body.finish(&faults, unseen, decoder.trailers().clone(), &mut engine.open_bytes);
        let span = message::span(first.time, self.halves[side].last);
        let malformed = garbage.map(message::Garbage::into_malformed);
        match message {
            Message::Request { key, mut request } => {
                request.body = body;
                request.malformed = malformed;
                engine.request(key, (request, span), &faults.of_request(limited));
            }
            Message::Response { to, meaning, mut response } => {
                if !to.is_known() && body.wire_len > 0 {
                    // If it had no body, other responses were taken for one.
                    self.pairing
                        .hide(first.offset.saturating_add(1), first.offset.saturating_add(body.wire_len));
                }
                response.body = body;
                response.malformed = malformed;
                let reasons = faults.of_response(limited);
                self.place(to, HeldResponse { response, span, reasons, meaning }, engine);
            }
        }
    }
}
