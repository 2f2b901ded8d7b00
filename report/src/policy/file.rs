//! Reading a policy: from `cutover.toml`, and back from the canonical JSON that a run holds.

use super::Policy;
use crate::compare::{Kind, RuleError};
use corpus::run::EndpointPlan;

/// Sections of `cutover.toml` that belong to others. Their owners check them.
const OTHER_SECTIONS: [&str; 4] = ["backends", "corpus", "replay", "canary"];

/// Why a policy cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// The file is no TOML, or holds a key or value that is none.
    #[error("read the policy: {message}")]
    Syntax {
        /// What and where, in one line.
        message: String,
    },
    /// A top-level section that nobody owns.
    #[error("read the policy: unknown section {name:?}{}", hint(.near))]
    UnknownSection {
        /// Its name.
        name: String,
        /// Sections most like it.
        near: Vec<String>,
    },
    /// An endpoint that the run does not have.
    #[error("apply the policy: {place} names endpoint {name:?}, which is not in the run{}", hint(.near))]
    UnknownEndpoint {
        /// Where it is named.
        place: &'static str,
        /// The name.
        name: String,
        /// Endpoints of the run most like it.
        near: Vec<String>,
    },
    /// A kind of difference that does not exist.
    #[error("read the policy: policy.ignore names kind {name:?}{}", hint(.near))]
    UnknownKind {
        /// The name.
        name: String,
        /// Kinds most like it.
        near: Vec<String>,
    },
    /// The path of a rule is none.
    #[error("read the policy")]
    Rule(#[from] RuleError),
    /// A value that makes no sense.
    #[error("read the policy: {0}")]
    Value(&'static str),
}

fn hint(near: &[String]) -> String {
    match near {
        [] => String::new(),
        names => format!("; did you mean {}?", names.join(" or ")),
    }
}

impl PolicyError {
    pub(super) fn unknown_endpoint(
        place: &'static str,
        name: &str,
        endpoints: &[EndpointPlan],
    ) -> PolicyError {
        let near = nearest(name, endpoints.iter().map(|endpoint| endpoint.name.as_str()));
        PolicyError::UnknownEndpoint { place, name: name.to_owned(), near }
    }
}

/// Reads the `[policy]` section of the text of a `cutover.toml`; the default policy where it has none.
///
/// # Errors
/// Where the text is no TOML, has unknown sections or keys, or values that make no sense.
pub fn parse(text: &str) -> Result<Policy, PolicyError> {
    let syntax = |error: toml::de::Error| PolicyError::Syntax { message: one_line(&error, text) };
    let mut file: toml::Table = toml::from_str(text).map_err(syntax)?;
    if let Some(name) = file.keys().find(|key| *key != "policy" && !OTHER_SECTIONS.contains(&key.as_str())) {
        let near = nearest(name, OTHER_SECTIONS.into_iter().chain(["policy"]));
        return Err(PolicyError::UnknownSection { name: name.clone(), near });
    }
    let Some(section) = file.remove("policy") else { return Ok(Policy::default()) };
    // Read again from the text where possible: only then do errors know their line.
    #[derive(serde::Deserialize)]
    struct OnlyPolicy {
        policy: Policy,
    }
    let policy = match toml::from_str::<OnlyPolicy>(text) {
        Ok(read) => read.policy,
        Err(error) => section.try_into::<Policy>().map_err(|_| syntax(error))?,
    };
    check(&policy)?;
    Ok(policy)
}

/// Reads the canonical JSON that a run holds.
///
/// # Errors
/// Where it is none of this version's.
pub fn parse_canonical(json: &str) -> Result<Policy, PolicyError> {
    let policy: Policy =
        serde_json::from_str(json).map_err(|error| PolicyError::Syntax { message: error.to_string() })?;
    check(&policy)?;
    Ok(policy)
}

fn check(policy: &Policy) -> Result<(), PolicyError> {
    if policy.gate.is_empty() {
        return Err(PolicyError::Value("policy.gate is empty: nothing could ever be proven"));
    }
    if policy.max_endpoints > 200 {
        return Err(PolicyError::Value("policy.max_endpoints is above 200: nothing would ever be proven"));
    }
    for rule in &policy.ignore {
        if let Some(name) = rule.kind.as_ref().filter(|name| Kind::of_name(name).is_none()) {
            let near = nearest(name, Kind::ALL.iter().map(|kind| kind.name()));
            return Err(PolicyError::UnknownKind { name: name.clone(), near });
        }
        if rule.reason.trim().is_empty() {
            return Err(PolicyError::Value("a rule of policy.ignore has an empty reason"));
        }
    }
    policy.rules()?;
    Ok(())
}

fn one_line(error: &toml::de::Error, text: &str) -> String {
    let message = error.message().replace('\n', " ");
    match error.span().and_then(|span| text.get(..span.start)) {
        Some(before) => format!("line {}: {message}", 1 + before.matches('\n').count()),
        None => message,
    }
}

/// Up to three names within a third of edits, nearest first.
fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Vec<String> {
    let wanted = name.to_lowercase();
    let mut scored: Vec<(usize, &str)> = known
        .take(10_000)
        .map(|candidate| (edits(&wanted, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.chars().count() / 3)
        .collect();
    scored.sort_unstable();
    scored.into_iter().take(3).map(|(_, candidate)| format!("{candidate:?}")).collect()
}

/// Levenshtein distance over the first 200 characters.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(200).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().take(200).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let cost = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = cost.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::GateName;

    fn check_error(text: &str, expected: &str) {
        let error = parse(text).map(|policy| policy.canonical_json()).expect_err(text);
        assert!(error.to_string().contains(expected), "{text}: {error}");
    }

    #[test]
    fn no_file_and_an_empty_one_are_the_defaults() {
        assert_eq!(parse("").unwrap(), Policy::default());
        assert_eq!(parse("[policy]\n").unwrap(), Policy::default());
        assert_eq!(parse("[replay]\nanything = 1\n").unwrap(), Policy::default());
    }

    #[test]
    fn reads_everything_and_canonical_json_says_the_same() {
        let policy = parse(
            "[policy]\ngate = [\"p99\", \"errors\", \"status\"]\nalpha = 0.01\ncritical = [\"GET /pay\"]\n\
             [policy.margins]\np50 = \"20% or 1ms\"\nerrors = \"0.5 points\"\n\
             [[policy.ignore]]\nendpoint = \"GET /a\"\npath = \"$.at\"\nkind = \"value\"\nreason = \"clock\"\n\
             [[policy.endpoint]]\nname = \"GET /slow\"\ngate = [\"bodies\"]\nmargins = { p99 = \"100%\" }\n",
        )
        .unwrap();
        assert_eq!(policy.gate, [GateName::P99, GateName::Errors, GateName::Statuses]);
        assert_eq!(policy.gate_at(Some("GET /slow")), [GateName::Bodies]);
        assert!(policy.is_critical("GET /pay"));
        assert_eq!(policy.margins_at(Some("GET /slow")).p99.to_string(), "100% or 0ms");
        assert_eq!(policy.margins_at(Some("GET /slow")).p50.to_string(), "20% or 1ms");
        assert_eq!(parse_canonical(&policy.canonical_json()).unwrap(), policy);
    }

    #[test]
    fn nothing_is_silently_without_effect() {
        check_error("[policy]\ngates = []\n", "line 2: unknown field `gates`");
        check_error("[polcy]\n", "did you mean \"policy\"");
        check_error("[policy.margins]\np98 = \"1%\"\n", "p98");
        check_error("[policy.margins]\np50 = \"fast\"\n", "expected a percentage, a duration or both");
        check_error("[policy]\ngate = []\n", "policy.gate is empty");
        check_error("[policy]\ngate = [\"latencies\"]\n", "latencies");
        check_error("[policy]\nalpha = 0.7\n", "above 0 and below 0.5");
        check_error("[[policy.ignore]]\npath = \"$.a\"\nkind = \"valu\"\nreason = \"x\"\n", "\"value\"");
        check_error("[[policy.ignore]]\npath = \"$.a\"\n", "reason");
        check_error("[[policy.endpoint]]\nname = \"GET /\"\nmargin = {}\n", "margin");
        check_error("policy = [", "line 1");
    }

    #[test]
    fn endpoints_that_do_not_exist_are_named_with_those_most_like_them() {
        let plan = |name: &str| EndpointPlan { name: name.to_owned(), recorded: 1, planned: 1 };
        let endpoints = [plan("GET /orders/{id}"), plan("GET /users/{id}"), plan("GET /")];
        let policy = parse("[policy]\ncritical = [\"GET /order/{id}\"]\n").unwrap();
        let error = policy.check_endpoints(&endpoints).unwrap_err().to_string();
        assert!(error.contains("did you mean \"GET /orders/{id}\""), "{error}");
        assert!(parse("[policy]\ncritical = [\"GET /\"]\n").unwrap().check_endpoints(&endpoints).is_ok());
    }
}
