//! Counts per unit (endpoint, path, kind) and per change within it, in bounded memory.

use crate::compare::{Change, Comparison, Difference, Kind, Place, Weight};
use crate::group::examples::{Examples, Room};
use crate::group::sketch::Sketch;
use crate::noise::PairContext;
use corpus::ids::EndpointId;
use corpus::time::RunTime;
use std::collections::HashMap;

/// Units that are told apart.
pub(super) const MAX_UNITS: usize = 10_000;
/// Changes of one unit that are told apart.
const MAX_CHANGES: usize = 16;
/// Changes in all whose examples are kept in full: about 20 KiB each.
const AMPLE_CHANGES: usize = 1_000;

/// Names a unit within its table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct UnitId(pub(super) u32);

impl UnitId {
    /// All units beyond [`MAX_UNITS`].
    pub(super) const OTHER: UnitId = UnitId(u32::MAX);
}

/// What a unit looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Aspect {
    /// The difference itself.
    Difference,
    /// The change of sign or wholeness of a number, which counts where its value is noise.
    Shape,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    endpoint: EndpointId,
    path: u32,
    kind: Kind,
    aspect: Aspect,
}

/// One way in which responses of one endpoint differ in one place.
#[derive(Debug, Clone)]
pub(super) struct Unit {
    pub(super) endpoint: EndpointId,
    /// Index of its path.
    pub(super) path: u32,
    pub(super) place: Place,
    pub(super) weight: Weight,
    pub(super) kind: Kind,
    pub(super) aspect: Aspect,
    /// Pairs of baseline and candidate that show it.
    pub(super) pairs: u64,
    /// Pairs of baseline and baseline.
    pub(super) noise_pairs: u64,
    /// Pairs of candidate and candidate.
    pub(super) candidate_noise_pairs: u64,
    pub(super) entries: Vec<Entry>,
    /// The change most seen in noise pairs: the first.
    pub(super) noise_change: Option<Change>,
    /// The last pair counted, so that a pair counts once.
    last_counted: u64,
}

/// One change of a unit.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) change: Change,
    pub(super) pairs: u64,
    /// Which pairs, by their place in the plan.
    pub(super) which: Sketch,
    /// Which exchanges.
    pub(super) exchanges: Sketch,
    pub(super) first: RunTime,
    pub(super) last: RunTime,
    pub(super) examples: Examples,
}

/// Which backends a pair is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PairOf {
    Backends,
    Baseline,
    Candidate,
}

/// All units.
#[derive(Debug, Default)]
pub(super) struct Units {
    paths: Vec<Box<str>>,
    path_ids: HashMap<Box<str>, u32>,
    ids: HashMap<Key, UnitId>,
    list: Vec<Unit>,
    entries: usize,
    pair: u64,
    /// Differences that could not be told apart.
    pub(super) other: u64,
}

impl Units {
    pub(super) fn get(&self, id: UnitId) -> Option<&Unit> {
        self.list.get(id.0 as usize)
    }

    pub(super) fn take(self) -> (Vec<Unit>, Vec<Box<str>>) {
        (self.list, self.paths)
    }

    /// Counts the differences of one pair and lists their units, each once, in `found`.
    pub(super) fn count(
        &mut self,
        of: PairOf,
        context: &PairContext<'_>,
        comparison: &Comparison<'_>,
        found: &mut Vec<UnitId>,
    ) {
        found.clear();
        self.pair += 1;
        for difference in &comparison.differences {
            self.count_one(of, Aspect::Difference, context, comparison, difference, found);
            if difference.shape.is_some() {
                self.count_one(of, Aspect::Shape, context, comparison, difference, found);
            }
        }
        if comparison.more > 0 {
            self.other += comparison.more;
            found.push(UnitId::OTHER);
        }
        found.sort_unstable();
        found.dedup();
    }

