//! Stored captures against their oracles: every request and pair, with method, host, target, status and bodies.

#[path = "support/sha256.rs"]
mod sha256;
mod support;

use corpus::exchange::{Exchange, Incomplete};
use corpus::message::Response;
use serde_json::Value;
use std::path::Path;
use wire::content::ContentLimits;

/// The captures that must agree in every request and pair.
const EXACT: [&str; 22] = [
    "workshop-browse.pcap",
    "100-continue.pcap",
    "pipelined-requests.pcap",
    "1000-requests-one-dropped-response.pcap",
    "p2h-missing-response.pcap",
    "hr-invalidtcppacketorder.pcap",
    "handshake-reorder.pcap",
    "get-nosyn.pcap",
    "sv-async-cli.pcap",
    "tcp-fast-open.pcap",
    "tcpdump-tso-zero-len.pcap",
    "sv-filecontainer.pcap",
    "sv-chunk-ext.pcap",
    "sv-range-multiflows.pcap",
    "docker-http-upgrade.pcap",
    "http-vlan-0.pcap",
    "vlan-collisions.pcap",
    "sv-http-ipv6.pcap",
    "ndpi-quickplay-sll.pcap",
    "ndpi-hls-raw.pcapng",
    "ndpi-ua-split.pcapng",
    "p2h-fhs.pcap",
];

/// Where the oracle is wrong: capture, part of the line, and why.
const ORACLE_ERRS: [(&str, &str, &str); 1] = [(
    "sv-chunk-ext.pcap",
    "/qwe.asd",
    "chunks of 8 and 4 bytes, sizes followed by a space: the body has 12 bytes, not 8",
)];

/// What is compared of one exchange, as text, so that a difference can be read. Coded bodies are compared by
/// their decoded length, because the oracle has no other.
fn of_oracle(line: &Value) -> String {
    let text = |name: &str| line[name].as_str().unwrap_or("").to_owned();
    let number = |name: &str| line[name].as_u64().map_or("-".to_owned(), |n| n.to_string());
    let coded = !line["resp_content_encoding"].is_null();
    let len = if line["status"].is_null() {
        "-".to_owned()
    } else if coded {
        format!("decoded {}", number("resp_body_len_decoded"))
    } else {
        number("resp_body_len")
    };
    let (method, host, uri) = (text("method"), text("host"), text("uri"));
    format!("{method} {host} {uri} [{}] -> {} [{len}]", number("req_body_len"), number("status"))
}

fn of_exchange(exchange: &Exchange) -> String {
    let request = &exchange.request;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let host = text(request.headers.get(b"host").unwrap_or(b""));
    let (method, target) = (text(&request.method), text(&request.target));
    let (status, len) = match &exchange.response {
        Some(response) => (response.status.to_string(), body_len(response)),
        None => ("-".to_owned(), "-".to_owned()),
    };
    format!("{method} {host} {target} [{}] -> {status} [{len}]", request.body.bytes.len())
}

fn body_len(response: &Response) -> String {
    let encodings: Vec<&[u8]> = response.headers.get_all(b"content-encoding").collect();
    if encodings.is_empty() {
        return response.body.bytes.len().to_string();
    }
    match wire::content::decode(&response.body.bytes, encodings, &ContentLimits::default()) {
        Ok(content) => format!("decoded {}", content.bytes.len()),
        Err(error) => error.to_string(),
    }
}

struct Compared {
    oracle: Vec<String>,
    found: Vec<String>,
    digests: usize,
    wrong_digests: Vec<String>,
}

