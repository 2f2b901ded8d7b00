//! Ignore rules of the policy: endpoint, place and kind, each matched exactly.
//!
//! No substring or prefix semantics on names: a rule for `$.user` covers that member and all that is in it,
//! and says nothing about `$.userId`; a rule for `header:date` says nothing about `x-candidate-id`.

use super::Kind;
use wire::path::{PathPattern, PatternError, Step};

/// One ignore rule as the policy states it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IgnoreRule {
    /// The endpoint's name (`GET /orders/{id}`), or `None` for every endpoint.
    pub endpoint: Option<String>,
    /// A JSONPath of names, indices, `*` and `..`, also as reports show it (`$.users.{*}.name`); or
    /// `header:NAME`, `trailer:NAME`, `status`, or `body` for all of the body.
    pub path: String,
    /// The kind, or `None` for every kind.
    pub kind: Option<Kind>,
}

/// The place of a rule in the list given to [`Rules::new`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(pub usize);

/// Why a rule cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// The path is neither a JSONPath nor one of the named places.
    #[error(
        "read ignore rule {index}: {path:?} is no JSONPath, `header:NAME`, `trailer:NAME`, `status` or `body`"
    )]
    Path {
        /// The rule, counted from 0.
        index: usize,
        /// What stands there.
        path: String,
        /// What is wrong with it as a JSONPath.
        source: PatternError,
    },
    /// A header or trailer rule names no field.
    #[error("read ignore rule {index}: {path:?} is no name of a field")]
    Field {
        /// The rule, counted from 0.
        index: usize,
        /// What stands there.
        path: String,
    },
}

/// The part of a response that a rule may cover.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject<'a, 't> {
    /// The status.
    Status,
    /// A header field, by lower-case name.
    Header(&'a str),
    /// A trailer field, by lower-case name.
    Trailer(&'a str),
    /// The body as a whole.
    Body,
    /// A place in a JSON body.
    Json(&'a [Step<'t>]),
}

#[derive(Debug, Clone)]
enum Place {
    Status,
    /// In lower case.
    Header(String),
    /// In lower case.
    Trailer(String),
    Body,
    Json(PathPattern),
}

impl Place {
    fn parse(index: usize, path: &str) -> Result<Place, RuleError> {
        let field = |name: &str| match name.trim() {
            "" => Err(RuleError::Field { index, path: path.to_owned() }),
            name => Ok(name.to_ascii_lowercase()),
        };
        match (path, path.strip_prefix("header:"), path.strip_prefix("trailer:")) {
            ("status", ..) => Ok(Place::Status),
            ("body", ..) => Ok(Place::Body),
            (_, Some(name), _) => field(name).map(Place::Header),
            (_, _, Some(name)) => field(name).map(Place::Trailer),
            // Reports show names that are ids as `{*}`, which JSONPath writes as `*`.
            _ => PathPattern::parse(&path.replace(".{*}", ".*"))
                .map(Place::Json)
                .map_err(|source| RuleError::Path { index, path: path.to_owned(), source }),
        }
    }

    fn covers(&self, subject: Subject<'_, '_>) -> bool {
        match (self, subject) {
            (Place::Status, Subject::Status) => true,
            (Place::Body, Subject::Body | Subject::Json(_)) => true,
            (Place::Header(name), Subject::Header(other)) => name == other,
            (Place::Trailer(name), Subject::Trailer(other)) => name == other,
            (Place::Json(pattern), Subject::Json(steps)) => pattern.covers(steps),
            _ => false,
        }
    }
}

#[derive(Debug, Clone)]
struct Rule {
    endpoint: Option<String>,
    place: Place,
    kind: Option<Kind>,
}

/// Compiled ignore rules.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    rules: Vec<Rule>,
}

impl Rules {
    /// Compiles the rules; later ones are asked only where earlier ones do not cover a difference.
    ///
    /// # Errors
    /// Where a path is none.
    pub fn new(rules: Vec<IgnoreRule>) -> Result<Rules, RuleError> {
        let compile = |(index, rule): (usize, IgnoreRule)| {
            let place = Place::parse(index, &rule.path)?;
            Ok(Rule { endpoint: rule.endpoint, place, kind: rule.kind })
        };
        Ok(Rules { rules: rules.into_iter().enumerate().map(compile).collect::<Result<_, _>>()? })
    }

    /// How many rules there are.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The rules that hold at one endpoint.
    pub(crate) fn of_endpoint(&self, endpoint: &str) -> EndpointRules<'_> {
        let holds = |rule: &Rule| rule.endpoint.as_deref().is_none_or(|name| name == endpoint);
        let rules = self.rules.iter().enumerate().filter(|(_, rule)| holds(rule));
        EndpointRules { rules: rules.map(|(index, rule)| (RuleId(index), rule)).collect() }
    }
}

/// The rules that hold at one endpoint.
#[derive(Debug)]
pub(crate) struct EndpointRules<'r> {
    rules: Vec<(RuleId, &'r Rule)>,
}

impl EndpointRules<'_> {
    /// The first rule that covers a difference of `kind` at `subject`.
    pub(super) fn ignoring(&self, subject: Subject<'_, '_>, kind: Kind) -> Option<RuleId> {
        let covers = |rule: &Rule| rule.kind.is_none_or(|only| only == kind) && rule.place.covers(subject);
        self.rules.iter().find(|(_, rule)| covers(rule)).map(|(id, _)| *id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a rule of this path covers the JSON location, header or named place.
    fn check(rule: &str, subject: Subject<'_, '_>, expected: bool) {
        let rule = IgnoreRule { endpoint: None, path: rule.to_owned(), kind: None };
        let rules = Rules::new(vec![rule]).unwrap();
        let found = rules.of_endpoint("GET /").ignoring(subject, Kind::Value);
        assert_eq!(found.is_some(), expected, "{rules:?} {subject:?}");
    }

    #[test]
    fn names_are_matched_whole() {
        let (user, user_id) = ([Step::Name(b"user")], [Step::Name(b"userId")]);
        check("$.user", Subject::Json(&user), true);
        check("$.user", Subject::Json(&user_id), false);
        check("$.user", Subject::Json(&[Step::Name(b"user"), Step::Name(b"name")]), true);
        check("$.user.name", Subject::Json(&user), false);
        check("$.{*}.x", Subject::Json(&[Step::Name(b"42"), Step::Name(b"x")]), true);
        check("header:date", Subject::Header("x-candidate-id"), false);
        check("header:Date", Subject::Header("date"), true);
        check("header:date", Subject::Trailer("date"), false);
        check("body", Subject::Json(&user), true);
        check("body", Subject::Header("body"), false);
        check("status", Subject::Status, true);
    }

    #[test]
    fn endpoint_and_kind_bound_a_rule() {
        let endpoint = Some("GET /a".to_owned());
        let rule = IgnoreRule { endpoint, path: "$.x".to_owned(), kind: Some(Kind::Value) };
        let rules = Rules::new(vec![rule]).unwrap();
        let steps = [Step::Name(b"x")];
        let found = |endpoint: &str, kind| rules.of_endpoint(endpoint).ignoring(Subject::Json(&steps), kind);
        assert_eq!(found("GET /a", Kind::Value), Some(RuleId(0)));
        assert_eq!(found("GET /a", Kind::Missing), None);
        assert_eq!(found("GET /a/b", Kind::Value), None);
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for path in ["", "user", "header:", "$.a[?@.b]", "Status"] {
            let rule = IgnoreRule { endpoint: None, path: path.to_owned(), kind: None };
            assert!(Rules::new(vec![rule]).is_err(), "{path:?}");
        }
    }
}
