//! One connection: connecting, idle, or with one request on its way; and what its socket makes of it.
//!
//! Invariant: a connection reports exactly one end for each job that it was given.

use super::job::{Attempt, Carrier, Job};
use crate::clock::Clock;
use crate::transport::connect::{Connecting, NoConnection, Stream};
use crate::transport::response::{Broken, ResponseReader, Shared, Whole};
use corpus::run::{FailureKind, Fault, NotSent, OutcomeResult, Times};
use corpus::time::RunTime;
use std::io;
use std::task::{Context, Poll};
use tokio::io::ReadBuf;
use wire::http1::Persistence;

/// What all connections read with.
#[derive(Debug)]
pub(crate) struct Io {
    pub(crate) clock: Clock,
    pub(crate) shared: Shared,
    pub(crate) scratch: Box<[u8]>,
}

/// A connection.
pub(crate) struct Conn {
    pub(crate) backend: usize,
    /// The recorded connection that it reproduces, if any.
    pub(crate) carrier: Option<Carrier>,
    /// When what it does now is given up; meaningless while idle.
    pub(crate) deadline: RunTime,
    pub(crate) idle_since: RunTime,
    state: State,
}

enum State {
    Connecting {
        future: Connecting,
        job: Job,
    },
    Idle {
        stream: Stream,
    },
    Busy {
        stream: Stream,
        sending: Sending,
    },
    /// Only between two states.
    Over,
}

/// A request on its way.
struct Sending {
    job: Job,
    written: usize,
    flushed: Flushed,
    sent: Option<RunTime>,
    first_byte: Option<RunTime>,
    reader: ResponseReader,
    reused: Reused,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flushed {
    Yes,
    No,
}

/// Whether the connection carried a request before this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reused {
    Yes,
    No,
}

/// What happened on a connection.
#[derive(Debug)]
pub(crate) enum Event {
    /// Nothing that concerns others.
    Nothing,
    /// The job ended.
    Ended { job: Job, times: Times, result: Box<OutcomeResult>, after: After },
    /// The job was not acted upon and may be sent again; the connection is gone.
    Again { job: Job },
    /// It was idle, and is gone.
    Gone,
}

/// What becomes of a connection when its job has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    /// It is idle.
    Idle,
    /// It is closed.
    Closed,
}

impl Conn {
    pub(crate) fn connecting(backend: usize, carrier: Option<Carrier>, future: Connecting, job: Job) -> Conn {
        let state = State::Connecting { future, job };
        Conn { backend, carrier, deadline: RunTime(u64::MAX), idle_since: RunTime(0), state }
    }