fn compare(folder: &Path, name: &str) -> Compared {
    let bytes = std::fs::read(folder.join(name)).expect("the capture is there");
    let (exchanges, _) = capture::exchanges_of(&bytes, capture::Limits::default()).expect("it is read");
    let lines =
        std::fs::read_to_string(folder.join("oracle").join(format!("{name}.jsonl"))).unwrap_or_default();
    let lines: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect();
    let mut oracle: Vec<String> = lines.iter().map(of_oracle).collect();
    let mut found: Vec<String> = exchanges.iter().map(of_exchange).collect();
    let mut wrong_digests = Vec::new();
    let mut bodies: Vec<String> = exchanges
        .iter()
        .filter_map(|exchange| exchange.response.as_ref())
        .map(|response| sha256::hex(&response.body.bytes))
        .collect();
    let expected: Vec<&str> = lines.iter().filter_map(|line| line["resp_body_sha256"].as_str()).collect();
    for digest in &expected {
        match bodies.iter().position(|body| body == digest) {
            Some(at) => drop(bodies.swap_remove(at)),
            None => wrong_digests.push((*digest).to_owned()),
        }
    }
    oracle.sort();
    found.sort();
    Compared { oracle, found, digests: expected.len(), wrong_digests }
}

/// What is in one list and not in the other; both are sorted.
fn differences(compared: &Compared) -> Vec<String> {
    let mut found: Vec<&String> = compared.found.iter().collect();
    let mut missing = Vec::new();
    for line in &compared.oracle {
        match found.iter().position(|other| *other == line) {
            Some(at) => drop(found.remove(at)),
            None => missing.push(format!("  oracle only: {line}")),
        }
    }
    let extra = found.into_iter().map(|line| format!("  found only:  {line}"));
    missing.into_iter().chain(extra).collect()
}

#[test]
fn captures_agree_with_their_oracles() {
    let Some(folder) = support::data("captures") else { return };
    let mut wrong = String::new();
    println!("{:<46}{:>8}{:>8}{:>8}{:>8}", "capture", "oracle", "found", "equal", "sha256");
    for name in EXACT {
        let compared = compare(&folder, name);
        let differences = differences(&compared);
        let missing = differences.iter().filter(|line| line.contains("oracle only")).count();
        println!(
            "{name:<46}{:>8}{:>8}{:>8}{:>8}",
            compared.oracle.len(),
            compared.found.len(),
            compared.oracle.len() - missing,
            compared.digests - compared.wrong_digests.len(),
        );
        let known =
            |line: &str| ORACLE_ERRS.iter().any(|(file, part, _)| *file == name && line.contains(part));
        for line in differences.iter().chain(&compared.wrong_digests).filter(|line| !known(line)) {
            wrong += &format!("{name}: {line}\n");
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn a_capture_cut_by_its_snapshot_length_has_its_counts_and_says_so() {
    let Some(folder) = support::data("captures") else { return };
    let bytes = std::fs::read(folder.join("p2h-fhs-snap400.pcapng"))
        .or_else(|_| std::fs::read(folder.join("p2h-fhs-snap400.pcap")))
        .expect("the capture is there");
    let (exchanges, report) = capture::exchanges_of(&bytes, capture::Limits::default()).expect("it is read");
    assert_eq!((report.ledger.requests, report.ledger.responses), (9, 9));
    assert_eq!(exchanges.iter().filter(|exchange| exchange.response.is_some()).count(), 9);
    let cut = [Incomplete::RequestTruncated, Incomplete::ResponseTruncated];
    assert!(exchanges.iter().any(|exchange| exchange.incomplete.iter().any(|reason| cut.contains(reason))));
    assert!(report.ledger.payload_bytes_by_class["truncated"] > 0);
}

/// The other captures: not all of it is HTTP/1.1, so that this only shows what differs.
#[test]
#[ignore = "a listing to be read, not a check"]
fn show_differences_of_all_captures() {
    let Some(folder) = support::data("captures") else { return };
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .expect("the folder is read")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.contains(".pcap") && !EXACT.contains(&name.as_str()))
        .collect();
    names.sort();
    for name in names {
        let compared = compare(&folder, &name);
        println!("== {name}: oracle {}, found {}", compared.oracle.len(), compared.found.len());
        differences(&compared).iter().for_each(|line| println!("{line}"));
    }
}
