//! Reading runs: planned requests joined with what came of them.

use super::codec;
use super::damage::Damage;
use super::error::{FileKind, FormatError, FormatErrorKind};
use super::joined::JoinedIter;
use super::layout::Layout;
use super::version::Version;
use super::view::BodyCache;
use crate::run::{RunHeader, RunSeal, StoredBody};
use bytes::Bytes;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// A run file, opened.
#[derive(Debug)]
pub struct RunReader {
    layout: Arc<Layout>,
    header: RunHeader,
    seal: Option<RunSeal>,
    cache: Mutex<BodyCache>,
}

impl RunReader {
    /// Opens a run, sealed or not. Nothing is repaired and nothing is written.
    ///
    /// # Errors
    /// Where the file is no run, is of a newer version, or holds nothing that can be read.
    pub fn open(path: &Path) -> Result<RunReader, FormatError> {
        let layout = Layout::open(path, FileKind::Run)?;
        let error =
            |what: &str| FormatError::new("open", path, FormatErrorKind::DamagedHeader(what.to_owned()));
        let header = codec::decode(&layout.header).map_err(|_| error("it is no header of a run"))?;
        let seal = layout.seal.as_ref().map(|seal| codec::decode_prefix(&seal.rest).map(|(seal, _)| seal));
        let seal = seal.transpose().map_err(|_| error("its seal is none of a run"))?;
        Ok(RunReader { layout: Arc::new(layout), header, seal, cache: Mutex::default() })
    }

    /// What the replay knew when it began.
    pub fn header(&self) -> &RunHeader {
        &self.header
    }

    /// What the replay knew when it ended; `None` where the file is unsealed: the run is partial.
    pub fn seal(&self) -> Option<&RunSeal> {
        self.seal.as_ref()
    }

    /// The format version of the file.
    pub fn version(&self) -> Version {
        self.layout.version
    }

    /// Records in the file (planned requests and outcomes), so far as opening it showed.
    pub fn record_count(&self) -> u64 {
        self.layout.segments.iter().map(|segment| segment.records).sum()
    }

    /// What was found damaged on opening. Reading may find more.
    pub fn damage(&self) -> &[Damage] {
        &self.layout.damage
    }

    /// Bytes of a write that was cut off, at the end of an unsealed file.
    pub fn torn_bytes(&self) -> u64 {
        self.layout.torn
    }

    /// The digest of the file's content, in hex. Equal bytes have equal digests, whatever the file's name.
    pub fn digest(&self) -> String {
        blake3::Hash::from_bytes(self.layout.digest).to_hex().to_string()
    }

    /// Planned requests with their outcomes, ordered by their place in the plan within a bounded window.
    pub fn joined(&self) -> JoinedIter {
        JoinedIter::new(Arc::clone(&self.layout))
    }

    /// The bytes of a stored body. Neighbours come from memory.
    ///
    /// # Errors
    /// Where the block that holds it is damaged.
    pub fn load(&self, body: &StoredBody) -> Result<Bytes, FormatError> {
        let (segment, index) = match body {
            StoredBody::Inline(bytes) => return Ok(bytes.clone()),
            StoredBody::At { segment, index } => (*segment, *index),
        };
        let file = &self.layout.file;
        let error = |offset, reason: &str| {
            FormatError::new(
                "load a body from",
                file.path(),
                FormatErrorKind::Damaged { offset, reason: reason.to_owned() },
            )
        };
        // A cache is whole after every step, also where another thread panicked between two.
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let found = cache.index(&self.layout, FileKind::Run, segment);
        let found = found.ok_or_else(|| error(0, "its segment is not in the file"))?;
        cache.body(file, &found, index).map_err(|lost| error(lost.offset, &lost.reason))
    }
}