    pub(crate) fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle { .. })
    }

    pub(crate) fn is_connecting(&self) -> bool {
        matches!(self.state, State::Connecting { .. })
    }

    /// Gives an idle connection its next job; call [`drive`](Conn::drive) after it.
    pub(crate) fn give(&mut self, job: Job) {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Idle { stream } => self.state = busy(stream, job, Reused::Yes),
            _ => unreachable!("only idle connections are given jobs"),
        }
    }

    /// Does what can be done now.
    pub(crate) fn drive(&mut self, context: &mut Context<'_>, io: &mut Io) -> Event {
        if let State::Connecting { future, .. } = &mut self.state {
            let Poll::Ready(made) = future.as_mut().poll(context) else { return Event::Nothing };
            let State::Connecting { mut job, .. } = std::mem::replace(&mut self.state, State::Over) else {
                return Event::Nothing;
            };
            let now = io.clock.now();
            match made {
                Ok(stream) => {
                    job.connection_ready(now);
                    self.state = busy(stream, job, Reused::No);
                }
                Err(NoConnection { reason, fault }) => return not_sent(job, now, reason, fault),
            }
        }
        match &mut self.state {
            State::Idle { stream } => drive_idle(stream, context, io),
            State::Busy { stream, sending } => match sending.drive(stream, context, io) {
                Poll::Pending => Event::Nothing,
                Poll::Ready(end) => self.ended(end, io),
            },
            State::Connecting { .. } | State::Over => Event::Nothing,
        }
    }

    fn ended(&mut self, end: End, io: &mut Io) -> Event {
        let State::Busy { stream, mut sending } = std::mem::replace(&mut self.state, State::Over) else {
            return Event::Nothing;
        };
        let now = io.clock.now();
        let mut times = sending.job.times(now);
        times.sent = sending.sent;
        times.first_byte = sending.first_byte;
        let (result, after) = match end {
            End::Whole(response, after) => (OutcomeResult::Response(response), after),
            End::Broken(broken) => {
                if sending.may_go_again(broken) {
                    return Event::Again { job: sending.job };
                }
                sending.reader.abandon(&mut io.shared);
                (sending.failure(broken), After::Closed)
            }
        };
        if after == After::Idle {
            self.state = State::Idle { stream };
            self.idle_since = now;
        }
        Event::Ended { job: sending.job, times, result: Box::new(result), after }
    }

    /// Gives up what is on its way. A connection that is not busy is only closed.
    pub(crate) fn give_up(&mut self, why: GivenUp, io: &mut Io) -> Event {
        let now = io.clock.now();
        match std::mem::replace(&mut self.state, State::Over) {
            State::Connecting { job, .. } => {
                let (reason, fault) = match why {
                    GivenUp::Deadline => (NotSent::ConnectTimeout, Fault::Backend),
                    GivenUp::Stopped => (NotSent::Stopped, Fault::Operator),
                };
                not_sent(job, now, reason, fault)
            }
            State::Busy { mut sending, .. } => {
                let (kind, fault) = match why {
                    GivenUp::Deadline => (FailureKind::Timeout, Fault::Backend),
                    GivenUp::Stopped => (FailureKind::Aborted, Fault::Operator),
                };
                let mut times = sending.job.times(now);
                times.sent = sending.sent;
                times.first_byte = sending.first_byte;
                let status = sending.reader.status();
                sending.reader.abandon(&mut io.shared);
                let result = match sending.sent {
                    Some(_) => OutcomeResult::Failure { kind, fault, status },
                    None if why == GivenUp::Stopped => {
                        OutcomeResult::NotSent { reason: NotSent::Stopped, fault }
                    }
                    None => OutcomeResult::NotSent { reason: NotSent::ConnectTimeout, fault },
                };
                Event::Ended { job: sending.job, times, result: Box::new(result), after: After::Closed }
            }
            State::Idle { .. } | State::Over => Event::Gone,
        }
    }
}

/// Why something is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GivenUp {
    Deadline,
    Stopped,
}

fn busy(stream: Stream, job: Job, reused: Reused) -> State {
    let reader = ResponseReader::new(job.keep, job.asked(), job.item.exchange.0);
    let sending =
        Sending { job, written: 0, flushed: Flushed::No, sent: None, first_byte: None, reader, reused };
    State::Busy { stream, sending }
}

fn not_sent(job: Job, now: RunTime, reason: NotSent, fault: Fault) -> Event {
    let times = job.times(now);
    let result = Box::new(OutcomeResult::NotSent { reason, fault });
    Event::Ended { job, times, result, after: After::Closed }
}

/// An idle connection has nothing to say: whatever it says, it is of no use any more.
fn drive_idle(stream: &mut Stream, context: &mut Context<'_>, io: &mut Io) -> Event {
    let mut buffer = ReadBuf::new(&mut io.scratch[..1]);
    match stream.poll_read(context, &mut buffer) {
        Poll::Pending => Event::Nothing,
        Poll::Ready(_) => Event::Gone,
    }
}

enum End {
    Whole(corpus::run::RecordedResponse, After),
    Broken(Broken),
}

impl Sending {
    fn drive(&mut self, stream: &mut Stream, context: &mut Context<'_>, io: &mut Io) -> Poll<End> {
        let unwritten = self.write(stream, context, io).err();
        // A server may answer and close before it has read everything: what it said counts first.
        match self.read(stream, context, io) {
            Poll::Ready(end) => Poll::Ready(end),
            Poll::Pending => match unwritten {
                Some(error) => Poll::Ready(End::Broken(self.broken(&error))),
                None => Poll::Pending,
            },
        }
    }

