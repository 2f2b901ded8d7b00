//! Holm's step-down method: which of several hypotheses fall, at one error level for all
//! (Scandinavian Journal of Statistics 6, 1979).

/// For each p-value, whether its hypothesis is rejected at level `alpha` over all. A missing value never is, and
/// counts as a hypothesis.
pub(crate) fn rejected(p_values: &[Option<f64>], alpha: f64) -> Vec<bool> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    let rank = |index: &usize| p_values[*index].filter(|p| p.is_finite()).unwrap_or(2.0);
    order.sort_by(|a, b| rank(a).total_cmp(&rank(b)));
    let mut decisions = vec![false; p_values.len()];
    for (place, index) in order.iter().enumerate() {
        #[expect(clippy::cast_precision_loss, reason = "a count of metrics")]
        let left = (p_values.len() - place) as f64;
        if rank(index) > alpha / left {
            break;
        }
        decisions[*index] = true;
    }
    decisions
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(p_values: &[Option<f64>], expected: &[bool]) {
        assert_eq!(rejected(p_values, 0.05), expected, "{p_values:?}");
    }

    #[test]
    fn steps_down_and_stops_at_the_first_that_stands() {
        check(&[], &[]);
        check(&[Some(0.04)], &[true]);
        check(&[Some(0.04), Some(0.9)], &[false, false]);
        check(&[Some(0.01), Some(0.04), Some(0.03), Some(0.005)], &[true, false, false, true]);
        check(&[Some(0.03), None], &[false, false]);
        check(&[Some(0.02), Some(0.03)], &[true, true]);
        check(&[Some(f64::NAN), Some(0.001)], &[false, true]);
    }
}
