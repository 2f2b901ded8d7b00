//! JSONPath text to syntax tree: segments and selectors (RFC 9535 section 2). Filters are read by
//! `expression`.

use super::location::{is_name_char, is_name_first};
use super::query::{PathError, PathErrorKind as Fault, Query, Reach, Segment, Selector};

/// Indices lie within the integers that I-JSON readers agree on.
const MAX_INDEX: i64 = (1 << 53) - 1;
const MAX_DEPTH: usize = 64;

pub(super) fn parse_query(text: &str) -> Result<Query, PathError> {
    let mut parser = Parser { text, at: 0, depth: 0 };
    if !parser.eat('$') {
        return parser.fail(Fault::Expected("$"));
    }
    let query = parser.segments()?;
    if parser.at < text.len() { parser.fail(Fault::Expected("a segment or the end")) } else { Ok(query) }
}

pub(super) struct Parser<'q> {
    pub(super) text: &'q str,
    pub(super) at: usize,
    depth: usize,
}

impl<'q> Parser<'q> {
    pub(super) fn fail<T>(&self, kind: Fault) -> Result<T, PathError> {
        Err(PathError { kind, offset: self.at })
    }

    pub(super) fn rest(&self) -> &'q str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn eat(&mut self, expected: char) -> bool {
        let found = self.peek() == Some(expected);
        if found {
            self.at += expected.len_utf8();
        }
        found
    }

    pub(super) fn eat_str(&mut self, expected: &str) -> bool {
        let found = self.rest().starts_with(expected);
        if found {
            self.at += expected.len();
        }
        found
    }

    pub(super) fn skip_space(&mut self) {
        while let Some(' ' | '\t' | '\n' | '\r') = self.peek() {
            self.at += 1;
        }
    }

    pub(super) fn deeper<T>(
        &mut self,
        parse: impl FnOnce(&mut Self) -> Result<T, PathError>,
    ) -> Result<T, PathError> {
        if self.depth >= MAX_DEPTH {
            return self.fail(Fault::TooDeep);
        }
        self.depth += 1;
        let result = parse(self);
        self.depth -= 1;
        result
    }

    /// Segments up to the first thing that is none; white space before that is left.
    pub(super) fn segments(&mut self) -> Result<Query, PathError> {
        let mut segments = Vec::new();
        loop {
            let before = self.at;
            self.skip_space();
            let (reach, selectors) = if self.eat_str("..") {
                (Reach::Descendants, if self.eat('[') { self.bracketed()? } else { vec![self.shorthand()?] })
            } else if self.eat('.') {
                (Reach::Children, vec![self.shorthand()?])
            } else if self.eat('[') {
                (Reach::Children, self.bracketed()?)
            } else {
                self.at = before;
                return Ok(Query { segments });
            };
            segments.push(Segment { reach, selectors });
        }
    }

    fn shorthand(&mut self) -> Result<Selector, PathError> {
        if self.eat('*') {
            return Ok(Selector::Wildcard);
        }
        let rest = self.rest();
        if !rest.chars().next().is_some_and(is_name_first) {
            return self.fail(Fault::Expected("a name or *"));
        }
        let end = rest.find(|character| !is_name_char(character)).unwrap_or(rest.len());
        self.at += end;
        Ok(Selector::Name(rest[..end].to_owned()))
    }

    /// Behind the opening bracket.
    fn bracketed(&mut self) -> Result<Vec<Selector>, PathError> {
        let mut selectors = Vec::new();
        loop {
            self.skip_space();
            selectors.push(self.selector()?);
            self.skip_space();
            if self.eat(']') {
                return Ok(selectors);
            }
            if !self.eat(',') {
                return self.fail(Fault::Expected(", or ]"));
            }
        }
    }

    fn selector(&mut self) -> Result<Selector, PathError> {
        match self.peek() {
            Some('\'' | '"') => Ok(Selector::Name(self.string()?)),
            Some('*') => {
                self.at += 1;
                Ok(Selector::Wildcard)
            }
            Some('?') => {
                self.at += 1;
                self.deeper(|parser| {
                    parser.skip_space();
                    Ok(Selector::Filter(parser.logical_or()?))
                })
            }
            Some('-' | ':' | '0'..='9') => self.index_or_slice(),
            _ => self.fail(Fault::Expected("a selector")),
        }
    }

    fn index_or_slice(&mut self) -> Result<Selector, PathError> {
        let start = self.index()?;
        let behind_start = self.at;
        self.skip_space();
        if !self.eat(':') {
            self.at = behind_start;
            return match start {
                Some(index) => Ok(Selector::Index(index)),
                None => self.fail(Fault::Expected("an index")),
            };
        }
        self.skip_space();
        let end = self.index()?;
        let behind_end = self.at;
        self.skip_space();
        let mut step = None;
        if self.eat(':') {
            let behind_colon = self.at;
            self.skip_space();
            step = self.index()?;
            if step.is_none() {
                self.at = behind_colon;
            }
        } else {
            self.at = behind_end;
        }
        Ok(Selector::Slice { start, end, step: step.unwrap_or(1) })
    }

    fn index(&mut self) -> Result<Option<i64>, PathError> {
        let rest = self.rest().as_bytes();
        let sign = usize::from(rest.first() == Some(&b'-'));
        let len = sign + rest[sign..].iter().take_while(|b| b.is_ascii_digit()).count();
        if len == 0 {
            return Ok(None);
        }
        let text = &self.rest()[..len];
        let canonical = text == "0" || !text[sign..].starts_with('0');
        match text.parse::<i64>() {
            Ok(index) if canonical && index.abs() <= MAX_INDEX => {
                self.at += len;
                Ok(Some(index))
            }
            _ => self.fail(Fault::InvalidIndex),
        }
    }

    /// A string in either kind of quotes, decoded.
    pub(super) fn string(&mut self) -> Result<String, PathError> {
        let Some(quote @ ('\'' | '"')) = self.peek() else { return self.fail(Fault::Expected("a string")) };
        self.at += 1;
        let mut text = String::new();
        loop {
            match self.peek() {
                Some(end) if end == quote => {
                    self.at += 1;
                    return Ok(text);
                }
                Some('\\') => {
                    self.at += 1;
                    text.push(self.escape(quote)?);
                }
                Some(plain) if plain >= ' ' => {
                    self.at += plain.len_utf8();
                    text.push(plain);
                }
                _ => return self.fail(Fault::InvalidString),
            }
        }
    }

    fn escape(&mut self, quote: char) -> Result<char, PathError> {
        let character = match self.peek() {
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some(same @ ('/' | '\\')) => same,
            Some(same) if same == quote => same,
            Some('u') => {
                self.at += 1;
                return self.unicode_escape();
            }
            _ => return self.fail(Fault::InvalidString),
        };
        self.at += 1;
        Ok(character)
    }

    fn unicode_escape(&mut self) -> Result<char, PathError> {
        let mut code = self.hex4()?;
        if (0xd800..0xdc00).contains(&code) {
            if !self.eat_str("\\u") {
                return self.fail(Fault::InvalidString);
            }
            let low = self.hex4()?;
            if !(0xdc00..0xe000).contains(&low) {
                return self.fail(Fault::InvalidString);
            }
            code = 0x1_0000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        }
        match char::from_u32(code) {
            Some(character) => Ok(character),
            None => self.fail(Fault::InvalidString),
        }
    }

    fn hex4(&mut self) -> Result<u32, PathError> {
        let digits = self.rest().get(..4).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        match digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()) {
            Some(code) => {
                self.at += 4;
                Ok(code)
            }
            None => self.fail(Fault::InvalidString),
        }
    }
}
