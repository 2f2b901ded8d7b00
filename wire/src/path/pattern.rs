//! Whether a rule names a location, told from the location alone: rules are many, documents large.

use thiserror::Error;

use super::location::Step;
use super::query::{PathError, Query, Reach, Segment, Selector};

/// Segments of a pattern: one bit each.
const MAX_SEGMENTS: usize = 63;

/// A JSONPath of names, indices, wildcards and `..` only, as a matcher of locations.
#[derive(Debug, Clone)]
pub struct PathPattern {
    segments: Vec<Segment>,
}

/// Why a text is no pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PatternError {
    /// It is no JSONPath.
    #[error("read path rule")]
    Path(#[from] PathError),
    /// It has a filter, a slice or a negative index, which cannot be told without the document.
    #[error("read path rule: only names, indices from 0, * and .. are allowed")]
    NeedsDocument,
    /// It has more than 63 segments.
    #[error("read path rule: more than 63 segments")]
    TooLong,
}

impl PathPattern {
    /// Parses a rule such as `$.items[*].price` or `$..timestamp`.
    ///
    /// # Errors
    ///
    /// [`PatternError`] for other than a JSONPath of that subset.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let segments = Query::parse(text)?.segments;
        let told_by_path = |selector: &Selector| match selector {
            Selector::Name(_) | Selector::Wildcard => true,
            Selector::Index(index) => *index >= 0,
            Selector::Slice { .. } | Selector::Filter(_) => false,
        };
        if !segments.iter().all(|segment| segment.selectors.iter().all(told_by_path)) {
            return Err(PatternError::NeedsDocument);
        }
        if segments.len() > MAX_SEGMENTS {
            return Err(PatternError::TooLong);
        }
        Ok(Self { segments })
    }

    /// Whether the rule names exactly this location.
    pub fn matches(&self, location: &[Step<'_>]) -> bool {
        location.iter().fold(1, |states, step| self.advance(states, *step)) & self.accepting() != 0
    }

    /// Whether the rule names this location or one above it.
    pub fn covers(&self, location: &[Step<'_>]) -> bool {
        let mut states = 1;
        for step in location {
            if states & self.accepting() != 0 {
                return true;
            }
            states = self.advance(states, *step);
        }
        states & self.accepting() != 0
    }

    fn accepting(&self) -> u64 {
        1 << self.segments.len()
    }

    /// Bit `i` says that the first `i` segments may have matched so far.
    fn advance(&self, states: u64, step: Step<'_>) -> u64 {
        let mut next = 0;
        for (index, segment) in
            self.segments.iter().enumerate().filter(|(index, _)| states & (1 << index) != 0)
        {
            if segment.reach == Reach::Descendants {
                next |= 1 << index;
            }
            if segment.selectors.iter().any(|selector| selects(selector, step)) {
                next |= 1 << (index + 1);
            }
        }
        next
    }
}

fn selects(selector: &Selector, step: Step<'_>) -> bool {
    match (selector, step) {
        (Selector::Wildcard, _) => true,
        (Selector::Name(name), Step::Name(found)) => name.as_bytes() == found,
        (Selector::Index(index), Step::Index(found)) => usize::try_from(*index) == Ok(found),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{JsonLimits, Tree};
    use crate::path::{general_path, location};

    const DOCUMENT: &[u8] =
        br#"{"items":[{"price":1,"at":{"timestamp":2}},{"price":[3]}],"timestamp":4,"a b":5}"#;

    /// The general paths of the leaves that `rule` covers.
    fn check(rule: &str, expected: &[&str]) {
        let tree = Tree::parse(DOCUMENT, &JsonLimits::default()).unwrap();
        let pattern = PathPattern::parse(rule).unwrap();
        let nodes = Query::parse("$..*").unwrap().select(tree.root()).unwrap();
        let leaves = nodes.iter().filter(|node| node.child_count() == 0);
        let covered: Vec<_> =
            leaves.filter(|leaf| pattern.covers(&location(**leaf))).map(|n| general_path(*n)).collect();
        assert_eq!(covered, expected, "{rule}");
        // The matcher agrees with evaluating the same query.
        let matched = nodes.iter().filter(|node| pattern.matches(&location(**node))).map(|node| node.id());
        let mut selected: Vec<_> =
            Query::parse(rule).unwrap().select(tree.root()).unwrap().iter().map(|node| node.id()).collect();
        let mut matched: Vec<_> = matched.collect();
        selected.sort();
        selected.dedup();
        matched.sort();
        assert_eq!(matched, selected, "{rule}");
    }

    #[test]
    fn rules_name_locations() {
        check("$.items[*].price", &["$.items[*].price", "$.items[*].price[*]"]);
        check("$.items[1].price", &["$.items[*].price[*]"]);
        check("$..timestamp", &["$.timestamp", "$.items[*].at.timestamp"]);
        check("$['a b']", &["$['a b']"]);
        check("$.items..*", &["$.items[*].price", "$.items[*].at.timestamp", "$.items[*].price[*]"]);
        check("$.price", &[]);
    }

    #[test]
    fn rules_that_need_a_document_are_refused() {
        for rule in ["$[-1]", "$[1:]", "$[?@.a]"] {
            assert_eq!(PathPattern::parse(rule).unwrap_err(), PatternError::NeedsDocument);
        }
        assert!(matches!(PathPattern::parse("items"), Err(PatternError::Path(_))));
    }
}