    fn count_one(
        &mut self,
        of: PairOf,
        aspect: Aspect,
        context: &PairContext<'_>,
        comparison: &Comparison<'_>,
        difference: &Difference,
        found: &mut Vec<UnitId>,
    ) {
        let Some(id) = self.id(aspect, context.endpoint, difference) else {
            self.other += 1;
            found.push(UnitId::OTHER);
            return;
        };
        found.push(id);
        let unit = &mut self.list[id.0 as usize];
        let is_first = unit.last_counted != self.pair;
        unit.last_counted = self.pair;
        let change = match aspect {
            Aspect::Difference => &difference.change,
            Aspect::Shape => difference.shape.as_ref().unwrap_or(&difference.change),
        };
        match of {
            PairOf::Candidate => unit.candidate_noise_pairs += u64::from(is_first),
            PairOf::Baseline => {
                unit.noise_pairs += u64::from(is_first);
                unit.noise_change.get_or_insert_with(|| change.clone());
            }
            PairOf::Backends => {
                unit.pairs += u64::from(is_first);
                let (entry, is_new) = unit.entry(change, context.at);
                self.entries += usize::from(is_new);
                let room = if self.entries <= AMPLE_CHANGES { Room::Ample } else { Room::Scarce };
                entry.count(context);
                entry.examples.offer(room, context, comparison, difference);
            }
        }
    }

    /// The unit of a difference; `None` where there are too many.
    fn id(&mut self, aspect: Aspect, endpoint: EndpointId, difference: &Difference) -> Option<UnitId> {
        let kind = if aspect == Aspect::Shape { Kind::Format } else { difference.kind };
        let path = self.path_ids.get(difference.path.as_str()).copied();
        if let Some(path) = path
            && let Some(id) = self.ids.get(&Key { endpoint, path, kind, aspect })
        {
            return Some(*id);
        }
        if self.list.len() >= MAX_UNITS {
            return None;
        }
        let path = path.unwrap_or_else(|| self.intern(&difference.path));
        let id = UnitId(self.list.len() as u32);
        self.ids.insert(Key { endpoint, path, kind, aspect }, id);
        let (place, weight) = (difference.place, difference.weight);
        self.list.push(Unit::new(endpoint, path, place, weight, kind, aspect));
        Some(id)
    }

    fn intern(&mut self, path: &str) -> u32 {
        let id = self.paths.len() as u32;
        self.paths.push(path.into());
        self.path_ids.insert(path.into(), id);
        id
    }
}

impl Unit {
    fn new(
        endpoint: EndpointId,
        path: u32,
        place: Place,
        weight: Weight,
        kind: Kind,
        aspect: Aspect,
    ) -> Unit {
        Unit {
            endpoint,
            path,
            place,
            weight,
            kind,
            aspect,
            pairs: 0,
            noise_pairs: 0,
            candidate_noise_pairs: 0,
            entries: Vec::new(),
            noise_change: None,
            last_counted: 0,
        }
    }

    /// The entry of a change, and whether it is new. The last one takes all changes beyond the bound.
    fn entry(&mut self, change: &Change, at: RunTime) -> (&mut Entry, bool) {
        let held = self.entries.iter().position(|entry| entry.change == *change);
        let is_new = held.is_none() && self.entries.len() < MAX_CHANGES;
        if is_new {
            let is_last = self.entries.len() + 1 == MAX_CHANGES;
            let change = if is_last { Change::named("other changes") } else { change.clone() };
            self.entries.push(Entry::new(change, at));
        }
        let index = held.unwrap_or(self.entries.len() - 1);
        (&mut self.entries[index], is_new)
    }
}

impl Entry {
    fn new(change: Change, at: RunTime) -> Entry {
        Entry {
            change,
            pairs: 0,
            which: Sketch::default(),
            exchanges: Sketch::default(),
            first: at,
            last: at,
            examples: Examples::default(),
        }
    }

    /// Takes the pairs of another change of the same unit.
    pub(super) fn absorb(&mut self, other: Entry) {
        self.pairs += other.pairs;
        self.which.merge(&other.which);
        self.exchanges.merge(&other.exchanges);
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        if self.change.is_finer(&other.change) {
            self.change = other.change;
        }
    }

    fn count(&mut self, context: &PairContext<'_>) {
        self.pairs += 1;
        self.which.insert(context.seq.0);
        self.exchanges.insert(context.exchange.0);
        self.first = self.first.min(context.at);
        self.last = self.last.max(context.at);
    }
}
