//! The exchanges of a corpus one after another: segment by segment, block by block, row by row.
//!
//! Invariant: at most one record block, one block of late responses and the cached body blocks are in memory.

use super::damage::Damage;
use super::error::FileKind;
use super::frame::FrameKind;
use super::index::{RecordBlockMeta, SegmentEntry, SegmentIndex};
use super::reader::{Bodies, Inner, LatePlace, Stored};
use super::record::{BodyRef, LateResponse};
use super::record_read::{Block, Broken, Entry, Row};
use super::view::{self, BodyCache};
use crate::exchange::Exchange;
use crate::ids::{EndpointId, ExchangeId};
use crate::message::Body;
use crate::select::Selection;
use crate::time::CaptureTime;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// The chosen exchanges of a corpus, each with its endpoint, or a named loss.
pub struct Exchanges {
    inner: Arc<Inner>,
    selection: Selection,
    bodies: Bodies,
    /// The place in the list of segments that comes next.
    next_segment: usize,
    segment: Option<OpenSegment>,
    block: Option<OpenBlock>,
    late: Option<LateBlock>,
    cache: BodyCache,
    damage: VecDeque<Damage>,
}

/// The segment that is being read.
struct OpenSegment {
    number: u32,
    index: Arc<SegmentIndex>,
    next_block: usize,
}

/// The record block that is being read.
struct OpenBlock {
    block: Block,
    place: BlockPlace,
    next_row: usize,
    /// Endpoints that were resolved, by the block's string.
    resolved: HashMap<u32, EndpointId>,
}

/// Where a record block is, to be named where it is damaged.
#[derive(Debug, Clone, Copy)]
struct BlockPlace {
    segment: u32,
    block: u32,
    offset: u64,
}

impl BlockPlace {
    /// The loss of a whole block: its exchanges by name where the index has them, else their count and times.
    fn losing_block(self, meta: &RecordBlockMeta, reason: &str) -> Damage {
        let named: Vec<_> = meta.ids.iter().map(|id| ExchangeId(u64::from_le_bytes(*id))).collect();
        let count = u64::from(meta.records).saturating_sub(meta.late.len() as u64);
        let times = match meta.keys {
            Some((low, high)) if named.is_empty() => {
                format!(", of requests from {} to {}", CaptureTime(low), CaptureTime(high))
            }
            _ => String::new(),
        };
        self.losing(format!("a record block: {reason}{times}"), named).counting(count)
    }

    fn losing(self, reason: String, exchanges: Vec<ExchangeId>) -> Damage {
        Damage::at(self.offset, reason).in_segment(self.segment).in_block(self.block).losing(exchanges)
    }
}

/// The block of late responses that was read last.
struct LateBlock {
    place: LatePlace,
    index: Arc<SegmentIndex>,
    block: Block,
}

impl Exchanges {
    pub(super) fn new(inner: Arc<Inner>, selection: Selection, bodies: Bodies) -> Exchanges {
        let mut damage: VecDeque<Damage> = inner.layout.damage.iter().cloned().collect();
        if inner.late_left_out > 0 {
            let reason = "more late responses than a reader joins".to_owned();
            damage.push_back(Damage::at(0, reason).counting(inner.late_left_out));
        }
        Exchanges {
            inner,
            selection,
            bodies,
            next_segment: 0,
            segment: None,
            block: None,
            late: None,
            cache: BodyCache::default(),
            damage,
        }
    }

    /// Opens the next segment that may hold something chosen; false at the end.
    fn open_segment(&mut self) -> bool {
        let inner = Arc::clone(&self.inner);
        while let Some(entry) = inner.layout.segments.get(self.next_segment) {
            self.next_segment += 1;
            if !self.segment_may_hold(entry) {
                continue;
            }
            let mut damage = Vec::new();
            let index = view::load_index(&inner.layout.file, FileKind::Corpus, entry, &mut damage);
            self.damage.extend(damage);
            self.segment = Some(OpenSegment { number: entry.number, index: Arc::new(index), next_block: 0 });
            return true;
        }
        false
    }

