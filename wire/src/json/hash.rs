//! A hash of meaning: equal for values that are the same whatever their spelling and member order.
//!
//! Not keyed: it is for telling quickly that two documents are equal, not for withstanding someone who
//! builds two with one hash.

use std::hash::{Hash, Hasher};

use super::{Node, Tree, Value};

/// Odd constants with about as many ones as zeros (fractional digits of pi).
const SEEDS: [u64; 4] =
    [0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7345, 0xa409_3822_299f_31d1, 0x082e_fa98_ec4e_6c89];

/// Hashes the whole document.
pub fn canonical_hash(tree: &Tree<'_>) -> u128 {
    node_hash(tree.root())
}

/// Hashes one value of a document with all that is in it.
pub fn node_hash(node: Node<'_>) -> u128 {
    let mut state = Mixer::new();
    match node.value() {
        Value::Null => state.tag(1, 0),
        Value::Bool(value) => state.tag(2, usize::from(value)),
        Value::Number(number) => {
            state.tag(3, 0);
            number.hash(&mut state);
        }
        Value::String(text) => state.text(4, text),
        Value::Array => {
            state.tag(5, node.child_count());
            for child in node.children() {
                state.wide(node_hash(child));
            }
        }
        Value::Object if node.has_duplicate_keys() => {
            state.tag(6, node.child_count());
            for (key, value) in node.members() {
                state.wide(hash_member(key, value));
            }
        }
        Value::Object => {
            state.tag(7, node.child_count());
            state.wide(
                node.members().fold(0_u128, |sum, (key, value)| sum.wrapping_add(hash_member(key, value))),
            );
        }
    }
    state.finish_wide()
}

fn hash_member(key: &[u8], value: Node<'_>) -> u128 {
    let mut state = Mixer::new();
    state.text(8, key);
    state.wide(node_hash(value));
    state.finish_wide()
}

/// Two lanes of multiply and fold.
struct Mixer {
    lanes: [u64; 2],
}

fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

impl Mixer {
    fn new() -> Self {
        Self { lanes: [SEEDS[0], SEEDS[1]] }
    }

    fn word(&mut self, word: u64) {
        // Adding keeps a zero product from swallowing the lane.
        self.lanes[0] = fold(self.lanes[0] ^ word, SEEDS[2]).wrapping_add(self.lanes[0].rotate_left(23));
        self.lanes[1] = fold(self.lanes[1].wrapping_add(word) | 1, SEEDS[3] ^ word)
            .wrapping_add(self.lanes[1].rotate_left(41));
    }

    fn wide(&mut self, value: u128) {
        self.word(value as u64);
        self.word((value >> 64) as u64);
    }

    /// A kind with its length: what follows cannot be read in two ways.
    fn tag(&mut self, tag: u64, len: usize) {
        self.word(tag << 56 | len as u64);
    }

    fn text(&mut self, tag: u64, bytes: &[u8]) {
        self.tag(tag, bytes.len());
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            self.word(u64::from_le_bytes(chunk.try_into().expect("the chunk has eight bytes")));
        }
        let rest = chunks.remainder();
        if !rest.is_empty() {
            let mut last = [0; 8];
            last[..rest.len()].copy_from_slice(rest);
            self.word(u64::from_le_bytes(last));
        }
    }

    fn finish_wide(mut self) -> u128 {
        self.word(SEEDS[1]);
        u128::from(self.lanes[0]) << 64 | u128::from(self.lanes[1])
    }
}

/// For the parts of numbers.
impl Hasher for Mixer {
    fn write(&mut self, bytes: &[u8]) {
        self.text(9, bytes);
    }

    fn write_u8(&mut self, byte: u8) {
        self.word(u64::from(byte));
    }

    fn write_u64(&mut self, word: u64) {
        self.word(word);
    }

    fn write_i128(&mut self, value: i128) {
        self.wide(value as u128);
    }

    fn write_isize(&mut self, value: isize) {
        self.word(value as u64);
    }

    fn finish(&self) -> u64 {
        self.lanes[0] ^ self.lanes[1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{Ambiguity, JsonErrorKind, JsonLimits};

    fn check(a: &str, b: &str, same: bool) {
        let (a, b) = (tree(a), tree(b));
        assert_eq!(a.root().same_value(b.root()), same, "{a:?} {b:?}");
        assert_eq!(canonical_hash(&a) == canonical_hash(&b), same, "{a:?} {b:?}");
    }

    fn tree(text: &str) -> Tree<'_> {
        Tree::parse(text.as_bytes(), &JsonLimits::default()).unwrap()
    }

    #[test]
    fn meaning_not_spelling() {
        check(r#"{"a":1,"b":[true,null]}"#, r#" { "b" : [true, null], "\u0061":1.0e0 } "#, true);
        check(r#"{"a":1,"b":2}"#, r#"{"a":2,"b":1}"#, false);
        check(r#"[1,2]"#, r#"[2,1]"#, false);
        check(r#"{"a":1}"#, r#"{"a":"1"}"#, false);
        check(r#"{"a":{}}"#, r#"{"a":[]}"#, false);
        check(r#"{"a":1,"a":2}"#, r#"{"a":2,"a":1}"#, false);
        check(r#"{"a":1,"a":2}"#, r#"{"a":2}"#, false);
        check(r#""\ud83d\ude00""#, "\"\u{1f600}\"", true);
        check(r#""\ud83d""#, r#""\ude00""#, false);
        check("[[],[]]", "[[[]]]", false);
        check("9007199254740993", "9007199254740992", false);
    }

    #[test]
    fn ambiguities_are_named() {
        let text = tree(r#"{"a":"\ud800","b":1,"a":2}"#);
        let second = text.root().get(b"a").unwrap();
        assert_eq!(text.ambiguities(), [Ambiguity::LoneSurrogate(5), Ambiguity::DuplicateKey(second.id())]);
        assert_eq!(second.raw(), b"2");
        let bytes = b"\xef\xbb\xbf[\"a\xff\"]";
        let tree = Tree::parse(bytes, &JsonLimits::default()).unwrap();
        assert_eq!(tree.ambiguities(), [Ambiguity::ByteOrderMark, Ambiguity::InvalidUtf8(4)]);
    }

    #[test]
    fn limits_hold() {
        let limits = JsonLimits { max_bytes: 64, max_depth: 2, max_nodes: 4 };
        let kind = |text: &str| Tree::parse(text.as_bytes(), &limits).map(|_| ()).map_err(|error| error.kind);
        assert_eq!(kind("[[1]]"), Ok(()));
        assert_eq!(kind("[[[1]]]"), Err(JsonErrorKind::TooDeep));
        assert_eq!(kind("[1,2,3,4]"), Err(JsonErrorKind::TooManyNodes));
        assert_eq!(kind(&" ".repeat(65)), Err(JsonErrorKind::TooLarge));
    }
}
