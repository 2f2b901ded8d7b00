//! Writing runs, in bounded memory and in place.
//!
//! Invariant: after [`RunWriter::tick`] nothing that is older than a second is only in memory.

use super::codec::CodecError;
use super::error::{FileKind, FormatError, FormatErrorKind};
use super::index::{RecordBlockMeta, widen};
use super::output::Overwrite;
use super::run_record::RunBlockEncoder;
use super::segment::{BLOCKS, SegmentWriter};
use crate::digest::Digest;
use crate::run::{Kept, Outcome, OutcomeResult, Planned, RunHeader, RunSeal, StoredBody};
use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

/// Compression of a file that is written while a replay runs: processor time counts.
const FAST: i32 = 1;
/// How long a record waits before a tick commits it: with a tick each 100 ms it is written within a second.
const COMMIT: Duration = Duration::from_millis(800);

/// Appends planned requests and outcomes to a run file.
pub struct RunWriter {
    segments: SegmentWriter,
    block: RunBlockEncoder,
    meta: RecordBlockMeta,
    /// Bodies of the open segment, by digest and length.
    bodies: HashMap<(Digest, u64), u32>,
    /// When the oldest record that is not committed came.
    waiting: Option<Instant>,
}

impl RunWriter {
    /// Creates a run, readable and writable by its owner only. It is written in place.
    ///
    /// # Errors
    /// Where the file exists and is not to be replaced, or cannot be written.
    pub fn create(path: &Path, header: &RunHeader, overwrite: Overwrite) -> Result<RunWriter, FormatError> {
        Ok(RunWriter {
            segments: SegmentWriter::create(path, FileKind::Run, header, overwrite, FAST)?,
            block: RunBlockEncoder::default(),
            meta: RecordBlockMeta::default(),
            bodies: HashMap::new(),
            waiting: None,
        })
    }

    /// Appends a planned request.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn planned(&mut self, planned: &Planned) -> Result<(), FormatError> {
        let encoded = self.block.planned(planned);
        self.accept(encoded)?;
        self.appended(planned.seq.0)
    }

    /// Appends an outcome. A body given inline is stored once per segment, by its digest.
    ///
    /// # Errors
    /// Where the disk refuses, or a body is given by its address in another file.
    pub fn outcome(&mut self, outcome: &Outcome) -> Result<(), FormatError> {
        let body = self.body(&outcome.result)?;
        let encoded = self.block.outcome(outcome, body);
        self.accept(encoded)?;
        self.appended(outcome.seq.0)
    }

    /// Commits what has waited for a second. To be called at least every 100 ms.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn tick(&mut self) -> Result<(), FormatError> {
        if self.waiting.is_some_and(|since| since.elapsed() >= COMMIT) { self.end_block() } else { Ok(()) }
    }

    /// Ends the run.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn seal(mut self, seal: &RunSeal) -> Result<(), FormatError> {
        self.end_segment()?;
        self.segments.seal(seal, Vec::new())
    }

    fn body(&mut self, result: &OutcomeResult) -> Result<Option<u32>, FormatError> {
        let OutcomeResult::Response(response) = result else { return Ok(None) };
        let bytes = match &response.body.kept {
            Kept::Stored(StoredBody::Inline(bytes)) if !bytes.is_empty() => bytes,
            Kept::Stored(StoredBody::At { .. }) => {
                let kind = FormatErrorKind::Invalid("a body was given by its address and not by its bytes");
                return Err(FormatError::new("append an outcome to", self.segments.path(), kind));
            }
            _ => return Ok(None),
        };
        let key = (response.body.digest, bytes.len() as u64);
        if let Some(index) = self.bodies.get(&key) {
            return Ok(Some(*index));
        }
        let at = self.segments.add_body(bytes)?;
        self.bodies.insert(key, at.index);
        Ok(Some(at.index))
    }

    fn accept(&self, encoded: Result<(), CodecError>) -> Result<(), FormatError> {
        encoded.map_err(|_| {
            let kind = FormatErrorKind::Invalid("a record cannot be encoded");
            FormatError::new("append a record to", self.segments.path(), kind)
        })
    }

    fn appended(&mut self, seq: u64) -> Result<(), FormatError> {
        self.meta.records += 1;
        widen(&mut self.meta.keys, seq);
        if self.waiting.is_none() {
            self.waiting = Some(Instant::now());
        }
        if self.block.len() >= BLOCKS.records || self.segments.uncommitted_body_bytes() >= BLOCKS.bodies {
            self.end_block()?;
        }
        let full = self.segments.is_full_with(self.block.len(), u64::from(self.meta.records));
        if full { self.end_segment() } else { Ok(()) }
    }

    fn end_block(&mut self) -> Result<(), FormatError> {
        self.waiting = None;
        if self.block.is_empty() {
            return Ok(());
        }
        let plain = self.block.take();
        let plain = plain.map_err(|_| {
            let kind = FormatErrorKind::Invalid("a block cannot be encoded");
            FormatError::new("write", self.segments.path(), kind)
        })?;
        let meta = std::mem::take(&mut self.meta);
        self.segments.records(meta, &plain)
    }

    fn end_segment(&mut self) -> Result<(), FormatError> {
        self.end_block()?;
        self.segments.end_segment()?;
        self.bodies.clear();
        Ok(())
    }
}
