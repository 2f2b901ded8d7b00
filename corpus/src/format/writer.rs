//! Writing corpora, in bounded memory and in place.
//!
//! Invariant: block and segment boundaries depend on the content alone, so that the same calls write the
//! same bytes.

use super::endpoints::EndpointMemory;
use super::error::{FileKind, FormatError};
use super::exchange_block::ExchangeBlock;
use super::output::Overwrite;
use super::record::{BodyRef, LateResponse, StoredBodies};
use super::segment::{BLOCKS, SegmentWriter};
use crate::digest::DigestKey;
use crate::exchange::Exchange;
use crate::ids::ExchangeId;
use crate::manifest::{CorpusHeader, CorpusSeal};
use crate::message::Body;
use std::path::Path;

/// Compression of a file that is written as traffic comes: speed counts.
const FAST: i32 = 1;

/// Appends exchanges to a corpus file.
///
/// The file is readable at every moment: what was written to the kernel is there after a kill, and at most
/// 1 MiB has not been written.
pub struct CorpusWriter {
    pub(super) segments: SegmentWriter,
    pub(super) block: ExchangeBlock,
    pub(super) endpoints: EndpointMemory,
}

impl CorpusWriter {
    /// Creates a corpus, readable and writable by its owner only. It is written in place.
    ///
    /// The check value of `key` goes into the header.
    ///
    /// # Errors
    /// Where the file exists and is not to be replaced, or cannot be written.
    pub fn create(
        path: &Path,
        header: &CorpusHeader,
        key: &DigestKey,
        overwrite: Overwrite,
    ) -> Result<CorpusWriter, FormatError> {
        let mut header = header.clone();
        header.redaction.key_check = key.check_value();
        CorpusWriter::derived(path, &header, overwrite)
    }

    /// Creates a corpus from exchanges of another, whose header says by which key they were redacted.
    pub(crate) fn derived(
        path: &Path,
        header: &CorpusHeader,
        overwrite: Overwrite,
    ) -> Result<CorpusWriter, FormatError> {
        Ok(CorpusWriter {
            segments: SegmentWriter::create(path, FileKind::Corpus, header, overwrite, FAST)?,
            block: ExchangeBlock::default(),
            endpoints: EndpointMemory::default(),
        })
    }

    /// Appends an exchange. They come in the order of their requests' first packets.
    ///
    /// # Errors
    /// Where the disk refuses, or the heads of the exchange take more than 8 MiB.
    pub fn append(&mut self, exchange: &Exchange) -> Result<(), FormatError> {
        self.segments.check()?;
        let response = exchange.response.as_ref();
        let bodies = StoredBodies {
            request: self.body(&exchange.request.body)?,
            response: response.map(|r| self.body(&r.body)).transpose()?.flatten(),
        };
        self.block.exchange(&mut self.segments, &mut self.endpoints, exchange, bodies)?;
        self.appended()
    }

    /// Appends the response of an exchange that was appended without one; readers join the two.
    ///
    /// # Errors
    /// As [`CorpusWriter::append`].
    pub fn append_late(&mut self, id: ExchangeId, late: LateResponse) -> Result<(), FormatError> {
        self.segments.check()?;
        let body = self.body(&late.response.body)?;
        self.block.late(&self.segments, id, &late, body)?;
        self.appended()
    }

    /// Hands everything so far to the kernel. Each call ends a block: where the calls do not depend on the
    /// content alone, neither do the bytes of the file.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn flush(&mut self) -> Result<(), FormatError> {
        self.segments.check()?;
        self.block.end(&mut self.segments)
    }

    /// Ends the corpus: the learned endpoints, the index of segments, counts and digest.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn seal(mut self, seal: CorpusSeal) -> Result<(), FormatError> {
        self.end_segment()?;
        self.endpoints.seal(self.segments, &seal)
    }

    fn body(&mut self, body: &Body) -> Result<Option<BodyRef>, FormatError> {
        if body.bytes.is_empty() {
            return Ok(None);
        }
        self.segments.body(&body.bytes).map(|at| Some(at.into()))
    }

    fn appended(&mut self) -> Result<(), FormatError> {
        if self.block.len() >= BLOCKS.records || self.segments.uncommitted_body_bytes() >= BLOCKS.bodies {
            self.block.end(&mut self.segments)?;
        }
        if self.segments.is_full_with(self.block.len(), self.block.records()) {
            self.end_segment()
        } else {
            Ok(())
        }
    }

    fn end_segment(&mut self) -> Result<(), FormatError> {
        self.block.end(&mut self.segments)?;
        if let Some(index) = self.segments.end_segment()? {
            self.endpoints.segment_ended(&index);
        }
        Ok(())
    }
}
