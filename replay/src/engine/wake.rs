//! Which connections the reactor has news for.
//!
//! One task drives all connections, since a task for each costs more than the requests do. Every place for
//! a connection has a waker of its own that puts the place's number on one list.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Wake, Waker};

/// The places with news.
#[derive(Debug, Default)]
pub(crate) struct News {
    list: Mutex<List>,
}

#[derive(Debug, Default)]
struct List {
    places: Vec<usize>,
    engine: Option<Waker>,
}

/// Puts one place on the list.
#[derive(Debug)]
struct Signal {
    place: usize,
    listed: AtomicBool,
    news: Arc<News>,
}

/// A waker of one place, and its mark of being on the list.
#[derive(Debug, Clone)]
pub(crate) struct PlaceWaker {
    signal: Arc<Signal>,
    pub(crate) waker: Waker,
}

impl PlaceWaker {
    pub(crate) fn new(place: usize, news: &Arc<News>) -> PlaceWaker {
        let signal = Arc::new(Signal { place, listed: AtomicBool::new(false), news: news.clone() });
        PlaceWaker { waker: signal.clone().into(), signal }
    }

    /// From here on, news put the place on the list again.
    pub(crate) fn unlist(&self) {
        self.signal.listed.store(false, Ordering::Release);
    }
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.listed.swap(true, Ordering::AcqRel) {
            return;
        }
        let mut list = self.news.lock();
        list.places.push(self.place);
        if list.places.len() == 1
            && let Some(engine) = &list.engine
        {
            engine.wake_by_ref();
        }
    }
}

impl News {
    fn lock(&self) -> MutexGuard<'_, List> {
        // The list is whole after every statement that holds the lock.
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Swaps the list with the empty `places`; `engine` is woken by the next news.
    pub(crate) fn take(&self, places: &mut Vec<usize>, engine: &Waker) {
        let mut list = self.lock();
        if !list.engine.as_ref().is_some_and(|known| known.will_wake(engine)) {
            list.engine = Some(engine.clone());
        }
        std::mem::swap(&mut list.places, places);
    }
}
