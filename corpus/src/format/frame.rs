//! Frames, the file's first bytes and its last ones.
//!
//! Invariant: every byte of a file lies under a checksum, and no length is believed before its checksum
//! and its bound were checked.

use super::error::FileKind;
use super::version::Version;

/// The most bytes one frame holds, before compression: bounds what a reader allocates.
pub(crate) const MAX_PLAIN: usize = 16 << 20;

/// Bytes of the file's beginning: magic, version, kind, checksum.
pub(crate) const PRELUDE_LEN: usize = 20;
/// Bytes before each frame's payload.
pub(crate) const HEADER_LEN: usize = 36;
/// Bytes of a sealed file's end: magic, offset of the seal, checksum.
pub(crate) const FOOTER_LEN: usize = 24;

const MAGIC: [u8; 8] = *b"\x93CUTOVER";
pub(crate) const FRAME_MAGIC: [u8; 4] = *b"\xF7ctF";
const FOOTER_MAGIC: [u8; 8] = *b"\xF7CTSEAL\n";

/// What a frame holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FrameKind {
    /// The manifest; the first frame.
    Header,
    /// Bodies of a segment.
    Bodies,
    /// Records of a segment.
    Records,
    /// The end of a segment: what is where in it.
    Index,
    /// The end of the file: counts, segments, digest.
    Seal,
    /// A kind of a newer minor version: skipped.
    Unknown(u8),
}

impl FrameKind {
    fn code(self) -> u8 {
        match self {
            FrameKind::Header => 1,
            FrameKind::Bodies => 2,
            FrameKind::Records => 3,
            FrameKind::Index => 4,
            FrameKind::Seal => 5,
            FrameKind::Unknown(code) => code,
        }
    }

    fn from_code(code: u8) -> FrameKind {
        match code {
            1 => FrameKind::Header,
            2 => FrameKind::Bodies,
            3 => FrameKind::Records,
            4 => FrameKind::Index,
            5 => FrameKind::Seal,
            other => FrameKind::Unknown(other),
        }
    }
}

/// How a payload is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packing {
    /// As it is.
    Plain,
    /// One zstd frame.
    Zstd,
}

/// The bytes before a payload, understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FrameHeader {
    pub(crate) kind: FrameKind,
    pub(crate) packing: Packing,
    /// Bytes of the payload in the file.
    pub(crate) stored_len: u32,
    /// Bytes of the payload once unpacked.
    pub(crate) plain_len: u32,
    /// Frames before this one in the file.
    pub(crate) seq: u64,
    /// The segment it belongs to, from 0; the number of segments in the seal's frame, 0 in the header's.
    pub(crate) segment: u32,
    /// CRC32C of the payload as stored.
    pub(crate) payload_crc: u32,
}

impl FrameHeader {
    pub(crate) fn encode(&self) -> [u8; HEADER_LEN] {
        let mut out = [0; HEADER_LEN];
        out[0..4].copy_from_slice(&FRAME_MAGIC);
        out[4] = self.kind.code();
        out[5] = u8::from(self.packing == Packing::Zstd);
        out[8..12].copy_from_slice(&self.stored_len.to_le_bytes());
        out[12..16].copy_from_slice(&self.plain_len.to_le_bytes());
        out[16..24].copy_from_slice(&self.seq.to_le_bytes());
        out[24..28].copy_from_slice(&self.segment.to_le_bytes());
        out[28..32].copy_from_slice(&self.payload_crc.to_le_bytes());
        let crc = crc32c::crc32c(&out[..32]);
        out[32..36].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// `None` where these bytes are no frame header, or one that no writer makes.
    pub(crate) fn decode(bytes: &[u8; HEADER_LEN]) -> Option<FrameHeader> {
        if bytes[..4] != FRAME_MAGIC || crc32c::crc32c(&bytes[..32]) != u32_at(bytes, 32) {
            return None;
        }
        let packing = match bytes[5] {
            0 => Packing::Plain,
            1 => Packing::Zstd,
            _ => return None,
        };
        let header = FrameHeader {
            kind: FrameKind::from_code(bytes[4]),
            packing,
            stored_len: u32_at(bytes, 8),
            plain_len: u32_at(bytes, 12),
            seq: u64_at(bytes, 16),
            segment: u32_at(bytes, 24),
            payload_crc: u32_at(bytes, 28),
        };
        let sane = header.plain_len as usize <= MAX_PLAIN && header.stored_len <= header.plain_len;
        sane.then_some(header)
    }

    /// Bytes of the whole frame in the file.
    pub(crate) fn frame_len(&self) -> u64 {
        HEADER_LEN as u64 + u64::from(self.stored_len)
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(word)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(word)
}

/// What the first bytes of a file say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Prelude {
    /// A file of ours.
    Ours(Version, FileKind),
    /// The magic is ours, the rest is damaged.
    Damaged,
    /// Another magic.
    Foreign,
}

pub(crate) fn encode_prelude(version: Version, kind: FileKind) -> [u8; PRELUDE_LEN] {
    let mut out = [0; PRELUDE_LEN];
    out[..8].copy_from_slice(&MAGIC);
    out[8..10].copy_from_slice(&version.major.to_le_bytes());
    out[10..12].copy_from_slice(&version.minor.to_le_bytes());
    out[12] = match kind {
        FileKind::Corpus => 1,
        FileKind::Run => 2,
    };
    let crc = crc32c::crc32c(&out[..16]);
    out[16..20].copy_from_slice(&crc.to_le_bytes());
    out
}

pub(crate) fn decode_prelude(bytes: &[u8; PRELUDE_LEN]) -> Prelude {
    if crc32c::crc32c(&bytes[..16]) != u32_at(bytes, 16) {
        return if bytes[..8] == MAGIC { Prelude::Damaged } else { Prelude::Foreign };
    }
    let version = Version {
        major: u16::from_le_bytes([bytes[8], bytes[9]]),
        minor: u16::from_le_bytes([bytes[10], bytes[11]]),
    };
    match (bytes[..8] == MAGIC, bytes[12]) {
        (true, 1) => Prelude::Ours(version, FileKind::Corpus),
        (true, 2) => Prelude::Ours(version, FileKind::Run),
        (true, _) => Prelude::Damaged,
        (false, _) => Prelude::Foreign,
    }
}

/// The end of a sealed file: where its seal begins.
pub(crate) fn encode_footer(seal_at: u64) -> [u8; FOOTER_LEN] {
    let mut out = [0; FOOTER_LEN];
    out[..8].copy_from_slice(&seal_at.to_le_bytes());
    out[8..16].copy_from_slice(&FOOTER_MAGIC);
    let crc = crc32c::crc32c(&out[..16]);
    out[16..20].copy_from_slice(&crc.to_le_bytes());
    out[20..24].copy_from_slice(&(!crc).to_le_bytes());
    out
}

pub(crate) fn decode_footer(bytes: &[u8; FOOTER_LEN]) -> Option<u64> {
    let crc = crc32c::crc32c(&bytes[..16]);
    let whole = bytes[8..16] == FOOTER_MAGIC && u32_at(bytes, 16) == crc && u32_at(bytes, 20) == !crc;
    whole.then(|| u64_at(bytes, 0))
}

/// Whether these are the first bytes of a file of ours, as far as they go.
pub(crate) fn is_magic_prefix(bytes: &[u8]) -> bool {
    let len = bytes.len().min(MAGIC.len());
    bytes[..len] == MAGIC[..len]
}
