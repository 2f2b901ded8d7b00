//! Outcomes to the run file, on a thread of its own, with the books and histograms of the run.
//!
//! The engine never waits for the disk: it appends to a queue that is bounded in bytes of bodies and in
//! records. Over the first bound, bodies are kept as digests only, counted; over the second, the run is to
//! stop, and still no outcome is dropped. Invariant: what is counted here is what stands in the run.

use crate::books::Books;
use crate::draw::{self, Purpose};
use crate::item::Item;
use crate::summary::Progress;
use corpus::digest::DigestKey;
use corpus::ids::PlanSeq;
use corpus::redact::Redactor;
use corpus::run::{Arm, Kept, Outcome, OutcomeResult, Planned, Role, RunEnd, StoredBody};
use corpus::time::RunTime;
use corpus::{FormatError, RunWriter};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use wire::http1::Headers;

/// Bytes of bodies that may wait.
const MAX_BYTES: usize = 16 << 20;
/// Records that may wait.
const MAX_RECORDS: usize = 32_768;
/// So many records wake the recorder before its time.
const WAKE_RECORDS: usize = 4_096;
/// How often the recorder looks by itself.
const LOOK: Duration = Duration::from_millis(25);

/// One thing to be recorded.
#[derive(Debug)]
pub(crate) enum Record {
    /// A request came due.
    Planned { seq: PlanSeq, at: RunTime, copy: u32, item: Arc<Item>, arms: Arms },
    /// A sending ended.
    Outcome(Box<Outcome>),
    /// A request was sent again on a new connection.
    Retried(Role),
}

/// The arms of one request: at most four.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Arms {
    arms: [Option<Arm>; 4],
}

impl Arms {
    pub(crate) fn push(&mut self, arm: Arm) {
        if let Some(free) = self.arms.iter_mut().find(|place| place.is_none()) {
            *free = Some(arm);
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Arm> {
        self.arms.into_iter().flatten()
    }
}

/// How full the queue is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    /// There is room.
    Enough,
    /// Half of it is taken: a closed loop should wait.
    Half,
    /// None: the run must stop.
    Over,
    /// The recorder cannot write.
    Failed,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    wake: Condvar,
    /// Bytes of bodies in the queue and in the recorder's hands.
    bytes: AtomicUsize,
    records: AtomicUsize,
    failed: AtomicBool,
}

#[derive(Debug, Default)]
struct Waiting {
    records: Vec<Record>,
    closed: bool,
}

/// The engine's end of the queue. Records are handed over by [`flush`](RecordSink::flush).
#[derive(Debug)]
pub(crate) struct RecordSink {
    queue: Arc<Queue>,
    local: Vec<Record>,
    /// Bodies that were not kept for want of room.
    pub(crate) degraded: u64,
}

impl RecordSink {
    pub(crate) fn push(&mut self, mut record: Record) {
        if let Record::Outcome(outcome) = &mut record
            && let OutcomeResult::Response(response) = &mut outcome.result
        {
            let len = body_len(&response.body.kept);
            if len > 0 && self.queue.bytes.fetch_add(len, Ordering::Relaxed) + len > MAX_BYTES {
                self.queue.bytes.fetch_sub(len, Ordering::Relaxed);
                response.body.kept = Kept::QueueFull;
            }
            self.degraded += u64::from(response.body.kept == Kept::QueueFull);
        }
        self.local.push(record);
    }

    /// Hands over what was pushed.
    pub(crate) fn flush(&mut self) {
        if self.local.is_empty() {
            return;
        }
        let before = self.queue.records.fetch_add(self.local.len(), Ordering::Relaxed);
        let mut waiting = lock(&self.queue.waiting);
        waiting.records.append(&mut self.local);
        let crossed = before < WAKE_RECORDS && waiting.records.len() >= WAKE_RECORDS;
        drop(waiting);
        if crossed {
            self.queue.wake.notify_one();
        }
    }

    pub(crate) fn room(&self) -> Room {
        let records = self.queue.records.load(Ordering::Relaxed);
        if self.queue.failed.load(Ordering::Relaxed) {
            Room::Failed
        } else if records > MAX_RECORDS {
            Room::Over
        } else if records > MAX_RECORDS / 2 {
            Room::Half
        } else {
            Room::Enough
        }
    }
}

impl Drop for RecordSink {
    fn drop(&mut self) {
        self.flush();
        lock(&self.queue.waiting).closed = true;
        self.queue.wake.notify_one();
    }
}

fn lock(waiting: &Mutex<Waiting>) -> std::sync::MutexGuard<'_, Waiting> {
    // The queue is whole after every statement that holds the lock.
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

fn body_len(kept: &Kept) -> usize {
    match kept {
        Kept::Stored(StoredBody::Inline(bytes)) => bytes.len(),
        _ => 0,
    }
}

/// A recorder at work.
pub(crate) struct Recorder {
    thread: JoinHandle<(RunWriter, Books, Option<FormatError>)>,
    books: Arc<Mutex<Progress>>,
}

/// What a recorder leaves.
pub(crate) struct Recorded {
    pub(crate) writer: RunWriter,
    pub(crate) books: Books,
    /// Why it could not write to the end.
    pub(crate) failed: Option<FormatError>,
}

impl Recorder {
    /// Starts the recorder's thread.
    pub(crate) fn start(
        writer: RunWriter,
        key: &DigestKey,
        books: Books,
    ) -> std::io::Result<(Recorder, RecordSink)> {
        let queue = Arc::new(Queue::default());
        let shared = Arc::new(Mutex::new(Progress::default()));
        let (theirs, redactor, progress) = (queue.clone(), Redactor::new(key), shared.clone());
        let thread = std::thread::Builder::new().name("recorder".to_owned()).spawn(move || {
            let latest = (Headers::new(), Headers::new());
            let mut work = Work { writer, redactor, latest, books, failed: None };
            work.run(&theirs, &progress);
            (work.writer, work.books, work.failed)
        })?;
        Ok((Recorder { thread, books: shared }, RecordSink { queue, local: Vec::new(), degraded: 0 }))
    }

