//! The one loop: sends what is due, moves every connection on, gives up what is late, until the plan is done.
//!
//! One task on a current-thread runtime owns all lanes, connections and timers; one wake sends everything
//! that is due. Sessions never wait for one another, and nothing here waits for the disk.
//! Invariant: every arm of every request that came due ends in exactly one outcome.

mod backends;
mod conn;
mod due;
mod ending;
mod job;
mod lanes;
pub(crate) mod pool;
mod setup;
mod slots;
mod wake;

use crate::clock::{Clock, Timer};
use crate::pacer::{Pacing, Step};
use crate::plan::schedule::{Due, Noise};
use crate::record::{self, Arms, Record, RecordSink, Room};
use crate::stop::Ended;
use crate::transport::response::Keep;
pub(crate) use backends::BackendSetup;
use backends::Backends;
use conn::{After, Conn, Event, Io};
use corpus::ids::PlanSeq;
use corpus::run::{Arm, BodyKeeping, Fault, NotSent, Outcome, OutcomeResult, RunEnd, Sending, Times};
use corpus::time::RunTime;
use due::Plan;
use job::{Attempt, Carrier, Job};
use lanes::{Entered, Lanes};
use pool::Way;
pub(crate) use setup::{Finished, Repeats, Setup};
use slots::Slots;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::mpsc;

/// Repeats that may wait for their time.
const MAX_REPEATS: usize = 65_536;
/// How long requests that are on their way may take to end after a stop.
const STOP_DRAIN: Duration = Duration::from_secs(1);
/// An idle connection is closed after this time, and looked for this often.
const IDLE: Duration = Duration::from_secs(30);
const IDLE_LOOK: Duration = Duration::from_secs(2);
/// A closed loop that waits for the recorder looks this often.
const ROOM_LOOK: Duration = Duration::from_millis(1);
/// Connections are served this many at a time before the plan is looked at again.
const BETWEEN_LOOKS: usize = 8;
const SCRATCH: usize = 64 << 10;

enum Phase {
    Running,
    /// Nothing more comes due; what waits is given up at this time.
    Draining(RunTime),
    /// What waits was given up.
    Ending,
    /// Nothing is sent any more; what is on its way is given up at this time.
    Stopping(RunTime, RunEnd),
}

/// The engine, a future that ends with the replay.
pub(crate) struct Engine {
    backends: Backends,
    slots: Slots,
    lanes: Lanes,
    repeats: VecDeque<Job>,
    /// Jobs whose predecessor has just ended.
    unblocked: VecDeque<Job>,
    plan: Plan,
    io: Io,
    timer: Timer,
    sink: RecordSink,
    stopped: Pin<Box<dyn Future<Output = ()> + Send>>,
    deadline: Duration,
    noise: Repeats,
    pacing: Pacing,
    bodies: BodyKeeping,
    seed: u64,
    phase: Phase,
    /// Jobs that have come due and not ended, repeats that wait for their time included.
    open: usize,
    next_idle_look: RunTime,
    news: Vec<usize>,
}

impl Engine {
    /// An engine for the plan that comes in `batches`, the first of which is there already. To be called on the
    /// runtime that will run it.
    pub(crate) fn new(
        setup: Setup,
        clock: Clock,
        first: Vec<Due>,
        batches: mpsc::Receiver<Vec<Due>>,
        sink: RecordSink,
    ) -> std::io::Result<Engine> {
        let plan = Plan::new(first, batches, setup.cut);
        let io = Io { clock, shared: setup.shared, scratch: vec![0; SCRATCH].into_boxed_slice() };
        let stop = setup.stop;
        Ok(Engine {
            slots: Slots::new(setup.open_files),
            backends: Backends::new(setup.backends),
            lanes: Lanes::default(),
            repeats: VecDeque::new(),
            unblocked: VecDeque::new(),
            plan,
            io,
            timer: Timer::new()?,
            sink,
            stopped: Box::pin(async move { stop.stopped().await }),
            deadline: setup.deadline,
            noise: setup.repeats,
            pacing: setup.pacing,
            bodies: setup.bodies,
            seed: setup.seed,
            phase: Phase::Running,
            open: 0,
            next_idle_look: RunTime(0).after(IDLE_LOOK),
            news: Vec::new(),
        })
    }

