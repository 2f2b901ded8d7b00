//! The records of a corpus as they are read back from a block.

use super::codec::{self, CodecError};
use super::columns::{Cursor, Fresh};
use super::fields::Packed;
use super::index::{Place, RecordBlockMeta, SegmentIndex, widen};
use super::record::{
    At, BodyRef, COLUMNS, LateResponse, MessageRest, Rest, Side, StoredBodies, announced, flag, id_of,
};
use super::segment::SEGMENT_RECORDS;
use super::strings::ranges;
use crate::exchange::{Exchange, Span};
use crate::ids::{ConnectionId, ExchangeId, SessionId};
use crate::message::{Body, Protocol, Request, Response};
use crate::time::CaptureTime;
use serde::Deserialize;
use std::collections::HashMap;
use std::ops::Range;
use wire::http1::Headers;

/// One record of a block.
#[derive(Debug)]
pub(super) enum Entry {
    /// An exchange.
    Exchange(Row),
    /// A late response.
    Late(LateRow),
}

/// An exchange, with indices for what stands in the block's tables.
#[derive(Debug)]
pub(super) struct Row {
    id: u64,
    connection: u64,
    session: u64,
    pub(super) endpoint: u32,
    time: Span,
    method: usize,
    target: usize,
    request: MessageRow,
    response_time: Option<Span>,
    response: Option<ResponseRow>,
    rest: Option<Box<Rest>>,
}

/// A late response.
#[derive(Debug)]
pub(super) struct LateRow {
    id: u64,
    time: Span,
    response: ResponseRow,
    rest: Option<Box<Rest>>,
}

#[derive(Debug)]
struct MessageRow {
    protocol: Protocol,
    fields: usize,
    wire_len: u64,
    stored: Option<BodyRef>,
}

#[derive(Debug)]
struct ResponseRow {
    status: u16,
    message: MessageRow,
}

