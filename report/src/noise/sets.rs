//! Which units each pair shows, folded: pairs that show the same units are one set with a count.
//!
//! Whether a unit is noise is known at the end only; whether a pair shows anything else then follows from its
//! set, exactly. What cannot be noise stands in the set as one bit, so that sets stay few.

use super::units::{UnitId, Units};
use crate::compare::{Place, Weight};
use corpus::ids::EndpointId;
use std::collections::HashMap;

/// Sets that are told apart; beyond, a set is cut to the unit in it that is least like noise.
const MAX_SETS: usize = 1 << 16;

/// Names a set within its table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct SetId(pub(super) u32);

/// The real differences of a pair, by part of the response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub(super) struct Parts {
    pub(super) status: bool,
    pub(super) body: bool,
    pub(super) header: bool,
}

impl Parts {
    pub(super) fn mark(&mut self, place: Place) {
        match place {
            Place::Status => self.status = true,
            Place::Body => self.body = true,
            Place::Header | Place::Trailer => self.header = true,
        }
    }

    pub(super) fn has(self, place: Place) -> bool {
        match place {
            Place::Status => self.status,
            Place::Body => self.body,
            Place::Header | Place::Trailer => self.header,
        }
    }

    pub(super) fn any(self) -> bool {
        self.status || self.body || self.header
    }
}

/// What some pairs of one endpoint show.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Set {
    pub(super) endpoint: EndpointId,
    /// Parts that differ in ways which cannot be noise.
    pub(super) certain: Parts,
    /// Units of other parts that may be noise.
    pub(super) open: Box<[UnitId]>,
}

/// All sets, with the numbers of pairs that show them.
#[derive(Debug, Default)]
pub(super) struct Sets {
    ids: HashMap<Set, SetId>,
    list: Vec<(Set, PairCounts)>,
    /// Pairs whose set was cut.
    pub(super) cut: u64,
}

/// Pairs of one set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct PairCounts {
    pub(super) pairs: u64,
    pub(super) noise: u64,
}

impl Sets {
    pub(super) fn list(&self) -> &[(Set, PairCounts)] {
        &self.list
    }

    pub(super) fn counts(&mut self, id: SetId) -> &mut PairCounts {
        &mut self.list[id.0 as usize].1
    }

    /// Whether pairs of a set show nothing that counts.
    pub(super) fn is_empty_set(&self, id: SetId) -> bool {
        let set = &self.list[id.0 as usize].0;
        !set.certain.any() && set.open.is_empty()
    }

    /// The set of a pair that shows `shown`.
    pub(super) fn id(&mut self, endpoint: EndpointId, shown: &[UnitId], units: &Units) -> SetId {
        let mut set = fold(endpoint, shown, units);
        if let Some(id) = self.ids.get(&set) {
            return *id;
        }
        if self.list.len() >= MAX_SETS && set.open.len() > 1 {
            self.cut += 1;
            set.open = least_like_noise(&set.open, units).into_iter().collect();
            if let Some(id) = self.ids.get(&set) {
                return *id;
            }
        }
        let id = SetId(self.list.len() as u32);
        self.ids.insert(set.clone(), id);
        self.list.push((set, PairCounts::default()));
        id
    }
}

fn fold(endpoint: EndpointId, shown: &[UnitId], units: &Units) -> Set {
    let mut certain = Parts::default();
    let counting = || shown.iter().filter_map(|id| units.get(*id).map(|unit| (*id, unit)));
    if shown.contains(&UnitId::OTHER) {
        certain.body = true;
    }
    for (_, unit) in counting().filter(|(_, unit)| unit.weight == Weight::Counts && !unit.kind.may_be_noise())
    {
        certain.mark(unit.place);
    }
    let is_open = |(_, unit): &(UnitId, &super::units::Unit)| {
        unit.weight == Weight::Counts && unit.kind.may_be_noise() && !certain.has(unit.place)
    };
    Set { endpoint, certain, open: counting().filter(is_open).map(|(id, _)| id).collect() }
}

/// The unit that differs least often between instances of the baseline.
fn least_like_noise(open: &[UnitId], units: &Units) -> Option<UnitId> {
    open.iter().copied().min_by_key(|id| (units.get(*id).map_or(0, |unit| unit.noise_pairs), *id))
}
