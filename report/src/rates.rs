//! Limits for shares and their differences: Wilson's for one share, Newcombe's for two, paired and not
//! (Newcombe, Statistics in Medicine 17, 1998: methods 10 of both papers).
//!
//! Where there is no event at all the limit is the exact one, `1 - alpha^(1/n)`, about `3/n` at 5 %: Wilson's is
//! smaller there, and zero events in few exchanges must not pass for evidence.

use crate::stats::student::normal;

/// Events among independent observations. Both may be fractions: counts divided by a design effect.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Count {
    pub(crate) events: f64,
    pub(crate) of: f64,
}

impl Count {
    /// The share; 0 of nothing.
    pub(crate) fn share(self) -> f64 {
        if self.of > 0.0 { self.events / self.of } else { 0.0 }
    }

    /// The same share of `factor` times as many.
    pub(crate) fn times(self, factor: f64) -> Count {
        Count { events: self.events * factor, of: (self.of * factor).min(f64::MAX) }
    }
}

/// A two-sided interval of two one-sided limits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Limits {
    pub(crate) lower: f64,
    pub(crate) upper: f64,
}

/// Wilson's limits of a share, each at one-sided level `alpha`.
pub(crate) fn wilson(count: Count, alpha: f64) -> Limits {
    if count.of <= 0.0 {
        return Limits { lower: 0.0, upper: 1.0 };
    }
    let (p, n, z) = (count.share(), count.of, normal(1.0 - alpha));
    let centre = p + z * z / (2.0 * n);
    let spread = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).max(0.0).sqrt();
    let scale = 1.0 + z * z / n;
    let exact = 1.0 - alpha.powf(1.0 / n);
    let lower = if count.events <= 0.0 { 0.0 } else { (centre - spread) / scale };
    let upper = if count.events >= n { 1.0 } else { (centre + spread) / scale };
    // The exact limit holds from one event on downwards, so that it joins Wilson's without a step.
    let upper = if count.events < 1.0 { upper.max(exact) } else { upper };
    let lower = if n - count.events < 1.0 { lower.min(1.0 - exact) } else { lower };
    Limits { lower: lower.clamp(0.0, p), upper: upper.clamp(p, 1.0) }
}

/// Newcombe's limits of `first - second` for independent shares.
pub(crate) fn difference(first: Count, second: Count, alpha: f64) -> Limits {
    square_and_add(first, second, 0.0, alpha)
}

/// Pairs by which of the two sides had the event.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Pairs {
    pub(crate) both: f64,
    pub(crate) first_only: f64,
    pub(crate) second_only: f64,
    pub(crate) neither: f64,
}

impl Pairs {
    pub(crate) fn total(self) -> f64 {
        self.both + self.first_only + self.second_only + self.neither
    }

    pub(crate) fn first(self) -> Count {
        Count { events: self.both + self.first_only, of: self.total() }
    }

    pub(crate) fn second(self) -> Count {
        Count { events: self.both + self.second_only, of: self.total() }
    }

    /// The same shares of `total` pairs.
    pub(crate) fn scaled_to(self, total: f64) -> Pairs {
        let factor = if self.total() > 0.0 { total / self.total() } else { 0.0 };
        Pairs {
            both: self.both * factor,
            first_only: self.first_only * factor,
            second_only: self.second_only * factor,
            neither: self.neither * factor,
        }
    }

    /// The correlation of the two sides, with Newcombe's continuity correction.
    fn correlation(self) -> f64 {
        let (a, b, c, d) = (self.both, self.first_only, self.second_only, self.neither);
        let margins = (a + b) * (c + d) * (a + c) * (b + d);
        let cross = a * d - b * c;
        let corrected = if cross > 0.0 { (cross - self.total() / 2.0).max(0.0) } else { cross };
        if margins > 0.0 { corrected / margins.sqrt() } else { 0.0 }
    }
}

/// Newcombe's limits of `first - second` for shares of the same pairs.
pub(crate) fn paired_difference(pairs: Pairs, alpha: f64) -> Limits {
    square_and_add(pairs.first(), pairs.second(), pairs.correlation(), alpha)
}