    fn segment_may_hold(&self, entry: &SegmentEntry) -> bool {
        if !entry.keys.is_none_or(|(low, high)| self.selection.overlaps(low, high)) {
            return false;
        }
        match (&self.selection.endpoints, &entry.endpoints) {
            (Some(wanted), Some(there)) => wanted.iter().any(|id| there.binary_search(&id.0).is_ok()),
            _ => true,
        }
    }

    /// Opens the next block of the segment that may hold something chosen; ends the segment where there is none.
    fn open_block(&mut self) {
        let Some(segment) = &mut self.segment else { return };
        let index = Arc::clone(&segment.index);
        let at = segment.next_block;
        let number = segment.number;
        segment.next_block += 1;
        let Some(meta) = index.records.get(at) else {
            self.segment = None;
            return;
        };
        if !self.block_may_hold(&index, meta) {
            return;
        }
        let block = u32::try_from(at).unwrap_or(u32::MAX);
        let place = BlockPlace { segment: number, block, offset: meta.place.offset };
        match read_block(&self.inner, meta) {
            Ok(block) => self.block = Some(OpenBlock { block, place, next_row: 0, resolved: HashMap::new() }),
            Err(reason) => self.damage.push_back(place.losing_block(meta, &reason)),
        }
    }

    fn block_may_hold(&self, index: &SegmentIndex, meta: &RecordBlockMeta) -> bool {
        if !meta.keys.is_some_and(|(low, high)| self.selection.overlaps(low, high)) {
            return false;
        }
        let Some(wanted) = &self.selection.endpoints else { return true };
        meta.endpoints.iter().any(|endpoint| {
            let name = index.endpoints.get(*endpoint as usize).map(|endpoint| endpoint.name.as_str());
            let id = name.and_then(|name| self.inner.endpoints.resolve(name));
            id.is_none_or(|id| wanted.contains(&id))
        })
    }

    /// The next chosen exchange of the open block; `None` ends the block.
    fn next_row(&mut self, open: &mut OpenBlock) -> Option<Result<Stored, Damage>> {
        loop {
            let entry = open.block.entries().get(open.next_row)?;
            open.next_row += 1;
            let Entry::Exchange(row) = entry else { continue };
            let read = self.row(&open.block, row, &mut open.resolved);
            match read {
                Ok(None) => {}
                Ok(Some(stored)) => return Some(Ok(stored)),
                Err(reason) => return Some(Err(open.place.losing(reason, vec![row.id()]))),
            }
        }
    }

    fn row(
        &mut self,
        block: &Block,
        row: &Row,
        resolved: &mut HashMap<u32, EndpointId>,
    ) -> Result<Option<Stored>, String> {
        let endpoint = match resolved.get(&row.endpoint) {
            Some(endpoint) => *endpoint,
            None => {
                let endpoint = self.resolve(block, row).map_err(|broken| broken.to_string())?;
                resolved.insert(row.endpoint, endpoint);
                endpoint
            }
        };
        let may = self.selection.holds_time(CaptureTime(row.request_first()))
            && self.selection.holds_endpoint(endpoint)
            && self.selection.holds_session(row.session());
        if !may {
            return Ok(None);
        }
        let exchange = self.exchange(block, row)?;
        let chosen = self.selection.holds(&exchange, endpoint, self.inner.endpoints.name(endpoint));
        Ok(chosen.then_some(Stored { exchange, endpoint }))
    }

    fn resolve(&self, block: &Block, row: &Row) -> Result<EndpointId, Broken> {
        let name = block.endpoint(row)?;
        self.inner
            .endpoints
            .resolve(name)
            .ok_or_else(|| Broken::new("its endpoint is not in the file's table"))
    }

