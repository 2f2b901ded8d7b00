//! Corpus, scale and seed to planned times. Pure.
//!
//! A plan walks the capture window again and again for its duration (passes). Below the corpus' own rate it
//! takes whole sessions; above, it adds layers: the whole window once more, turned by an offset and wrapped
//! inside the window, so that time is never compressed. Sessions keep their order: what a layer wraps from
//! the end of the window to its start goes on with the copy that began before.
//! Memory: session counts of a few MiB at most (see [`choose`]), and nothing for each request.

pub(crate) mod choose;
pub(crate) mod schedule;
pub(crate) mod survey;
pub(crate) mod tape;

use crate::pacer::Ceiling;
use choose::{Chosen, SessionCounts};
use corpus::ids::SessionId;
use corpus::run::{Load, Scale};
use corpus::time::RunTime;
use corpus::units::{Fraction, Percent, RequestRate, Speed};
use std::time::Duration;

/// The most copies of a corpus that a plan lays over one another.
const MAX_LAYERS: f64 = 10_000.0;

/// What a plan is made from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) scale: Scale,
    pub(crate) duration: Option<Duration>,
    pub(crate) max_rate: Option<RequestRate>,
    /// The share of requests that is repeated at each backend.
    pub(crate) repeated: Fraction,
    /// The fraction of production that the corpus holds: sample fraction times represented fraction.
    pub(crate) of_production: f64,
    /// The capture window.
    pub(crate) window: Duration,
}

/// A walk through the window, turned by an offset: the corpus itself, or a clone of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layer {
    /// Nanoseconds by which times are moved, below the window's length.
    pub(crate) offset: u64,
    /// The sessions that take part.
    pub(crate) chosen: Chosen,
}

/// Planned times, not yet written out.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// Nanoseconds of recorded time in one pass; above 0.
    pub(crate) window: u64,
    /// Nanoseconds of recorded time in the whole plan; `None`: passes without end (closed loop with a duration).
    pub(crate) length: Option<u64>,
    /// Recorded time is divided by this.
    pub(crate) speed: f64,
    /// Whether planned times say anything: not in a closed loop.
    pub(crate) timing: Timing,
    /// At least one; the first has offset 0.
    pub(crate) layers: Vec<Layer>,
    /// The ceiling on planned times.
    pub(crate) ceiling: Option<Ceiling>,
    /// How long the plan runs.
    pub(crate) duration: Duration,
}

/// Whether requests have planned times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Timing {
    Recorded,
    /// As soon as possible.
    None,
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative; saturates")]
fn round(value: f64) -> u64 {
    value.round() as u64
}

/// Counts as real numbers.
#[expect(clippy::cast_precision_loss, reason = "rates need no more than 53 bits")]
fn real(count: u64) -> f64 {
    count as f64
}

impl Plan {
    /// Plans the requests that `counts` has counted.
    pub(crate) fn new(wanted: &Wanted, counts: &SessionCounts) -> Plan {
        let window = nanos(wanted.window).max(1);
        let speed = match wanted.scale {
            Scale::Speed(Speed::Times(factor)) => factor,
            _ => 1.0,
        };
        let window_seconds = real(window) / 1e9 / speed;
        let per_backend = 1.0 + wanted.repeated.value();
        let cap = wanted.max_rate.map(|rate| rate.per_second() / per_backend);
        let unpaced = wanted.scale == Scale::Speed(Speed::Max);
        let asked = asked_requests(wanted, counts.total(), window_seconds);
        let capped = cap.filter(|_| !unpaced).map_or(asked, |cap| asked.min(cap * window_seconds));
        let layers = layers(counts, round(capped).max(1), window);
        let length = match (wanted.duration, unpaced) {
            (Some(_), true) => None,
            (Some(duration), false) => Some(round(real(nanos(duration)) * speed)),
            (None, _) => Some(window),
        };
        let duration = wanted.duration.unwrap_or_else(|| wanted.window.div_f64(speed));
        let ceiling = cap.and_then(RequestRate::new).map(Ceiling::new);
        let timing = if unpaced { Timing::None } else { Timing::Recorded };
        Plan { window, length, speed, timing, layers, ceiling, duration }
    }

