//! Carries a prepared replay out: threads, clock, books, seal.
//!
//! Three threads beside the caller's: the plan is written out on one, the engine sends on another, the
//! recorder writes on the third. The caller's thread shows progress. All of them end before this returns.

use crate::books::{Books, Timed};
use crate::clock::{self, Clock};
use crate::config::Config;
use crate::doubt::{self, Doubt};
use crate::engine::{Engine, Finished, Repeats, Setup};
use crate::error::ReplayError;
use crate::pacer::Pacing;
use crate::plan::Plan;
use crate::plan::schedule::{Due, Schedule};
use crate::plan::tape::Tape;
use crate::prepare::{self, Prepared};
use crate::record::{Recorded, Recorder};
use crate::stop::StopHandle;
use crate::summary::{BackendSummary, Observer, Progress, RunSummary, Tail};
use crate::transport::response::Shared;
use corpus::RunWriter;
use corpus::run::{NotSent, Role, RunEnd, RunHeader, RunSeal, Scale};
use corpus::time::RunTime;
use corpus::units::{Fraction, Speed};
use std::io;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;
use tokio::sync::mpsc;

/// Requests that are handed to the engine at once, and how many such batches may wait.
const BATCH: usize = 128;
const BATCHES: usize = 16;
/// From the first batch to the first planned moment.
const LEAD: Duration = Duration::from_millis(20);
/// How often progress is shown.
const SHOW: Duration = Duration::from_millis(250);

/// Prepares a replay and carries it out.
///
/// # Errors
/// As [`prepare`](crate::prepare()) and [`Prepared::run`].
pub fn run(
    config: Config,
    observer: &mut dyn Observer,
    stop: &StopHandle,
) -> Result<RunSummary, ReplayError> {
    prepare::prepare(config)?.run(observer, stop)
}

impl Prepared {
    /// Sends what is planned and writes the run; returns when all of it has ended.
    ///
    /// # Errors
    /// Where the run cannot be written, or the operating system refuses a thread or a timer. What backends do
    /// is never an error.
    pub fn run(mut self, observer: &mut dyn Observer, stop: &StopHandle) -> Result<RunSummary, ReplayError> {
        let open_files = clock::raise_open_files();
        let writer = RunWriter::create(&self.config.output, &self.header, self.config.overwrite)
            .map_err(ReplayError::Output)?;
        let books = Books::new(&self.timed(), self.config.deadline, self.progress_template());
        let (recorder, sink) =
            Recorder::start(writer, &self.key, books).map_err(system("start the recorder"))?;
        let setup = self.setup(open_files, stop);
        let (sender, batches) = mpsc::channel(BATCHES);
        let (plan, tape, seed) = (&self.plan, &self.tape, self.config.seed);
        let share =
            if self.repeats == Repeats::Never { Fraction::new(0.0) } else { Some(self.config.noise_share) };
        let share = share.expect("0 lies in 0..=1");
        let finished = std::thread::scope(|scope| {
            let feeder = std::thread::Builder::new().name("plan".to_owned());
            feeder
                .spawn_scoped(scope, move || feed(plan, tape, seed, share, &sender))
                .map_err(system("start a thread"))?;
            let (done, engine_done) = sync_channel::<()>(1);
            let engine = std::thread::Builder::new().name("engine".to_owned());
            let engine = engine
                .spawn_scoped(scope, move || {
                    let finished = drive(setup, batches, sink);
                    drop(done);
                    finished
                })
                .map_err(system("start a thread"))?;
            while engine_done.recv_timeout(SHOW) == Err(RecvTimeoutError::Timeout) {
                observer.progress(&recorder.progress());
            }
            engine.join().expect("the engine does not panic").map_err(system("run the engine"))
        });
        let recorded = recorder.finish();
        self.conclude(finished?, recorded)
    }

    fn timed(&self) -> Vec<(Role, Timed)> {
        let timed = |recorded: bool| if recorded { Timed::Recorded } else { Timed::Measured };
        self.backends.iter().map(|backend| (backend.role, timed(backend.connector.is_none()))).collect()
    }

    fn progress_template(&self) -> Progress {
        Progress {
            duration: self.plan.duration,
            planned_rate: self.header.load.planned_rate,
            ..Progress::default()
        }
    }

    fn setup(&mut self, open_files: u64, stop: &StopHandle) -> Setup {
        let closed = prepare::is_closed_loop(&self.config);
        let open = match self.config.connections {
            crate::Connections::Pool(connections) => connections.get(),
            crate::Connections::AsRecorded => 64,
        };
        let open = usize::try_from(open).unwrap_or(usize::MAX).saturating_mul(2);
        let cut = self.config.duration.filter(|_| closed).map(|duration| RunTime(0).after(duration));
        Setup {
            backends: self.backends.clone(),
            pacing: if closed { Pacing::Closed { open } } else { Pacing::Open },
            cut,
            deadline: self.config.deadline,
            repeats: self.repeats,
            bodies: self.config.bodies,
            seed: self.config.seed,
            open_files,
            shared: Shared::new(self.key.clone()),
            stop: stop.clone(),
        }
    }

