//! `cutover.toml`: one file that every command reads, each crate owning its sections.
//!
//! Reading is strict: an unknown key is an error with its line. Nothing here looks at the environment,
//! the clock or the network; values named `env:NAME` are looked up by the caller's own function.

mod target;

pub use target::{BackendSpec, HeaderSpec, Lookup};

use corpus::units::{Percent, parse_duration};
use report::policy::{GateName, Policy, PolicyError};
use serde::{Deserialize, Deserializer};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The whole file. Every section may be absent; commands ask for what they need.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// `[backends]`
    pub backends: Option<Backends>,
    /// `[corpus]`
    pub corpus: Option<CorpusSection>,
    /// `[canary]`
    #[serde(default)]
    pub canary: CanarySection,
    /// `[replay]`
    #[serde(default)]
    pub replay: replay::settings::Settings,
    /// `[policy]`
    #[serde(default)]
    pub policy: Policy,
    /// The folder of the file: relative paths in it are relative to this.
    #[serde(skip)]
    pub folder: PathBuf,
}

/// `[backends]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backends {
    /// The legacy backend: a URL, a table with `url` and `headers`, or `"recorded"`.
    pub baseline: BackendSpec,
    /// The new backend.
    pub candidate: BackendSpec,
    /// A second instance of the legacy backend.
    pub control: Option<BackendSpec>,
    /// Header fields for every backend; those of a backend's own table replace them.
    #[serde(default)]
    pub headers: Vec<HeaderSpec>,
    /// Whether certificates are left unchecked.
    #[serde(default)]
    pub insecure: bool,
}

/// `[corpus]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CorpusSection {
    /// The corpus file.
    pub file: PathBuf,
}

/// `[canary]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CanarySection {
    /// Percentages of production's rate, ascending. Absent: those of `step`, or 1, 5, 10, 25, 50, 100.
    pub steps: Option<Vec<Percentage>>,
    /// How long a step replays before it is judged. Absent: one pass over the corpus.
    pub window: Option<Span>,
    /// How long a step that lacks evidence may go on. Absent: three windows.
    pub max_window: Option<Span>,
    /// The folder of runs and reports. Absent: `canary`.
    pub out: Option<PathBuf>,
    /// What single steps do otherwise.
    #[serde(default)]
    pub step: Vec<StepSection>,
}

/// `[[canary.step]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepSection {
    /// Which step.
    pub percent: Percentage,
    /// What gates there, by the names of `[policy] gate`. Absent: as the policy says.
    pub gate: Option<Vec<GateName>>,
    /// How long it replays before it is judged.
    pub window: Option<Span>,
    /// How long it may go on.
    pub max_window: Option<Span>,
}

/// A percentage as TOML has it: an integer or a float above 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Percentage(pub Percent);

impl<'de> Deserialize<'de> for Percentage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = f64::deserialize(deserializer)?;
        Percent::new(value).map(Percentage).ok_or_else(|| serde::de::Error::custom("a percentage is above 0"))
    }
}

/// A duration as people write it: `"90s"`, `"5m"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span(pub Duration);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let duration = parse_duration(&text).map_err(serde::de::Error::custom)?;
        if duration < Duration::from_secs(1) {
            return Err(serde::de::Error::custom(format!("{text:?} is shorter than a second")));
        }
        Ok(Span(duration))
    }
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("read configuration {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The text is no TOML, or holds what it should not. The cause names line and key.
    #[error("read configuration {}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: Box<toml::de::Error>,
    },
    /// The `[policy]` section makes no sense.
    #[error("read configuration {}", path.display())]
    Policy {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: PolicyError,
    },
    /// The `[replay]` section makes no sense.
    #[error("use configuration: section [replay]")]
    Replay {
        /// Why not.
        source: Box<replay::ReplayError>,
    },
    /// A section that the command needs is absent.
    #[error("use configuration: section [{section}] is missing")]
    Missing {
        /// The section's name.
        section: &'static str,
    },
    /// A value that cannot be used.
    #[error("use configuration: {key}: {reason}")]
    Value {
        /// The key as in the file.
        key: String,
        /// What is wrong.
        reason: String,
    },
}