    /// How often a request at `at` nanoseconds of the window, of `session`, is planned.
    pub(crate) fn times_planned(&self, at: u64, session: SessionId) -> u64 {
        let length = self.length.unwrap_or(self.window);
        let (passes, rest) = (length / self.window, length % self.window);
        let held = self.layers.iter().filter(|layer| layer.chosen.holds(session));
        held.map(|layer| passes + u64::from((at.min(self.window - 1) + layer.offset) % self.window < rest))
            .sum()
    }

    /// The load that the plan makes with `planned` requests in all, as a run keeps it.
    pub(crate) fn load(&self, wanted: &Wanted, recorded: u64, planned: u64) -> Load {
        let production = real(recorded) / (real(self.window) / 1e9) / wanted.of_production;
        let rate = self.rate(planned);
        let unpaced = wanted.scale == Scale::Speed(Speed::Max);
        Load {
            scale: wanted.scale,
            production_rate: RequestRate::new(production),
            planned_rate: RequestRate::new(rate).filter(|_| !unpaced),
            percent_achieved: Percent::new(100.0 * rate / production).filter(|_| !unpaced),
            duration: self.duration,
            passes: u32::try_from(self.length.unwrap_or(self.window).div_ceil(self.window))
                .unwrap_or(u32::MAX),
            max_rate: wanted.max_rate,
        }
    }

    /// Requests a second of `planned` requests in all. A last pass in part has the traffic of that part, which
    /// need not be the window's mean.
    fn rate(&self, planned: u64) -> f64 {
        real(planned) / (real(self.length.unwrap_or(self.window).max(1)) / 1e9 / self.speed)
    }

    /// The plan's rate in percent of what was asked for.
    pub(crate) fn percent_of_asked(&self, wanted: &Wanted, recorded: u64, planned: u64) -> f64 {
        let window_seconds = real(self.window) / 1e9 / self.speed;
        100.0 * self.rate(planned) / (asked_requests(wanted, recorded, window_seconds) / window_seconds)
    }

    /// How often a load takes the whole corpus, where that is more than can be planned.
    pub(crate) fn too_much(wanted: &Wanted, recorded: u64) -> Option<f64> {
        let asked = asked_requests(wanted, recorded, wanted.window.as_secs_f64());
        Some(asked / real(recorded.max(1))).filter(|copies| *copies > MAX_LAYERS)
    }

    /// A moment of the plan on the run's clock.
    pub(crate) fn run_time(&self, recorded: u64) -> RunTime {
        match self.timing {
            Timing::None => RunTime(0),
            Timing::Recorded if (self.speed - 1.0).abs() < f64::EPSILON => RunTime(recorded),
            Timing::Recorded => RunTime(round(real(recorded) / self.speed)),
        }
    }
}

/// Requests of one pass that the scale asks for.
fn asked_requests(wanted: &Wanted, recorded: u64, window_seconds: f64) -> f64 {
    match wanted.scale {
        Scale::Percent(percent) => percent.value() / 100.0 * real(recorded) / wanted.of_production,
        Scale::Rate(rate) => rate.per_second() * window_seconds,
        Scale::Speed(_) => real(recorded),
    }
}

/// Clones that together have `wanted` requests a pass.
fn layers(counts: &SessionCounts, wanted: u64, window: u64) -> Vec<Layer> {
    let (whole, rest) = (wanted / counts.total().max(1), wanted % counts.total().max(1));
    let mut layers: Vec<Layer> =
        (0..whole).map(|index| Layer { offset: offset(index, window), chosen: Chosen::All }).collect();
    let choice = counts.choose(rest);
    // Beside whole layers the rest may be nothing, where that is nearer than the smallest session.
    let nearer = whole == 0 || choice.requests.abs_diff(rest) < rest;
    if rest > 0 && nearer {
        layers.push(Layer { offset: offset(whole, window), chosen: choice.chosen });
    }
    layers
}

