//! The engine's ways to an end: deadlines, the drain behind the plan, stops.
//!
//! Invariant: whatever ends a run, every job that came due is ended here or has ended before.

use super::conn::GivenUp;
use super::{Engine, IDLE, IDLE_LOOK, Phase, STOP_DRAIN};
use crate::pacer::Step;
use corpus::run::{Fault, NotSent, RunEnd};

impl Engine {
    /// Nothing more is sent. What waits is not sent; what is on its way has a moment to end.
    pub(super) fn stop(&mut self, end: RunEnd) {
        if matches!(self.phase, Phase::Stopping(..)) {
            return;
        }
        self.phase = Phase::Stopping(self.io.clock.now().after(STOP_DRAIN), end);
        self.plan.batches.close();
        self.give_up_waiting(NotSent::Stopped, Fault::Operator);
        for place in self.slots.connecting() {
            self.give_up(place, GivenUp::Stopped);
        }
    }

    fn give_up_waiting(&mut self, reason: NotSent, fault: Fault) {
        let mut waiting = self.lanes.drain();
        waiting.extend(std::mem::take(&mut self.unblocked));
        waiting.extend(self.backends.drain());
        for job in waiting {
            self.backends.went(job.backend);
            self.not_sent(job, reason, fault);
        }
        for job in std::mem::take(&mut self.repeats) {
            self.not_sent(job, reason, fault);
        }
    }

    fn give_up(&mut self, place: usize, why: GivenUp) {
        let event = self.slots.give_up(place, why, &mut self.io);
        self.handle(place, event);
    }

    /// Gives up what is past its deadline, and closes what has been idle for long.
    pub(super) fn give_up_late(&mut self) {
        let now = self.io.clock.now();
        while let Some(place) = self.slots.late(now) {
            self.give_up(place, GivenUp::Deadline);
            self.send_unblocked();
        }
        if now >= self.next_idle_look {
            self.next_idle_look = now.after(IDLE_LOOK);
            for place in self.slots.idle_since_before(now, IDLE) {
                self.close(place);
            }
        }
    }

    /// Whether all is done.
    pub(super) fn ended(&mut self, next: Step) -> Option<RunEnd> {
        let now = self.io.clock.now();
        match self.phase {
            Phase::Running if next == Step::Stop && self.repeats.is_empty() => {
                self.phase = Phase::Draining(now.after(self.deadline));
                self.plan.batches.close();
            }
            Phase::Draining(until) if now >= until => {
                self.phase = Phase::Ending;
                self.give_up_waiting(NotSent::Blocked, Fault::Backend);
            }
            Phase::Stopping(until, _) if now >= until => {
                for place in self.slots.all() {
                    self.give_up(place, GivenUp::Stopped);
                }
            }
            _ => {}
        }
        match self.phase {
            Phase::Stopping(_, end) if self.open == 0 => Some(end),
            Phase::Draining(_) | Phase::Ending if self.open == 0 => Some(RunEnd::Completed),
            _ => None,
        }
    }
}
