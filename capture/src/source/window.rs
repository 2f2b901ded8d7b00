//! A bounded window over a byte stream.
//!
//! Invariant: the window never grows; who needs more than its capacity skips or gives up.

use std::io::{self, Read};

/// Small enough to stay in a second-level cache, large enough for the largest packet that libpcap
/// writes (256 KiB) with its headers.
pub(super) const CAPACITY: usize = 512 * 1024;

/// Bytes of `input` from [`Window::offset`] on.
pub(super) struct Window<R> {
    input: R,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    offset: u64,
}

impl<R: Read> Window<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, buffer: vec![0; CAPACITY].into_boxed_slice(), start: 0, end: 0, offset: 0 }
    }

    /// Offset of the first byte of [`Window::bytes`] in the stream.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// What is in the window now.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Drops the first `len` bytes of the window.
    pub(super) fn consume(&mut self, len: usize) {
        let len = len.min(self.end - self.start);
        self.start += len;
        self.offset += len as u64;
    }

    /// Reads until the window holds `len` bytes; fewer are there only at the end of the stream, or
    /// where `len` is beyond the capacity.
    pub(super) fn fill(&mut self, len: usize) -> io::Result<&[u8]> {
        if self.end - self.start >= len {
            return Ok(&self.buffer[self.start..self.end]);
        }
        self.refill(len)?;
        Ok(&self.buffer[self.start..self.end])
    }

    #[cold]
    fn refill(&mut self, len: usize) -> io::Result<()> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        while self.end < len.min(self.buffer.len()) {
            match self.input.read(&mut self.buffer[self.end..]) {
                Ok(0) => break,
                Ok(read) => self.end += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Passes over `len` bytes, however many; says how many there were.
    pub(super) fn skip(&mut self, len: u64) -> io::Result<u64> {
        let mut left = len;
        while left > 0 {
            let there = self.fill(1)?.len() as u64;
            if there == 0 {
                break;
            }
            let step = there.min(left);
            self.consume(usize::try_from(step).unwrap_or(usize::MAX));
            left -= step;
        }
        Ok(len - left)
    }
}
