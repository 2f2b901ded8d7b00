//! A JSONPath query (RFC 9535) as a syntax tree.

use std::str::FromStr;

use thiserror::Error;

use crate::json::Node;

/// A parsed query.
#[derive(Debug, Clone)]
pub struct Query {
    pub(super) segments: Vec<Segment>,
}

/// Why a text is no JSONPath query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("parse JSONPath at byte {offset}: {kind}")]
pub struct PathError {
    /// What was wrong.
    pub kind: PathErrorKind,
    /// Where.
    pub offset: usize,
}

/// What was wrong with a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PathErrorKind {
    /// Something else was expected here.
    #[error("expected {0}")]
    Expected(&'static str),
    /// An index beyond plus or minus 2^53 - 1, or spelt with leading zeros.
    #[error("invalid index")]
    InvalidIndex,
    /// A string with an escape against the grammar, a control character or no end.
    #[error("invalid string")]
    InvalidString,
    /// A query with more than one possible result in a comparison.
    #[error("a comparison needs a query for a single value")]
    NotSingular,
    /// A function that does not exist.
    #[error("unknown function")]
    UnknownFunction,
    /// A function with arguments or in a place that its types do not allow.
    #[error("function of another type")]
    FunctionType,
    /// Parentheses or filters nested beyond 64.
    #[error("nested too deeply")]
    TooDeep,
}

/// Why a query was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum QueryError {
    /// It visited more nodes than any sensible rule: `..` upon `..` over a large document.
    #[error("evaluate JSONPath: more than {0} nodes visited")]
    TooMuchWork(usize),
}

#[derive(Debug, Clone, PartialEq, Eq, Copy)]
pub(super) enum Reach {
    Children,
    Descendants,
}

#[derive(Debug, Clone)]
pub(super) struct Segment {
    pub(super) reach: Reach,
    pub(super) selectors: Vec<Selector>,
}

#[derive(Debug, Clone)]
pub(super) enum Selector {
    Name(String),
    Wildcard,
    Index(i64),
    Slice { start: Option<i64>, end: Option<i64>, step: i64 },
    Filter(Expression),
}

#[derive(Debug, Clone)]
pub(super) enum Expression {
    Or(Vec<Expression>),
    And(Vec<Expression>),
    Not(Box<Expression>),
    Exists(Relative),
    Compare(Comparable, Operator, Comparable),
    /// `match` and `search`.
    Regex(RegexCall),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    Root,
    Current,
}

/// A query within a filter.
#[derive(Debug, Clone)]
pub(super) struct Relative {
    pub(super) origin: Origin,
    pub(super) query: Query,
}

impl Relative {
    pub(super) fn is_singular(&self) -> bool {
        self.query.segments.iter().all(|segment| {
            segment.reach == Reach::Children
                && matches!(segment.selectors[..], [Selector::Name(_) | Selector::Index(_)])
        })
    }
}

/// Something with a value, or with nothing.
#[derive(Debug, Clone)]
pub(super) enum Comparable {
    Null,
    Bool(bool),
    Number(String),
    String(String),
    Singular(Relative),
    Length(Box<Comparable>),
    Count(Relative),
    Value(Relative),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchoring {
    Whole,
    Anywhere,
}

#[derive(Debug, Clone)]
pub(super) struct RegexCall {
    pub(super) anchoring: Anchoring,
    pub(super) subject: Comparable,
    pub(super) pattern: Pattern,
}

#[derive(Debug, Clone)]
pub(super) enum Pattern {
    /// A literal, compiled once; `None` where it is no regular expression.
    Compiled(Option<regex_lite::Regex>),
    Computed(Comparable),
}

impl Query {
    /// Parses a query.
    ///
    /// # Errors
    ///
    /// [`PathError`] with kind and offset.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        super::parse::parse_query(text)
    }

    /// The nodes that the query selects below `root`, in the order of the RFC, duplicates included.
    ///
    /// # Errors
    ///
    /// [`QueryError::TooMuchWork`] beyond sixteen million visited nodes.
    pub fn select<'t>(&self, root: Node<'t>) -> Result<Vec<Node<'t>>, QueryError> {
        super::eval::select(self, root)
    }
}

impl FromStr for Query {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        Self::parse(text)
    }
}
