//! Words to an expression, by recursive descent within a bound.

use super::word::{Word, words};
use super::{Expression, Field, FilterError, FilterErrorKind, Order, Test};

/// Levels of parentheses and `not`.
pub(super) const MAX_DEPTH: usize = 64;

pub(super) fn parse(text: &str) -> Result<Expression, FilterError> {
    let mut parser = Parser { words: words(text)?, next: 0, end: text.chars().count() + 1 };
    let expression = parser.any(0)?;
    match parser.peek() {
        None => Ok(expression),
        Some(_) => Err(parser.unexpected("`and`, `or` or the end")),
    }
}

struct Parser {
    words: Vec<(usize, Word)>,
    next: usize,
    end: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Word> {
        self.words.get(self.next).map(|(_, word)| word)
    }

    fn column(&self) -> usize {
        self.words.get(self.next).map_or(self.end, |(column, _)| *column)
    }

    fn unexpected(&self, expected: &'static str) -> FilterError {
        let kind = match self.peek() {
            None => FilterErrorKind::Ended { expected },
            Some(word) => FilterErrorKind::Unexpected { expected, found: word.text().to_owned() },
        };
        FilterError { column: self.column(), kind }
    }

    /// Takes the next word where it is this bare one.
    fn takes(&mut self, keyword: &str) -> bool {
        let is = matches!(self.peek(), Some(Word::Bare(word)) if word == keyword);
        self.next += usize::from(is);
        is
    }

    fn any(&mut self, depth: usize) -> Result<Expression, FilterError> {
        let mut parts = vec![self.all(depth)?];
        while self.takes("or") {
            parts.push(self.all(depth)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expression::Or(parts) })
    }

    fn all(&mut self, depth: usize) -> Result<Expression, FilterError> {
        let mut parts = vec![self.one(depth)?];
        while self.takes("and") {
            parts.push(self.one(depth)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expression::And(parts) })
    }

