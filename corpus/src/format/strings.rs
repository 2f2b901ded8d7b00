//! The table of byte strings in front of a block of records: methods, targets, whole field lists.

use super::codec::{self, CodecError};
use std::collections::HashMap;
use std::ops::Range;
use wire::http1::Headers;

/// A table of byte strings, each once, encoded as it grows.
#[derive(Debug, Default)]
pub(super) struct Strings {
    encoded: Vec<u8>,
    count: u32,
    known: HashMap<(u32, u32), (u32, usize)>,
    scratch: Vec<u8>,
}

impl Strings {
    /// The index of `bytes` in the table.
    pub(super) fn intern(&mut self, bytes: &[u8]) -> u32 {
        let key = (crc32c::crc32c(bytes), u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        if let Some(&(index, start)) = self.known.get(&key)
            && self.encoded.get(start..start + bytes.len()) == Some(bytes)
        {
            return index;
        }
        let index = self.count;
        codec::encode_into(&serde_bytes::Bytes::new(bytes), &mut self.encoded)
            .expect("bytes are encoded into memory without fail");
        self.known.insert(key, (index, self.encoded.len() - bytes.len()));
        self.count += 1;
        index
    }

    /// The index of a field list in the table.
    pub(super) fn headers(&mut self, headers: &Headers) -> Result<u32, CodecError> {
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        encode_headers(headers, &mut scratch)?;
        let index = self.intern(&scratch);
        self.scratch = scratch;
        Ok(index)
    }

    /// Bytes of the table so far.
    pub(super) fn len(&self) -> usize {
        self.encoded.len()
    }

    /// Appends the table: the record encoding of a list of byte strings. It is empty afterwards.
    pub(super) fn take_into(&mut self, out: &mut Vec<u8>) -> Result<(), CodecError> {
        codec::encode_into(&u64::from(self.count), out)?;
        out.append(&mut self.encoded);
        self.known.clear();
        self.count = 0;
        Ok(())
    }
}

/// Where strings that borrow from `plain` are in it.
pub(super) fn ranges(plain: &[u8], strings: &[&[u8]]) -> Vec<Range<usize>> {
    let base = plain.as_ptr().addr();
    let range = |string: &&[u8]| {
        let start = string.as_ptr().addr().saturating_sub(base);
        start..start + string.len()
    };
    strings.iter().map(range).collect()
}

/// Appends a field list: the record encoding of a list of pairs of byte strings.
pub(super) fn encode_headers(headers: &Headers, out: &mut Vec<u8>) -> Result<(), CodecError> {
    codec::encode_into(&(headers.len() as u64), out)?;
    for (name, value) in headers.iter() {
        codec::encode_into(&(serde_bytes::Bytes::new(name), serde_bytes::Bytes::new(value)), out)?;
    }
    Ok(())
}

pub(super) fn decode_headers(bytes: &[u8]) -> Result<Headers, CodecError> {
    let fields: Vec<(&[u8], &[u8])> = codec::decode(bytes)?;
    Ok(fields.into_iter().collect())
}
