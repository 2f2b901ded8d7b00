//! An ordered field list in one buffer: names keep their case, repeated fields keep their places.
//!
//! Two allocations at most, whatever the number of fields. Bytes of removed fields stay in the buffer
//! until the list is dropped or cloned.

use std::fmt;

use super::scan;

/// Where one field lies in its buffer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    pub(super) name: u32,
    pub(super) name_len: u32,
    pub(super) value: u32,
    pub(super) value_len: u32,
}

/// An owned, ordered list of fields.
#[derive(Default)]
pub struct Headers {
    bytes: Vec<u8>,
    fields: Vec<Field>,
}

/// A borrowed field list: of [`Headers`], or straight out of parsed bytes.
#[derive(Clone, Copy)]
pub struct HeadersRef<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) fields: &'a [Field],
}

fn slice(bytes: &[u8], start: u32, len: u32) -> &[u8] {
    bytes.get(start as usize..start as usize + len as usize).unwrap_or_default()
}

impl<'a> HeadersRef<'a> {
    fn name(self, field: &Field) -> &'a [u8] {
        slice(self.bytes, field.name, field.name_len)
    }

    fn value(self, field: &Field) -> &'a [u8] {
        slice(self.bytes, field.value, field.value_len)
    }

    /// Number of field lines.
    pub fn len(self) -> usize {
        self.fields.len()
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.fields.is_empty()
    }

    /// Bytes of all names and values, without separators.
    pub fn byte_len(self) -> usize {
        self.fields.iter().map(|field| field.name_len as usize + field.value_len as usize).sum()
    }

    /// Names and values, in order.
    pub fn iter(self) -> impl ExactSizeIterator<Item = (&'a [u8], &'a [u8])> + Clone {
        self.fields.iter().map(move |field| (self.name(field), self.value(field)))
    }

    /// The first value of `name`, whatever its case.
    pub fn get(self, name: &[u8]) -> Option<&'a [u8]> {
        self.fields.iter().find(|field| self.is_named(field, name)).map(|field| self.value(field))
    }

    /// All values of `name`, in order.
    pub fn get_all(self, name: &[u8]) -> impl Iterator<Item = &'a [u8]> {
        self.fields.iter().filter(move |field| self.is_named(field, name)).map(move |field| self.value(field))
    }

    /// Whether `name` is there.
    pub fn contains(self, name: &[u8]) -> bool {
        self.get(name).is_some()
    }

    /// The members of the comma-separated lists in all values of `name`, trimmed, empty ones left out.
    pub fn list(self, name: &[u8]) -> impl Iterator<Item = &'a [u8]> {
        self.get_all(name)
            .flat_map(|value| value.split(|b| *b == b','))
            .map(scan::trim)
            .filter(|member| !member.is_empty())
    }

    /// Whether a list of `name` has `token`, whatever its case (as in `Connection: close`).
    pub fn list_contains(self, name: &[u8], token: &[u8]) -> bool {
        self.list(name).any(|member| member.eq_ignore_ascii_case(token))
    }

    fn is_named(self, field: &Field, name: &[u8]) -> bool {
        field.name_len as usize == name.len() && self.name(field).eq_ignore_ascii_case(name)
    }

    /// A compact owned copy.
    pub fn to_owned(self) -> Headers {
        let mut copy = Headers::with_capacity(self.len(), self.byte_len());
        for (name, value) in self.iter() {
            copy.push(name, value);
        }
        copy
    }
}

