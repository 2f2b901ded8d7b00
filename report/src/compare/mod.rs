//! Response against response: which differences one pair shows.
//!
//! Cheap questions first: status, then headers, then bodies by digest, by decoded bytes, by canonical
//! hash, and only then by structure. Whether a difference is noise is not decided here but over all pairs,
//! in [`crate::noise`]. Invariant: no response, however broken, makes a comparison panic or take time or
//! memory beyond its bounds, and two responses without differences are equal under the rules given.

mod align;
mod body;
mod change;
mod cookies;
mod format;
pub mod fuzz;
mod headers;
mod json;
mod path;
mod rules;
mod sink;
#[cfg(test)]
mod tests;

pub use change::Change;
pub use rules::{IgnoreRule, RuleError, RuleId, Rules};

pub(crate) use rules::EndpointRules;
use rules::Subject;

use corpus::digest::Digest;
use headers::Bodies;
use sink::Sink;
use std::borrow::Cow;
use std::ops::Range;
use wire::http1::Headers;

/// One response as the comparison sees it.
#[derive(Debug, Clone, Copy)]
pub struct ResponseView<'a> {
    /// The final status.
    pub status: u16,
    /// Header fields, credentials replaced by keyed tokens.
    pub headers: &'a Headers,
    /// Trailer fields.
    pub trailers: &'a Headers,
    /// The body after transfer coding, before content coding.
    pub body: BodyView<'a>,
}

/// What is known of a body.
#[derive(Debug, Clone, Copy)]
pub enum BodyView<'a> {
    /// Every byte.
    Whole {
        /// The bytes.
        bytes: &'a [u8],
        /// Their keyed digest, where it was taken; both sides of a pair under one key.
        digest: Option<Digest>,
    },
    /// The digest alone: the bytes were not kept, or not loaded yet.
    Digest {
        /// Length in bytes.
        len: u64,
        /// Keyed digest of the bytes.
        digest: Digest,
        /// Why there are no bytes.
        missing: NotCompared,
    },
    /// Not all of it was seen.
    Part,
}

impl BodyView<'_> {
    /// The digest, where there is one.
    pub fn digest(&self) -> Option<Digest> {
        match self {
            BodyView::Whole { digest, .. } => *digest,
            BodyView::Digest { digest, .. } => Some(*digest),
            BodyView::Part => None,
        }
    }

    /// Length in bytes, where it is known.
    pub fn len(&self) -> Option<u64> {
        match self {
            BodyView::Whole { bytes, .. } => Some(bytes.len() as u64),
            BodyView::Digest { len, .. } => Some(*len),
            BodyView::Part => None,
        }
    }

    /// Whether it is known to have no byte.
    pub fn is_empty(&self) -> bool {
        self.len() == Some(0)
    }
}

/// Whether [`compare_responses`] has use for the bytes of both bodies; where not, they need not be loaded.
pub fn needs_bytes(baseline: &ResponseView<'_>, candidate: &ResponseView<'_>) -> bool {
    comparable_status(baseline.status, candidate.status) && !body::same_as_received(baseline, candidate)
}

/// A changed status is the cause of whatever else changed with it, unless both report success.
fn comparable_status(baseline: u16, candidate: u16) -> bool {
    baseline == candidate || (baseline / 100 == 2 && candidate / 100 == 2)
}

/// One way in which two responses of a pair are not the same.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Where: a normalised path with indexes as `[*]` and id-like keys as `{*}`, `header:NAME`,
    /// `trailer:NAME`, `status`, or `body` for a body that is compared as a whole.
    pub path: String,
    /// In which part of the response.
    pub place: Place,
    /// Whether it counts as a mismatch.
    pub weight: Weight,
    /// In which way.
    pub kind: Kind,
    /// How the value changed.
    pub change: Change,
    /// For a number of another value: its change of sign or of wholeness, which noise in the value does not
    /// explain.
    pub shape: Option<Change>,
    /// Where the two values are.
    pub locus: Locus,
}

/// A part of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// The status.
    Status,
    /// A header field.
    Header,
    /// A trailer field.
    Trailer,
    /// The body.
    Body,
}

/// Whether a difference counts as a mismatch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Weight {
    /// Clients may rely on it.
    Counts,
    /// It names the server or the way there: reported and nothing else.
    Incidental,
}

/// Where the two values of a difference are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Locus {
    /// In the decoded bodies, as byte ranges; `None` on the side that lacks it.
    Body {
        /// In the baseline's body.
        baseline: Option<Range<usize>>,
        /// In the candidate's body.
        candidate: Option<Range<usize>>,
    },
    /// Outside the body: a status or a field's value, as text.
    Text {
        /// The baseline's.
        baseline: Option<String>,
        /// The candidate's.
        candidate: Option<String>,
    },
}

/// The ways in which responses differ. The names stand in policies and reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Another status.
    Status,
    /// The candidate lacks a member or a field that the baseline has.
    Missing,
    /// The candidate has a member or a field that the baseline lacks.
    Extra,
    /// Another JSON type.
    Type,
    /// The body of one side alone cannot be decoded or parsed.
    Unparsable,
    /// JSON that readers read differently (duplicate keys, lone surrogates, too deep), and other bytes.
    Ambiguous,
    /// A value of another class: a UUID where a number was, seconds where milliseconds were.
    Format,
    /// An array, text or body of another length.
    Length,
    /// Another value of the same type and class.
    Value,
    /// Bytes that are no JSON and no text differ at equal length.
    Bytes,
    /// The same elements in another order.
    Order,
    /// Another value of a header field.
    Header,
}

