//! Bodies of one segment: each stored once, in blocks small enough that damage to one costs little.
//!
//! The bodies of a segment are numbered from 0. A block holds pieces of consecutive bodies; a body larger
//! than a block is cut into pieces that lie in consecutive blocks. Block payload: `u32` number of the first
//! body, `u32` count of pieces, `u64` bytes of the first body that lie in earlier blocks, `u32` 1 where the last
//! body goes on in the next block (else 0), a `u32` length for each piece, then the pieces (little-endian).

use std::collections::HashMap;

/// Bytes in front of the piece lengths.
const FIXED: usize = 20;

/// Where a body is, as records refer to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BodyAt {
    pub(super) index: u32,
    pub(super) len: u64,
}

/// A body block ready to be framed.
#[derive(Debug, Default)]
pub(super) struct OpenBlock {
    first: u32,
    first_offset: u64,
    goes_on: bool,
    pieces: Vec<u32>,
    bytes: Vec<u8>,
}

impl OpenBlock {
    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    pub(super) fn first(&self) -> u32 {
        self.first
    }

    pub(super) fn pieces(&self) -> u32 {
        u32::try_from(self.pieces.len()).expect("pieces are counted by u32 body numbers")
    }

    /// Appends the block's payload to `out`.
    pub(super) fn encode_into(&self, out: &mut Vec<u8>) {
        out.reserve(FIXED + 4 * self.pieces.len() + self.bytes.len());
        out.extend_from_slice(&self.first.to_le_bytes());
        out.extend_from_slice(&self.pieces().to_le_bytes());
        out.extend_from_slice(&self.first_offset.to_le_bytes());
        out.extend_from_slice(&u32::from(self.goes_on).to_le_bytes());
        for piece in &self.pieces {
            out.extend_from_slice(&piece.to_le_bytes());
        }
        out.extend_from_slice(&self.bytes);
    }
}

/// What a body is recognised by before its bytes are compared.
type Fingerprint = (u32, u32);

/// The bodies of the segment that is being written.
///
/// Written blocks are retained until the segment ends, so that equality is decided by comparing bytes.
#[derive(Debug)]
pub(super) struct BodyStore {
    /// Bytes after which a block is closed.
    block: usize,
    open: OpenBlock,
    retained: Vec<OpenBlock>,
    known: HashMap<Fingerprint, Located>,
    next: u32,
    bytes: u64,
}

/// Where the first byte of a stored body is: block and offset.
#[derive(Debug, Clone, Copy)]
struct Located {
    index: u32,
    block: usize,
    offset: usize,
}

impl BodyStore {
    /// A store whose blocks are closed after `block` bytes.
    pub(super) fn new(block: usize) -> BodyStore {
        BodyStore {
            block,
            open: OpenBlock::default(),
            retained: Vec::new(),
            known: HashMap::new(),
            next: 0,
            bytes: 0,
        }
    }

    /// Bytes of the segment's bodies, each counted once.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether the open block should be written before `len` more bytes come.
    pub(super) fn is_full_for(&self, len: usize) -> bool {
        !self.open.is_empty() && self.open.bytes.len() + len > self.block
    }

    /// The body equal to `body`, where this segment has one.
    pub(super) fn find(&self, body: &[u8]) -> Option<BodyAt> {
        let located = self.known.get(&fingerprint(body))?;
        self.equals(located, body).then_some(BodyAt { index: located.index, len: body.len() as u64 })
    }

    fn equals(&self, located: &Located, mut body: &[u8]) -> bool {
        let mut offset = located.offset;
        for block in self.retained.get(located.block..).unwrap_or_default().iter().chain([&self.open]) {
            let here = &block.bytes[offset.min(block.bytes.len())..];
            let len = here.len().min(body.len());
            if here[..len] != body[..len] {
                return false;
            }
            body = &body[len..];
            offset = 0;
            if body.is_empty() {
                return true;
            }
        }
        false
    }

    /// Gives the next body its number; its bytes follow through [`BodyStore::push`].
    pub(super) fn begin(&mut self, body: &[u8]) -> BodyAt {
        let index = self.next;
        self.next += 1;
        self.bytes += body.len() as u64;
        let located = Located { index, block: self.retained.len(), offset: self.open.bytes.len() };
        self.known.insert(fingerprint(body), located);
        BodyAt { index, len: body.len() as u64 }
    }

