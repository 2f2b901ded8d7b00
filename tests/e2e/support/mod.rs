//! What the stories stand on: the binary under test, scratch folders, outside data and programs.

pub(crate) mod server;
pub(crate) mod traffic;

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Output};

/// The built `cutover`, ready for arguments.
pub(crate) fn cutover<I, S>(args: I) -> Command
where
    I: IntoIterator<Item = S>,
    S: AsRef<OsStr>,
{
    let mut command = Command::new(env!("CARGO_BIN_EXE_cutover"));
    command.args(args);
    command
}

/// What one run of the command line gave.
#[derive(Debug)]
pub(crate) struct Ran {
    /// The exit code.
    pub(crate) code: i32,
    /// Its stdout.
    pub(crate) stdout: String,
    /// Its stderr.
    pub(crate) stderr: String,
}

/// Runs `cutover` with `args` to its end.
pub(crate) fn run<I, S>(args: I) -> Ran
where
    I: IntoIterator<Item = S>,
    S: AsRef<OsStr>,
{
    ran(cutover(args).output().expect("the binary under test was built and starts"))
}

/// The texts of an output.
pub(crate) fn ran(output: Output) -> Ran {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the command line prints UTF-8");
    Ran { code: output.status.code().unwrap_or(-1), stdout: text(output.stdout), stderr: text(output.stderr) }
}

impl Ran {
    /// Its stdout as one JSON document.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("stdout is no JSON: {error}\n{self:?}"))
    }

    /// Asserts the exit code and passes the rest on.
    pub(crate) fn exits(self, code: i32) -> Ran {
        assert_eq!(self.code, code, "{self:?}");
        self
    }
}

/// A scratch folder that goes when dropped.
pub(crate) fn scratch() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder can be made")
}

/// The outside test data at `path`, or `None` with a printed line where it is not there.
///
/// # Panics
/// Where it is missing and `CUTOVER_REQUIRE` names `data`.
pub(crate) fn data(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("CUTOVER_TEST_DATA").map(PathBuf::from);
    let root = root.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"));
    let found = Some(root.join(path)).filter(|path| path.exists());
    required("data", found, path)
}

/// The program `name` on this machine, or `None` with a printed line where it is not there.
///
/// # Panics
/// Where it is missing and `CUTOVER_REQUIRE` names it.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places: Vec<PathBuf> = std::env::split_paths(&path).collect();
    places.extend(["/usr/sbin".into(), "/sbin".into()]);
    let found = places.into_iter().map(|place| place.join(name)).find(|path| path.is_file());
    required(name, found, name)
}

fn required(requirement: &str, found: Option<PathBuf>, what: &str) -> Option<PathBuf> {
    let required = std::env::var("CUTOVER_REQUIRE").unwrap_or_default();
    let named = required.split(',').any(|name| name.trim() == requirement);
    assert!(found.is_some() || !named, "{what} is required by CUTOVER_REQUIRE and is not there");
    if found.is_none() {
        eprintln!("skipped: {what} is not on this machine");
    }
    found
}
