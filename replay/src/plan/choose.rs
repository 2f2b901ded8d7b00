//! Which sessions a plan takes: whole ones, the same at every scale, as close to the wanted count as they allow.
//!
//! One order of all sessions serves every scale, so that the sessions of a small step are among those of
//! a larger one. Invariant: the choice depends on the seed and the sessions' sizes alone.

use crate::draw;
use corpus::ids::SessionId;
use std::collections::{BinaryHeap, HashMap, HashSet};

/// Sessions are counted one by one up to this many; beyond, by 65,536 classes of their drawn place, which
/// then are fine enough. Bounds the memory of planning to a few MiB.
const MAX_COUNTED: usize = 100_000;
const CLASSES: usize = 1 << 16;

/// Counts requests by session.
#[derive(Debug)]
pub(crate) struct SessionCounts {
    seed: u64,
    sessions: Option<HashMap<SessionId, u64>>,
    classes: Vec<u64>,
    total: u64,
}

/// The sessions a plan takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Chosen {
    /// All.
    All,
    /// These.
    These(HashSet<SessionId>),
    /// Those whose drawn place lies in a class below this one.
    ClassesBelow { seed: u64, class: u64 },
}

impl Chosen {
    /// Whether `session` is taken.
    pub(crate) fn holds(&self, session: SessionId) -> bool {
        match self {
            Chosen::All => true,
            Chosen::These(sessions) => sessions.contains(&session),
            Chosen::ClassesBelow { seed, class } => class_of(*seed, session) < *class,
        }
    }
}

/// A choice and how many requests of one pass it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) chosen: Chosen,
    pub(crate) requests: u64,
}

fn class_of(seed: u64, session: SessionId) -> u64 {
    draw::session_order(seed, session) >> 48
}

impl SessionCounts {
    pub(crate) fn new(seed: u64) -> SessionCounts {
        SessionCounts { seed, sessions: Some(HashMap::new()), classes: vec![0; CLASSES], total: 0 }
    }

    /// Counts one request of `session`.
    pub(crate) fn add(&mut self, session: SessionId) {
        self.total += 1;
        let class = usize::try_from(class_of(self.seed, session)).expect("a class has 16 bits");
        self.classes[class] += 1;
        if let Some(sessions) = &mut self.sessions {
            *sessions.entry(session).or_default() += 1;
            if sessions.len() > MAX_COUNTED {
                self.sessions = None;
            }
        }
    }

    /// Requests counted.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// The sessions whose requests come closest to `wanted`; at least one session where `wanted` is above 0.
    pub(crate) fn choose(&self, wanted: u64) -> Choice {
        if wanted >= self.total {
            return Choice { chosen: Chosen::All, requests: self.total };
        }
        let Some(sessions) = &self.sessions else { return self.choose_classes(wanted) };
        let order = order(self.seed, sessions);
        let (taken, requests) = closest(order.iter().map(|(_, count)| *count), wanted);
        let these = order[..taken].iter().map(|(session, _)| *session).collect();
        Choice { chosen: Chosen::These(these), requests }
    }

    fn choose_classes(&self, wanted: u64) -> Choice {
        let (taken, requests) = closest(self.classes.iter().copied(), wanted);
        let class = u64::try_from(taken).expect("classes are few");
        Choice { chosen: Chosen::ClassesBelow { seed: self.seed, class }, requests }
    }
}

/// How many of `counts` to take, and their sum, so that the sum is closest to `wanted`; not nothing if `wanted` is not.
fn closest(counts: impl Iterator<Item = u64>, wanted: u64) -> (usize, u64) {
    let mut best = (0, 0);
    let mut sum = 0;
    for (index, count) in counts.enumerate() {
        sum += count;
        let nothing_yet = best.1 == 0 && wanted > 0 && sum > 0;
        if nothing_yet || sum.abs_diff(wanted) < u64::abs_diff(best.1, wanted) {
            best = (index + 1, sum);
        }
        if sum >= wanted && best.1 > 0 {
            break;
        }
    }
    best
}

/// All sessions in the order in which they are taken: as drawn, but one with more than twice the mean count
/// waits until it is at most a fifth of what is taken with it. So every part of the order comes near its target.
fn order(seed: u64, sessions: &HashMap<SessionId, u64>) -> Vec<(SessionId, u64)> {
    let mut drawn: Vec<(u64, SessionId, u64)> =
        sessions.iter().map(|(id, count)| (draw::session_order(seed, *id), *id, *count)).collect();
    drawn.sort_unstable();
    let total: u64 = sessions.values().sum();
    let usual = 2 * total / u64::try_from(drawn.len().max(1)).expect("sessions are counted in 64 bits");
    let mut waiting = BinaryHeap::new();
    let mut order = Vec::with_capacity(drawn.len());
    let mut sum = 0;
    for (place, id, count) in drawn {
        waiting.push(std::cmp::Reverse((count, place, id)));
        while let Some(std::cmp::Reverse((count, _, id))) = waiting.peek().copied() {
            if count > usual && 5 * count > sum + count {
                break;
            }
            waiting.pop();
            sum += count;
            order.push((id, count));
        }
    }
    order.extend(std::iter::from_fn(|| waiting.pop()).map(|std::cmp::Reverse((count, _, id))| (id, count)));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(seed: u64, sizes: &[u64]) -> SessionCounts {
        let mut counts = SessionCounts::new(seed);
        for (id, size) in sizes.iter().enumerate() {
            (0..*size).for_each(|_| counts.add(SessionId(id as u64)));
        }
        counts
    }

    fn check(sizes: &[u64], wanted: u64, within: u64) {
        for seed in 0..50 {
            let found = counts(seed, sizes).choose(wanted).requests;
            assert!(found.abs_diff(wanted) <= within, "seed {seed}: {found} for {wanted}");
            assert!(found > 0);
        }
    }

    #[test]
    fn comes_near_with_few_and_uneven_sessions() {
        check(&[10; 100], 250, 5);
        check(&[10; 100], 10, 0);
        check(&[1; 5], 1, 0);
        check(&[500], 1, 499);
        let mut uneven = vec![5; 400];
        uneven.extend([400, 600, 1000]);
        check(&uneven, 40, 3);
        check(&uneven, 400, 25);
        check(&uneven, 2000, 200);
    }

    #[test]
    fn small_choices_are_within_large_ones() {
        let sizes: Vec<u64> = (0..300).map(|n| 1 + n * n % 37).collect();
        for seed in 0..20 {
            let counts = counts(seed, &sizes);
            let (small, large) = (counts.choose(100).chosen, counts.choose(1500).chosen);
            let within = (0..300).map(SessionId).filter(|id| small.holds(*id)).all(|id| large.holds(id));
            assert!(within, "seed {seed}");
        }
    }

    #[test]
    fn many_sessions_are_taken_by_class() {
        let mut counts = SessionCounts::new(3);
        (0..150_000).for_each(|id| counts.add(SessionId(id)));
        let choice = counts.choose(15_000);
        assert!(choice.requests.abs_diff(15_000) < 150, "{}", choice.requests);
        let held = (0..150_000).filter(|id| choice.chosen.holds(SessionId(*id))).count();
        assert_eq!(held as u64, choice.requests);
    }
}
