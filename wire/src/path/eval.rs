//! JSONPath evaluation over a tree (RFC 9535). Recursion is bounded by the nesting of the query.

use super::compare::{Operand, compare, compile};
use super::location::is_array;
use super::query::{
    Comparable, Expression, Origin, Pattern, Query, QueryError, Reach, RegexCall, Relative, Selector,
};
use crate::json::{Node, Number};

/// Nodes that one query may visit, filters included.
const MAX_WORK: usize = 16 << 20;

pub(super) fn select<'t>(query: &Query, root: Node<'t>) -> Result<Vec<Node<'t>>, QueryError> {
    Evaluation { root, work: 0 }.run(query, root)
}

struct Evaluation<'t> {
    root: Node<'t>,
    work: usize,
}

impl<'t> Evaluation<'t> {
    fn run(&mut self, query: &Query, from: Node<'t>) -> Result<Vec<Node<'t>>, QueryError> {
        let mut nodes = vec![from];
        for segment in &query.segments {
            let mut selected = Vec::new();
            for node in nodes {
                match segment.reach {
                    Reach::Children => self.apply(&segment.selectors, node, &mut selected)?,
                    Reach::Descendants => {
                        let mut pending = vec![node];
                        while let Some(next) = pending.pop() {
                            self.apply(&segment.selectors, next, &mut selected)?;
                            let first = pending.len();
                            pending.extend(next.children());
                            pending[first..].reverse();
                        }
                    }
                }
            }
            nodes = selected;
        }
        Ok(nodes)
    }

    fn visit(&mut self, nodes: usize) -> Result<(), QueryError> {
        self.work += nodes;
        if self.work > MAX_WORK { Err(QueryError::TooMuchWork(MAX_WORK)) } else { Ok(()) }
    }

    fn apply(
        &mut self,
        selectors: &[Selector],
        node: Node<'t>,
        selected: &mut Vec<Node<'t>>,
    ) -> Result<(), QueryError> {
        for selector in selectors {
            self.visit(1 + node.child_count())?;
            match selector {
                Selector::Name(name) => selected.extend(node.get(name.as_bytes())),
                Selector::Wildcard => selected.extend(node.children()),
                Selector::Index(index) => {
                    let index = from_end(*index, node.child_count());
                    selected.extend(usize::try_from(index).ok().and_then(|index| node.element(index)));
                }
                Selector::Slice { start, end, step } => slice(node, *start, *end, *step, selected),
                Selector::Filter(expression) => {
                    for child in node.children() {
                        if self.holds(expression, child)? {
                            selected.push(child);
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn holds(&mut self, expression: &Expression, current: Node<'t>) -> Result<bool, QueryError> {
        Ok(match expression {
            Expression::Not(inner) => !self.holds(inner, current)?,
            Expression::Exists(query) => !self.relative(query, current)?.is_empty(),
            Expression::Regex(call) => self.regex(call, current)?,
            Expression::Compare(left, operator, right) => {
                compare(&self.operand(left, current)?, *operator, &self.operand(right, current)?)
            }
            Expression::Or(parts) => {
                for part in parts {
                    if self.holds(part, current)? {
                        return Ok(true);
                    }
                }
                false
            }
            Expression::And(parts) => {
                for part in parts {
                    if !self.holds(part, current)? {
                        return Ok(false);
                    }
                }
                true
            }
        })
    }

    fn relative(&mut self, query: &Relative, current: Node<'t>) -> Result<Vec<Node<'t>>, QueryError> {
        let from = match query.origin {
            Origin::Root => self.root,
            Origin::Current => current,
        };
        self.run(&query.query, from)
    }

    fn operand<'q>(
        &mut self,
        comparable: &'q Comparable,
        current: Node<'t>,
    ) -> Result<Operand<'t, 'q>, QueryError> {
        Ok(match comparable {
            Comparable::Null => Operand::Null,
            Comparable::Bool(value) => Operand::Bool(*value),
            Comparable::Number(text) => Number::parse(text).map_or(Operand::Nothing, Operand::Number),
            Comparable::String(text) => Operand::Text(text.as_bytes()),
            Comparable::Singular(query) | Comparable::Value(query) => {
                match self.relative(query, current)?[..] {
                    [node] => Operand::Node(node),
                    _ => Operand::Nothing,
                }
            }
            Comparable::Count(query) => Operand::Count(self.relative(query, current)?.len().to_string()),
            Comparable::Length(of) => match self.operand(of, current)?.length() {
                Some(length) => Operand::Count(length.to_string()),
                None => Operand::Nothing,
            },
        })
    }

    fn regex(&mut self, call: &RegexCall, current: Node<'t>) -> Result<bool, QueryError> {
        let subject = self.operand(&call.subject, current)?;
        let Some(subject) = subject.text() else { return Ok(false) };
        Ok(match &call.pattern {
            Pattern::Compiled(regex) => regex.as_ref().is_some_and(|regex| regex.is_match(subject)),
            Pattern::Computed(pattern) => {
                let pattern = self.operand(pattern, current)?;
                let regex = pattern.text().and_then(|pattern| compile(pattern, call.anchoring));
                regex.is_some_and(|regex| regex.is_match(subject))
            }
        })
    }
}

fn from_end(index: i64, len: usize) -> i64 {
    if index < 0 { index + len as i64 } else { index }
}

/// RFC 9535 section 2.3.4.2.
fn slice<'t>(node: Node<'t>, start: Option<i64>, end: Option<i64>, step: i64, selected: &mut Vec<Node<'t>>) {
    if step == 0 || !is_array(node) {
        return;
    }
    let len = node.child_count() as i64;
    let elements: Vec<_> = node.children().collect();
    let (default_start, default_end) = if step > 0 { (0, len) } else { (len - 1, -len - 1) };
    let start = from_end(start.unwrap_or(default_start), elements.len());
    let end = from_end(end.unwrap_or(default_end), elements.len());
    let (mut at, stop) = if step > 0 {
        (start.clamp(0, len), end.clamp(0, len))
    } else {
        (start.clamp(-1, len - 1), end.clamp(-1, len - 1))
    };
    while if step > 0 { at < stop } else { at > stop } {
        selected.extend(usize::try_from(at).ok().and_then(|index| elements.get(index)));
        at += step;
    }
}
