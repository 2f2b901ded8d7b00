//! Writing segments: bodies before the records that refer to them, then the index.
//!
//! Invariant: whenever a record block has been written, every body it refers to has been written before.

use super::bodies::{BodyAt, BodyStore};
use super::codec;
use super::error::FileKind;
use super::error::{FormatError, FormatErrorKind};
use super::frame::{FrameKind, encode_prelude};
use super::index::{BodyBlockMeta, Place, RecordBlockMeta, SealIndex, SegmentEntry, SegmentIndex, widen};
use super::output::{FrameWriter, Overwrite};
use super::version::Version;
use serde::Serialize;
use std::path::Path;

/// Bytes of bodies and records after which a segment ends. The format allows 32 MiB; a writer retains the
/// bodies of one segment, and capture has 64 MB in all.
pub(super) const SEGMENT: u64 = 8 << 20;
/// Records after which a segment ends: bounds its index.
pub(super) const SEGMENT_RECORDS: u64 = 1 << 16;
/// Bytes after which blocks are closed in a file that is written as data comes: what is not yet written stays
/// below 1 MiB, and damage to one block costs little.
pub(super) const BLOCKS: Blocks = Blocks { bodies: 512 << 10, records: 256 << 10 };
/// Endpoints of one segment that the seal lists; above it lists none, and the segment's index has them.
const LISTED_ENDPOINTS: usize = 256;

/// Bytes after which blocks are closed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Blocks {
    pub(super) bodies: usize,
    pub(super) records: usize,
}

/// Writes the frames of one file.
pub(super) struct SegmentWriter {
    out: FrameWriter,
    bodies: BodyStore,
    index: SegmentIndex,
    start: Place,
    record_bytes: u64,
    /// Bytes of new bodies since a record block was written.
    uncommitted: usize,
    segments: Vec<SegmentEntry>,
    header: Vec<u8>,
    scratch: Vec<u8>,
}

impl SegmentWriter {
    /// Creates the file and writes its header.
    pub(super) fn create<H: Serialize>(
        path: &Path,
        kind: FileKind,
        header: &H,
        overwrite: Overwrite,
        level: i32,
    ) -> Result<SegmentWriter, FormatError> {
        SegmentWriter::over(FrameWriter::create(path, overwrite, level)?, kind, header)
    }

    /// Writes the header to an output that is empty.
    pub(super) fn over<H: Serialize>(
        mut out: FrameWriter,
        kind: FileKind,
        header: &H,
    ) -> Result<SegmentWriter, FormatError> {
        let prelude = encode_prelude(Version::CURRENT, kind);
        let mut payload = prelude.to_vec();
        codec::encode_into(header, &mut payload)
            .map_err(|_| invalid(out.path(), "the header cannot be encoded"))?;
        out.write_raw(&prelude)?;
        out.write(FrameKind::Header, 0, &payload)?;
        let start = Place { offset: out.offset(), seq: out.frames() };
        Ok(SegmentWriter {
            out,
            bodies: BodyStore::new(BLOCKS.bodies),
            index: SegmentIndex::default(),
            start,
            record_bytes: 0,
            uncommitted: 0,
            segments: Vec::new(),
            header: payload,
            scratch: Vec::new(),
        })
    }

    pub(super) fn path(&self) -> &Path {
        self.out.path()
    }

    /// The number of the segment being written, from 0.
    pub(super) fn segment(&self) -> u32 {
        u32::try_from(self.segments.len()).expect("a file has fewer segments than bytes")
    }

    /// Whether the segment should end, with so many bytes and records that are not in it yet.
    pub(super) fn is_full_with(&self, bytes: usize, records: u64) -> bool {
        let written: u64 = self.index.records.iter().map(|block| u64::from(block.records)).sum();
        self.bodies.bytes() + self.record_bytes + bytes as u64 >= SEGMENT
            || written + records >= SEGMENT_RECORDS
    }

    /// Takes other bounds for blocks.
    pub(super) fn set_blocks(&mut self, blocks: Blocks) {
        self.bodies = BodyStore::new(blocks.bodies);
    }

    /// Bytes of bodies that are not committed, since no record block that refers to them was written.
    pub(super) fn uncommitted_body_bytes(&self) -> usize {
        self.uncommitted
    }

    /// Fails for ever once a write has failed.
    pub(super) fn check(&self) -> Result<(), FormatError> {
        self.out.check()
    }

    /// The body equal to `body`, where this segment has one.
    pub(super) fn find_body(&self, body: &[u8]) -> Option<BodyAt> {
        self.bodies.find(body)
    }

    /// Stores `body`, whether or not an equal one is there.
    pub(super) fn add_body(&mut self, body: &[u8]) -> Result<BodyAt, FormatError> {
        if self.bodies.is_full_for(body.len()) {
            self.write_bodies()?;
        }
        let at = self.bodies.begin(body);
        self.uncommitted += body.len();
        let mut rest = body;
        loop {
            rest = self.bodies.push(at, rest);
            if rest.is_empty() {
                return Ok(at);
            }
            self.write_bodies()?;
        }
    }

