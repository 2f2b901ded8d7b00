//! The interval under simulated load: two backends get the same requests at the same moments; each second has a load
//! factor that both share and one of each backend's own, both autocorrelated; latencies are log-normal.
//!
//! Go where all three upper limits lie below their margins, no-go where any is beyond by Holm's method, as in the judge.

use super::*;
use crate::stats::draw::Draw;
use crate::stats::histogram::bucket;
use crate::stats::holm;
use std::time::Duration;

const QUANTILES: [f64; 3] = [0.5, 0.95, 0.99];
const MARGINS: [f64; 3] = [1.10, 1.15, 1.25];
const SESSIONS: usize = 128;

#[derive(Debug, Clone, Copy)]
struct Situation {
    name: &'static str,
    per_second: usize,
    seconds: usize,
    /// Standard deviation, on the log scale, of each backend's own noise.
    own: f64,
    /// Its correlation from second to second.
    correlation: f64,
    /// Candidate / baseline.
    shift: f64,
}

const fn situation(
    name: &'static str,
    per_second: usize,
    seconds: usize,
    own: f64,
    correlation: f64,
    shift: f64,
) -> Situation {
    Situation { name, per_second, seconds, own, correlation, shift }
}

const SITUATIONS: [Situation; 8] = [
    situation("600/s, 24 s, no own noise", 600, 24, 0.02, 0.0, 1.0),
    situation("600/s, 24 s, own noise 5 %, AR(1) 0.8", 600, 24, 0.05, 0.8, 1.0),
    situation("600/s, 60 s, 10 %, 0.8", 600, 60, 0.10, 0.8, 1.0),
    situation("600/s, 120 s, 10 %, 0.8", 600, 120, 0.10, 0.8, 1.0),
    situation("300/s, 300 s, 20 %, 0.8", 300, 300, 0.20, 0.8, 1.0),
    situation("300/s, 120 s, 30 %, 0.8", 300, 120, 0.30, 0.8, 1.0),
    situation("600/s, 24 s, no own noise, candidate +20 %", 600, 24, 0.02, 0.0, 1.2),
    situation("600/s, 60 s, 10 %, 0.8, candidate +30 %", 600, 60, 0.10, 0.8, 1.3),
];

struct Noise(Draw);

impl Noise {
    fn uniform(&mut self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
        let unit = ((self.0.bits() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
        unit
    }

    /// Box and Muller's normal draw.
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * self.uniform().ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    fn series(&mut self, seconds: usize, correlation: f64, deviation: f64) -> Vec<f64> {
        let innovation = deviation * (1.0 - correlation * correlation).sqrt();
        let mut x = deviation * self.normal();
        let step = |_| {
            x = correlation * x + innovation * self.normal();
            x
        };
        (0..seconds).map(step).collect()
    }
}

struct Tally {
    go: usize,
    no_go: usize,
    inconclusive: usize,
    /// How often the lower limit alone excludes "no difference".
    excludes: [usize; 3],
}

fn one_run(situation: Situation, seed: u64) -> Vec<Estimate> {
    let mut noise = Noise(Draw::new(seed));
    let shared = noise.series(situation.seconds, situation.correlation, 0.2);
    let own = [0, 1].map(|_| noise.series(situation.seconds, situation.correlation, situation.own));
    let mut seconds = vec![(Histogram::default(), Histogram::default()); situation.seconds];
    let mut sessions = vec![(Histogram::default(), Histogram::default()); SESSIONS];
    for (second, cell) in seconds.iter_mut().enumerate() {
        for _ in 0..situation.per_second {
            let session = noise.0.below(SESSIONS);
            let mut value = |side: usize, shift: f64| {
                let log = shared[second] + own[side][second] + 0.6 * noise.normal();
                bucket(Duration::from_secs_f64(0.02 * shift * log.exp()))
            };
            let (a, b) = (value(0, 1.0), value(1, situation.shift));
            cell.0.add(a);
            cell.1.add(b);
            sessions[session].0.add(a);
            sessions[session].1.add(b);
        }
    }
    for (a, b) in seconds.iter_mut().chain(&mut sessions) {
        a.settle();
        b.settle();
    }
    let cells = Cells { seconds: &seconds, sessions: &sessions, censor_us: 1e7 };
    estimate(cells, &QUANTILES, &mut Resampling::new(seed))
}

fn tally(situation: Situation, runs: usize) -> Tally {
    let mut tally = Tally { go: 0, no_go: 0, inconclusive: 0, excludes: [0; 3] };
    for seed in 0..runs as u64 {
        let estimates = one_run(situation, 1000 + seed);
        let limits: Option<Vec<(f64, f64)>> =
            estimates.iter().map(|e| Some((e.lower(0.05)?, e.upper(0.05)?))).collect();
        let Some(limits) = limits else {
            tally.inconclusive += 1;
            continue;
        };
        let margin = |i: usize| MARGINS[i].ln();
        let p_values: Vec<Option<f64>> =
            estimates.iter().enumerate().map(|(i, estimate)| estimate.p_beyond(margin(i))).collect();
        if holm::rejected(&p_values, 0.05).contains(&true) {
            tally.no_go += 1;
        } else if limits.iter().enumerate().all(|(i, (_, upper))| *upper < margin(i)) {
            tally.go += 1;
        } else {
            tally.inconclusive += 1;
        }
        for (count, (lower, _)) in tally.excludes.iter_mut().zip(&limits) {
            *count += usize::from(*lower > 0.0);
        }
    }
    tally
}

#[test]
fn baseline_against_itself_is_never_no_go_and_decides_in_time() {
    let quiet = tally(SITUATIONS[0], 12);
    assert!(quiet.no_go == 0 && quiet.go >= 11, "{} go, {} no-go", quiet.go, quiet.no_go);
    let noisy = tally(SITUATIONS[3], 6);
    assert!(noisy.no_go == 0 && noisy.go >= 2, "{} go, {} no-go", noisy.go, noisy.no_go);
}

#[test]
fn a_real_regression_is_found() {
    let found = tally(SITUATIONS[6], 8);
    assert!(found.go == 0 && found.no_go >= 7, "{} go, {} no-go", found.go, found.no_go);
}

/// Prints the table of the judge's level and power. Takes minutes: run in release with `--ignored --nocapture`.
#[test]
#[ignore = "300 runs a row: a table to look at, not a check"]
fn table() {
    let runs = 300;
    println!("| situation | go | no-go | inconclusive | lower limit above none, p50 / p95 / p99 |");
    for situation in SITUATIONS {
        let tally = tally(situation, runs);
        #[expect(clippy::cast_precision_loss, reason = "small counts")]
        let share = tally.excludes.map(|count| 100.0 * count as f64 / runs as f64);
        println!(
            "| {} | {} | {} | {} | {:.1} % / {:.1} % / {:.1} % |",
            situation.name, tally.go, tally.no_go, tally.inconclusive, share[0], share[1], share[2]
        );
    }
}
