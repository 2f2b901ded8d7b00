//! Columns of numbers: what is alike stands together, so that it packs well.
//!
//! A column is a sequence of unsigned integers in the record encoding; signed ones are zigzag.

use super::codec::{self, CodecError};

/// A column that is being written.
#[derive(Debug, Default)]
pub(super) struct Column(Vec<u8>);

impl Column {
    #[inline]
    pub(super) fn put(&mut self, value: u64) {
        // The short form by hand: nearly every value has it, on the path of every exchange.
        match u8::try_from(value) {
            Ok(byte) if byte < 251 => self.0.push(byte),
            _ => {
                codec::encode_into(&value, &mut self.0).expect("a number is encoded into memory without fail")
            }
        }
    }

    #[inline]
    pub(super) fn put_signed(&mut self, value: i64) {
        self.put(zigzag(value));
    }

    /// Appends the column as a byte string. It is empty afterwards.
    pub(super) fn take_into(&mut self, out: &mut Vec<u8>) -> Result<(), CodecError> {
        codec::encode_into(&serde_bytes::Bytes::new(&self.0), out)?;
        self.0.clear();
        Ok(())
    }
}

/// A column that is being read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a>(pub(super) &'a [u8]);

impl Cursor<'_> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn get(&mut self) -> Result<u64, CodecError> {
        if let [byte @ 0..=250, rest @ ..] = self.0 {
            self.0 = rest;
            return Ok(u64::from(*byte));
        }
        let (value, used) = codec::decode_prefix(self.0)?;
        self.0 = self.0.get(used..).unwrap_or_default();
        Ok(value)
    }

    pub(super) fn get_signed(&mut self) -> Result<i64, CodecError> {
        self.get().map(unzigzag)
    }
}

fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63).cast_unsigned()
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}

/// References to a table in the order of its growth: 0 is the next entry that was not referred to yet, any
/// other number is that of an entry, plus 1.
#[derive(Debug, Clone, Default)]
pub(super) struct Fresh(u64);

impl Fresh {
    #[inline]
    pub(super) fn code(&mut self, index: u32) -> u64 {
        if u64::from(index) == self.0 {
            self.0 += 1;
            0
        } else {
            u64::from(index) + 1
        }
    }

    #[inline]
    pub(super) fn index(&mut self, code: u64) -> usize {
        let index = if code == 0 {
            self.0 += 1;
            self.0 - 1
        } else {
            code - 1
        };
        usize::try_from(index).unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back() {
        let values = [0, 1, -1, 124, 125, -126, 70_000, i64::MIN, i64::MAX];
        let mut column = Column::default();
        values.iter().for_each(|value| column.put_signed(*value));
        let mut cursor = Cursor(&column.0);
        for value in values {
            assert_eq!(cursor.get_signed(), Ok(value));
        }
        assert!(cursor.is_empty() && cursor.get().is_err());
    }

    #[test]
    fn references_come_back() {
        let (mut write, mut read) = (Fresh::default(), Fresh::default());
        for index in [0, 1, 0, 2, 1, 3, 9] {
            let code = write.code(index);
            assert_eq!(read.index(code), index as usize);
        }
    }
}
