//! The endpoints of a corpus that is being written: counted as they stream, learned at the seal.

use super::error::FormatError;
use super::index::{EndpointCount, SegmentIndex};
use super::segment::{SegmentWriter, listed};
use crate::endpoint::{EndpointLearner, EndpointTable};
use crate::manifest::CorpusSeal;
use std::collections::HashMap;

/// Streaming templates that are remembered for the seal's list of segments; a segment with another one is
/// listed as having any endpoint.
const REMEMBERED: usize = 1 << 14;
/// Templates of one segment above which its list is not remembered.
const PER_SEGMENT: usize = 256;

/// What is known of the endpoints so far.
#[derive(Default)]
pub(super) struct EndpointMemory {
    /// Numbers of the open segment's templates.
    open: HashMap<String, u32>,
    learner: EndpointLearner,
    names: Vec<String>,
    numbers: HashMap<String, u32>,
    segments: Vec<Option<Vec<u32>>>,
}

impl EndpointMemory {
    /// The number of `template` in the open segment, counted once more in `counts`.
    pub(super) fn count(&mut self, template: String, counts: &mut Vec<EndpointCount>) -> u32 {
        if let Some(&number) = self.open.get(&template) {
            counts[number as usize].count += 1;
            return number;
        }
        let number = u32::try_from(counts.len()).expect("a segment has at most 65,536 records");
        counts.push(EndpointCount { name: template.clone(), count: 1 });
        self.open.insert(template, number);
        number
    }

    /// Learns from a segment that has ended.
    pub(super) fn segment_ended(&mut self, index: &SegmentIndex) {
        for endpoint in &index.endpoints {
            self.learner.add(&endpoint.name, endpoint.count);
        }
        let few = index.endpoints.len() <= PER_SEGMENT;
        let numbers =
            few.then(|| index.endpoints.iter().map(|endpoint| self.number(&endpoint.name)).collect());
        self.segments.push(numbers.flatten());
        self.open.clear();
    }

    fn number(&mut self, name: &str) -> Option<u32> {
        if let Some(number) = self.numbers.get(name) {
            return Some(*number);
        }
        if self.names.len() >= REMEMBERED {
            return None;
        }
        let number = u32::try_from(self.names.len()).ok()?;
        self.names.push(name.to_owned());
        self.numbers.insert(name.to_owned(), number);
        Some(number)
    }

    /// Ends the file: final endpoints, of each segment too.
    pub(super) fn seal(self, mut segments: SegmentWriter, seal: &CorpusSeal) -> Result<(), FormatError> {
        let table = self.learner.learn();
        let finals: Vec<Option<u32>> =
            self.names.iter().map(|name| table.resolve(name).map(|id| id.0)).collect();
        for (entry, numbers) in segments.segments_mut().iter_mut().zip(&self.segments) {
            let resolve = |number: &u32| finals.get(*number as usize).copied().flatten();
            let ids =
                numbers.as_ref().and_then(|numbers| numbers.iter().map(resolve).collect::<Option<Vec<_>>>());
            entry.endpoints = ids.and_then(listed);
        }
        segments.seal(seal, counts(&table))
    }
}

fn counts(table: &EndpointTable) -> Vec<EndpointCount> {
    table.iter().map(|(_, name, count)| EndpointCount { name: name.to_owned(), count }).collect()
}
