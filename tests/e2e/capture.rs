//! A capture file becomes a corpus: what is in it, what the ledger says, and what is refused.

use crate::support::{data, run, scratch};
use ::corpus::format::{Bodies, CorpusReader};
use ::corpus::select::Selection;
use std::path::Path;

/// `cutover capture` of stored captures, with more words; the output is `out`.
fn capture(files: &[&Path], out: &Path, words: &[&str]) -> crate::support::Ran {
    let mut args = vec!["capture".into(), "--read".into()];
    args.extend(files.iter().map(|file| file.as_os_str().to_owned()));
    args.extend(["-o".into(), out.as_os_str().to_owned()]);
    args.extend(words.iter().map(Into::into));
    run(args)
}

#[test]
fn one_lost_response_of_a_thousand_moves_no_other() {
    let Some(file) = data("captures/1000-requests-one-dropped-response.pcap") else { return };
    let folder = scratch();
    let out = folder.path().join("prod.corpus");
    let ran = capture(&[&file], &out, &["--represents", "5%", "--json"]).exits(0);
    let ledger = ran.json();
    assert_eq!(ledger["packets"], 4102);
    assert_eq!(ledger["requests"], 1000);
    assert_eq!(ledger["responses"], 999);
    assert_eq!(ledger["exchanges_complete"], 999);
    assert_eq!(ledger["exchanges_incomplete"], serde_json::json!({ "no_response": 1 }));

    let reader = CorpusReader::open(&out).expect("the corpus opens");
    assert_eq!(reader.header().represents.value(), 0.05);
    assert_eq!(reader.seal().map(|seal| seal.ledger.requests), Some(1000));
    let exchanges: Vec<_> = reader
        .exchanges(&Selection::all(), Bodies::Load)
        .map(|stored| stored.expect("nothing is damaged").exchange)
        .collect();
    assert_eq!(exchanges.len(), 1000);
    assert!(exchanges.is_sorted_by_key(|exchange| exchange.request_time.first));
    assert_eq!(exchanges.iter().filter(|exchange| exchange.response.is_none()).count(), 1);
}

#[test]
fn the_same_capture_and_key_give_the_same_bytes() {
    let Some(file) = data("captures/p2h-out-of-order-2800.pcap") else { return };
    let folder = scratch();
    let key = folder.path().join("redact.key");
    std::fs::write(&key, "thirty-two bytes of a secret key").expect("the key is written");
    let corpora = ["first.corpus", "second.corpus"].map(|name| {
        let out = folder.path().join(name);
        let key = key.to_string_lossy();
        capture(&[&file], &out, &["--redact-key", &key]).exits(0);
        std::fs::read(out).expect("the corpus is read")
    });
    assert!(corpora[0] == corpora[1], "two captures of one file with one key differ");
}

#[test]
fn the_ledger_is_a_table_that_adds_up() {
    let Some(file) = data("captures/workshop-browse.pcap") else { return };
    let folder = scratch();
    let ran = capture(&[&file], &folder.path().join("a.corpus"), &[]).exits(0);
    let line = |name: &str| {
        let found = ran.stdout.lines().find(|line| line.trim_start().starts_with(name));
        found.and_then(|line| line.split_whitespace().last()?.parse::<u64>().ok())
    };
    assert_eq!(line("packets"), Some(121), "{}", ran.stdout);
    assert_eq!(line("requests"), Some(17), "{}", ran.stdout);
    assert_eq!(line("complete exchanges"), Some(17), "{}", ran.stdout);
    assert!(ran.stderr.is_empty(), "{}", ran.stderr);
}

#[test]
fn what_exists_is_not_replaced_unasked() {
    let Some(file) = data("captures/get-nosyn.pcap") else { return };
    let folder = scratch();
    let out = folder.path().join("a.corpus");
    capture(&[&file], &out, &[]).exits(0);
    let before = std::fs::read(&out).expect("the corpus is read");
    let refused = capture(&[&file], &out, &[]).exits(1);
    assert!(refused.stderr.contains("exists") && refused.stderr.contains("--force"), "{}", refused.stderr);
    assert_eq!(std::fs::read(&out).expect("the corpus is read"), before);
    capture(&[&file], &out, &["--force"]).exits(0);
}

#[test]
fn what_is_no_capture_is_refused_and_what_breaks_off_is_read_to_there() {
    let Some(file) = data("captures/workshop-browse.pcap") else { return };
    let folder = scratch();
    let bytes = std::fs::read(&file).expect("the capture is read");
    let check = |content: &[u8], code: i32, said: &str| {
        let path = folder.path().join("input");
        std::fs::write(&path, content).expect("the input is written");
        let out = folder.path().join("out.corpus");
        let ran = capture(&[&path], &out, &["--force", "--json"]).exits(code);
        assert!(ran.stderr.contains(said), "expected {said:?} in {}", ran.stderr);
        ran
    };
    check(b"", 1, "the file is empty");
    check(b"{\"not\": \"a capture\"}", 1, "neither pcap nor pcapng");
    check(&bytes[..20], 1, "ends inside its header");
    let cut = check(&bytes[..bytes.len() - 5], 0, "breaks off").json();
    assert_eq!(cut["packets"], 120);
    assert!(cut["input_error"].as_str().is_some_and(|error| error.contains("ends inside a packet")));
}
