//! The record block that exchanges are collected in, with what the segment's index says of it.

use super::codec::CodecError;
use super::endpoints::EndpointMemory;
use super::error::{FormatError, FormatErrorKind};
use super::frame::MAX_PLAIN;
use super::index::{RecordBlockMeta, widen};
use super::record::{BlockEncoder, BodyRef, LateResponse, StoredBodies};
use super::segment::SegmentWriter;
use crate::endpoint::template_of;
use crate::exchange::Exchange;
use crate::ids::ExchangeId;
use crate::message::{Malformed, Response};
use std::path::Path;
use wire::http1::Headers;

/// The most that the parts of one record may take together, so that every block fits a frame.
const MAX_RECORD: usize = MAX_PLAIN / 2;

/// Whether the index of a segment names the exchanges of its blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Naming {
    /// One by one: a lost block is told exchange by exchange.
    #[default]
    Ids,
    /// By count and times: 8 bytes an exchange less.
    Count,
}

/// Collects exchanges and late responses.
#[derive(Default)]
pub(super) struct ExchangeBlock {
    encoder: BlockEncoder,
    meta: RecordBlockMeta,
    naming: Naming,
}

impl ExchangeBlock {
    pub(super) fn new(naming: Naming) -> ExchangeBlock {
        ExchangeBlock { naming, ..ExchangeBlock::default() }
    }

    /// Bytes so far.
    pub(super) fn len(&self) -> usize {
        self.encoder.len()
    }

    /// Records so far.
    pub(super) fn records(&self) -> u64 {
        u64::from(self.meta.records)
    }

    pub(super) fn exchange(
        &mut self,
        segments: &mut SegmentWriter,
        endpoints: &mut EndpointMemory,
        exchange: &Exchange,
        bodies: StoredBodies,
    ) -> Result<(), FormatError> {
        check_size(segments.path(), exchange_size(exchange))?;
        let template = template_of(&exchange.request.method, &exchange.request.target);
        let encoded = self.encoder.exchange(exchange, &template, bodies);
        encoded.map_err(|_| not_encoded(segments.path()))?;
        self.meta.endpoints.push(endpoints.count(template, segments.endpoints_mut()));
        if self.naming == Naming::Ids {
            self.meta.ids.push(exchange.id.0.to_le_bytes());
        }
        self.meta.records += 1;
        widen(&mut self.meta.keys, exchange.request_time.first.0);
        Ok(())
    }

    pub(super) fn late(
        &mut self,
        segments: &SegmentWriter,
        id: ExchangeId,
        late: &LateResponse,
        body: Option<BodyRef>,
    ) -> Result<(), FormatError> {
        check_size(segments.path(), response_size(&late.response))?;
        let encoded: Result<(), CodecError> = self.encoder.late(id, late, body);
        encoded.map_err(|_| not_encoded(segments.path()))?;
        self.meta.late.push(id.0.to_le_bytes());
        self.meta.records += 1;
        Ok(())
    }

    /// Writes the block, where there is anything in it.
    pub(super) fn end(&mut self, segments: &mut SegmentWriter) -> Result<(), FormatError> {
        if self.encoder.is_empty() {
            return Ok(());
        }
        let plain = self.encoder.take().map_err(|_| not_encoded(segments.path()))?;
        let mut meta = std::mem::take(&mut self.meta);
        meta.endpoints.sort_unstable();
        meta.endpoints.dedup();
        segments.records(meta, &plain)
    }
}

fn not_encoded(path: &Path) -> FormatError {
    FormatError::new("append an exchange to", path, FormatErrorKind::Invalid("it cannot be encoded"))
}

fn check_size(path: &Path, len: usize) -> Result<(), FormatError> {
    if len <= MAX_RECORD {
        return Ok(());
    }
    let what = "the heads of an exchange";
    let kind = FormatErrorKind::TooLarge { what, len: len as u64, limit: MAX_RECORD as u64 };
    Err(FormatError::new("append an exchange to", path, kind))
}

fn exchange_size(exchange: &Exchange) -> usize {
    let request = &exchange.request;
    let head = 2 * request.method.len() + 3 * request.target.len() + fields_size(&request.headers);
    let rest = fields_size(&request.body.trailers) + malformed_size(request.malformed.as_ref());
    head + rest + exchange.response.as_ref().map_or(0, response_size)
}

fn response_size(response: &Response) -> usize {
    fields_size(&response.headers)
        + fields_size(&response.body.trailers)
        + 3 * response.interim.len()
        + malformed_size(response.malformed.as_ref())
}

fn fields_size(fields: &Headers) -> usize {
    fields.as_ref().byte_len() + 18 * fields.len()
}

fn malformed_size(malformed: Option<&Malformed>) -> usize {
    malformed.map_or(0, |malformed| malformed.raw.len() + malformed.reason.len())
}
