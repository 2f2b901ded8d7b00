//! One TCP connection: when bytes of either direction are handed on, and when a hole is given up.
//!
//! Captures reorder packets, also between directions. So bytes are handed on only when the other direction
//! has been handed on up to what their sender had received: nobody answers what was not said yet. A wait is
//! bounded in packets and packet time, shorter where the other side has acknowledged what is missing.
//! Invariant: every wait ends; at the end of the connection nothing is left waiting.

use crate::config::Patience;
use crate::engine::Engine;
use crate::http1::{Conversation, End, Side, Sides};
use crate::ledger::{Limit, MissingClass};
use crate::reassembly::{Mark, Sender, Start, Stream};
use crate::tcp::{Offset, Transport, unwrap_seq};
use corpus::ids::ConnectionId;
use corpus::time::CaptureTime;

/// Two positions are taken to belong to one connection if they are at most this far apart.
const NEAR: u64 = 1 << 20;
/// A longer stretch behind the last byte seen is taken for a wrong ACK number, not for a loss.
const MAX_LOST_TAIL: u64 = 64 << 20;

/// A packet's place in the capture.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At {
    pub(crate) time: CaptureTime,
    pub(crate) packet: u64,
}

/// A connection that is being followed.
pub(crate) struct Connection {
    streams: Sides<Stream>,
    conversation: Conversation,
    /// Since when, in both senses of time, each direction waits.
    waits: Sides<Option<Since>>,
    packets: u32,
    first: CaptureTime,
    last: CaptureTime,
    closed: Closed,
}

#[derive(Debug, Clone, Copy)]
struct Since {
    time: CaptureTime,
    packets: u32,
}

/// Whether the ends have said goodbye.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Closed {
    No,
    /// By RST: later packets may still fill holes.
    Reset,
    /// Both directions are at their FIN: everything is settled.
    Settled,
}

/// What stands in the way of a direction's first bytes that are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Obstacle {
    /// Where the stream starts is not known.
    Start,
    /// Bytes before them are missing.
    Hole,
    /// What the other side said before was not handed on yet.
    Answer,
    /// What they are depends on an answer.
    Tunnel,
}

impl Connection {
    pub(crate) fn new(id: ConnectionId, time: CaptureTime) -> Self {
        Self {
            streams: Sides([Stream::new(), Stream::new()]),
            conversation: Conversation::new(id),
            waits: Sides([None, None]),
            packets: 0,
            first: time,
            last: time,
            closed: Closed::No,
        }
    }

    /// The time of the latest packet.
    pub(crate) fn last(&self) -> CaptureTime {
        self.last
    }