impl Kind {
    /// Every kind, most severe first.
    pub const ALL: [Kind; 12] = [
        Kind::Status,
        Kind::Missing,
        Kind::Extra,
        Kind::Type,
        Kind::Unparsable,
        Kind::Ambiguous,
        Kind::Format,
        Kind::Length,
        Kind::Value,
        Kind::Bytes,
        Kind::Order,
        Kind::Header,
    ];

    /// The name in policies, JSON and tables.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Status => "status",
            Kind::Missing => "missing",
            Kind::Extra => "extra",
            Kind::Type => "type",
            Kind::Unparsable => "unparsable",
            Kind::Ambiguous => "ambiguous",
            Kind::Format => "format",
            Kind::Length => "length",
            Kind::Value => "value",
            Kind::Bytes => "bytes",
            Kind::Order => "order",
            Kind::Header => "header",
        }
    }

    /// The kind of that name.
    pub fn of_name(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether noise between instances of the baseline may explain it. What changes the shape of a response
    /// is never explained away.
    pub fn may_be_noise(self) -> bool {
        matches!(self, Kind::Format | Kind::Length | Kind::Value | Kind::Bytes | Kind::Order | Kind::Header)
    }
}

/// Why the bodies of a pair were not compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NotCompared {
    /// Digests differ and the bytes were not kept: not asked for, or not in the sample.
    NotKept,
    /// Larger than what the run keeps of one body.
    TooLarge,
    /// The recorder's queue was full.
    QueueFull,
    /// Not all of a body was seen.
    Incomplete,
    /// Neither side can be decoded, and one expands beyond the limits.
    DecodingLimit,
}

impl NotCompared {
    /// Every reason, in the order of the declaration.
    pub const ALL: [NotCompared; 5] = [
        NotCompared::NotKept,
        NotCompared::TooLarge,
        NotCompared::QueueFull,
        NotCompared::Incomplete,
        NotCompared::DecodingLimit,
    ];

    /// The name in JSON and in tables.
    pub fn name(self) -> &'static str {
        match self {
            NotCompared::NotKept => "body_not_kept",
            NotCompared::TooLarge => "body_too_large",
            NotCompared::QueueFull => "recorder_queue_full",
            NotCompared::Incomplete => "body_incomplete",
            NotCompared::DecodingLimit => "decoding_limit",
        }
    }
}

/// The result of comparing one pair.
#[derive(Debug, Clone, Default)]
pub struct Comparison<'a> {
    /// What differs, rules applied, in the order of the baseline's response.
    pub differences: Vec<Difference>,
    /// Distinct differences beyond the 256 of one pair that are told apart.
    pub more: u64,
    /// The rules that hid a difference of this pair, each once.
    pub ignored: Vec<RuleId>,
    /// Why the bodies were not compared, where they were not.
    pub not_compared: Option<NotCompared>,
    /// The decoded body that ranges of the baseline's side point into.
    pub baseline_body: Cow<'a, [u8]>,
    /// The decoded body that ranges of the candidate's side point into.
    pub candidate_body: Cow<'a, [u8]>,
}

/// Compares the candidate's response with the baseline's, under the rules for `endpoint`.
///
/// Where the statuses differ, and not both are of success, the status is the one difference: it is the cause of
/// whatever else differs. Values of headers that differ in every answer are compared by presence.
pub fn compare_responses<'a>(
    rules: &Rules,
    endpoint: &str,
    baseline: &ResponseView<'a>,
    candidate: &ResponseView<'a>,
) -> Comparison<'a> {
    compare_under(&rules.of_endpoint(endpoint), baseline, candidate)
}

/// As [`compare_responses`], with the endpoint's rules already chosen.
pub(crate) fn compare_under<'a>(
    rules: &EndpointRules<'_>,
    baseline: &ResponseView<'a>,
    candidate: &ResponseView<'a>,
) -> Comparison<'a> {
    let mut sink = Sink::new(rules);
    let mut comparison = Comparison::default();
    if baseline.status != candidate.status {
        sink.status(baseline.status, candidate.status);
    }
    if comparable_status(baseline.status, candidate.status) {
        let same = body::same_as_received(baseline, candidate);
        if !same {
            let compared = body::compare(&mut sink, baseline, candidate);
            comparison.baseline_body = compared.baseline;
            comparison.candidate_body = compared.candidate;
            comparison.not_compared = compared.not_compared;
        }
        let bodies = if same { Bodies::Same } else { Bodies::Differ };
        headers::compare(&mut sink, Place::Header, baseline.headers, candidate.headers, bodies);
        headers::compare(&mut sink, Place::Trailer, baseline.trailers, candidate.trailers, bodies);
    }
    Comparison { differences: sink.differences, ignored: sink.ignored, more: sink.more, ..comparison }
}
