//! Reading inside one segment: its index, its blocks, its bodies, each block at most once in a while.

use super::bodies::BodyBlock;
use super::codec;
use super::damage::Damage;
use super::error::FileKind;
use super::frame::FrameKind;
use super::index::{BodyBlockMeta, Place, SegmentEntry, SegmentIndex};
use super::input::{FrameFault, FrameFile, unpack};
use super::layout::Layout;
use super::scan::{Found, Scan};
use super::{record_read, run_record};
use bytes::{Bytes, BytesMut};
use std::collections::VecDeque;
use std::sync::Arc;

/// Bytes of unpacked body blocks that one reader keeps.
const CACHE: usize = 24 << 20;

/// Indices of other segments that one reader keeps.
const INDICES: usize = 16;

pub(super) fn kind_name(kind: FrameKind) -> &'static str {
    match kind {
        FrameKind::Header => "the header",
        FrameKind::Bodies => "a body block",
        FrameKind::Records => "a record block",
        FrameKind::Index => "the index of a segment",
        FrameKind::Seal => "the seal",
        FrameKind::Unknown(_) => "a frame of an unknown kind",
    }
}

/// The index of `segment`, read or, where that fails, found again from its frames.
pub(super) fn load_index(
    file: &FrameFile,
    kind: FileKind,
    segment: &SegmentEntry,
    damage: &mut Vec<Damage>,
) -> SegmentIndex {
    if let Some(place) = segment.index {
        let read = file.frame_of(place.offset, FrameKind::Index, place.seq);
        let fault = match read.map(|frame| codec::decode::<SegmentIndex>(&frame.plain)) {
            Ok(Ok(index)) => return index,
            Ok(Err(broken)) => broken.to_string(),
            Err(fault) => fault.to_string(),
        };
        let lost = Damage::at(place.offset, format!("the index of the segment: {fault}"));
        damage.push(lost.in_segment(segment.number).counting(0));
    }
    let (start, end) = (segment.start.offset, segment.end);
    rebuild(file, kind, segment.number, start, end, damage)
}

/// Finds out what is in a segment by reading its frames.
pub(super) fn rebuild(
    file: &FrameFile,
    kind: FileKind,
    number: u32,
    start: u64,
    end: u64,
    damage: &mut Vec<Damage>,
) -> SegmentIndex {
    let mut index = SegmentIndex::default();
    for found in Scan::new(file, start, end) {
        match found {
            Found::Frame { offset, header, stored } if header.segment == number => {
                let place = Place { offset, seq: header.seq };
                let read = unpack(&header, stored).ok().and_then(|plain| match header.kind {
                    FrameKind::Bodies => summarize_bodies(&mut index, place, plain),
                    FrameKind::Records if kind == FileKind::Corpus => {
                        record_read::summarize(&mut index, place, plain)
                    }
                    FrameKind::Records => run_record::summarize(&mut index, place, plain),
                    _ => Some(()),
                });
                if read.is_none() {
                    let what = format!("{} cannot be read", kind_name(header.kind));
                    damage.push(Damage::at(offset, what).in_segment(number));
                }
            }
            Found::Frame { .. } | Found::Torn { .. } => {}
            Found::Damaged { header: Some(header), .. } if header.kind == FrameKind::Index => {}
            Found::Damaged { offset, fault, .. } => damage.push(Damage::at(offset, fault).in_segment(number)),
        }
    }
    index
}

fn summarize_bodies(index: &mut SegmentIndex, place: Place, plain: Vec<u8>) -> Option<()> {
    let block = BodyBlock::decode(plain)?;
    index.bodies.push(BodyBlockMeta { place, first: block.first(), pieces: block.pieces() });
    Some(())
}

/// Body blocks that were read lately, within [`CACHE`] bytes.
#[derive(Debug, Default)]
pub(super) struct BodyCache {
    blocks: VecDeque<(u64, Arc<BodyBlock>)>,
    size: usize,
    indices: VecDeque<(u32, Arc<SegmentIndex>)>,
}

impl BodyCache {
    /// The index of a segment other than the one that is being read.
    pub(super) fn index(
        &mut self,
        layout: &Layout,
        kind: FileKind,
        number: u32,
    ) -> Option<Arc<SegmentIndex>> {
        if let Some((_, index)) = self.indices.iter().find(|(known, _)| *known == number) {
            return Some(Arc::clone(index));
        }
        let entry = layout.segment(number)?;
        // Damage to an index is reported by whoever reads that segment.
        let index = Arc::new(load_index(&layout.file, kind, entry, &mut Vec::new()));
        self.indices.push_front((number, Arc::clone(&index)));
        self.indices.truncate(INDICES);
        Some(index)
    }

    fn block(&mut self, file: &FrameFile, place: Place) -> Result<Arc<BodyBlock>, FrameFault> {
        if let Some(at) = self.blocks.iter().position(|(offset, _)| *offset == place.offset) {
            let hit = self.blocks.remove(at).expect("the position was just found");
            let block = Arc::clone(&hit.1);
            self.blocks.push_front(hit);
            return Ok(block);
        }
        let frame = file.frame_of(place.offset, FrameKind::Bodies, place.seq)?;
        let header = frame.header;
        let block = Arc::new(BodyBlock::decode(frame.plain).ok_or(FrameFault::Unpack(header))?);
        self.size += block.size();
        self.blocks.push_front((place.offset, Arc::clone(&block)));
        while self.size > CACHE && self.blocks.len() > 1 {
            let (_, oldest) = self.blocks.pop_back().expect("there is more than one");
            self.size -= oldest.size();
        }
        Ok(block)
    }

    /// The bytes of body `number` of the segment with this index.
    pub(super) fn body(
        &mut self,
        file: &FrameFile,
        index: &SegmentIndex,
        number: u32,
    ) -> Result<Bytes, Lost> {
        let behind = index.bodies.partition_point(|block| block.first <= number);
        let covers = |block: &BodyBlockMeta| number - block.first < block.pieces;
        // Blocks that begin with a later piece of the same body stand behind the one with its beginning.
        let before = index.bodies[..behind].iter().rev().take_while(|block| covers(block)).count();
        let mut whole = BytesMut::new();
        let mut lost = Lost { offset: 0, reason: String::new() };
        for meta in &index.bodies[behind - before..behind] {
            lost.offset = meta.place.offset;
            let block = self.block(file, meta.place).map_err(|fault| lost.because(&fault.to_string()))?;
            let piece = block.piece(number).ok_or_else(|| lost.because("it is not in its block"))?;
            if piece.offset != whole.len() as u64 {
                break;
            }
            if !piece.goes_on && whole.is_empty() {
                return Ok(compact(piece.bytes, block.size()));
            }
            whole.extend_from_slice(&piece.bytes);
            if !piece.goes_on {
                return Ok(whole.freeze());
            }
        }
        Err(lost.because("a piece of it is missing"))
    }
}

/// A small body is copied, so that whoever keeps it does not keep the whole block.
fn compact(piece: Bytes, block: usize) -> Bytes {
    if piece.len() * 4 < block { Bytes::copy_from_slice(&piece) } else { piece }
}

/// A body that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lost {
    pub(super) offset: u64,
    pub(super) reason: String,
}

impl Lost {
    fn because(&self, reason: &str) -> Lost {
        Lost { offset: self.offset, reason: reason.to_owned() }
    }
}
