//! Where packets come from.
//!
//! A source hands out packets one by one, borrowed from its buffer, with the time, link type and
//! original length that the capture recorded. What it cannot read ends it with a reason; packets
//! before that point stand. Invariant: no claimed length decides how much memory is taken.

mod file;
mod legacy;
mod pcapng;
mod window;

pub(crate) use file::CaptureFile;

use crate::link::LinkType;
use corpus::time::CaptureTime;
use std::io;

/// One packet as captured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Packet<'a> {
    /// When it was captured.
    pub(crate) time: CaptureTime,
    /// How its bytes begin.
    pub(crate) link: LinkType,
    /// Its length on the wire, never below what was captured.
    pub(crate) wire_len: u32,
    /// What was captured of it.
    pub(crate) data: &'a [u8],
}

/// What a source yields next.
#[derive(Debug)]
pub(crate) enum Read<'a> {
    /// A packet.
    Packet(Packet<'a>),
    /// A packet record that cannot be used; reading goes on behind it.
    BadRecord,
    /// The regular end.
    End,
}

/// Why a capture file cannot be read, or not further.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The operating system refused.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The file has no bytes at all.
    #[error("the file is empty")]
    Empty,
    /// The first bytes are of no capture format that we read.
    #[error("neither pcap nor pcapng: the file begins with {0}")]
    Format(String),
    /// The file ends inside its header.
    #[error("the file ends inside its header, after {0} bytes")]
    HeaderCut(u64),
    /// The file ends inside a packet or block.
    #[error("the file ends inside a {what} at byte {offset}")]
    Cut {
        /// Packet or block.
        what: &'static str,
        /// Where it begins.
        offset: u64,
    },
    /// A length or a field that no writer of this format makes.
    #[error("{what} at byte {offset}")]
    Damaged {
        /// What was found.
        what: &'static str,
        /// Where it stands.
        offset: u64,
    },
}
