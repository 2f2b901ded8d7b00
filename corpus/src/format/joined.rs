//! Joining the records of a run by their place in the plan, in bounded memory.
//!
//! Records come in the order of completion. What waits to be whole is held in a window; where that is full,
//! the oldest that wait are completed by looking ahead in the file, so that each planned request comes out
//! exactly once and with all its outcomes.

use super::damage::Damage;
use super::error::FileKind;
use super::frame::FrameKind;
use super::index::{RecordBlockMeta, SegmentIndex};
use super::layout::Layout;
use super::run_record::{RunBlock, RunRecord};
use super::view;
use crate::run::{Joined, Kept, Outcome, OutcomeResult, Planned, StoredBody};
use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::Arc;

/// Bytes of records that wait, above which the oldest are completed by looking ahead.
const WINDOW: usize = 64 << 20;

/// The records of a run in file order.
#[derive(Debug, Clone)]
struct Records {
    layout: Arc<Layout>,
    next_segment: usize,
    segment: Option<(u32, Arc<SegmentIndex>)>,
    next_block: usize,
    block: Option<(Arc<RunBlock>, u64)>,
    next_row: usize,
    damage: VecDeque<Damage>,
}

impl Records {
    /// The next record for which `wanted` holds, or a loss; `None` at the end.
    fn next(&mut self, wanted: &dyn Fn(u64) -> bool) -> Option<Result<RunRecord, Damage>> {
        loop {
            if let Some(damage) = self.damage.pop_front() {
                return Some(Err(damage));
            }
            let number = self.segment.as_ref().map_or(0, |(number, _)| *number);
            if let Some((block, offset)) = &self.block {
                let Some(seq) = block.seq(self.next_row) else {
                    self.block = None;
                    continue;
                };
                self.next_row += 1;
                if !wanted(seq) {
                    continue;
                }
                let lost = |e| Damage::at(*offset, e).in_segment(number).counting(1);
                return Some(block.record(self.next_row - 1, number).map_err(lost));
            }
            if self.segment.is_some() {
                self.open_block();
            } else if !self.open_segment() {
                return None;
            }
        }
    }

    fn open_segment(&mut self) -> bool {
        let Some(entry) = self.layout.segments.get(self.next_segment) else { return false };
        self.next_segment += 1;
        let mut damage = Vec::new();
        let index = view::load_index(&self.layout.file, FileKind::Run, entry, &mut damage);
        self.damage.extend(damage);
        self.segment = Some((entry.number, Arc::new(index)));
        self.next_block = 0;
        true
    }

    fn open_block(&mut self) {
        let Some((number, index)) = &self.segment else { return };
        let Some(meta) = index.records.get(self.next_block) else {
            self.segment = None;
            return;
        };
        self.next_block += 1;
        match self.read_block(meta) {
            Ok(block) => {
                self.block = Some((Arc::new(block), meta.place.offset));
                self.next_row = 0;
            }
            Err(reason) => {
                let block = u32::try_from(self.next_block - 1).unwrap_or(u32::MAX);
                let places =
                    meta.keys.map_or(String::new(), |(low, high)| format!(", of the plan's {low} to {high}"));
                let damage = Damage::at(meta.place.offset, format!("a record block: {reason}{places}"));
                let damage = damage.in_segment(*number).in_block(block).counting(u64::from(meta.records));
                self.damage.push_back(damage);
            }
        }
    }

    fn read_block(&self, meta: &RecordBlockMeta) -> Result<RunBlock, String> {
        let frame = self.layout.file.frame_of(meta.place.offset, FrameKind::Records, meta.place.seq);
        let frame = frame.map_err(|fault| fault.to_string())?;
        RunBlock::decode(frame.plain).map_err(|broken| broken.to_string())
    }
}

/// What is known of one planned request.
#[derive(Debug, Default)]
struct Waiting {
    planned: Option<Planned>,
    outcomes: Vec<Outcome>,
}

impl Waiting {
    fn is_whole(&self) -> bool {
        self.planned.as_ref().is_some_and(|planned| planned.arms.len() <= self.outcomes.len())
    }

    /// Takes an outcome; the first of an arm counts.
    fn take(&mut self, outcome: Outcome) {
        if self.outcomes.iter().all(|known| known.arm != outcome.arm) {
            self.outcomes.push(outcome);
        }
    }
}

/// Planned requests with their outcomes, or a named loss.
pub struct JoinedIter {
    records: Records,
    waiting: BTreeMap<u64, Waiting>,
    /// Bytes that wait, about.
    size: usize,
    /// The place in the plan that comes next if none is missing.
    next: u64,
    /// Given out already, with outcomes that come later in the file.
    ahead: HashSet<u64>,
    ended: bool,
}