    /// How far the run is.
    pub(crate) fn progress(&self) -> Progress {
        self.books.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until everything is written; the sink must have been dropped.
    pub(crate) fn finish(self) -> Recorded {
        let (writer, books, failed) = self.thread.join().expect("the recorder does not panic");
        Recorded { writer, books, failed }
    }
}

struct Work {
    writer: RunWriter,
    redactor: Redactor,
    /// The fields of the latest response, as they came and redacted.
    latest: (Headers, Headers),
    books: Books,
    failed: Option<FormatError>,
}

impl Work {
    fn run(&mut self, queue: &Queue, progress: &Mutex<Progress>) {
        let mut batch = Vec::new();
        loop {
            let closed = take(queue, &mut batch);
            if closed && batch.is_empty() {
                return;
            }
            for record in batch.drain(..) {
                let bytes = self.record(record);
                queue.bytes.fetch_sub(bytes, Ordering::Relaxed);
                queue.records.fetch_sub(1, Ordering::Relaxed);
            }
            if self.failed.is_none() {
                self.failed = self.writer.tick().err();
            }
            if self.failed.is_some() {
                queue.failed.store(true, Ordering::Relaxed);
            }
            if let Some(news) = self.books.progress_if_due() {
                *progress.lock().unwrap_or_else(PoisonError::into_inner) = news;
            }
        }
    }

    /// Writes one record; the bytes of body that it held.
    fn record(&mut self, record: Record) -> usize {
        match record {
            Record::Planned { seq, at, copy, item, arms } => {
                self.books.planned(&arms);
                let planned = planned(seq, at, copy, &item, &arms);
                self.write(|writer| writer.planned(&planned));
                0
            }
            Record::Outcome(mut outcome) => {
                let mut bytes = 0;
                if let OutcomeResult::Response(response) = &mut outcome.result {
                    bytes = body_len(&response.body.kept);
                    self.redact(&mut response.headers);
                    self.redactor.headers(&mut response.trailers);
                }
                self.books.outcome(&outcome);
                self.write(|writer| writer.outcome(&outcome));
                bytes
            }
            Record::Retried(role) => {
                self.books.retried(role);
                0
            }
        }
    }

    /// Redacts a field list. Neighbours are often equal, and comparing costs a fifth of redacting.
    fn redact(&mut self, headers: &mut Headers) {
        if self.latest.0 != *headers {
            self.latest.0.clone_from(headers);
            self.redactor.headers(headers);
            self.latest.1.clone_from(headers);
        } else if self.latest.0 != self.latest.1 {
            headers.clone_from(&self.latest.1);
        }
    }

    fn write(&mut self, write: impl FnOnce(&mut RunWriter) -> Result<(), FormatError>) {
        if self.failed.is_none() {
            self.failed = write(&mut self.writer).err();
        }
    }
}

/// Moves what waits into `batch`; says whether nothing more will come.
fn take(queue: &Queue, batch: &mut Vec<Record>) -> bool {
    let waiting = lock(&queue.waiting);
    let idle = |waiting: &mut Waiting| waiting.records.len() < WAKE_RECORDS && !waiting.closed;
    let (mut waiting, _) =
        queue.wake.wait_timeout_while(waiting, LOOK, idle).unwrap_or_else(PoisonError::into_inner);
    std::mem::swap(&mut waiting.records, batch);
    waiting.closed
}

fn planned(seq: PlanSeq, at: RunTime, copy: u32, item: &Item, arms: &Arms) -> Planned {
    Planned {
        seq,
        exchange: item.exchange,
        endpoint: item.endpoint,
        session: item.session,
        copy,
        at,
        method: item.method.clone(),
        target: item.target.clone(),
        recorded_status: item.recorded_status,
        arms: arms.iter().collect(),
    }
}

/// Whether the bodies of a request belong to the sample, the same on all arms.
pub(crate) fn in_sample(seed: u64, seq: PlanSeq) -> bool {
    const ONE_IN: f64 = 10.0;
    draw::unit(seed, Purpose::Bodies, seq.0) * ONE_IN < 1.0
}

/// What a full or broken recorder means for the run.
pub(crate) fn end_of(room: Room) -> Option<RunEnd> {
    match room {
        Room::Over => Some(RunEnd::RecorderOverrun),
        Room::Failed => Some(RunEnd::RecorderFailed),
        Room::Enough | Room::Half => None,
    }
}
