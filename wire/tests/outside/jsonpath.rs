//! The JSONPath compliance test suite over our own tree.

use wire::json::{JsonLimits, Node, Tree, Value};
use wire::path::{Query, normalized_path};

use crate::support::{data, text};

/// What `regex-lite` cannot tell, as `wire::path` documents.
const EXCEPTIONS: [&str; 3] = [
    "functions, match, filter, match function, unicode char class, uppercase",
    "functions, search, filter, search function, unicode char class, uppercase",
    "functions, search, filter, search function, unicode char class negated, uppercase",
];

fn as_text(node: Node<'_>) -> String {
    match node.value() {
        Value::String(text) => String::from_utf8_lossy(text).into_owned(),
        _ => panic!("not a string: {node:?}"),
    }
}

/// Why the case fails, if it does.
fn failure(case: Node<'_>) -> Option<String> {
    let selector = text(case, "selector");
    let query = match (Query::parse(selector), case.get(b"invalid_selector")) {
        (Err(_), Some(_)) => return None,
        (Ok(_), Some(_)) => return Some("accepted".to_owned()),
        (Err(error), None) => return Some(error.to_string()),
        (Ok(query), None) => query,
    };
    let document = Tree::parse(case.get(b"document").unwrap().raw(), &JsonLimits::default()).unwrap();
    let nodes = query.select(document.root()).unwrap();
    let results = case
        .get(b"results")
        .map_or_else(|| vec![case.get(b"result").unwrap()], |alternatives| alternatives.children().collect());
    let same = |expected: &Node<'_>| {
        expected.child_count() == nodes.len()
            && expected.children().zip(&nodes).all(|(expected, found)| expected.same_value(*found))
    };
    if !results.iter().any(same) {
        return Some(format!("found {nodes:?}"));
    }
    let paths: Vec<_> = nodes.iter().map(|node| normalized_path(*node)).collect();
    let expected = case.get(b"results_paths").map_or_else(
        || vec![case.get(b"result_paths").unwrap()],
        |alternatives| alternatives.children().collect(),
    );
    let same_paths = |list: &Node<'_>| list.children().map(as_text).eq(paths.iter().cloned());
    if expected.iter().any(same_paths) { None } else { Some(format!("paths {paths:?}")) }
}

#[test]
fn the_compliance_suite_holds() {
    let Some(path) = data("suites/jsonpath-cts/cts.json") else { return };
    let suite = std::fs::read(path).unwrap();
    let suite = Tree::parse(&suite, &JsonLimits::default()).unwrap();
    let cases = suite.root().get(b"tests").unwrap();
    let mut wrong = Vec::new();
    for case in cases.children() {
        let name = text(case, "name");
        match (failure(case), EXCEPTIONS.contains(&name)) {
            (None, false) | (Some(_), true) => {}
            (None, true) => wrong.push(format!("{name}: no exception any more")),
            (Some(why), false) => wrong.push(format!("{name}: {} {why}", text(case, "selector"))),
        }
    }
    println!("{} cases, {} exceptions", cases.child_count(), EXCEPTIONS.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
