//! The records of a corpus: exchanges and late responses, packed into blocks.
//!
//! A block is the record encoding of `(strings, words, rows)`. Byte strings (methods, targets, field lists,
//! endpoint templates) and 64-bit words (connections, sessions) stand once in their table; rows refer to
//! them by index, and times are differences to the row before.

use super::bodies::BodyAt;
use super::codec::{self, CodecError};
use super::index::{Place, RecordBlockMeta, SegmentIndex, widen};
use super::strings::{Strings, decode_headers, ranges};
use crate::digest::Digest;
use crate::exchange::{Exchange, Incomplete, Span};
use crate::ids::ExchangeId;
use crate::message::{Body, BodyExtent, Malformed, Protocol, Request, Response};
use crate::time::CaptureTime;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::ops::Range;
use wire::http1::Headers;

/// The response of an exchange that was appended without one. When read it replaces those fields.
#[derive(Debug, Clone, PartialEq)]
pub struct LateResponse {
    /// First and last packet of the final response.
    pub response_time: Span,
    /// The final response.
    pub response: Response,
    /// Why the exchange, as it now is, is not whole; empty where it is.
    pub incomplete: Vec<Incomplete>,
}

/// One record of a block.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Entry {
    /// An exchange.
    Exchange(Row),
    /// A late response.
    Late(LateRow),
}

/// An exchange, with indices for what stands in the block's tables.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) id: [u8; 8],
    pub(super) connection: u32,
    pub(super) session: u32,
    pub(super) endpoint: u32,
    /// Request's first packet, less that of the row before (the first row's: less 0).
    first: i64,
    /// Request's last packet, less its first.
    last: i64,
    pub(super) request: RequestRow,
    response_time: Option<(i64, i64)>,
    pub(super) response: Option<ResponseRow>,
    incomplete: Vec<Incomplete>,
}

/// A late response.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct LateRow {
    pub(super) id: [u8; 8],
    first: u64,
    last: i64,
    pub(super) response: ResponseRow,
    incomplete: Vec<Incomplete>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct RequestRow {
    protocol: Protocol,
    pub(super) method: u32,
    pub(super) target: u32,
    pub(super) headers: u32,
    pub(super) body: Option<BodyRow>,
    malformed: Option<Malformed>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct ResponseRow {
    protocol: Protocol,
    pub(super) status: u16,
    headers: u32,
    interim: Vec<u16>,
    pub(super) body: Option<BodyRow>,
    malformed: Option<Malformed>,
}

/// A body that is not simply empty and whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct BodyRow {
    pub(super) stored: Option<BodyRef>,
    wire_len: u64,
    trailers: Option<u32>,
    extent: BodyExtent,
    digest: Option<Digest>,
}

/// Where the kept bytes of a body are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct BodyRef {
    /// How many segments before the record's own; 0 except in packed files.
    pub(super) back: u32,
    pub(super) index: u32,
    pub(super) len: u64,
}

impl From<BodyAt> for BodyRef {
    fn from(at: BodyAt) -> BodyRef {
        BodyRef { back: 0, index: at.index, len: at.len }
    }
}

/// A table of words, each once.
#[derive(Debug, Default)]
struct Words {
    words: Vec<u64>,
    known: HashMap<u64, u32>,
}

impl Words {
    fn intern(&mut self, word: u64) -> u32 {
        *self.known.entry(word).or_insert_with(|| {
            self.words.push(word);
            u32::try_from(self.words.len() - 1).expect("a block has fewer words than bytes")
        })
    }

    fn clear(&mut self) {
        self.words.clear();
        self.known.clear();
    }
}

/// Collects the records of one block.
#[derive(Debug, Default)]
pub(super) struct BlockEncoder {
    strings: Strings,
    words: Words,
    rows: Vec<u8>,
    count: u64,
    previous: u64,
}

/// The bodies of an exchange, once stored.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct StoredBodies {
    pub(super) request: Option<BodyRef>,
    pub(super) response: Option<BodyRef>,
}

