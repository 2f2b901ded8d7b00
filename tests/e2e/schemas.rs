//! What commands print as JSON is what the published schemas say: nothing missing, nothing unnamed.

use crate::support::server::{Server, json};
use crate::support::traffic::{Conversation, get, write_pcap};
use crate::support::{data, run, scratch};
use serde_json::Value;
use std::path::Path;

/// Asserts that `value` is what `schema` says, with no names beyond it, by the few keywords our schemas use.
fn check(root: &Value, schema: &Value, value: &Value, at: &str) {
    if let Some(name) = schema["$ref"].as_str() {
        let target = name.strip_prefix("#/$defs/").expect("our references stay in the document");
        return check(root, &root["$defs"][target], value, at);
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    assert!(types.is_empty() || types.contains(&type_of(value)) || is_number(&types, value), "{at}: {value}");
    if let Some(allowed) = schema["enum"].as_array() {
        assert!(allowed.contains(value), "{at}: {value} is none of {allowed:?}");
    }
    if let Some(members) = value.as_object() {
        check_members(root, schema, members, at);
    }
    for element in value.as_array().into_iter().flatten() {
        check(root, &schema["items"], element, at);
    }
}

fn check_members(root: &Value, schema: &Value, members: &serde_json::Map<String, Value>, at: &str) {
    for name in schema["required"].as_array().into_iter().flatten() {
        assert!(members.contains_key(name.as_str().unwrap_or_default()), "{at} lacks {name}");
    }
    for (name, member) in members {
        let named = schema["properties"].get(name).or_else(|| schema.get("additionalProperties"));
        let open = schema.get("properties").is_none() && schema.get("additionalProperties").is_none();
        assert!(named.is_some() || open, "{at}.{name} is not in the schema");
        check(root, named.unwrap_or(&Value::Null), member, &format!("{at}.{name}"));
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn is_number(types: &[&str], value: &Value) -> bool {
    types.contains(&"number") && value.is_number()
}

fn schema(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(format!("{name}.schema.json"));
    let text = std::fs::read_to_string(path).expect("the schema is published");
    serde_json::from_str(&text).expect("a schema is JSON")
}

fn check_document(name: &str, document: &Value) {
    let schema = schema(name);
    check(&schema, &schema, document, name);
}

#[test]
fn ledger_exchanges_and_replay_are_as_published() {
    let folder = scratch();
    let place = |name: &str| folder.path().join(name).to_str().expect("scratch paths are UTF-8").to_owned();
    let (request, response) = get("/a", "10.1.1.1", 200, "{}");
    let (capture, corpus, out) = (place("a.pcap"), place("a.corpus"), place("a.run"));
    write_pcap(
        Path::new(&capture),
        &[Conversation { client_port: 9, exchanges: vec![(0, request, response)] }],
    );
    check_document("capture", &run(["capture", "--json", "--read", &capture, "-o", &corpus]).exits(0).json());
    check_document("exchange", &run(["corpus", "cat", "--json", &corpus]).exits(0).json());
    check_document("exchange", &run(["corpus", "cat", "--json", "--bodies", &corpus]).exits(0).json());
    let backend = Server::start(|_| json(200, "{}"));
    let (baseline, candidate) = (backend.url(), backend.url());
    let words = ["replay", &corpus, "--baseline", &baseline, "--candidate", &candidate, "-o", &out, "--json"];
    check_document("replay", &run(words).exits(0).json());
}

#[test]
fn real_captures_are_as_published() {
    for name in ["methods", "zero-length-bodies-with-drops", "ndpi-fuzz-be", "docker-http-upgrade"] {
        let Some(capture) = data(&format!("captures/{name}.pcap")) else { return };
        let folder = scratch();
        let corpus = folder.path().join("x.corpus");
        let (capture, corpus) = (capture.to_str().expect("UTF-8"), corpus.to_str().expect("UTF-8"));
        check_document(
            "capture",
            &run(["capture", "--json", "--read", capture, "-o", corpus]).exits(0).json(),
        );
        let lines = run(["corpus", "cat", "--json", "--bodies", corpus]).exits(0).stdout;
        for line in lines.lines() {
            check_document("exchange", &serde_json::from_str(line).expect("a line is one JSON document"));
        }
    }
}
