//! Writing packed corpora: bodies once in all, grouped by endpoint, best compression.
//!
//! A segment holds a window of exchanges. Its new bodies are sorted by endpoint and side, so that what is
//! alike is compressed together; bodies that an earlier segment has are referred to there. Invariant: memory
//! is one window, and a table of the digests of bodies.

use super::endpoints::EndpointMemory;
use super::error::{FileKind, FormatError};
use super::exchange_block::{ExchangeBlock, Naming};
use super::output::Overwrite;
use super::reader::Stored;
use super::record::{BodyRef, StoredBodies};
use super::segment::{Blocks, SEGMENT_RECORDS, SegmentWriter};
use crate::exchange::Exchange;
use crate::ids::EndpointId;
use crate::manifest::{CorpusHeader, CorpusSeal};
use bytes::Bytes;
use std::collections::HashMap;
use std::path::Path;

/// The best compression that needs no more than some MiB of memory to unpack.
const BEST: i32 = 19;
/// Bytes of bodies and heads in a window. With its records a segment stays below the format's 32 MiB.
const WINDOW: usize = 20 << 20;
/// Blocks: larger ones compress better and cost more where one is damaged.
const BLOCKS: Blocks = Blocks { bodies: 4 << 20, records: 2 << 20 };
/// Records of one block: what is read to find one moment, and what one flipped bit costs.
const BLOCK_RECORDS: u64 = 1 << 14;
/// Bodies that are remembered to be referred to; later ones are stored again where they come again.
const REMEMBERED: usize = 1 << 20;

type BodyDigest = [u8; 32];

/// Appends exchanges to a packed corpus.
pub(crate) struct PackedWriter {
    segments: SegmentWriter,
    endpoints: EndpointMemory,
    window: Vec<Waiting>,
    window_bytes: usize,
    fresh: HashMap<BodyDigest, Fresh>,
    stored: HashMap<BodyDigest, (u32, u32)>,
}

/// An exchange of the window; its bodies are in the tables.
struct Waiting {
    exchange: Exchange,
    request: Option<Taken>,
    response: Option<Taken>,
}

/// A body that was taken out of its exchange.
#[derive(Debug, Clone, Copy)]
struct Taken {
    digest: BodyDigest,
    len: u64,
}

/// A body that no segment has yet.
struct Fresh {
    group: (EndpointId, Side),
    order: usize,
    bytes: Bytes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    Request,
    Response,
}

impl PackedWriter {
    pub(crate) fn create(
        path: &Path,
        header: &CorpusHeader,
        overwrite: Overwrite,
    ) -> Result<PackedWriter, FormatError> {
        let mut segments = SegmentWriter::create(path, FileKind::Corpus, header, overwrite, BEST)?;
        segments.set_blocks(BLOCKS);
        Ok(PackedWriter {
            segments,
            endpoints: EndpointMemory::default(),
            window: Vec::new(),
            window_bytes: 0,
            fresh: HashMap::new(),
            stored: HashMap::new(),
        })
    }

    pub(crate) fn append(&mut self, stored: Stored) -> Result<(), FormatError> {
        let Stored { mut exchange, endpoint } = stored;
        let request = self.body(&mut exchange.request.body.bytes, (endpoint, Side::Request));
        let response = exchange.response.as_mut();
        let response = response.and_then(|r| self.body(&mut r.body.bytes, (endpoint, Side::Response)));
        let headers = |headers: &wire::http1::Headers| headers.as_ref().byte_len() + 16 * headers.len();
        self.window_bytes += size_of::<Waiting>()
            + exchange.request.target.len()
            + headers(&exchange.request.headers)
            + exchange.response.as_ref().map_or(0, |response| headers(&response.headers));
        self.window.push(Waiting { exchange, request, response });
        if self.window_bytes >= WINDOW || self.window.len() as u64 >= SEGMENT_RECORDS {
            self.end_window()?;
        }
        Ok(())
    }

    /// Takes the bytes of a body out of its exchange, into the table where they are new.
    fn body(&mut self, bytes: &mut Bytes, group: (EndpointId, Side)) -> Option<Taken> {
        if bytes.is_empty() {
            return None;
        }
        let bytes = std::mem::take(bytes);
        let len = bytes.len() as u64;
        let digest = *blake3::hash(&bytes).as_bytes();
        if !self.stored.contains_key(&digest) && !self.fresh.contains_key(&digest) {
            self.window_bytes += bytes.len();
            let order = self.fresh.len();
            self.fresh.insert(digest, Fresh { group, order, bytes });
        }
        Some(Taken { digest, len })
    }

    fn end_window(&mut self) -> Result<(), FormatError> {
        let placed = self.store_fresh()?;
        let mut block = ExchangeBlock::new(Naming::Count);
        for waiting in std::mem::take(&mut self.window) {
            let bodies = StoredBodies {
                request: waiting.request.map(|taken| self.reference(&placed, taken)),
                response: waiting.response.map(|taken| self.reference(&placed, taken)),
            };
            block.exchange(&mut self.segments, &mut self.endpoints, &waiting.exchange, bodies)?;
            if block.len() >= BLOCKS.records || block.records() >= BLOCK_RECORDS {
                block.end(&mut self.segments)?;
            }
        }
        block.end(&mut self.segments)?;
        let number = self.segments.segment();
        if let Some(index) = self.segments.end_segment()? {
            self.endpoints.segment_ended(&index);
        }
        for (digest, index) in placed {
            if self.stored.len() < REMEMBERED {
                self.stored.insert(digest, (number, index));
            }
        }
        self.window_bytes = 0;
        Ok(())
    }

    /// Writes the window's new bodies, grouped.
    fn store_fresh(&mut self) -> Result<HashMap<BodyDigest, u32>, FormatError> {
        let mut fresh: Vec<(BodyDigest, Fresh)> = self.fresh.drain().collect();
        fresh.sort_by_key(|(_, fresh)| (fresh.group, fresh.order));
        let mut placed = HashMap::with_capacity(fresh.len());
        for (digest, fresh) in fresh {
            placed.insert(digest, self.segments.add_body(&fresh.bytes)?.index);
        }
        Ok(placed)
    }

    fn reference(&self, placed: &HashMap<BodyDigest, u32>, taken: Taken) -> BodyRef {
        let here = self.segments.segment();
        let (back, index) = match placed.get(&taken.digest) {
            Some(index) => (0, *index),
            None => {
                let earlier = self.stored.get(&taken.digest);
                let (segment, index) = *earlier.expect("a body that was taken is in one of the two tables");
                (here - segment, index)
            }
        };
        BodyRef { back, index, len: taken.len }
    }

    pub(crate) fn seal(mut self, seal: CorpusSeal) -> Result<(), FormatError> {
        self.end_window()?;
        self.endpoints.seal(self.segments, &seal)
    }
}
