//! A JSON tree (RFC 8259) for comparison and redaction: nothing of the text is lost in it.
//!
//! Numbers stay decimal text, members keep their order and their duplicates, every node knows its bytes.
//! What readers of the same text may understand differently is listed as [`Ambiguity`]. Nodes lie in one
//! arena in document order, so that a small document costs a handful of allocations. Invariant: memory
//! is linear in the text, and no nesting deeper than [`JsonLimits::max_depth`] is entered.
//!
//! ```
//! use wire::json::{JsonLimits, Tree, Value};
//!
//! let tree = Tree::parse(br#"{"total": 10.0, "items": [1, 2]}"#, &JsonLimits::default())?;
//! let total = tree.root().get(b"total").expect("it is there");
//! let Value::Number(number) = total.value() else { panic!("it is a number") };
//! assert_eq!(number.text(), "10.0");
//! assert_eq!(total.span(), 10..14);
//! # Ok::<(), wire::json::JsonError>(())
//! ```

mod equal;
mod hash;
mod number;
mod parse;

use std::fmt;
use std::ops::Range;

use thiserror::Error;

pub use hash::{canonical_hash, node_hash};
pub use number::Number;

/// Bounds on one document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JsonLimits {
    /// Bytes of text; never more than 2 GiB.
    pub max_bytes: usize,
    /// Arrays and objects within one another.
    pub max_depth: usize,
    /// Values in all.
    pub max_nodes: usize,
}

impl Default for JsonLimits {
    fn default() -> Self {
        Self { max_bytes: 64 << 20, max_depth: 512, max_nodes: 4 << 20 }
    }
}

/// Why bytes are no JSON text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("parse JSON at byte {offset}: {kind}")]
pub struct JsonError {
    /// What was wrong.
    pub kind: JsonErrorKind,
    /// Where.
    pub offset: usize,
}

/// What was wrong with a JSON text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum JsonErrorKind {
    /// The text ends too early.
    #[error("unexpected end")]
    UnexpectedEnd,
    /// No value where one must be.
    #[error("expected a value")]
    ExpectedValue,
    /// No member name where one must be.
    #[error("expected a member name")]
    ExpectedName,
    /// No colon behind a member name.
    #[error("expected a colon")]
    ExpectedColon,
    /// No comma or closing bracket behind a value.
    #[error("expected a comma or a closing bracket")]
    ExpectedCommaOrEnd,
    /// A number against the grammar.
    #[error("invalid number")]
    InvalidNumber,
    /// An escape against the grammar.
    #[error("invalid escape")]
    InvalidEscape,
    /// A raw control character in a string.
    #[error("control character in a string")]
    ControlCharacter,
    /// Something behind the value.
    #[error("text behind the value")]
    TrailingText,
    /// Beyond [`JsonLimits::max_depth`].
    #[error("nested too deeply")]
    TooDeep,
    /// Beyond [`JsonLimits::max_bytes`].
    #[error("text too large")]
    TooLarge,
    /// Beyond [`JsonLimits::max_nodes`].
    #[error("too many values")]
    TooManyNodes,
}

/// Something that readers of this text may understand differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ambiguity {
    /// A member name that its object has already; the node is the later value.
    DuplicateKey(NodeId),
    /// An escaped surrogate without its other half, in the string at this offset.
    LoneSurrogate(usize),
    /// Bytes that are no UTF-8, in the string at this offset.
    InvalidUtf8(usize),
    /// A byte order mark in front of the text.
    ByteOrderMark,
}

/// Ambiguities that are listed; more are only counted.
const MAX_AMBIGUITIES: usize = 256;

/// Names a node within its tree; nodes are numbered in document order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(u32);

impl NodeId {
    /// The number, below [`Tree::len`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A string: in the source, or, where it had escapes, in the decoded buffer.
#[derive(Debug, Clone, Copy)]
struct Text {
    start: u32,
    len: u32,
    decoded: bool,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Null,
    True,
    False,
    Number,
    String(Text),
    Array { count: u32 },
    Object { count: u32, duplicates: bool },
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    kind: Kind,
    start: u32,
    end: u32,
    /// The node behind this one's subtree.
    next: u32,
    parent: u32,
    /// Index into `keys`, or `NONE`.
    key: u32,
}

const NONE: u32 = u32::MAX;

/// A parsed document; borrows its text.
#[derive(Clone)]
pub struct Tree<'a> {
    source: &'a [u8],
    entries: Vec<Entry>,
    keys: Vec<Text>,
    decoded: Vec<u8>,
    ambiguities: Vec<Ambiguity>,
    ambiguity_count: usize,
}

/// A value of a tree.
#[derive(Clone, Copy)]
pub struct Node<'t> {
    tree: &'t Tree<'t>,
    id: NodeId,
}

