//! Writing corpora, in bounded memory and in place.
//!
//! Invariant: block and segment boundaries depend on the content alone, so that the same calls write the
//! same bytes.

use super::bodies::BODY_BLOCK;
use super::error::{FileKind, FormatError, FormatErrorKind};
use super::frame::MAX_PLAIN;
use super::index::{EndpointCount, Place, RecordBlockMeta, SegmentIndex, widen};
use super::output::Overwrite;
use super::record::{BlockEncoder, BodyRef, LateResponse, StoredBodies};
use super::segment::{RECORD_BLOCK, ReadyBlock, SEGMENT, SEGMENT_RECORDS, SegmentWriter, listed};
use crate::digest::DigestKey;
use crate::endpoint::{EndpointLearner, EndpointTable, template_of};
use crate::exchange::Exchange;
use crate::ids::ExchangeId;
use crate::manifest::{CorpusHeader, CorpusSeal};
use crate::message::Body;
use std::collections::HashMap;
use std::path::Path;

/// Compression of a file that is written as traffic comes: speed counts.
const FAST: i32 = 1;
/// The most that one record may take, so that every block fits a frame.
const MAX_RECORD: usize = MAX_PLAIN / 2;
/// Endpoints of one segment that are remembered until the seal; a segment with more is listed as having any.
const REMEMBERED: usize = 256;

/// Appends exchanges to a corpus file.
///
/// The file is readable at every moment: what was written to the kernel is there after a kill, and at most
/// 1 MiB has not been written.
pub struct CorpusWriter {
    segments: SegmentWriter,
    block: BlockEncoder,
    meta: RecordBlockMeta,
    endpoints: SegmentEndpoints,
    learner: EndpointLearner,
    /// For each segment that has ended the streaming templates in it, where they are few.
    remembered: Vec<Option<Vec<String>>>,
}

