//! What all pairs together say: units decided, changes folded, pairs tallied.

use super::decide::{Compared, Finding, decide, rates};
use super::exchanges::{Exchanges, Seen as SeenOnce, Sets as ExchangeSets};
use super::sets::{Parts, Set, Sets};
use super::units::{Aspect, Entry, Unit, UnitId};
use super::{Accumulator, Count, EndpointCounts, NoiseSettings, NoiseUnit, Resolved, Tally};
use crate::compare::{Kind, Place, RuleId, Weight};
use crate::group::{Candidate, Seen, Severity, Signature, causes};

/// A change seen less than this share as often as the most frequent one of its unit is folded into that.
const STRAY: u64 = 20;

/// Decides, groups and counts.
pub(super) fn resolve(all: Accumulator, settings: &NoiseSettings) -> Resolved {
    let compared = compared(&all);
    let Accumulator { units, sets, exchanges, endpoints, totals, rule_hits, not_compared, .. } = all;
    let (other, cut) = (units.other, sets.cut);
    let (units, paths) = units.take();
    let findings = decide(&units, &compared, settings);
    let is_real = |id: UnitId| findings.get(id.0 as usize) == Some(&Finding::Real);
    let parts: Vec<Parts> = sets.list().iter().map(|(set, _)| parts_of(set, &units, is_real)).collect();
    let mut counts = totals.iter().map(|totals| totals.counts).collect::<Vec<_>>();
    tally_pairs(&mut counts, &sets, &parts);
    tally_exchanges(&mut counts, &exchanges, &parts);

    let path = |unit: &Unit| paths.get(unit.path as usize).map_or("", |path| path);
    let mut noise = Vec::new();
    let mut candidates = Vec::new();
    for (unit, finding) in units.into_iter().zip(&findings) {
        let (path, rates) = (path(&unit).to_owned(), rates(&unit, &compared));
        match finding {
            Finding::Real => candidates.extend(of_unit(unit, &path, rates)),
            Finding::Noise => noise.push(noise_unit(unit, path, rates)),
            Finding::Silent if unit.noise_pairs > 0 && unit.aspect == Aspect::Difference => {
                noise.push(noise_unit(unit, path, rates));
            }
            Finding::Silent => {}
        }
    }
    noise.sort_by(|a, b| (a.endpoint, &a.name).cmp(&(b.endpoint, &b.name)));
    Resolved {
        groups: causes(candidates, &endpoints),
        noise,
        rule_hits: rule_hits.into_iter().enumerate().map(|(rule, hits)| (RuleId(rule), hits)).collect(),
        not_compared,
        endpoints: counts,
        other,
        cut,
    }
}

/// Pairs and distinct exchanges that were compared, per endpoint.
fn compared(all: &Accumulator) -> Vec<Compared> {
    let mut compared: Vec<Compared> = all
        .totals
        .iter()
        .map(|totals| Compared {
            pairs: totals.counts.pairs.compared.pairs,
            noise_pairs: totals.counts.noise.compared.pairs,
            candidate_noise_pairs: totals.candidate_noise,
            ..Compared::default()
        })
        .collect();
    for known in all.exchanges.held() {
        let Some(endpoint) = compared.get_mut(known.endpoint.0 as usize) else { continue };
        let once = |seen| if seen == SeenOnce::Yes { all.exchanges.scale() } else { 0 };
        endpoint.exchanges += once(known.pairs.compared);
        endpoint.noise_exchanges += once(known.noise.compared);
    }
    compared
}

fn parts_of(set: &Set, units: &[Unit], is_real: impl Fn(UnitId) -> bool) -> Parts {
    let mut parts = set.certain;
    for id in set.open.iter().filter(|id| is_real(**id)) {
        if let Some(unit) = units.get(id.0 as usize) {
            parts.mark(unit.place);
        }
    }
    parts
}

