//! What is where: the index of a segment, and the seal's index of segments.
//!
//! An index is a shortcut and a list of names: everything in it can be found again by walking the frames.

use serde::{Deserialize, Serialize};

/// The payload of an index frame: the end of a segment.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct SegmentIndex {
    /// Body blocks, in file order.
    pub(super) bodies: Vec<BodyBlockMeta>,
    /// Record blocks, in file order.
    pub(super) records: Vec<RecordBlockMeta>,
    /// Names of the endpoints that the record blocks count (streaming templates), in order of appearance.
    pub(super) endpoints: Vec<EndpointCount>,
}

impl SegmentIndex {
    /// The number of endpoint `name`, counted once more. For indices that are built again: writers keep a map.
    pub(super) fn endpoint(&mut self, name: &str) -> u32 {
        let at = self.endpoints.iter().position(|endpoint| endpoint.name == name);
        let at = at.unwrap_or_else(|| {
            self.endpoints.push(EndpointCount { name: name.to_owned(), count: 0 });
            self.endpoints.len() - 1
        });
        self.endpoints[at].count += 1;
        u32::try_from(at).expect("a block has fewer endpoints than bytes")
    }
}

/// One streaming template and its exchanges in this segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct EndpointCount {
    pub(super) name: String,
    pub(super) count: u64,
}

/// Where a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Place {
    /// From the start of the file, in bytes.
    pub(super) offset: u64,
    /// Its sequence number.
    pub(super) seq: u64,
}

/// One body block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct BodyBlockMeta {
    pub(super) place: Place,
    /// The first body of which it holds a piece.
    pub(super) first: u32,
    /// How many bodies it holds pieces of.
    pub(super) pieces: u32,
}

/// One record block.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct RecordBlockMeta {
    pub(super) place: Place,
    /// Records in it.
    pub(super) records: u32,
    /// The lowest and the highest key: request times of a corpus, places in the plan of a run.
    pub(super) keys: Option<(u64, u64)>,
    /// Corpus: its exchanges, in order.
    pub(super) ids: Vec<[u8; 8]>,
    /// Corpus: the exchanges of which it holds the late response.
    pub(super) late: Vec<[u8; 8]>,
    /// Corpus: its endpoints, indices into [`SegmentIndex::endpoints`], ascending.
    pub(super) endpoints: Vec<u32>,
}

impl RecordBlockMeta {
    pub(super) fn at(place: Place) -> RecordBlockMeta {
        RecordBlockMeta {
            place,
            records: 0,
            keys: None,
            ids: Vec::new(),
            late: Vec::new(),
            endpoints: Vec::new(),
        }
    }
}

/// One segment, as the seal lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SegmentEntry {
    /// Its number, from 0.
    pub(super) number: u32,
    /// Its first frame.
    pub(super) start: Place,
    /// Its index frame, which is its last; absent where the file ends inside the segment.
    pub(super) index: Option<Place>,
    /// The first byte behind it.
    pub(super) end: u64,
    /// Exchanges, or records of a run.
    pub(super) records: u64,
    /// Late responses.
    pub(super) late: u64,
    /// The lowest and the highest key in it.
    pub(super) keys: Option<(u64, u64)>,
    /// The final endpoints in it, ascending; `None` where they are too many to list.
    pub(super) endpoints: Option<Vec<u32>>,
}

/// The part of a seal that corpus and run share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct SealIndex {
    /// Frames before the seal.
    pub(super) frames: u64,
    /// BLAKE3 of every byte before the seal.
    pub(super) digest: [u8; 32],
    /// Segments, in file order.
    pub(super) segments: Vec<SegmentEntry>,
    /// Corpus: the final endpoints with their exchanges.
    pub(super) endpoints: Vec<EndpointCount>,
    /// The payload of the header frame again, for a file whose beginning is damaged.
    #[serde(with = "serde_bytes")]
    pub(super) header: Vec<u8>,
}

/// Widens `keys` so that it holds `key`.
pub(super) fn widen(keys: &mut Option<(u64, u64)>, key: u64) {
    *keys = Some(keys.map_or((key, key), |(low, high)| (low.min(key), high.max(key))));
}
