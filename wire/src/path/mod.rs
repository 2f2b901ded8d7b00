//! Paths over a JSON tree: JSON Pointer (RFC 6901), normalized paths and JSONPath queries (RFC 9535).
//!
//! [`Query`] evaluates against a document; [`PathPattern`] asks only whether a rule names a given
//! location, without a document. Where an object has a name twice, a name selects the last.
//!
//! All of the JSONPath compliance test suite holds but for this:
//!
//! | tests | reason |
//! | --- | --- |
//! | `match` and `search` with Unicode classes (`\p{Lu}`, `\P{Lu}`) | the regular expressions (`regex-lite`) carry no Unicode tables: such a pattern matches nothing |
//!
//! ```
//! use wire::json::{JsonLimits, Tree};
//! use wire::path::{PathPattern, Query, general_path, location, normalized_path};
//!
//! let tree = Tree::parse(br#"{"items": [{"price": 1}, {"price": 2}]}"#, &JsonLimits::default())?;
//! let dear = Query::parse("$.items[?@.price > 1].price")?.select(tree.root())?;
//! assert_eq!(normalized_path(dear[0]), "$['items'][1]['price']");
//! assert_eq!(general_path(dear[0]), "$.items[*].price");
//!
//! let rule = PathPattern::parse("$..price")?;
//! assert!(rule.matches(&location(dear[0])));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod compare;
mod eval;
mod expression;
mod location;
mod parse;
mod pattern;
mod pointer;
mod query;

pub use location::{Step, general_path, location, normalized_path};
pub use pattern::{PathPattern, PatternError};
pub use pointer::{PointerError, pointer_to, resolve_pointer};
pub use query::{PathError, PathErrorKind, Query, QueryError};