impl Headers {
    /// An empty list; allocates nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty list with room for `fields` fields of `bytes` bytes of names and values in all.
    pub fn with_capacity(fields: usize, bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes), fields: Vec::with_capacity(fields) }
    }

    /// The list, borrowed: all reading methods are there.
    pub fn as_ref(&self) -> HeadersRef<'_> {
        HeadersRef { bytes: &self.bytes, fields: &self.fields }
    }

    /// Appends a field. Names and values are kept as given; the writer refuses what cannot be sent.
    ///
    /// # Panics
    ///
    /// If the list grows beyond 4 GiB, which no limit of this crate lets happen.
    pub fn push(&mut self, name: &[u8], value: &[u8]) {
        let (name, name_len) = self.append(name);
        let (value, value_len) = self.append(value);
        self.fields.push(Field { name, name_len, value, value_len });
    }

    fn append(&mut self, part: &[u8]) -> (u32, u32) {
        let start = u32::try_from(self.bytes.len()).expect("a field list stays below 4 GiB");
        let len = u32::try_from(part.len()).expect("a field stays below 4 GiB");
        self.bytes.extend_from_slice(part);
        (start, len)
    }

    /// Sets `name` to the one value given: in the place of its first field, else at the end.
    pub fn set(&mut self, name: &[u8], value: &[u8]) {
        let Some(first) = self.as_ref().fields.iter().position(|field| self.as_ref().is_named(field, name))
        else {
            self.push(name, value);
            return;
        };
        let (start, len) = self.append(value);
        self.fields[first].value = start;
        self.fields[first].value_len = len;
        let mut index = 0;
        self.retain(|other, _| {
            index += 1;
            index - 1 <= first || !other.eq_ignore_ascii_case(name)
        });
    }

    /// Removes every field `name`, whatever its case; says how many there were.
    pub fn remove(&mut self, name: &[u8]) -> usize {
        let before = self.fields.len();
        self.retain(|other, _| !other.eq_ignore_ascii_case(name));
        before - self.fields.len()
    }

    /// Keeps the fields for which `keep(name, value)` holds, in order.
    pub fn retain(&mut self, mut keep: impl FnMut(&[u8], &[u8]) -> bool) {
        let bytes = &self.bytes;
        self.fields.retain(|field| {
            keep(slice(bytes, field.name, field.name_len), slice(bytes, field.value, field.value_len))
        });
    }

    /// Removes all fields and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.fields.clear();
    }

    /// Number of field lines.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Names and values, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&[u8], &[u8])> + Clone {
        self.as_ref().iter()
    }

    /// The first value of `name`, whatever its case.
    pub fn get(&self, name: &[u8]) -> Option<&[u8]> {
        self.as_ref().get(name)
    }

    /// All values of `name`, in order.
    pub fn get_all<'a>(&'a self, name: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        let list: HeadersRef<'a> = self.as_ref();
        list.fields.iter().filter(move |field| list.is_named(field, name)).map(move |field| list.value(field))
    }

    /// Whether `name` is there.
    pub fn contains(&self, name: &[u8]) -> bool {
        self.as_ref().contains(name)
    }
}

impl Clone for Headers {
    fn clone(&self) -> Self {
        self.as_ref().to_owned()
    }
}

impl PartialEq for HeadersRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for HeadersRef<'_> {}

impl PartialEq for Headers {
    fn eq(&self, other: &Self) -> bool {
        self.as_ref() == other.as_ref()
    }
}

impl Eq for Headers {}

impl fmt::Debug for HeadersRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_list();
        for (name, value) in self.iter() {
            map.entry(&format_args!("{}: {}", name.escape_ascii(), value.escape_ascii()));
        }
        map.finish()
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().fmt(f)
    }
}

impl<N: AsRef<[u8]>, V: AsRef<[u8]>> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(fields: I) -> Self {
        let mut list = Self::new();
        for (name, value) in fields {
            list.push(name.as_ref(), value.as_ref());
        }
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Headers {
        [("Host", "h"), ("X-A", "1"), ("x-a", "2"), ("Connection", "close, , Upgrade")].into_iter().collect()
    }

    fn check(headers: &Headers, expected: &str) {
        assert_eq!(format!("{headers:?}"), expected);
    }

    #[test]
    fn order_case_and_repeats_are_kept() {
        let headers = sample();
        check(&headers, "[Host: h, X-A: 1, x-a: 2, Connection: close, , Upgrade]");
        assert_eq!(headers.get(b"x-A"), Some(&b"1"[..]));
        assert_eq!(headers.get_all(b"x-a").collect::<Vec<_>>(), [b"1", b"2"]);
        assert!(headers.as_ref().list_contains(b"connection", b"upgrade"));
        assert_eq!(headers.as_ref().list(b"connection").count(), 2);
    }

    #[test]
    fn set_keeps_the_place_and_drops_repeats() {
        let mut headers = sample();
        headers.set(b"X-a", b"new");
        headers.set(b"New", b"\x00");
        check(&headers, r"[Host: h, X-A: new, Connection: close, , Upgrade, New: \x00]");
        assert_eq!(headers.remove(b"HOST"), 1);
        check(&headers.clone(), r"[X-A: new, Connection: close, , Upgrade, New: \x00]");
        assert_eq!(headers, headers.clone());
        assert_ne!(headers, sample());
    }
}
