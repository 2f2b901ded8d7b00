//! How a value changed, as a class that many pairs of one cause share.
//!
//! Classes are few, so that 5,000 rounded prices are one group and not 5,000. Invariant: a class never
//! depends on more of the values than it names.

mod decimal;
mod number;
mod text;

pub(super) use number::of_numbers;
pub(super) use text::{TextChange, of_texts};

use std::borrow::Cow;
use std::fmt;

/// How the class of a rounded number begins.
const ROUNDED: &str = "rounded to ";

/// The class of a change: `null -> ""`, `integer -> string`, `200 -> 503`, `rounded to 1 digit`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Change(Cow<'static, str>);

impl Change {
    /// A class of a fixed name.
    pub(crate) const fn named(name: &'static str) -> Change {
        Change(Cow::Borrowed(name))
    }

    /// A class whose name holds a number or short values.
    pub(crate) fn told(name: String) -> Change {
        Change(Cow::Owned(name))
    }

    /// The class of a number rounded to this many decimals.
    pub(crate) fn rounded(decimals: usize) -> Change {
        Change::told(format!("{ROUNDED}{decimals} decimals"))
    }

    /// Whether two changes are one: numbers rounded to two decimals often need only one of them, or none.
    pub(crate) fn is_kin(&self, other: &Change) -> bool {
        self == other || (self.rounding().is_some() && other.rounding().is_some())
    }

    /// Whether `other` is a rounding to more decimals than this.
    pub(crate) fn is_finer(&self, other: &Change) -> bool {
        self.rounding().zip(other.rounding()).is_some_and(|(own, other)| other > own)
    }

    fn rounding(&self) -> Option<usize> {
        self.0.strip_prefix(ROUNDED)?.strip_suffix(" decimals")?.parse().ok()
    }

    /// The class "from one thing to another".
    pub(crate) fn between(from: &str, to: &str) -> Change {
        Change::told(format!("{from} -> {to}"))
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