fn tally_pairs(counts: &mut [EndpointCounts], sets: &Sets, parts: &[Parts]) {
    for ((set, seen), parts) in sets.list().iter().zip(parts) {
        let Some(endpoint) = counts.get_mut(set.endpoint.0 as usize) else { continue };
        endpoint.pairs.add(*parts, |count| count.pairs += seen.pairs);
        endpoint.noise.add(*parts, |count| count.pairs += seen.noise);
    }
}

fn tally_exchanges(counts: &mut [EndpointCounts], exchanges: &Exchanges, parts: &[Parts]) {
    let scale = exchanges.scale();
    for known in exchanges.held() {
        let Some(endpoint) = counts.get_mut(known.endpoint.0 as usize) else { continue };
        tally_exchange(&mut endpoint.pairs, &known.pairs, parts, scale);
        tally_exchange(&mut endpoint.noise, &known.noise, parts, scale);
    }
}

fn tally_exchange(tally: &mut Tally, sets: &ExchangeSets, parts: &[Parts], scale: u64) {
    let all =
        sets.shown().filter_map(|set| parts.get(set.0 as usize)).fold(Parts::default(), |all, parts| Parts {
            status: all.status || parts.status,
            body: all.body || parts.body,
            header: all.header || parts.header,
        });
    tally.add(all, |count| count.exchanges += scale);
    if sets.compared == SeenOnce::Yes {
        tally.compared.exchanges += scale;
    }
    if sets.not_compared == SeenOnce::Yes {
        tally.not_compared.exchanges += scale;
    }
}

impl Tally {
    fn add(&mut self, parts: Parts, mut add: impl FnMut(&mut Count)) {
        if parts.status {
            add(&mut self.status);
        }
        if parts.body {
            add(&mut self.body);
        }
        if parts.header {
            add(&mut self.header);
        }
        if parts.any() {
            add(&mut self.mismatched);
        }
    }
}

fn noise_unit(unit: Unit, path: String, rates: crate::group::NoiseRates) -> NoiseUnit {
    let most_seen = unit.entries.into_iter().max_by_key(|entry| entry.pairs).map(|entry| entry.change);
    let change = most_seen.or(unit.noise_change).map_or_else(String::new, |change| change.to_string());
    NoiseUnit { endpoint: unit.endpoint, name: Signature { path, kind: unit.kind, change }, rates }
}

/// The changes of a unit, stray ones folded into the most frequent.
fn of_unit(unit: Unit, path: &str, rates: crate::group::NoiseRates) -> Vec<Candidate> {
    let severity = severity(&unit);
    let (endpoint, kind, pairs) = (unit.endpoint, unit.kind, unit.pairs);
    let candidate = |entry: Entry| Candidate {
        endpoint,
        name: Signature { path: path.to_owned(), kind, change: entry.change.to_string() },
        severity,
        seen: Seen {
            pairs: entry.pairs.min(pairs),
            of_pairs: rates.of_pairs,
            exchanges: entry.exchanges.distinct(),
        },
        which: entry.which,
        first: entry.first,
        last: entry.last,
        rates,
        examples: entry.examples.into_list(),
    };
    folded(unit.entries).into_iter().map(candidate).collect()
}

fn folded(mut entries: Vec<Entry>) -> Vec<Entry> {
    entries.sort_by(|a, b| b.pairs.cmp(&a.pairs).then_with(|| a.change.cmp(&b.change)));
    let mut kept: Vec<Entry> = Vec::new();
    for entry in entries {
        let same = kept.iter().position(|held| held.change.is_kin(&entry.change));
        let stray = kept.first().is_some_and(|most| entry.pairs * STRAY < most.pairs).then_some(0);
        match same.or(stray) {
            Some(index) => kept[index].absorb(entry),
            None => kept.push(entry),
        }
    }
    kept
}

fn severity(unit: &Unit) -> Severity {
    match (unit.weight, unit.place, unit.kind) {
        (Weight::Incidental, ..) => Severity::Incidental,
        (_, Place::Status, _) => Severity::Status,
        (_, Place::Header, _) => Severity::Header,
        (_, _, Kind::Value | Kind::Bytes | Kind::Header) => Severity::Value,
        (_, _, Kind::Order) => Severity::Order,
        _ => Severity::Shape,
    }
}
