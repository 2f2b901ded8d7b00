//! Distinct exchanges behind pairs: all of them up to a bound, a sample of them beyond.
//!
//! An exchange is in the sample by a hash of its id, so that all its pairs are in or out together, and counts
//! are scaled by the sampled share.

use super::sets::SetId;
use crate::group::sketch::spread;
use corpus::ids::{EndpointId, ExchangeId};
use std::collections::HashMap;

/// Exchanges held, at about 64 bytes each.
const MAX_EXCHANGES: usize = 1 << 19;
/// Sets remembered of one exchange.
const MAX_SETS: usize = 4;

/// What is known of one exchange.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    pub(super) endpoint: EndpointId,
    pub(super) pairs: Sets,
    pub(super) noise: Sets,
}

/// What pairs of one exchange have shown.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sets {
    pub(super) compared: Seen,
    pub(super) not_compared: Seen,
    shown: [Option<SetId>; MAX_SETS],
}

/// Whether something was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Seen {
    #[default]
    No,
    Yes,
}

impl Sets {
    /// Remembers a set; beyond the bound, those seen first stand for the rest.
    pub(super) fn add(&mut self, set: SetId) {
        for slot in &mut self.shown {
            match slot {
                Some(held) if *held == set => return,
                Some(_) => {}
                None => {
                    *slot = Some(set);
                    return;
                }
            }
        }
    }

    pub(super) fn shown(&self) -> impl Iterator<Item = SetId> + '_ {
        self.shown.iter().flatten().copied()
    }
}

/// The exchanges seen so far.
#[derive(Debug, Default)]
pub(super) struct Exchanges {
    known: HashMap<u64, Known>,
    /// One in `2^shift` exchanges is held.
    shift: u32,
}

impl Exchanges {
    /// The entry of an exchange, where it is in the sample.
    pub(super) fn entry(&mut self, exchange: ExchangeId, endpoint: EndpointId) -> Option<&mut Known> {
        if !is_sampled(exchange.0, self.shift) {
            return None;
        }
        while self.known.len() >= MAX_EXCHANGES && !self.known.contains_key(&exchange.0) {
            self.shift += 1;
            let shift = self.shift;
            self.known.retain(|id, _| is_sampled(*id, shift));
            if !is_sampled(exchange.0, shift) {
                return None;
            }
        }
        let fresh = Known { endpoint, pairs: Sets::default(), noise: Sets::default() };
        Some(self.known.entry(exchange.0).or_insert(fresh))
    }

    /// All exchanges held, in no order.
    pub(super) fn held(&self) -> impl Iterator<Item = &Known> {
        self.known.values()
    }

    /// What a count of held exchanges is multiplied with.
    pub(super) fn scale(&self) -> u64 {
        1 << self.shift
    }
}

fn is_sampled(exchange: u64, shift: u32) -> bool {
    spread(exchange).trailing_zeros() >= shift
}
