//! Why a replay could not do its work. A backend that fails is an outcome, never one of these.

use crate::guard::GuardError;
use crate::rewrite::HeaderError;
use corpus::FormatError;
use corpus::run::Role;
use std::io;
use std::path::PathBuf;

/// Why a replay could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// A target that is no URL, does not resolve, or may not be one.
    #[error("use {} as a target", role.name())]
    Target {
        /// Which backend.
        role: Role,
        /// Why not.
        source: GuardError,
    },
    /// An option whose value cannot be used.
    #[error("use {option}: {reason}")]
    Option {
        /// As on the command line.
        option: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A header field that cannot be set.
    #[error("set header fields for {}", role.name())]
    Header {
        /// Which backend.
        role: Role,
        /// Why not.
        source: HeaderError,
    },
    /// TLS could not be set up.
    #[error("set up TLS for {subject}: {reason}")]
    Tls {
        /// The file or host concerned.
        subject: String,
        /// Why not.
        reason: String,
    },
    /// The corpus cannot be read.
    #[error(transparent)]
    Corpus(FormatError),
    /// The corpus holds nothing that may be sent.
    #[error("replay {}: nothing to send ({reason})", path.display())]
    NothingToSend {
        /// The file.
        path: PathBuf,
        /// What was left out.
        reason: String,
    },
    /// The run cannot be written.
    #[error(transparent)]
    Output(FormatError),
    /// The operating system refused a thread, a timer or the like.
    #[error("start the replay: {what}")]
    System {
        /// What was asked for.
        what: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// The books do not balance: the tool is broken, and its run must not be used.
    #[error("this tool is broken: the accounting of {} does not balance ({detail})", role.name())]
    Unbalanced {
        /// Which backend.
        role: Role,
        /// The sums.
        detail: String,
    },
}

impl ReplayError {
    /// Whether the caller's words are wrong, rather than something that went wrong.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Target { .. } | Self::Option { .. } | Self::Header { .. } | Self::Tls { .. })
    }
}
