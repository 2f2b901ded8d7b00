//! How a value changed, as a class that many pairs of one cause share.

use std::fmt;

/// The class of a change: `null -> ""`, `int -> string`, `200 -> 503`, `rounded to 1 digit`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Change(String);

impl Change {
    /// The class "from one thing to another".
    pub fn between(from: &str, to: &str) -> Change {
        Change(format!("{from} -> {to}"))
    }

    /// The text that is shown, and that stands in a group's identity.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
