//! Puts exchanges in the order of their requests' first packets, within a bounded window.
//!
//! A slot is taken when a request begins and released when the exchange is settled or the window is full;
//! then a response that comes later leaves as a record of its own, and a request that is not whole yet
//! leaves when it is. Invariant: every slot taken is settled once, and counted once, by its first reason.

use crate::config::Limits;
use crate::ledger::{Answered, Limit, Tally};
use corpus::exchange::{Exchange, Incomplete, Span};
use corpus::ids::{ConnectionId, ExchangeId, SessionId};
use corpus::message::{Request, Response};
use corpus::time::CaptureTime;
use std::collections::BTreeMap;

/// The order of exchanges: time and number of the request's first packet, then its place on the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SlotKey {
    pub(crate) time: CaptureTime,
    pub(crate) packet: u64,
    pub(crate) ordinal: u32,
}

/// What leaves, in this order. Sessions are not told apart and nothing is redacted yet.
#[derive(Debug)]
pub(crate) enum Leaving {
    Exchange(Box<Exchange>),
    Late(Box<Late>),
}

/// A response whose exchange left before it.
#[derive(Debug)]
pub(crate) struct Late {
    pub(crate) id: ExchangeId,
    pub(crate) span: Span,
    pub(crate) response: Response,
    pub(crate) incomplete: Vec<Incomplete>,
}

/// Takes what leaves.
pub(crate) trait Outlet {
    fn leave(&mut self, leaving: Leaving);

    /// Whether anybody still takes it.
    fn is_open(&self) -> bool {
        true
    }
}

#[derive(Debug)]
struct Slot {
    id: ExchangeId,
    connection: ConnectionId,
    request: Option<(Request, Span)>,
    response: Option<(Response, Span)>,
    settled: Settled,
    incomplete: Vec<Incomplete>,
    bytes: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Settled {
    No,
    Yes,
}

impl Slot {
    fn is_done(&self) -> bool {
        self.settled == Settled::Yes && self.request.is_some()
    }
}

/// The window.
#[derive(Debug)]
pub(crate) struct Sequencer {
    /// Boxed: taking out the first of a map moves its neighbours.
    slots: BTreeMap<SlotKey, Box<Slot>>,
    /// Released from the window before their request was whole.
    stragglers: BTreeMap<SlotKey, Box<Slot>>,
    /// Written without response.
    unanswered: BTreeMap<SlotKey, (ExchangeId, Vec<Incomplete>)>,
    bytes: usize,
    now: CaptureTime,
}

impl Sequencer {
    pub(crate) fn new() -> Self {
        let (slots, stragglers, unanswered) = Default::default();
        Self { slots, stragglers, unanswered, bytes: 0, now: CaptureTime(0) }
    }

    /// A request begins.
    pub(crate) fn begin(&mut self, key: SlotKey, id: ExchangeId, connection: ConnectionId) {
        let slot = Slot {
            id,
            connection,
            request: None,
            response: None,
            settled: Settled::No,
            incomplete: Vec::new(),
            bytes: 0,
        };
        self.slots.insert(key, Box::new(slot));
    }

    /// The request is there, as whole as it will be.
    pub(crate) fn request(
        &mut self,
        key: SlotKey,
        (request, span): (Request, Span),
        reasons: &[Incomplete],
        exit: &mut Exit<'_>,
    ) {
        let held = request.body.bytes.len() + request.target.len() + 256;
        if let Some(slot) = self.slots.get_mut(&key) {
            self.bytes += held;
            slot.bytes += held;
            slot.incomplete.extend_from_slice(reasons);
            slot.request = Some((request, span));
        } else if let Some(mut slot) = self.stragglers.remove(&key) {
            slot.incomplete.extend_from_slice(reasons);
            slot.request = Some((request, span));
            self.release(key, slot, exit);
        }
    }