    fn exchange(&mut self, block: &Block, row: &Row) -> Result<Exchange, String> {
        let mut exchange = block.exchange(row).map_err(|broken| broken.to_string())?;
        let bodies = row.bodies();
        let Some(segment) = &self.segment else { return Ok(exchange) };
        let (number, index) = (segment.number, Arc::clone(&segment.index));
        self.fill(&mut exchange.request.body, bodies.request, number, &index)?;
        if let Some(response) = &mut exchange.response {
            self.fill(&mut response.body, bodies.response, number, &index)?;
        } else if let Some(late) = self.late(exchange.id)? {
            exchange.response_time = Some(late.response_time);
            exchange.response = Some(late.response);
            exchange.incomplete = late.incomplete;
        }
        Ok(exchange)
    }

    fn fill(
        &mut self,
        body: &mut Body,
        stored: Option<BodyRef>,
        segment: u32,
        index: &SegmentIndex,
    ) -> Result<(), String> {
        let (Some(stored), Bodies::Load) = (stored, self.bodies) else { return Ok(()) };
        let lost = |reason: String| format!("a body of {} bytes: {reason}", stored.len);
        let earlier;
        let index = if stored.back == 0 {
            index
        } else {
            let inner = Arc::clone(&self.inner);
            let number = segment.checked_sub(stored.back);
            let found = number.and_then(|number| self.cache.index(&inner.layout, FileKind::Corpus, number));
            earlier = found.ok_or_else(|| lost("its segment is missing".to_owned()))?;
            &*earlier
        };
        let read = self.cache.body(&self.inner.layout.file, index, stored.index);
        let bytes = read.map_err(|e| lost(format!("{}, at byte {}", e.reason, e.offset)))?;
        if bytes.len() as u64 != stored.len {
            return Err(lost(format!("{} bytes stand in its place", bytes.len())));
        }
        body.bytes = bytes;
        Ok(())
    }

    /// The late response of an exchange, where there is one.
    fn late(&mut self, id: ExchangeId) -> Result<Option<LateResponse>, String> {
        let Ok(at) = self.inner.late.binary_search_by_key(&id.0, |place| place.id) else { return Ok(None) };
        let place = self.inner.late[at];
        let late = match self.late.take() {
            Some(late) if late.place.segment == place.segment && late.place.block == place.block => late,
            _ => self.read_late(place)?,
        };
        let row = late.block.entries().iter().find_map(|entry| match entry {
            Entry::Late(row) if row.id() == id => Some(row),
            _ => None,
        });
        let row = row.ok_or_else(|| "its late response is not where the index says".to_owned())?;
        let mut response = late.block.late(row).map_err(|broken| broken.to_string())?;
        self.fill(&mut response.response.body, row.body(), place.segment, &late.index)?;
        self.late = Some(late);
        Ok(Some(response))
    }

    fn read_late(&mut self, place: LatePlace) -> Result<LateBlock, String> {
        let missing = || "the block of its late response is missing".to_owned();
        let index =
            self.cache.index(&self.inner.layout, FileKind::Corpus, place.segment).ok_or_else(missing)?;
        let meta = index.records.get(place.block as usize).ok_or_else(missing)?;
        let block = read_block(&self.inner, meta).map_err(|reason| format!("its late response: {reason}"))?;
        Ok(LateBlock { place, index, block })
    }
}

fn read_block(inner: &Inner, meta: &RecordBlockMeta) -> Result<Block, String> {
    let frame = inner.layout.file.frame_of(meta.place.offset, FrameKind::Records, meta.place.seq);
    let frame = frame.map_err(|fault| fault.to_string())?;
    Block::decode(frame.plain).map_err(|broken| broken.to_string())
}

impl Iterator for Exchanges {
    type Item = Result<Stored, Damage>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(damage) = self.damage.pop_front() {
                return Some(Err(damage));
            }
            if let Some(mut open) = self.block.take() {
                if let Some(item) = self.next_row(&mut open) {
                    self.block = Some(open);
                    return Some(item);
                }
            } else if self.segment.is_some() {
                self.open_block();
            } else if !self.open_segment() {
                return None;
            }
        }
    }
}
