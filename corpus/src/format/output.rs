//! Writing frames in place: each frame is one write, and what was written stays readable.

use super::error::{FormatError, FormatErrorKind};
use super::frame::{FrameHeader, FrameKind, HEADER_LEN, MAX_PLAIN, Packing, encode_footer};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// What to do where a file of that name exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overwrite {
    /// Leave it and fail.
    Refuse,
    /// Replace its content.
    Replace,
}

/// Where a frame went.
#[derive(Debug, Clone, Copy)]
pub(super) struct FrameAt {
    pub(super) offset: u64,
    pub(super) seq: u64,
}

/// What frames are written to: a file, or in tests one that fails.
pub(super) trait Output: Send {
    fn write_all(&mut self, bytes: &[u8]) -> std::io::Result<()>;
    fn cut(&mut self, len: u64) -> std::io::Result<()>;
    fn sync(&mut self) -> std::io::Result<()>;
}

impl Output for File {
    fn write_all(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        Write::write_all(self, bytes)
    }

    fn cut(&mut self, len: u64) -> std::io::Result<()> {
        self.set_len(len)
    }

    fn sync(&mut self) -> std::io::Result<()> {
        self.sync_all()
    }
}

/// A file that frames are appended to.
pub(super) struct FrameWriter {
    file: Box<dyn Output>,
    path: PathBuf,
    offset: u64,
    seq: u64,
    chain: blake3::Hasher,
    compressor: zstd::bulk::Compressor<'static>,
    scratch: Vec<u8>,
    poisoned: bool,
}

impl FrameWriter {
    /// Creates the file, readable and writable by its owner only.
    pub(super) fn create(path: &Path, overwrite: Overwrite, level: i32) -> Result<FrameWriter, FormatError> {
        let error = |source| FormatError::io("create", path, source);
        let mut options = OpenOptions::new();
        options.write(true).mode(0o600);
        match overwrite {
            Overwrite::Refuse => options.create_new(true),
            Overwrite::Replace => options.create(true).truncate(true),
        };
        let file = options.open(path).map_err(error)?;
        restrict(&file).map_err(error)?;
        FrameWriter::over(Box::new(file), path, level)
    }

    /// Writes frames to an output that is empty; `path` is its name in errors.
    pub(super) fn over(file: Box<dyn Output>, path: &Path, level: i32) -> Result<FrameWriter, FormatError> {
        let compressor = zstd::bulk::Compressor::new(level);
        let compressor = compressor.map_err(|source| FormatError::io("create", path, source))?;
        Ok(FrameWriter {
            file,
            path: path.to_owned(),
            offset: 0,
            seq: 0,
            chain: blake3::Hasher::new(),
            compressor,
            scratch: Vec::new(),
            poisoned: false,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes written so far.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Frames written so far.
    pub(super) fn frames(&self) -> u64 {
        self.seq
    }

    /// The digest of every byte written so far.
    pub(super) fn chain(&self) -> [u8; 32] {
        *self.chain.finalize().as_bytes()
    }

    /// Fails for ever once a write has failed.
    pub(super) fn check(&self) -> Result<(), FormatError> {
        if self.poisoned {
            return Err(FormatError::new("write", &self.path, FormatErrorKind::Poisoned));
        }
        Ok(())
    }

    pub(super) fn write_raw(&mut self, bytes: &[u8]) -> Result<(), FormatError> {
        self.check()?;
        if let Err(source) = self.file.write_all(bytes) {
            self.poisoned = true;
            // What was committed ends with the last whole frame; a reader finds that by itself where this fails.
            let _torn_tail_stays = self.file.cut(self.offset);
            return Err(FormatError::io("write", &self.path, source));
        }
        self.chain.update(bytes);
        self.offset += bytes.len() as u64;
        Ok(())
    }

    fn check_size(&self, plain: &[u8]) -> Result<(), FormatError> {
        if plain.len() <= MAX_PLAIN {
            return Ok(());
        }
        let what =
            FormatErrorKind::TooLarge { what: "a block", len: plain.len() as u64, limit: MAX_PLAIN as u64 };
        Err(FormatError::new("write", &self.path, what))
    }

    /// Appends one frame and hands it to the kernel.
    pub(super) fn write(
        &mut self,
        kind: FrameKind,
        segment: u32,
        plain: &[u8],
    ) -> Result<FrameAt, FormatError> {
        self.check_size(plain)?;
        let mut scratch = std::mem::take(&mut self.scratch);
        self.pack(kind, segment, plain, &mut scratch)?;
        let at = FrameAt { offset: self.offset, seq: self.seq };
        let written = self.write_raw(&scratch);
        self.scratch = scratch;
        written?;
        self.seq += 1;
        Ok(at)
    }

    /// Puts header and payload into `scratch`, compressed where that makes it smaller.
    fn pack(
        &mut self,
        kind: FrameKind,
        segment: u32,
        plain: &[u8],
        scratch: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        scratch.resize(HEADER_LEN + zstd::zstd_safe::compress_bound(plain.len()), 0);
        let packed = self
            .compressor
            .compress_to_buffer(plain, &mut scratch[HEADER_LEN..])
            .map_err(|source| FormatError::io("compress for", &self.path, source))?;
        let (packing, stored) =
            if packed < plain.len() { (Packing::Zstd, packed) } else { (Packing::Plain, plain.len()) };
        scratch.truncate(HEADER_LEN + stored);
        if packing == Packing::Plain {
            scratch[HEADER_LEN..].copy_from_slice(plain);
        }
        let header = FrameHeader {
            kind,
            packing,
            stored_len: u32::try_from(stored).expect("a payload is at most MAX_PLAIN"),
            plain_len: u32::try_from(plain.len()).expect("a payload is at most MAX_PLAIN"),
            seq: self.seq,
            segment,
            payload_crc: crc32c::crc32c(&scratch[HEADER_LEN..]),
        };
        scratch[..HEADER_LEN].copy_from_slice(&header.encode());
        Ok(())
    }

    /// Seals the file and waits until the disk has it. Seal and footer are one write, so that a kill leaves
    /// a file without seal and never one whose seal has no footer.
    pub(super) fn finish(mut self, segments: u32, seal: &[u8]) -> Result<(), FormatError> {
        self.check_size(seal)?;
        let mut scratch = std::mem::take(&mut self.scratch);
        self.pack(FrameKind::Seal, segments, seal, &mut scratch)?;
        scratch.extend_from_slice(&encode_footer(self.offset));
        self.write_raw(&scratch)?;
        match self.file.sync() {
            // A pipe or a device cannot be synced; whatever was written went to it.
            Err(source) if source.kind() == std::io::ErrorKind::InvalidInput => Ok(()),
            Err(source) => Err(FormatError::io("sync", &self.path, source)),
            Ok(()) => Ok(()),
        }
    }
}

/// Takes group and world rights away where a replaced file had them.
fn restrict(file: &File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = file.metadata()?;
    if metadata.is_file() && metadata.permissions().mode() & 0o177 != 0 {
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}
