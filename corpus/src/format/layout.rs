//! Opening a file: what it is, whether it is sealed, and where its segments are.
//!
//! A sealed file is opened by its seal. Any other is walked from its beginning: what was committed is found,
//! what is damaged is named, and nothing is repaired.

use super::codec;
use super::damage::Damage;
use super::error::{FileKind, FormatError, FormatErrorKind};
use super::frame::{FOOTER_LEN, FrameHeader, FrameKind, PRELUDE_LEN, Prelude, decode_prelude};
use super::index::{Place, SealIndex, SegmentEntry, SegmentIndex};
use super::input::{FrameFault, FrameFile, unpack};
use super::scan::{Found, Scan};
use super::segment::entry;
use super::version::Version;
use super::view;
use std::path::Path;

/// A file that was opened.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) file: FrameFile,
    pub(super) version: Version,
    /// The header's record encoding.
    pub(super) header: Vec<u8>,
    pub(super) seal: Option<Seal>,
    /// Segments, ascending by number.
    pub(super) segments: Vec<SegmentEntry>,
    /// What was found broken on opening; more may be found on reading.
    pub(super) damage: Vec<Damage>,
    /// Bytes of a frame that was being written when an unsealed file ended.
    pub(super) torn: u64,
    pub(super) digest: [u8; 32],
}

/// The end of a sealed file.
#[derive(Debug)]
pub(super) struct Seal {
    pub(super) index: SealIndex,
    /// The record encoding of what the writer said at the end.
    pub(super) rest: Vec<u8>,
}

impl Layout {
    pub(super) fn open(path: &Path, expected: FileKind) -> Result<Layout, FormatError> {
        let file = FrameFile::open(path)?;
        let error = |kind| FormatError::new("open", path, kind);
        let mut damage = Vec::new();
        let (version, kind) = identify(&file, &mut damage).map_err(error)?;
        if !version.is_readable() {
            return Err(error(FormatErrorKind::NewerVersion { found: version, supported: Version::CURRENT }));
        }
        if kind != expected {
            return Err(error(FormatErrorKind::WrongKind { found: kind, expected }));
        }
        let opened = match sealed(&file) {
            Some(opened) => opened,
            None => walk(&file, kind, &mut damage),
        };
        let header = header(&file, opened.seal.as_ref(), &mut damage).map_err(error)?;
        let Walked { seal, segments, torn, digest } = opened;
        Ok(Layout { version, header, seal, segments, damage, torn, digest, file })
    }

    /// Reads every frame, also those that reading exchanges would never meet, and checks the file's digest.
    pub(super) fn verify(&self, kind: FileKind) -> Vec<Damage> {
        let mut damage = Vec::new();
        let walked = walk(&self.file, kind, &mut damage);
        let Some(seal) = &self.seal else { return damage };
        if damage.is_empty() && walked.digest != seal.index.digest {
            damage.push(Damage::at(0, "the digest of the file does not match its seal").counting(0));
        }
        if damage.is_empty() && !same_segments(&walked.segments, &seal.index.segments) {
            damage.push(Damage::at(0, "the seal lists other segments than the file has").counting(0));
        }
        damage
    }

    /// The segment of this number.
    pub(super) fn segment(&self, number: u32) -> Option<&SegmentEntry> {
        let at = self.segments.binary_search_by_key(&number, |segment| segment.number).ok()?;
        self.segments.get(at)
    }
}

/// Whether two lists place the same segments and count the same in them.
fn same_segments(walked: &[SegmentEntry], listed: &[SegmentEntry]) -> bool {
    let known = |entry: &SegmentEntry| SegmentEntry { endpoints: None, ..entry.clone() };
    walked.len() == listed.len() && walked.iter().zip(listed).all(|(one, other)| known(one) == known(other))
}