    fn turn(&mut self, context: &mut Context<'_>) -> std::io::Result<Poll<RunEnd>> {
        self.timer.poll_expired(context)?;
        if self.stopped.as_mut().poll(context).is_ready() {
            self.stop(RunEnd::Interrupted);
            self.stopped = Box::pin(std::future::pending());
        }
        let mut next = self.send_due(context);
        loop {
            let mut news = std::mem::take(&mut self.news);
            self.slots.news().take(&mut news, context.waker());
            if news.is_empty() {
                self.news = news;
                break;
            }
            for (served, place) in news.drain(..).enumerate() {
                if served % BETWEEN_LOOKS == BETWEEN_LOOKS - 1 {
                    self.send_due(context);
                }
                self.slots.unlist(place);
                self.drive(place);
                self.send_unblocked();
            }
            self.news = news;
            next = self.send_due(context);
        }
        self.give_up_late();
        self.sink.flush();
        if let Some(end) = record::end_of(self.sink.room()) {
            self.stop(end);
        }
        Ok(match self.ended(next) {
            Some(end) => Poll::Ready(end),
            None => {
                self.set_timer(next)?;
                Poll::Pending
            }
        })
    }

    /// Sends all that is due; what the pacer wants next.
    fn send_due(&mut self, context: &mut Context<'_>) -> Step {
        if !matches!(self.phase, Phase::Running) || !self.io.clock.has_started() {
            return if matches!(self.phase, Phase::Running) { Step::Wait(RunTime(0)) } else { Step::Stop };
        }
        loop {
            let now = self.io.clock.now();
            while self.repeats.front().is_some_and(|job| job.planned <= now) {
                if let Some(job) = self.repeats.pop_front() {
                    self.arrive(job);
                }
            }
            let next = self.plan.next(context, now);
            let open = if self.sink.room() == Room::Half { usize::MAX } else { self.backends.most_open() };
            let step = self.pacing.step(now, next, open);
            match step {
                Step::Send => match self.plan.next.take() {
                    Some(due) => self.admit(due, now),
                    None => return step,
                },
                _ => return step,
            }
        }
    }

    /// A request comes due: it is planned, and goes to each of its arms.
    fn admit(&mut self, due: Due, now: RunTime) {
        let at = if self.pacing == Pacing::Open { due.at } else { now };
        let mut arms = Arms::default();
        let order = self.backends.order(self.seed, at);
        let (first, repeats) = self.arms(due.noise);
        for backend in order.into_iter().flatten().filter(|backend| first.contains(backend)) {
            arms.push(Arm { role: self.backends.role(backend), sending: Sending::First });
        }
        for backend in order.into_iter().flatten().filter(|backend| repeats.contains(backend)) {
            arms.push(Arm { role: self.backends.role(backend), sending: Sending::Repeat });
        }
        self.sink.push(Record::Planned { seq: due.seq, at, copy: due.copy, item: due.item.clone(), arms });
        let keep = self.keep(due.seq);
        for arm in arms.iter() {
            let Some(backend) = self.backends.index(arm.role) else { continue };
            let planned = match (arm.sending, self.noise) {
                (Sending::Repeat, Repeats::After(lag)) => at.after(lag),
                _ => at,
            };
            self.open += 1;
            let job = Job {
                seq: due.seq,
                item: due.item.clone(),
                backend,
                sending: arm.sending,
                copy: due.copy,
                keep,
                attempt: Attempt::First,
                planned,
                unblocked: planned,
                ready: planned,
                begun: now,
            };
            match arm.sending {
                Sending::First => self.arrive(job),
                Sending::Repeat if self.repeats.len() < MAX_REPEATS => self.repeats.push_back(job),
                Sending::Repeat => self.not_sent(job, NotSent::ReplayerLimit, Fault::Replayer),
            }
        }
    }

    /// The backends that get a request at once, and those that get it again.
    fn arms(&self, noise: Noise) -> (std::ops::Range<usize>, std::ops::Range<usize>) {
        let pair = 0..2;
        match (noise, self.noise) {
            (Noise::Sent, Repeats::Control) => (0..3, 0..0),
            (Noise::Sent, Repeats::After(_)) => (pair.clone(), pair),
            _ => (pair, 0..0),
        }
    }