    /// Balances the books, seals the run, says what there is to doubt.
    fn conclude(mut self, finished: Finished, recorded: Recorded) -> Result<RunSummary, ReplayError> {
        if let Some(error) = recorded.failed {
            return Err(ReplayError::Output(error));
        }
        let books = recorded.books;
        for backend in &books.backends {
            if !backend.accounting.balances() {
                let detail = format!("{:?}", backend.accounting);
                return Err(ReplayError::Unbalanced { role: backend.accounting.role, detail });
            }
        }
        let more = doubts(&self.header, &books, &finished);
        self.doubts.extend(more);
        let seal = RunSeal {
            ended: Some(finished.end),
            at: finished.at,
            accounting: books.backends.iter().map(|backend| backend.accounting.clone()).collect(),
            warnings: Doubt::as_warnings(&self.doubts),
        };
        recorded.writer.seal(&seal).map_err(ReplayError::Output)?;
        let urls = self.header.backends.iter().map(|backend| backend.url.clone());
        let backends = books.backends.iter().zip(urls);
        Ok(RunSummary {
            backends: backends
                .map(|(one, url)| BackendSummary::new(url, &one.accounting, &one.times))
                .collect(),
            seal,
            doubts: self.doubts,
            redacted_dropped: self.dropped_credentials,
            interim_responses: finished.interim,
            header: self.header,
        })
    }
}

fn system(what: &'static str) -> impl Fn(io::Error) -> ReplayError {
    move |source| ReplayError::System { what, source }
}

/// Writes the plan out, a batch at a time, until nobody takes it any more.
fn feed(plan: &Plan, tape: &Tape, seed: u64, noise_share: Fraction, sender: &mpsc::Sender<Vec<Due>>) {
    let mut schedule = Schedule::new(plan, tape, seed, noise_share);
    loop {
        let batch: Vec<Due> = schedule.by_ref().take(BATCH).collect();
        if batch.is_empty() || sender.blocking_send(batch).is_err() {
            return;
        }
    }
}

/// Runs the engine on a runtime of its own.
fn drive(
    setup: Setup,
    mut batches: mpsc::Receiver<Vec<Due>>,
    sink: crate::record::RecordSink,
) -> io::Result<Finished> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().event_interval(1).build()?;
    let first = batches.blocking_recv().unwrap_or_default();
    let _entered = runtime.enter();
    let engine = Engine::new(setup, Clock::starting_in(LEAD), first, batches, sink)?;
    // A spawned task is woken without a system call, which the runtime's main future is not.
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn_on(tokio::task::unconstrained(engine), runtime.handle());
    let finished = runtime.block_on(tasks.join_next());
    finished.expect("one task was spawned").expect("the engine does not panic")
}

/// What the replayer has to say against its own run.
fn doubts(header: &RunHeader, books: &Books, finished: &Finished) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    let unpaced = header.load.scale == Scale::Speed(Speed::Max);
    let measured = || books.backends.iter().filter(|backend| backend.timed == Timed::Measured);
    let lateness = measured().filter_map(|backend| backend.times.lateness.quantile(Tail::Hundredth)).max();
    let baseline = measured().find(|backend| backend.accounting.role == Role::Baseline);
    let median = baseline.and_then(|backend| backend.times.service.quantile(Tail::Half));
    if let Some(p99) = lateness.filter(|p99| !unpaced && doubt::is_late(*p99, median)) {
        doubts.push(Doubt::Late { p99 });
    }
    let elapsed = finished.at.since(RunTime(0)).as_secs_f64().max(0.001);
    let share = finished.cpu.as_secs_f64() / elapsed;
    if !unpaced && share > 0.9 {
        doubts.push(Doubt::CpuSaturated { share: share.min(1.0) });
    }
    let limited =
        |books: &crate::books::BackendBooks| books.accounting.not_sent.get(&NotSent::ReplayerLimit).copied();
    let requests: u64 = measured().filter_map(limited).sum();
    if requests > 0 {
        doubts.push(Doubt::ReplayerLimit { requests });
    }
    if finished.degraded > 0 {
        doubts.push(Doubt::BodiesNotKept { bodies: finished.degraded });
    }
    if finished.end != RunEnd::Completed {
        tracing::warn!(end = finished.end.name(), "the replay ended before its plan");
    }
    doubts
}
