//! The backends of a run: who they are, their connections, how many requests are open there, their breakers.

use super::job::Job;
use super::pool::{Mode, Pool};
use crate::draw::{self, Purpose};
use crate::stop::{Breaker, Ended};
use crate::transport::connect::Connector;
use corpus::run::{Role, RunEnd};
use corpus::time::RunTime;

/// One backend, as it is set up.
#[derive(Clone)]
pub(crate) struct BackendSetup {
    pub(crate) role: Role,
    /// `None`: the recorded responses stand for it.
    pub(crate) connector: Option<Connector>,
    pub(crate) mode: Mode,
}

struct Backend {
    role: Role,
    connector: Option<Connector>,
    pool: Pool,
    breaker: Breaker,
    open: usize,
}

/// All backends, by index: baseline, candidate, control.
pub(crate) struct Backends {
    backends: Vec<Backend>,
    order: (Option<u64>, Order),
}

/// Indices of backends in the order in which they are sent to.
pub(crate) type Order = [Option<usize>; 3];

impl Backends {
    pub(crate) fn new(setups: Vec<BackendSetup>) -> Backends {
        let backends = setups.into_iter().map(|setup| Backend {
            role: setup.role,
            connector: setup.connector,
            pool: Pool::new(setup.mode),
            breaker: Breaker::default(),
            open: 0,
        });
        Backends { backends: backends.collect(), order: (None, [None; 3]) }
    }

    pub(crate) fn role(&self, backend: usize) -> Role {
        self.backends[backend].role
    }

    pub(crate) fn index(&self, role: Role) -> Option<usize> {
        self.backends.iter().position(|backend| backend.role == role)
    }

    pub(crate) fn connector(&self, backend: usize) -> Option<&Connector> {
        self.backends[backend].connector.as_ref()
    }

    pub(crate) fn pool(&mut self, backend: usize) -> &mut Pool {
        &mut self.backends[backend].pool
    }

    /// The order of sending, drawn for the second of `at`.
    pub(crate) fn order(&mut self, seed: u64, at: RunTime) -> Order {
        let block = at.0 / 1_000_000_000;
        if self.order.0 != Some(block) {
            let mut order = [None; 3];
            (0..self.backends.len().min(3)).for_each(|index| order[index] = Some(index));
            let drawn = draw::bits(seed, Purpose::Order, block);
            if drawn & 1 == 1 {
                order.swap(0, 1);
            }
            if self.backends.len() == 3 {
                order.swap(2, usize::try_from((drawn >> 1) % 3).unwrap_or(0));
            }
            self.order = (Some(block), order);
        }
        self.order.1
    }

    pub(crate) fn came(&mut self, backend: usize) {
        self.backends[backend].open += 1;
    }

    pub(crate) fn went(&mut self, backend: usize) {
        self.backends[backend].open -= 1;
    }

    /// Requests open at the backend that has most of them.
    pub(crate) fn most_open(&self) -> usize {
        self.backends.iter().map(|backend| backend.open).max().unwrap_or(0)
    }

    pub(crate) fn note(&mut self, backend: usize, now: RunTime, ended: Ended) -> Option<RunEnd> {
        self.backends[backend].breaker.note(now, ended)
    }

    /// Takes out all jobs that wait for a connection.
    pub(crate) fn drain(&mut self) -> Vec<Job> {
        self.backends.iter_mut().flat_map(|backend| backend.pool.drain()).collect()
    }
}
