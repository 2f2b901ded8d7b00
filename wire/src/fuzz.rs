//! Fuzz entries: each takes any bytes, and panics if an invariant of its parser breaks.
//!
//! Plain functions, so that any driver can call them; the tests drive them with a seeded mutator over
//! stored hostile inputs.

use crate::content::{self, ContentLimits};
use crate::http1::{
    BodyDecoder, BodyLength, Framing, HeadError, HeadParser, Limits, MessageKind, MessageStart, Progress,
    SentBody, Strictness, find_message_start, looks_like_request, looks_like_response, write_request,
};
use crate::json::{JsonLimits, Tree, canonical_hash};
use crate::path::{PathPattern, Query, location, normalized_path, pointer_to, resolve_pointer};

/// Heads: a verdict on a prefix is the verdict on the whole, and what was read can be written.
pub fn fuzz_head(data: &[u8]) {
    for strictness in [Strictness::Strict, Strictness::Lenient] {
        let limits = Limits { max_head: 4096, max_start_line: 1024, max_fields: 64 };
        let verdict = |input: &[u8]| -> Result<Option<usize>, HeadError> {
            let mut parser = HeadParser::new(strictness, limits);
            Ok(match parser.request(input)? {
                Progress::NeedMore => None,
                Progress::Done(parsed) => Some(parsed.consumed),
            })
        };
        let whole = verdict(data);
        let cut = data.len() * usize::from(data.first().copied().unwrap_or_default()) / 256;
        let prefix = verdict(&data[..cut]);
        assert!(prefix == whole || prefix == Ok(None), "cut at {cut}: {prefix:?}, whole: {whole:?}");
        let mut parser = HeadParser::new(strictness, limits);
        if let Ok(Progress::Done(parsed)) = parser.response(data) {
            let head = parsed.head.to_owned();
            assert_eq!(head.as_ref(), parsed.head, "an owned head equals the borrowed one");
        }
        let mut parser = HeadParser::new(strictness, limits);
        if let Ok(Progress::Done(parsed)) = parser.request(data) {
            let head = parsed.head;
            let mut written = Vec::new();
            let sent = write_request(
                &mut written,
                head.method,
                head.target,
                head.version,
                head.headers,
                SentBody::AsGiven,
            );
            let mut again = HeadParser::new(Strictness::Lenient, Limits::default());
            let read = again.request(&written);
            let same = matches!(&read, Ok(Progress::Done(read)) if read.head == head);
            assert!(sent.is_err() || same, "written and read again: {read:?}, at first: {head:?}");
            std::hint::black_box((head.host(), head.check_host().is_ok()));
        }
    }
    std::hint::black_box((looks_like_request(data), looks_like_response(data)));
    for kind in [MessageKind::Request, MessageKind::Response] {
        let (MessageStart::At(at) | MessageStart::KeepFrom(at)) = find_message_start(data, kind);
        assert!(at <= data.len(), "a message starts within the input");
    }
}

/// Bodies: progress at every step, and no more payload than input.
pub fn fuzz_body(data: &[u8]) {
    for strictness in [Strictness::Strict, Strictness::Lenient] {
        let lengths =
            [BodyLength::Chunked, BodyLength::Length(data.len() as u64 / 2), BodyLength::UntilClose];
        for length in lengths {
            let mut body = BodyDecoder::new(length, strictness);
            let mut at = 0;
            while at < data.len() && !body.is_done() {
                let Ok(step) = body.decode(&data[at..]) else { break };
                assert!(step.consumed > 0 && step.data.end <= step.consumed, "every step uses bytes");
                at += step.consumed;
                if data[at - 1] == b'g' {
                    body.skip(1);
                }
            }
            std::hint::black_box(body.finish_at_eof());
        }
        let mut parser = HeadParser::new(strictness, Limits::default());
        if let Ok(Progress::Done(parsed)) = parser.response(data) {
            std::hint::black_box(Framing::of_response(&parsed.head, None, strictness).is_ok());
        }
    }
}

/// Content codings: limits hold whatever the bytes.
pub fn fuzz_content(data: &[u8]) {
    let limits = ContentLimits { max_output: 1 << 16, ..ContentLimits::default() };
    for encoding in ["gzip", "deflate", "br", "zstd", "gzip, deflate"] {
        if let Ok(content) = content::decode(data, [encoding.as_bytes()], &limits) {
            assert!(content.bytes.len() <= limits.max_output, "output stays within its limit");
        }
    }
}

/// JSON: every node lies within the text, and a tree equals itself.
pub fn fuzz_json(data: &[u8]) {
    let limits = JsonLimits { max_nodes: 1 << 16, ..JsonLimits::default() };
    let Ok(tree) = Tree::parse(data, &limits) else { return };
    let again = Tree::parse(data, &limits).expect("parsing is a pure function");
    assert!(tree.root().same_value(again.root()), "a tree equals itself");
    assert_eq!(canonical_hash(&tree), canonical_hash(&again));
    for node in tree.root().children() {
        assert!(node.span().end <= data.len(), "nodes lie within the text");
    }
}

/// Paths: any text as a query and a pointer over a small document.
pub fn fuzz_path(data: &[u8]) {
    let document = br#"{"a":[1,{"b":"x"},[]],"c":{"a":null,"":1e3}}"#;
    let tree = Tree::parse(document, &JsonLimits::default()).expect("the document is valid");
    let text = String::from_utf8_lossy(data);
    std::hint::black_box(resolve_pointer(tree.root(), &text).is_ok());
    let Ok(query) = Query::parse(&text) else { return };
    let Ok(nodes) = query.select(tree.root()) else { return };
    for node in nodes {
        let same = resolve_pointer(tree.root(), &pointer_to(node));
        assert_eq!(same.ok().flatten().map(|same| same.id()), Some(node.id()), "a pointer leads back");
        let exact = PathPattern::parse(&normalized_path(node)).expect("a normalized path is a pattern");
        assert!(exact.matches(&location(node)), "a normalized path names its node");
    }
}