    fn keep(&self, seq: PlanSeq) -> Keep {
        match self.bodies {
            BodyKeeping::All => Keep::Bytes,
            BodyKeeping::Sample if record::in_sample(self.seed, seq) => Keep::Bytes,
            BodyKeeping::Sample | BodyKeeping::Digest => Keep::Digest,
        }
    }

    /// A job's time has come.
    fn arrive(&mut self, job: Job) {
        self.backends.came(job.backend);
        match self.lanes.enter(job) {
            Entered::Goes(job) => {
                self.dispatch(job);
                self.send_unblocked();
            }
            Entered::Waits => {}
            Entered::Full(job) => self.turned_away(job),
        }
    }

    /// A job for which there was no place: its lane goes on without it.
    fn turned_away(&mut self, job: Job) {
        self.backends.went(job.backend);
        self.not_sent(job, NotSent::ReplayerLimit, Fault::Replayer);
    }

    /// Nothing is before this job: it goes to a connection.
    fn dispatch(&mut self, mut job: Job) {
        job.begun = self.io.clock.now();
        if self.backends.connector(job.backend).is_none() {
            return self.stand_in(job);
        }
        let slots = &self.slots;
        match self.backends.pool(job.backend).way(&job, |place| slots.is_idle(place)) {
            Way::Idle(place) => self.send_on(place, job),
            Way::Wait => self.backends.pool(job.backend).wait(job),
            Way::Open(carrier) => {
                if !self.slots.has_room() && !self.close_an_idle_one() {
                    self.end(job, Ending::not_sent(NotSent::ReplayerLimit, Fault::Replayer));
                    return;
                }
                self.connect(job, carrier);
            }
        }
    }

    /// The recording's own response is the outcome.
    fn stand_in(&mut self, job: Job) {
        let at = job.planned;
        let times = Times { sent: Some(at), first_byte: Some(at), ..job.times(at) };
        let ending = match &job.item.recorded {
            Some(response) => OutcomeResult::Response(response.as_ref().clone()),
            None => OutcomeResult::NotSent { reason: NotSent::Blocked, fault: Fault::Operator },
        };
        self.end(job, Ending { times: Some(times), result: ending });
    }

    fn send_on(&mut self, place: usize, mut job: Job) {
        let now = self.io.clock.now();
        if job.attempt == Attempt::Again {
            job.connection_ready(now);
        }
        self.slots.give(place, job, now.after(self.deadline));
        self.drive(place);
    }

    /// Moves one connection on.
    fn drive(&mut self, place: usize) {
        let event = self.slots.drive(place, &mut self.io);
        self.handle(place, event);
    }

    fn handle(&mut self, place: usize, event: Event) {
        match event {
            Event::Nothing => {}
            Event::Gone => self.close(place),
            Event::Again { mut job } => {
                self.sink.push(Record::Retried(self.backends.role(job.backend)));
                job.attempt = Attempt::Again;
                if matches!(self.phase, Phase::Stopping(..)) {
                    self.close(place);
                    self.end(job, Ending::not_sent(NotSent::Stopped, Fault::Operator));
                } else {
                    // On a new connection, since others may have gone too: it takes the place of this one.
                    self.backends.pool(job.backend).wait_first(job);
                    self.close(place);
                }
            }
            Event::Ended { job, times, result, after } => {
                let backend = job.backend;
                let carrier = self.slots.carrier(place);
                let over = job.item.last_on_connection && carrier.is_some() && carrier == job.carrier();
                let after = if over { After::Closed } else { after };
                let next = match after {
                    After::Idle => self.backends.pool(backend).idle(place, carrier),
                    After::Closed => {
                        self.close(place);
                        None
                    }
                };
                self.end(job, Ending { times: Some(times), result: *result });
                match next {
                    Some(mut next) => {
                        next.connection_ready(self.io.clock.now());
                        self.send_on(place, next);
                    }
                    // An idle connection is driven once to be told when it is closed.
                    None if after == After::Idle && self.slots.is_idle(place) => self.drive(place),
                    None => {}
                }
            }
        }
    }

    /// Opens a connection for `job`. A job that waited for one, or goes a second time, keeps its beginning.
    fn connect(&mut self, job: Job, carrier: Option<Carrier>) {
        let Some(connector) = self.backends.connector(job.backend) else { return };
        let backend = job.backend;
        let deadline = self.io.clock.now().after(self.deadline);
        let place = self.slots.add(Conn::connecting(backend, carrier, connector.connect(), job), deadline);
        self.backends.pool(backend).opened(place, carrier);
        self.slots.wake(place);
    }

