//! The plan at the engine's end: one request at a time, read ahead by another thread.

use crate::pacer::Next;
use crate::plan::schedule::Due;
use corpus::time::RunTime;
use std::task::{Context, Poll};
use tokio::sync::mpsc;

/// The plan, as its reader hands it over.
pub(crate) struct Plan {
    pub(crate) batches: mpsc::Receiver<Vec<Due>>,
    batch: std::vec::IntoIter<Due>,
    pub(crate) next: Option<Due>,
    ended: bool,
    pub(crate) cut: Option<RunTime>,
}

impl Plan {
    pub(crate) fn new(first: Vec<Due>, batches: mpsc::Receiver<Vec<Due>>, cut: Option<RunTime>) -> Plan {
        Plan { batches, batch: first.into_iter(), next: None, ended: false, cut }
    }

    /// The request that comes next, as soon as it was read.
    pub(crate) fn next(&mut self, context: &mut Context<'_>, now: RunTime) -> Next {
        if self.cut.is_some_and(|cut| now >= cut) {
            self.ended = true;
            self.next = None;
        }
        loop {
            match &self.next {
                Some(due) => return Next::Due(due.at),
                None if self.ended => return Next::Ended,
                None => self.next = self.batch.next(),
            }
            if self.next.is_none() {
                match self.batches.poll_recv(context) {
                    Poll::Ready(Some(batch)) => self.batch = batch.into_iter(),
                    Poll::Ready(None) => self.ended = true,
                    Poll::Pending => return Next::Unread,
                }
            }
        }
    }
}
