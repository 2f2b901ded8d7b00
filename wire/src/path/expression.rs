//! Filter expressions and functions (RFC 9535 sections 2.3.5 and 2.4): text to syntax tree, with types.

use super::compare::compile;
use super::parse::Parser;
use super::query::{
    Anchoring, Comparable, Expression, Operator, Origin, PathError, PathErrorKind as Fault, Pattern,
    RegexCall, Relative,
};

/// What stands on its own in a filter, before it is known whether a comparison follows.
enum Operand {
    Value(Comparable),
    Query(Relative),
    Logical(Expression),
}

impl Parser<'_> {
    pub(super) fn logical_or(&mut self) -> Result<Expression, PathError> {
        let mut parts = vec![self.logical_and()?];
        while self.operator("||") {
            parts.push(self.logical_and()?);
        }
        Ok(single_or(parts, Expression::Or))
    }

    fn logical_and(&mut self) -> Result<Expression, PathError> {
        let mut parts = vec![self.basic()?];
        while self.operator("&&") {
            parts.push(self.basic()?);
        }
        Ok(single_or(parts, Expression::And))
    }

    /// Eats `operator` and the white space around it, or nothing.
    fn operator(&mut self, operator: &str) -> bool {
        let before = self.at;
        self.skip_space();
        if self.eat_str(operator) {
            self.skip_space();
            return true;
        }
        self.at = before;
        false
    }

    fn basic(&mut self) -> Result<Expression, PathError> {
        if self.eat('!') {
            self.skip_space();
            let inner = if self.peek() == Some('(') { self.parenthesised()? } else { self.test()? };
            return Ok(Expression::Not(Box::new(inner)));
        }
        if self.peek() == Some('(') {
            return self.parenthesised();
        }
        let left = self.operand()?;
        match self.comparison_operator() {
            None => self.as_test(left),
            Some(operator) => {
                let left = self.as_comparable(left)?;
                let right = self.operand()?;
                Ok(Expression::Compare(left, operator, self.as_comparable(right)?))
            }
        }
    }

    fn parenthesised(&mut self) -> Result<Expression, PathError> {
        self.at += 1;
        self.deeper(|parser| {
            parser.skip_space();
            let inner = parser.logical_or()?;
            parser.skip_space();
            if parser.eat(')') { Ok(inner) } else { parser.fail(Fault::Expected(")")) }
        })
    }

    fn test(&mut self) -> Result<Expression, PathError> {
        let operand = self.operand()?;
        self.as_test(operand)
    }

    fn as_test(&self, operand: Operand) -> Result<Expression, PathError> {
        match operand {
            Operand::Query(query) => Ok(Expression::Exists(query)),
            Operand::Logical(expression) => Ok(expression),
            Operand::Value(Comparable::Length(_) | Comparable::Count(_) | Comparable::Value(_)) => {
                self.fail(Fault::FunctionType)
            }
            Operand::Value(_) => self.fail(Fault::Expected("a comparison")),
        }
    }

    fn as_comparable(&self, operand: Operand) -> Result<Comparable, PathError> {
        match operand {
            Operand::Value(value) => Ok(value),
            Operand::Query(query) if query.is_singular() => Ok(Comparable::Singular(query)),
            Operand::Query(_) => self.fail(Fault::NotSingular),
            Operand::Logical(_) => self.fail(Fault::FunctionType),
        }
    }

    fn comparison_operator(&mut self) -> Option<Operator> {
        let operators = [
            ("==", Operator::Equal),
            ("!=", Operator::NotEqual),
            ("<=", Operator::LessOrEqual),
            (">=", Operator::GreaterOrEqual),
            ("<", Operator::Less),
            (">", Operator::Greater),
        ];
        operators.into_iter().find(|(text, _)| self.operator(text)).map(|(_, operator)| operator)
    }

    fn operand(&mut self) -> Result<Operand, PathError> {
        match self.peek() {
            Some('@') => self.relative(Origin::Current).map(Operand::Query),
            Some('$') => self.relative(Origin::Root).map(Operand::Query),
            Some('\'' | '"') => Ok(Operand::Value(Comparable::String(self.string()?))),
            Some('-' | '0'..='9') => self.number().map(Operand::Value),
            Some('a'..='z') => self.word(),
            _ => self.fail(Fault::Expected("a query, a literal or a function")),
        }
    }

    fn relative(&mut self, origin: Origin) -> Result<Relative, PathError> {
        self.at += 1;
        Ok(Relative { origin, query: self.segments()? })
    }

    fn number(&mut self) -> Result<Comparable, PathError> {
        let is_part = |character: char| character.is_ascii_digit() || "+-.eE".contains(character);
        let rest = self.rest();
        let text = &rest[..rest.find(|character| !is_part(character)).unwrap_or(rest.len())];
        if crate::json::Number::parse(text).is_none() {
            return self.fail(Fault::Expected("a number"));
        }
        self.at += text.len();
        Ok(Comparable::Number(text.to_owned()))
    }

    fn word(&mut self) -> Result<Operand, PathError> {
        let is_part = |character: char| {
            character.is_ascii_lowercase() || character.is_ascii_digit() || character == '_'
        };
        let rest = self.rest();
        let word = &rest[..rest.find(|character| !is_part(character)).unwrap_or(rest.len())];
        let start = self.at;
        self.at += word.len();
        if self.eat('(') {
            return self.deeper(|parser| parser.function(word));
        }
        let literal = match word {
            "true" => Comparable::Bool(true),
            "false" => Comparable::Bool(false),
            "null" => Comparable::Null,
            _ => {
                self.at = start;
                return self.fail(Fault::Expected("a query, a literal or a function"));
            }
        };
        Ok(Operand::Value(literal))
    }

    /// Behind the opening parenthesis.
    fn function(&mut self, name: &str) -> Result<Operand, PathError> {
        let operand = match name {
            "length" => Operand::Value(Comparable::Length(Box::new(self.value_argument()?))),
            "count" => Operand::Value(Comparable::Count(self.nodes_argument()?)),
            "value" => Operand::Value(Comparable::Value(self.nodes_argument()?)),
            "match" => Operand::Logical(self.regex_call(Anchoring::Whole)?),
            "search" => Operand::Logical(self.regex_call(Anchoring::Anywhere)?),
            _ => return self.fail(Fault::UnknownFunction),
        };
        self.skip_space();
        if self.eat(')') { Ok(operand) } else { self.fail(Fault::Expected(")")) }
    }

    fn value_argument(&mut self) -> Result<Comparable, PathError> {
        self.skip_space();
        let operand = self.operand()?;
        self.as_comparable(operand)
    }

    fn nodes_argument(&mut self) -> Result<Relative, PathError> {
        self.skip_space();
        match self.operand()? {
            Operand::Query(query) => Ok(query),
            _ => self.fail(Fault::FunctionType),
        }
    }

    fn regex_call(&mut self, anchoring: Anchoring) -> Result<Expression, PathError> {
        let subject = self.value_argument()?;
        self.skip_space();
        if !self.eat(',') {
            return self.fail(Fault::Expected(","));
        }
        let pattern = match self.value_argument()? {
            Comparable::String(pattern) => Pattern::Compiled(compile(&pattern, anchoring)),
            computed => Pattern::Computed(computed),
        };
        Ok(Expression::Regex(RegexCall { anchoring, subject, pattern }))
    }
}

fn single_or(mut parts: Vec<Expression>, join: impl FnOnce(Vec<Expression>) -> Expression) -> Expression {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            join(parts)
        }
        None => join(parts),
    }
}
