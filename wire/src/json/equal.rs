//! Equality of values by meaning. Recursion is bounded by the parser's depth limit.

use super::{Node, Value};

pub(super) fn same_value(a: Node<'_>, b: Node<'_>) -> bool {
    match (a.value(), b.value()) {
        (Value::Null, Value::Null) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Number(a), Value::Number(b)) => a == b,
        (Value::String(a), Value::String(b)) => a == b,
        (Value::Array, Value::Array) => {
            a.child_count() == b.child_count()
                && a.children().zip(b.children()).all(|(a, b)| same_value(a, b))
        }
        (Value::Object, Value::Object) => same_members(a, b),
        _ => false,
    }
}

fn same_members(a: Node<'_>, b: Node<'_>) -> bool {
    if a.child_count() != b.child_count() {
        return false;
    }
    let same_order = a.members().zip(b.members()).all(|(a, b)| a.0 == b.0);
    if same_order {
        return a.children().zip(b.children()).all(|(a, b)| same_value(a, b));
    }
    let (a, b) = (sorted(a), sorted(b));
    a.iter().zip(&b).all(|(a, b)| a.0 == b.0) && a.iter().zip(&b).all(|(a, b)| same_value(a.1, b.1))
}

/// Members by name; the sort is stable, so that duplicates keep their order.
fn sorted(object: Node<'_>) -> Vec<(&[u8], Node<'_>)> {
    let mut members: Vec<_> = object.members().collect();
    members.sort_by_key(|(name, _)| *name);
    members
}