impl ConfigError {
    pub(crate) fn value(key: impl Into<String>, reason: impl Into<String>) -> ConfigError {
        ConfigError::Value { key: key.into(), reason: reason.into() }
    }
}

impl File {
    /// Reads a file.
    ///
    /// # Errors
    /// Where it cannot be read, is no TOML, or has a key or a value that is not known.
    pub fn read(path: &Path) -> Result<File, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        let folder = path.parent().map(Path::to_owned).unwrap_or_default();
        let mut file: File = toml::from_str(&text)
            .map_err(|source| ConfigError::Content { path: path.to_owned(), source: Box::new(source) })?;
        file.policy = report::policy::parse(&text)
            .map_err(|source| ConfigError::Policy { path: path.to_owned(), source })?;
        file.folder = folder;
        Ok(file)
    }

    /// A path of the file, seen from where the command runs.
    pub fn resolve(&self, path: &Path) -> PathBuf {
        self.folder.join(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The error of a text, or nothing where it is read.
    fn check(text: &str, expected: &[&str]) {
        match toml::from_str::<File>(text) {
            Ok(_) => assert!(expected.is_empty(), "{text}: read"),
            Err(error) => {
                let said = error.to_string();
                assert!(!expected.is_empty(), "{text}: {said}");
                expected.iter().for_each(|part| assert!(said.contains(part), "{part:?} in {said}"));
            }
        }
    }

    #[test]
    fn reads_every_section() {
        check("", &[]);
        check(
            "[backends]\nbaseline = \"http://127.0.0.1:1\"\n\
             candidate = { url = \"http://127.0.0.1:2\", headers = [\"Authorization=env:TOKEN\"] }\n\
             [corpus]\nfile = \"a.corpus\"\n\
             [canary]\nsteps = [1, 2.5, 100]\nwindow = \"30s\"\n[[canary.step]]\npercent = 100\ngate = [\"errors\"]\n\
             [replay]\nseed = 4\n",
            &[],
        );
    }

    #[test]
    fn unknown_keys_and_wrong_values_are_named_with_their_line() {
        check("[canary]\nstep_s = [1]\n", &["line 2", "step_s"]);
        check("[canray]\n", &["line 1", "canray"]);
        check("[canary]\nsteps = [0]\n", &["line 2", "above 0"]);
        check("[canary]\nsteps = [-5]\n", &["line 2", "above 0"]);
        check("[canary]\nwindow = \"fast\"\n", &["line 2", "fast"]);
        check("[canary]\nwindow = \"10ms\"\n", &["line 2", "shorter than a second"]);
        check("[[canary.step]]\ngate = []\n", &["percent"]);
        check("[[canary.step]]\npercent = 5\nmax = 4\n", &["line 3", "max"]);
        check("[backends]\nbaseline = \"http://a\"\n", &["candidate"]);
        check(
            "[backends]\nbaseline = \"http://a\"\ncandidate = { url = \"http://b\", header = [] }\n",
            &["line 3", "header"],
        );
        check(
            "[backends]\nbaseline = \"http://a\"\ncandidate = \"http://b\"\nheaders = [\"nothing\"]\n",
            &["line 4", "NAME=VALUE"],
        );
        check("[replay]\nsede = 4\n", &["line 2", "sede"]);
        check("[[canary.step]]\npercent = 5\ngate = [\"bodie\"]\n", &["line 3", "bodie"]);
        check("[policy]\nmargin = 4\n", &["line 2", "margin"]);
    }

    #[test]
    fn an_absent_file_is_an_error_that_names_it() {
        let error = File::read(Path::new("nowhere/cutover.toml")).unwrap_err();
        assert_eq!(error.to_string(), "read configuration nowhere/cutover.toml");
    }
}