    /// Closes a connection; a job that waits for one gets its turn.
    fn close(&mut self, place: usize) {
        let Some(conn) = self.slots.remove(place) else { return };
        let pool = self.backends.pool(conn.backend);
        pool.closed(place, conn.carrier);
        if let Some(job) = pool.next_to_open() {
            self.connect(job, None);
        }
    }

    fn close_an_idle_one(&mut self) -> bool {
        let idle = self.slots.longest_idle();
        if let Some(place) = idle {
            self.close(place);
        }
        idle.is_some()
    }

    /// A job has ended: it is recorded, and its successor may go.
    fn end(&mut self, job: Job, ending: Ending) {
        let now = self.io.clock.now();
        let lane = job.lane();
        self.backends.went(job.backend);
        self.note(job.backend, now, &ending.result);
        self.record(&job, ending, now);
        self.unblocked.extend(self.lanes.leave(lane, now));
    }

    /// Sends what was unblocked. Not from where it was unblocked: a chain of refusals would be a deep recursion.
    fn send_unblocked(&mut self) {
        while let Some(job) = self.unblocked.pop_front() {
            self.dispatch(job);
        }
    }

    fn not_sent(&mut self, job: Job, reason: NotSent, fault: Fault) {
        let now = self.io.clock.now();
        self.record(&job, Ending::not_sent(reason, fault), now);
    }

    fn record(&mut self, job: &Job, ending: Ending, now: RunTime) {
        self.open -= 1;
        let arm = Arm { role: self.backends.role(job.backend), sending: job.sending };
        let times = ending.times.unwrap_or_else(|| job.times(now));
        self.sink.push(Record::Outcome(Box::new(Outcome {
            seq: job.seq,
            arm,
            times,
            result: ending.result,
        })));
    }

    /// Takes note for the stops of the run.
    fn note(&mut self, backend: usize, now: RunTime, result: &OutcomeResult) {
        let ended = match result {
            OutcomeResult::Response(_) => Ended::Well,
            OutcomeResult::Failure { fault: Fault::Backend, .. } => Ended::Badly,
            OutcomeResult::NotSent { fault: Fault::Backend, .. } => Ended::Badly,
            OutcomeResult::Failure { .. } | OutcomeResult::NotSent { .. } => return,
        };
        if let Some(end) = self.backends.note(backend, now, ended) {
            self.stop(end);
        }
    }

    fn set_timer(&mut self, next: Step) -> std::io::Result<()> {
        let planned = match next {
            Step::Wait(at) => Some(at),
            Step::WaitForEvent | Step::Send | Step::Stop => None,
        };
        let repeat = self.repeats.front().map(|job| job.planned);
        let phase = match self.phase {
            Phase::Draining(until) | Phase::Stopping(until, _) => Some(until),
            Phase::Running | Phase::Ending => None,
        };
        let room = (self.sink.room() == Room::Half).then(|| self.io.clock.now().after(ROOM_LOOK));
        let cut = self.plan.cut.filter(|_| matches!(self.phase, Phase::Running));
        let moments =
            [planned, repeat, phase, room, cut, self.slots.first_deadline(), Some(self.next_idle_look)];
        match moments.into_iter().flatten().min() {
            Some(at) => self.timer.wake_by(&self.io.clock, at),
            None => Ok(()),
        }
    }
}

/// How a job ended.
struct Ending {
    times: Option<Times>,
    result: OutcomeResult,
}

impl Ending {
    fn not_sent(reason: NotSent, fault: Fault) -> Ending {
        Ending { times: None, result: OutcomeResult::NotSent { reason, fault } }
    }
}

impl Future for Engine {
    type Output = std::io::Result<Finished>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let engine = self.get_mut();
        match engine.turn(context) {
            Err(error) => Poll::Ready(Err(error)),
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(end)) => {
                engine.sink.flush();
                Poll::Ready(Ok(Finished {
                    end,
                    at: engine.io.clock.now(),
                    interim: engine.io.shared.interim,
                    degraded: engine.sink.degraded,
                    cpu: crate::clock::thread_cpu_time(),
                }))
            }
        }
    }
}
