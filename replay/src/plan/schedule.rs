//! The plan written out: every request with its time, in order.
//!
//! Memory: one request ahead for each layer. Invariant: times never go back, and requests of one copy of a
//! session stay in recorded order.

use super::Plan;
use super::tape::{Last, Leg, Tape};
use crate::draw::{self, Purpose};
use crate::item::Item;
use crate::pacer::Ceiling;
use corpus::ids::PlanSeq;
use corpus::time::RunTime;
use corpus::units::Fraction;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

/// A request that comes due.
#[derive(Debug, Clone)]
pub(crate) struct Due {
    pub(crate) seq: PlanSeq,
    pub(crate) at: RunTime,
    pub(crate) copy: u32,
    pub(crate) item: Arc<Item>,
    pub(crate) noise: Noise,
}

/// Whether a request is also sent for noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Noise {
    Sent,
    NotSent,
}

/// The plan, written out.
pub(crate) struct Schedule<'a> {
    plan: &'a Plan,
    walks: Vec<Walk<'a>>,
    /// The next request of each walk, by recorded time.
    heads: BinaryHeap<Reverse<(u64, usize)>>,
    ceiling: Option<Ceiling>,
    seed: u64,
    noise_share: Fraction,
    next_seq: u64,
    latest: RunTime,
}

impl<'a> Schedule<'a> {
    /// The requests of `plan`, read from `tape`.
    pub(crate) fn new(plan: &'a Plan, tape: &'a Tape, seed: u64, noise_share: Fraction) -> Schedule<'a> {
        let walks = (0..plan.layers.len()).map(|index| Walk::new(plan, tape, index)).collect();
        let mut schedule = Schedule {
            plan,
            walks,
            heads: BinaryHeap::new(),
            ceiling: plan.ceiling,
            seed,
            noise_share,
            next_seq: 0,
            latest: RunTime(0),
        };
        (0..plan.layers.len()).for_each(|index| schedule.advance(index));
        schedule
    }

    fn advance(&mut self, index: usize) {
        if let Some(at) = self.walks[index].advance() {
            self.heads.push(Reverse((at, index)));
        }
    }

    /// Never earlier than the one before: packet clocks step, and walks come near the end of a window in any order.
    fn time(&mut self, recorded: u64) -> RunTime {
        let at = self.plan.run_time(recorded).max(self.latest);
        self.latest = self.ceiling.as_mut().map_or(at, |ceiling| ceiling.admit(at));
        self.latest
    }
}

impl Iterator for Schedule<'_> {
    type Item = Due;

    fn next(&mut self) -> Option<Due> {
        let Reverse((recorded, index)) = self.heads.pop()?;
        let (item, copy) = self.walks[index].take()?;
        self.advance(index);
        let seq = self.next_seq;
        self.next_seq += 1;
        let drawn = draw::unit(self.seed, Purpose::Noise, seq) < self.noise_share.value();
        let noise = if drawn { Noise::Sent } else { Noise::NotSent };
        Some(Due { seq: PlanSeq(seq), at: self.time(recorded), copy, item, noise })
    }
}

/// One layer's way through the passes.
struct Walk<'a> {
    plan: &'a Plan,
    tape: &'a Tape,
    index: usize,
    pass: u64,
    part: Part,
    leg: Leg<'a>,
    head: Option<(Arc<Item>, u32)>,
}

/// A pass of a turned layer begins with what is wrapped from the end of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Wrapped,
    Plain,
}

impl<'a> Walk<'a> {
    fn new(plan: &'a Plan, tape: &'a Tape, index: usize) -> Walk<'a> {
        let offset = plan.layers[index].offset;
        let leg = tape.leg(plan.window - offset, plan.window, Last::OfTheWindow);
        Walk { plan, tape, index, pass: 0, part: Part::Wrapped, leg, head: None }
    }

    fn offset(&self) -> u64 {
        self.plan.layers[self.index].offset
    }

    /// Goes to the next request; its recorded time, counted on over the passes, unless the plan ends before it.
    fn advance(&mut self) -> Option<u64> {
        loop {
            let start = self.pass * self.plan.window;
            if self.plan.length.is_some_and(|length| start >= length) {
                return None;
            }
            if self.part == Part::Wrapped && self.offset() == 0 {
                self.turn();
            }
            let chosen = &self.plan.layers[self.index].chosen;
            match self.leg.find(|item| chosen.holds(item.session)) {
                Some(item) => {
                    let at = start + (item.at.min(self.plan.window - 1) + self.offset()) % self.plan.window;
                    if self.plan.length.is_some_and(|length| at >= length) {
                        return None;
                    }
                    self.head = Some((item, self.copy()));
                    return Some(at);
                }
                None => self.turn(),
            }
        }
    }

    fn turn(&mut self) {
        let (window, offset) = (self.plan.window, self.offset());
        (self.part, self.leg) = match self.part {
            Part::Wrapped => {
                let last = if offset == 0 { Last::OfTheWindow } else { Last::Within };
                (Part::Plain, self.tape.leg(0, window - offset, last))
            }
            Part::Plain => {
                self.pass += 1;
                (Part::Wrapped, self.tape.leg(window - offset, window, Last::OfTheWindow))
            }
        };
    }

    /// Unique for each layer and walk through the window; a wrapped part belongs to the walk that began a pass before.
    fn copy(&self) -> u32 {
        let generation = match self.part {
            _ if self.offset() == 0 => self.pass,
            Part::Wrapped => self.pass,
            Part::Plain => self.pass + 1,
        };
        let layers = u64::try_from(self.plan.layers.len()).unwrap_or(u64::MAX);
        let index = u64::try_from(self.index).unwrap_or(u64::MAX);
        u32::try_from(generation.saturating_mul(layers).saturating_add(index)).unwrap_or(u32::MAX)
    }

    fn take(&mut self) -> Option<(Arc<Item>, u32)> {
        self.head.take()
    }
}