/// Adds to `index` what a record block holds. `None` where the block is broken.
pub(super) fn summarize(index: &mut SegmentIndex, place: Place, plain: Vec<u8>) -> Option<()> {
    let block = Block::decode(plain).ok()?;
    let mut meta = RecordBlockMeta::at(place);
    for entry in block.entries() {
        meta.records += 1;
        match entry {
            Entry::Late(row) => meta.late.push(row.id.to_le_bytes()),
            Entry::Exchange(row) => {
                meta.ids.push(row.id.to_le_bytes());
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

/// A block as read back.
#[derive(Debug)]
pub(super) struct Block {
    plain: Vec<u8>,
    /// Where the strings are in `plain`.
    endpoints: Vec<Range<usize>>,
    methods: Vec<Range<usize>>,
    targets: Vec<Range<usize>>,
    fields: Vec<Headers>,
    entries: Vec<Entry>,
}

/// What the payload of a block encodes.
#[derive(Deserialize)]
struct Payload<'a> {
    #[serde(borrow)]
    endpoints: Vec<&'a [u8]>,
    methods: Vec<&'a [u8]>,
    targets: Vec<&'a [u8]>,
    fields: Packed<'a>,
    words: Vec<u64>,
    count: u64,
    unit: u64,
    columns: [&'a [u8]; COLUMNS],
    rest: &'a [u8],
}

/// A row that refers to something its block does not have.
pub(super) type Broken = CodecError;

/// Takes rows out of columns.
struct Rows<'a> {
    columns: [Cursor<'a>; COLUMNS],
    rest: &'a [u8],
    words: Vec<u64>,
    unit: u64,
    previous: u64,
    fresh_words: Fresh,
    fresh_targets: Fresh,
    fresh_fields: Fresh,
    expected: HashMap<(u32, Side), u32>,
}

impl Rows<'_> {
    fn get(&mut self, at: At) -> Result<u64, Broken> {
        self.columns[at as usize].get()
    }

    fn signed(&mut self, at: At) -> Result<u64, Broken> {
        self.columns[at as usize].get_signed().map(i64::cast_unsigned)
    }

    fn moved(&mut self, from: u64, at: At) -> Result<u64, Broken> {
        Ok(from.wrapping_add(self.signed(at)?.wrapping_mul(self.unit)))
    }

    fn word(&mut self, at: At) -> Result<u64, Broken> {
        let code = self.get(at)?;
        let word = self.words.get(self.fresh_words.index(code));
        word.copied().ok_or_else(|| broken("a record refers to a word that is not there"))
    }

    fn entry(&mut self) -> Result<Entry, Broken> {
        let flags = self.get(At::Flags)?;
        let step = self.get(At::Step)?;
        if flags & flag::LATE != 0 {
            let time = self.span(self.previous, At::ResponseFirst, At::ResponseLast)?;
            let response = self.response(flags, u32::MAX)?;
            return Ok(Entry::Late(LateRow { id: step, time, response, rest: self.rest(flags)? }));
        }
        let (connection, session) = (self.word(At::Connection)?, self.word(At::Session)?);
        let endpoint = u32::try_from(self.get(At::Endpoint)?).map_err(|_| broken("an endpoint is none"))?;
        let time = self.span(self.previous, At::First, At::Last)?;
        let first = time.first.0;
        self.previous = first;
        let response_time = if flags & flag::RESPONSE_TIME == 0 {
            None
        } else {
            Some(self.span(first, At::ResponseFirst, At::ResponseLast)?)
        };
        let method = usize::try_from(self.get(At::Method)?).unwrap_or(usize::MAX);
        let target = self.get(At::Target)?;
        let target = self.fresh_targets.index(target);
        let request = self.request(flags, endpoint)?;
        let response = if flags & flag::RESPONSE == 0 { None } else { Some(self.response(flags, endpoint)?) };
        Ok(Entry::Exchange(Row {
            id: id_of(step, connection, first).0,
            connection,
            session,
            endpoint,
            time,
            method,
            target,
            request,
            response_time,
            response,
            rest: self.rest(flags)?,
        }))
    }

    fn span(&mut self, from: u64, first: At, last: At) -> Result<Span, Broken> {
        let first = self.moved(from, first)?;
        Ok(Span { first: CaptureTime(first), last: CaptureTime(self.moved(first, last)?) })
    }

    fn request(&mut self, flags: u64, endpoint: u32) -> Result<MessageRow, Broken> {
        let protocol = self.protocol(At::RequestProtocol)?;
        let row = self.message(protocol, At::RequestFields, At::RequestLen)?;
        self.body(row, flags & flag::REQUEST_BODY != 0, endpoint, Side::Request)
    }

    fn response(&mut self, flags: u64, endpoint: u32) -> Result<ResponseRow, Broken> {
        let protocol = self.protocol(At::ResponseProtocol)?;
        let status = u16::try_from(self.get(At::Status)?).map_err(|_| broken("a status is too large"))?;
        let row = self.message(protocol, At::ResponseFields, At::ResponseLen)?;
        let message = self.body(row, flags & flag::RESPONSE_BODY != 0, endpoint, Side::Response)?;
        Ok(ResponseRow { status, message })
    }

    fn protocol(&mut self, at: At) -> Result<Protocol, Broken> {
        match self.get(at)? {
            0 => Ok(Protocol::Http10),
            1 => Ok(Protocol::Http11),
            2 => Ok(Protocol::Http2),
            _ => Err(broken("a protocol is none")),
        }
    }

    /// The wire length is still less what the field list announces.
    fn message(&mut self, protocol: Protocol, fields: At, len: At) -> Result<MessageRow, Broken> {
        let code = self.get(fields)?;
        let fields = self.fresh_fields.index(code);
        Ok(MessageRow { protocol, fields, wire_len: self.signed(len)?, stored: None })
    }

    /// The stored length is still counted from the wire length.
    fn body(
        &mut self,
        row: MessageRow,
        is_stored: bool,
        endpoint: u32,
        side: Side,
    ) -> Result<MessageRow, Broken> {
        if !is_stored {
            return Ok(row);
        }
        let back = u32::try_from(self.get(At::BodyBack)?).map_err(|_| broken("a body has no segment"))?;
        let off = self.columns[At::BodyNumber as usize].get_signed()?;
        let len = self.signed(At::BodyShort)?;
        let expected = self.expected.entry((endpoint, side)).or_default();
        let index = i64::from(*expected).checked_add(off).and_then(|index| u32::try_from(index).ok());
        let index = index.ok_or_else(|| broken("a body has no number"))?;
        *expected = index.wrapping_add(1);
        Ok(MessageRow { stored: Some(BodyRef { back, index, len }), ..row })
    }

    fn rest(&mut self, flags: u64) -> Result<Option<Box<Rest>>, Broken> {
        if flags & flag::REST == 0 {
            return Ok(None);
        }
        let (rest, used) = codec::decode_prefix(self.rest)?;
        self.rest = self.rest.get(used..).unwrap_or_default();
        Ok(Some(Box::new(rest)))
    }
}

fn broken(what: &str) -> Broken {
    CodecError::new(what)
}

impl MessageRow {
    /// Makes the lengths those of the message, now that its fields are known.
    fn settle(&mut self, fields: &[Headers]) -> Result<(), Broken> {
        let fields =
            fields.get(self.fields).ok_or_else(|| broken("a record refers to fields that are not there"))?;
        self.wire_len = self.wire_len.wrapping_add(announced(fields));
        if let Some(stored) = &mut self.stored {
            stored.len = self.wire_len.wrapping_sub(stored.len);
        }
        Ok(())
    }
}

impl Block {
    pub(super) fn decode(plain: Vec<u8>) -> Result<Block, CodecError> {
        let payload: Payload<'_> = codec::decode(&plain)?;
        let fields = payload.fields.unpack()?;
        let mut rows = Rows {
            columns: payload.columns.map(Cursor),
            rest: payload.rest,
            words: payload.words,
            unit: payload.unit,
            previous: 0,
            fresh_words: Fresh::default(),
            fresh_targets: Fresh::default(),
            fresh_fields: Fresh::default(),
            expected: HashMap::new(),
        };
        if payload.count > SEGMENT_RECORDS {
            return Err(broken("a block has more records than a segment"));
        }
        let mut entries = Vec::new();
        for _ in 0..payload.count {
            let mut entry = rows.entry()?;
            match &mut entry {
                Entry::Late(row) => row.response.message.settle(&fields)?,
                Entry::Exchange(row) => {
                    row.request.settle(&fields)?;
                    row.response.iter_mut().try_for_each(|response| response.message.settle(&fields))?;
                }
            }
            entries.push(entry);
        }
        if !rows.rest.is_empty() || !rows.columns.iter().all(Cursor::is_empty) {
            return Err(broken("a column is longer than its block"));
        }
        let endpoints = ranges(&plain, &payload.endpoints);
        let methods = ranges(&plain, &payload.methods);
        let targets = ranges(&plain, &payload.targets);
        Ok(Block { plain, endpoints, methods, targets, fields, entries })
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    fn string(&self, table: &[Range<usize>], index: usize) -> Result<&[u8], Broken> {
        let string = table.get(index).and_then(|range| self.plain.get(range.clone()));
        string.ok_or_else(|| broken("a record refers to a string that is not there"))
    }

    pub(super) fn endpoint(&self, row: &Row) -> Result<&str, Broken> {
        let bytes = self.string(&self.endpoints, row.endpoint as usize)?;
        std::str::from_utf8(bytes).map_err(|_| broken("an endpoint is not text"))
    }

    /// The exchange of `row`, its bodies without bytes.
    pub(super) fn exchange(&self, row: &Row) -> Result<Exchange, Broken> {
        let rest = row.rest.as_deref();
        let response = row.response.as_ref().map(|response| self.response(response, rest)).transpose()?;
        Ok(Exchange {
            id: row.id(),
            connection: ConnectionId(row.connection),
            session: SessionId(row.session),
            request_time: row.time,
            request: self.request(row)?,
            response_time: row.response_time,
            response,
            incomplete: rest.map(|rest| rest.incomplete.clone()).unwrap_or_default(),
        })
    }

    /// The late response of `row`, its body without bytes.
    pub(super) fn late(&self, row: &LateRow) -> Result<LateResponse, Broken> {
        let rest = row.rest.as_deref();
        Ok(LateResponse {
            response_time: row.time,
            response: self.response(&row.response, rest)?,
            incomplete: rest.map(|rest| rest.incomplete.clone()).unwrap_or_default(),
        })
    }

    fn request(&self, row: &Row) -> Result<Request, Broken> {
        let rest = row.rest.as_ref().map(|rest| &rest.request);
        Ok(Request {
            protocol: row.request.protocol,
            method: self.string(&self.methods, row.method)?.to_vec(),
            target: self.string(&self.targets, row.target)?.to_vec(),
            headers: self.list(row.request.fields)?.clone(),
            body: self.body(&row.request, rest)?,
            malformed: rest.and_then(|rest| rest.malformed.clone()),
        })
    }

    fn response(&self, row: &ResponseRow, rest: Option<&Rest>) -> Result<Response, Broken> {
        let message = rest.map(|rest| &rest.response);
        Ok(Response {
            protocol: row.message.protocol,
            status: row.status,
            headers: self.list(row.message.fields)?.clone(),
            interim: rest.map(|rest| rest.interim.clone()).unwrap_or_default(),
            body: self.body(&row.message, message)?,
            malformed: message.and_then(|rest| rest.malformed.clone()),
        })
    }

    fn list(&self, index: usize) -> Result<&Headers, Broken> {
        self.fields.get(index).ok_or_else(|| broken("a record refers to fields that are not there"))
    }

    fn body(&self, row: &MessageRow, rest: Option<&MessageRest>) -> Result<Body, Broken> {
        let mut body = Body { wire_len: row.wire_len, ..Body::default() };
        if let Some(rest) = rest {
            body.extent = rest.extent;
            body.digest = rest.digest;
            if let Some(list) = rest.trailers {
                body.trailers = self.list(list as usize)?.clone();
            }
        }
        Ok(body)
    }
}

impl Row {
    pub(super) fn id(&self) -> ExchangeId {
        ExchangeId(self.id)
    }

    pub(super) fn session(&self) -> SessionId {
        SessionId(self.session)
    }

    /// When its request began.
    pub(super) fn request_first(&self) -> u64 {
        self.time.first.0
    }

    pub(super) fn bodies(&self) -> StoredBodies {
        StoredBodies {
            request: self.request.stored,
            response: self.response.as_ref().and_then(|response| response.message.stored),
        }
    }
}

impl LateRow {
    pub(super) fn id(&self) -> ExchangeId {
        ExchangeId(self.id)
    }

    pub(super) fn body(&self) -> Option<BodyRef> {
        self.response.message.stored
    }
}
