//! One direction of a TCP connection: segments in any order to bytes in sequence.
//!
//! The stream hands out what is next and keeps what is not, trimmed so that no two pieces kept overlap:
//! the first copy of a byte wins. When a hole is given up is for the connection to say, which knows
//! both directions. Invariant: each captured payload byte is handed out once, or counted as duplicate.

use crate::ledger::{PayloadClass, Tally};
use crate::tcp::{Offset, first_offset, unwrap_seq};
use corpus::time::CaptureTime;
use std::collections::VecDeque;

/// Where and when bytes of a stream arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    /// The packet's time.
    pub(crate) time: CaptureTime,
    /// The packet's number in the capture.
    pub(crate) packet: u64,
    /// Position of the first byte.
    pub(crate) offset: Offset,
    /// How far the sender had received the other direction, where it said so.
    pub(crate) ack: Option<Offset>,
}

/// Bytes in sequence, and how many of the packet are missing behind them because it was cut.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) mark: Mark,
    pub(crate) bytes: Box<[u8]>,
    pub(crate) cut: u32,
}

impl Piece {
    fn end(&self) -> Offset {
        self.mark.offset + self.bytes.len() as u64 + u64::from(self.cut)
    }
}

/// Most bytes between an ACK and the first segment seen that are taken for a loss.
const MAX_MISSED: u64 = 64 << 20;

/// What is known of a stream's beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// Nothing: no position was seen.
    Unseen,
    /// Positions were seen, but not the first.
    Seen,
    /// The first byte, from a SYN or from the answer to one.
    Known(Offset),
    /// Given up: the stream was joined here.
    Joined(Offset),
}

/// One direction.
#[derive(Debug)]
pub(crate) struct Stream {
    /// The position to be handed out next; provisional until the start is settled.
    next: Offset,
    pub(crate) start: Start,
    /// Position behind the last byte, from a FIN.
    pub(crate) fin: Option<Offset>,
    /// How far the other side says it has received this stream.
    pub(crate) acked: Offset,
    /// Whether the sender of this stream was seen.
    pub(crate) sender: Sender,
    pending: VecDeque<Piece>,
    pending_bytes: usize,
    delivered: Delivered,
    recent: Recent,
}

/// Whether packets of a sender are in the capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sender {
    /// None so far.
    Unseen,
    /// Some.
    Seen,
    /// Waiting for what the other side says it received was in vain, and nothing ever came.
    Absent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Delivered {
    Nothing,
    Some,
}

/// The beginning of the segment handed out last, to tell a repetition from a contradiction.
#[derive(Debug, Clone, Copy)]
struct Recent {
    offset: Offset,
    len: u8,
    bytes: [u8; Recent::MAX],
}

impl Recent {
    const MAX: usize = 64;

    fn remember(&mut self, offset: Offset, bytes: &[u8]) {
        let len = bytes.len().min(Self::MAX);
        self.offset = offset;
        self.len = len as u8;
        self.bytes[..len].copy_from_slice(&bytes[..len]);
    }

    fn contradicts(&self, offset: Offset, bytes: &[u8]) -> bool {
        let end = (offset + bytes.len() as u64).min(self.offset + u64::from(self.len));
        let from = offset.max(self.offset);
        if from >= end {
            return false;
        }
        let range = |base: Offset| (from - base) as usize..(end - base) as usize;
        bytes[range(offset)] != self.bytes[range(self.offset)]
    }
}

impl Stream {
    pub(crate) fn new() -> Self {
        Self {
            next: 0,
            start: Start::Unseen,
            fin: None,
            acked: 0,
            sender: Sender::Unseen,
            pending: VecDeque::new(),
            pending_bytes: 0,
            delivered: Delivered::Nothing,
            recent: Recent { offset: 0, len: 0, bytes: [0; Recent::MAX] },
        }
    }

    /// The position of a sequence number.
    pub(crate) fn position(&mut self, seq: u32) -> Offset {
        if self.start == Start::Unseen {
            self.start = Start::Seen;
            self.next = first_offset(seq);
        }
        unwrap_seq(seq, self.next)
    }

    pub(crate) fn next(&self) -> Offset {
        self.next
    }

    /// Whether bytes can be handed out.
    pub(crate) fn is_started(&self) -> bool {
        matches!(self.start, Start::Known(_) | Start::Joined(_))
    }

    pub(crate) fn has_delivered(&self) -> bool {
        self.delivered == Delivered::Some
    }

    /// The first byte's position became known. Of no effect once bytes were handed out.
    pub(crate) fn starts_at(&mut self, start: Offset) {
        let settled = matches!(self.start, Start::Known(known) if known <= start);
        if self.delivered == Delivered::Nothing && !settled {
            self.next = start;
            self.start = Start::Known(start);
        }
    }

