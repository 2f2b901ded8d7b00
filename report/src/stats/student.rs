//! Student and normal quantiles.

use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

/// The quantile `p` of Student's distribution.
pub(crate) fn quantile(p: f64, freedom: f64) -> f64 {
    StudentsT::new(0.0, 1.0, freedom).map_or(f64::INFINITY, |t| t.inverse_cdf(p))
}

/// The probability of a value above `t`.
pub(crate) fn above(t: f64, freedom: f64) -> f64 {
    StudentsT::new(0.0, 1.0, freedom).map_or(1.0, |distribution| distribution.sf(t))
}

/// The quantile `p` of the standard normal distribution.
pub(crate) fn normal(p: f64) -> f64 {
    Normal::new(0.0, 1.0).map_or(f64::INFINITY, |normal| normal.inverse_cdf(p))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_printed_tables() {
        for (p, freedom, expected) in
            [(0.95, 7.0, 1.8946), (0.95, 19.0, 1.7291), (0.975, 10.0, 2.2281), (0.99, 3.0, 4.5407)]
        {
            assert!((quantile(p, freedom) - expected).abs() < 1e-4, "{p} {freedom}");
            assert!((above(expected, freedom) - (1.0 - p)).abs() < 1e-4, "{p} {freedom}");
        }
        assert!((normal(0.95) - 1.644_854).abs() < 1e-6);
    }
}