impl JoinedIter {
    pub(super) fn new(layout: Arc<Layout>) -> JoinedIter {
        let damage = layout.damage.iter().cloned().collect();
        let records = Records {
            layout,
            next_segment: 0,
            segment: None,
            next_block: 0,
            block: None,
            next_row: 0,
            damage,
        };
        JoinedIter {
            records,
            waiting: BTreeMap::new(),
            size: 0,
            next: 0,
            ahead: HashSet::new(),
            ended: false,
        }
    }

    fn accept(&mut self, record: RunRecord) {
        match record {
            RunRecord::Planned(planned) => {
                self.size += planned_size(&planned);
                let waiting = self.waiting.entry(planned.seq.0).or_default();
                waiting.planned.get_or_insert(planned);
            }
            RunRecord::Outcome(outcome) if self.ahead.contains(&outcome.seq.0) => {}
            RunRecord::Outcome(outcome) => {
                self.size += outcome_size(&outcome);
                self.waiting.entry(outcome.seq.0).or_default().take(outcome);
            }
        }
    }

    /// What can be given out now, in order: the next of the plan, or anything once the file has ended.
    fn ready(&mut self) -> Option<Result<Joined, Damage>> {
        let (&seq, first) = self.waiting.first_key_value()?;
        let in_turn = seq == self.next && first.is_whole();
        (in_turn || self.ended).then(|| self.give(seq))
    }

    fn give(&mut self, seq: u64) -> Result<Joined, Damage> {
        let waiting = self.waiting.remove(&seq).expect("the caller found it there");
        let outcomes: usize = waiting.outcomes.iter().map(outcome_size).sum();
        self.size = self.size.saturating_sub(outcomes + waiting.planned.as_ref().map_or(0, planned_size));
        self.next = self.next.max(seq + 1);
        let Waiting { planned, mut outcomes } = waiting;
        let Some(planned) = planned else {
            let reason =
                format!("outcomes of the plan's {seq}, and what was planned there is not in the file");
            return Err(Damage::at(0, reason).counting(outcomes.len() as u64));
        };
        outcomes.sort_by_key(|outcome| outcome.arm);
        Ok(Joined { planned, outcomes })
    }

    /// Makes room: gives out the first that is whole, whatever its turn; completes the oldest where none is.
    fn make_room(&mut self) -> Option<Result<Joined, Damage>> {
        let whole = self.waiting.iter().find(|(_, waiting)| waiting.is_whole()).map(|(seq, _)| *seq);
        if let Some(seq) = whole {
            return Some(self.give(seq));
        }
        self.look_ahead();
        let seq = *self.waiting.first_key_value()?.0;
        Some(self.give(seq))
    }

    /// Completes the older half of what waits from the rest of the file.
    fn look_ahead(&mut self) {
        let count = self.waiting.len().div_ceil(2);
        let oldest: HashSet<u64> = self.waiting.keys().take(count).copied().collect();
        let mut rest = self.records.clone();
        while let Some(record) = rest.next(&|seq| oldest.contains(&seq)) {
            match record {
                // The main walk comes past the same damage and reports it.
                Err(_) => {}
                Ok(RunRecord::Planned(planned)) => {
                    self.waiting.entry(planned.seq.0).or_default().planned.get_or_insert(planned);
                }
                Ok(RunRecord::Outcome(outcome)) => {
                    self.waiting.entry(outcome.seq.0).or_default().take(outcome)
                }
            }
        }
        self.ahead.extend(oldest);
    }
}

impl Iterator for JoinedIter {
    type Item = Result<Joined, Damage>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(ready) = self.ready() {
                return Some(ready);
            }
            if self.ended {
                return None;
            }
            if self.size > WINDOW
                && let Some(joined) = self.make_room()
            {
                return Some(joined);
            }
            match self.records.next(&|_| true) {
                None => self.ended = true,
                Some(Err(damage)) => return Some(Err(damage)),
                Some(Ok(record)) => self.accept(record),
            }
        }
    }
}

/// Bytes of one entry of the window beside its parts.
const ENTRY: usize = 128;

fn planned_size(planned: &Planned) -> usize {
    ENTRY + size_of::<Planned>() + planned.method.len() + planned.target.len() + 2 * planned.arms.len()
}

fn outcome_size(outcome: &Outcome) -> usize {
    let parts = match &outcome.result {
        OutcomeResult::Response(response) => {
            let inline = match &response.body.kept {
                Kept::Stored(StoredBody::Inline(bytes)) => bytes.len(),
                _ => 0,
            };
            let headers = response.headers.as_ref().byte_len() + response.trailers.as_ref().byte_len();
            headers + 16 * (response.headers.len() + response.trailers.len()) + inline
        }
        OutcomeResult::Failure { .. } | OutcomeResult::NotSent { .. } => 0,
    };
    size_of::<Outcome>() + parts
}
