//! The record encoding: the only user of `bincode`, always with a limit.
//!
//! Everything decoded here comes out of a frame whose length and checksum were verified. The limit bounds
//! what a decoder may claim, so that a hostile length is an error and not an allocation.

use super::frame::MAX_PLAIN;
use bincode::config::{Configuration, Limit, LittleEndian, Varint};
use serde::{Deserialize, Serialize};

type Config = Configuration<LittleEndian, Varint, Limit<MAX_PLAIN>>;

const CONFIG: Config = bincode::config::standard().with_limit::<MAX_PLAIN>();

/// Bytes that are no valid encoding of what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the record encoding is broken: {0}")]
pub(crate) struct CodecError(String);

impl CodecError {
    pub(crate) fn new(what: &str) -> CodecError {
        CodecError(what.to_owned())
    }
}

/// Appends the encoding of `value` to `out`.
pub(crate) fn encode_into<T: Serialize>(value: &T, out: &mut Vec<u8>) -> Result<(), CodecError> {
    bincode::serde::encode_into_std_write(value, out, CONFIG).map(drop).map_err(|e| CodecError(e.to_string()))
}

/// The encoding of `value`.
pub(crate) fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, CodecError> {
    let mut out = Vec::new();
    encode_into(value, &mut out)?;
    Ok(out)
}

/// The value encoded by exactly `bytes`, borrowing byte strings from it.
pub(crate) fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, CodecError> {
    let (value, used) = decode_prefix(bytes)?;
    if used == bytes.len() {
        Ok(value)
    } else {
        Err(CodecError(format!("{} bytes too many", bytes.len() - used)))
    }
}

/// The value encoded by the first of `bytes`, and how many they are.
pub(crate) fn decode_prefix<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<(T, usize), CodecError> {
    bincode::serde::borrow_decode_from_slice(bytes, CONFIG).map_err(|e| CodecError(e.to_string()))
}
