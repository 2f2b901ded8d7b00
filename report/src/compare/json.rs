//! JSON against JSON, by structure: numbers as decimals, members by name, elements by what they hold.
//!
//! Equal parts are passed without a path or a hash being made. Depth is bounded by the parser's limit.

use super::align::{self, Alignment};
use super::change::{self, Change, TextChange};
use super::sink::Sink;
use super::{Kind, Locus};
use std::collections::HashMap;
use wire::json::{Node, Number, Value, node_hash};
use wire::path::Step;

/// Members up to which names are looked up one by one.
const LINEAR_MEMBERS: usize = 16;
/// Bytes of JSON that are hashed to align arrays, over one pair: beyond, elements are paired by their places.
const HASHED_BYTES: usize = 256 << 20;

/// Emits what differs between two documents without duplicate names.
pub(super) fn compare<'t>(sink: &mut Sink<'_>, baseline: Node<'t>, candidate: Node<'t>) {
    let mut walk = Walk { sink, steps: Vec::new(), hashed: 0 };
    walk.values(baseline, candidate);
}

struct Walk<'s, 'r, 't> {
    sink: &'s mut Sink<'r>,
    steps: Vec<Step<'t>>,
    hashed: usize,
}

impl<'t> Walk<'_, '_, 't> {
    fn values(&mut self, a: Node<'t>, b: Node<'t>) {
        match (a.value(), b.value()) {
            (Value::Object, Value::Object) => self.objects(a, b),
            (Value::Array, Value::Array) => self.arrays(a, b),
            (Value::String(x), Value::String(y)) => {
                if x != y {
                    self.strings(a, b, x, y);
                }
            }
            (Value::Number(x), Value::Number(y)) => {
                if a.raw() != b.raw() && x != y {
                    self.numbers(a, b, x, y);
                }
            }
            (Value::Null, Value::Null) => {}
            (Value::Bool(x), Value::Bool(y)) => {
                if x != y {
                    let class = if x { "true -> false" } else { "false -> true" };
                    self.emit(Kind::Value, Change::named(class), Some(a), Some(b));
                }
            }
            (from, to) => self.emit(Kind::Type, type_change(from, to), Some(a), Some(b)),
        }
    }

    fn emit(&mut self, kind: Kind, change: Change, a: Option<Node<'t>>, b: Option<Node<'t>>) {
        let locus = Locus::Body { baseline: a.map(Node::span), candidate: b.map(Node::span) };
        self.sink.json(&self.steps, kind, change, None, locus);
    }

    fn strings(&mut self, a: Node<'t>, b: Node<'t>, x: &[u8], y: &[u8]) {
        match change::of_texts(&String::from_utf8_lossy(x), &String::from_utf8_lossy(y)) {
            TextChange::Format(change) => self.emit(Kind::Format, change, Some(a), Some(b)),
            TextChange::Value(change) => self.emit(Kind::Value, change, Some(a), Some(b)),
        }
    }

    fn numbers(&mut self, a: Node<'t>, b: Node<'t>, x: Number<'_>, y: Number<'_>) {
        let found = change::of_numbers(x.text(), y.text());
        match found.format {
            Some(format) => self.emit(Kind::Format, format, Some(a), Some(b)),
            None => {
                let locus = Locus::Body { baseline: Some(a.span()), candidate: Some(b.span()) };
                self.sink.json(&self.steps, Kind::Value, found.change, found.shape, locus);
            }
        }
    }

    fn objects(&mut self, a: Node<'t>, b: Node<'t>) {
        let mut in_step = b.members();
        let mut lookup = None;
        let mut found = 0;
        for (name, value) in a.members() {
            let other = match in_step.next() {
                Some((other_name, other)) if other_name == name => Some(other),
                _ => lookup.get_or_insert_with(|| Members::of(b)).get(name),
            };
            self.steps.push(Step::Name(name));
            match other {
                Some(other) => {
                    found += 1;
                    self.values(value, other);
                }
                None => self.emit(Kind::Missing, presence(value, "left out"), Some(value), None),
            }
            self.steps.pop();
        }
        if found < b.child_count() {
            self.extra_members(a, b);
        }
    }

    fn extra_members(&mut self, a: Node<'t>, b: Node<'t>) {
        let names = Members::of(a);
        for (name, value) in b.members() {
            if names.get(name).is_none() {
                self.steps.push(Step::Name(name));
                self.emit(Kind::Extra, presence(value, "added"), None, Some(value));
                self.steps.pop();
            }
        }
    }

