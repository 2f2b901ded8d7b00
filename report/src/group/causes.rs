//! From changes of single places to causes: what is seen in the same requests is one.

use super::sketch::Sketch;
use super::{Example, Group, GroupId, NoiseRates, Seen, Severity, Signature};
use crate::compare::Kind;
use corpus::ids::EndpointId;
use corpus::time::RunTime;

/// How alike the requests of two differences are, for one cause.
const SAME_REQUESTS: f64 = 0.95;
/// The share of an endpoint's pairs beyond which being seen together says nothing: everything is.
const NEARLY_ALL: f64 = 0.95;
/// Causes that one difference is held against.
const MAX_HELD: usize = 256;

/// One change in one place, with its evidence.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    pub(crate) endpoint: EndpointId,
    pub(crate) name: Signature,
    pub(crate) severity: Severity,
    pub(crate) seen: Seen,
    pub(crate) which: Sketch,
    pub(crate) first: RunTime,
    pub(crate) last: RunTime,
    pub(crate) rates: NoiseRates,
    pub(crate) examples: Vec<Example>,
}

/// Merges candidates into causes: the gravest first, then by pairs. `endpoints` are the names that identities
/// are made of.
pub(crate) fn causes(mut candidates: Vec<Candidate>, endpoints: &[String]) -> Vec<Group> {
    candidates.sort_by(|a, b| {
        let key = |c: &Candidate| {
            (c.endpoint, c.severity, depth(&c.name.path), std::cmp::Reverse(c.seen.pairs), c.name.kind)
        };
        key(a).cmp(&key(b)).then_with(|| a.name.cmp(&b.name))
    });
    let mut causes: Vec<(Candidate, Vec<Signature>)> = Vec::new();
    let mut start = 0;
    for candidate in candidates {
        if causes.get(start).is_some_and(|(held, _)| held.endpoint != candidate.endpoint) {
            start = causes.len();
        }
        let held =
            causes[start..].iter_mut().take(MAX_HELD).find(|(held, _)| is_same_cause(held, &candidate));
        match held {
            Some((_, also)) => also.push(candidate.name),
            None => causes.push((candidate, Vec::new())),
        }
    }
    let mut groups: Vec<Group> = causes.into_iter().map(|(c, also)| group(c, also, endpoints)).collect();
    groups
        .sort_by_key(|group| (group.severity, std::cmp::Reverse(group.seen.pairs), group.endpoint, group.id));
    groups
}

fn group(cause: Candidate, also: Vec<Signature>, endpoints: &[String]) -> Group {
    let endpoint = endpoints.get(cause.endpoint.0 as usize).map_or("", String::as_str);
    Group {
        id: identity(endpoint, &cause.name),
        endpoint: cause.endpoint,
        name: cause.name,
        also,
        severity: cause.severity,
        seen: cause.seen,
        first: cause.first,
        last: cause.last,
        rates: cause.rates,
        examples: cause.examples,
    }
}

fn identity(endpoint: &str, name: &Signature) -> GroupId {
    let mut hasher = blake3::Hasher::new();
    for part in [endpoint, &name.path, name.kind.name(), &name.change] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    GroupId(u64::from_be_bytes(bytes))
}

/// Steps of a path.
fn depth(path: &str) -> usize {
    path.bytes().filter(|b| matches!(b, b'.' | b'[')).count()
}

fn is_same_cause(held: &Candidate, other: &Candidate) -> bool {
    let is_incidental = |c: &Candidate| c.severity == Severity::Incidental;
    if is_incidental(held) != is_incidental(other) || held.severity == Severity::Status {
        return false;
    }
    let (fewer, more) = (held.seen.pairs.min(other.seen.pairs), held.seen.pairs.max(other.seen.pairs));
    if (fewer as f64) < SAME_REQUESTS * more as f64 || held.which.likeness(&other.which) < SAME_REQUESTS {
        return false;
    }
    let is_everywhere = more as f64 >= NEARLY_ALL * held.seen.of_pairs as f64 && held.seen.of_pairs > 1;
    !is_everywhere || is_related(&held.name, &other.name)
}

/// Whether two differences seen everywhere speak of one thing: one within the other, the same change in several
/// places, or a member that went and one that came beside it.
fn is_related(a: &Signature, b: &Signature) -> bool {
    let within =
        |inner: &str, outer: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with(['.', '[']));
    let renamed = matches!((a.kind, b.kind), (Kind::Missing, Kind::Extra) | (Kind::Extra, Kind::Missing))
        && parent(&a.path) == parent(&b.path);
    within(&a.path, &b.path)
        || within(&b.path, &a.path)
        || renamed
        || (a.kind == b.kind && a.change == b.change && !matches!(a.kind, Kind::Missing | Kind::Extra))
}

fn parent(path: &str) -> &str {
    path.rfind(['.', '[']).map_or(path, |at| &path[..at])
}
