//! Bodies that grow or nest without limit meet ours.

use wire::content::{ContentError, ContentLimits, decode};
use wire::json::{JsonErrorKind, JsonLimits, Tree};

use crate::support::data;

fn check(file: &str, encoding: &str, expected: impl Fn(&ContentError) -> bool) {
    let Some(path) = data(&format!("hostile/bombs/{file}")) else { return };
    let error = decode(&std::fs::read(path).unwrap(), [encoding.as_bytes()], &ContentLimits::default())
        .expect_err("a bomb does not decode");
    assert!(expected(&error), "{file}: {error}");
}

#[test]
fn content_bombs_are_refused() {
    let ratio = |error: &ContentError| matches!(error, ContentError::RatioExceeded { .. });
    check("gzip-64MiB.gz", "gzip", ratio);
    check("gzip-gzip-64MiB.gz.gz", "gzip, gzip", ratio);
    check("deflate-64MiB.zz", "deflate", ratio);
    check("zstd-1GiB.zst", "zstd", ratio);
    check("zstd-window-huge.zst", "zstd", |error| matches!(error, ContentError::WindowTooLarge { .. }));
    check("gzip-name-256KiB-unterminated.gz", "gzip", |error| matches!(error, ContentError::Corrupt { .. }));
}

#[test]
fn json_bombs_are_bounded() {
    let Some(folder) = data("hostile/bombs") else { return };
    let deep = std::fs::read(folder.join("json-depth-closed-50000.json")).unwrap();
    let error = Tree::parse(&deep, &JsonLimits::default()).unwrap_err();
    assert_eq!((error.kind, error.offset), (JsonErrorKind::TooDeep, 512));
    let wide = std::fs::read(folder.join("json-keys-20000.json")).unwrap();
    let tree = Tree::parse(&wide, &JsonLimits::default()).unwrap();
    assert_eq!(tree.root().child_count(), 20_000);
}
