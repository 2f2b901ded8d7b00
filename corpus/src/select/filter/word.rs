//! The words of a filter expression, each with its place.

use super::{FilterError, FilterErrorKind};

/// One word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Word {
    /// A bare word.
    Bare(String),
    /// A text in quotes.
    Quoted(String),
    /// `==`, `!=`, `~`, `<`, `<=`, `>`, `>=`.
    Operator(&'static str),
    /// `(`.
    Open,
    /// `)`.
    Close,
}

impl Word {
    /// As it was written, about.
    pub(super) fn text(&self) -> &str {
        match self {
            Word::Bare(text) | Word::Quoted(text) => text,
            Word::Operator(operator) => operator,
            Word::Open => "(",
            Word::Close => ")",
        }
    }
}

const OPERATORS: [&str; 7] = ["==", "!=", "<=", ">=", "<", ">", "~"];

/// All words with their columns.
pub(super) fn words(text: &str) -> Result<Vec<(usize, Word)>, FilterError> {
    let mut words = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        let column = text[..text.len() - rest.len()].chars().count() + 1;
        let Some(first) = rest.chars().next() else { return Ok(words) };
        let (word, len) = match first {
            '(' => (Word::Open, 1),
            ')' => (Word::Close, 1),
            '"' | '\'' => {
                let open = FilterError { column, kind: FilterErrorKind::OpenQuote };
                let end = rest[1..].find(first).ok_or(open)?;
                (Word::Quoted(rest[1..=end].to_owned()), end + 2)
            }
            _ => match OPERATORS.iter().find(|operator| rest.starts_with(**operator)) {
                Some(operator) => (Word::Operator(operator), operator.len()),
                None => {
                    let len = bare_len(rest);
                    (Word::Bare(rest[..len].to_owned()), len)
                }
            },
        };
        words.push((column, word));
        rest = &rest[len..];
    }
}

/// A bare word ends at a space, a parenthesis, a quote or an operator; it has at least one character.
fn bare_len(rest: &str) -> usize {
    let ends = |c: char| c.is_whitespace() || "()\"'=!<>~".contains(c);
    let mut characters = rest.char_indices();
    characters.next();
    characters.find(|(_, c)| ends(*c)).map_or(rest.len(), |(at, _)| at)
}
