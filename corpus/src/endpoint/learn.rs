//! Learned templates: path positions with many values, found in a bounded trie.

use super::table::EndpointTable;
use std::collections::BTreeMap;

/// Words beside one another above which they are values. Large APIs have some dozen resources on one level.
const MAX_WORDS: usize = 48;
/// Nodes of all tries together; above it the most that may stand beside one another is halved.
const MAX_NODES: usize = 1 << 16;
/// The placeholder of a learned position.
pub(super) const LEARNED: &str = "{name}";

/// Learns endpoints from streaming templates.
///
/// The result depends on the set of templates and their counts. Only beyond 65,536 nodes (a hostile corpus)
/// does it depend on their order too.
#[derive(Debug)]
pub struct EndpointLearner {
    root: Node,
    nodes: usize,
    max_words: usize,
}

#[derive(Debug, Default)]
struct Node {
    /// Requests whose template ends here.
    count: u64,
    /// Words, until they are too many.
    words: BTreeMap<Box<str>, Node>,
    /// Placeholders, and the one that replaced the words.
    placeholders: BTreeMap<Box<str>, Node>,
}

impl Default for EndpointLearner {
    fn default() -> Self {
        EndpointLearner { root: Node::default(), nodes: 0, max_words: MAX_WORDS }
    }
}

impl EndpointLearner {
    /// One that knows nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts `count` requests of the streaming template `template`.
    pub fn add(&mut self, template: &str, count: u64) {
        self.insert(template, count);
        while self.nodes > MAX_NODES && self.max_words > 0 {
            self.max_words /= 2;
            self.root.tighten(self.max_words, 0);
            self.nodes = self.root.size();
        }
    }

    fn insert(&mut self, template: &str, count: u64) {
        let mut node = &mut self.root;
        for (depth, part) in parts(template).enumerate() {
            let (next, change) = node.child(part, self.max_words, depth);
            self.nodes = self.nodes.saturating_add_signed(change);
            node = next;
        }
        node.count += count;
    }

    /// The endpoints, sorted by name.
    pub fn learn(&self) -> EndpointTable {
        let mut found = Vec::new();
        self.root.collect(&mut String::new(), 0, &mut found);
        EndpointTable::new(found)
    }
}

/// The method, then each path segment.
pub(super) fn parts(template: &str) -> impl Iterator<Item = &str> {
    let (method, path) = template.split_at(template.find('/').unwrap_or(template.len()));
    std::iter::once(method).chain(path.split('/').skip(1))
}

pub(super) fn is_placeholder(part: &str) -> bool {
    part.starts_with('{') && part.ends_with('}')
}

impl Node {
    /// The child for `part`, and how many nodes there are more than before.
    fn child(&mut self, part: &str, max_words: usize, depth: usize) -> (&mut Node, isize) {
        if is_placeholder(part) {
            let new = isize::from(!self.placeholders.contains_key(part));
            return (self.placeholders.entry(part.into()).or_default(), new);
        }
        if depth > 0 && self.placeholders.contains_key(LEARNED) {
            return (self.placeholders.entry(LEARNED.into()).or_default(), 0);
        }
        let new = isize::from(!self.words.contains_key(part));
        self.words.entry(part.into()).or_default();
        if depth == 0 || self.words.len() <= max_words {
            return (self.words.entry(part.into()).or_default(), new);
        }
        let before = self.size().cast_signed();
        self.collapse(max_words);
        let change = self.size().cast_signed() - before;
        (self.placeholders.entry(LEARNED.into()).or_default(), new + change)
    }

    /// Nodes below this one.
    fn size(&self) -> usize {
        self.words.values().chain(self.placeholders.values()).map(|child| 1 + child.size()).sum()
    }

    /// Makes one placeholder of all words.
    fn collapse(&mut self, max_words: usize) {
        let words = std::mem::take(&mut self.words);
        let learned = self.placeholders.entry(LEARNED.into()).or_default();
        for word in words.into_values() {
            learned.merge(word, max_words);
        }
    }

