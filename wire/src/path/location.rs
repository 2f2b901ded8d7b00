//! Where a node lies: its steps from the root, and their two spellings.

use std::fmt::Write as _;

use crate::json::{Node, Value};

/// One step from a value to a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step<'t> {
    /// To the member of this name, decoded.
    Name(&'t [u8]),
    /// To the element at this index.
    Index(usize),
}

/// The steps from the root to `node`.
pub fn location(node: Node<'_>) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    let mut at = node;
    while let Some(parent) = at.parent() {
        steps.push(match at.key() {
            Some(key) => Step::Name(key),
            None => Step::Index(parent.children().take_while(|child| child.id() != at.id()).count()),
        });
        at = parent;
    }
    steps.reverse();
    steps
}

/// The normalized path of `node` (RFC 9535 section 2.7): `$['items'][0]['price']`.
pub fn normalized_path(node: Node<'_>) -> String {
    let mut path = String::from("$");
    for step in location(node) {
        match step {
            Step::Name(name) => quoted(&mut path, name),
            Step::Index(index) => write!(path, "[{index}]").expect("writing to memory cannot fail"),
        }
    }
    path
}

/// The path of all nodes in the place of `node`, whatever their indices: `$.items[*].price`. It is
/// itself a JSONPath query, names that are no identifiers stand in brackets.
pub fn general_path(node: Node<'_>) -> String {
    let mut path = String::from("$");
    for step in location(node) {
        match step {
            Step::Name(name) if is_shorthand(name) => {
                path.push('.');
                path.push_str(&String::from_utf8_lossy(name));
            }
            Step::Name(name) => quoted(&mut path, name),
            Step::Index(_) => path.push_str("[*]"),
        }
    }
    path
}

fn is_shorthand(name: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(name) else { return false };
    let mut characters = text.chars();
    characters.next().is_some_and(is_name_first) && characters.all(is_name_char)
}

/// `name-first` of RFC 9535 section 2.5.1.1.
pub(super) fn is_name_first(character: char) -> bool {
    character.is_ascii_alphabetic() || character == '_' || !character.is_ascii()
}

/// `name-char` of RFC 9535 section 2.5.1.1.
pub(super) fn is_name_char(character: char) -> bool {
    is_name_first(character) || character.is_ascii_digit()
}

fn quoted(path: &mut String, name: &[u8]) {
    path.push_str("['");
    for character in String::from_utf8_lossy(name).chars() {
        match character {
            '\u{8}' => path.push_str("\\b"),
            '\t' => path.push_str("\\t"),
            '\n' => path.push_str("\\n"),
            '\u{c}' => path.push_str("\\f"),
            '\r' => path.push_str("\\r"),
            '\'' => path.push_str("\\'"),
            '\\' => path.push_str("\\\\"),
            control if control < ' ' => {
                write!(path, "\\u{:04x}", u32::from(control)).expect("writing to memory cannot fail");
            }
            other => path.push(other),
        }
    }
    path.push_str("']");
}

/// Whether `value` has elements that are reached by index.
pub(super) fn is_array(node: Node<'_>) -> bool {
    matches!(node.value(), Value::Array)
}
