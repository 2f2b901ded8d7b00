//! Counting distinct ids in bounded memory: exact up to a bound, then by the k smallest hashes
//! (Bar-Yossef et al., RANDOM 2002), within about 1 %.

use super::draw::mix;
use std::collections::BTreeSet;

/// How many ids are told apart exactly.
const EXACT: usize = 16_384;

/// A set of ids of which only the size is asked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Distinct {
    smallest: BTreeSet<u64>,
    overflowed: bool,
}

impl Distinct {
    /// Adds an id.
    pub(crate) fn add(&mut self, id: u64) {
        self.add_hash(mix(id ^ 0x5bf0_3635_dcd1_6f1b));
    }

    /// Adds every id of `other`.
    pub(crate) fn absorb(&mut self, other: &Distinct) {
        self.overflowed |= other.overflowed;
        other.smallest.iter().for_each(|hash| self.add_hash(*hash));
    }

    fn add_hash(&mut self, hash: u64) {
        if self.smallest.len() == EXACT {
            let largest = self.smallest.last().copied().unwrap_or(u64::MAX);
            if hash >= largest {
                self.overflowed |= hash > largest;
                return;
            }
            if self.smallest.insert(hash) {
                self.smallest.pop_last();
                self.overflowed = true;
            }
            return;
        }
        self.smallest.insert(hash);
    }

    /// How many there are.
    pub(crate) fn count(&self) -> u64 {
        let kept = self.smallest.len();
        match self.smallest.last() {
            #[expect(
                clippy::cast_precision_loss,
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "an estimate within 1 %"
            )]
            Some(largest) if self.overflowed => {
                ((kept as f64 - 1.0) / (*largest as f64 / u64::MAX as f64)).round() as u64
            }
            _ => kept as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(distinct: u64, copies: u64, tolerance: f64) {
        let mut set = Distinct::default();
        for _ in 0..copies {
            (0..distinct).for_each(|id| set.add(id));
        }
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let error = (set.count() as f64 - distinct as f64).abs() / (distinct as f64).max(1.0);
        assert!(error <= tolerance, "{distinct}: {}", set.count());
    }

    #[test]
    fn is_exact_to_its_bound_and_close_beyond() {
        check(0, 1, 0.0);
        check(1, 5, 0.0);
        check(16_384, 2, 0.0);
        check(16_385, 2, 0.03);
        check(300_000, 2, 0.03);
    }
}
