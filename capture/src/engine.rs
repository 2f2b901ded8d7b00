//! What all connections share: the head parser, the counts, the window in which exchanges are put in order.

use crate::config::Limits;
use crate::ledger::Tally;
use crate::sequencer::{Exit, Outlet, Sequencer, SlotKey};
use corpus::digest::DigestKey;
use corpus::exchange::{Incomplete, Span};
use corpus::ids::{ConnectionId, ExchangeId};
use corpus::message::{Request, Response};
use corpus::time::CaptureTime;
use wire::http1::{HeadParser, Strictness};

/// Shared by all connections of one capture.
pub(crate) struct Engine {
    pub(crate) heads: HeadParser,
    pub(crate) tally: Tally,
    pub(crate) limits: Limits,
    pub(crate) key: DigestKey,
    /// Bytes that bodies being received hold.
    pub(crate) open_bytes: usize,
    /// Bytes that segments out of sequence hold.
    pub(crate) reassembly_bytes: usize,
    sequencer: Sequencer,
    outlet: Box<dyn Outlet>,
}

impl Engine {
    pub(crate) fn new(limits: Limits, key: DigestKey, outlet: Box<dyn Outlet>) -> Self {
        Self {
            heads: HeadParser::new(Strictness::Lenient, wire::http1::Limits::default()),
            tally: Tally::default(),
            limits,
            key,
            open_bytes: 0,
            reassembly_bytes: 0,
            sequencer: Sequencer::new(),
            outlet,
        }
    }

    fn parts(&mut self) -> (&mut Sequencer, Exit<'_>) {
        (&mut self.sequencer, Exit { outlet: &mut *self.outlet, tally: &mut self.tally })
    }

    /// A request begins.
    pub(crate) fn begin(&mut self, key: SlotKey, id: ExchangeId, connection: ConnectionId) {
        self.tally.request();
        self.sequencer.begin(key, id, connection);
    }

    /// A request is as whole as it will be.
    pub(crate) fn request(&mut self, key: SlotKey, request: (Request, Span), reasons: &[Incomplete]) {
        let (sequencer, mut exit) = self.parts();
        sequencer.request(key, request, reasons, &mut exit);
    }

    /// The final response to a request is as whole as it will be.
    pub(crate) fn response(&mut self, key: SlotKey, response: (Response, Span), reasons: &[Incomplete]) {
        let (sequencer, mut exit) = self.parts();
        sequencer.response(key, response, reasons, &mut exit);
    }

    /// A request gets no response.
    pub(crate) fn no_response(&mut self, key: SlotKey, reasons: &[Incomplete]) {
        let (sequencer, mut exit) = self.parts();
        sequencer.no_response(key, reasons, &mut exit);
    }

    /// Whether what leaves still goes anywhere.
    pub(crate) fn is_open(&self) -> bool {
        self.outlet.is_open()
    }

    /// Packet time moves on.
    pub(crate) fn turn(&mut self, now: CaptureTime) {
        let mut exit = Exit { outlet: &mut *self.outlet, tally: &mut self.tally };
        self.sequencer.turn(now, &self.limits, &mut exit);
    }

    /// Writes what is still held. Every connection is ended by now.
    pub(crate) fn finish(mut self) -> (Tally, Box<dyn Outlet>) {
        let (sequencer, mut exit) = self.parts();
        sequencer.finish(&mut exit);
        (self.tally, self.outlet)
    }
}
