//! JSON Pointer (RFC 6901).

use thiserror::Error;

use super::location::{Step, is_array, location};
use crate::json::Node;

/// Why a text is no JSON Pointer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PointerError {
    /// Neither empty nor starting with a slash.
    #[error("parse JSON Pointer: it must be empty or start with a slash")]
    NoSlash,
    /// A tilde that is followed by neither 0 nor 1.
    #[error("parse JSON Pointer: a tilde must be followed by 0 or 1")]
    InvalidEscape,
}

/// The value that `pointer` names below `root`, if it is there.
///
/// # Errors
///
/// [`PointerError`] if it is no pointer.
pub fn resolve_pointer<'t>(root: Node<'t>, pointer: &str) -> Result<Option<Node<'t>>, PointerError> {
    if pointer.is_empty() {
        return Ok(Some(root));
    }
    let tokens = pointer.strip_prefix('/').ok_or(PointerError::NoSlash)?;
    let mut at = Some(root);
    for token in tokens.split('/') {
        let token = unescape(token)?;
        at = at.and_then(|node| child(node, &token));
    }
    Ok(at)
}

fn unescape(token: &str) -> Result<String, PointerError> {
    let mut parts = token.split('~');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (escaped, rest) = match part.as_bytes().first() {
            Some(b'0') => ('~', &part[1..]),
            Some(b'1') => ('/', &part[1..]),
            _ => return Err(PointerError::InvalidEscape),
        };
        plain.push(escaped);
        plain.push_str(rest);
    }
    Ok(plain)
}

fn child<'t>(node: Node<'t>, token: &str) -> Option<Node<'t>> {
    if !is_array(node) {
        return node.get(token.as_bytes());
    }
    let leading_zero = token.len() > 1 && token.starts_with('0');
    let index = token.bytes().all(|b| b.is_ascii_digit()) && !leading_zero;
    if index { node.element(token.parse().ok()?) } else { None }
}

/// The pointer to `node`. Names that are no UTF-8 have replacement characters in it.
pub fn pointer_to(node: Node<'_>) -> String {
    let mut pointer = String::new();
    for step in location(node) {
        pointer.push('/');
        match step {
            Step::Index(index) => pointer.push_str(&index.to_string()),
            Step::Name(name) => {
                pointer.push_str(&String::from_utf8_lossy(name).replace('~', "~0").replace('/', "~1"));
            }
        }
    }
    pointer
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{JsonLimits, Tree};

    /// The document of RFC 6901 section 5.
    const DOCUMENT: &[u8] = br#"{"foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "e^f": 3,
        "g|h": 4, "i\\j": 5, "k\"l": 6, " ": 7, "m~n": 8}"#;

    fn check(pointer: &str, expected: Option<&str>) {
        let tree = Tree::parse(DOCUMENT, &JsonLimits::default()).unwrap();
        let found = resolve_pointer(tree.root(), pointer).unwrap();
        assert_eq!(found.map(|node| node.raw()), expected.map(str::as_bytes), "{pointer}");
        if let Some(node) = found {
            assert_eq!(pointer_to(node), pointer);
        }
    }

    #[test]
    fn the_examples_of_the_rfc() {
        check("/foo", Some(r#"["bar", "baz"]"#));
        check("/foo/0", Some(r#""bar""#));
        for (pointer, value) in [("/", "0"), ("/a~1b", "1"), ("/c%d", "2"), ("/e^f", "3"), ("/g|h", "4")] {
            check(pointer, Some(value));
        }
        for (pointer, value) in [("/i\\j", "5"), ("/k\"l", "6"), ("/ ", "7"), ("/m~0n", "8")] {
            check(pointer, Some(value));
        }
        for missing in ["/foo/2", "/foo/00", "/foo/-", "/nope/x", "/foo/+1"] {
            check(missing, None);
        }
        let tree = Tree::parse(DOCUMENT, &JsonLimits::default()).unwrap();
        assert_eq!(resolve_pointer(tree.root(), "foo").unwrap_err(), PointerError::NoSlash);
        assert_eq!(resolve_pointer(tree.root(), "/~2").unwrap_err(), PointerError::InvalidEscape);
    }
}
