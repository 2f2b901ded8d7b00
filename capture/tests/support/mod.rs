//! What the tests over stored captures share: where the data is.

use std::path::PathBuf;

/// A folder of the stored test data, or `None` (said on stdout) where it is not there.
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
pub(crate) fn data(folder: &str) -> Option<PathBuf> {
    let root = std::env::var_os("CUTOVER_TEST_DATA")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared"), PathBuf::from);
    let path = root.join(folder);
    if path.is_dir() {
        return Some(path);
    }
    let required =
        std::env::var("CUTOVER_REQUIRE").is_ok_and(|list| list.split(',').any(|word| word == "data"));
    assert!(!required, "test data is required, and {} is not there", path.display());
    println!("skipped: no test data at {}", path.display());
    None
}
