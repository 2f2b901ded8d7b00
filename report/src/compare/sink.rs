//! Where the differences of one pair arrive: rules applied, repeats folded, their number bounded.

use super::path;
use super::rules::EndpointRules;
use super::{Change, Difference, Kind, Locus, Place, RuleId, Subject, Weight};
use std::hash::{DefaultHasher, Hash, Hasher};
use wire::path::Step;

/// Distinct differences of one pair that are told apart; more are only counted.
const MAX_DIFFERENCES: usize = 256;

/// Collects the differences of one pair.
pub(super) struct Sink<'r> {
    rules: &'r EndpointRules<'r>,
    pub(super) differences: Vec<Difference>,
    pub(super) ignored: Vec<RuleId>,
    pub(super) more: u64,
    /// Hashes of path, kind and change of `differences`.
    seen: Vec<u64>,
    path: String,
}

impl<'r> Sink<'r> {
    pub(super) fn new(rules: &'r EndpointRules<'r>) -> Sink<'r> {
        Sink {
            rules,
            differences: Vec::new(),
            ignored: Vec::new(),
            more: 0,
            seen: Vec::new(),
            path: String::new(),
        }
    }

    /// A difference within a JSON body. `shape` is the change of sign or of wholeness that a number shows.
    pub(super) fn json(
        &mut self,
        steps: &[Step<'_>],
        kind: Kind,
        change: Change,
        shape: Option<Change>,
        locus: Locus,
    ) {
        if self.is_ignored(Subject::Json(steps), kind) {
            return;
        }
        self.path.clear();
        path::write(&mut self.path, steps);
        let place = Place::Body;
        self.add(Difference {
            path: String::new(),
            place,
            weight: Weight::Counts,
            kind,
            change,
            shape,
            locus,
        });
    }

    /// A difference of the body as a whole.
    pub(super) fn body(&mut self, kind: Kind, change: Change, locus: Locus) {
        if self.is_ignored(Subject::Body, kind) {
            return;
        }
        self.path.clear();
        self.path.push_str("body");
        let (place, weight) = (Place::Body, Weight::Counts);
        self.add(Difference { path: String::new(), place, weight, kind, change, shape: None, locus });
    }

    /// A difference of the status.
    pub(super) fn status(&mut self, baseline: u16, candidate: u16) {
        if self.is_ignored(Subject::Status, Kind::Status) {
            return;
        }
        let (from, to) = (baseline.to_string(), candidate.to_string());
        self.path.clear();
        self.path.push_str("status");
        self.add(Difference {
            path: String::new(),
            place: Place::Status,
            weight: Weight::Counts,
            kind: Kind::Status,
            change: Change::between(&from, &to),
            shape: None,
            locus: Locus::Text { baseline: Some(from), candidate: Some(to) },
        });
    }

    /// A difference of a header or trailer field; `member` is a part of it with a name of its own, a cookie.
    pub(super) fn field(
        &mut self,
        field: Field<'_>,
        kind: Kind,
        change: Change,
        values: [Option<String>; 2],
    ) {
        let subject = match field.place {
            Place::Trailer => Subject::Trailer(field.name),
            _ => Subject::Header(field.name),
        };
        if self.is_ignored(subject, kind) {
            return;
        }
        self.path.clear();
        self.path.push_str(if field.place == Place::Trailer { "trailer:" } else { "header:" });
        self.path.push_str(field.name);
        if let Some(member) = field.member {
            self.path.push('[');
            self.path.push_str(member);
            self.path.push(']');
        }
        let [baseline, candidate] = values;
        self.add(Difference {
            path: String::new(),
            place: field.place,
            weight: field.weight,
            kind,
            change,
            shape: None,
            locus: Locus::Text { baseline, candidate },
        });
    }

    fn is_ignored(&mut self, subject: Subject<'_, '_>, kind: Kind) -> bool {
        let Some(rule) = self.rules.ignoring(subject, kind) else { return false };
        if !self.ignored.contains(&rule) {
            self.ignored.push(rule);
        }
        true
    }

    /// Adds a difference at `self.path`, unless one like it is there already.
    fn add(&mut self, difference: Difference) {
        let mut hasher = DefaultHasher::new();
        (&self.path, difference.kind, &difference.change, &difference.shape).hash(&mut hasher);
        let hash = hasher.finish();
        if self.seen.contains(&hash) {
            return;
        }
        if self.seen.len() >= MAX_DIFFERENCES {
            self.more += 1;
            return;
        }
        self.seen.push(hash);
        self.differences.push(Difference { path: self.path.clone(), ..difference });
    }
}

/// A header or trailer field that differs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field<'a> {
    pub(super) place: Place,
    pub(super) weight: Weight,
    /// In lower case.
    pub(super) name: &'a str,
    pub(super) member: Option<&'a str>,
}