    /// Stores `body` once.
    pub(super) fn body(&mut self, body: &[u8]) -> Result<BodyAt, FormatError> {
        match self.find_body(body) {
            Some(at) => Ok(at),
            None => self.add_body(body),
        }
    }

    fn write_bodies(&mut self) -> Result<(), FormatError> {
        if self.bodies.open().is_empty() {
            return Ok(());
        }
        let mut plain = std::mem::take(&mut self.scratch);
        plain.clear();
        self.bodies.open().encode_into(&mut plain);
        let written = self.out.write(FrameKind::Bodies, self.segment(), &plain);
        self.scratch = plain;
        let at = written?;
        let (first, pieces) = (self.bodies.open().first(), self.bodies.open().pieces());
        let place = Place { offset: at.offset, seq: at.seq };
        self.index.bodies.push(BodyBlockMeta { place, first, pieces });
        self.bodies.close_block();
        Ok(())
    }

    /// The endpoints of the open segment.
    pub(super) fn endpoints_mut(&mut self) -> &mut Vec<super::index::EndpointCount> {
        &mut self.index.endpoints
    }

    /// Writes what bodies are open and then a block of records.
    pub(super) fn records(&mut self, mut meta: RecordBlockMeta, plain: &[u8]) -> Result<(), FormatError> {
        self.write_bodies()?;
        let at = self.out.write(FrameKind::Records, self.segment(), plain)?;
        meta.place = Place { offset: at.offset, seq: at.seq };
        self.record_bytes += plain.len() as u64;
        self.uncommitted = 0;
        self.index.records.push(meta);
        Ok(())
    }

    /// Ends the segment: writes its index. Gives nothing where it is empty.
    pub(super) fn end_segment(&mut self) -> Result<Option<SegmentIndex>, FormatError> {
        self.write_bodies()?;
        if self.index.bodies.is_empty() && self.index.records.is_empty() {
            return Ok(None);
        }
        let plain = self.encoded(&self.index)?;
        let at = self.out.write(FrameKind::Index, self.segment(), &plain)?;
        let number = self.segment();
        let index = std::mem::take(&mut self.index);
        let place = Place { offset: at.offset, seq: at.seq };
        self.segments.push(entry(number, self.start, Some(place), self.out.offset(), &index));
        self.start = Place { offset: self.out.offset(), seq: self.out.frames() };
        self.record_bytes = 0;
        self.bodies.clear();
        Ok(Some(index))
    }

    fn encoded<T: Serialize>(&self, value: &T) -> Result<Vec<u8>, FormatError> {
        codec::encode(value).map_err(|_| invalid(self.path(), "a value cannot be encoded"))
    }

    /// Segments that have ended, to be completed before the seal.
    pub(super) fn segments_mut(&mut self) -> &mut [SegmentEntry] {
        &mut self.segments
    }

    /// Writes the seal and ends the file. The last segment has ended.
    pub(super) fn seal<S: Serialize>(
        mut self,
        seal: &S,
        endpoints: Vec<super::index::EndpointCount>,
    ) -> Result<(), FormatError> {
        let segments = self.segment();
        let index = SealIndex {
            frames: self.out.frames(),
            digest: self.out.chain(),
            segments: std::mem::take(&mut self.segments),
            endpoints,
            header: std::mem::take(&mut self.header),
        };
        let plain = self.encoded(&(index, seal))?;
        self.out.finish(segments, &plain)
    }
}

/// What the seal says of a segment. Its endpoints are filled in at the seal, when they have their final names.
pub(super) fn entry(
    number: u32,
    start: Place,
    index_at: Option<Place>,
    end: u64,
    index: &SegmentIndex,
) -> SegmentEntry {
    let mut keys = None;
    for (low, high) in index.records.iter().filter_map(|block| block.keys) {
        widen(&mut keys, low);
        widen(&mut keys, high);
    }
    SegmentEntry {
        number,
        start,
        index: index_at,
        end,
        records: index
            .records
            .iter()
            .map(|block| u64::from(block.records).saturating_sub(block.late.len() as u64))
            .sum(),
        late: index.records.iter().map(|block| block.late.len() as u64).sum(),
        keys,
        endpoints: None,
    }
}

/// The endpoints of a segment as its entry lists them: ascending, and none where they are too many.
pub(super) fn listed(mut endpoints: Vec<u32>) -> Option<Vec<u32>> {
    endpoints.sort_unstable();
    endpoints.dedup();
    (endpoints.len() <= LISTED_ENDPOINTS).then_some(endpoints)
}

fn invalid(path: &Path, what: &'static str) -> FormatError {
    FormatError::new("write", path, FormatErrorKind::Invalid(what))
}
