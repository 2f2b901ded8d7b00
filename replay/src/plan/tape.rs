//! Where requests are read from while a plan is written out: memory where they fit, else the corpus again and again.
//!
//! Memory: [`IN_MEMORY`] for the one; for the other what the corpus' reader holds for each layer of the plan,
//! and [`REORDER`] requests.

use crate::item::{Item, ItemMaker};
use corpus::select::Selection;
use corpus::time::CaptureTime;
use corpus::{Bodies, CorpusReader, Exchanges};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};
use std::sync::Arc;

/// Requests up to this many bytes in all are kept in memory.
pub(crate) const IN_MEMORY: usize = 24 << 20;
/// Layers of a plan for which the corpus is read at the same time, where it does not fit.
pub(crate) const MAX_READERS: usize = 12;
/// Exchanges stand in the corpus in the order of their first packets within a window; this one is larger.
const REORDER: usize = 1024;

/// A source of requests by time.
pub(crate) enum Tape {
    /// All requests, ordered by time.
    Memory(Vec<Arc<Item>>),
    /// A corpus.
    Corpus { reader: Box<CorpusReader>, maker: ItemMaker, bodies: Bodies },
}

impl Tape {
    /// Keeps `items`.
    pub(crate) fn in_memory(mut items: Vec<Item>) -> Tape {
        items.sort_by_key(|item| (item.at, item.exchange));
        let mut connections = HashSet::new();
        for item in items.iter_mut().rev() {
            item.last_on_connection = connections.insert(item.connection);
        }
        Tape::Memory(items.into_iter().map(Arc::new).collect())
    }

    /// Requests from `from` to `to` nanoseconds of the window, end excluded; the last moment's `to` is the window's length.
    pub(crate) fn leg(&self, from: u64, to: u64, last: Last) -> Leg<'_> {
        let to = if last == Last::OfTheWindow { u64::MAX } else { to };
        match self {
            Tape::Memory(items) => {
                let place = |at: u64| items.partition_point(|item| item.at < at);
                let end = place(to).max(place(from));
                Leg::Memory(items[place(from)..if to == u64::MAX { items.len() } else { end }].iter())
            }
            Tape::Corpus { reader, maker, bodies } => {
                let first = if from == 0 { 0 } else { maker.start.0.saturating_add(from) };
                let time = CaptureTime(first)..CaptureTime(maker.start.0.saturating_add(to));
                let selection = Selection { time: Some(time), ..Selection::all() };
                Leg::Corpus(Box::new(CorpusLeg {
                    exchanges: reader.exchanges(&selection, *bodies),
                    maker,
                    ahead: BinaryHeap::new(),
                }))
            }
        }
    }
}

/// Whether a leg ends with the window: then it takes what the clock put behind it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Last {
    OfTheWindow,
    Within,
}

/// Requests of one stretch, in the order of time.
pub(crate) enum Leg<'a> {
    Memory(std::slice::Iter<'a, Arc<Item>>),
    Corpus(Box<CorpusLeg<'a>>),
}

/// A stretch of a corpus.
pub(crate) struct CorpusLeg<'a> {
    exchanges: Exchanges,
    maker: &'a ItemMaker,
    ahead: BinaryHeap<Reverse<Ahead>>,
}

struct Ahead(Item);

impl Ahead {
    fn key(&self) -> (u64, u64) {
        (self.0.at, self.0.exchange.0)
    }
}

impl PartialEq for Ahead {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Ahead {}

impl PartialOrd for Ahead {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ahead {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

impl Iterator for CorpusLeg<'_> {
    type Item = Arc<Item>;

    fn next(&mut self) -> Option<Arc<Item>> {
        while self.ahead.len() < REORDER {
            // Damage was counted when the corpus was surveyed.
            let Some(stored) = self.exchanges.next() else { break };
            let Ok(stored) = stored else { continue };
            if let Ok(made) = self.maker.make(&stored.exchange, stored.endpoint) {
                self.ahead.push(Reverse(Ahead(made.item)));
            }
        }
        self.ahead.pop().map(|Reverse(Ahead(item))| Arc::new(item))
    }
}

impl Iterator for Leg<'_> {
    type Item = Arc<Item>;

    fn next(&mut self) -> Option<Arc<Item>> {
        match self {
            Leg::Memory(items) => items.next().cloned(),
            Leg::Corpus(leg) => leg.next(),
        }
    }
}
