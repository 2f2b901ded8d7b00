//! Finds and reads the test data.

use std::path::PathBuf;

use base64::Engine as _;
use wire::json::{JsonLimits, Node, Tree, Value};

/// A file or folder of the test data; `None`, with a line on why, where there is none.
pub(crate) fn data(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("CUTOVER_TEST_DATA")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared")), PathBuf::from);
    let found = root.join(path);
    if found.exists() {
        return Some(found);
    }
    let required = std::env::var("CUTOVER_REQUIRE").unwrap_or_default();
    assert!(!required.split(',').any(|word| word == "data"), "test data is required but lacks {path}");
    println!("skipped: no test data at {}", found.display());
    None
}

/// The lines of a JSON Lines file, each a document.
pub(crate) fn json_lines(path: &str, mut each: impl FnMut(Node<'_>)) -> usize {
    let Some(path) = data(path) else { return 0 };
    let text = std::fs::read(path).unwrap();
    let lines = text.split(|b| *b == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| each(Tree::parse(line, &JsonLimits::default()).unwrap().root())).count()
}

/// A member as text; empty where it is missing.
pub(crate) fn text<'t>(node: Node<'t>, key: &str) -> &'t str {
    match node.get(key.as_bytes()).map(|value| value.value()) {
        Some(Value::String(text)) => std::str::from_utf8(text).unwrap(),
        _ => "",
    }
}

/// The bytes of a `bytes_b64` member.
pub(crate) fn bytes(node: Node<'_>) -> Vec<u8> {
    base64::engine::general_purpose::STANDARD.decode(text(node, "bytes_b64")).unwrap()
}