    fn arrays(&mut self, a: Node<'t>, b: Node<'t>) {
        let (a_all, b_all): (Vec<_>, Vec<_>) = (a.children().collect(), b.children().collect());
        let same = |(x, y): &(&Node<'t>, &Node<'t>)| x.raw() == y.raw() || x.same_value(**y);
        let head = a_all.iter().zip(&b_all).take_while(same).count();
        let (a_rest, b_rest) = (&a_all[head..], &b_all[head..]);
        let tail = a_rest.iter().rev().zip(b_rest.iter().rev()).take_while(same).count();
        let (a_mid, b_mid) = (&a_rest[..a_rest.len() - tail], &b_rest[..b_rest.len() - tail]);
        if a_mid.is_empty() && b_mid.is_empty() {
            return;
        }
        let alignment = self.alignment(a_mid, b_mid);
        if alignment.reordered {
            self.emit(Kind::Order, Change::named("reordered"), Some(a), Some(b));
        }
        for (x, y) in &alignment.pairs {
            self.steps.push(Step::Index(head + x));
            self.values(a_mid[*x], b_mid[*y]);
            self.steps.pop();
        }
        self.lengths(a, b, &alignment, a_mid, b_mid);
    }

    /// Elements by what they hold, where it is worth knowing and the work is bounded.
    fn alignment(&mut self, a: &[Node<'t>], b: &[Node<'t>]) -> Alignment {
        let bytes: usize = a.iter().chain(b).map(|node| node.raw().len()).sum();
        if a.len().min(b.len()) <= 1 && a.len() == b.len() || self.hashed + bytes > HASHED_BYTES {
            return align::by_place(a.len(), b.len());
        }
        self.hashed += bytes;
        let hashes = |nodes: &[Node<'t>]| nodes.iter().map(|node| node_hash(*node)).collect::<Vec<_>>();
        align::align(&hashes(a), &hashes(b))
    }

    fn lengths(
        &mut self,
        a: Node<'t>,
        b: Node<'t>,
        found: &Alignment,
        a_mid: &[Node<'t>],
        b_mid: &[Node<'t>],
    ) {
        let class = match (found.removed.is_empty(), found.added.is_empty()) {
            (true, true) => return,
            _ if b.child_count() == 0 => "emptied",
            _ if a.child_count() == 0 => "filled",
            (false, true) => "fewer elements",
            (true, false) => "more elements",
            (false, false) => "other elements",
        };
        let span = |nodes: &[Node<'t>], left: &[usize], whole: Node<'t>| match left {
            [] => whole.span(),
            [first, .., last] => nodes[*first].span().start..nodes[*last].span().end,
            [only] => nodes[*only].span(),
        };
        let locus = Locus::Body {
            baseline: Some(span(a_mid, &found.removed, a)),
            candidate: Some(span(b_mid, &found.added, b)),
        };
        self.sink.json(&self.steps, Kind::Length, Change::named(class), None, locus);
    }
}

/// Members by name.
enum Members<'t> {
    Few(Vec<(&'t [u8], Node<'t>)>),
    Many(HashMap<&'t [u8], Node<'t>>),
}

impl<'t> Members<'t> {
    fn of(object: Node<'t>) -> Members<'t> {
        if object.child_count() <= LINEAR_MEMBERS {
            Members::Few(object.members().collect())
        } else {
            Members::Many(object.members().collect())
        }
    }

    fn get(&self, name: &[u8]) -> Option<Node<'t>> {
        match self {
            Members::Few(list) => list.iter().find(|(other, _)| *other == name).map(|(_, node)| *node),
            Members::Many(map) => map.get(name).copied(),
        }
    }
}

/// `null` that is left out is another change than a value that is.
fn presence(value: Node<'_>, how: &'static str) -> Change {
    match (value.value(), how) {
        (Value::Null, "added") => Change::named("null added"),
        (Value::Null, _) => Change::named("null left out"),
        _ => Change::named(how),
    }
}

fn type_change(from: Value<'_>, to: Value<'_>) -> Change {
    Change::between(type_name(from), type_name(to))
}

fn type_name(value: Value<'_>) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.text().bytes().all(|b| b == b'-' || b.is_ascii_digit()) => "integer",
        Value::Number(_) => "decimal",
        Value::String([]) => "\"\"",
        Value::String(_) => "string",
        Value::Array => "array",
        Value::Object => "object",
    }
}
