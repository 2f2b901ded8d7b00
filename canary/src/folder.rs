//! The folder of a walk: made new, or taken over from an earlier walk where that is asked for.
//!
//! Invariant: nothing is removed but the step folders and index files of a folder that an index of ours
//! marks as a walk's.

use corpus::Overwrite;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The index for programs, and the mark of a walk's folder.
pub(crate) const INDEX_JSON: &str = "index.json";
/// The index for people.
pub(crate) const INDEX_HTML: &str = "index.html";
/// What the index says it is; a folder whose index does not is not touched.
pub(crate) const KIND: &str = "cutover canary walk";

/// Why a folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It holds an earlier walk.
    #[error("write to {}: an earlier walk is there", path.display())]
    Exists {
        /// The folder.
        path: PathBuf,
    },
    /// It holds something else.
    #[error("write to {}: it is not empty and not the folder of a walk", path.display())]
    Foreign {
        /// The folder.
        path: PathBuf,
    },
    /// The system refused.
    #[error("write to {}", path.display())]
    System {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

fn system(path: &Path) -> impl FnOnce(io::Error) -> FolderError {
    let path = path.to_owned();
    move |source| FolderError::System { path, source }
}

/// Makes the folder ready for a walk.
///
/// # Errors
/// Where it holds an earlier walk and `overwrite` refuses, holds anything else, or cannot be written.
pub(crate) fn prepare(path: &Path, overwrite: Overwrite) -> Result<(), FolderError> {
    fs::create_dir_all(path).map_err(system(path))?;
    let mut entries = fs::read_dir(path).map_err(system(path))?;
    if entries.next().is_none() {
        return Ok(());
    }
    if !is_walk(path) {
        return Err(FolderError::Foreign { path: path.to_owned() });
    }
    match overwrite {
        Overwrite::Refuse => Err(FolderError::Exists { path: path.to_owned() }),
        Overwrite::Replace => clear(path),
    }
}

fn is_walk(path: &Path) -> bool {
    let index = fs::read(path.join(INDEX_JSON)).ok();
    let index = index.and_then(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).ok());
    index.is_some_and(|index| index.get("kind").and_then(|kind| kind.as_str()) == Some(KIND))
}

fn clear(path: &Path) -> Result<(), FolderError> {
    for entry in fs::read_dir(path).map_err(system(path))? {
        let entry = entry.map_err(system(path))?;
        let name = entry.file_name();
        let is_step = name.to_str().is_some_and(|name| name.starts_with("step-"));
        let is_folder = entry.file_type().map_err(system(&entry.path()))?.is_dir();
        if is_step && is_folder {
            fs::remove_dir_all(entry.path()).map_err(system(&entry.path()))?;
        }
    }
    Ok(())
}

/// Removes what a walk made that came to nothing; a step's folder that holds a run is kept, and all with it.
pub(crate) fn abandon(path: &Path, step: &str) -> Result<(), FolderError> {
    if fs::remove_dir(path.join(step)).is_err() && path.join(step).exists() {
        return Ok(());
    }
    for name in [INDEX_HTML, INDEX_JSON] {
        let file = path.join(name);
        fs::remove_file(&file).map_err(system(&file))?;
    }
    // It may hold what is not ours.
    let _ = fs::remove_dir(path);
    Ok(())
}

/// Makes a folder within the walk's.
pub(crate) fn create(path: &Path) -> Result<(), FolderError> {
    fs::create_dir_all(path).map_err(system(path))
}

/// Writes a whole file, so that a reader sees the old content or the new.
pub(crate) fn write(path: &Path, content: &[u8]) -> Result<(), FolderError> {
    let fresh = path.with_extension("new");
    fs::write(&fresh, content).map_err(system(&fresh))?;
    fs::rename(&fresh, path).map_err(system(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with these files (a trailing `/` makes a folder), prepared; what is left, or the error.
    fn check(files: &[(&str, &str)], overwrite: Overwrite, expected: Result<&[&str], &str>) {
        let scratch = tempfile::tempdir().unwrap();
        let out = scratch.path().join("out");
        for (name, content) in files {
            let path = out.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        let found = prepare(&out, overwrite).map(|()| {
            let mut names: Vec<String> = fs::read_dir(&out)
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            names.sort();
            names
        });
        match (found, expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected),
            (Err(found), Err(expected)) => assert!(found.to_string().contains(expected), "{found}"),
            (found, expected) => panic!("{found:?} for {expected:?}"),
        }
    }

    #[test]
    fn takes_over_only_what_is_a_walks() {
        let index = ("index.json", "{\"kind\": \"cutover canary walk\"}");
        let step = ("step-025/run-1.run", "x");
        check(&[], Overwrite::Refuse, Ok(&[]));
        check(&[index, step], Overwrite::Refuse, Err("an earlier walk"));
        check(&[index, step], Overwrite::Replace, Ok(&["index.json"]));
        check(&[index, step, ("notes/a.txt", "mine")], Overwrite::Replace, Ok(&["index.json", "notes"]));
        check(&[("thesis.doc", "mine")], Overwrite::Replace, Err("not empty"));
        check(&[("index.json", "{\"kind\": \"other\"}"), step], Overwrite::Replace, Err("not empty"));
    }
}
