//! Differences of many pairs as few causes, each with a stable identity, counts and examples.
//!
//! What differs in the same requests has one cause, named by its shallowest path. Invariant: the identity
//! of a group depends on endpoint, path, kind and change alone, so that it survives a rerun.

mod causes;
pub(crate) mod examples;
mod excerpt;
pub(crate) mod sketch;

pub(crate) use causes::{Candidate, causes};

use crate::compare::Kind;
use corpus::ids::{EndpointId, ExchangeId, PlanSeq};
use corpus::time::RunTime;
use std::fmt;
use std::ops::Range;

/// The identity of a group: equal in every run that shows the same difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId(pub u64);

impl fmt::Display for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Differences of one cause.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Its identity.
    pub id: GroupId,
    /// The endpoint.
    pub endpoint: EndpointId,
    /// The difference that names it: the shallowest path.
    pub name: Signature,
    /// Differences seen in the same requests, the naming one left out, shallowest first.
    pub also: Vec<Signature>,
    /// How grave it is, and whether it counts as a mismatch.
    pub severity: Severity,
    /// How often it was seen.
    pub seen: Seen,
    /// When it was first seen: the planned time of the pair.
    pub first: RunTime,
    /// When it was last seen.
    pub last: RunTime,
    /// Evidence against noise: how often the same unit differs between instances of the baseline.
    pub rates: NoiseRates,
    /// Up to five pairs that show it.
    pub examples: Vec<Example>,
}

/// What identifies a difference within an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signature {
    /// The normalised path (see [`crate::compare::Difference::path`]).
    pub path: String,
    /// The kind.
    pub kind: Kind,
    /// The class of the change.
    pub change: String,
}

/// How grave a difference is; the order of the declaration is the order of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Another status.
    Status,
    /// Another shape: missing, extra, another type or class, unreadable.
    Shape,
    /// Another value.
    Value,
    /// Another order.
    Order,
    /// A header field that clients may rely on.
    Header,
    /// A header field that names the server or the way there: reported, never counted as a mismatch.
    Incidental,
}

impl Severity {
    /// The name in JSON and in tables.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Status => "status",
            Severity::Shape => "shape",
            Severity::Value => "value",
            Severity::Order => "order",
            Severity::Header => "header",
            Severity::Incidental => "incidental",
        }
    }
}

/// How often a group was seen, out of how many comparisons of its endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seen {
    /// Pairs that show it.
    pub pairs: u64,
    /// Pairs of the endpoint that were compared.
    pub of_pairs: u64,
    /// Distinct exchanges that show it: exact below 128, else estimated within about 10 %.
    pub exchanges: u64,
}

/// How often one unit (endpoint, path, kind) differs where nothing should differ, and between the backends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NoiseRates {
    /// Pairs of baseline and baseline that differ in it.
    pub noise_pairs: u64,
    /// Pairs of baseline and baseline that were compared.
    pub of_noise_pairs: u64,
    /// Pairs of baseline and candidate that differ in it.
    pub pairs: u64,
    /// Pairs of baseline and candidate that were compared.
    pub of_pairs: u64,
    /// Pairs of candidate and candidate that differ in it: its own unsteadiness, which excuses nothing.
    pub candidate_noise_pairs: u64,
    /// Pairs of candidate and candidate that were compared.
    pub of_candidate_noise_pairs: u64,
}

/// One pair that shows a difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// The recorded exchange.
    pub exchange: ExchangeId,
    /// Its place in the plan.
    pub seq: PlanSeq,
    /// When it was planned.
    pub at: RunTime,
    /// The method, as text.
    pub method: String,
    /// The target, as text, cut at 512 bytes.
    pub target: String,
    /// Why this pair was chosen.
    pub choice: Choice,
    /// The baseline's side.
    pub baseline: Excerpt,
    /// The candidate's side.
    pub candidate: Excerpt,
}

/// Why a pair is an example.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Choice {
    /// The first.
    First,
    /// The one with the smallest bodies.
    Smallest,
    /// One at random, the same on each rerun.
    Drawn,
    /// The last.
    Last,
}

/// Part of a body or a field's value, as text, with the part that differs located.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Excerpt {
    /// At most 2 KiB; invalid UTF-8 replaced.
    pub text: String,
    /// The bytes of `text` that differ; `None` where this side lacks the part.
    pub differing: Option<Range<usize>>,
    /// Bytes of the whole before the excerpt.
    pub omitted_before: u64,
    /// Bytes of the whole after the excerpt.
    pub omitted_after: u64,
}