    /// Begins with what is there, or where the other side said that it had received up to; says where,
    /// if anything is there.
    pub(crate) fn join(&mut self) -> Option<Offset> {
        let first = self.pending.front()?.mark.offset;
        let missing = first.saturating_sub(self.next);
        if self.next > first || missing > MAX_MISSED {
            self.next = first;
        }
        self.start = Start::Joined(self.next);
        Some(self.next)
    }

    /// Whether a segment at `offset` can be handed out at once, without being kept.
    pub(crate) fn is_next(&self, offset: Offset) -> bool {
        offset == self.next && self.pending.is_empty() && self.is_started()
    }

    /// Takes note that `bytes` and `cut` behind them are handed out now.
    pub(crate) fn advance(&mut self, bytes: &[u8], cut: u32) {
        self.recent.remember(self.next, bytes);
        self.next += bytes.len() as u64 + u64::from(cut);
        self.delivered = Delivered::Some;
    }

    /// Passes over a hole, up to `to`.
    pub(crate) fn pass_over(&mut self, to: Offset) -> u64 {
        let missing = to.saturating_sub(self.next);
        self.next += missing;
        missing
    }

    /// Keeps what is new of a segment.
    pub(crate) fn keep(&mut self, mark: Mark, bytes: &[u8], cut: u32, tally: &mut Tally) {
        let end = mark.offset + bytes.len() as u64 + u64::from(cut);
        let mut from = mark.offset;
        if self.is_started() && from < self.next {
            from = self.next.min(end);
            self.count_seen(mark.offset, &bytes[..captured(mark.offset, from, bytes)], tally);
        }
        let mut index = self.pending.partition_point(|piece| piece.end() <= from);
        while from < end {
            let there = self.pending.get(index).filter(|piece| piece.mark.offset < end);
            let gap_end = there.map_or(end, |piece| piece.mark.offset.max(from));
            if gap_end > from {
                self.insert(index, piece_of(mark, bytes, cut, from, gap_end));
                index += 1;
            }
            let Some(there) = self.pending.get(index).filter(|piece| piece.mark.offset < end) else { break };
            let covered = there.end().min(end);
            let overlap = captured(mark.offset, gap_end, bytes)..captured(mark.offset, covered, bytes);
            count_overlap(there, gap_end, &bytes[overlap], tally);
            from = covered;
            index += 1;
        }
    }

    fn insert(&mut self, index: usize, piece: Piece) {
        self.pending_bytes += piece.bytes.len();
        self.pending.insert(index, piece);
    }

    /// Counts bytes that were handed out before.
    pub(crate) fn count_seen(&self, offset: Offset, bytes: &[u8], tally: &mut Tally) {
        let contradicts = self.recent.contradicts(offset, bytes);
        let class = if contradicts { PayloadClass::Conflicting } else { PayloadClass::Duplicate };
        tally.payload(class, bytes.len());
    }

    /// The piece kept that comes first.
    pub(crate) fn first_kept(&self) -> Option<&Piece> {
        self.pending.front()
    }

    /// Takes out the piece kept that comes first, without what was handed out before.
    pub(crate) fn take_first(&mut self, tally: &mut Tally) -> Option<Piece> {
        let mut piece = self.pending.pop_front()?;
        self.pending_bytes -= piece.bytes.len();
        if piece.mark.offset < self.next {
            let seen = captured(piece.mark.offset, self.next, &piece.bytes);
            self.count_seen(piece.mark.offset, &piece.bytes[..seen], tally);
            let end = piece.end();
            piece.bytes = piece.bytes[seen..].into();
            piece.mark.offset = self.next;
            piece.cut = u32::try_from(end.saturating_sub(self.next + piece.bytes.len() as u64)).unwrap_or(0);
        }
        Some(piece)
    }

    /// Bytes kept.
    pub(crate) fn kept_bytes(&self) -> usize {
        self.pending_bytes
    }

    pub(crate) fn kept_pieces(&self) -> usize {
        self.pending.len()
    }
}

/// How many of `bytes`, which begin at `offset`, lie before `end`.
fn captured(offset: Offset, end: Offset, bytes: &[u8]) -> usize {
    usize::try_from(end.saturating_sub(offset)).unwrap_or(usize::MAX).min(bytes.len())
}

/// The part `from..to` of a segment.
fn piece_of(mark: Mark, bytes: &[u8], cut: u32, from: Offset, to: Offset) -> Piece {
    let part = &bytes[captured(mark.offset, from, bytes)..captured(mark.offset, to, bytes)];
    let cut = (to - from).saturating_sub(part.len() as u64).min(u64::from(cut));
    Piece { mark: Mark { offset: from, ..mark }, bytes: part.into(), cut: cut as u32 }
}

