//! The `[replay]` section of `cutover.toml`: the options of the command line, by the same names.

use crate::config::{Config, Connections, HostHeader, Roots};
use crate::error::ReplayError;
use corpus::run::BodyKeeping;
use corpus::units::parse_duration;
use serde::Deserialize;
use std::fmt::Display;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// The `[replay]` section. What is absent keeps its default.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Connections to each backend; absent: as recorded.
    pub connections: Option<NonZeroU32>,
    /// Seed of everything drawn.
    pub seed: Option<u64>,
    /// Ceiling for each backend, such as `"500/s"`.
    pub max_rate: Option<String>,
    /// From the real send to giving up, such as `"10s"`.
    pub deadline: Option<String>,
    /// The share sent to the control or repeated, such as `"20%"`.
    pub noise_share: Option<String>,
    /// The common lag of repeats, such as `"500ms"`.
    pub repeat_lag: Option<String>,
    /// `"target"`, `"recorded"` or a name.
    pub host_header: Option<String>,
    /// A PEM file of trusted roots, relative to the file.
    pub ca: Option<PathBuf>,
    /// `host:port:address` entries.
    #[serde(default)]
    pub resolve: Vec<String>,
    /// Hosts that may be targets although they are not private.
    #[serde(default)]
    pub allow_hosts: Vec<String>,
    /// `"all"`, `"sample"` or `"digest"`.
    pub bodies: Option<BodyKeeping>,
}

/// The text is no `cutover.toml` with a `[replay]` section as it should be.
#[derive(Debug, thiserror::Error)]
#[error("read the [replay] section: {0}")]
pub struct SettingsError(String);

impl Settings {
    /// Reads the `[replay]` section of the text of a `cutover.toml`; defaults where it has none.
    ///
    /// # Errors
    /// Where the text is no TOML, or the section has unknown keys or values of the wrong type.
    pub fn parse(text: &str) -> Result<Settings, SettingsError> {
        #[derive(Deserialize)]
        struct File {
            #[serde(default)]
            replay: Settings,
        }
        let file: File = toml::from_str(text).map_err(|error| SettingsError(error.to_string()))?;
        Ok(file.replay)
    }

    /// Puts what is set into `config`; relative paths are relative to `folder`.
    ///
    /// # Errors
    /// Where a value cannot be read.
    pub fn apply(&self, config: &mut Config, folder: &Path) -> Result<(), ReplayError> {
        if let Some(connections) = self.connections {
            config.connections = Connections::Pool(connections);
        }
        config.seed = self.seed.unwrap_or(config.seed);
        config.bodies = self.bodies.unwrap_or(config.bodies);
        if let Some(rate) = &self.max_rate {
            config.max_rate = Some(read("max_rate", rate)?);
        }
        if let Some(share) = &self.noise_share {
            config.noise_share = read("noise_share", share)?;
        }
        if let Some(text) = &self.deadline {
            config.deadline = parse_duration(text).map_err(|error| wrong("deadline", &error))?;
        }
        if let Some(text) = &self.repeat_lag {
            config.repeat_lag = parse_duration(text).map_err(|error| wrong("repeat_lag", &error))?;
        }
        if let Some(text) = &self.host_header {
            config.host_header = HostHeader::from_word(text);
        }
        if let Some(path) = &self.ca {
            config.roots = Roots::File(folder.join(path));
        }
        config.resolve.extend(self.resolve.iter().cloned());
        config.allow_hosts.extend(self.allow_hosts.iter().cloned());
        Ok(())
    }
}

impl HostHeader {
    /// `target`, `recorded`, or a name.
    pub fn from_word(word: &str) -> HostHeader {
        match word {
            "target" => HostHeader::Target,
            "recorded" => HostHeader::Recorded,
            name => HostHeader::Name(name.to_owned()),
        }
    }
}

fn read<T: FromStr>(option: &'static str, text: &str) -> Result<T, ReplayError>
where
    T::Err: Display,
{
    text.parse().map_err(|error: T::Err| wrong(option, &error))
}

fn wrong(option: &'static str, error: &dyn Display) -> ReplayError {
    ReplayError::Option { option, reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Baseline, Target};
    use std::time::Duration;

    fn check(text: &str, expected: Option<Duration>) {
        let applied = Settings::parse(text).ok().and_then(|settings| {
            let baseline = Baseline::Backend(Target::new("http://a"));
            let mut config = Config::new("c".into(), "r".into(), baseline, Target::new("http://b"));
            settings.apply(&mut config, Path::new("/etc")).ok().map(|()| config.deadline)
        });
        assert_eq!(applied, expected, "{text}");
    }

    #[test]
    fn reads_its_section_and_nothing_else() {
        check("", Some(Duration::from_secs(10)));
        check(
            "[policy]\nx = 1\n[replay]\ndeadline = \"2s\"\nbodies = \"sample\"",
            Some(Duration::from_secs(2)),
        );
        check("[replay]\ndeadlin = \"2s\"", None);
        check("[replay]\ndeadline = \"2\"", None);
        check("[replay]\nconnections = 0", None);
    }
}
