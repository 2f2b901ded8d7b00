//! What can go wrong with a corpus or run file, in words that name the file and say what it is.

use super::version::Version;
use std::path::{Path, PathBuf};

/// A file could not be created, written, opened or read.
#[derive(Debug, thiserror::Error)]
#[error("{doing} {}: {kind}", path.display())]
pub struct FormatError {
    doing: &'static str,
    path: PathBuf,
    kind: FormatErrorKind,
    #[source]
    source: Option<std::io::Error>,
}

/// Why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FormatErrorKind {
    /// The operating system refused.
    #[error("the operating system refused")]
    Io,
    /// There is a file already and replacing it was not asked for.
    #[error("the file exists already")]
    Exists,
    /// There is not one byte.
    #[error("the file is empty")]
    Empty,
    /// It does not begin as a cutover file does.
    #[error("this is not a corpus or run file")]
    Foreign,
    /// It ends before anything was recorded.
    #[error("the file ends inside its header, after {len} bytes: nothing was recorded")]
    Short {
        /// Its length in bytes.
        len: u64,
    },
    /// It was written by a newer, incompatible version.
    #[error(
        "the file has format version {found}, and this program reads up to {supported}: update the program"
    )]
    NewerVersion {
        /// The file's version.
        found: Version,
        /// The newest that can be read.
        supported: Version,
    },
    /// A run where a corpus is wanted, or the other way round.
    #[error("this is a {found} file, and a {expected} file is needed")]
    WrongKind {
        /// What it is.
        found: FileKind,
        /// What is needed.
        expected: FileKind,
    },
    /// The file's own header cannot be read, and no copy of it is left.
    #[error("the file header is damaged: {0}")]
    DamagedHeader(String),
    /// Something asked for by its address cannot be read.
    #[error("at byte {offset}: {reason}")]
    Damaged {
        /// Where, from the start of the file.
        offset: u64,
        /// What is wrong there.
        reason: String,
    },
    /// One value is larger than the format holds.
    #[error("{what} has {len} bytes, and the format holds at most {limit}")]
    TooLarge {
        /// What it is.
        what: &'static str,
        /// Its length.
        len: u64,
        /// The most there may be.
        limit: u64,
    },
    /// An earlier write failed, so that nothing more may be appended.
    #[error("an earlier write failed, and nothing more was written since")]
    Poisoned,
    /// A caller's value breaks a rule of the format.
    #[error("{0}")]
    Invalid(&'static str),
}

/// The two uses of the container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// Exchanges.
    Corpus,
    /// Outcomes.
    Run,
}

impl std::fmt::Display for FileKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            FileKind::Corpus => "corpus",
            FileKind::Run => "run",
        })
    }
}

impl FormatError {
    /// Why.
    pub fn kind(&self) -> &FormatErrorKind {
        &self.kind
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn new(doing: &'static str, path: &Path, kind: FormatErrorKind) -> FormatError {
        FormatError { doing, path: path.to_owned(), kind, source: None }
    }

    pub(super) fn io(doing: &'static str, path: &Path, source: std::io::Error) -> FormatError {
        let kind = match source.kind() {
            std::io::ErrorKind::AlreadyExists => FormatErrorKind::Exists,
            _ => FormatErrorKind::Io,
        };
        // That a file exists is all that the operating system would say again.
        let source = (kind == FormatErrorKind::Io).then_some(source);
        FormatError { doing, path: path.to_owned(), kind, source }
    }
}