/// Counts `bytes` at `from` that the piece `there` already covers.
fn count_overlap(there: &Piece, from: Offset, bytes: &[u8], tally: &mut Tally) {
    let at = captured(there.mark.offset, from, &there.bytes);
    let kept = &there.bytes[at..];
    let both = kept.len().min(bytes.len());
    let class =
        if kept[..both] == bytes[..both] { PayloadClass::Duplicate } else { PayloadClass::Conflicting };
    tally.payload(class, bytes.len());
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keeps segments `(seq, bytes, cut)` in a stream that starts at 10 and shows what it hands out.
    fn check(segments: &[(u32, &[u8], u32)], expected: &str) {
        let (mut stream, mut tally) = (Stream::new(), Tally::default());
        let start = stream.position(10);
        stream.starts_at(start);
        let mut shown = Vec::new();
        let mut seen = 0;
        for (packet, (seq, bytes, cut)) in segments.iter().enumerate() {
            let offset = stream.position(*seq);
            let mark = Mark { time: CaptureTime(0), packet: packet as u64, offset, ack: None };
            tally.payload_seen(bytes.len());
            stream.keep(mark, bytes, *cut, &mut tally);
            while stream.first_kept().is_some_and(|piece| piece.mark.offset <= stream.next()) {
                let piece = stream.take_first(&mut tally).expect("there is a first");
                stream.advance(&piece.bytes, piece.cut);
                seen += piece.bytes.len();
                let cut = if piece.cut > 0 { format!("+{}", piece.cut) } else { String::new() };
                shown.push(format!("{}{cut}", piece.bytes.escape_ascii()));
            }
        }
        seen += stream.kept_bytes();
        tally.payload(PayloadClass::InMessages, seen);
        let ledger = tally.ledger().expect("every byte is counted once");
        for (class, bytes) in &ledger.payload_bytes_by_class {
            if class != "in_messages" {
                shown.push(format!("{class}={bytes}"));
            }
        }
        if stream.kept_bytes() > 0 {
            shown.push(format!("kept={}", stream.kept_bytes()));
        }
        assert_eq!(shown.join(" "), expected, "{segments:?}");
    }

    #[test]
    fn segments_in_any_order_are_put_in_sequence() {
        check(&[(10, b"ab", 0), (12, b"cd", 0)], "ab cd");
        check(&[(12, b"cd", 0), (10, b"ab", 0)], "ab cd");
        check(&[(14, b"e", 0), (12, b"cd", 0)], "kept=3");
        check(&[(10, b"ab", 0), (10, b"ab", 0), (12, b"c", 0)], "ab c duplicate=2");
        check(&[(10, b"ab", 0), (9, b"zab", 0)], "ab duplicate=3");
        check(&[(10, b"ab", 0), (11, b"bcd", 0)], "ab cd duplicate=1");
    }

    #[test]
    fn the_first_copy_of_a_byte_wins() {
        check(&[(10, b"abcd", 0), (11, b"XX", 0)], "abcd conflicting=2");
        check(&[(12, b"cd", 0), (10, b"abXX", 0)], "ab cd conflicting=2");
        check(&[(12, b"cd", 0), (11, b"bcde", 0), (10, b"a", 0)], "a b cd e duplicate=2");
        check(&[(11, b"b", 0), (13, b"d", 0), (10, b"aBcDe", 0)], "a b c d e conflicting=2");
        check(&[(12, b"cd", 0), (12, b"cd", 0)], "duplicate=2 kept=2");
    }

    #[test]
    fn sequence_numbers_wrap() {
        let (mut stream, mut tally) = (Stream::new(), Tally::default());
        let start = stream.position(u32::MAX);
        stream.starts_at(start);
        stream.advance(b"ab", 0);
        let offset = stream.position(1);
        assert_eq!(offset, stream.next());
        assert!(stream.is_next(offset));
        let mark = Mark { time: CaptureTime(0), packet: 0, offset: stream.position(0), ack: None };
        stream.keep(mark, b"bc", 0, &mut tally);
        assert_eq!(stream.take_first(&mut tally).map(|piece| piece.bytes), Some(b"c"[..].into()));
    }

    #[test]
    fn cut_packets_say_how_much_is_missing() {
        check(&[(10, b"ab", 3), (15, b"f", 0)], "ab+3 f");
        check(&[(12, b"cd", 2), (10, b"abcdef", 0)], "ab cd+2 duplicate=4");
    }
}
