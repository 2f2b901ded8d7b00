//! The records of a corpus on their way into a block: exchanges and late responses, column by column.
//!
//! Byte strings and 64-bit words stand once in the tables of the block; columns refer to them. Times are
//! differences in the block's own unit, ids are what is left of them once connection and time are known.

use super::bodies::BodyAt;
use super::codec::{self, CodecError};
use super::columns::{Column, Fresh};
use super::fields::FieldLists;
use super::strings::Strings;
use crate::digest::Digest;
use crate::exchange::{Exchange, Incomplete, Span};
use crate::ids::ExchangeId;
use crate::message::{Body, BodyExtent, Malformed, Protocol, Request, Response};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
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

/// Where the kept bytes of a body are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

/// The bodies of an exchange, once stored.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct StoredBodies {
    pub(super) request: Option<BodyRef>,
    pub(super) response: Option<BodyRef>,
}

/// What few records have.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Rest {
    pub(super) incomplete: Vec<Incomplete>,
    pub(super) request: MessageRest,
    pub(super) response: MessageRest,
    pub(super) interim: Vec<u16>,
}

/// What few messages have.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct MessageRest {
    pub(super) extent: BodyExtent,
    pub(super) digest: Option<Digest>,
    pub(super) trailers: Option<u32>,
    pub(super) malformed: Option<Malformed>,
}

/// Bits of a record's flags.
pub(super) mod flag {
    pub(in crate::format) const LATE: u64 = 1;
    pub(in crate::format) const RESPONSE_TIME: u64 = 2;
    pub(in crate::format) const RESPONSE: u64 = 4;
    pub(in crate::format) const REQUEST_BODY: u64 = 8;
    pub(in crate::format) const RESPONSE_BODY: u64 = 16;
    pub(in crate::format) const REST: u64 = 32;
}

/// The columns, by their place in the block.
#[derive(Debug, Clone, Copy)]
pub(super) enum At {
    Flags,
    Step,
    Connection,
    Session,
    Endpoint,
    First,
    Last,
    ResponseFirst,
    ResponseLast,
    Method,
    Target,
    RequestProtocol,
    RequestFields,
    RequestLen,
    ResponseProtocol,
    Status,
    ResponseFields,
    ResponseLen,
    BodyBack,
    BodyNumber,
    BodyShort,
}

/// How many columns there are.
pub(super) const COLUMNS: usize = 21;

/// A table of words, each once.
#[derive(Debug, Default)]
struct Words {
    words: Vec<u64>,
    known: HashMap<u64, u32>,
    fresh: Fresh,
}

impl Words {
    fn code(&mut self, word: u64) -> u64 {
        let index = *self.known.entry(word).or_insert_with(|| {
            self.words.push(word);
            u32::try_from(self.words.len() - 1).expect("a block has fewer words than bytes")
        });
        self.fresh.code(index)
    }
}

/// The four times of an exchange as differences, until the block's unit is known.
type Times = [i64; 4];