    /// Whether it was closed by both ends or reset.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed != Closed::No
    }

    /// Whether `segment` belongs to a later connection between the same endpoints.
    pub(crate) fn is_succeeded_by(&self, side: Side, segment: &Transport<'_>) -> bool {
        let stream = &self.streams[side];
        if !segment.flags.syn() {
            let far = unwrap_seq(segment.seq, stream.next()).abs_diff(stream.next()) > NEAR;
            return self.closed != Closed::No
                && far
                && !segment.payload.is_empty()
                && stream.start != Start::Unseen;
        }
        let first = segment.seq.wrapping_add(1);
        match stream.start {
            Start::Known(start) | Start::Joined(start) => start as u32 != first,
            Start::Unseen => self.closed != Closed::No,
            Start::Seen => {
                let lowest = stream.first_kept().map_or(stream.next(), |piece| piece.mark.offset);
                unwrap_seq(first, lowest).abs_diff(lowest) > NEAR
            }
        }
    }

    /// Takes a segment that `side` sent.
    pub(crate) fn segment(&mut self, side: Side, segment: &Transport<'_>, at: At, engine: &mut Engine) {
        self.packets = self.packets.saturating_add(1);
        self.last = self.last.max(at.time);
        let ack = segment.ack.map(|ack| self.acknowledge(side, ack));
        self.observe(side, segment);
        if segment.payload_len > 0 {
            let mut offset = self.streams[side].position(segment.seq);
            offset += u64::from(segment.flags.syn());
            let mark = Mark { time: at.time, packet: at.packet, offset, ack };
            self.payload(side, segment, mark, engine);
        }
        if self.closed != Closed::Settled {
            self.check_waits(at.time, engine);
            self.check_fins(engine);
        }
    }

    /// Takes note of how far `side` has received the other direction.
    fn acknowledge(&mut self, side: Side, ack: u32) -> Offset {
        let stream = &mut self.streams[side.other()];
        let position = stream.position(ack);
        stream.acked = stream.acked.max(position);
        position
    }

    /// Takes note of SYN, FIN and RST.
    fn observe(&mut self, side: Side, segment: &Transport<'_>) {
        let flags = segment.flags;
        if self.streams[side].sender == Sender::Unseen {
            self.streams[side].sender = Sender::Seen;
        }
        if flags.syn() {
            let start = self.streams[side].position(segment.seq.wrapping_add(1));
            self.streams[side].starts_at(start);
            if let Some(ack) = segment.ack {
                // A SYN that is answered carried no more than it acknowledges.
                let stream = &mut self.streams[side.other()];
                let start = stream.position(ack);
                if !stream.is_started() {
                    stream.starts_at(start);
                }
            }
        }
        if flags.fin() {
            let end = self.streams[side].position(segment.seq) + u64::from(segment.payload_len);
            self.streams[side].fin = Some(end + u64::from(flags.syn()));
        }
        if flags.rst() && self.closed == Closed::No {
            self.closed = Closed::Reset;
        }
    }

    fn payload(&mut self, side: Side, segment: &Transport<'_>, mark: Mark, engine: &mut Engine) {
        let bytes = segment.payload;
        let cut = segment.payload_len - bytes.len() as u32;
        engine.tally.payload_seen(bytes.len());
        if self.streams[side].is_next(mark.offset)
            && self.is_causal(side, mark.ack)
            && !self.conversation.waits(side)
        {
            self.hand_on(side, bytes, cut, mark, engine);
        } else {
            let stream = &mut self.streams[side];
            let before = stream.kept_bytes();
            stream.keep(mark, bytes, cut, &mut engine.tally);
            engine.reassembly_bytes += stream.kept_bytes() - before;
        }
        self.drain(side, engine);
    }

    /// Whether the other direction was handed on up to `ack`.
    fn is_causal(&self, side: Side, ack: Option<Offset>) -> bool {
        let other = &self.streams[side.other()];
        match (ack, other.sender) {
            (None, _) | (_, Sender::Absent) => true,
            (Some(ack), Sender::Unseen | Sender::Seen) => {
                let fin = u64::from(other.fin == Some(other.next()));
                ack <= other.next() + fin
            }
        }
    }

    fn hand_on(&mut self, side: Side, bytes: &[u8], cut: u32, mark: Mark, engine: &mut Engine) {
        let stream = &mut self.streams[side];
        stream.advance(bytes, cut);
        stream.sender = Sender::Seen;
        self.waits[side] = None;
        if !bytes.is_empty() {
            self.conversation.deliver(side, bytes, mark, engine);
        }
        if cut > 0 {
            let at = mark.offset + bytes.len() as u64;
            self.conversation.missing(side, MissingClass::Truncated, u64::from(cut), at, engine);
        }
    }

    /// What the first bytes kept of `side` wait for; `None` where they can be handed on, or none are kept.
    fn obstacle(&self, side: Side) -> Option<Obstacle> {
        let stream = &self.streams[side];
        let first = stream.first_kept()?;
        if !stream.is_started() {
            Some(Obstacle::Start)
        } else if first.mark.offset > stream.next() {
            Some(Obstacle::Hole)
        } else if !self.is_causal(side, first.mark.ack) {
            Some(Obstacle::Answer)
        } else if self.conversation.waits(side) {
            Some(Obstacle::Tunnel)
        } else {
            None
        }
    }

    /// Hands on what can be, of both directions; each may free the other.
    fn drain(&mut self, side: Side, engine: &mut Engine) {
        let mut side = side;
        let mut idle = 0;
        while idle < 2 {
            let moved = self.drain_one(side, engine);
            idle = if moved { 0 } else { idle + 1 };
            side = side.other();
        }
    }

    fn drain_one(&mut self, side: Side, engine: &mut Engine) -> bool {
        let mut moved = false;
        while self.streams[side].first_kept().is_some() && self.obstacle(side).is_none() {
            let before = self.streams[side].kept_bytes();
            let piece = self.streams[side].take_first(&mut engine.tally);
            engine.reassembly_bytes -= before - self.streams[side].kept_bytes();
            if let Some(piece) = piece {
                self.hand_on(side, &piece.bytes, piece.cut, piece.mark, engine);
                moved = true;
            }
        }
        moved
    }

    /// Gives up what was waited for long enough.
    pub(crate) fn check_waits(&mut self, now: CaptureTime, engine: &mut Engine) {
        for side in Side::BOTH {
            // Each turn hands on at least one piece.
            while let Some(obstacle) = self.obstacle(side) {
                let since = *self.waits[side].get_or_insert(Since { time: now, packets: self.packets });
                if !self.is_over(side, obstacle, since, now, engine) {
                    break;
                }
                self.overcome(side, obstacle, engine);
            }
        }
    }

    fn is_over(
        &self,
        side: Side,
        obstacle: Obstacle,
        since: Since,
        now: CaptureTime,
        engine: &mut Engine,
    ) -> bool {
        let stream = &self.streams[side];
        let limits = &engine.limits;
        let (patience, since) = match obstacle {
            Obstacle::Start => (limits.patience_start, Since { time: self.first, packets: 0 }),
            Obstacle::Hole if stream.first_kept().is_some_and(|piece| stream.acked >= piece.mark.offset) => {
                (limits.patience_acknowledged, since)
            }
            Obstacle::Answer => (limits.patience_acknowledged, since),
            Obstacle::Hole | Obstacle::Tunnel => (limits.patience, since),
        };
        let full = stream.kept_bytes() > limits.reassembly_bytes
            || engine.reassembly_bytes > limits.reassembly_bytes_total
            || stream.kept_pieces() > limits.reassembly_bytes / MIN_PIECE;
        if full {
            engine.tally.limit(Limit::ReassemblyBytes);
        }
        full || is_past(patience, since, self.packets, now)
    }

    /// Goes on without what was waited for.
    fn overcome(&mut self, side: Side, obstacle: Obstacle, engine: &mut Engine) {
        match obstacle {
            Obstacle::Start => {
                if let Some(at) = self.streams[side].join() {
                    self.conversation.joined(side, at);
                }
            }
            Obstacle::Hole => {
                let to = self.streams[side].first_kept().map_or(0, |piece| piece.mark.offset);
                self.lose(side, to, engine);
            }
            Obstacle::Answer => {
                self.conversation.doubt();
                let other = &mut self.streams[side.other()];
                if !other.has_delivered() && other.kept_bytes() == 0 {
                    other.sender = Sender::Absent;
                }
                self.force_first(side, engine);
            }
            Obstacle::Tunnel => self.conversation.stop_waiting(),
        }
        self.drain(side, engine);
    }

    /// Hands on the first piece kept, whatever it waits for.
    fn force_first(&mut self, side: Side, engine: &mut Engine) {
        let before = self.streams[side].kept_bytes();
        if let Some(piece) = self.streams[side].take_first(&mut engine.tally) {
            engine.reassembly_bytes -= before - self.streams[side].kept_bytes();
            self.hand_on(side, &piece.bytes, piece.cut, piece.mark, engine);
        }
    }

    /// Bytes of `side` up to `to` are lost.
    fn lose(&mut self, side: Side, to: Offset, engine: &mut Engine) {
        let at = self.streams[side].next();
        let missing = self.streams[side].pass_over(to);
        self.waits[side] = None;
        if missing > 0 {
            self.conversation.missing(side, MissingClass::Lost, missing, at, engine);
        }
    }

    /// Ends directions that are handed on up to their FIN.
    fn check_fins(&mut self, engine: &mut Engine) {
        let is_at_fin = |stream: &Stream| stream.is_started() && stream.fin == Some(stream.next());
        for side in Side::BOTH {
            if is_at_fin(&self.streams[side]) && self.streams[side].first_kept().is_none() {
                self.conversation.end(side, End::Finished, engine);
            }
        }
        if self.streams.0.iter().all(|stream| is_at_fin(stream) && stream.first_kept().is_none()) {
            self.conversation.finish(End::Finished, engine);
            self.closed = Closed::Settled;
        }
    }

    /// Ends the connection: hands on everything that is kept, and settles every request.
    pub(crate) fn finish(&mut self, end: End, engine: &mut Engine) {
        if self.closed == Closed::Settled {
            self.drain_settled(engine);
            return self.conversation.finish(end, engine);
        }
        self.drain(Side::Lower, engine);
        while let Some((side, obstacle)) = self.earliest_obstacle() {
            self.overcome(side, obstacle, engine);
        }
        for side in Side::BOTH {
            self.lose_tail(side, engine);
        }
        self.check_fins(engine);
        if self.closed != Closed::Settled {
            self.conversation.finish(end, engine);
            self.closed = Closed::Settled;
        }
    }

    /// What came behind the end is handed on all the same, so that it is counted.
    fn drain_settled(&mut self, engine: &mut Engine) {
        for side in Side::BOTH {
            while self.streams[side].first_kept().is_some() {
                self.force_first(side, engine);
            }
        }
    }

    fn earliest_obstacle(&self) -> Option<(Side, Obstacle)> {
        let packet = |side: Side| self.streams[side].first_kept().map(|piece| piece.mark.packet);
        let waiting =
            Side::BOTH.into_iter().filter_map(|side| Some((packet(side)?, side, self.obstacle(side)?)));
        waiting.min_by_key(|(packet, ..)| *packet).map(|(_, side, obstacle)| (side, obstacle))
    }

    /// What FIN or the other side's ACK tell of bytes behind the last one seen.
    fn lose_tail(&mut self, side: Side, engine: &mut Engine) {
        let stream = &self.streams[side];
        if !stream.is_started() {
            return;
        }
        // An ACK may count the FIN.
        let end = stream.fin.unwrap_or(0).max(stream.acked.saturating_sub(1));
        let missing = end.saturating_sub(stream.next());
        if missing > 0 && missing <= MAX_LOST_TAIL {
            let end = if stream.fin.is_none() { stream.acked } else { end };
            self.lose(side, end, engine);
        }
    }
}

/// Pieces are bounded in number by what as many bytes would hold at this size.
const MIN_PIECE: usize = 256;

fn is_past(patience: Patience, since: Since, packets: u32, now: CaptureTime) -> bool {
    now.since(since.time) > patience.time || packets.saturating_sub(since.packets) > patience.packets
}