/// Version and kind, from the first bytes or their copy in the header frame.
fn identify(file: &FrameFile, damage: &mut Vec<Damage>) -> Result<(Version, FileKind), FormatErrorKind> {
    if file.len() == 0 {
        return Err(FormatErrorKind::Empty);
    }
    let short = FormatErrorKind::Short { len: file.len() };
    let Ok(bytes) = file.prelude() else {
        let mut start = vec![0; usize::try_from(file.len().min(8)).unwrap_or(8)];
        let ours = file.read_at(0, &mut start).is_ok() && super::frame::is_magic_prefix(&start);
        return Err(if ours { short } else { FormatErrorKind::Foreign });
    };
    let found = decode_prelude(&bytes);
    if let Prelude::Ours(version, kind) = found {
        return Ok((version, kind));
    }
    let copy = file.frame(PRELUDE_LEN as u64).ok().filter(|frame| frame.header.kind == FrameKind::Header);
    let copy = copy.and_then(|frame| frame.plain.first_chunk().map(decode_prelude));
    match (copy, found) {
        (Some(Prelude::Ours(version, kind)), _) => {
            damage.push(Damage::at(0, "the first bytes of the file are damaged").counting(0));
            Ok((version, kind))
        }
        (_, Prelude::Foreign) => Err(FormatErrorKind::Foreign),
        _ => Err(FormatErrorKind::DamagedHeader("its checksum does not match".to_owned())),
    }
}

/// The manifest, from the header frame or its copy in the seal.
fn header(
    file: &FrameFile,
    seal: Option<&Seal>,
    damage: &mut Vec<Damage>,
) -> Result<Vec<u8>, FormatErrorKind> {
    let offset = PRELUDE_LEN as u64;
    let fault = match file.frame_of(offset, FrameKind::Header, 0) {
        Ok(frame) => return Ok(without_prelude(&frame.plain)),
        Err(fault) => fault,
    };
    if let Some(seal) = seal {
        damage.push(Damage::at(offset, format!("the header: {fault}")).counting(0));
        return Ok(without_prelude(&seal.index.header));
    }
    Err(match fault {
        FrameFault::Cut | FrameFault::End => FormatErrorKind::Short { len: file.len() },
        other => FormatErrorKind::DamagedHeader(other.to_string()),
    })
}

fn without_prelude(payload: &[u8]) -> Vec<u8> {
    payload.get(PRELUDE_LEN..).unwrap_or_default().to_vec()
}

/// What opening found behind the header.
struct Walked {
    seal: Option<Seal>,
    segments: Vec<SegmentEntry>,
    torn: u64,
    digest: [u8; 32],
}

/// Opens by the seal; `None` where that is not exactly as it was written.
fn sealed(file: &FrameFile) -> Option<Walked> {
    let at = file.footer()?;
    let frame = file.frame(at).ok()?;
    let whole = at.checked_add(frame.header.frame_len())?.checked_add(FOOTER_LEN as u64)?;
    if frame.header.kind != FrameKind::Seal || whole != file.len() {
        return None;
    }
    let seal = decode_seal(&frame.plain)?;
    if seal.index.frames != frame.header.seq || !is_ordered(&seal.index.segments, at) {
        return None;
    }
    let segments = seal.index.segments.clone();
    let digest = seal.index.digest;
    Some(Walked { seal: Some(seal), segments, torn: 0, digest })
}

fn decode_seal(plain: &[u8]) -> Option<Seal> {
    let (index, used): (SealIndex, usize) = codec::decode_prefix(plain).ok()?;
    Some(Seal { index, rest: plain.get(used..)?.to_vec() })
}

/// Whether segments lie behind one another, numbered without holes, all before `end`.
fn is_ordered(segments: &[SegmentEntry], end: u64) -> bool {
    let mut from = PRELUDE_LEN as u64;
    let in_place = segments.iter().enumerate().all(|(number, segment)| {
        let next = segment.number as usize == number && segment.start.offset >= from && segment.end >= from;
        from = segment.end;
        next
    });
    in_place && from <= end
}

/// Collects the segments of a walk.
struct Walk<'f> {
    file: &'f FrameFile,
    kind: FileKind,
    segments: Vec<SegmentEntry>,
    open: Option<OpenSegment>,
    expected: u64,
    seal: Option<Seal>,
}

/// The segment whose frames are being met.
struct OpenSegment {
    number: u32,
    start: Place,
    end: u64,
    index: Option<(Place, SegmentIndex)>,
}