    /// The final response is there, as whole as it will be.
    pub(crate) fn response(
        &mut self,
        key: SlotKey,
        (response, span): (Response, Span),
        reasons: &[Incomplete],
        exit: &mut Exit<'_>,
    ) {
        let held = response.body.bytes.len() + 256;
        if let Some(slot) = self.slots.get_mut(&key) {
            self.bytes += held;
            slot.bytes += held;
            slot.response = Some((response, span));
            slot.settle(reasons);
        } else if let Some((id, mut incomplete)) = self.unanswered.remove(&key) {
            incomplete.extend_from_slice(reasons);
            order(&mut incomplete);
            exit.tally.exchange(&incomplete, Answered::Yes);
            exit.outlet.leave(Leaving::Late(Box::new(Late { id, span, response, incomplete })));
        } else if let Some(slot) = self.stragglers.get_mut(&key) {
            slot.response = Some((response, span));
            slot.settle(reasons);
        }
    }

    /// No response will come.
    pub(crate) fn no_response(&mut self, key: SlotKey, reasons: &[Incomplete], exit: &mut Exit<'_>) {
        let reasons = [reasons, &[Incomplete::NoResponse]].concat();
        if let Some(slot) = self.slots.get_mut(&key).or_else(|| self.stragglers.get_mut(&key)) {
            slot.settle(&reasons);
        } else if let Some((_, mut incomplete)) = self.unanswered.remove(&key) {
            incomplete.extend(reasons);
            order(&mut incomplete);
            exit.tally.exchange(&incomplete, Answered::No);
        }
    }

    /// Lets go of what is beyond the window at packet time `now`.
    pub(crate) fn turn(&mut self, now: CaptureTime, limits: &Limits, exit: &mut Exit<'_>) {
        self.now = self.now.max(now);
        while let Some((key, _)) = self.slots.first_key_value() {
            let full = self.slots.len() > limits.window_exchanges || self.bytes > limits.window_bytes;
            if !full && self.now.since(key.time) <= limits.window_time {
                break;
            }
            let (key, slot) = self.slots.pop_first().expect("the first was just seen");
            self.bytes -= slot.bytes;
            if !slot.is_done() {
                exit.tally.limit(Limit::OrderingWindow);
            }
            self.release(key, slot, exit);
        }
    }

    /// Lets go of everything. Every slot is settled by now.
    pub(crate) fn finish(&mut self, exit: &mut Exit<'_>) {
        while let Some((key, slot)) = self.slots.pop_first() {
            self.release(key, slot, exit);
        }
    }

    fn release(&mut self, key: SlotKey, mut slot: Box<Slot>, exit: &mut Exit<'_>) {
        let Some((request, request_time)) = slot.request.take() else {
            self.stragglers.insert(key, slot);
            return;
        };
        order(&mut slot.incomplete);
        if slot.settled == Settled::Yes {
            let answered = if slot.response.is_some() { Answered::Yes } else { Answered::No };
            exit.tally.exchange(&slot.incomplete, answered);
        } else {
            self.unanswered.insert(key, (slot.id, slot.incomplete.clone()));
            slot.incomplete.push(Incomplete::NoResponse);
            order(&mut slot.incomplete);
        }
        let slot = *slot;
        let (response, response_time) = slot.response.unzip();
        exit.outlet.leave(Leaving::Exchange(Box::new(Exchange {
            id: slot.id,
            connection: slot.connection,
            session: SessionId(0),
            request_time,
            request,
            response_time,
            response,
            incomplete: slot.incomplete,
        })));
    }
}

impl Slot {
    fn settle(&mut self, reasons: &[Incomplete]) {
        self.incomplete.extend_from_slice(reasons);
        self.settled = Settled::Yes;
    }
}

/// Where exchanges leave to, and where they are counted.
pub(crate) struct Exit<'a> {
    pub(crate) outlet: &'a mut dyn Outlet,
    pub(crate) tally: &'a mut Tally,
}

/// The order of the declaration, each once: the first reason is the one that counts.
fn order(reasons: &mut Vec<Incomplete>) {
    reasons.sort_unstable();
    reasons.dedup();
}
