//! The rules of the house that the compiler cannot hold: crate edges, file heads, words that do not belong.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Every edge between our crates that is allowed: `wire <- corpus <- capture, replay, report <- canary <- cutover`.
const EDGES: [(&str, &[&str]); 7] = [
    ("wire", &[]),
    ("corpus", &["wire"]),
    ("capture", &["wire", "corpus"]),
    ("replay", &["wire", "corpus"]),
    ("report", &["wire", "corpus"]),
    ("canary", &["wire", "corpus", "replay", "report"]),
    ("cutover", &["wire", "corpus", "capture", "replay", "report", "canary"]),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Our crates and, of each, the other crates of ours that it uses outside tests.
fn measured_edges() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo is there: it runs this test");
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    let ours: BTreeSet<&str> = EDGES.iter().map(|(name, _)| *name).collect();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let packages = metadata["packages"].as_array().expect("packages is a list");
    packages
        .iter()
        .map(|package| {
            let dependencies = package["dependencies"].as_array().expect("dependencies is a list");
            let used = dependencies.iter().filter(|dependency| dependency["kind"] != "dev");
            let names =
                used.map(|dependency| text(&dependency["name"])).filter(|name| ours.contains(name.as_str()));
            (text(&package["name"]), names.collect())
        })
        .collect()
}

#[test]
fn crates_depend_only_downwards() {
    let measured = measured_edges();
    assert_eq!(measured.len(), EDGES.len(), "a crate is missing from the list of allowed edges");
    for (name, allowed) in EDGES {
        for used in &measured[name] {
            assert!(allowed.contains(&used.as_str()), "{name} must not depend on {used}");
        }
    }
}

/// Every Rust source file of the workspace.
fn sources() -> Vec<PathBuf> {
    let output = Command::new("git").args(["ls-files", "*.rs"]).current_dir(root()).output();
    let listed = output.ok().filter(|output| output.status.success()).map(|output| output.stdout);
    let text = String::from_utf8(listed.unwrap_or_default()).expect("git prints UTF-8 paths");
    text.lines().map(|line| root().join(line)).filter(|path| path.is_file()).collect()
}

#[test]
fn every_file_says_what_it_is_for() {
    for path in sources() {
        let text = std::fs::read_to_string(&path).expect("listed files can be read");
        assert!(text.starts_with("//!"), "{} does not open with //!", path.display());
    }
}

#[test]
fn lints_are_expected_with_a_reason_never_allowed() {
    let silenced = concat!("#[", "allow(");
    for path in sources() {
        let text = std::fs::read_to_string(&path).expect("listed files can be read");
        assert!(!text.contains(silenced), "{} silences a lint: use #[expect(.., reason)]", path.display());
    }
}

#[test]
fn every_dependency_has_its_reason() {
    let text = std::fs::read_to_string(root().join("Cargo.toml")).expect("the workspace has a manifest");
    let table = text.split("[workspace.dependencies]").nth(1).and_then(|rest| rest.split("\n[").next());
    let lines = table.expect("the workspace lists its dependencies").lines();
    let outside = lines.filter(|line| line.contains('=') && !line.contains("path = "));
    for line in outside {
        assert!(line.contains(" # "), "no reason given: {line}");
    }
}
