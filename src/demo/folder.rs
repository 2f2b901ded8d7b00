//! The demo's folder: made new, or made anew where an earlier demo marked it as its own.
//!
//! Invariant: nothing is removed from a folder without the mark.

use crate::exit::{Hint, UsageError};
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

/// The mark.
const MARK: &str = ".cutover-demo";
const MARK_TEXT: &str = "Made by `cutover demo`, which empties and fills this folder whenever it runs.\n";

/// Makes the folder ready and empty.
pub(crate) fn prepare(path: &Path) -> Result<()> {
    let told = || format!("prepare the demo's folder {}", path.display());
    if path.exists() && !is_own(path).with_context(told)? {
        let refusal = UsageError(format!("{} is not empty and no folder of the demo", path.display()));
        return Err(anyhow::Error::new(refusal)
            .context(Hint("name another one with --out, or run the demo elsewhere".to_owned())));
    }
    if path.exists() {
        empty(path).with_context(told)?;
    }
    fs::create_dir_all(path).with_context(told)?;
    fs::write(path.join(MARK), MARK_TEXT).with_context(told)
}

/// Whether the folder is empty or carries the mark.
fn is_own(path: &Path) -> Result<bool> {
    Ok(path.join(MARK).is_file() || fs::read_dir(path)?.next().is_none())
}

fn empty(path: &Path) -> Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        // The mark goes last, with the next one: a folder cut short in the middle stays the demo's own.
        if entry.file_name() == MARK {
            continue;
        }
        match entry.file_type()?.is_dir() {
            true => fs::remove_dir_all(entry.path())?,
            false => fs::remove_file(entry.path())?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_folder_is_emptied() {
        let scratch = tempfile::tempdir().unwrap();
        let out = scratch.path().join("demo");
        prepare(&out).unwrap();
        fs::create_dir(out.join("canary")).unwrap();
        fs::write(out.join("canary/index.html"), "old").unwrap();
        prepare(&out).unwrap();
        assert!(out.join(MARK).is_file());
        assert!(!out.join("canary").exists());

        let foreign = scratch.path().join("foreign");
        fs::create_dir(&foreign).unwrap();
        prepare(&foreign).unwrap();
        fs::remove_file(foreign.join(MARK)).unwrap();
        fs::write(foreign.join("thesis.doc"), "mine").unwrap();
        assert!(prepare(&foreign).unwrap_err().chain().any(|cause| cause.is::<UsageError>()));
        assert!(foreign.join("thesis.doc").exists());
    }
}