impl BlockEncoder {
    /// Bytes of the block so far.
    pub(super) fn len(&self) -> usize {
        self.rows.len() + self.strings.len() + 9 * self.words.words.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(super) fn exchange(
        &mut self,
        exchange: &Exchange,
        endpoint: &str,
        bodies: StoredBodies,
    ) -> Result<(), CodecError> {
        let first = exchange.request_time.first.0;
        let row = Row {
            id: exchange.id.0.to_le_bytes(),
            connection: self.words.intern(exchange.connection.0),
            session: self.words.intern(exchange.session.0),
            endpoint: self.strings.intern(endpoint.as_bytes()),
            first: difference(first, self.previous),
            last: difference(exchange.request_time.last.0, first),
            request: self.request(&exchange.request, bodies.request)?,
            response_time: exchange
                .response_time
                .map(|span| (difference(span.first.0, first), difference(span.last.0, span.first.0))),
            response: exchange.response.as_ref().map(|r| self.response(r, bodies.response)).transpose()?,
            incomplete: exchange.incomplete.clone(),
        };
        self.previous = first;
        self.push(&Entry::Exchange(row))
    }

    pub(super) fn late(
        &mut self,
        id: ExchangeId,
        late: &LateResponse,
        body: Option<BodyRef>,
    ) -> Result<(), CodecError> {
        let row = LateRow {
            id: id.0.to_le_bytes(),
            first: late.response_time.first.0,
            last: difference(late.response_time.last.0, late.response_time.first.0),
            response: self.response(&late.response, body)?,
            incomplete: late.incomplete.clone(),
        };
        self.push(&Entry::Late(row))
    }

    fn push(&mut self, entry: &Entry) -> Result<(), CodecError> {
        codec::encode_into(entry, &mut self.rows)?;
        self.count += 1;
        Ok(())
    }

    fn request(&mut self, request: &Request, body: Option<BodyRef>) -> Result<RequestRow, CodecError> {
        Ok(RequestRow {
            protocol: request.protocol,
            method: self.strings.intern(&request.method),
            target: self.strings.intern(&request.target),
            headers: self.headers(&request.headers)?,
            body: self.body(&request.body, body)?,
            malformed: request.malformed.clone(),
        })
    }

    fn response(&mut self, response: &Response, body: Option<BodyRef>) -> Result<ResponseRow, CodecError> {
        Ok(ResponseRow {
            protocol: response.protocol,
            status: response.status,
            headers: self.headers(&response.headers)?,
            interim: response.interim.clone(),
            body: self.body(&response.body, body)?,
            malformed: response.malformed.clone(),
        })
    }

    fn body(&mut self, body: &Body, stored: Option<BodyRef>) -> Result<Option<BodyRow>, CodecError> {
        if stored.is_none() && *body == Body::default() {
            return Ok(None);
        }
        let trailers = if body.trailers.is_empty() { None } else { Some(self.headers(&body.trailers)?) };
        Ok(Some(BodyRow {
            stored,
            wire_len: body.wire_len,
            trailers,
            extent: body.extent,
            digest: body.digest,
        }))
    }

    fn headers(&mut self, headers: &Headers) -> Result<u32, CodecError> {
        self.strings.headers(headers)
    }

    /// The block's payload. The encoder is empty afterwards.
    pub(super) fn take(&mut self) -> Result<Vec<u8>, CodecError> {
        let mut plain = Vec::with_capacity(self.len() + 32);
        self.strings.take_into(&mut plain)?;
        codec::encode_into(&self.words.words, &mut plain)?;
        codec::encode_into(&self.count, &mut plain)?;
        plain.extend_from_slice(&self.rows);
        self.words.clear();
        self.rows.clear();
        self.count = 0;
        self.previous = 0;
        Ok(plain)
    }
}

/// Adds to `index` what a record block holds. `None` where the block is broken.
pub(super) fn summarize(index: &mut SegmentIndex, place: Place, plain: Vec<u8>) -> Option<()> {
    let block = Block::decode(plain).ok()?;
    let mut meta = RecordBlockMeta::at(place);
    for entry in block.entries() {
        meta.records += 1;
        match entry {
            Entry::Late(row) => meta.late.push(row.id),
            Entry::Exchange(row) => {
                meta.ids.push(row.id);
                widen(&mut meta.keys, row.request_first());
                meta.endpoints.push(index.endpoint(block.endpoint(row).ok()?));
            }
        }
    }
    meta.endpoints.sort_unstable();
    meta.endpoints.dedup();
    index.records.push(meta);
    Some(())
}

/// Wraps, so that any two times have a difference and adding it gives the time back.
fn difference(later: u64, earlier: u64) -> i64 {
    later.wrapping_sub(earlier).cast_signed()
}

fn moved(time: u64, by: i64) -> u64 {
    time.wrapping_add(by.cast_unsigned())
}

/// A block as read back.
#[derive(Debug)]
pub(super) struct Block {
    plain: Vec<u8>,
    /// Where the strings are in `plain`.
    strings: Vec<Range<usize>>,
    words: Vec<u64>,
    entries: Vec<Entry>,
}

/// What the payload of a block encodes.
#[derive(Deserialize)]
struct Payload<'a> {
    #[serde(borrow)]
    strings: Vec<&'a [u8]>,
    words: Vec<u64>,
    entries: Vec<Entry>,
}

/// A row that refers to something its block does not have.
pub(super) type Broken = CodecError;

