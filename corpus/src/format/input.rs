//! Reading frames at their offsets: checked, unpacked, and never more memory than a frame may hold.

use super::error::{FormatError, FormatErrorKind};
use super::frame::{FOOTER_LEN, FrameHeader, FrameKind, HEADER_LEN, PRELUDE_LEN, Packing, decode_footer};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// A file of frames, read by position.
#[derive(Debug)]
pub(super) struct FrameFile {
    file: File,
    path: PathBuf,
    len: u64,
}

/// A frame that was read whole.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) header: FrameHeader,
    pub(super) plain: Vec<u8>,
}

/// Why there is no frame at an offset.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum FrameFault {
    /// Not one byte is left.
    #[error("the file ends here")]
    End,
    /// The file ends inside the frame.
    #[error("the file ends inside a frame")]
    Cut,
    /// These bytes are no frame header.
    #[error("there is no frame here")]
    NoFrame,
    /// The payload does not match its checksum.
    #[error("the checksum of a frame does not match")]
    Checksum(FrameHeader),
    /// The payload cannot be unpacked.
    #[error("a frame cannot be unpacked")]
    Unpack(FrameHeader),
    /// It is a whole frame, but another one than belongs here.
    #[error("frame {found} stands where frame {expected} belongs")]
    Misplaced {
        /// Its sequence number.
        found: u64,
        /// The sequence number that belongs here.
        expected: u64,
    },
    /// The operating system refused.
    #[error("the operating system refused to read: {0}")]
    Io(std::io::ErrorKind),
}

impl FrameFile {
    pub(super) fn open(path: &Path) -> Result<FrameFile, FormatError> {
        let error = |source| FormatError::io("open", path, source);
        let file = File::open(path).map_err(error)?;
        let metadata = file.metadata().map_err(error)?;
        if !metadata.is_file() {
            return Err(FormatError::new(
                "open",
                path,
                FormatErrorKind::Invalid("this is not a regular file"),
            ));
        }
        Ok(FrameFile { file, path: path.to_owned(), len: metadata.len() })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Reads exactly `out.len()` bytes at `offset`.
    pub(super) fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<(), FrameFault> {
        self.file.read_exact_at(out, offset).map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => FrameFault::Cut,
            kind => FrameFault::Io(kind),
        })
    }

    pub(super) fn prelude(&self) -> Result<[u8; PRELUDE_LEN], FrameFault> {
        let mut bytes = [0; PRELUDE_LEN];
        self.read_at(0, &mut bytes)?;
        Ok(bytes)
    }

    /// Where the seal begins, if the last bytes are those of a sealed file.
    pub(super) fn footer(&self) -> Option<u64> {
        let at = self.len.checked_sub(FOOTER_LEN as u64)?;
        let mut bytes = [0; FOOTER_LEN];
        self.read_at(at, &mut bytes).ok()?;
        decode_footer(&bytes)
    }

    /// The header of the frame at `offset`.
    pub(super) fn frame_header(&self, offset: u64) -> Result<FrameHeader, FrameFault> {
        let left = self.len.saturating_sub(offset);
        if left == 0 {
            return Err(FrameFault::End);
        }
        if left < HEADER_LEN as u64 {
            return Err(FrameFault::Cut);
        }
        let mut bytes = [0; HEADER_LEN];
        self.read_at(offset, &mut bytes)?;
        let header = FrameHeader::decode(&bytes).ok_or(FrameFault::NoFrame)?;
        if header.frame_len() > left { Err(FrameFault::Cut) } else { Ok(header) }
    }

    /// The payload behind `header` at `offset`, as stored and verified.
    pub(super) fn stored(&self, offset: u64, header: &FrameHeader) -> Result<Vec<u8>, FrameFault> {
        let mut stored = vec![0; header.stored_len as usize];
        self.read_at(offset + HEADER_LEN as u64, &mut stored)?;
        if crc32c::crc32c(&stored) == header.payload_crc {
            Ok(stored)
        } else {
            Err(FrameFault::Checksum(*header))
        }
    }

    /// The whole frame at `offset`.
    pub(super) fn frame(&self, offset: u64) -> Result<Frame, FrameFault> {
        let header = self.frame_header(offset)?;
        let stored = self.stored(offset, &header)?;
        let plain = unpack(&header, stored)?;
        Ok(Frame { header, plain })
    }

    /// The frame at `offset`, where it is of this kind and has this sequence number.
    pub(super) fn frame_of(&self, offset: u64, kind: FrameKind, seq: u64) -> Result<Frame, FrameFault> {
        let frame = self.frame(offset)?;
        if frame.header.seq != seq {
            return Err(FrameFault::Misplaced { found: frame.header.seq, expected: seq });
        }
        if frame.header.kind == kind { Ok(frame) } else { Err(FrameFault::NoFrame) }
    }
}

/// Unpacks a verified payload. The claimed length was bounded with the header.
pub(super) fn unpack(header: &FrameHeader, stored: Vec<u8>) -> Result<Vec<u8>, FrameFault> {
    match header.packing {
        Packing::Plain if header.stored_len == header.plain_len => Ok(stored),
        Packing::Plain => Err(FrameFault::Unpack(*header)),
        Packing::Zstd => {
            let plain_len = header.plain_len as usize;
            match zstd::bulk::decompress(&stored, plain_len) {
                Ok(plain) if plain.len() == plain_len => Ok(plain),
                _ => Err(FrameFault::Unpack(*header)),
            }
        }
    }
}
