//! Backends as written: a URL, or a table with a URL and header fields whose values may come from the
//! environment.

use super::ConfigError;
use replay::{Baseline, HeaderSetting, Secret, Target};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use std::fmt;

/// Looks up a variable of the environment.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// One backend: `"http://host:port"`, or `{ url = "...", headers = ["Name=env:VARIABLE"] }`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackendSpec {
    /// The URL, or `recorded` for a baseline.
    pub url: String,
    /// Header fields to set on every request to it.
    pub headers: Vec<HeaderSpec>,
}

impl BackendSpec {
    /// The target to replay at, with the fields that every backend gets and its own.
    ///
    /// # Errors
    /// Where a header's variable is not set.
    pub fn target(&self, common: &[HeaderSpec], lookup: Lookup<'_>) -> Result<Target, ConfigError> {
        let own = |name: &str| self.headers.iter().any(|header| header.name.eq_ignore_ascii_case(name));
        let inherited = common.iter().filter(|header| !own(&header.name));
        let headers =
            inherited.chain(&self.headers).map(|header| header.setting(lookup)).collect::<Result<_, _>>()?;
        Ok(Target { url: self.url.clone(), headers })
    }

    /// The same as a baseline, where `recorded` stands for the recording.
    ///
    /// # Errors
    /// Where a header's variable is not set.
    pub fn baseline(&self, common: &[HeaderSpec], lookup: Lookup<'_>) -> Result<Baseline, ConfigError> {
        if self.url == "recorded" {
            return Ok(Baseline::Recorded);
        }
        self.target(common, lookup).map(Baseline::Backend)
    }
}

impl<'de> Deserialize<'de> for BackendSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // An untagged enum would say only that no variant matched, without the key and its line.
        deserializer.deserialize_any(SpecVisitor)
    }
}

struct SpecVisitor;

impl<'de> Visitor<'de> for SpecVisitor {
    type Value = BackendSpec;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a URL, or a table with url and headers")
    }

    fn visit_str<E>(self, url: &str) -> Result<BackendSpec, E> {
        Ok(BackendSpec { url: url.to_owned(), headers: Vec::new() })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<BackendSpec, A::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            url: String,
            #[serde(default)]
            headers: Vec<HeaderSpec>,
        }
        let table = Table::deserialize(MapAccessDeserializer::new(map))?;
        Ok(BackendSpec { url: table.url, headers: table.headers })
    }
}

/// A header field to set: `Name=value`, or `Name=env:VARIABLE`. Shown without its value.
#[derive(Clone, PartialEq, Eq)]
pub struct HeaderSpec {
    name: String,
    value: HeaderValue,
}

#[derive(Clone, PartialEq, Eq)]
enum HeaderValue {
    Literal(String),
    Variable(String),
}

impl HeaderSpec {
    fn setting(&self, lookup: Lookup<'_>) -> Result<HeaderSetting, ConfigError> {
        let value = match &self.value {
            HeaderValue::Literal(value) => value.clone(),
            HeaderValue::Variable(variable) => lookup(variable).ok_or_else(|| {
                ConfigError::value(
                    format!("header {}", self.name),
                    format!("the environment has no variable {variable}"),
                )
            })?,
        };
        Ok(HeaderSetting { name: self.name.clone(), value: Secret::new(value) })
    }
}

impl fmt::Debug for HeaderSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}=..", self.name)
    }
}

impl<'de> Deserialize<'de> for HeaderSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let Some((name, value)) = text.split_once('=').filter(|(name, _)| !name.trim().is_empty()) else {
            // The text may be a secret without its name: it is not repeated.
            return Err(D::Error::custom("a header is written NAME=VALUE or NAME=env:VARIABLE"));
        };
        let value = match value.strip_prefix("env:") {
            Some(variable) => HeaderValue::Variable(variable.to_owned()),
            None => HeaderValue::Literal(value.to_owned()),
        };
        Ok(HeaderSpec { name: name.trim().to_owned(), value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Holder {
        headers: Vec<HeaderSpec>,
        backend: BackendSpec,
    }

    fn check(text: &str, expected: Result<&[(&str, &str)], &str>) {
        let holder: Holder = toml::from_str(text).unwrap();
        let lookup = |name: &str| (name == "TOKEN").then(|| "s3cret".to_owned());
        let found = holder.backend.target(&holder.headers, &lookup);
        match expected {
            Ok(expected) => {
                let expected: Vec<HeaderSetting> = expected
                    .iter()
                    .map(|(name, value)| HeaderSetting {
                        name: (*name).to_owned(),
                        value: Secret::new(*value),
                    })
                    .collect();
                assert_eq!(found.unwrap().headers, expected);
            }
            Err(expected) => assert_eq!(found.unwrap_err().to_string(), expected),
        }
        assert!(!format!("{:?}", holder.headers).contains("s3cret"));
    }

    #[test]
    fn headers_come_from_the_environment_and_own_ones_win() {
        check("headers = [\"A=env:TOKEN\"]\nbackend = \"http://a\"\n", Ok(&[("A", "s3cret")]));
        check(
            "headers = [\"A=1\", \"B=2\"]\nbackend = { url = \"http://a\", headers = [\"a=3\"] }\n",
            Ok(&[("B", "2"), ("a", "3")]),
        );
        check(
            "headers = [\"A=env:ABSENT\"]\nbackend = \"http://a\"\n",
            Err("use configuration: header A: the environment has no variable ABSENT"),
        );
    }
}
