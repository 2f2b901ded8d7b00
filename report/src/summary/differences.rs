//! Differences between responses, noise, and what was not compared.

use serde::Serialize;

/// Differences with one cause.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DifferenceGroup {
    /// Stable id: the hash of what makes the cause; the same in every run.
    pub id: String,
    /// The endpoint.
    pub endpoint: String,
    /// Where: a normalised path (`$['items'][*]['price']`), `header:NAME` or `status`.
    pub path: String,
    /// What kind of difference: `status`, `missing`, `type`, `value`, ...
    pub kind: String,
    /// How it changed, where that is known: `int->string`, `rounded to 0 digits`.
    pub change: Option<String>,
    /// One line for people.
    pub title: String,
    /// `status`, `shape`, `value`, `order`, `header` or `incidental`: the gravest first.
    pub severity: String,
    /// Whether it counts as a mismatch in the verdict.
    pub counts: bool,
    /// Pairs with it.
    pub pairs: u64,
    /// Distinct recorded exchanges with it, about.
    pub exchanges: u64,
    /// Pairs with it, as a share of the endpoint's compared pairs.
    pub share: f64,
    /// The first second of the run in which it was seen.
    pub first_second: u64,
    /// The last second of the run in which it was seen.
    pub last_second: u64,
    /// Other places that differ in the same pairs, taken as the same cause.
    pub also_at: Vec<String>,
    /// Up to five pairs.
    pub examples: Vec<DifferenceExample>,
}

/// One pair that shows a difference.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DifferenceExample {
    /// The recorded exchange.
    pub exchange: String,
    /// Method and target as sent.
    pub request: String,
    /// The second of the run.
    pub second: u64,
    /// What the baseline answered.
    pub baseline: Excerpt,
    /// What the candidate answered.
    pub candidate: Excerpt,
}

/// A bounded piece of a response.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Excerpt {
    /// The piece; bytes that are no UTF-8 are replaced.
    pub text: String,
    /// Bytes of the whole before the piece.
    pub omitted_before: u64,
    /// Bytes of the whole after the piece.
    pub omitted_after: u64,
    /// Where in `text` the difference is.
    pub highlight: Option<Highlight>,
}

/// A byte range of a text; both ends lie on character boundaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Highlight {
    /// The first byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// A difference that also occurs between a backend and itself.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NoiseRow {
    /// The endpoint.
    pub endpoint: String,
    /// Where.
    pub path: String,
    /// What kind of difference.
    pub kind: String,
    /// Share of the noise pairs that have it.
    pub noise_share: f64,
    /// Share of the pairs baseline to candidate that have it.
    pub pair_share: f64,
    /// Noise pairs of the endpoint.
    pub noise_pairs: u64,
    /// Pairs of the endpoint.
    pub pairs: u64,
}

/// A rule that hides differences.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IgnoredRule {
    /// The rule, as written.
    pub rule: String,
    /// The reason given in the policy.
    pub reason: String,
    /// How many differences it hid; 0 is a dead rule.
    pub hits: u64,
}

/// Something that was left out, with its number.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NotCompared {
    /// What: `unsafe_method`, `body_not_kept`, `replayer_failure`, ...
    pub what: String,
    /// In words.
    pub text: String,
    /// How many.
    pub count: u64,
}
