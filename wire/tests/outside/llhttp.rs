//! The cases of llhttp's own test files: what it refuses, our strict reading does not accept.

use wire::http1::{MessageKind, Strictness};

use crate::reader::{End, HostRule, Reader};
use crate::support::data;

struct Case {
    name: String,
    kind: MessageKind,
    input: Vec<u8>,
    refused: bool,
}

/// The block that opens with `fence` behind `text`, and what follows it.
fn block<'t>(text: &'t str, fence: &str) -> Option<(&'t str, &'t str)> {
    let start = text.find(fence)? + fence.len();
    let (inside, rest) = text[start..].split_once("\n```")?;
    Some((inside, rest))
}

/// Undoes the spelling of the test files: lines end in CRLF, a backslash joins lines, escapes stand for
/// control characters.
fn unspell(text: &str) -> Vec<u8> {
    let joined = text.replace("\\\n", "").replace('\n', "\r\n");
    let simple =
        joined.replace("\\r", "\r").replace("\\n", "\n").replace("\\t", "\t").replace("\\f", "\u{c}");
    let mut bytes = Vec::new();
    let mut parts = simple.split("\\x");
    bytes.extend_from_slice(parts.next().unwrap_or_default().as_bytes());
    for part in parts {
        match part.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                bytes.extend_from_slice(&part.as_bytes()[2..]);
            }
            None => bytes.extend_from_slice(part.as_bytes()),
        }
    }
    bytes
}

fn cases(file: &str, text: &str) -> Vec<Case> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("<!-- meta=") {
        let title = rest[..at].rfind("\n## ").map_or("", |title| rest[title + 4..at].trim());
        let section = &rest[at..];
        let (meta, behind) = section.split_once("-->").unwrap();
        rest = behind;
        let Some((input, behind)) = block(behind, "```http\n") else { break };
        let Some((log, _)) = block(behind, "```log\n") else { break };
        let kind = if meta.contains("\"response") { MessageKind::Response } else { MessageKind::Request };
        if !meta.contains("lenient") && !meta.contains("pause") && !meta.contains("noScan") {
            // A pause hands the connection over, which is no refusal.
            let refused = log.lines().any(|line| line.contains("error code=") && !line.contains("Pause on"));
            found.push(Case { name: format!("{file}: {title}"), kind, input: unspell(input), refused });
        }
    }
    found
}

#[test]
fn what_llhttp_refuses_is_not_accepted() {
    let Some(folder) = data("hostile/llhttp") else { return };
    let mut laxer = Vec::new();
    let (mut count, mut stricter) = (0, Vec::new());
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        for case in cases(&file, &text) {
            count += 1;
            let reader = Reader::new(case.kind, Strictness::Strict, HostRule::Unchecked);
            let (messages, end) = reader.read(&case.input, &[]);
            // A head that never ends is not accepted either; llhttp names its fault earlier.
            let refused = end.is_error() || (end == End::Incomplete && messages.is_empty());
            if case.refused && !refused {
                laxer.push(format!("{}: {end:?} {}", case.name, case.input.escape_ascii()));
            } else if !case.refused && end.is_error() {
                stricter.push(format!("{}: {end:?}", case.name));
            }
        }
    }
    println!("{count} cases; stricter in {}:\n{}", stricter.len(), stricter.join("\n"));
    assert!(laxer.is_empty(), "{}", laxer.join("\n"));
}
