//! Why a capture came to nothing.

use crate::ledger::Unbalanced;
use crate::source::SourceError;
use corpus::format::FormatError;
use std::path::PathBuf;

/// Why a capture came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// A capture file cannot be read.
    #[error("read capture {path}", path = .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: SourceError,
    },
    /// The corpus cannot be written.
    #[error("write the corpus")]
    Write(#[source] FormatError),
    /// The balance does not add up: a defect of this program.
    #[error(transparent)]
    Unbalanced(Unbalanced),
}
