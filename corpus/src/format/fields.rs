//! The field lists of a record block: names once, the values of one name together, whole lists once.

use super::codec::{self, CodecError};
use super::columns::{Column, Cursor, Fresh};
use super::frame::MAX_PLAIN;
use super::segment::SEGMENT_RECORDS;
use super::strings::{Strings, encode_headers};
use serde::Deserialize;
use std::collections::HashMap;
use wire::http1::Headers;

/// Lists of one block: four for each record of a full segment.
const MAX_LISTS: u64 = 4 * SEGMENT_RECORDS;
/// Bytes of a field in memory beside name and value.
const FIELD: usize = 16;

/// Field lists that are collected.
#[derive(Debug, Default)]
pub(super) struct FieldLists {
    names: Strings,
    values: Vec<Values>,
    /// Of each list the count of its fields, then the number of each name.
    lists: Column,
    count: u32,
    /// Lists that were seen, as they were encoded.
    known: HashMap<(u32, u32), (u32, usize)>,
    seen: Vec<u8>,
    bytes: usize,
}

/// The values of one name.
#[derive(Debug, Default)]
struct Values {
    strings: Strings,
    fresh: Fresh,
    /// Of each field of this name in each list the number of its value.
    refs: Column,
}

impl FieldLists {
    /// Bytes so far, about.
    pub(super) fn len(&self) -> usize {
        self.bytes
    }

    /// The number of a list.
    pub(super) fn intern(&mut self, headers: &Headers) -> Result<u32, CodecError> {
        let start = self.seen.len();
        encode_headers(headers, &mut self.seen)?;
        let list = &self.seen[start..];
        let key = (crc32c::crc32c(list), u32::try_from(list.len()).unwrap_or(u32::MAX));
        if let Some(&(index, at)) = self.known.get(&key)
            && self.seen.get(at..at + list.len()) == Some(list)
        {
            self.seen.truncate(start);
            return Ok(index);
        }
        self.bytes += list.len() + 4 * headers.len();
        self.known.insert(key, (self.count, start));
        self.push(headers);
        self.count += 1;
        Ok(self.count - 1)
    }

    fn push(&mut self, headers: &Headers) {
        self.lists.put(headers.len() as u64);
        for (name, value) in headers.iter() {
            let name = self.names.intern(name);
            self.lists.put(u64::from(name));
            if name as usize == self.values.len() {
                self.values.push(Values::default());
            }
            let values = &mut self.values[name as usize];
            let index = values.strings.intern(value);
            values.refs.put(values.fresh.code(index));
        }
    }

    /// Appends names, values, references and lists. Nothing is left afterwards.
    pub(super) fn take_into(&mut self, out: &mut Vec<u8>) -> Result<(), CodecError> {
        self.names.take_into(out)?;
        codec::encode_into(&(self.values.len() as u64), out)?;
        for mut values in self.values.drain(..) {
            values.strings.take_into(out)?;
            values.refs.take_into(out)?;
        }
        codec::encode_into(&u64::from(self.count), out)?;
        self.lists.take_into(out)?;
        self.known.clear();
        self.seen.clear();
        self.count = 0;
        self.bytes = 0;
        Ok(())
    }
}

/// What [`FieldLists::take_into`] writes.
#[derive(Deserialize)]
pub(super) struct Packed<'a> {
    #[serde(borrow)]
    names: Vec<&'a [u8]>,
    values: Vec<(Vec<&'a [u8]>, &'a [u8])>,
    count: u64,
    lists: &'a [u8],
}

impl Packed<'_> {
    /// The lists, in the order of their numbers.
    pub(super) fn unpack(&self) -> Result<Vec<Headers>, CodecError> {
        let broken = || CodecError::new("a field list is broken");
        let mut refs: Vec<_> = self.values.iter().map(|(_, refs)| (Cursor(refs), Fresh::default())).collect();
        let mut cursor = Cursor(self.lists);
        if self.count > MAX_LISTS {
            return Err(broken());
        }
        let mut lists = Vec::new();
        // One long value named many times would take any memory; no writer makes more than a block of lists.
        let mut room = MAX_PLAIN;
        for _ in 0..self.count {
            let mut headers = Headers::new();
            for _ in 0..cursor.get()? {
                let name = usize::try_from(cursor.get()?).map_err(|_| broken())?;
                let (column, fresh) = refs.get_mut(name).ok_or_else(broken)?;
                let value = self.values[name].0.get(fresh.index(column.get()?)).ok_or_else(broken)?;
                let name = self.names.get(name).ok_or_else(broken)?;
                room = room.checked_sub(name.len() + value.len() + FIELD).ok_or_else(broken)?;
                headers.push(name, value);
            }
            lists.push(headers);
        }
        if cursor.is_empty() { Ok(lists) } else { Err(broken()) }
    }
}