impl Block {
    pub(super) fn decode(plain: Vec<u8>) -> Result<Block, CodecError> {
        let Payload { strings, words, entries } = codec::decode(&plain)?;
        let strings = ranges(&plain, &strings);
        let mut block = Block { plain, strings, words, entries };
        block.make_times_absolute();
        Ok(block)
    }

    fn make_times_absolute(&mut self) {
        let mut previous = 0;
        for entry in &mut self.entries {
            if let Entry::Exchange(row) = entry {
                previous = moved(previous, row.first);
                row.first = previous.cast_signed();
            }
        }
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    fn string(&self, index: u32) -> Result<&[u8], Broken> {
        let string = self.strings.get(index as usize).and_then(|range| self.plain.get(range.clone()));
        string.ok_or_else(|| CodecError::new("a record refers to a string that is not there"))
    }

    fn word(&self, index: u32) -> Result<u64, Broken> {
        let word = self.words.get(index as usize);
        word.copied().ok_or_else(|| CodecError::new("a record refers to a word that is not there"))
    }

    pub(super) fn session(&self, row: &Row) -> Result<u64, Broken> {
        self.word(row.session)
    }

    pub(super) fn endpoint(&self, row: &Row) -> Result<&str, Broken> {
        let bytes = self.string(row.endpoint)?;
        std::str::from_utf8(bytes).map_err(|_| CodecError::new("an endpoint is not text"))
    }

    /// The exchange of `row`, its bodies without bytes.
    pub(super) fn exchange(&self, row: &Row) -> Result<Exchange, Broken> {
        let first = row.request_first();
        let response_time = row.response_time.map(|(start, length)| {
            let start = moved(first, start);
            span(start, moved(start, length))
        });
        Ok(Exchange {
            id: row.id(),
            connection: crate::ids::ConnectionId(self.word(row.connection)?),
            session: crate::ids::SessionId(self.word(row.session)?),
            request_time: span(first, moved(first, row.last)),
            request: self.request(&row.request)?,
            response_time,
            response: row.response.as_ref().map(|response| self.response(response)).transpose()?,
            incomplete: row.incomplete.clone(),
        })
    }

    /// The late response of `row`, its body without bytes.
    pub(super) fn late(&self, row: &LateRow) -> Result<LateResponse, Broken> {
        Ok(LateResponse {
            response_time: span(row.first, moved(row.first, row.last)),
            response: self.response(&row.response)?,
            incomplete: row.incomplete.clone(),
        })
    }

    fn request(&self, row: &RequestRow) -> Result<Request, Broken> {
        Ok(Request {
            protocol: row.protocol,
            method: self.string(row.method)?.to_vec(),
            target: self.string(row.target)?.to_vec(),
            headers: decode_headers(self.string(row.headers)?)?,
            body: self.body(row.body.as_ref())?,
            malformed: row.malformed.clone(),
        })
    }

    fn response(&self, row: &ResponseRow) -> Result<Response, Broken> {
        Ok(Response {
            protocol: row.protocol,
            status: row.status,
            headers: decode_headers(self.string(row.headers)?)?,
            interim: row.interim.clone(),
            body: self.body(row.body.as_ref())?,
            malformed: row.malformed.clone(),
        })
    }

    fn body(&self, row: Option<&BodyRow>) -> Result<Body, Broken> {
        let Some(row) = row else { return Ok(Body::default()) };
        let trailers = row.trailers.map(|index| self.string(index).and_then(decode_headers)).transpose()?;
        Ok(Body {
            bytes: bytes::Bytes::new(),
            wire_len: row.wire_len,
            trailers: trailers.unwrap_or_default(),
            extent: row.extent,
            digest: row.digest,
        })
    }
}

impl Row {
    pub(super) fn id(&self) -> ExchangeId {
        ExchangeId(u64::from_le_bytes(self.id))
    }

    /// When its request began; the block it was read with has made it absolute.
    pub(super) fn request_first(&self) -> u64 {
        self.first.cast_unsigned()
    }

    pub(super) fn bodies(&self) -> StoredBodies {
        let stored = |body: Option<&BodyRow>| body.and_then(|body| body.stored);
        StoredBodies {
            request: stored(self.request.body.as_ref()),
            response: self.response.as_ref().and_then(|response| stored(response.body.as_ref())),
        }
    }
}

impl LateRow {
    pub(super) fn id(&self) -> ExchangeId {
        ExchangeId(u64::from_le_bytes(self.id))
    }

    pub(super) fn body(&self) -> Option<BodyRef> {
        self.response.body.as_ref().and_then(|body| body.stored)
    }
}

fn span(first: u64, last: u64) -> Span {
    Span { first: CaptureTime(first), last: CaptureTime(last) }
}
