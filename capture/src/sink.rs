//! Where exchanges leave to: sessions are told apart, secrets are redacted, and only then is anything written.
//!
//! Runs in a thread of its own, fed in batches over a bounded queue. Invariant: nothing reaches the writer
//! before its head, target, trailers and raw bytes went through the redactor.

use crate::sequencer::{Late, Leaving, Outlet};
use corpus::digest::DigestKey;
use corpus::exchange::Exchange;
use corpus::format::{CorpusWriter, FormatError, LateResponse};
use corpus::manifest::SessionBy;
use corpus::message::{Request, Response};
use corpus::redact::Redactor;
use corpus::session::session_of;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Batches that may wait for the writer.
const QUEUE: usize = 2;
/// Exchanges of one batch.
const BATCH: usize = 128;
/// Body bytes of one batch, beyond which it leaves early.
const BATCH_BYTES: usize = 512 * 1024;

/// The sending end.
pub(crate) struct Batches {
    queue: SyncSender<Vec<Leaving>>,
    batch: Vec<Leaving>,
    bytes: usize,
    open: bool,
}

/// A queue to a sink.
pub(crate) fn queue() -> (Batches, Receiver<Vec<Leaving>>) {
    let (queue, receiver) = sync_channel(QUEUE);
    (Batches { queue, batch: Vec::with_capacity(BATCH), bytes: 0, open: true }, receiver)
}

impl Batches {
    fn send(&mut self) {
        let batch = std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH));
        self.bytes = 0;
        // A sink that has failed hangs up; its error is taken from its thread.
        self.open = self.open && self.queue.send(batch).is_ok();
    }
}

impl Outlet for Batches {
    fn leave(&mut self, leaving: Leaving) {
        self.bytes += body_bytes(&leaving);
        self.batch.push(leaving);
        if self.batch.len() >= BATCH || self.bytes >= BATCH_BYTES {
            self.send();
        }
    }

    fn is_open(&self) -> bool {
        self.open
    }
}

impl Drop for Batches {
    fn drop(&mut self) {
        self.send();
    }
}

fn body_bytes(leaving: &Leaving) -> usize {
    match leaving {
        Leaving::Exchange(exchange) => {
            let response = exchange.response.as_ref().map_or(0, |response| response.body.bytes.len());
            exchange.request.body.bytes.len() + response
        }
        Leaving::Late(late) => late.response.body.bytes.len(),
    }
}

/// The receiving end.
pub(crate) struct Sink {
    writer: CorpusWriter,
    redactor: Redactor,
    session_by: SessionBy,
    key: DigestKey,
}

impl Sink {
    pub(crate) fn new(writer: CorpusWriter, session_by: SessionBy, key: DigestKey) -> Self {
        Self { writer, redactor: Redactor::new(&key), session_by, key }
    }

    /// Writes what comes until the queue is closed; returns the writer, for the seal.
    ///
    /// # Errors
    /// Where the corpus cannot be written.
    pub(crate) fn run(mut self, queue: &Receiver<Vec<Leaving>>) -> Result<CorpusWriter, FormatError> {
        for batch in queue {
            for leaving in batch {
                self.write(leaving)?;
            }
        }
        Ok(self.writer)
    }

    fn write(&mut self, leaving: Leaving) -> Result<(), FormatError> {
        match leaving {
            Leaving::Exchange(mut exchange) => {
                self.tell_session(&mut exchange);
                self.redact_request(&mut exchange.request);
                if let Some(response) = &mut exchange.response {
                    self.redact_response(response);
                }
                self.writer.append(&exchange)
            }
            Leaving::Late(late) => {
                let Late { id, span, mut response, incomplete } = *late;
                self.redact_response(&mut response);
                self.writer.append_late(id, LateResponse { response_time: span, response, incomplete })
            }
        }
    }

    fn tell_session(&self, exchange: &mut Exchange) {
        let request = &exchange.request;
        exchange.session =
            session_of(&self.session_by, &request.headers, &request.target, exchange.connection, &self.key);
    }

    fn redact_request(&self, request: &mut Request) {
        self.redactor.target(&mut request.target);
        self.redactor.headers(&mut request.headers);
        self.redactor.headers(&mut request.body.trailers);
        if let Some(malformed) = &mut request.malformed {
            malformed.raw = self.redactor.raw(&malformed.raw);
        }
    }

    fn redact_response(&self, response: &mut Response) {
        self.redactor.headers(&mut response.headers);
        self.redactor.headers(&mut response.body.trailers);
        if let Some(malformed) = &mut response.malformed {
            malformed.raw = self.redactor.raw(&malformed.raw);
        }
    }
}
