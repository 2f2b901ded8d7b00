//! The endpoints of one file, and lists of templates that somebody fixed.

use super::learn::{LEARNED, is_placeholder, parts};
use crate::ids::EndpointId;
use std::collections::HashMap;

/// The endpoints of one file, sorted by name, with their exchanges.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EndpointTable {
    names: Vec<String>,
    counts: Vec<u64>,
    ids: HashMap<String, u32>,
}

impl EndpointTable {
    /// A table of these endpoints; equal names are added up.
    pub fn new(mut endpoints: Vec<(String, u64)>) -> EndpointTable {
        endpoints.sort();
        let mut table = EndpointTable::default();
        for (name, count) in endpoints {
            if table.names.last() == Some(&name) {
                *table.counts.last_mut().expect("each name has its count") += count;
                continue;
            }
            let id = u32::try_from(table.names.len()).expect("a learner makes at most 65,536 endpoints");
            table.ids.insert(name.clone(), id);
            table.names.push(name);
            table.counts.push(count);
        }
        table
    }

    /// The name of `id`, such as `GET /orders/{id}`; `(unknown)` for an id of another table.
    pub fn name(&self, id: EndpointId) -> &str {
        self.names.get(id.0 as usize).map_or("(unknown)", String::as_str)
    }

    /// The exchanges of `id`.
    pub fn count(&self, id: EndpointId) -> u64 {
        self.counts.get(id.0 as usize).copied().unwrap_or(0)
    }

    /// The exchanges of all endpoints.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// How many endpoints there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The endpoint of exactly this name.
    pub fn id_of(&self, name: &str) -> Option<EndpointId> {
        self.ids.get(name).copied().map(EndpointId)
    }

    /// Ids, names and counts, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (EndpointId, &str, u64)> {
        let ids = (0..).map(EndpointId);
        ids.zip(&self.names).zip(&self.counts).map(|((id, name), count)| (id, name.as_str(), *count))
    }

    /// The endpoint of a streaming template: itself, or the learned one that covers it.
    pub fn resolve(&self, template: &str) -> Option<EndpointId> {
        self.id_of(template).or_else(|| {
            let parts: Vec<&str> = parts(template).collect();
            let (method, segments) = parts.split_first()?;
            self.cover((*method).to_owned(), segments)
        })
    }

    /// Tries each word as itself and as a learned position. A trie has only one of the two at each place, so
    /// that few of the tries get far.
    fn cover(&self, name: String, rest: &[&str]) -> Option<EndpointId> {
        let Some((part, rest)) = rest.split_first() else {
            return self.id_of(&name);
        };
        let literal = format!("{name}/{part}");
        if self.has_prefix(&literal)
            && let Some(id) = self.cover(literal, rest)
        {
            return Some(id);
        }
        if is_placeholder(part) {
            return None;
        }
        let learned = format!("{name}/{LEARNED}");
        if self.has_prefix(&learned) { self.cover(learned, rest) } else { None }
    }

    /// Whether some name is `prefix`, or goes on below it.
    fn has_prefix(&self, prefix: &str) -> bool {
        let from = self.names.partition_point(|name| name.as_str() < prefix);
        let mut near = self.names[from..].iter().take_while(|name| name.starts_with(prefix));
        near.any(|name| name.len() == prefix.len() || name.as_bytes()[prefix.len()] == b'/')
    }
}

/// Templates that somebody fixed: an endpoint that one of them covers goes by its name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pinned(Vec<String>);

/// A pinned template that cannot be one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("read {0:?} as an endpoint: expected a method and a path, such as `GET /users/{{name}}`")]
pub struct PinError(String);

impl Pinned {
    /// The pinned templates, in order of precedence.
    ///
    /// # Errors
    /// Where one is not `METHOD /path`.
    pub fn new<T: AsRef<str>>(templates: impl IntoIterator<Item = T>) -> Result<Pinned, PinError> {
        let check = |template: T| {
            let text = template.as_ref();
            let formed = text.split_once(' ').is_some_and(|(method, path)| {
                !method.is_empty() && path.starts_with('/') && !path.contains(' ')
            });
            if formed { Ok(text.to_owned()) } else { Err(PinError(text.to_owned())) }
        };
        templates.into_iter().map(check).collect::<Result<_, _>>().map(Pinned)
    }

    /// The first pinned template that covers `template`: same method, same segments, a placeholder for any.
    pub fn covering(&self, template: &str) -> Option<&str> {
        self.0.iter().map(String::as_str).find(|pinned| covers(pinned, template))
    }
}

fn covers(pinned: &str, template: &str) -> bool {
    let mut ours = parts(pinned);
    let mut theirs = parts(template);
    loop {
        match (ours.next(), theirs.next()) {
            (None, None) => return true,
            (Some(ours), Some(theirs)) if ours == theirs || (is_placeholder(ours) && !theirs.is_empty()) => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pinned: &str, template: &str, expected: bool) {
        let pinned = Pinned::new([pinned]).expect("a template");
        assert_eq!(pinned.covering(template).is_some(), expected, "{template}");
    }

    #[test]
    fn pinned_templates_cover_segment_by_segment() {
        check("GET /users/{name}", "GET /users/bob", true);
        check("GET /users/{name}", "GET /users/{id}", true);
        check("GET /users/{name}", "POST /users/bob", false);
        check("GET /users/{name}", "GET /users", false);
        check("GET /users/{name}", "GET /users/bob/posts", false);
        assert!(Pinned::new(["users"]).is_err());
        assert!(Pinned::new(["GET users"]).is_err());
    }
}