fn square_and_add(first: Count, second: Count, correlation: f64, alpha: f64) -> Limits {
    let (one, two) = (wilson(first, alpha), wilson(second, alpha));
    let (p1, p2) = (first.share(), second.share());
    let add = |x: f64, y: f64| (x * x - 2.0 * correlation * x * y + y * y).max(0.0).sqrt();
    Limits {
        lower: (p1 - p2 - add(p1 - one.lower, two.upper - p2)).max(-1.0),
        upper: (p1 - p2 + add(one.upper - p1, p2 - two.lower)).min(1.0),
    }
}

/// The smallest level at which the lower limit reaches `margin`: the p-value of "not beyond the margin".
pub(crate) fn p_beyond(margin: f64, lower_at: impl Fn(f64) -> f64) -> f64 {
    const STRICTEST: f64 = 1e-12;
    if lower_at(STRICTEST) > margin {
        return STRICTEST;
    }
    if lower_at(0.5) <= margin {
        return 1.0;
    }
    // By bisection on the level's logarithm: the lower limit rises with the level.
    let (mut low, mut high) = (STRICTEST.ln(), 0.5_f64.ln());
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if lower_at(middle.exp()) > margin { high = middle } else { low = middle }
    }
    high.exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 6e-5, "{found} is not {expected}");
    }

    #[test]
    fn wilson_agrees_with_newcombes_table() {
        // Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I, method 3: 95 %.
        for (events, of, lower, upper) in
            [(81.0, 263.0, 0.2553, 0.3662), (15.0, 148.0, 0.0624, 0.1605), (1.0, 29.0, 0.0061, 0.1718)]
        {
            let limits = wilson(Count { events, of }, 0.025);
            close(limits.lower, lower);
            close(limits.upper, upper);
        }
    }

    #[test]
    fn zero_events_leave_three_in_n() {
        for n in [1.0, 10.0, 3000.0] {
            let limits = wilson(Count { events: 0.0, of: n }, 0.05);
            close(limits.upper, 1.0 - 0.05_f64.powf(1.0 / n));
            close(limits.lower, 0.0);
        }
        let upper = |n| difference(Count { events: 0.0, of: n }, Count { events: 0.0, of: n }, 0.05).upper;
        assert!(upper(2990.0) > 0.001 && upper(3000.0) < 0.001);
    }

    #[test]
    fn independent_difference_agrees_with_newcombes_table() {
        // Newcombe 1998, "Interval estimation for the difference between independent proportions", table II, method 10.
        for (a, m, b, n, lower, upper) in
            [(56.0, 70.0, 48.0, 80.0, 0.0524, 0.3339), (9.0, 10.0, 3.0, 10.0, 0.1705, 0.8090)]
        {
            let limits = difference(Count { events: a, of: m }, Count { events: b, of: n }, 0.025);
            close(limits.lower, lower);
            close(limits.upper, upper);
        }
    }

    #[test]
    fn paired_difference_agrees_with_newcombes_table() {
        // Newcombe 1998, "Improved confidence intervals for the difference between binomial proportions based on
        // paired data", table III, method 10: e, f, g, h as here.
        for (both, first_only, second_only, neither, lower, upper) in
            [(36.0, 12.0, 2.0, 0.0, 0.0569, 0.3404), (20.0, 12.0, 2.0, 16.0, 0.0562, 0.3292)]
        {
            let limits = paired_difference(Pairs { both, first_only, second_only, neither }, 0.025);
            close(limits.lower, lower);
            close(limits.upper, upper);
        }
    }

    #[test]
    fn the_p_value_is_where_the_limit_meets_the_margin() {
        let lower = |alpha| wilson(Count { events: 50.0, of: 1000.0 }, alpha).lower;
        close(p_beyond(lower(0.03), lower), 0.03);
        close(p_beyond(0.9, lower), 1.0);
        assert!(p_beyond(0.0, lower) < 1e-9);
    }

    #[test]
    fn limits_are_in_order_for_any_counts() {
        for n in [0.0, 0.5, 1.0, 7.0, 1e9] {
            for share in [0.0, 0.1, 0.5, 1.0] {
                for other in [0.0, 0.3, 1.0] {
                    let (a, b) = (Count { events: share * n, of: n }, Count { events: other * n, of: n });
                    let limits = difference(a, b, 0.05);
                    assert!(
                        limits.lower <= limits.upper && limits.lower >= -1.0 && limits.upper <= 1.0,
                        "{limits:?}"
                    );
                }
            }
        }
    }
}
