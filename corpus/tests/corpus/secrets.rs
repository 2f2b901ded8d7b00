//! Planted secrets in heads: none that the default rules name is found in any byte of a corpus.

use crate::support::*;
use corpus::exchange::Exchange;
use corpus::message::Malformed;
use corpus::redact::Redactor;
use std::path::PathBuf;
use wire::http1::Headers;

struct Planted {
    id: String,
    place: String,
    value: String,
    written: String,
}

#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
fn data() -> Option<PathBuf> {
    let root = std::env::var_os("CUTOVER_TEST_DATA")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared"), PathBuf::from);
    let path = root.join("hostile/secrets/planted.jsonl");
    let required =
        std::env::var("CUTOVER_REQUIRE").is_ok_and(|names| names.split(',').any(|name| name == "data"));
    if !path.exists() {
        assert!(!required, "no test data at {}", path.display());
        println!("skipped: no test data at {}", path.display());
        return None;
    }
    Some(path)
}

fn escaped(value: &str, encoding: &str) -> String {
    let each = |write: &dyn Fn(u8) -> String| value.bytes().map(write).collect::<String>();
    let percent = |value: &str| -> String {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
        value
            .bytes()
            .map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") })
            .collect()
    };
    let base64 = |alphabet: &[u8]| {
        value
            .as_bytes()
            .chunks(3)
            .flat_map(|chunk| {
                let word = chunk
                    .iter()
                    .chain([0, 0].iter())
                    .take(3)
                    .fold(0_u32, |word, b| word << 8 | u32::from(*b));
                (0..=chunk.len()).map(move |at| word >> (18 - 6 * at) & 63).collect::<Vec<_>>()
            })
            .map(|sextet| char::from(alphabet[usize::try_from(sextet).expect("small")]))
            .collect::<String>()
    };
    const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    match encoding {
        "percent" => percent(value),
        "double-percent" => percent(&percent(value)),
        "upper-hex" => each(&|b| format!("{b:02X}")),
        "json-unicode-escape" => each(&|b| format!("\\u{b:04x}")),
        "html-entity" => each(&|b| format!("&#x{b:x};")),
        "base64" => base64(format!("{LETTERS}+/").as_bytes()),
        "base64url" => base64(format!("{LETTERS}-_").as_bytes()),
        _ => value.to_owned(),
    }
}

/// The rows that have to go by default and stand in heads.
fn planted() -> Vec<Planted> {
    let Some(path) = data() else { return Vec::new() };
    let text = std::fs::read_to_string(path).expect("the planted secrets");
    let rows = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("a row"));
    let field = |row: &serde_json::Value, name: &str| row[name].as_str().expect("a text").to_owned();
    rows.filter(|row| row["level"] == "must")
        .map(|row| {
            let value = field(&row, "value");
            let written = escaped(&value, &field(&row, "encoding"));
            Planted { id: field(&row, "id"), place: field(&row, "place"), value, written }
        })
        .filter(|row| {
            let places =
                ["req-header:", "res-header:", "res-trailer:", "req-query:", "req-path", "req-userinfo"];
            places.iter().any(|place| row.place.starts_with(place))
        })
        .collect()
}

/// The exchange with the secret in its place, before redaction.
fn exchange_with(row: &Planted) -> Exchange {
    let mut exchange = exchange(1, "/a", b"x");
    let (place, name) = row.place.split_once(':').unwrap_or((&row.place, ""));
    let target = match place {
        "req-query" => format!("/a?q=1&{name}={}&z=2", row.written),
        "req-path" => format!("/a/{}/b", row.written),
        "req-userinfo" => format!("http://u:{}@h/a", row.written),
        _ => "/a".to_owned(),
    };
    exchange.request.target = target.into_bytes();
    let value = match name {
        "Authorization" | "Proxy-Authorization" => format!("Bearer {}", row.written),
        "Cookie" => format!("a=1; sid={}", row.written),
        "Set-Cookie" => format!("sid={}; Path=/", row.written),
        "Referer" | "Location" => format!("https://h/p?x={}", row.written),
        _ => row.written.clone(),
    };
    let response = exchange.response.as_mut().expect("a response");
    match place {
        "req-header" => exchange.request.headers.push(name.as_bytes(), value.as_bytes()),
        "res-header" => response.headers.push(name.as_bytes(), value.as_bytes()),
        "res-trailer" => response.body.trailers.push(name.as_bytes(), value.as_bytes()),
        _ => {}
    }
    exchange
}

