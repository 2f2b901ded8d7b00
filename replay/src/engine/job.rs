//! One sending on its way: which request, to whom, and when it could leave.

use crate::admit;
use crate::item::Item;
use crate::transport::response::{Asked, Keep};
use corpus::ids::{ConnectionId, PlanSeq, SessionId};
use corpus::run::{Sending, Times};
use corpus::time::RunTime;
use std::sync::Arc;

/// A sending on its way.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) seq: PlanSeq,
    pub(crate) item: Arc<Item>,
    /// Index of the backend.
    pub(crate) backend: usize,
    pub(crate) sending: Sending,
    pub(crate) copy: u32,
    pub(crate) keep: Keep,
    pub(crate) attempt: Attempt,
    pub(crate) planned: RunTime,
    pub(crate) unblocked: RunTime,
    pub(crate) ready: RunTime,
    /// When the engine turned to it: what passes from here to a connection is the connection's time.
    pub(crate) begun: RunTime,
}

/// Whether a request was tried before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attempt {
    First,
    /// A kept-alive connection had been closed before it was sent there.
    Again,
}

/// The lane of a job: its predecessor there must have ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct LaneKey {
    session: SessionId,
    copy: u32,
    backend: usize,
    sending: Sending,
}

/// A recorded connection as one copy of the corpus has it, at one backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Carrier {
    connection: ConnectionId,
    copy: u32,
}

impl Job {
    pub(crate) fn lane(&self) -> LaneKey {
        LaneKey { session: self.item.session, copy: self.copy, backend: self.backend, sending: self.sending }
    }

    /// Repeats travel on connections of nobody's, since recorded ones did not carry them.
    pub(crate) fn carrier(&self) -> Option<Carrier> {
        let first = self.sending == Sending::First;
        first.then_some(Carrier { connection: self.item.connection, copy: self.copy })
    }

    pub(crate) fn wire(&self) -> &[u8] {
        self.item.wire.get(self.backend).map_or(&[], |bytes| bytes)
    }

    pub(crate) fn asked(&self) -> Asked {
        if self.item.method == b"HEAD" { Asked::Head } else { Asked::Other }
    }

    /// Whether sending it twice does no harm.
    pub(crate) fn is_safe(&self) -> bool {
        admit::is_safe(&self.item.method)
    }

    /// A connection took until `now` to be ready.
    pub(crate) fn connection_ready(&mut self, now: RunTime) {
        self.ready = self.unblocked.after(now.since(self.begun));
    }

    /// Its times, not sent so far.
    pub(crate) fn times(&self, end: RunTime) -> Times {
        Times {
            planned: self.planned,
            unblocked: self.unblocked,
            ready: self.ready,
            sent: None,
            first_byte: None,
            end: Some(end),
        }
    }
}
