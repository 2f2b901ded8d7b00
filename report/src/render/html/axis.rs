//! Axes: their range and the few marks on them that a reader needs.

use super::super::number;

/// One axis, already in drawing units (a logarithmic axis is linear in the logarithm).
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Axis {
    /// The lower end.
    pub(super) min: f64,
    /// The upper end.
    pub(super) max: f64,
    /// Marks, ascending, with their labels.
    pub(super) marks: Vec<(f64, String)>,
}

impl Axis {
    /// The label of the mark nearest to `value`.
    pub(super) fn label(&self, value: f64) -> String {
        let near =
            |a: &&(f64, String), b: &&(f64, String)| (a.0 - value).abs().total_cmp(&(b.0 - value).abs());
        self.marks.iter().min_by(near).map(|(_, label)| label.clone()).unwrap_or_default()
    }
}

/// From 0 to a little above `max`, with round marks.
pub(super) fn linear(max: f64, marks: u32, label: impl Fn(f64) -> String) -> Axis {
    let max = if max.is_finite() && max > 0.0 { max } else { 1.0 };
    let step = round_step(max / f64::from(marks));
    let steps = (max / step).ceil().max(1.0);
    // A handful of marks: exact.
    let marks = (0..=steps as u32).map(|i| f64::from(i) * step).map(|at| (at, label(at))).collect();
    Axis { min: 0.0, max: steps * step, marks }
}

/// The smallest of 1, 2, 2.5, 5 times a power of ten that is at least `raw`.
fn round_step(raw: f64) -> f64 {
    let power = 10f64.powf(raw.log10().floor());
    [1.0, 2.0, 2.5, 5.0, 10.0]
        .into_iter()
        .map(|m| m * power)
        .find(|&s| s >= raw * 0.999_999)
        .unwrap_or(10.0 * power)
}

/// Whole seconds of a run: marks at round times.
pub(super) fn time(seconds: f64, marks: u32) -> Axis {
    let seconds = seconds.max(1.0);
    let steps = [1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0];
    let wanted = seconds / f64::from(marks);
    let step = steps.into_iter().find(|&s| s >= wanted).unwrap_or_else(|| (wanted / 3600.0).ceil() * 3600.0);
    // A handful of marks: exact.
    let count = (seconds / step).floor() as u32;
    let marks = (0..=count).map(|i| f64::from(i) * step).map(|at| (at, number::seconds(at))).collect();
    Axis { min: 0.0, max: seconds, marks }
}

/// Latencies on a logarithmic axis, in `log10` of microseconds.
pub(super) fn latency(values: impl Iterator<Item = f64>) -> Axis {
    let usable = values.filter(|v| v.is_finite() && *v > 0.0);
    let (low, high) = usable.fold((f64::INFINITY, 0.0f64), |(low, high), v| (low.min(v), high.max(v)));
    let (low, high) = if low.is_finite() { (low, high.max(low * 1.5)) } else { (100.0, 1e6) };
    let all: Vec<f64> = (-1..=10).flat_map(|p| [1.0, 2.0, 5.0].map(|m| m * 10f64.powi(p))).collect();
    let below = all.iter().rev().copied().find(|&v| v <= low).unwrap_or(low);
    let above = all.iter().copied().find(|&v| v >= high).unwrap_or(high);
    let mut inside: Vec<f64> = all.into_iter().filter(|&v| v >= below && v <= above).collect();
    if inside.len() > 9 {
        inside.retain(|&v| is_power_of_ten(v));
    }
    let marks = inside.into_iter().map(|v| (v.log10(), mark(v))).collect();
    Axis { min: below.log10(), max: above.log10(), marks }
}

fn is_power_of_ten(value: f64) -> bool {
    (value.log10() - value.log10().round()).abs() < 1e-9
}

/// A round latency without decimals: `5 ms`.
fn mark(us: f64) -> String {
    match us {
        u if u < 999.0 => format!("{u} µs"),
        u if u < 999_000.0 => format!("{} ms", u / 1e3),
        u => format!("{} s", u / 1e6),
    }
}

/// Quantiles on the axis of `-log10(1 - q)`: equal steps from 0 over 90 % to 99 % and on.
pub(super) fn quantile(highest: f64) -> Axis {
    let all = [
        (0.0, "0"),
        (0.5, "50 %"),
        (0.9, "90 %"),
        (0.99, "99 %"),
        (0.999, "99.9 %"),
        (0.9999, "99.99 %"),
        (0.99999, "99.999 %"),
    ];
    let max = nines(highest.clamp(0.9, 0.999_999));
    let marks =
        all.into_iter().map(|(q, l)| (nines(q), l.to_owned())).filter(|(at, _)| *at <= max + 1e-9).collect();
    Axis { min: 0.0, max, marks }
}

/// `-log10(1 - q)`: 1 for 90 %, 2 for 99 %.
pub(super) fn nines(q: f64) -> f64 {
    -(1.0 - q).log10() + 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(axis: &Axis, expected: &str) {
        let labels: Vec<&str> = axis.marks.iter().map(|(_, label)| label.as_str()).collect();
        assert_eq!(labels.join(" | "), expected);
        assert!(axis.marks.iter().all(|(at, _)| *at >= axis.min - 1e-9 && *at <= axis.max + 1e-9));
    }

    #[test]
    fn marks_are_round() {
        check(&linear(430.0, 4, number::rate), "0/s | 200/s | 400/s | 600/s");
        check(&linear(0.0, 4, |v| v.to_string()), "0 | 0.25 | 0.5 | 0.75 | 1");
        check(&time(120.0, 5), "0 s | 30 s | 1 min | 1 min 30 s | 2 min");
        check(&time(90_000.0, 5), "0 s | 5 h | 10 h | 15 h | 20 h | 25 h");
        check(&latency([3_100.0, 18_000.0].into_iter()), "2 ms | 5 ms | 10 ms | 20 ms");
        check(&latency([90.0, 9e6].into_iter()), "100 µs | 1 ms | 10 ms | 100 ms | 1 s | 10 s");
        check(&latency(std::iter::empty()), "100 µs | 1 ms | 10 ms | 100 ms | 1 s");
        check(&quantile(0.999), "0 | 50 % | 90 % | 99 % | 99.9 %");
    }
}
