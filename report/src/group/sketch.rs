//! A bounded sketch of a set: how many distinct members it has, and how alike two sets are.
//!
//! Keeps the smallest hashes (Bar-Yossef et al., "Counting Distinct Elements in a Data Stream", 2002; Broder,
//! "On the resemblance and containment of documents", 1997). Exact while the set has no more members than
//! the sketch.

/// Hashes kept: estimates are within about 9 % (one standard error).
const SIZE: usize = 128;

/// The smallest hashes of a set's members, ascending.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Sketch {
    smallest: Vec<u64>,
    is_full: bool,
}

/// Spreads a member over all 64 bits (the finalizer of SplitMix64).
pub(crate) fn spread(member: u64) -> u64 {
    let mut hash = member.wrapping_add(0x9e37_79b9_7f4a_7c15);
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

impl Sketch {
    /// Adds a member.
    pub(crate) fn insert(&mut self, member: u64) {
        self.insert_hash(spread(member));
    }

    /// Adds the members of another set.
    pub(crate) fn merge(&mut self, other: &Sketch) {
        other.smallest.iter().for_each(|hash| self.insert_hash(*hash));
        self.is_full |= other.is_full;
    }

    fn insert_hash(&mut self, hash: u64) {
        if self.smallest.len() == SIZE && self.smallest.last().is_some_and(|largest| hash > *largest) {
            self.is_full = true;
            return;
        }
        let Err(at) = self.smallest.binary_search(&hash) else { return };
        self.smallest.insert(at, hash);
        if self.smallest.len() > SIZE {
            self.smallest.truncate(SIZE);
            self.is_full = true;
        }
    }

    /// The number of distinct members.
    pub(crate) fn distinct(&self) -> u64 {
        match self.smallest.last() {
            Some(largest) if self.is_full => {
                let covered = *largest as f64 / u64::MAX as f64;
                ((SIZE as f64 - 1.0) / covered) as u64
            }
            _ => self.smallest.len() as u64,
        }
    }

    /// The share of members of either set that are in both (Jaccard).
    pub(crate) fn likeness(&self, other: &Sketch) -> f64 {
        let (mut a, mut b) = (self.smallest.iter().peekable(), other.smallest.iter().peekable());
        let (mut either, mut both) = (0_u32, 0_u32);
        while (either as usize) < SIZE {
            match (a.peek(), b.peek()) {
                (Some(x), Some(y)) if x == y => {
                    both += 1;
                    a.next();
                    b.next();
                }
                (Some(x), Some(y)) if x < y => drop(a.next()),
                (_, Some(_)) => drop(b.next()),
                (Some(_), None) => drop(a.next()),
                (None, None) => break,
            }
            either += 1;
        }
        if either == 0 { 1.0 } else { f64::from(both) / f64::from(either) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sketch(members: impl Iterator<Item = u64>) -> Sketch {
        let mut sketch = Sketch::default();
        members.for_each(|member| sketch.insert(member));
        sketch
    }

    #[track_caller]
    fn check(a: std::ops::Range<u64>, b: std::ops::Range<u64>, expected: f64, within: f64) {
        let found = sketch(a).likeness(&sketch(b));
        assert!((found - expected).abs() <= within, "{found}");
    }

    #[test]
    fn likeness_is_near() {
        check(0..100, 0..100, 1.0, 0.0);
        check(0..60, 30..90, 30.0 / 90.0, 0.0);
        check(0..10_000, 0..10_000, 1.0, 0.0);
        check(0..10_000, 5_000..15_000, 1.0 / 3.0, 0.15);
        check(0..10, 10..20, 0.0, 0.0);
        check(0..0, 0..5, 0.0, 0.0);
    }

    #[test]
    fn distinct_members_are_counted() {
        assert_eq!(sketch((0..128).chain(0..128)).distinct(), 128);
        let many = sketch(0..100_000).distinct();
        assert!((70_000..130_000).contains(&many), "{many}");
    }
}
