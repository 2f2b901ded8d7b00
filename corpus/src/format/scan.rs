//! Walking the frames of a file from one offset to another, past whatever is damaged.
//!
//! Invariant: every step moves forward, and nothing is taken for a frame that is not whole.

use super::frame::{FRAME_MAGIC, FrameHeader, HEADER_LEN};
use super::input::{FrameFault, FrameFile};

/// Bytes searched at a time for the next frame.
const SEARCH: usize = 64 << 10;

/// One step of a walk.
#[derive(Debug)]
pub(super) enum Found {
    /// A whole frame, payload as stored.
    Frame { offset: u64, header: FrameHeader, stored: Vec<u8> },
    /// Bytes that are no frame, or a frame whose payload is damaged.
    Damaged {
        offset: u64,
        /// The frame, where its header could be read.
        header: Option<FrameHeader>,
        fault: FrameFault,
    },
    /// A frame that was being written when the file ended.
    Torn { offset: u64 },
}

/// A walk over the frames from `at` up to `end`.
#[derive(Debug)]
pub(super) struct Scan<'a> {
    file: &'a FrameFile,
    at: u64,
    end: u64,
}

impl<'a> Scan<'a> {
    pub(super) fn new(file: &'a FrameFile, start: u64, end: u64) -> Scan<'a> {
        Scan { file, at: start, end: end.min(file.len()) }
    }

    /// The offset of the next frame header behind `from`, or the end.
    fn next_frame(&self, from: u64) -> u64 {
        let mut at = from;
        let mut window = vec![0; SEARCH];
        while at + (HEADER_LEN as u64) <= self.end {
            let len = usize::try_from(self.end - at).unwrap_or(SEARCH).min(SEARCH);
            let window = &mut window[..len];
            if self.file.read_at(at, window).is_err() {
                break;
            }
            let starts = window.windows(FRAME_MAGIC.len()).enumerate().filter(|(_, w)| **w == FRAME_MAGIC);
            for (start, _) in starts {
                let candidate = at + start as u64;
                if self.file.frame_header(candidate).is_ok() {
                    return candidate;
                }
            }
            at += (len - FRAME_MAGIC.len() + 1).max(1) as u64;
        }
        self.end
    }
}

impl Iterator for Scan<'_> {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        if self.at >= self.end {
            return None;
        }
        let offset = self.at;
        match self.file.frame_header(offset) {
            Ok(header) => {
                self.at = offset + header.frame_len();
                Some(match self.file.stored(offset, &header) {
                    Ok(stored) => Found::Frame { offset, header, stored },
                    Err(fault) => Found::Damaged { offset, header: Some(header), fault },
                })
            }
            Err(fault) => {
                self.at = self.next_frame(offset + 1);
                let torn = fault == FrameFault::Cut && self.at == self.end;
                Some(if torn {
                    Found::Torn { offset }
                } else {
                    Found::Damaged { offset, header: None, fault }
                })
            }
        }
    }
}
