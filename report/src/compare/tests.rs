//! What one pair shows, kind by kind.

use super::*;

/// A response from a short notation: `STATUS`, header lines, an empty line, the body.
pub(crate) struct Response {
    status: u16,
    headers: Headers,
    trailers: Headers,
    body: Vec<u8>,
}

impl Response {
    pub(crate) fn json(body: &str) -> Response {
        Response::with(200, &[("content-type", "application/json")], body.as_bytes())
    }

    pub(crate) fn with(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Response {
        let headers = headers.iter().copied().collect();
        Response { status, headers, trailers: Headers::new(), body: body.to_vec() }
    }

    pub(crate) fn view(&self) -> ResponseView<'_> {
        let body = BodyView::Whole { bytes: &self.body, digest: None };
        ResponseView { status: self.status, headers: &self.headers, trailers: &self.trailers, body }
    }
}

/// One line for each difference: place, kind, change and, in brackets, the two excerpts.
fn lines(rules: &[(&str, Option<Kind>)], a: &Response, b: &Response) -> Vec<String> {
    let rule = |(path, kind): &(&str, Option<Kind>)| IgnoreRule {
        endpoint: None,
        path: (*path).to_owned(),
        kind: *kind,
    };
    let rules = Rules::new(rules.iter().map(rule).collect()).unwrap();
    let (x, y) = (a.view(), b.view());
    let found = compare_responses(&rules, "GET /", &x, &y);
    let text = |body: &[u8], range: &Option<Range<usize>>| match range {
        Some(range) => String::from_utf8_lossy(&body[range.clone()]).into_owned(),
        None => "-".to_owned(),
    };
    let line = |d: &Difference| {
        let (from, to) = match &d.locus {
            Locus::Body { baseline, candidate } => {
                (text(&found.baseline_body, baseline), text(&found.candidate_body, candidate))
            }
            Locus::Text { baseline, candidate } => {
                (baseline.clone().unwrap_or("-".to_owned()), candidate.clone().unwrap_or("-".to_owned()))
            }
        };
        let incidental = if d.weight == Weight::Incidental { " (incidental)" } else { "" };
        format!("{} {}: {}{incidental} [{from} | {to}]", d.path, d.kind.name(), d.change)
    };
    let mut lines: Vec<String> = found.differences.iter().map(line).collect();
    lines.extend(found.not_compared.map(|reason| format!("not compared: {}", reason.name())));
    lines
}

#[track_caller]
fn check(a: &str, b: &str, expected: &[&str]) {
    assert_eq!(lines(&[], &Response::json(a), &Response::json(b)), expected, "{a} | {b}");
}

#[track_caller]
fn check_headers(a: &[(&str, &str)], b: &[(&str, &str)], expected: &[&str]) {
    assert_eq!(lines(&[], &Response::with(200, a, b""), &Response::with(200, b, b"")), expected);
}

#[track_caller]
fn check_bodies(a: (&str, &[u8]), b: (&str, &[u8]), expected: &[&str]) {
    let response =
        |(media_type, body): (&str, &[u8])| Response::with(200, &[("content-type", media_type)], body);
    let found = lines(&[], &response(a), &response(b));
    let found: Vec<_> = found.iter().filter(|line| !line.starts_with("header:")).collect();
    assert_eq!(found, expected);
}