    /// Adds as much of what is left of `body` as the open block holds; gives back what is left of it.
    pub(super) fn push<'a>(&mut self, body: BodyAt, rest: &'a [u8]) -> &'a [u8] {
        if self.open.is_empty() {
            self.open.first = body.index;
            self.open.first_offset = body.len - rest.len() as u64;
        }
        let room = self.block.saturating_sub(self.open.bytes.len());
        let (now, later) = rest.split_at(rest.len().min(room));
        self.open.bytes.extend_from_slice(now);
        self.open.pieces.push(u32::try_from(now.len()).expect("a piece fits a block"));
        self.open.goes_on = !later.is_empty();
        later
    }

    /// The block that collects pieces.
    pub(super) fn open(&self) -> &OpenBlock {
        &self.open
    }

    /// Closes the open block once it was written.
    pub(super) fn close_block(&mut self) {
        self.retained.push(std::mem::take(&mut self.open));
    }

    /// Forgets everything: the next segment begins.
    pub(super) fn clear(&mut self) {
        *self = BodyStore { known: std::mem::take(&mut self.known), ..BodyStore::new(self.block) };
        self.known.clear();
    }
}

/// CRC32C runs at memory speed here; equality is decided by the bytes, so that a collision costs only a
/// second copy of a body.
fn fingerprint(body: &[u8]) -> Fingerprint {
    #[expect(clippy::cast_possible_truncation, reason = "a part of a fingerprint")]
    (crc32c::crc32c(body), body.len() as u32)
}

/// A body block as read back.
#[derive(Debug)]
pub(super) struct BodyBlock {
    first: u32,
    first_offset: u64,
    goes_on: bool,
    /// For each piece its end within `bytes`.
    ends: Vec<u32>,
    bytes: bytes::Bytes,
}

impl BodyBlock {
    /// Reads a payload. `None` where its lengths do not add up.
    pub(super) fn decode(plain: Vec<u8>) -> Option<BodyBlock> {
        let first = u32::from_le_bytes(plain.get(..4)?.try_into().ok()?);
        let count = u32::from_le_bytes(plain.get(4..8)?.try_into().ok()?) as usize;
        let first_offset = u64::from_le_bytes(plain.get(8..16)?.try_into().ok()?);
        let goes_on = match u32::from_le_bytes(plain.get(16..20)?.try_into().ok()?) {
            0 => false,
            1 => true,
            _ => return None,
        };
        let lens = plain.get(FIXED..FIXED.checked_add(count.checked_mul(4)?)?)?;
        let mut end = 0_u32;
        let mut ends = Vec::with_capacity(count);
        for len in lens.chunks_exact(4) {
            end = end.checked_add(u32::from_le_bytes(len.try_into().ok()?))?;
            ends.push(end);
        }
        let start = FIXED + 4 * count;
        if plain.len() - start != end as usize || first.checked_add(u32::try_from(count).ok()?).is_none() {
            return None;
        }
        let bytes = bytes::Bytes::from(plain).slice(start..);
        Some(BodyBlock { first, first_offset, goes_on, ends, bytes })
    }

    pub(super) fn first(&self) -> u32 {
        self.first
    }

    pub(super) fn pieces(&self) -> u32 {
        u32::try_from(self.ends.len()).unwrap_or(u32::MAX)
    }

    /// Bytes in memory.
    pub(super) fn size(&self) -> usize {
        self.bytes.len() + 4 * self.ends.len()
    }

    /// The piece of body `index` that is here.
    pub(super) fn piece(&self, index: u32) -> Option<Piece> {
        let at = index.checked_sub(self.first)? as usize;
        let end = *self.ends.get(at)? as usize;
        let start = if at == 0 { 0 } else { self.ends[at - 1] as usize };
        Some(Piece {
            bytes: self.bytes.slice(start..end),
            offset: if at == 0 { self.first_offset } else { 0 },
            goes_on: self.goes_on && at + 1 == self.ends.len(),
        })
    }
}

/// The part of one body that is in one block.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) bytes: bytes::Bytes,
    /// Bytes of the body in earlier blocks.
    pub(super) offset: u64,
    /// Whether the next block has more of it.
    pub(super) goes_on: bool,
}
