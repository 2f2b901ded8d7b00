//! Which connection a request travels on.
//!
//! By default a recorded connection is reproduced by one of ours, its carrier; while that is busy with
//! another session's request, a spare one is used, so that nobody waits for another. With a pool of fixed
//! size requests wait for a free connection in the order in which they came.

use super::job::{Carrier, Job};
use std::collections::{HashMap, VecDeque};
use std::num::NonZeroU32;

/// The place of a connection.
pub(crate) type Place = usize;

/// The connections of one backend.
#[derive(Debug)]
pub(crate) struct Pool {
    mode: Mode,
    carriers: HashMap<Carrier, Place>,
    /// Idle connections that carry nobody in particular.
    spares: VecDeque<Place>,
    /// Jobs that wait for a connection.
    waiting: VecDeque<Job>,
    /// Connections that exist, connecting ones included.
    open: usize,
}

/// How many connections there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// As many as it takes.
    AsRecorded,
    /// This many.
    Fixed(NonZeroU32),
}

/// What to do with a job.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Send it here.
    Idle(Place),
    /// Open a connection, which is to carry this.
    Open(Option<Carrier>),
    /// Wait for one.
    Wait,
}

impl Pool {
    pub(crate) fn new(mode: Mode) -> Pool {
        Pool { mode, carriers: HashMap::new(), spares: VecDeque::new(), waiting: VecDeque::new(), open: 0 }
    }

    /// The way for `job`. A place that is named in the answer is no longer counted as idle.
    pub(crate) fn way(&mut self, job: &Job, is_idle: impl Fn(Place) -> bool) -> Way {
        let carrier = match self.mode {
            Mode::AsRecorded => job.carrier(),
            Mode::Fixed(_) => None,
        };
        let own = carrier.and_then(|carrier| self.carriers.get(&carrier).copied());
        match (own, carrier) {
            (Some(place), _) if is_idle(place) => return Way::Idle(place),
            (None, Some(carrier)) => return Way::Open(Some(carrier)),
            _ => {}
        }
        match (self.spares.pop_back(), self.mode) {
            (Some(place), _) => Way::Idle(place),
            (None, Mode::AsRecorded) => Way::Open(None),
            (None, Mode::Fixed(most)) if self.open < usize::try_from(most.get()).unwrap_or(usize::MAX) => {
                Way::Open(None)
            }
            (None, Mode::Fixed(_)) => Way::Wait,
        }
    }

    /// A connection at `place` exists.
    pub(crate) fn opened(&mut self, place: Place, carrier: Option<Carrier>) {
        self.open += 1;
        if let Some(carrier) = carrier {
            self.carriers.insert(carrier, place);
        }
    }

    /// The connection at `place` exists no more.
    pub(crate) fn closed(&mut self, place: Place, carrier: Option<Carrier>) {
        self.open -= 1;
        match carrier {
            Some(carrier) => drop(self.carriers.remove(&carrier)),
            None => self.spares.retain(|spare| *spare != place),
        }
    }

    /// The connection at `place` is idle: the job that takes it, if one waits.
    pub(crate) fn idle(&mut self, place: Place, carrier: Option<Carrier>) -> Option<Job> {
        let next = self.waiting.pop_front();
        if next.is_none() && carrier.is_none() {
            self.spares.push_back(place);
        }
        next
    }

    pub(crate) fn wait(&mut self, job: Job) {
        self.waiting.push_back(job);
    }

    /// Puts a job before all that wait.
    pub(crate) fn wait_first(&mut self, job: Job) {
        self.waiting.push_front(job);
    }

    /// The first job that waits, where a connection may be opened for it.
    pub(crate) fn next_to_open(&mut self) -> Option<Job> {
        self.waiting.pop_front()
    }

    pub(crate) fn drain(&mut self) -> Vec<Job> {
        self.waiting.drain(..).collect()
    }
}