/// Collects the records of one block.
#[derive(Debug, Default)]
pub(super) struct BlockEncoder {
    endpoints: Strings,
    methods: Strings,
    targets: Strings,
    fresh_targets: Fresh,
    fields: FieldLists,
    fresh_fields: Fresh,
    words: Words,
    columns: [Column; COLUMNS],
    times: Vec<(u64, Times)>,
    rest: Vec<u8>,
    previous: u64,
    /// The body that is expected next, by endpoint and side.
    expected: HashMap<(u32, Side), u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Side {
    Request,
    Response,
}

/// Bytes of a record in the columns, about.
const ROW: usize = 24;

impl BlockEncoder {
    /// Bytes of the block so far, about.
    pub(super) fn len(&self) -> usize {
        let tables = self.endpoints.len() + self.methods.len() + self.targets.len() + self.fields.len();
        tables + 9 * self.words.words.len() + ROW * self.times.len() + self.rest.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    fn put(&mut self, at: At, value: u64) {
        self.columns[at as usize].put(value);
    }

    pub(super) fn exchange(
        &mut self,
        exchange: &Exchange,
        endpoint: &str,
        bodies: StoredBodies,
    ) -> Result<(), CodecError> {
        let first = exchange.request_time.first.0;
        let endpoint = self.endpoints.intern(endpoint.as_bytes());
        let connection = self.words.code(exchange.connection.0);
        let session = self.words.code(exchange.session.0);
        self.put(At::Step, step_of(exchange.id, exchange.connection.0, first));
        self.put(At::Connection, connection);
        self.put(At::Session, session);
        self.put(At::Endpoint, u64::from(endpoint));
        let mut flags = 0;
        let (mut response_first, mut response_last) = (0, 0);
        if let Some(span) = exchange.response_time {
            flags |= flag::RESPONSE_TIME;
            response_first = difference(span.first.0, first);
            response_last = difference(span.last.0, span.first.0);
        }
        let last = difference(exchange.request_time.last.0, first);
        let times = [difference(first, self.previous), last, response_first, response_last];
        self.previous = first;
        let mut rest = Rest { incomplete: exchange.incomplete.clone(), ..Rest::default() };
        flags |= self.request(&exchange.request, endpoint, bodies.request, &mut rest)?;
        if let Some(response) = &exchange.response {
            flags |= self.response(response, endpoint, bodies.response, &mut rest)?;
        }
        self.end(flags, times, &rest)
    }

    pub(super) fn late(
        &mut self,
        id: ExchangeId,
        late: &LateResponse,
        body: Option<BodyRef>,
    ) -> Result<(), CodecError> {
        let first = late.response_time.first.0;
        self.put(At::Step, id.0);
        let times = [0, 0, difference(first, self.previous), difference(late.response_time.last.0, first)];
        let mut rest = Rest { incomplete: late.incomplete.clone(), ..Rest::default() };
        let flags = flag::LATE | flag::RESPONSE_TIME;
        let flags = flags | self.response(&late.response, u32::MAX, body, &mut rest)?;
        self.end(flags, times, &rest)
    }

    fn end(&mut self, mut flags: u64, times: Times, rest: &Rest) -> Result<(), CodecError> {
        if *rest != Rest::default() {
            flags |= flag::REST;
            codec::encode_into(rest, &mut self.rest)?;
        }
        self.put(At::Flags, flags);
        self.times.push((flags, times));
        Ok(())
    }

    fn request(
        &mut self,
        request: &Request,
        endpoint: u32,
        body: Option<BodyRef>,
        rest: &mut Rest,
    ) -> Result<u64, CodecError> {
        let method = self.methods.intern(&request.method);
        self.put(At::Method, u64::from(method));
        let target = self.targets.intern(&request.target);
        let target = self.fresh_targets.code(target);
        self.put(At::Target, target);
        self.put(At::RequestProtocol, protocol_code(request.protocol));
        self.message(At::RequestFields, At::RequestLen, &request.headers, &request.body, &mut rest.request)?;
        rest.request.malformed.clone_from(&request.malformed);
        Ok(self.body(endpoint, Side::Request, &request.body, body))
    }

    fn response(
        &mut self,
        response: &Response,
        endpoint: u32,
        body: Option<BodyRef>,
        rest: &mut Rest,
    ) -> Result<u64, CodecError> {
        self.put(At::ResponseProtocol, protocol_code(response.protocol));
        self.put(At::Status, u64::from(response.status));
        let (fields, len) = (At::ResponseFields, At::ResponseLen);
        self.message(fields, len, &response.headers, &response.body, &mut rest.response)?;
        rest.response.malformed.clone_from(&response.malformed);
        rest.interim.clone_from(&response.interim);
        Ok(flag::RESPONSE | self.body(endpoint, Side::Response, &response.body, body))
    }

    /// Field list, length, and what few messages have.
    fn message(
        &mut self,
        fields: At,
        len: At,
        headers: &Headers,
        body: &Body,
        rest: &mut MessageRest,
    ) -> Result<(), CodecError> {
        let list = self.fields.intern(headers)?;
        let list = self.fresh_fields.code(list);
        self.put(fields, list);
        self.columns[len as usize].put_signed(difference(body.wire_len, announced(headers)));
        rest.extent = body.extent;
        rest.digest = body.digest;
        if !body.trailers.is_empty() {
            // An index as it is, so that whoever skips the rest loses no count of new lists.
            rest.trailers = Some(self.fields.intern(&body.trailers)?);
        }
        Ok(())
    }

    fn body(&mut self, endpoint: u32, side: Side, body: &Body, stored: Option<BodyRef>) -> u64 {
        let Some(stored) = stored else { return 0 };
        let expected = self.expected.entry((endpoint, side)).or_default();
        let off = i64::from(stored.index) - i64::from(*expected);
        *expected = stored.index.wrapping_add(1);
        self.put(At::BodyBack, u64::from(stored.back));
        self.columns[At::BodyNumber as usize].put_signed(off);
        self.columns[At::BodyShort as usize].put_signed(difference(body.wire_len, stored.len));
        match side {
            Side::Request => flag::REQUEST_BODY,
            Side::Response => flag::RESPONSE_BODY,
        }
    }

    /// The block's payload. The encoder is empty afterwards.
    pub(super) fn take(&mut self) -> Result<Vec<u8>, CodecError> {
        let unit = self.put_times();
        let mut plain = Vec::with_capacity(self.len() + 256);
        self.endpoints.take_into(&mut plain)?;
        self.methods.take_into(&mut plain)?;
        self.targets.take_into(&mut plain)?;
        self.fields.take_into(&mut plain)?;
        codec::encode_into(&self.words.words, &mut plain)?;
        codec::encode_into(&(self.times.len() as u64), &mut plain)?;
        codec::encode_into(&unit, &mut plain)?;
        for column in &mut self.columns {
            column.take_into(&mut plain)?;
        }
        codec::encode_into(&serde_bytes::Bytes::new(&self.rest), &mut plain)?;
        self.clear();
        Ok(plain)
    }

    /// Forgets the block; what was allocated for it stays.
    fn clear(&mut self) {
        self.words.words.clear();
        self.words.known.clear();
        self.words.fresh = Fresh::default();
        self.fresh_targets = Fresh::default();
        self.fresh_fields = Fresh::default();
        self.times.clear();
        self.rest.clear();
        self.previous = 0;
        self.expected.clear();
    }

    /// Fills the columns of times, in the largest unit that all of them are whole numbers of.
    fn put_times(&mut self) -> u64 {
        let times = std::mem::take(&mut self.times);
        let unit =
            times.iter().flat_map(|(_, times)| times).fold(0, |unit, time| gcd(unit, time.unsigned_abs()));
        let unit = if i64::try_from(unit).is_ok_and(|unit| unit > 0) { unit } else { 1 };
        let in_units = |time: i64| time / unit.cast_signed();
        for (flags, [first, last, response_first, response_last]) in &times {
            if flags & flag::LATE == 0 {
                self.columns[At::First as usize].put_signed(in_units(*first));
                self.columns[At::Last as usize].put_signed(in_units(*last));
            }
            if flags & flag::RESPONSE_TIME != 0 {
                self.columns[At::ResponseFirst as usize].put_signed(in_units(*response_first));
                self.columns[At::ResponseLast as usize].put_signed(in_units(*response_last));
            }
        }
        self.times = times;
        unit
    }
}

fn gcd(mut a: u64, mut b: u64) -> u64 {
    if a != 0 && b.is_multiple_of(a) {
        return a;
    }
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

pub(super) fn protocol_code(protocol: Protocol) -> u64 {
    match protocol {
        Protocol::Http10 => 0,
        Protocol::Http11 => 1,
        Protocol::Http2 => 2,
    }
}

/// The length that a field list announces; 0 where it announces none.
pub(super) fn announced(headers: &Headers) -> u64 {
    let value = headers.get(b"content-length").unwrap_or_default().trim_ascii();
    let digits = std::str::from_utf8(value).ok().filter(|_| value.iter().all(u8::is_ascii_digit));
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

/// Wraps, so that any two times have a difference and adding it gives the time back.
fn difference(later: u64, earlier: u64) -> i64 {
    later.wrapping_sub(earlier).cast_signed()
}

/// The golden ratio by which places are spread, and the factors of SplitMix64's finaliser.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
const MIX: [u64; 2] = [0xbf58_476d_1ce4_e5b9, 0x94d0_49bb_1331_11eb];

/// What is left of an id once connection and time are known: for ids that a capture makes, the place of the
/// request on its connection, from 1. Every id has one, and has it alone.
fn step_of(id: ExchangeId, connection: u64, first: u64) -> u64 {
    const BACK: [u64; 2] = [inverse(MIX[1]), inverse(MIX[0])];
    let mut mixed = unshifted(id.0, 31).wrapping_mul(BACK[0]);
    mixed = unshifted(mixed, 27).wrapping_mul(BACK[1]);
    let step = unshifted(mixed, 30) ^ connection ^ first.rotate_left(32);
    step.wrapping_mul(const { inverse(SPREAD) })
}

/// The id that has this step.
pub(super) fn id_of(step: u64, connection: u64, first: u64) -> ExchangeId {
    let mut mixed = connection ^ step.wrapping_mul(SPREAD) ^ first.rotate_left(32);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(MIX[0]);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(MIX[1]);
    ExchangeId(mixed ^ (mixed >> 31))
}

/// The number whose product with the odd `factor` is 1, modulo 2^64: by Newton's method.
const fn inverse(factor: u64) -> u64 {
    let mut found = factor;
    let mut round = 0;
    while round < 5 {
        found = found.wrapping_mul(2_u64.wrapping_sub(factor.wrapping_mul(found)));
        round += 1;
    }
    found
}

/// Undoes `x ^ (x >> by)`.
fn unshifted(value: u64, by: u32) -> u64 {
    value ^ (value >> by) ^ (value >> (2 * by)) ^ value.checked_shr(3 * by).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_has_its_step() {
        for (n, id) in [0, 1, u64::MAX, 0x0123_4567_89ab_cdef].into_iter().enumerate() {
            let (connection, first) = (id ^ 77, 1_700_000_000_000_000_000 + n as u64);
            assert_eq!(id_of(step_of(ExchangeId(id), connection, first), connection, first), ExchangeId(id));
            assert_eq!(step_of(id_of(5, connection, first), connection, first), 5);
        }
    }
}