/// What a node is.
#[derive(Debug, Clone, Copy)]
pub enum Value<'t> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as spelt.
    Number(Number<'t>),
    /// A string, decoded: UTF-8, except where the tree lists an ambiguity.
    String(&'t [u8]),
    /// An array; see [`Node::children`].
    Array,
    /// An object; see [`Node::members`].
    Object,
}

impl<'a> Tree<'a> {
    /// Parses a whole text.
    ///
    /// # Errors
    ///
    /// [`JsonError`] with kind and offset.
    pub fn parse(source: &'a [u8], limits: &JsonLimits) -> Result<Self, JsonError> {
        parse::parse(source, limits)
    }

    /// The text.
    pub fn source(&self) -> &'a [u8] {
        self.source
    }

    /// The outermost value.
    pub fn root(&self) -> Node<'_> {
        Node { tree: self, id: NodeId(0) }
    }

    /// The node of this name.
    pub fn node(&self, id: NodeId) -> Option<Node<'_>> {
        (id.index() < self.entries.len()).then_some(Node { tree: self, id })
    }

    /// Number of values.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Never: a text has at least one value.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What may be understood differently, in document order as far as listed (at most 256).
    pub fn ambiguities(&self) -> &[Ambiguity] {
        &self.ambiguities
    }

    /// How many there are in all.
    pub fn ambiguity_count(&self) -> usize {
        self.ambiguity_count
    }

    fn text(&self, text: Text) -> &[u8] {
        let buffer = if text.decoded { &self.decoded[..] } else { self.source };
        &buffer[text.start as usize..text.start as usize + text.len as usize]
    }

    fn note(&mut self, ambiguity: Ambiguity) {
        self.ambiguity_count += 1;
        if self.ambiguities.len() < MAX_AMBIGUITIES {
            self.ambiguities.push(ambiguity);
        }
    }
}

impl<'t> Node<'t> {
    fn entry(self) -> &'t Entry {
        &self.tree.entries[self.id.index()]
    }

    fn at(self, id: u32) -> Self {
        Self { tree: self.tree, id: NodeId(id) }
    }

    /// The node's name in its tree.
    pub fn id(self) -> NodeId {
        self.id
    }

    /// What it is.
    pub fn value(self) -> Value<'t> {
        match self.entry().kind {
            Kind::Null => Value::Null,
            Kind::True => Value::Bool(true),
            Kind::False => Value::Bool(false),
            Kind::Number => Value::Number(Number::of_valid(self.raw())),
            Kind::String(text) => Value::String(self.tree.text(text)),
            Kind::Array { .. } => Value::Array,
            Kind::Object { .. } => Value::Object,
        }
    }

    /// Where it lies in the text.
    pub fn span(self) -> Range<usize> {
        self.entry().start as usize..self.entry().end as usize
    }

    /// Its bytes in the text.
    pub fn raw(self) -> &'t [u8] {
        &self.tree.source[self.span()]
    }

    /// Its member name, decoded, if it is a member of an object.
    pub fn key(self) -> Option<&'t [u8]> {
        self.tree.keys.get(self.entry().key as usize).map(|text| self.tree.text(*text))
    }

    /// The array or object that it is in.
    pub fn parent(self) -> Option<Self> {
        let parent = self.entry().parent;
        (parent != NONE).then(|| self.at(parent))
    }

    /// Number of elements or members; 0 for other values.
    pub fn child_count(self) -> usize {
        match self.entry().kind {
            Kind::Array { count } | Kind::Object { count, .. } => count as usize,
            _ => 0,
        }
    }

    /// Elements or member values, in order; none for other values.
    pub fn children(self) -> Children<'t> {
        Children { tree: self.tree, next: self.id.0 + 1, left: self.child_count() }
    }

    /// Members in order, duplicates included; none unless an object.
    pub fn members(self) -> impl Iterator<Item = (&'t [u8], Self)> {
        self.children().filter_map(|child| Some((child.key()?, child)))
    }

    /// The last member of this name, as most readers take it.
    pub fn get(self, key: &[u8]) -> Option<Self> {
        self.members().filter(|(name, _)| *name == key).last().map(|(_, value)| value)
    }

    /// The element at this index, if an array.
    pub fn element(self, index: usize) -> Option<Self> {
        match self.entry().kind {
            Kind::Array { .. } => self.children().nth(index),
            _ => None,
        }
    }

    /// Whether an object has a member name twice (itself, not deeper).
    pub fn has_duplicate_keys(self) -> bool {
        matches!(self.entry().kind, Kind::Object { duplicates: true, .. })
    }

    /// Whether both mean the same: members in any order, numbers by decimal value, strings by their
    /// characters. Objects with duplicate keys must have them in the same order.
    pub fn same_value(self, other: Node<'_>) -> bool {
        equal::same_value(self, other)
    }
}

/// Elements or member values of a node.
#[derive(Debug, Clone)]
pub struct Children<'t> {
    tree: &'t Tree<'t>,
    next: u32,
    left: usize,
}

impl<'t> Iterator for Children<'t> {
    type Item = Node<'t>;

    fn next(&mut self) -> Option<Node<'t>> {
        self.left = self.left.checked_sub(1)?;
        let node = Node { tree: self.tree, id: NodeId(self.next) };
        self.next = node.entry().next;
        Some(node)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Children<'_> {}

impl fmt::Debug for Tree<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tree({})", self.source.escape_ascii())
    }
}

impl fmt::Debug for Node<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Node({})", self.raw().escape_ascii())
    }
}