    fn one(&mut self, depth: usize) -> Result<Expression, FilterError> {
        if depth > MAX_DEPTH {
            return Err(FilterError { column: self.column(), kind: FilterErrorKind::TooDeep });
        }
        if self.takes("not") {
            return self.one(depth + 1).map(|part| Expression::Not(Box::new(part)));
        }
        if self.peek() == Some(&Word::Open) {
            self.next += 1;
            let inner = self.any(depth + 1)?;
            if self.peek() != Some(&Word::Close) {
                return Err(self.unexpected("`)`"));
            }
            self.next += 1;
            return Ok(inner);
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Result<Expression, FilterError> {
        const FIELDS: &str = "a field (method, target, path, host, status, header:NAME, endpoint, session, complete), `not` or `(`";
        let Some(Word::Bare(name)) = self.peek().cloned() else { return Err(self.unexpected(FIELDS)) };
        let field = match name.as_str() {
            "complete" => {
                self.next += 1;
                return self.complete();
            }
            "method" => Field::Method,
            "target" => Field::Target,
            "path" => Field::Path,
            "host" => Field::Host,
            "status" => Field::Status,
            "endpoint" => Field::Endpoint,
            "session" => Field::Session,
            other => match other.strip_prefix("header:").filter(|name| !name.is_empty()) {
                Some(name) => Field::Header(name.to_owned()),
                None => return Err(self.unexpected(FIELDS)),
            },
        };
        self.next += 1;
        match (self.peek().cloned(), field) {
            (Some(Word::Operator(operator)), field) => self.test(field, operator),
            (_, Field::Header(name)) => Ok(Expression::Exists(name)),
            _ => Err(self.unexpected("an operator (==, !=, ~)")),
        }
    }

    fn complete(&mut self) -> Result<Expression, FilterError> {
        let wanted = match self.peek() {
            Some(Word::Operator("==")) => true,
            Some(Word::Operator("!=")) => false,
            _ => return Ok(Expression::Complete(true)),
        };
        self.next += 1;
        let value = if self.takes("true") {
            true
        } else if self.takes("false") {
            false
        } else {
            return Err(self.unexpected("`true` or `false`"));
        };
        Ok(Expression::Complete(value == wanted))
    }

    /// The rest of a comparison, from its operator on.
    fn test(&mut self, field: Field, operator: &'static str) -> Result<Expression, FilterError> {
        let order = match operator {
            "==" => Some(Order::Equal),
            "!=" => Some(Order::NotEqual),
            "<" => Some(Order::Less),
            "<=" => Some(Order::LessOrEqual),
            ">" => Some(Order::Greater),
            ">=" => Some(Order::GreaterOrEqual),
            _ => None,
        };
        if let (Field::Status, Some(order)) = (&field, order) {
            self.next += 1;
            return self.status(order);
        }
        if !matches!(operator, "==" | "!=" | "~") {
            return Err(self.unexpected("==, != or ~ (only a status has an order)"));
        }
        self.next += 1;
        let column = self.column();
        let value = match self.peek().cloned() {
            Some(Word::Bare(value) | Word::Quoted(value)) => value,
            _ => return Err(self.unexpected("a word, or a text in quotes")),
        };
        self.next += 1;
        let test = match operator {
            "==" => Test::Equal(value),
            "!=" => Test::NotEqual(value),
            _ => Test::Matches(pattern(&value, column)?),
        };
        Ok(Expression::Text(field, test))
    }

    fn status(&mut self, order: Order) -> Result<Expression, FilterError> {
        let wanted = match self.peek() {
            Some(Word::Bare(word)) if word == "none" => None,
            Some(Word::Bare(word) | Word::Quoted(word)) => match word.parse() {
                Ok(status) => Some(status),
                Err(_) => return Err(self.unexpected("a status such as 200, or `none`")),
            },
            _ => return Err(self.unexpected("a status such as 200, or `none`")),
        };
        self.next += 1;
        Ok(Expression::Status(order, wanted))
    }
}

fn pattern(text: &str, column: usize) -> Result<regex_lite::Regex, FilterError> {
    let built = regex_lite::RegexBuilder::new(text).size_limit(1 << 20).build();
    built.map_err(|e| FilterError { column, kind: FilterErrorKind::Pattern(e.to_string()) })
}

#[cfg(test)]
mod tests {
    use super::super::Filter;
    use crate::exchange::{Exchange, Span};
    use crate::ids::{ConnectionId, ExchangeId, SessionId};
    use crate::message::{Body, Protocol, Request, Response};
    use crate::time::CaptureTime;

    fn exchange() -> Exchange {
        let time = Span { first: CaptureTime(1), last: CaptureTime(2) };
        let headers = [("Host", "shop.example"), ("X-User", "ann"), ("X-User", "bob")];
        Exchange {
            id: ExchangeId(1),
            connection: ConnectionId(2),
            session: SessionId(3),
            request_time: time,
            request: Request {
                protocol: Protocol::Http11,
                method: b"GET".to_vec(),
                target: b"/orders/7?x=1".to_vec(),
                headers: headers.into_iter().collect(),
                body: Body::default(),
                malformed: None,
            },
            response_time: Some(time),
            response: Some(Response {
                protocol: Protocol::Http11,
                status: 404,
                headers: wire::http1::Headers::new(),
                interim: Vec::new(),
                body: Body::default(),
                malformed: None,
            }),
            incomplete: Vec::new(),
        }
    }

    fn check(text: &str, expected: bool) {
        let filter: Filter = text.parse().expect("a filter");
        assert_eq!(filter.matches(&exchange(), "GET /orders/{id}"), expected, "{text}");
    }

    #[test]
    fn expressions_choose_exchanges() {
        check("method == GET", true);
        check("method != GET", false);
        check("path == /orders/7 and target ~ 'x=1$'", true);
        check("path ~ ^/users or host == shop.example", true);
        check("not (method == GET and status == 404)", false);
        check("not method == GET or complete", true);
        check("status >= 400 and status < 500", true);
        check("status ~ ^4", true);
        check("status == none", false);
        check("header:x-user", true);
        check("header:x-user == bob and header:X-USER != carl", true);
        check("header:none == x", false);
        check("endpoint == \"GET /orders/{id}\"", true);
        check("session == 0000000000000003", true);
        check("complete == false", false);
    }

    fn check_error(text: &str, expected: &str) {
        let error = text.parse::<Filter>().expect_err("no filter").to_string();
        assert!(error.starts_with(&format!("read the filter at {expected}")), "{error}");
    }

    #[test]
    fn errors_name_the_place() {
        check_error("", "column 1: expected a field");
        check_error("metod == GET", "column 1: expected a field");
        check_error("method GET", "column 8: expected an operator (==, !=, ~), found `GET`");
        check_error("method ==", "column 10: expected a word, or a text in quotes, found the end");
        check_error("method == 'GET", "column 11: the quote is not closed");
        check_error("path ~ '('", "column 8: the regular expression is broken");
        check_error("(complete", "column 10: expected `)`, found the end");
        check_error("complete complete", "column 10: expected `and`, `or` or the end");
        check_error("status == ok", "column 11: expected a status");
        check_error("path < /x", "column 6: expected ==, != or ~");
        check_error(&format!("{}complete", "not ".repeat(100)), "column 261: more than 64 levels");
    }
}
