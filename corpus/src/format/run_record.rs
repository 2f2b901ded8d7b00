//! The records of a run: planned requests and outcomes, packed into blocks.
//!
//! A block is the record encoding of `(strings, entries)`. Times are differences: `unblocked` to `planned`,
//! `ready` to `unblocked`, `sent` to `ready`, `first_byte` and `end` to `planned`.

use super::codec::{self, CodecError};
use super::index::{Place, RecordBlockMeta, SegmentIndex, widen};
use super::strings::{Strings, decode_headers, ranges};
use crate::digest::Digest;
use crate::ids::{EndpointId, ExchangeId, PlanSeq, SessionId};
use crate::run::{
    Arm, FailureKind, Fault, Kept, NotSent, Outcome, OutcomeResult, Planned, RecordedBody, RecordedResponse,
    StoredBody, Times,
};
use crate::time::RunTime;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// One record of a block.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum RunEntry {
    /// A planned request.
    Planned(PlannedRow),
    /// What came of it at one arm.
    Outcome(OutcomeRow),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct PlannedRow {
    seq: u64,
    exchange: [u8; 8],
    endpoint: u32,
    session: [u8; 8],
    copy: u32,
    at: u64,
    method: u32,
    target: u32,
    recorded_status: Option<u16>,
    arms: Vec<Arm>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct OutcomeRow {
    seq: u64,
    arm: Arm,
    planned: u64,
    unblocked: i64,
    ready: i64,
    sent: Option<i64>,
    first_byte: Option<i64>,
    end: Option<i64>,
    result: ResultRow,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum ResultRow {
    Response { status: u16, headers: u32, trailers: Option<u32>, len: u64, digest: Digest, kept: KeptRow },
    Failure { kind: FailureKind, fault: Fault, status: Option<u16> },
    NotSent { reason: NotSent, fault: Fault },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum KeptRow {
    /// The number of the body in the record's own segment.
    Stored(u32),
    /// An empty body, which needs no place.
    Empty,
    NotAsked,
    TooLarge,
    QueueFull,
}

/// Collects the records of one block.
#[derive(Debug, Default)]
pub(super) struct RunBlockEncoder {
    strings: Strings,
    rows: Vec<u8>,
    count: u64,
}

impl RunBlockEncoder {
    /// Bytes of the block so far.
    pub(super) fn len(&self) -> usize {
        self.rows.len() + self.strings.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(super) fn planned(&mut self, planned: &Planned) -> Result<(), CodecError> {
        let row = PlannedRow {
            seq: planned.seq.0,
            exchange: planned.exchange.0.to_le_bytes(),
            endpoint: planned.endpoint.0,
            session: planned.session.0.to_le_bytes(),
            copy: planned.copy,
            at: planned.at.0,
            method: self.strings.intern(&planned.method),
            target: self.strings.intern(&planned.target),
            recorded_status: planned.recorded_status,
            arms: planned.arms.clone(),
        };
        self.push(&RunEntry::Planned(row))
    }

    /// Adds an outcome; `body` is the number of its kept body in the segment.
    pub(super) fn outcome(&mut self, outcome: &Outcome, body: Option<u32>) -> Result<(), CodecError> {
        let times = &outcome.times;
        let since = |time: RunTime, earlier: RunTime| time.0.wrapping_sub(earlier.0).cast_signed();
        let row = OutcomeRow {
            seq: outcome.seq.0,
            arm: outcome.arm,
            planned: times.planned.0,
            unblocked: since(times.unblocked, times.planned),
            ready: since(times.ready, times.unblocked),
            sent: times.sent.map(|sent| since(sent, times.ready)),
            first_byte: times.first_byte.map(|first| since(first, times.planned)),
            end: times.end.map(|end| since(end, times.planned)),
            result: self.result(&outcome.result, body)?,
        };
        self.push(&RunEntry::Outcome(row))
    }

    fn result(&mut self, result: &OutcomeResult, body: Option<u32>) -> Result<ResultRow, CodecError> {
        Ok(match result {
            OutcomeResult::Failure { kind, fault, status } => {
                ResultRow::Failure { kind: *kind, fault: *fault, status: *status }
            }
            OutcomeResult::NotSent { reason, fault } => ResultRow::NotSent { reason: *reason, fault: *fault },
            OutcomeResult::Response(response) => ResultRow::Response {
                status: response.status,
                headers: self.strings.headers(&response.headers)?,
                trailers: match response.trailers.is_empty() {
                    true => None,
                    false => Some(self.strings.headers(&response.trailers)?),
                },
                len: response.body.len,
                digest: response.body.digest,
                kept: match response.body.kept {
                    Kept::Stored(_) => body.map_or(KeptRow::Empty, KeptRow::Stored),
                    Kept::NotAsked => KeptRow::NotAsked,
                    Kept::TooLarge => KeptRow::TooLarge,
                    Kept::QueueFull => KeptRow::QueueFull,
                },
            },
        })
    }

    fn push(&mut self, entry: &RunEntry) -> Result<(), CodecError> {
        codec::encode_into(entry, &mut self.rows)?;
        self.count += 1;
        Ok(())
    }

    /// The block's payload. The encoder is empty afterwards.
    pub(super) fn take(&mut self) -> Result<Vec<u8>, CodecError> {
        let mut plain = Vec::with_capacity(self.len() + 32);
        self.strings.take_into(&mut plain)?;
        codec::encode_into(&self.count, &mut plain)?;
        plain.append(&mut self.rows);
        self.count = 0;
        Ok(plain)
    }
}

/// A block as read back.
#[derive(Debug)]
pub(super) struct RunBlock {
    plain: Vec<u8>,
    strings: Vec<Range<usize>>,
    entries: Vec<RunEntry>,
}

#[derive(Deserialize)]
struct Payload<'a> {
    #[serde(borrow)]
    strings: Vec<&'a [u8]>,
    entries: Vec<RunEntry>,
}

/// A record of a run.
#[derive(Debug)]
pub(super) enum RunRecord {
    Planned(Planned),
    Outcome(Outcome),
}

impl RunBlock {
    pub(super) fn decode(plain: Vec<u8>) -> Result<RunBlock, CodecError> {
        let Payload { strings, entries } = codec::decode(&plain)?;
        let strings = ranges(&plain, &strings);
        Ok(RunBlock { plain, strings, entries })
    }

    /// The place in the plan of record `at`.
    pub(super) fn seq(&self, at: usize) -> Option<u64> {
        self.entries.get(at).map(RunEntry::seq)
    }

    /// Record `at`; `segment` is where its body is.
    pub(super) fn record(&self, at: usize, segment: u32) -> Result<RunRecord, CodecError> {
        match self.entries.get(at) {
            None => Err(CodecError::new("a record that is not there")),
            Some(RunEntry::Planned(row)) => self.planned(row).map(RunRecord::Planned),
            Some(RunEntry::Outcome(row)) => self.outcome(row, segment).map(RunRecord::Outcome),
        }
    }

    fn string(&self, index: u32) -> Result<&[u8], CodecError> {
        let string = self.strings.get(index as usize).and_then(|range| self.plain.get(range.clone()));
        string.ok_or_else(|| CodecError::new("a record refers to a string that is not there"))
    }

    fn planned(&self, row: &PlannedRow) -> Result<Planned, CodecError> {
        Ok(Planned {
            seq: PlanSeq(row.seq),
            exchange: ExchangeId(u64::from_le_bytes(row.exchange)),
            endpoint: EndpointId(row.endpoint),
            session: SessionId(u64::from_le_bytes(row.session)),
            copy: row.copy,
            at: RunTime(row.at),
            method: self.string(row.method)?.to_vec(),
            target: self.string(row.target)?.to_vec(),
            recorded_status: row.recorded_status,
            arms: row.arms.clone(),
        })
    }

    fn outcome(&self, row: &OutcomeRow, segment: u32) -> Result<Outcome, CodecError> {
        let planned = RunTime(row.planned);
        let later = |earlier: RunTime, by: i64| RunTime(earlier.0.wrapping_add(by.cast_unsigned()));
        let unblocked = later(planned, row.unblocked);
        let ready = later(unblocked, row.ready);
        let times = Times {
            planned,
            unblocked,
            ready,
            sent: row.sent.map(|by| later(ready, by)),
            first_byte: row.first_byte.map(|by| later(planned, by)),
            end: row.end.map(|by| later(planned, by)),
        };
        let result = self.result(&row.result, segment)?;
        Ok(Outcome { seq: PlanSeq(row.seq), arm: row.arm, times, result })
    }

    fn result(&self, row: &ResultRow, segment: u32) -> Result<OutcomeResult, CodecError> {
        Ok(match row {
            ResultRow::Failure { kind, fault, status } => {
                OutcomeResult::Failure { kind: *kind, fault: *fault, status: *status }
            }
            ResultRow::NotSent { reason, fault } => OutcomeResult::NotSent { reason: *reason, fault: *fault },
            ResultRow::Response { status, headers, trailers, len, digest, kept } => {
                let trailers =
                    trailers.map(|index| self.string(index).and_then(decode_headers)).transpose()?;
                let kept = match kept {
                    KeptRow::Stored(index) => Kept::Stored(StoredBody::At { segment, index: *index }),
                    KeptRow::Empty => Kept::Stored(StoredBody::Inline(bytes::Bytes::new())),
                    KeptRow::NotAsked => Kept::NotAsked,
                    KeptRow::TooLarge => Kept::TooLarge,
                    KeptRow::QueueFull => Kept::QueueFull,
                };
                OutcomeResult::Response(RecordedResponse {
                    status: *status,
                    headers: decode_headers(self.string(*headers)?)?,
                    trailers: trailers.unwrap_or_default(),
                    body: RecordedBody { len: *len, digest: *digest, kept },
                })
            }
        })
    }
}

impl RunEntry {
    fn seq(&self) -> u64 {
        match self {
            RunEntry::Planned(row) => row.seq,
            RunEntry::Outcome(row) => row.seq,
        }
    }
}

/// Adds to `index` what a record block holds. `None` where the block is broken.
pub(super) fn summarize(index: &mut SegmentIndex, place: Place, plain: Vec<u8>) -> Option<()> {
    let block = RunBlock::decode(plain).ok()?;
    let mut meta = RecordBlockMeta::at(place);
    for entry in &block.entries {
        meta.records += 1;
        widen(&mut meta.keys, entry.seq());
    }
    index.records.push(meta);
    Some(())
}
