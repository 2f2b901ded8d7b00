//! Heads, strictly and leniently; limits; heads that trickle in.

use super::super::{Limits, Parsed, Progress, Strictness};
use super::*;

fn check(input: &str, strict: Result<&str, Kind>, lenient: Result<&str, Kind>) {
    for (strictness, expected) in [(Strictness::Strict, strict), (Strictness::Lenient, lenient)] {
        let found = match parse_request_head(input.as_bytes(), strictness, &Limits::default()) {
            Err(error) => Err(error.kind),
            Ok(Progress::NeedMore) => Ok("more".to_owned()),
            Ok(Progress::Done(Parsed { head, oddities, .. })) => Ok(format!("{head:?} {oddities:?}")),
        };
        assert_eq!(found, expected.map(str::to_owned), "{strictness:?} {input:?}");
    }
}

#[test]
fn requests_fit_to_be_read() {
    let plain = Ok("GET /a Http11 [Host: h, X: ] {}");
    check("GET /a HTTP/1.1\r\nHost: h\r\nX:\r\n\r\n", plain, plain);
    check("GET /a HTTP/1.1\r\nHost: h\r\n", Ok("more"), Ok("more"));
    let blank = Ok("GET / Http10 [] {LeadingBlankLine}");
    check("\r\nGET / HTTP/1.0\r\n\r\n", blank, blank);
}

#[test]
fn what_only_lenient_reading_follows() {
    check("GET / HTTP/1.1\nA: b\n\n", Err(Kind::BareLf), Ok("GET / Http11 [A: b] {BareLf}"));
    let spaced = Ok("GET /a b Http11 [] {StartLineSpace, SpaceInTarget}");
    check("GET  /a b  HTTP/1.1\r\n\r\n", Err(Kind::StartLineSpace), spaced);
    let folded = Ok(r"GET / Http11 [A: b    \t c, B: d] {ObsFold}");
    check("GET / HTTP/1.1\r\nA: b \r\n \t c\r\nB: d\r\n\r\n", Err(Kind::ObsFold), folded);
    let colon = Ok("GET / Http11 [A: b] {SpaceBeforeColon}");
    check("GET / HTTP/1.1\r\nA : b\r\n\r\n", Err(Kind::SpaceBeforeColon), colon);
    let control = Ok(r"GET / Http11 [A: \x01] {ControlCharacter}");
    check("GET / HTTP/1.1\r\nA: \u{1}\r\n\r\n", Err(Kind::InvalidFieldValue), control);
}

#[test]
fn what_is_no_head() {
    for (input, kind) in [
        ("GET / HTTP/1.1\r\nA: b\rc\r\n\r\n", Kind::BareCr),
        ("GET / HTTP/1.1\r\nA\r\n\r\n", Kind::MissingColon),
        ("GET / HTTP/1.1\r\n: b\r\n\r\n", Kind::InvalidFieldName),
        ("GET / HTTP/1.1\r\n A: b\r\n\r\n", Kind::LeadingSpace),
        ("GET / HTTP/2.0\r\n\r\n", Kind::InvalidVersion),
        ("G(T / HTTP/1.1\r\n\r\n", Kind::InvalidMethod),
        ("GET HTTP/1.1\r\n\r\n", Kind::InvalidTarget),
    ] {
        check(input, Err(kind), Err(kind));
    }
}

#[test]
fn limits_are_errors_with_their_offset() {
    let limits = Limits { max_head: 40, max_start_line: 20, max_fields: 2 };
    let verdict = |input: &str| parse_request_head(input.as_bytes(), Strictness::Strict, &limits).map(|_| ());
    let error = |kind, offset| Err(HeadError { kind, offset });
    assert_eq!(verdict("GET /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), error(Kind::StartLineTooLong, 20));
    assert_eq!(verdict("GET / HTTP/1.1\r\nA: bbbbbbbbbbbbbbbbbbbbbbbbbbbbb"), error(Kind::HeadTooLarge, 40));
    assert_eq!(verdict("GET / HTTP/1.1\r\nA:\r\nA:\r\nA:\r\n\r\n"), error(Kind::TooManyFields, 24));
}

#[test]
fn a_scan_finds_the_end_of_a_trickling_head() {
    let head = b"\r\nGET / HTTP/1.1\r\nA: b\r\n\r\nrest";
    let mut scan = HeadScan::default();
    let ready = (0..=head.len()).find(|len| scan.ready(&head[..*len], &Limits::default()));
    assert_eq!(ready, Some(head.len() - 4));
}
