//! Which pairs stand for a group: the first, the smallest, two drawn, the last.

use super::excerpt::MAX_EXCERPT;
use super::sketch::spread;
use super::{Choice, Example, Excerpt};
use crate::compare::{Comparison, Difference, Locus};
use crate::noise::PairContext;

/// Bytes of a target that are kept.
const MAX_TARGET: usize = 512;
/// Bytes of an excerpt where examples are many.
const FEW_BYTES: usize = 256;
/// Pairs drawn at random.
const DRAWN: usize = 2;

/// How much may be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    /// Five pairs with full excerpts.
    Ample,
    /// The first pair with short excerpts.
    Scarce,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Weight(u64);

/// The examples of one group so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Examples {
    first: Option<Example>,
    smallest: Option<(Weight, Example)>,
    drawn: Vec<(u64, Example)>,
    last: Option<Example>,
}

impl Examples {
    /// Offers a pair; it is kept where it is a better example than one that is held.
    pub(crate) fn offer(
        &mut self,
        room: Room,
        context: &PairContext<'_>,
        comparison: &Comparison<'_>,
        difference: &Difference,
    ) {
        let example = |choice, room| make(choice, room, context, comparison, difference);
        if self.first.is_none() {
            let bytes = if room == Room::Ample { MAX_EXCERPT } else { FEW_BYTES };
            self.first = Some(example(Choice::First, bytes));
            return;
        }
        if room == Room::Scarce {
            return;
        }
        let size = Weight((comparison.baseline_body.len() + comparison.candidate_body.len()) as u64);
        if self.smallest.as_ref().is_none_or(|(held, _)| size < *held) {
            self.smallest = Some((size, example(Choice::Smallest, MAX_EXCERPT)));
        }
        let draw = spread(context.seq.0);
        if self.drawn.len() < DRAWN || self.drawn.last().is_some_and(|(held, _)| draw < *held) {
            let at = self.drawn.partition_point(|(held, _)| *held < draw);
            self.drawn.insert(at, (draw, example(Choice::Drawn, MAX_EXCERPT)));
            self.drawn.truncate(DRAWN);
        }
        self.last = Some(example(Choice::Last, MAX_EXCERPT));
    }

    /// Each pair once, at most five.
    pub(crate) fn into_list(self) -> Vec<Example> {
        let smallest = self.smallest.map(|(_, example)| example);
        let drawn = self.drawn.into_iter().map(|(_, example)| example);
        let mut list: Vec<Example> = Vec::new();
        for example in self.first.into_iter().chain(smallest).chain(drawn).chain(self.last) {
            if list.iter().all(|held| held.seq != example.seq) {
                list.push(example);
            }
        }
        list
    }
}

fn make(
    choice: Choice,
    room: usize,
    context: &PairContext<'_>,
    comparison: &Comparison<'_>,
    difference: &Difference,
) -> Example {
    let (baseline, candidate) = match &difference.locus {
        Locus::Text { baseline, candidate } => {
            (Excerpt::value(baseline.as_deref()), Excerpt::value(candidate.as_deref()))
        }
        Locus::Body { baseline: a, candidate: b } => (
            Excerpt::around(&comparison.baseline_body, a.as_ref(), b.as_ref(), room),
            Excerpt::around(&comparison.candidate_body, b.as_ref(), a.as_ref(), room),
        ),
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_TARGET)]).into_owned();
    Example {
        exchange: context.exchange,
        seq: context.seq,
        at: context.at,
        method: text(context.method),
        target: text(context.target),
        choice,
        baseline,
        candidate,
    }
}