    fn merge(&mut self, other: Node, max_words: usize) {
        self.count += other.count;
        for (name, child) in other.placeholders {
            self.placeholders.entry(name).or_default().merge(child, max_words);
        }
        for (word, child) in other.words {
            if self.placeholders.contains_key(LEARNED) {
                self.placeholders.entry(LEARNED.into()).or_default().merge(child, max_words);
            } else {
                self.words.entry(word).or_default().merge(child, max_words);
            }
        }
        if self.words.len() > max_words || (self.placeholders.contains_key(LEARNED) && !self.words.is_empty())
        {
            self.collapse(max_words);
        }
    }

    /// Holds the whole trie to a lower bound.
    fn tighten(&mut self, max_words: usize, depth: usize) {
        if depth > 0 && self.words.len() > max_words {
            self.collapse(max_words);
        }
        for child in self.words.values_mut().chain(self.placeholders.values_mut()) {
            child.tighten(max_words, depth + 1);
        }
    }

    fn collect(&self, name: &mut String, depth: usize, found: &mut Vec<(String, u64)>) {
        if self.count > 0 {
            found.push((name.clone(), self.count));
        }
        for (part, child) in self.words.iter().chain(&self.placeholders) {
            let len = name.len();
            if depth > 0 {
                name.push('/');
            }
            name.push_str(part);
            child.collect(name, depth + 1, found);
            name.truncate(len);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(templates: &[String], expected: &[(&str, u64)]) {
        for order in 0..3 {
            let mut learner = EndpointLearner::new();
            let mut shuffled: Vec<_> = templates.iter().collect();
            match order {
                0 => {}
                1 => shuffled.reverse(),
                _ => shuffled.sort_by_key(|t| crc32c::crc32c(t.as_bytes())),
            }
            shuffled.iter().for_each(|template| learner.add(template, 1));
            let table = learner.learn();
            let found: Vec<_> = table.iter().map(|(_, name, count)| (name, count)).collect();
            assert_eq!(found, expected, "order {order}");
            for template in templates {
                assert!(table.resolve(template).is_some(), "{template}");
            }
        }
    }

    #[test]
    fn many_words_become_one_placeholder() {
        let mut templates: Vec<_> =
            (0..MAX_WORDS + 1).map(|i| format!("GET /users/w{i}/posts/x{}", i % 3)).collect();
        templates.push("GET /users/{id}/posts".to_owned());
        templates.push("POST /users/w1".to_owned());
        let expected = [
            ("GET /users/{id}/posts", 1),
            ("GET /users/{name}/posts/x0", 17),
            ("GET /users/{name}/posts/x1", 16),
            ("GET /users/{name}/posts/x2", 16),
            ("POST /users/w1", 1),
        ];
        check(&templates, &expected);
    }

    #[test]
    fn few_words_stay() {
        let templates: Vec<_> = (0..3).map(|i| format!("GET /a/w{i}")).collect();
        check(&templates, &[("GET /a/w0", 1), ("GET /a/w1", 1), ("GET /a/w2", 1)]);
    }

    #[test]
    fn words_below_many_words_are_learned_together() {
        let templates: Vec<_> = (0..60).map(|i| format!("GET /a/w{i}/v{i}")).collect();
        check(&templates, &[("GET /a/{name}/{name}", 60)]);
    }

    #[test]
    fn a_hostile_corpus_takes_bounded_memory() {
        let mut learner = EndpointLearner::new();
        for i in 0..400_000_u64 {
            let mixed = i.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let [a, b, c, d, ..] = mixed.to_le_bytes().map(|byte| byte % 40);
            learner.add(&format!("GET /a{a}/b{b}/c{c}/d{d}"), 1);
            assert!(learner.nodes <= MAX_NODES);
        }
        assert_eq!(learner.learn().total(), 400_000);
    }
}