#[test]
fn equal_documents_have_no_difference() {
    check(r#"{"a":1,"b":[1,2,{"c":null}]}"#, r#" { "b" : [1.0, 2e0, {"c":null}], "a": 1 } "#, &[]);
    check(r#""\u00e9""#, "\"é\"", &[]);
    check("\u{feff}[1]", "[1]", &[]);
    check("1", "1.000", &[]);
}

#[test]
fn members() {
    check(r#"{"a":1,"b":2}"#, r#"{"a":1}"#, &["$.b missing: left out [2 | -]"]);
    check(r#"{"a":1}"#, r#"{"a":1,"b":2}"#, &["$.b extra: added [- | 2]"]);
    check(r#"{"a":null}"#, "{}", &["$.a missing: null left out [null | -]"]);
    check("{}", r#"{"a":null}"#, &["$.a extra: null added [- | null]"]);
    check(r#"{"a":{"b":{"c":1}}}"#, "{}", &[r#"$.a missing: left out [{"b":{"c":1}} | -]"#]);
    check(
        r#"{"user_name":"x","z":1}"#,
        r#"{"z":1,"userName":"x"}"#,
        &[r#"$.user_name missing: left out ["x" | -]"#, r#"$.userName extra: added [- | "x"]"#],
    );
}

#[test]
fn types() {
    check(r#"{"id":7}"#, r#"{"id":"7"}"#, &[r#"$.id type: integer -> string [7 | "7"]"#]);
    check(r#"{"id":null}"#, r#"{"id":""}"#, &[r#"$.id type: null -> "" [null | ""]"#]);
    check(r#"{"id":[1]}"#, r#"{"id":1.5}"#, &["$.id type: array -> decimal [[1] | 1.5]"]);
    check("{}", "[]", &["$ type: object -> array [{} | []]"]);
    check("true", "null", &["$ type: boolean -> null [true | null]"]);
}

#[test]
fn values() {
    check(r#"{"ok":true}"#, r#"{"ok":false}"#, &["$.ok value: true -> false [true | false]"]);
    check(r#"{"p":19.99}"#, r#"{"p":20}"#, &["$.p value: rounded to 0 decimals [19.99 | 20]"]);
    check(r#"{"s":"paid"}"#, r#"{"s":"settled"}"#, &[r#"$.s value: paid -> settled ["paid" | "settled"]"#]);
    check(
        "9007199254740993",
        "9007199254740992",
        &["$ value: another number [9007199254740993 | 9007199254740992]"],
    );
    check(
        r#"{"u":{"6ba7b810-9dad-41d1-80b4-00c04fd430c8":{"n":1}}}"#,
        r#"{"u":{"6ba7b810-9dad-41d1-80b4-00c04fd430c8":{"n":2}}}"#,
        &["$.u.{*}.n value: another number [1 | 2]"],
    );
}

#[test]
fn formats() {
    check(
        r#"{"at":1714557600123}"#,
        r#"{"at":1714557600}"#,
        &["$.at format: epoch ms -> epoch s [1714557600123 | 1714557600]"],
    );
    check(
        r#"{"at":"2024-05-01T10:00:00Z"}"#,
        r#"{"at":"2024-05-01 10:00:00"}"#,
        &[
            r#"$.at format: RFC 3339, Z -> RFC 3339, no zone ["2024-05-01T10:00:00Z" | "2024-05-01 10:00:00"]"#,
        ],
    );
}

#[test]
fn arrays() {
    check("[1,2,3]", "[3,1,2]", &["$ order: reordered [[1,2,3] | [3,1,2]]"]);
    check("[1,2,3]", "[1,3]", &["$ length: fewer elements [2 | [1,3]]"]);
    check("[1,3]", "[1,2,3]", &["$ length: more elements [[1,3] | 2]"]);
    check("[1]", "[]", &["$ length: emptied [1 | []]"]);
    check(
        r#"{"items":[{"p":1},{"p":2},{"p":3}]}"#,
        r#"{"items":[{"p":10},{"p":20},{"p":30}]}"#,
        &["$.items[*].p value: * 10 [1 | 10]"],
    );
    check(
        r#"[{"id":1,"s":"a"},{"id":2,"s":"b"},{"id":3,"s":"c"}]"#,
        r#"[{"id":1,"s":"a"},{"id":2,"s":"x"},{"id":3,"s":"c"}]"#,
        &[r#"$[*].s value: b -> x ["b" | "x"]"#],
    );
    check("[[1,2],[3,4]]", "[[2,1],[4,3]]", &["$[*] order: reordered [[1,2] | [2,1]]"]);
}

#[test]
fn what_readers_read_differently_is_ambiguous() {
    check(r#"{"a":1,"a":2}"#, r#"{"a":2}"#, &[r#"body ambiguous: duplicate names -> plain [1,"a": | ]"#]);
    check(r#"["\ud800"]"#, r#"["\ud801"]"#, &["body ambiguous: lone surrogate [0 | 1]"]);
    check(r#"{"a":1,"a":2}"#, r#"{"a":1,"a":2}"#, &[]);
    let deep = |core: &str| format!("{}{core}{}", "[".repeat(600), "]".repeat(600));
    check(&deep("1"), &deep("2"), &["body ambiguous: beyond the limits of JSON [1 | 2]"]);
}

#[test]
fn bodies_that_are_no_json() {
    check("{}", "oops", &["body unparsable: JSON -> no JSON [{} | oops]"]);
    check("oops", "{}", &["body unparsable: no JSON -> JSON [oops | {}]"]);
    check("{}", "", &["body missing: left out [{} | ]"]);
    check_bodies(
        ("text/plain", b"a\nb\nc\n"),
        ("text/plain", b"a\nx\nc\n"),
        &["body value: lines changed [b\n | x\n]"],
    );
    check_bodies(
        ("text/plain", b"a\nb\nc"),
        ("text/plain", b"a\nc"),
        &["body length: lines left out [b\n | ]"],
    );
    check_bodies(("text/plain", b"a\n"), ("text/plain", b"a\nb"), &["body length: lines added [ | b]"]);
    check_bodies(("image/png", b"\0aXb"), ("image/png", b"\0aYb"), &["body bytes: other bytes [X | Y]"]);
    check_bodies(("image/png", b"\0ab"), ("image/png", b"\0a"), &["body length: shorter [b | ]"]);
    check_bodies(("text/html", b"{}"), ("text/html", b"{} "), &["body value: lines changed [{} | {} ]"]);
}

#[test]
fn statuses_hide_what_follows_from_them() {
    let (a, b) = (Response::with(200, &[], b"yes"), Response::with(503, &[("retry-after", "1")], b"no"));
    assert_eq!(lines(&[], &a, &b), ["status status: 200 -> 503 [200 | 503]"]);
    let created = Response::with(201, &[], b"yea");
    assert_eq!(
        lines(&[], &a, &created),
        ["status status: 200 -> 201 [200 | 201]", "body value: lines changed [yes | yea]"]
    );
    assert!(!needs_bytes(&a.view(), &b.view()));
    assert!(needs_bytes(&a.view(), &created.view()));
}

#[test]
fn header_names_are_matched_whole() {
    let date = ("date", "Wed, 01 May 2024 10:00:00 GMT");
    let later = ("Date", "Wed, 01 May 2024 10:00:01 GMT");
    check_headers(
        &[date, ("x-candidate-id", "1")],
        &[later, ("x-candidate-id", "2")],
        &["header:x-candidate-id header: another number [1 | 2]"],
    );
    check_headers(
        &[date],
        &[],
        &["header:date missing: left out (incidental) [Wed, 01 May 2024 10:00:00 GMT | -]"],
    );
    check_headers(
        &[("server", "a")],
        &[("server", "b")],
        &["header:server header: a -> b (incidental) [a | b]"],
    );
    check_headers(
        &[("location", "/a")],
        &[("location", "/b")],
        &["header:location header: another text [/a | /b]"],
    );
    check_headers(&[("Connection", "close"), ("a", "1, 2")], &[("a", "1"), ("A", "2")], &[]);
    check_headers(&[], &[("x-new", "1")], &["header:x-new extra: added [- | 1]"]);
}

#[test]
fn media_types_are_compared_by_meaning() {
    let utf8 = ("content-type", "application/json; charset=utf-8");
    check_headers(&[utf8], &[("Content-Type", "Application/JSON;charset=\"UTF-8\"")], &[]);
    check_headers(
        &[utf8],
        &[("content-type", "text/html")],
        &["header:content-type header: application/json;charset=utf-8 -> text/html \
         [application/json; charset=utf-8 | text/html]"],
    );
}

#[test]
fn cookies_are_compared_by_name_and_attributes() {
    let secure = ("set-cookie", "sid=token1; Path=/; Secure; Expires=Wed");
    check_headers(&[secure], &[("Set-Cookie", "sid=token2; path=/; secure; expires=Thu")], &[]);
    check_headers(
        &[secure],
        &[("set-cookie", "sid=token1; Path=/; Expires=Wed")],
        &["header:set-cookie[sid] header: attribute left out: secure \
         [sid=...; expires; path=/; secure | sid=...; expires; path=/]"],
    );
    check_headers(
        &[secure],
        &[("set-cookie", "other=1")],
        &[
            "header:set-cookie[other] extra: cookie added [- | other=...]",
            "header:set-cookie[sid] missing: cookie left out [sid=...; expires; path=/; secure | -]",
        ],
    );
}

#[test]
fn trailers_are_compared() {
    let mut a = Response::with(200, &[], b"x");
    let mut b = Response::with(200, &[], b"x");
    a.trailers.push(b"Grpc-Status", b"0");
    b.trailers.push(b"grpc-status", b"13");
    assert_eq!(lines(&[], &a, &b), ["trailer:grpc-status header: 0 -> number [0 | 13]"]);
}

#[test]
fn rules_hide_and_are_counted() {
    let (a, b) = (Response::json(r#"{"user":1,"userId":1}"#), Response::json(r#"{"user":2,"userId":2}"#));
    assert_eq!(lines(&[("$.user", None)], &a, &b), ["$.userId value: another number [1 | 2]"]);
    assert_eq!(lines(&[("$.*", Some(Kind::Type))], &a, &b).len(), 2);
    assert_eq!(lines(&[("body", None)], &a, &b), [""; 0]);
}

#[test]
fn content_coding_is_undone() {
    use std::io::Write;
    let mut coder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    coder.write_all(br#"{"a":1}"#).unwrap();
    let coded = coder.finish().unwrap();
    let json = ("content-type", "application/json");
    let plain = Response::with(200, &[json], br#"{"a":1}"#);
    let gzip = Response::with(200, &[json, ("content-encoding", "gzip")], &coded);
    assert_eq!(lines(&[], &plain, &gzip), ["header:content-encoding extra: added (incidental) [- | gzip]"]);
    let broken = Response::with(200, &[json, ("content-encoding", "gzip")], b"no gzip");
    assert_eq!(
        lines(&[], &gzip, &broken),
        [r#"body unparsable: decodable -> undecodable [{"a":1} | no gzip]"#]
    );
}

#[test]
fn bodies_without_bytes_are_compared_by_digest() {
    let digest = |byte| Digest([byte; 16]);
    let response = Response::with(200, &[], b"");
    let view = |byte| ResponseView {
        body: BodyView::Digest { len: 5, digest: digest(byte), missing: NotCompared::QueueFull },
        ..response.view()
    };
    let found = |a, b| compare_responses(&Rules::default(), "", &view(a), &view(b)).not_compared;
    assert_eq!(found(1, 1), None);
    assert_eq!(found(1, 2), Some(NotCompared::QueueFull));
    assert!(!needs_bytes(&view(1), &view(1)));
}

#[test]
fn a_long_reordered_array_is_one_difference() {
    let element = |i: usize| format!(r#"{{"id":{i},"name":"element {i}"}}"#);
    let list = |order: &mut dyn Iterator<Item = usize>| {
        format!("[{}]", order.map(element).collect::<Vec<_>>().join(","))
    };
    let (a, b) = (list(&mut (0..10_000)), list(&mut (0..10_000).map(|i| i * 7 % 10_000)));
    let found = lines(&[], &Response::json(&a), &Response::json(&b));
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("$ order: reordered"));
}
