//! Correlation from second to second: what it takes from the information of a series.

/// How a series of one value a second is correlated with itself one second later.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Serial {
    /// Bias-corrected lag-1 autocorrelation where it is visible, else 0; at most 0.95.
    pub(crate) correlation: f64,
    /// `(1 + f) / (1 - f)`: how much larger the variance of a mean is.
    pub(crate) inflation: f64,
    /// Seconds, divided by the inflation.
    pub(crate) effective: f64,
}

/// Measures `series`. Visible is what exceeds `2 / sqrt(n)`; the correction is Kendall's.
pub(crate) fn measure(series: &[f64]) -> Serial {
    #[expect(clippy::cast_precision_loss, reason = "a count of seconds")]
    let n = series.len() as f64;
    let correlation = lag_one(series, n).filter(|f| *f > 2.0 / n.sqrt()).map_or(0.0, |f| corrected(f, n));
    let inflation = (1.0 + correlation) / (1.0 - correlation);
    Serial { correlation, inflation, effective: n / inflation }
}

fn corrected(f: f64, n: f64) -> f64 {
    if n > 3.0 { ((f * n + 1.0) / (n - 3.0)).clamp(0.0, 0.95) } else { 0.95 }
}

fn lag_one(series: &[f64], n: f64) -> Option<f64> {
    let mean = series.iter().sum::<f64>() / n;
    let variance = series.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
    let lagged = series.windows(2).map(|pair| (pair[0] - mean) * (pair[1] - mean)).sum::<f64>() / n;
    // Below this, what varies is the rounding of the mean.
    (series.len() > 3 && variance > 1e-18).then(|| lagged / variance)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::draw::Draw;

    #[test]
    fn finds_a_correlation_of_eight_tenths_and_none_where_there_is_none() {
        let mut draw = Draw::new(3);
        let mut noise =
            || (0..12).map(|_| f64::from((draw.bits() >> 40) as u32) / 16_777_216.0).sum::<f64>() - 6.0;
        let white: Vec<f64> = (0..300).map(|_| noise()).collect();
        let mut x = 0.0;
        let red: Vec<f64> = (0..300)
            .map(|_| {
                x = 0.8 * x + noise();
                x
            })
            .collect();
        assert!(measure(&white).correlation < 0.2, "{:?}", measure(&white));
        let found = measure(&red);
        assert!((0.7..0.9).contains(&found.correlation), "{found:?}");
        assert!(found.effective < 60.0, "{found:?}");
    }

    #[test]
    fn constant_and_short_series_are_defined() {
        for series in [&[][..], &[1.0], &[1.0, 1.0, 1.0, 1.0, 1.0], &[100.0_f64.ln(); 30]] {
            let found = measure(series);
            assert!(found.correlation.abs() < 1e-12 && !found.effective.is_nan(), "{found:?}");
        }
    }
}
