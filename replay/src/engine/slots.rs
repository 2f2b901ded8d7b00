//! The places of connections: what is where, who has news, whose deadline is next.
//!
//! Memory: one entry of the deadline heap for each place. Invariant: every busy place has an entry there
//! that is not later than its deadline.

use super::conn::{Conn, Event, GivenUp, Io};
use super::job::{Carrier, Job};
use super::wake::{News, PlaceWaker};
use corpus::time::RunTime;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::task::Context;
use std::time::Duration;

/// Descriptors that are left to files, timers and whatever else the process has.
const RESERVED_FILES: u64 = 64;

/// All places.
pub(crate) struct Slots {
    places: Vec<Slot>,
    free: Vec<usize>,
    news: Arc<News>,
    deadlines: BinaryHeap<Reverse<(RunTime, usize)>>,
    most: usize,
}

struct Slot {
    conn: Option<Conn>,
    waker: PlaceWaker,
    /// Whether the place has an entry in the heap.
    watched: bool,
}

impl Slots {
    pub(crate) fn new(open_files: u64) -> Slots {
        let most = usize::try_from(open_files.saturating_sub(RESERVED_FILES)).unwrap_or(usize::MAX).max(1);
        Slots {
            places: Vec::new(),
            free: Vec::new(),
            news: Arc::default(),
            deadlines: BinaryHeap::new(),
            most,
        }
    }

    pub(crate) fn news(&self) -> &News {
        &self.news
    }

    pub(crate) fn unlist(&self, place: usize) {
        self.places[place].waker.unlist();
    }

    pub(crate) fn has_room(&self) -> bool {
        self.places.len() - self.free.len() < self.most
    }

    /// Puts a connection somewhere; it is given up at `deadline`.
    pub(crate) fn add(&mut self, mut conn: Conn, deadline: RunTime) -> usize {
        conn.deadline = deadline;
        let place = self.free.pop().unwrap_or_else(|| {
            let place = self.places.len();
            self.places.push(Slot { conn: None, waker: PlaceWaker::new(place, &self.news), watched: false });
            place
        });
        self.places[place].conn = Some(conn);
        self.watch(place, deadline);
        place
    }

    fn watch(&mut self, place: usize, deadline: RunTime) {
        if !std::mem::replace(&mut self.places[place].watched, true) {
            self.deadlines.push(Reverse((deadline, place)));
        }
    }

    pub(crate) fn remove(&mut self, place: usize) -> Option<Conn> {
        let conn = self.places[place].conn.take()?;
        self.free.push(place);
        Some(conn)
    }

    pub(crate) fn is_idle(&self, place: usize) -> bool {
        self.places[place].conn.as_ref().is_some_and(Conn::is_idle)
    }

    pub(crate) fn carrier(&self, place: usize) -> Option<Carrier> {
        self.places[place].conn.as_ref().and_then(|conn| conn.carrier)
    }

    /// Gives an idle connection a job that is given up at `deadline`.
    pub(crate) fn give(&mut self, place: usize, job: Job, deadline: RunTime) {
        if let Some(conn) = &mut self.places[place].conn {
            conn.deadline = deadline;
            conn.give(job);
        }
        self.watch(place, deadline);
    }

    pub(crate) fn drive(&mut self, place: usize, io: &mut Io) -> Event {
        let slot = &mut self.places[place];
        let mut context = Context::from_waker(&slot.waker.waker);
        slot.conn.as_mut().map_or(Event::Nothing, |conn| conn.drive(&mut context, io))
    }

    /// Has the place driven in the next turn.
    pub(crate) fn wake(&self, place: usize) {
        self.places[place].waker.waker.wake_by_ref();
    }

    pub(crate) fn give_up(&mut self, place: usize, why: GivenUp, io: &mut Io) -> Event {
        self.places[place].conn.as_mut().map_or(Event::Nothing, |conn| conn.give_up(why, io))
    }

    /// A place whose deadline has passed at `now`. Entries of places that went on since are moved.
    pub(crate) fn late(&mut self, now: RunTime) -> Option<usize> {
        while let Some(Reverse((at, place))) = self.deadlines.peek().copied() {
            if at > now {
                return None;
            }
            self.deadlines.pop();
            let slot = &mut self.places[place];
            slot.watched = false;
            let Some(conn) = slot.conn.as_ref().filter(|conn| !conn.is_idle()) else { continue };
            let deadline = conn.deadline;
            if deadline <= now {
                return Some(place);
            }
            self.watch(place, deadline);
        }
        None
    }

    pub(crate) fn first_deadline(&self) -> Option<RunTime> {
        self.deadlines.peek().map(|Reverse((at, _))| *at)
    }

    fn having(&self, wanted: impl Fn(&Conn) -> bool) -> Vec<usize> {
        let has = |slot: &Slot| slot.conn.as_ref().is_some_and(&wanted);
        self.places.iter().enumerate().filter(|(_, slot)| has(slot)).map(|(place, _)| place).collect()
    }

    pub(crate) fn connecting(&self) -> Vec<usize> {
        self.having(Conn::is_connecting)
    }

    pub(crate) fn all(&self) -> Vec<usize> {
        self.having(|_| true)
    }

    pub(crate) fn idle_since_before(&self, now: RunTime, span: Duration) -> Vec<usize> {
        self.having(|conn| conn.is_idle() && now.since(conn.idle_since) > span)
    }

    pub(crate) fn longest_idle(&self) -> Option<usize> {
        let idle = self.places.iter().enumerate().filter_map(|(place, slot)| {
            slot.conn.as_ref().filter(|conn| conn.is_idle()).map(|conn| (conn.idle_since, place))
        });
        idle.min().map(|(_, place)| place)
    }
}
