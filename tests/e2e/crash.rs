//! `cutover capture` killed while it writes: what was committed is there, and the file says that it is unsealed.

use crate::support::traffic::{Conversation, get, write_pcap};
use crate::support::{cutover, run, scratch};
use ::corpus::exchange::Exchange;
use ::corpus::format::{Bodies, CorpusReader};
use ::corpus::select::Selection;
use std::ffi::OsString;
use std::path::Path;
use std::process::Stdio;

const KILLS: u64 = 50;

/// Numbers that look random and are not.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

/// A capture of some MB; no body is like another, so that the corpus grows all the time.
fn write_capture(path: &Path) {
    let mut numbers = Numbers(7);
    let conversations: Vec<_> = (0..4_u16)
        .map(|connection| {
            let exchanges = (0..60_u64).map(|n| {
                let body: String = (0..800).map(|_| format!("{:016x}", numbers.next())).collect();
                let (request, response) = get(&format!("/items/{n}"), "198.51.100.7", 200, &body);
                (n * 5_000_000 + u64::from(connection) * 1_000_000, request, response)
            });
            Conversation { client_port: 40_000 + connection, exchanges: exchanges.collect() }
        })
        .collect();
    write_pcap(path, &conversations);
}

fn words(capture: &Path, key: &Path, out: &Path) -> Vec<OsString> {
    let mut words: Vec<OsString> = vec!["capture".into(), "--read".into(), capture.into()];
    words.extend(["--redact-key".into(), key.into(), "-q".into(), "--force".into(), "-o".into(), out.into()]);
    words
}

/// Starts a capture and kills it once `len` bytes of its corpus are there; nothing sleeps.
fn kill_at(words: Vec<OsString>, out: &Path, len: u64) {
    let mut command = cutover(words);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the command starts");
    loop {
        let written = std::fs::metadata(out).map_or(0, |metadata| metadata.len());
        if written >= len || child.try_wait().expect("the child is ours").is_some() {
            break;
        }
        std::thread::yield_now();
    }
    // It may have ended by itself meanwhile.
    let _ended_already = child.kill();
    child.wait().expect("the child is ours");
}

fn exchanges(reader: &CorpusReader) -> Vec<Exchange> {
    let items = reader.exchanges(&Selection::all(), Bodies::Load);
    items.map(|item| item.expect("nothing is damaged").exchange).collect()
}

#[test]
fn a_killed_capture_leaves_all_that_was_committed() {
    let folder = scratch();
    let path = |name: &str| folder.path().join(name);
    let (capture, key, out) = (path("c.pcap"), path("key"), path("killed.corpus"));
    write_capture(&capture);
    std::fs::write(&key, "thirty-two bytes of a secret key").expect("the key is written");
    run(words(&capture, &key, &path("whole.corpus"))).exits(0);
    let bytes = std::fs::read(path("whole.corpus")).expect("the corpus is read");
    let whole = exchanges(&CorpusReader::open(&path("whole.corpus")).expect("the corpus opens"));
    assert_eq!(whole.len(), 240);

    let mut numbers = Numbers(42);
    let mut found = Vec::new();
    for _ in 0..KILLS {
        let _first_time = std::fs::remove_file(&out);
        // From the end of the header on: before that there is no corpus yet.
        kill_at(words(&capture, &key, &out), &out, 1000 + numbers.next() % (bytes.len() as u64 - 1000));
        let killed = std::fs::read(&out).expect("the corpus is read");
        assert!(bytes.starts_with(&killed), "what was written is no beginning of the whole");
        let reader = CorpusReader::open(&out).expect("an unsealed corpus opens");
        assert_eq!(reader.seal().is_some(), killed.len() == bytes.len(), "a seal");
        assert_eq!(reader.damage(), []);
        let there = exchanges(&reader);
        assert!(whole.starts_with(&there), "other exchanges than those of the whole run");
        found.push((killed.len(), there.len()));
    }
    found.sort_unstable();
    assert!(found.is_sorted_by_key(|(_, exchanges)| *exchanges), "{found:?}");
    let part = |exchanges: usize| (1..whole.len()).contains(&exchanges);
    assert!(found.iter().any(|(_, exchanges)| part(*exchanges)), "no kill came in the middle: {found:?}");
}