fn redact(redactor: &Redactor, exchange: &mut Exchange) {
    redactor.target(&mut exchange.request.target);
    redactor.headers(&mut exchange.request.headers);
    let response = exchange.response.as_mut().expect("a response");
    redactor.headers(&mut response.headers);
    redactor.headers(&mut response.body.trailers);
}

fn found(text: &[u8], row: &Planted) -> bool {
    // The first line of a private key is no secret; the rest of it is.
    let lines = |value: &str| {
        value
            .split('\n')
            .filter(|line| line.len() > 4 && !line.contains("-----"))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let mut wanted = lines(&row.value);
    wanted.extend(lines(&row.written));
    wanted.iter().any(|value| text.windows(value.len()).any(|window| window == value.as_bytes()))
}

#[test]
fn no_planted_secret_of_a_head_stays() {
    let redactor = Redactor::new(&key());
    let rows = planted();
    for row in &rows {
        let mut exchange = exchange_with(row);
        redact(&redactor, &mut exchange);
        let shown = format!("{exchange:?}");
        assert!(!found(shown.as_bytes(), row), "{} in {}: {shown}", row.id, row.place);
        let bytes = exchange.request.target.clone();
        assert!(!found(&bytes, row), "{} in {}", row.id, row.place);
        let fields = |headers: &Headers| headers.iter().any(|(_, value)| found(value, row));
        let response = exchange.response.as_ref().expect("a response");
        assert!(!fields(&exchange.request.headers) && !fields(&response.headers), "{} {}", row.id, row.place);
        assert!(!fields(&response.body.trailers), "{} {}", row.id, row.place);
    }
    println!("{} planted secrets of heads are gone", rows.len());
}

#[test]
fn no_planted_secret_of_a_malformed_head_stays() {
    let redactor = Redactor::new(&key());
    for row in &planted() {
        let exchange = exchange_with(row);
        for (separator, ending) in [(": ", "\r\n"), (" :\t", "\n"), (":", "\r"), (":\r\n ", "\r\n")] {
            let mut raw = b"GET ".to_vec();
            raw.extend_from_slice(&exchange.request.target);
            raw.extend_from_slice(b" HTTP/1.x");
            let response = exchange.response.as_ref().expect("a response");
            let all = [&exchange.request.headers, &response.headers, &response.body.trailers];
            for (name, value) in all.iter().flat_map(|headers| headers.iter()) {
                raw.extend_from_slice(ending.as_bytes());
                raw.extend_from_slice(name);
                raw.extend_from_slice(separator.as_bytes());
                raw.extend_from_slice(value);
            }
            let malformed = Malformed { raw: redactor.raw(&raw), len: 1, reason: String::new() };
            let text = String::from_utf8_lossy(&malformed.raw).into_owned();
            assert!(!found(&malformed.raw, row), "{} in {} with {separator:?}: {text}", row.id, row.place);
        }
    }
}

#[test]
fn nothing_of_a_secret_is_in_the_file() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("a.corpus");
    let redactor = Redactor::new(&key());
    let rows = planted();
    let exchanges: Vec<_> = rows
        .iter()
        .map(|row| {
            let mut exchange = exchange_with(row);
            redact(&redactor, &mut exchange);
            exchange
        })
        .collect();
    write(&path, &exchanges);
    let (stored, _) = read(&path);
    assert_eq!(stored.len(), rows.len());
    let text = |exchange: &Exchange| {
        [exchange.request.target.clone(), format!("{exchange:?}").into_bytes()].concat()
    };
    let shown: Vec<u8> = stored.iter().flat_map(|item| text(&item.exchange)).collect();
    let file = std::fs::read(&path).expect("a file");
    let names = std::fs::read_dir(dir.path()).expect("a directory").count();
    assert_eq!(names, 1, "no temporary file is left");
    for row in &rows {
        assert!(!found(&shown, row) && !found(&file, row), "{} in {}", row.id, row.place);
    }
}
