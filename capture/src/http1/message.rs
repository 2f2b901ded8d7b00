//! A message being received: its body as far as it is kept, and what is wrong with it.

use crate::config::Limits;
use crate::ledger::{Limit, MissingClass, Tally};
use crate::pairing::{Meaning, Place};
use crate::reassembly::Mark;
use crate::sequencer::SlotKey;
use corpus::digest::{Digest, DigestHasher, DigestKey};
use corpus::exchange::{Incomplete, Span};
use corpus::message::{Body, BodyExtent, Malformed, Request, Response};
use corpus::time::CaptureTime;
use wire::http1::{BodyDecoder, Headers};

/// A message whose head was read.
pub(super) struct Open {
    pub(super) message: Message,
    /// Where and when it began.
    pub(super) first: Mark,
    pub(super) decoder: BodyDecoder,
    pub(super) body: BodyBuffer,
    pub(super) faults: Faults,
    /// Set where the bytes are no message: what was gathered of them.
    pub(super) garbage: Option<Garbage>,
}

/// Which message, and where it belongs.
pub(super) enum Message {
    Request { key: SlotKey, request: Request },
    Response { to: To, meaning: Meaning, response: Response },
}

/// Which exchange a response belongs to.
#[derive(Debug, Clone, Copy)]
pub(super) enum To {
    Slot(SlotKey),
    /// Its request was not seen.
    Nobody,
    /// Not decided yet.
    Held(Place),
}

impl To {
    /// Whether the request, and so its method, is known.
    pub(super) fn is_known(self) -> bool {
        matches!(self, Self::Slot(_))
    }
}

/// A whole response that waits for its request to be decided.
#[derive(Debug)]
pub(crate) struct HeldResponse {
    pub(super) response: Response,
    pub(super) span: Span,
    pub(super) reasons: Vec<Incomplete>,
    /// What its framing took its request's method to mean.
    pub(super) meaning: Meaning,
}

/// Bytes that are no message.
pub(super) struct Garbage {
    pub(super) raw: Vec<u8>,
    pub(super) len: u64,
    pub(super) reason: String,
}

impl Garbage {
    /// Most bytes that are kept.
    const MAX: usize = 64 * 1024;

    pub(super) fn add(&mut self, bytes: &[u8]) {
        let room = Self::MAX.saturating_sub(self.raw.len()).min(bytes.len());
        self.raw.extend_from_slice(&bytes[..room]);
        self.len += bytes.len() as u64;
    }

    /// The raw bytes are redacted before they are written.
    pub(super) fn into_malformed(self) -> Malformed {
        Malformed { raw: self.raw, len: self.len, reason: self.reason }
    }
}

/// What is wrong with a message.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Faults {
    /// Payload bytes known to be missing.
    pub(super) missing: u64,
    pub(super) lost: bool,
    pub(super) truncated: bool,
    pub(super) cut_short: bool,
    pub(super) evicted: bool,
    pub(super) malformed: bool,
}

/// Why a stream ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// By FIN, everything before it accounted for.
    Finished,
    /// By RST, silence or the end of the capture.
    BrokenOff,
    /// By a bound on memory.
    Evicted,
}

impl Faults {
    pub(super) fn miss(&mut self, class: MissingClass, bytes: u64) {
        self.missing = self.missing.saturating_add(bytes);
        match class {
            MissingClass::Lost => self.lost = true,
            MissingClass::Truncated => self.truncated = true,
        }
    }

    pub(super) fn end(&mut self, end: End) {
        self.cut_short = true;
        self.evicted |= end == End::Evicted;
    }

    fn reasons(&self, names: [Incomplete; 5], limited: bool) -> Vec<Incomplete> {
        let [gap, truncated, cut_short, malformed, too_large] = names;
        let all = [
            (self.lost, gap),
            (self.truncated, truncated),
            (self.cut_short, cut_short),
            (self.malformed, malformed),
            (limited, too_large),
            (self.evicted, Incomplete::Evicted),
        ];
        all.into_iter().filter(|(is, _)| *is).map(|(_, reason)| reason).collect()
    }

