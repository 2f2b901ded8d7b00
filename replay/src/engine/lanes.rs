//! Order within sessions: a request waits until its predecessor at the same backend has ended.
//!
//! Invariant: at most one job of a lane is out; the jobs behind it stand in the order in which they came.

use super::job::{Job, LaneKey};
use corpus::time::RunTime;
use std::collections::{HashMap, VecDeque};

/// Jobs that may wait in all lanes together.
const MAX_WAITING: usize = 65_536;

/// All lanes that have a job out.
#[derive(Debug, Default)]
pub(crate) struct Lanes {
    lanes: HashMap<LaneKey, VecDeque<Job>>,
    waiting: usize,
}

/// What becomes of a job that enters its lane.
#[derive(Debug)]
pub(crate) enum Entered {
    /// Nobody is before it.
    Goes(Job),
    /// It waits for its predecessor.
    Waits,
    /// No place is left to wait in.
    Full(Job),
}

impl Lanes {
    /// Takes a job whose time has come.
    pub(crate) fn enter(&mut self, job: Job) -> Entered {
        use std::collections::hash_map::Entry;
        match self.lanes.entry(job.lane()) {
            Entry::Vacant(free) => {
                free.insert(VecDeque::new());
                Entered::Goes(job)
            }
            Entry::Occupied(_) if self.waiting >= MAX_WAITING => Entered::Full(job),
            Entry::Occupied(mut lane) => {
                lane.get_mut().push_back(job);
                self.waiting += 1;
                Entered::Waits
            }
        }
    }

    /// The job of `lane` that was out has ended at `now`; its successor, which may go.
    pub(crate) fn leave(&mut self, lane: LaneKey, now: RunTime) -> Option<Job> {
        let waiting = self.lanes.get_mut(&lane)?;
        let Some(mut next) = waiting.pop_front() else {
            self.lanes.remove(&lane);
            return None;
        };
        self.waiting -= 1;
        next.unblocked = next.planned.max(now);
        next.ready = next.unblocked;
        Some(next)
    }

    /// Takes out every job that waits.
    pub(crate) fn drain(&mut self) -> Vec<Job> {
        self.waiting = 0;
        let mut jobs: Vec<Job> = self.lanes.values_mut().flat_map(std::mem::take).collect();
        jobs.sort_by_key(|job| (job.seq, job.backend, job.sending));
        jobs
    }
}
