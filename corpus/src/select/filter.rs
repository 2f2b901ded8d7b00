//! Filter expressions: `method == GET and path ~ "^/orders" and not status >= 500`.
//!
//! Fields: `method`, `target`, `path`, `host`, `status`, `header:NAME`, `endpoint`, `session`, `complete`.
//! Operators: `==`, `!=`, `~` (regular expression, anywhere in the text), and for `status` also `<`, `<=`, `>`
//! and `>=`; joined by `and`, `or`, `not` and parentheses. Text is a bare word or stands in quotes. `complete`
//! and `header:NAME` alone ask whether that is so. `status == none` is an exchange without a response.

mod parse;
mod word;

use crate::endpoint::path_of;
use crate::exchange::Exchange;
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// A filter expression, read.
#[derive(Debug, Clone)]
pub struct Filter {
    text: String,
    expression: Expression,
}

/// Text that is no filter expression, and where it stops being one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("read the filter at column {column}: {kind}")]
pub struct FilterError {
    /// The place in the text, in characters from 1.
    pub column: usize,
    /// What is wrong there.
    pub kind: FilterErrorKind,
}

/// What is wrong with a filter expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FilterErrorKind {
    /// A word is missing.
    #[error("expected {expected}, found the end")]
    Ended {
        /// What could stand there.
        expected: &'static str,
    },
    /// Another word belongs there.
    #[error("expected {expected}, found `{found}`")]
    Unexpected {
        /// What could stand there.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
    /// A quote is not closed.
    #[error("the quote is not closed")]
    OpenQuote,
    /// A regular expression that is none.
    #[error("the regular expression is broken: {0}")]
    Pattern(String),
    /// Parentheses and `not` inside one another without end.
    #[error("more than {} levels inside one another", parse::MAX_DEPTH)]
    TooDeep,
}

#[derive(Debug, Clone)]
enum Expression {
    And(Vec<Expression>),
    Or(Vec<Expression>),
    Not(Box<Expression>),
    Complete(bool),
    Exists(String),
    Status(Order, Option<u16>),
    Text(Field, Test),
}

/// A field that is compared as text.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Field {
    Method,
    Target,
    Path,
    Host,
    Header(String),
    Endpoint,
    Session,
    Status,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Debug, Clone)]
enum Test {
    Equal(String),
    NotEqual(String),
    Matches(regex_lite::Regex),
}

impl Filter {
    /// Whether `exchange`, at the endpoint of this name, is meant.
    pub fn matches(&self, exchange: &Exchange, endpoint: &str) -> bool {
        self.expression.holds(exchange, endpoint)
    }
}

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Filter, FilterError> {
        Ok(Filter { text: text.to_owned(), expression: parse::parse(text)? })
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for Filter {
    fn eq(&self, other: &Filter) -> bool {
        self.text == other.text
    }
}

impl Expression {
    fn holds(&self, exchange: &Exchange, endpoint: &str) -> bool {
        match self {
            Expression::And(all) => all.iter().all(|part| part.holds(exchange, endpoint)),
            Expression::Or(any) => any.iter().any(|part| part.holds(exchange, endpoint)),
            Expression::Not(part) => !part.holds(exchange, endpoint),
            Expression::Complete(wanted) => exchange.is_complete() == *wanted,
            Expression::Exists(name) => exchange.request.headers.contains(name.as_bytes()),
            Expression::Status(order, wanted) => order.holds(status(exchange), *wanted),
            Expression::Text(field, test) => field.holds(test, exchange, endpoint),
        }
    }
}

fn status(exchange: &Exchange) -> Option<u16> {
    exchange.response.as_ref().map(|response| response.status)
}

impl Order {
    /// A response that is not there is no number: it is neither less nor greater.
    fn holds(self, found: Option<u16>, wanted: Option<u16>) -> bool {
        let ordered = found.zip(wanted).map(|(found, wanted)| found.cmp(&wanted));
        match self {
            Order::Equal => found == wanted,
            Order::NotEqual => found != wanted,
            Order::Less => ordered.is_some_and(std::cmp::Ordering::is_lt),
            Order::LessOrEqual => ordered.is_some_and(std::cmp::Ordering::is_le),
            Order::Greater => ordered.is_some_and(std::cmp::Ordering::is_gt),
            Order::GreaterOrEqual => ordered.is_some_and(std::cmp::Ordering::is_ge),
        }
    }
}

impl Field {
    fn holds(&self, test: &Test, exchange: &Exchange, endpoint: &str) -> bool {
        let request = &exchange.request;
        match self {
            Field::Method => test.holds(&request.method),
            Field::Target => test.holds(&request.target),
            Field::Path => test.holds(path_of(&request.target)),
            Field::Host => test.holds(request.host()),
            Field::Endpoint => test.holds(endpoint.as_bytes()),
            Field::Session => test.holds(exchange.session.to_string().as_bytes()),
            Field::Status => status(exchange).is_some_and(|status| test.holds(status.to_string().as_bytes())),
            Field::Header(name) => match test {
                Test::NotEqual(_) => request.headers.get_all(name.as_bytes()).all(|value| test.holds(value)),
                _ => request.headers.get_all(name.as_bytes()).any(|value| test.holds(value)),
            },
        }
    }
}

impl Test {
    fn holds(&self, found: &[u8]) -> bool {
        match self {
            Test::Equal(wanted) => found == wanted.as_bytes(),
            Test::NotEqual(wanted) => found != wanted.as_bytes(),
            Test::Matches(pattern) => {
                let text: Cow<'_, str> = String::from_utf8_lossy(found);
                pattern.is_match(&text)
            }
        }
    }
}