    pub(super) fn of_request(&self, limited: bool) -> Vec<Incomplete> {
        use Incomplete as I;
        let names =
            [I::RequestGap, I::RequestTruncated, I::RequestCutShort, I::MalformedRequest, I::RequestLimited];
        self.reasons(names, limited)
    }

    pub(super) fn of_response(&self, limited: bool) -> Vec<Incomplete> {
        use Incomplete as I;
        let names = [
            I::ResponseGap,
            I::ResponseTruncated,
            I::ResponseCutShort,
            I::MalformedResponse,
            I::ResponseLimited,
        ];
        self.reasons(names, limited)
    }

    fn extent(&self, limited: bool) -> BodyExtent {
        match self {
            _ if limited => BodyExtent::Limited,
            Faults { lost: true, missing, .. } => BodyExtent::Gap { missing: *missing },
            Faults { truncated: true, .. } => BodyExtent::Truncated,
            Faults { cut_short: true, .. } | Faults { malformed: true, .. } => BodyExtent::CutShort,
            _ => BodyExtent::Whole,
        }
    }
}

/// The bytes kept of a body.
#[derive(Default)]
pub(super) struct BodyBuffer {
    bytes: Vec<u8>,
    seen: u64,
    /// Runs once the body is larger than what is kept.
    hasher: Option<Box<DigestHasher>>,
}

/// What all bodies share: bounds, the digest key, the bytes that open bodies hold.
pub(super) struct BodyRoom<'a> {
    pub(super) limits: &'a Limits,
    pub(super) key: &'a DigestKey,
    pub(super) open_bytes: &'a mut usize,
    pub(super) tally: &'a mut Tally,
}

/// Most bytes that a declared length reserves.
const MAX_RESERVED: u64 = 64 * 1024;

impl BodyBuffer {
    /// Makes room for a body of this length, within reason.
    pub(super) fn expect(&mut self, len: u64) {
        self.bytes.reserve_exact(usize::try_from(len.min(MAX_RESERVED)).unwrap_or_default());
    }

    pub(super) fn add(&mut self, data: &[u8], room: &mut BodyRoom<'_>) {
        self.seen += data.len() as u64;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(data);
            return;
        }
        let own = room.limits.body_bytes.saturating_sub(self.bytes.len());
        let shared = room.limits.open_bytes.saturating_sub(*room.open_bytes);
        let fits = data.len().min(own).min(shared);
        if fits < data.len() {
            let mut hasher = room.key.hasher();
            hasher.update(&self.bytes);
            hasher.update(data);
            self.hasher = Some(Box::new(hasher));
            room.tally.limit(if own <= shared { Limit::BodyBytes } else { Limit::OpenBytes });
        }
        self.bytes.extend_from_slice(&data[..fits]);
        *room.open_bytes += fits;
    }

    /// Bytes of payload so far.
    pub(super) fn seen(&self) -> u64 {
        self.seen
    }

    pub(super) fn is_limited(&self) -> bool {
        self.hasher.is_some()
    }

    /// The body; `unseen` bytes were declared and did not come.
    pub(super) fn finish(
        self,
        faults: &Faults,
        unseen: u64,
        trailers: Headers,
        open_bytes: &mut usize,
    ) -> Body {
        *open_bytes = open_bytes.saturating_sub(self.bytes.len());
        let whole = faults.missing == 0 && unseen == 0;
        let digest: Option<Digest> = self.hasher.as_ref().filter(|_| whole).map(|hasher| hasher.finish());
        Body {
            extent: faults.extent(self.is_limited()),
            wire_len: self.seen.saturating_add(faults.missing).saturating_add(unseen),
            bytes: self.bytes.into(),
            trailers,
            digest,
        }
    }
}

/// From the first packet of a message to its last.
pub(super) fn span(first: CaptureTime, last: CaptureTime) -> Span {
    Span { first, last: last.max(first) }
}