/// Streaming templates of the open segment, by number.
#[derive(Default)]
struct SegmentEndpoints {
    known: HashMap<String, u32>,
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
        Ok(CorpusWriter {
            segments: SegmentWriter::create(path, FileKind::Corpus, &header, overwrite, FAST)?,
            block: BlockEncoder::default(),
            meta: RecordBlockMeta::at(Place { offset: 0, seq: 0 }),
            endpoints: SegmentEndpoints::default(),
            learner: EndpointLearner::new(),
            remembered: Vec::new(),
        })
    }

    /// Appends an exchange. They come in the order of their requests' first packets.
    ///
    /// # Errors
    /// Where the disk refuses, or the heads of the exchange take more than 8 MiB.
    pub fn append(&mut self, exchange: &Exchange) -> Result<(), FormatError> {
        let response = exchange.response.as_ref();
        self.check_size(&exchange.request.headers, exchange.request.target.len())?;
        if let Some(response) = response {
            self.check_size(&response.headers, 0)?;
        }
        let bodies = StoredBodies {
            request: self.body(&exchange.request.body)?,
            response: response.map(|r| self.body(&r.body)).transpose()?.flatten(),
        };
        let template = template_of(&exchange.request.method, &exchange.request.target);
        let encoded = self.block.exchange(exchange, &template, bodies);
        self.accept(encoded)?;
        let endpoint = self.endpoint(template);
        self.meta.ids.push(exchange.id.0.to_le_bytes());
        self.meta.endpoints.push(endpoint);
        widen(&mut self.meta.keys, exchange.request_time.first.0);
        self.appended()
    }

    /// Appends the response of an exchange that was appended without one; readers join the two.
    ///
    /// # Errors
    /// As [`CorpusWriter::append`].
    pub fn append_late(&mut self, id: ExchangeId, late: LateResponse) -> Result<(), FormatError> {
        self.check_size(&late.response.headers, 0)?;
        let body = self.body(&late.response.body)?;
        let encoded = self.block.late(id, &late, body);
        self.accept(encoded)?;
        self.meta.late.push(id.0.to_le_bytes());
        self.appended()
    }

    /// Hands everything so far to the kernel. Where the caller does not depend on the content alone, neither
    /// do the bytes of the file.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn flush(&mut self) -> Result<(), FormatError> {
        self.end_block()
    }

    /// Ends the corpus: the learned endpoints, the index of segments, counts and digest.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn seal(mut self, seal: CorpusSeal) -> Result<(), FormatError> {
        self.end_segment()?;
        let table = self.learner.learn();
        for (entry, names) in self.segments.segments_mut().iter_mut().zip(&self.remembered) {
            entry.endpoints = names.as_ref().and_then(|names| resolved(names, &table));
        }
        let endpoints = table.iter().map(|(_, name, count)| EndpointCount { name: name.to_owned(), count });
        let endpoints = endpoints.collect();
        self.segments.seal(&seal, endpoints)
    }

    fn body(&mut self, body: &Body) -> Result<Option<BodyRef>, FormatError> {
        if body.bytes.is_empty() {
            return Ok(None);
        }
        self.segments.body(&body.bytes).map(|at| Some(at.into()))
    }

    fn check_size(&self, headers: &wire::http1::Headers, more: usize) -> Result<(), FormatError> {
        let len = headers.as_ref().byte_len() + more;
        if len <= MAX_RECORD / 4 {
            return Ok(());
        }
        let limit = (MAX_RECORD / 4) as u64;
        let kind = FormatErrorKind::TooLarge { what: "the head of a message", len: len as u64, limit };
        Err(FormatError::new("append an exchange to", self.segments.path(), kind))
    }

    fn accept(&self, encoded: Result<(), super::codec::CodecError>) -> Result<(), FormatError> {
        encoded.map_err(|_| {
            let kind = FormatErrorKind::Invalid("an exchange cannot be encoded");
            FormatError::new("append an exchange to", self.segments.path(), kind)
        })
    }

    fn endpoint(&mut self, template: String) -> u32 {
        let counts = self.segments.endpoints_mut();
        if let Some(&index) = self.endpoints.known.get(&template) {
            counts[index as usize].count += 1;
            return index;
        }
        let index = u32::try_from(counts.len()).expect("a segment has at most 65,536 records");
        counts.push(EndpointCount { name: template.clone(), count: 1 });
        self.endpoints.known.insert(template, index);
        index
    }

    fn appended(&mut self) -> Result<(), FormatError> {
        self.meta.records += 1;
        if self.block.len() >= RECORD_BLOCK || self.segments.open_body_bytes() >= BODY_BLOCK {
            self.end_block()?;
        }
        let records = self.segments.segment_records() + u64::from(self.meta.records);
        if self.segments.segment_bytes() + self.block.len() as u64 >= SEGMENT || records >= SEGMENT_RECORDS {
            self.end_segment()?;
        }
        Ok(())
    }

    fn end_block(&mut self) -> Result<(), FormatError> {
        if self.block.is_empty() {
            return Ok(());
        }
        let plain = self.block.take();
        let plain = plain.map_err(|_| {
            let kind = FormatErrorKind::Invalid("a block cannot be encoded");
            FormatError::new("write", self.segments.path(), kind)
        })?;
        let mut meta = std::mem::replace(&mut self.meta, RecordBlockMeta::at(Place { offset: 0, seq: 0 }));
        meta.endpoints.sort_unstable();
        meta.endpoints.dedup();
        self.segments.records(ReadyBlock { meta, plain })
    }

    fn end_segment(&mut self) -> Result<(), FormatError> {
        self.end_block()?;
        if let Some(index) = self.segments.end_segment()? {
            self.remember(&index);
        }
        self.endpoints.known.clear();
        Ok(())
    }

    fn remember(&mut self, index: &SegmentIndex) {
        for endpoint in &index.endpoints {
            self.learner.add(&endpoint.name, endpoint.count);
        }
        let few = index.endpoints.len() <= REMEMBERED;
        let names = || index.endpoints.iter().map(|endpoint| endpoint.name.clone()).collect();
        self.remembered.push(few.then(names));
    }
}

fn resolved(names: &[String], table: &EndpointTable) -> Option<Vec<u32>> {
    let ids: Option<Vec<u32>> = names.iter().map(|name| table.resolve(name).map(|id| id.0)).collect();
    ids.and_then(listed)
}