#[cfg(test)]
mod tests {
    use super::super::choose::SessionCounts;
    use super::super::{Plan, Wanted};
    use super::*;
    use corpus::ids::{ConnectionId, EndpointId, ExchangeId, SessionId};
    use corpus::run::Scale;
    use std::collections::HashMap;
    use std::time::Duration;

    const SECOND: u64 = 1_000_000_000;

    /// 200 requests of 20 sessions in 10 s.
    fn items() -> Vec<Item> {
        let item = |n: u64| Item {
            exchange: ExchangeId(n),
            connection: ConnectionId(n % 20),
            session: SessionId(n % 20),
            endpoint: EndpointId(0),
            at: n * SECOND / 20,
            method: b"GET".to_vec(),
            target: b"/".to_vec(),
            recorded_status: Some(200),
            wire: Vec::new(),
            last_on_connection: false,
            recorded: None,
        };
        (0..200).map(item).collect()
    }

    fn schedule(scale: Scale, seconds: u64, seed: u64) -> Vec<Due> {
        let mut counts = SessionCounts::new(seed);
        items().iter().for_each(|item| counts.add(item.session));
        let wanted = Wanted {
            scale,
            duration: Some(Duration::from_secs(seconds)),
            max_rate: None,
            repeated: Fraction::new(0.0).unwrap(),
            of_production: 1.0,
            window: Duration::from_secs(10),
        };
        let plan = Plan::new(&wanted, &counts);
        let due: Vec<Due> =
            Schedule::new(&plan, &Tape::in_memory(items()), seed, Fraction::new(0.2).unwrap()).collect();
        let counted: u64 = items().iter().map(|item| plan.times_planned(item.at, item.session)).sum();
        assert_eq!(due.len() as u64, counted);
        due
    }

    fn check(scale: Scale, seconds: u64, expected: usize) {
        for seed in 0..5 {
            let due = schedule(scale, seconds, seed);
            assert!(due.len().abs_diff(expected) <= expected / 20, "{scale:?}: {}", due.len());
            assert!(due.is_sorted_by_key(|due| due.at));
            assert!(due.iter().all(|due| due.at.0 < seconds * SECOND));
            let mut last: HashMap<(SessionId, u32), u64> = HashMap::new();
            for due in &due {
                let before = last.insert((due.item.session, due.copy), due.item.exchange.0);
                assert!(before.is_none_or(|before| before < due.item.exchange.0), "{scale:?} {due:?}");
            }
        }
    }

    #[test]
    fn requests_keep_their_order_at_every_scale() {
        let percent = |value| Scale::Percent(corpus::units::Percent::new(value).unwrap());
        check(percent(100.0), 10, 200);
        check(percent(25.0), 10, 50);
        check(percent(250.0), 10, 500);
        check(percent(330.0), 25, 1650);
        check(Scale::Rate("5/s".parse().unwrap()), 30, 150);
        check(Scale::Speed("2x".parse().unwrap()), 10, 400);
    }

    #[test]
    fn one_pass_has_the_recorded_times() {
        let due = schedule(Scale::Percent(corpus::units::Percent::HUNDRED), 10, 9);
        assert!(due.iter().all(|due| due.at.0 == due.item.at && due.copy == 0));
        let noise = due.iter().filter(|due| due.noise == Noise::Sent).count();
        assert!((20..60).contains(&noise), "{noise}");
    }

    #[test]
    fn equal_seeds_give_equal_plans() {
        let plan = |seed| {
            let due = schedule(Scale::Percent(corpus::units::Percent::new(35.0).unwrap()), 20, seed);
            due.iter()
                .map(|due| (due.seq, due.at, due.copy, due.item.exchange, due.noise))
                .collect::<Vec<_>>()
        };
        assert_eq!(plan(4), plan(4));
        assert_ne!(plan(4), plan(5));
    }
}