/// Offsets spread evenly over the window for any number of layers: multiples of the golden ratio, modulo 1.
fn offset(index: u64, window: u64) -> u64 {
    let part = u128::from(index.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    u64::try_from((part * u128::from(window)) >> 64).expect("a part of a 64-bit window has 64 bits")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(sessions: u64, each: u64) -> SessionCounts {
        let mut counts = SessionCounts::new(1);
        (0..sessions * each).for_each(|n| counts.add(SessionId(n % sessions)));
        counts
    }

    fn wanted(scale: &str) -> Wanted {
        let scale = match scale.split_at(1) {
            ("p", percent) => Scale::Percent(percent.parse().unwrap()),
            ("r", rate) => Scale::Rate(rate.parse().unwrap()),
            (_, speed) => Scale::Speed(speed.parse().unwrap()),
        };
        Wanted {
            scale,
            duration: None,
            max_rate: None,
            repeated: Fraction::new(0.0).unwrap(),
            of_production: 0.05,
            window: Duration::from_secs(100),
        }
    }

    /// Requests of a plan for 100 sessions of 10 requests at the window's start.
    fn planned(plan: &Plan) -> u64 {
        (0..100).map(|session| 10 * plan.times_planned(0, SessionId(session))).sum()
    }

    /// The corpus: 100 sessions of 10 requests in 100 s, from a twentieth of production (200/s).
    fn check(scale: &str, expected_rate: Option<f64>, expected_percent: Option<f64>, layers: usize) {
        let (wanted, counts) = (wanted(scale), counts(100, 10));
        let plan = Plan::new(&wanted, &counts);
        let load = plan.load(&wanted, counts.total(), planned(&plan));
        let near = |found: Option<f64>, expected: Option<f64>| {
            found.is_some() == expected.is_some()
                && found.zip(expected).is_none_or(|(found, expected)| (found / expected - 1.0).abs() < 0.02)
        };
        assert!(near(load.planned_rate.map(RequestRate::per_second), expected_rate), "{scale}: {load:?}");
        assert!(near(load.percent_achieved.map(Percent::value), expected_percent), "{scale}: {load:?}");
        assert_eq!(plan.layers.len(), layers, "{scale}");
    }

    #[test]
    fn scales_by_sessions_below_and_layers_above() {
        check("p5", Some(10.0), Some(5.0), 1);
        check("p1", Some(2.0), Some(1.0), 1);
        check("p100", Some(200.0), Some(100.0), 20);
        check("p12", Some(24.0), Some(12.0), 3);
        check("r25/s", Some(25.0), Some(12.5), 3);
        check("r1/s", Some(1.0), Some(0.5), 1);
        check("s2x", Some(20.0), Some(10.0), 1);
        check("smax", None, None, 1);
    }

    #[test]
    fn a_ceiling_counts_repeats() {
        let mut wanted = wanted("p100");
        wanted.max_rate = RequestRate::new(12.0);
        wanted.repeated = Fraction::new(0.2).unwrap();
        let plan = Plan::new(&wanted, &counts(100, 10));
        assert_eq!(planned(&plan), 1000);
        assert!(plan.percent_of_asked(&wanted, 1000, planned(&plan)) < 6.0);
    }

    #[test]
    fn passes_are_counted_in_part() {
        let mut wanted = wanted("p15");
        wanted.duration = Some(Duration::from_secs(250));
        let plan = Plan::new(&wanted, &counts(100, 10));
        let planned: u64 =
            (0..100).map(|second| plan.times_planned(second * 1_000_000_000, SessionId(3))).sum();
        assert_eq!(planned, 3 * 250);
        assert_eq!(plan.load(&wanted, 1000, planned).passes, 3);
    }

    #[test]
    fn a_part_of_a_pass_has_the_rate_of_that_part() {
        let mut wanted = wanted("p10");
        wanted.duration = Some(Duration::from_secs(50));
        let plan = Plan::new(&wanted, &counts(100, 10));
        // 10 % of production's 200/s is asked for; a part of the window with only 100 requests gives a tenth of it.
        let load = plan.load(&wanted, 1000, 100);
        assert_eq!(load.planned_rate.map(RequestRate::per_second), Some(2.0));
        assert!((plan.percent_of_asked(&wanted, 1000, 100) - 10.0).abs() < 1e-6);
    }

    #[test]
    fn a_load_of_too_many_copies_is_told() {
        let mut wanted = wanted("p100");
        assert_eq!(Plan::too_much(&wanted, 1000), None);
        wanted.of_production = 1e-6;
        assert!(Plan::too_much(&wanted, 1000).is_some());
    }
}