    fn write(&mut self, stream: &mut Stream, context: &mut Context<'_>, io: &Io) -> io::Result<()> {
        while self.written < self.job.wire().len() {
            let before = io.clock.now();
            match stream.poll_write(context, &self.job.wire()[self.written..]) {
                Poll::Pending => return Ok(()),
                Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(written)) => {
                    self.sent.get_or_insert(before);
                    self.written += written;
                }
                Poll::Ready(Err(error)) => return Err(error),
            }
        }
        if self.flushed == Flushed::No
            && let Poll::Ready(flushed) = stream.poll_flush(context)
        {
            flushed?;
            self.flushed = Flushed::Yes;
        }
        Ok(())
    }

    fn read(&mut self, stream: &mut Stream, context: &mut Context<'_>, io: &mut Io) -> Poll<End> {
        loop {
            let mut buffer = ReadBuf::new(&mut io.scratch);
            let taken = match stream.poll_read(context, &mut buffer) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(error)) => return Poll::Ready(End::Broken(self.broken(&error))),
                Poll::Ready(Ok(())) if buffer.filled().is_empty() => self.reader.end(&mut io.shared),
                Poll::Ready(Ok(())) => {
                    let now = io.clock.now();
                    let interim = io.shared.interim;
                    self.first_byte.get_or_insert(now);
                    let piece = buffer.filled();
                    let taken = self.reader.take(piece, &mut io.shared);
                    if io.shared.interim > interim
                        && matches!(taken, Ok(None))
                        && self.reader.status().is_none()
                    {
                        self.first_byte = None;
                    }
                    let spare = taken
                        .as_ref()
                        .is_ok_and(|whole| whole.as_ref().is_some_and(|whole| whole.used < piece.len()));
                    if spare { taken.map(closing) } else { taken }
                }
            };
            match taken {
                Ok(None) => {}
                Ok(Some(whole)) => {
                    let after = self.after(whole.persistence);
                    return Poll::Ready(End::Whole(whole.response, after));
                }
                Err(broken) => return Poll::Ready(End::Broken(broken)),
            }
        }
    }

    fn after(&self, persistence: Persistence) -> After {
        let all_written = self.written == self.job.wire().len() && self.flushed == Flushed::Yes;
        if persistence == Persistence::KeepAlive && all_written { After::Idle } else { After::Closed }
    }

    /// Nothing can have been acted upon: the connection was idle, was closed before any byte of an answer,
    /// and asking twice does no harm.
    fn may_go_again(&self, broken: Broken) -> bool {
        let closed = matches!(broken.kind, FailureKind::Closed | FailureKind::Reset);
        let unanswered = self.first_byte.is_none() && broken.status.is_none();
        let untried = self.job.attempt == Attempt::First && self.reused == Reused::Yes;
        closed && unanswered && untried && self.job.is_safe()
    }

    fn broken(&self, error: &io::Error) -> Broken {
        let kind = match error.kind() {
            io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe => {
                FailureKind::Reset
            }
            // TLS ends without its closing alert.
            io::ErrorKind::UnexpectedEof if self.first_byte.is_none() => FailureKind::Closed,
            io::ErrorKind::UnexpectedEof => FailureKind::Partial,
            _ => FailureKind::Io,
        };
        Broken { kind, status: self.reader.status() }
    }

    fn failure(&self, broken: Broken) -> OutcomeResult {
        match self.sent {
            Some(_) => {
                OutcomeResult::Failure { kind: broken.kind, fault: Fault::Backend, status: broken.status }
            }
            None => OutcomeResult::NotSent { reason: NotSent::ConnectFailed, fault: Fault::Backend },
        }
    }
}

/// More came than the response: whatever it is, the connection cannot be trusted with another request.
fn closing(whole: Option<Whole>) -> Option<Whole> {
    whole.map(|whole| Whole { persistence: Persistence::Close, ..whole })
}
