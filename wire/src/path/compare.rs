//! Values in filters: comparison (RFC 9535 section 2.3.5.2.2) and regular expressions (RFC 9485).

use std::cmp::Ordering;

use super::query::{Anchoring, Operator};
use crate::json::{Node, Number, Value};

/// A value while a filter runs.
pub(super) enum Operand<'t, 'q> {
    /// No value: an empty query, or a function without result.
    Nothing,
    Null,
    Bool(bool),
    Number(Number<'q>),
    Count(String),
    Text(&'q [u8]),
    Node(Node<'t>),
}

/// What two values are compared as.
enum Plain<'v> {
    Nothing,
    Null,
    Bool(bool),
    Number(Number<'v>),
    Text(&'v [u8]),
    Structured(Node<'v>),
}

impl Operand<'_, '_> {
    fn plain(&self) -> Plain<'_> {
        match self {
            Self::Nothing => Plain::Nothing,
            Self::Null => Plain::Null,
            Self::Bool(value) => Plain::Bool(*value),
            Self::Number(number) => Plain::Number(*number),
            Self::Count(text) => Number::parse(text).map_or(Plain::Nothing, Plain::Number),
            Self::Text(text) => Plain::Text(text),
            Self::Node(node) => match node.value() {
                Value::Null => Plain::Null,
                Value::Bool(value) => Plain::Bool(value),
                Value::Number(number) => Plain::Number(number),
                Value::String(text) => Plain::Text(text),
                Value::Array | Value::Object => Plain::Structured(*node),
            },
        }
    }

    /// The text of a string, if it is one and UTF-8.
    pub(super) fn text(&self) -> Option<&str> {
        match self.plain() {
            Plain::Text(text) => std::str::from_utf8(text).ok(),
            _ => None,
        }
    }

    /// Characters of a string, elements of an array, members of an object.
    pub(super) fn length(&self) -> Option<usize> {
        match self.plain() {
            Plain::Text(text) => Some(String::from_utf8_lossy(text).chars().count()),
            Plain::Structured(node) => Some(node.child_count()),
            _ => None,
        }
    }
}

pub(super) fn compare(a: &Operand<'_, '_>, operator: Operator, b: &Operand<'_, '_>) -> bool {
    let (a, b) = (a.plain(), b.plain());
    let ordering = || order(&a, &b);
    match operator {
        Operator::Equal => equal(&a, &b),
        Operator::NotEqual => !equal(&a, &b),
        Operator::Less => ordering() == Some(Ordering::Less),
        Operator::Greater => ordering() == Some(Ordering::Greater),
        Operator::LessOrEqual => equal(&a, &b) || ordering() == Some(Ordering::Less),
        Operator::GreaterOrEqual => equal(&a, &b) || ordering() == Some(Ordering::Greater),
    }
}

fn equal(a: &Plain<'_>, b: &Plain<'_>) -> bool {
    match (a, b) {
        (Plain::Nothing, Plain::Nothing) | (Plain::Null, Plain::Null) => true,
        (Plain::Bool(a), Plain::Bool(b)) => a == b,
        (Plain::Number(a), Plain::Number(b)) => a == b,
        (Plain::Text(a), Plain::Text(b)) => a == b,
        (Plain::Structured(a), Plain::Structured(b)) => a.same_value(*b),
        _ => false,
    }
}

/// Numbers and strings have an order; UTF-8 bytes order like characters.
fn order(a: &Plain<'_>, b: &Plain<'_>) -> Option<Ordering> {
    match (a, b) {
        (Plain::Number(a), Plain::Number(b)) => Some(a.cmp(b)),
        (Plain::Text(a), Plain::Text(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

/// Compiles an I-Regexp; `None` for what is none, or needs Unicode tables.
pub(super) fn compile(pattern: &str, anchoring: Anchoring) -> Option<regex_lite::Regex> {
    let translated = translate(pattern);
    let anchored = match anchoring {
        Anchoring::Whole => format!("^(?:{translated})$"),
        Anchoring::Anywhere => translated,
    };
    regex_lite::Regex::new(&anchored).ok()
}

/// The dot of RFC 9485 excludes CR too.
fn translate(pattern: &str) -> String {
    let mut translated = String::with_capacity(pattern.len());
    let (mut escaped, mut in_class) = (false, false);
    for character in pattern.chars() {
        match character {
            '.' if !escaped && !in_class => translated.push_str(r"[^\n\r]"),
            other => translated.push(other),
        }
        match character {
            '[' if !escaped => in_class = true,
            ']' if !escaped => in_class = false,
            _ => {}
        }
        escaped = character == '\\' && !escaped;
    }
    translated
}
