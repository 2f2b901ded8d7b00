//! The first reading of a corpus: what is in it, and what of it may be replayed.
//!
//! One pass without bodies, in bounded memory: counts by session (see [`SessionCounts`]) and by endpoint,
//! and the first few hundred names of hosts.

use super::choose::SessionCounts;
use crate::item::ItemMaker;
use corpus::select::Selection;
use corpus::{Bodies, CorpusReader};
use std::collections::{BTreeMap, BTreeSet};

/// Distinct recorded hosts that are remembered for the check of the recorded origin.
const MAX_HOSTS: usize = 256;

/// What was found.
#[derive(Debug)]
pub(crate) struct Survey {
    /// Requests that may be replayed, by session.
    pub(crate) counts: SessionCounts,
    /// Exchanges read.
    pub(crate) exchanges: u64,
    /// Exchanges by endpoint, replayed or not.
    pub(crate) recorded: Vec<u64>,
    /// Exchanges that are left out, by reason.
    pub(crate) left_out: BTreeMap<String, u64>,
    /// Host fields, as recorded.
    pub(crate) hosts: Vec<String>,
    /// Whether requests have bodies, so that bodies have to be read.
    pub(crate) bodies: Bodies,
    /// Requests of which credentials are left out.
    pub(crate) dropped_credentials: u64,
    /// Damage, in exchanges known to be lost.
    pub(crate) damaged: u64,
}

impl Survey {
    /// Reads through `reader`.
    pub(crate) fn of(reader: &CorpusReader, maker: &ItemMaker, seed: u64) -> Survey {
        let mut survey = Survey {
            counts: SessionCounts::new(seed),
            exchanges: 0,
            recorded: vec![0; reader.endpoints().len()],
            left_out: BTreeMap::new(),
            hosts: Vec::new(),
            bodies: if maker.rules.iter().any(Option::is_none) { Bodies::Load } else { Bodies::Skip },
            dropped_credentials: 0,
            damaged: 0,
        };
        let mut hosts = BTreeSet::new();
        for stored in reader.exchanges(&Selection::all(), Bodies::Skip) {
            match stored {
                Ok(stored) => survey.count(&stored, maker, &mut hosts),
                Err(damage) => survey.damaged += lost(&damage),
            }
        }
        survey.hosts = hosts.into_iter().collect();
        survey
    }

    fn count(&mut self, stored: &corpus::Stored, maker: &ItemMaker, hosts: &mut BTreeSet<String>) {
        let exchange = &stored.exchange;
        self.exchanges += 1;
        if let Some(recorded) =
            usize::try_from(stored.endpoint.0).ok().and_then(|index| self.recorded.get_mut(index))
        {
            *recorded += 1;
        }
        let host = exchange.request.host();
        if hosts.len() < MAX_HOSTS && !host.is_empty() {
            hosts.insert(String::from_utf8_lossy(host).into_owned());
        }
        match maker.make(exchange, stored.endpoint) {
            Ok(made) => {
                self.counts.add(exchange.session);
                self.dropped_credentials += u64::from(made.dropped_credentials > 0);
                if exchange.request.body.wire_len > 0 {
                    self.bodies = Bodies::Load;
                }
            }
            Err(reason) => *self.left_out.entry(reason.name().to_owned()).or_default() += 1,
        }
    }
}

/// Exchanges that a damage is known to cost; at least one, so that damage is never nothing.
pub(crate) fn lost(damage: &corpus::Damage) -> u64 {
    damage.exchanges.len().max(1) as u64
}
