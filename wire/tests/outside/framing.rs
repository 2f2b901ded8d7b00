//! Verdicts on the stored framing cases, and the same reading whatever the split.

use wire::content::ContentError;
use wire::http1::{BodyLength, MessageKind, Oddity, Strictness};

use crate::reader::{End, HostRule, Message, Reader};
use crate::support::{bytes, json_lines, text};

fn kind(side: &str) -> MessageKind {
    if side == "request" { MessageKind::Request } else { MessageKind::Response }
}

/// Whether a strict reading fits the verdict `expect`.
fn fits(expect: &str, messages: &[Message], end: &End) -> bool {
    let whole = *end == End::Whole;
    let one = whole && messages.len() == 1;
    let first = messages.first();
    let rejected = end.is_error() && messages.iter().all(|message| message.body.len() <= 5);
    match expect {
        "reject" | "invalid" | "reject-or-09" | "invalid-or-09" | "h2-preface-not-http1" => end.is_error(),
        "reject-by-server" => end.is_error(),
        "accept" | "accept-as-other-method" => one,
        "accept-or-reject"
        | "accept-or-reject-bounded"
        | "reject-or-normalise"
        | "accept-or-431"
        | "accept-or-reject-bytes-kept"
        | "reject-or-bytes-kept"
        | "reject-or-accept"
        | "accept-or-invalid"
        | "invalid-or-kept" => one || rejected,
        "te-wins-or-reject" => rejected || first.is_some_and(|m| m.framing == BodyLength::Chunked),
        "te-wins-flagged" => one && messages[0].oddities.contains(Oddity::LengthAndTransferEncoding),
        "reject-or-incomplete" => rejected || *end == End::Incomplete,
        "incomplete" | "incomplete-bounded-memory" => *end == End::Incomplete,
        "no-body" | "no-body-rest-is-next" => first.is_some_and(|m| m.framing == BodyLength::None) && !whole,
        "two-messages" | "bytes-after-not-forwarded-before-101" => whole && messages.len() == 2,
        "second-message-invalid" | "body-hel-then-garbage-flagged" => messages.len() == 1 && !whole,
        "trailer-not-merged" => one && messages[0].trailers.len() == 1,
        "target-host-is-x" => one && messages[0].head.contains("http://x/a"),
        "wait-or-send-100" => *end == End::Incomplete && messages.len() == 1,
        "body-framed-by-length" | "417-or-body-framed" => messages.len() == 1 && !end.is_error(),
        "one-message-with-body" => one && messages[0].body.len() == 33,
        "tunnel-not-parsed" => *end == End::Tunnel,
        "body-until-close" => one && messages[0].framing == BodyLength::UntilClose,
        "one-message-rest-flagged" => messages.first().is_some_and(|m| m.body == b"ok"),
        "decoded" | "both-members" | "decoded-twice" => {
            one && messages[0].content().is_ok_and(|c| !c.is_empty())
        }
        "raw-bytes-kept-flagged" | "flagged" => {
            one && matches!(messages[0].content(), Err(ContentError::Corrupt { .. }))
        }
        "empty-flagged" => one && messages[0].content().is_ok_and(|content| content.is_empty()),
        other => panic!("unknown verdict {other}"),
    }
}

#[test]
fn strict_verdicts() {
    let mut wrong = Vec::new();
    json_lines("hostile/http-framing/cases.jsonl", |case| {
        let reader = Reader::new(kind(text(case, "side")), Strictness::Strict, HostRule::Checked);
        let (messages, end) = reader.read(&bytes(case), &[]);
        if !fits(text(case, "expect"), &messages, &end) {
            wrong.push(format!("{} {}: {end:?} {messages:?}", text(case, "id"), text(case, "expect")));
        }
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Every split in two, and byte by byte.
fn check_splits(input: &[u8], kind: MessageKind, strictness: Strictness) {
    let whole = Reader::new(kind, strictness, HostRule::Checked).read(input, &[]);
    let every: Vec<usize> = (1..input.len()).collect();
    assert_eq!(
        Reader::new(kind, strictness, HostRule::Checked).read(input, &every),
        whole,
        "{}",
        input.escape_ascii()
    );
    for cut in every {
        let split = Reader::new(kind, strictness, HostRule::Checked).read(input, &[cut]);
        assert_eq!(split, whole, "cut at {cut}: {}", input.escape_ascii());
    }
}

#[test]
fn any_split_reads_the_same() {
    let splits = |path: &str, only: Option<MessageKind>| {
        json_lines(path, |case| {
            let mut input = bytes(case);
            input.truncate(700);
            for kind in [MessageKind::Request, MessageKind::Response] {
                for strictness in [Strictness::Strict, Strictness::Lenient] {
                    if only.is_none_or(|only| only == kind) {
                        check_splits(&input, kind, strictness);
                    }
                }
            }
        })
    };
    splits("hostile/http-framing/cases.jsonl", None);
    splits("hostile/go-fuzz-corpus/httpreq.jsonl", Some(MessageKind::Request));
    splits("hostile/go-fuzz-corpus/httpresp.jsonl", Some(MessageKind::Response));
}