/// Walks the whole file behind its header.
fn walk(file: &FrameFile, kind: FileKind, damage: &mut Vec<Damage>) -> Walked {
    let mut walk = Walk { file, kind, segments: Vec::new(), open: None, expected: 0, seal: None };
    let mut chain = blake3::Hasher::new();
    if let Ok(prelude) = file.prelude() {
        chain.update(&prelude);
    }
    let footer = file.footer();
    let end = file.len() - if footer.is_some() { FOOTER_LEN as u64 } else { 0 };
    let mut torn = 0;
    for found in Scan::new(file, PRELUDE_LEN as u64, end) {
        match found {
            Found::Torn { offset } => torn = end - offset,
            Found::Damaged { offset, header, fault } => {
                // The header frame has its own place to be reported.
                if offset != PRELUDE_LEN as u64 {
                    damage.push(walk.damaged(offset, header.as_ref(), &fault));
                }
            }
            Found::Frame { offset, header, stored } => {
                if header.kind != FrameKind::Seal {
                    chain.update(&header.encode());
                    chain.update(&stored);
                }
                walk.frame(offset, &header, stored, damage);
            }
        }
    }
    walk.close(damage);
    if footer.is_some() && walk.seal.is_none() {
        damage.push(Damage::at(end, "the seal is missing or damaged").counting(0));
    } else if footer.is_none() && walk.seal.is_some() {
        damage.push(Damage::at(end, "the file does not end with its seal").counting(0));
    }
    Walked { seal: walk.seal, segments: walk.segments, torn, digest: *chain.finalize().as_bytes() }
}

impl Walk<'_> {
    /// Names what a damaged frame was, and counts it as met.
    fn damaged(&mut self, offset: u64, header: Option<&FrameHeader>, fault: &FrameFault) -> Damage {
        let mut damage = Damage::at(offset, fault);
        let Some(header) = header else { return damage };
        damage.reason = format!("{} ({})", fault, view::kind_name(header.kind));
        if matches!(header.kind, FrameKind::Bodies | FrameKind::Records | FrameKind::Index) {
            damage = damage.in_segment(header.segment);
        }
        if header.seq >= self.expected {
            self.expected = header.seq + 1;
        }
        damage
    }

    fn frame(&mut self, offset: u64, header: &FrameHeader, stored: Vec<u8>, damage: &mut Vec<Damage>) {
        if header.seq < self.expected {
            let reason = format!("frame {} stands where frame {} belongs", header.seq, self.expected);
            damage.push(Damage::at(offset, reason).counting(0));
            return;
        }
        if header.seq > self.expected {
            let missing = header.seq - self.expected;
            damage.push(Damage::at(offset, format!("{missing} frames before this place are missing")));
        }
        self.expected = header.seq + 1;
        let place = Place { offset, seq: header.seq };
        match header.kind {
            FrameKind::Bodies | FrameKind::Records => self.member(place, header, damage),
            FrameKind::Index => {
                self.member(place, header, damage);
                let plain = unpack(header, stored).ok();
                let index = plain.and_then(|plain| codec::decode::<SegmentIndex>(&plain).ok());
                if let (Some(open), Some(index)) = (&mut self.open, index) {
                    open.index = Some((place, index));
                }
                self.close(damage);
            }
            FrameKind::Seal => {
                self.close(damage);
                self.seal = unpack(header, stored).ok().and_then(|plain| decode_seal(&plain));
                if self.seal.is_none() {
                    damage.push(Damage::at(offset, "the seal cannot be read").counting(0));
                }
            }
            FrameKind::Header | FrameKind::Unknown(_) => {}
        }
    }

    /// Counts a frame to its segment.
    fn member(&mut self, place: Place, header: &FrameHeader, damage: &mut Vec<Damage>) {
        if self.open.as_ref().is_some_and(|open| open.number != header.segment) {
            self.close(damage);
        }
        let open = self.open.get_or_insert(OpenSegment {
            number: header.segment,
            start: place,
            end: place.offset,
            index: None,
        });
        open.end = place.offset + header.frame_len();
    }

    /// Ends the open segment. Without an index, its blocks are read to know what is in it.
    fn close(&mut self, damage: &mut Vec<Damage>) {
        let Some(open) = self.open.take() else { return };
        if self.segments.last().is_some_and(|last| last.number >= open.number) {
            let reason = "a segment stands behind one of a higher number";
            damage.push(Damage::at(open.start.offset, reason).in_segment(open.number));
            return;
        }
        let (place, index) = match open.index {
            Some((place, index)) => (Some(place), index),
            None => (
                None,
                view::rebuild(
                    self.file,
                    self.kind,
                    open.number,
                    open.start.offset,
                    open.end,
                    &mut Vec::new(),
                ),
            ),
        };
        self.segments.push(entry(open.number, open.start, place, open.end, &index));
    }
}
