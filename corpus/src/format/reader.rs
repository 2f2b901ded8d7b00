//! Reading corpora: sealed or not, in bounded memory, past damage.

use super::codec;
use super::damage::Damage;
use super::error::{FileKind, FormatError, FormatErrorKind};
use super::exchanges::Exchanges;
use super::index::widen;
use super::layout::Layout;
use super::version::Version;
use super::view;
use crate::endpoint::{EndpointLearner, EndpointTable};
use crate::exchange::Exchange;
use crate::ids::EndpointId;
use crate::manifest::{CorpusHeader, CorpusSeal};
use crate::select::Selection;
use crate::time::CaptureTime;
use std::path::Path;
use std::sync::Arc;

/// Late responses that a reader joins; the memory they take while open is 16 bytes each.
const MAX_LATE: usize = 1 << 21;

/// An exchange as stored, with its endpoint in [`CorpusReader::endpoints`].
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// The exchange, its late response joined.
    pub exchange: Exchange,
    /// Its endpoint, learned templates applied.
    pub endpoint: EndpointId,
}

/// Whether bodies are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bodies {
    /// Their bytes are there.
    Load,
    /// Their bytes are left out; lengths and extents are right. The cheap pass.
    Skip,
}

/// What reading a whole corpus found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Exchanges that were read with their bodies.
    pub exchanges: u64,
    /// What is damaged.
    pub damage: Vec<Damage>,
}

/// A corpus file, opened.
#[derive(Debug)]
pub struct CorpusReader {
    inner: Arc<Inner>,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) layout: Layout,
    header: CorpusHeader,
    seal: Option<CorpusSeal>,
    pub(super) endpoints: EndpointTable,
    pub(super) late: Vec<LatePlace>,
    pub(super) late_left_out: u64,
}

/// Where the late response of an exchange is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LatePlace {
    pub(super) id: u64,
    pub(super) segment: u32,
    pub(super) block: u32,
}

impl CorpusReader {
    /// Opens a corpus, sealed or not. Nothing is repaired and nothing is written.
    ///
    /// # Errors
    /// Where the file is no corpus, is of a newer version, or holds nothing that can be read.
    pub fn open(path: &Path) -> Result<CorpusReader, FormatError> {
        let mut layout = Layout::open(path, FileKind::Corpus)?;
        let error =
            |what: &str| FormatError::new("open", path, FormatErrorKind::DamagedHeader(what.to_owned()));
        let header = codec::decode(&layout.header).map_err(|_| error("it is no manifest of a corpus"))?;
        let seal = layout.seal.as_ref().map(|seal| codec::decode_prefix(&seal.rest).map(|(seal, _)| seal));
        let seal = seal.transpose().map_err(|_| error("its seal is none of a corpus"))?;
        let endpoints = endpoints(&mut layout);
        let (late, late_left_out) = late_places(&mut layout);
        Ok(CorpusReader { inner: Arc::new(Inner { layout, header, seal, endpoints, late, late_left_out }) })
    }

    /// What the capture knew when it began.
    pub fn header(&self) -> &CorpusHeader {
        &self.inner.header
    }

    /// What the capture knew when it ended; `None` where the file is unsealed.
    pub fn seal(&self) -> Option<&CorpusSeal> {
        self.inner.seal.as_ref()
    }

    /// The file.
    pub fn path(&self) -> &Path {
        self.inner.layout.file.path()
    }

    /// The format version of the file.
    pub fn version(&self) -> Version {
        self.inner.layout.version
    }

    /// The endpoints, learned templates applied. Of an unsealed file: learned from what is there.
    pub fn endpoints(&self) -> &EndpointTable {
        &self.inner.endpoints
    }

    /// The digest of the file's content, in hex. Equal bytes have equal digests, whatever the file's name.
    pub fn digest(&self) -> String {
        blake3::Hash::from_bytes(self.inner.layout.digest).to_hex().to_string()
    }

    /// Exchanges in the file, so far as opening it showed.
    pub fn exchange_count(&self) -> u64 {
        self.inner.layout.segments.iter().map(|segment| segment.records).sum()
    }

    /// Segments in the file.
    pub fn segment_count(&self) -> u64 {
        self.inner.layout.segments.len() as u64
    }

    /// The capture's window, or the first and the last request where no seal tells it.
    pub fn window(&self) -> Option<(CaptureTime, CaptureTime)> {
        self.inner.seal.as_ref().and_then(|seal| seal.window).or_else(|| {
            let mut keys = None;
            for (low, high) in self.inner.layout.segments.iter().filter_map(|segment| segment.keys) {
                widen(&mut keys, low);
                widen(&mut keys, high);
            }
            keys.map(|(low, high)| (CaptureTime(low), CaptureTime(high)))
        })
    }

    /// What was found damaged on opening. Reading may find more.
    pub fn damage(&self) -> &[Damage] {
        &self.inner.layout.damage
    }

    /// Bytes of a write that was cut off, at the end of an unsealed file.
    pub fn torn_bytes(&self) -> u64 {
        self.inner.layout.torn
    }

    /// Reads everything there is and checks it: every frame, every record, every body, counts and digest.
    pub fn verify(&self) -> Verified {
        let mut damage = self.inner.layout.verify(FileKind::Corpus);
        let mut exchanges = 0;
        for item in self.exchanges(&Selection::all(), Bodies::Load) {
            match item {
                Ok(_) => exchanges += 1,
                Err(lost) if damage.contains(&lost) => {}
                Err(lost) => damage.push(lost),
            }
        }
        let expected = self.exchange_count();
        if damage.is_empty() && exchanges != expected {
            let reason = format!("the file has {exchanges} exchanges and says that it has {expected}");
            damage.push(Damage::at(0, reason).counting(expected.saturating_sub(exchanges)));
        }
        Verified { exchanges, damage }
    }

    /// The chosen exchanges, in the order of the file: that of their requests' first packets.
    ///
    /// Memory is bounded whatever the size of the file. After damage the iteration goes on.
    pub fn exchanges(&self, selection: &Selection, bodies: Bodies) -> Exchanges {
        Exchanges::new(Arc::clone(&self.inner), selection.clone(), bodies)
    }
}

/// The final endpoints: those of the seal, or learned from the segments' indices.
fn endpoints(layout: &mut Layout) -> EndpointTable {
    if let Some(seal) = &layout.seal {
        let counts = seal.index.endpoints.iter().map(|endpoint| (endpoint.name.clone(), endpoint.count));
        return EndpointTable::new(counts.collect());
    }
    let mut learner = EndpointLearner::new();
    for segment in &layout.segments {
        let index = view::load_index(&layout.file, FileKind::Corpus, segment, &mut Vec::new());
        index.endpoints.iter().for_each(|endpoint| learner.add(&endpoint.name, endpoint.count));
    }
    learner.learn()
}

fn late_places(layout: &mut Layout) -> (Vec<LatePlace>, u64) {
    let (mut places, mut left_out) = (Vec::new(), 0);
    for segment in layout.segments.iter().filter(|segment| segment.late > 0) {
        let index = view::load_index(&layout.file, FileKind::Corpus, segment, &mut Vec::new());
        for (block, meta) in (0_u32..).zip(&index.records) {
            for id in &meta.late {
                if places.len() < MAX_LATE {
                    places.push(LatePlace { id: u64::from_le_bytes(*id), segment: segment.number, block });
                } else {
                    left_out += 1;
                }
            }
        }
    }
    places.sort_unstable();
    places.dedup_by_key(|place| place.id);
    (places, left_out)
}
