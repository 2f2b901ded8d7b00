//! Ignore rules of the policy: endpoint, place and kind, each matched exactly.
//!
//! No substring, prefix or pattern semantics on names: a rule for `$.user` says nothing about `$.userId`,
//! and a rule for `header:date` nothing about `x-candidate-id`.

use super::Kind;

/// One ignore rule as the policy states it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IgnoreRule {
    /// The endpoint's name (`GET /orders/{id}`), or `None` for every endpoint.
    pub endpoint: Option<String>,
    /// A JSONPath, `header:NAME`, `trailer:NAME`, `status`, or `body` for a body compared as a whole.
    pub path: String,
    /// The kind, or `None` for every kind.
    pub kind: Option<Kind>,
}

/// The place of a rule in the list given to [`Rules::new`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(pub usize);

/// Why a rule cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// The path is neither a JSONPath nor one of the named places.
    #[error(
        "reading the path of ignore rule {index}: {path:?} is no JSONPath, `header:NAME`, `trailer:NAME`, `status` or `body`"
    )]
    Path {
        /// The rule, counted from 0.
        index: usize,
        /// What stands there.
        path: String,
    },
}

/// The part of a response that a rule may cover.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject<'a> {
    /// The status.
    Status,
    /// A header field, by lower-case name.
    Header(&'a str),
    /// A trailer field, by lower-case name.
    Trailer(&'a str),
    /// The body as a whole.
    Body,
}

/// Compiled ignore rules.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    rules: Vec<IgnoreRule>,
}

impl Rules {
    /// Compiles the rules; later ones are asked only where earlier ones do not match.
    ///
    /// # Errors
    /// Where a path is none.
    pub fn new(rules: Vec<IgnoreRule>) -> Result<Rules, RuleError> {
        Ok(Rules { rules })
    }

    /// How many rules there are.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The first rule that covers a difference of `kind` at `subject`.
    pub fn ignores(&self, endpoint: &str, subject: Subject<'_>, kind: Kind) -> Option<RuleId> {
        let names = |path: &str| match subject {
            Subject::Status => path == "status",
            Subject::Body => path == "body",
            Subject::Header(name) => {
                path.strip_prefix("header:").is_some_and(|n| n.eq_ignore_ascii_case(name))
            }
            Subject::Trailer(name) => {
                path.strip_prefix("trailer:").is_some_and(|n| n.eq_ignore_ascii_case(name))
            }
        };
        self.rules
            .iter()
            .position(|rule| {
                rule.endpoint.as_deref().is_none_or(|e| e == endpoint)
                    && rule.kind.is_none_or(|k| k == kind)
                    && names(&rule.path)
            })
            .map(RuleId)
    }
}
