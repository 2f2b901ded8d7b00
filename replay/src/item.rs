//! One recorded request, ready to be sent: what the plan is made of.

use crate::admit::{self, LeftOut};
use crate::rewrite::Rules;
use bytes::Bytes;
use corpus::digest::DigestKey;
use corpus::exchange::Exchange;
use corpus::ids::{ConnectionId, EndpointId, ExchangeId, SessionId};
use corpus::run::{Kept, RecordedBody, RecordedResponse, StoredBody};
use corpus::time::CaptureTime;

/// A recorded request, written for every backend.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) exchange: ExchangeId,
    pub(crate) connection: ConnectionId,
    pub(crate) session: SessionId,
    pub(crate) endpoint: EndpointId,
    /// Nanoseconds from the start of the capture window.
    pub(crate) at: u64,
    pub(crate) method: Vec<u8>,
    pub(crate) target: Vec<u8>,
    pub(crate) recorded_status: Option<u16>,
    /// The request for each backend, by its index; empty for a recorded baseline.
    pub(crate) wire: Vec<Bytes>,
    /// Whether the recorded connection carried nothing after it, as far as is known.
    pub(crate) last_on_connection: bool,
    /// The recording's response, where it stands for the baseline.
    pub(crate) recorded: Option<Box<RecordedResponse>>,
}

impl Item {
    /// Memory it takes, in bytes, roughly and not too low.
    pub(crate) fn cost(&self) -> usize {
        let recorded = self.recorded.as_ref().map_or(0, |response| match &response.body.kept {
            Kept::Stored(StoredBody::Inline(body)) => body.len() + 1024,
            _ => 1024,
        });
        let wire: usize = self.wire.iter().map(|bytes| bytes.len() + 64).sum();
        256 + self.method.len() + self.target.len() + wire + recorded
    }
}

/// Turns exchanges into items.
#[derive(Debug, Clone)]
pub(crate) struct ItemMaker {
    /// How requests are written, by backend index; `None` for a recorded baseline.
    pub(crate) rules: Vec<Option<Rules>>,
    /// The run's key, for the digests of recorded bodies.
    pub(crate) key: DigestKey,
    /// The start of the capture window.
    pub(crate) start: CaptureTime,
}

/// An item, and what was left out of its head.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) item: Item,
    /// Credentials of which only a token was there, at the backend with the most.
    pub(crate) dropped_credentials: u64,
}

impl ItemMaker {
    /// The item of an exchange, or why there is none.
    pub(crate) fn make(&self, exchange: &Exchange, endpoint: EndpointId) -> Result<Made, LeftOut> {
        admit::admit(exchange)?;
        let stands_in = self.rules.iter().any(Option::is_none);
        if stands_in && (exchange.response.is_none() || !exchange.is_complete()) {
            return Err(LeftOut::NoRecordedResponse);
        }
        let mut wire = Vec::with_capacity(self.rules.len());
        let mut dropped_credentials = 0;
        for rules in &self.rules {
            let Some(rules) = rules else {
                wire.push(Bytes::new());
                continue;
            };
            let rewritten = rules.rewrite(&exchange.request).map_err(|_| LeftOut::Unwritable)?;
            dropped_credentials = dropped_credentials.max(rewritten.dropped_credentials);
            wire.push(rewritten.bytes);
        }
        let recorded = stands_in.then(|| self.recorded_response(exchange));
        let item = Item {
            exchange: exchange.id,
            connection: exchange.connection,
            session: exchange.session,
            endpoint,
            at: exchange.request_time.first.0.saturating_sub(self.start.0),
            method: exchange.request.method.clone(),
            target: exchange.request.target.clone(),
            recorded_status: exchange.response.as_ref().map(|response| response.status),
            wire,
            last_on_connection: false,
            recorded: recorded.flatten().map(Box::new),
        };
        Ok(Made { item, dropped_credentials })
    }

    /// The recording's whole response as an outcome; `None` where it is not whole.
    fn recorded_response(&self, exchange: &Exchange) -> Option<RecordedResponse> {
        let response = exchange.response.as_ref().filter(|_| exchange.is_complete())?;
        Some(RecordedResponse {
            status: response.status,
            headers: response.headers.clone(),
            trailers: response.body.trailers.clone(),
            body: RecordedBody {
                len: response.body.wire_len,
                digest: self.key.digest(&response.body.bytes),
                kept: Kept::Stored(StoredBody::Inline(response.body.bytes.clone())),
            },
        })
    }
}
