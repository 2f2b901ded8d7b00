//! When the next request leaves: (elapsed time, what is planned, what is open) -> wait, send or stop. Pure.
//!
//! Invariant: an open-loop request never leaves before its planned time.

use corpus::time::RunTime;
use corpus::units::RequestRate;

/// How the next planned request is timed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pacing {
    /// At its planned time, whatever the backends do.
    Open,
    /// As soon as fewer than this many requests are open at the slowest backend.
    Closed {
        /// Requests open at once.
        open: usize,
    },
}

/// What the plan holds next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// A request planned for this moment.
    Due(RunTime),
    /// Its reader has not got that far; somebody will wake us.
    Unread,
    /// Nothing more.
    Ended,
}

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing before this moment.
    Wait(RunTime),
    /// Nothing before something else happens.
    WaitForEvent,
    /// Send the next request.
    Send,
    /// Nothing more will come due.
    Stop,
}

impl Pacing {
    /// The next step at `now`, with `open` requests open at the slowest backend.
    pub(crate) fn step(self, now: RunTime, next: Next, open: usize) -> Step {
        match (next, self) {
            (Next::Ended, _) => Step::Stop,
            (Next::Unread, _) => Step::WaitForEvent,
            (Next::Due(at), _) if now < at => Step::Wait(at),
            (Next::Due(_), Pacing::Closed { open: most }) if open >= most => Step::WaitForEvent,
            (Next::Due(_), _) => Step::Send,
        }
    }
}

/// A ceiling on the rate of a plan: moves planned times back so that no stretch exceeds it by more than a
/// tenth of a second's worth (the generic cell rate algorithm, ITU-T I.371, with that tolerance).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ceiling {
    interval_ns: u64,
    tolerance_ns: u64,
    next: u64,
}

impl Ceiling {
    /// At most `rate`.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a positive number of nanoseconds"
    )]
    pub(crate) fn new(rate: RequestRate) -> Ceiling {
        let interval_ns = (1e9 / rate.per_second()).ceil() as u64;
        Ceiling { interval_ns, tolerance_ns: 100_000_000_u64.max(interval_ns) - interval_ns, next: 0 }
    }

    /// The moment, `at` or later, at which the next request may be planned.
    pub(crate) fn admit(&mut self, at: RunTime) -> RunTime {
        let admitted = at.0.max(self.next.saturating_sub(self.tolerance_ns));
        self.next = self.next.max(admitted).saturating_add(self.interval_ns);
        RunTime(admitted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pacing: Pacing, now: u64, next: Next, open: usize, expected: Step) {
        assert_eq!(pacing.step(RunTime(now), next, open), expected, "{pacing:?} {now} {next:?} {open}");
    }

    #[test]
    fn open_loop_waits_for_time_alone() {
        check(Pacing::Open, 9, Next::Due(RunTime(10)), 1_000_000, Step::Wait(RunTime(10)));
        check(Pacing::Open, 10, Next::Due(RunTime(10)), 1_000_000, Step::Send);
        check(Pacing::Open, 99, Next::Due(RunTime(10)), 0, Step::Send);
        check(Pacing::Open, 99, Next::Unread, 0, Step::WaitForEvent);
        check(Pacing::Open, 0, Next::Ended, 3, Step::Stop);
    }

    #[test]
    fn closed_loop_waits_for_room() {
        let closed = Pacing::Closed { open: 64 };
        check(closed, 0, Next::Due(RunTime(0)), 63, Step::Send);
        check(closed, 0, Next::Due(RunTime(0)), 64, Step::WaitForEvent);
        check(closed, 0, Next::Due(RunTime(5)), 0, Step::Wait(RunTime(5)));
        check(closed, 0, Next::Ended, 64, Step::Stop);
    }

    #[test]
    fn never_early() {
        for draw in 0..10_000 {
            let random = |value| crate::draw::bits(draw, crate::draw::Purpose::Order, value) % 1000;
            let (now, at, open) = (random(0), random(1), usize::try_from(random(2)).unwrap());
            for pacing in [Pacing::Open, Pacing::Closed { open: 500 }] {
                let step = pacing.step(RunTime(now), Next::Due(RunTime(at)), open);
                assert!(step != Step::Send || now >= at);
                assert!(!matches!(step, Step::Wait(until) if until != RunTime(at) || now >= at));
            }
        }
    }

    #[test]
    fn a_ceiling_holds_over_every_second_and_never_hurries() {
        let mut ceiling = Ceiling::new(RequestRate::new(100.0).unwrap());
        let mut admitted = Vec::new();
        for n in 0..1000_u64 {
            let at = RunTime(n / 300 * 2_000_000_000);
            let moment = ceiling.admit(at);
            assert!(moment >= at);
            admitted.push(moment.0);
        }
        assert!(admitted.is_sorted());
        for (index, start) in admitted.iter().enumerate() {
            let second = admitted[index..].iter().take_while(|at| **at < start + 1_000_000_000).count();
            assert!(second <= 110, "{second} in the second from {start}");
        }
    }
}
