//! Bad input: each gets a clear error or a counted, named loss. Nothing panics, nothing is overwritten unasked.

use crate::support::{Ran, data, run, scratch};
use std::fs;
use std::path::{Path, PathBuf};

/// A small real capture as a corpus in `folder`, or `None` where outside data is missing.
fn small_corpus(folder: &Path) -> Option<PathBuf> {
    let capture = data("captures/workshop-browse.pcap")?;
    let corpus = folder.join("small.corpus");
    capture_to(&capture, &corpus).exits(0);
    Some(corpus)
}

fn capture_to(capture: &Path, corpus: &Path) -> Ran {
    run(["capture", "--json", "--read", text(capture), "-o", text(corpus)])
}

fn text(path: &Path) -> &str {
    path.to_str().expect("scratch paths are UTF-8")
}

/// Asserts that an error was told in one sentence, without a panic, and that the code is one of ours.
fn check_told(ran: &Ran, code: i32, words: &[&str]) {
    assert_eq!(ran.code, code, "{ran:?}");
    assert!(ran.stderr.starts_with("error: "), "{ran:?}");
    assert!(!ran.stderr.contains("panicked"), "{ran:?}");
    for word in words {
        assert!(ran.stderr.contains(word), "{word:?} is not told: {ran:?}");
    }
}

#[test]
fn a_capture_that_is_none() {
    let folder = scratch();
    let corpus = folder.path().join("out.corpus");
    for (name, content) in
        [("empty.pcap", &b""[..]), ("text.pcap", &b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"[..])]
    {
        let capture = folder.path().join(name);
        fs::write(&capture, content).expect("a scratch file can be written");
        check_told(&capture_to(&capture, &corpus), 1, &[name]);
        assert!(!corpus.exists(), "a capture that cannot be read leaves no corpus");
    }
    check_told(&capture_to(&folder.path().join("missing.pcap"), &corpus), 1, &["missing.pcap"]);
}

#[test]
fn a_capture_that_is_cut_is_read_to_the_cut_and_says_so() {
    let Some(capture) = data("captures/workshop-browse.pcap") else { return };
    let folder = scratch();
    let cut = folder.path().join("cut.pcap");
    let whole = fs::read(capture).expect("outside data can be read");
    fs::write(&cut, &whole[..whole.len() - 100]).expect("a scratch file can be written");
    let ledger = capture_to(&cut, &folder.path().join("cut.corpus")).exits(0).json();
    assert!(ledger["input_error"].is_string(), "{ledger}");
    assert_eq!(ledger["packets"], 119, "{ledger}");
}

#[test]
fn nothing_is_overwritten_unasked() {
    let folder = scratch();
    let Some(corpus) = small_corpus(folder.path()) else { return };
    let before = fs::read(&corpus).expect("the corpus was just written");
    let capture = data("captures/100-continue.pcap").expect("outside data was there a moment ago");
    let again = capture_to(&capture, &corpus);
    check_told(&again, 1, &["small.corpus", "--force"]);
    assert_eq!(fs::read(&corpus).expect("still there"), before);
    run(["capture", "--read", text(&capture), "-o", text(&corpus), "--force"]).exits(0);
    assert_ne!(fs::read(&corpus).expect("written anew"), before);
}

#[test]
fn a_corpus_that_is_none() {
    let folder = scratch();
    let file = folder.path().join("not.corpus");
    for content in [&b""[..], &b"{}"[..], &[0u8; 4096][..]] {
        fs::write(&file, content).expect("a scratch file can be written");
        let replay =
            ["replay", text(&file), "--baseline", "http://127.0.0.1:9", "--candidate", "http://127.0.0.1:9"];
        let out = folder.path().join("x.run");
        for command in [
            vec!["corpus", "info", text(&file)],
            vec!["corpus", "cat", text(&file)],
            vec!["corpus", "verify", text(&file)],
            [&replay[..], &["-o", text(&out)]].concat(),
            vec!["report", text(&file)],
        ] {
            check_told(&run(command), 1, &["not.corpus"]);
        }
    }
}

#[test]
fn an_output_that_cannot_be_written() {
    let folder = scratch();
    let Some(corpus) = small_corpus(folder.path()) else { return };
    let nowhere = folder.path().join("no/such/folder/out");
    let packed = run(["corpus", "pack", text(&corpus), "-o", text(&nowhere)]);
    check_told(&packed, 1, &["no/such/folder"]);
    let full = run(["corpus", "pack", text(&corpus), "-o", "/dev/full", "--force"]);
    check_told(&full, 1, &["/dev/full"]);
}

#[test]
fn a_truncated_corpus_is_read_to_the_cut_and_says_so() {
    let folder = scratch();
    let Some(corpus) = small_corpus(folder.path()) else { return };
    let whole = fs::read(&corpus).expect("the corpus was just written");
    fs::write(&corpus, &whole[..whole.len() - 7]).expect("a scratch file can be written");
    let verify = run(["corpus", "verify", text(&corpus)]).exits(1);
    assert!(!verify.stderr.contains("panicked"), "{verify:?}");
    let cat = run(["corpus", "cat", text(&corpus), "--json"]);
    assert!(cat.stdout.lines().count() <= 17, "{cat:?}");
}

#[test]
fn words_that_are_wrong_are_usage() {
    let folder = scratch();
    let Some(corpus) = small_corpus(folder.path()) else { return };
    let out = folder.path().join("x.run");
    let replay = |more: &[&str]| run([&["replay", text(&corpus), "-o", text(&out)], more].concat());
    let both = ["--baseline", "http://127.0.0.1:9", "--candidate", "http://127.0.0.1:9"];
    for wrong in [
        replay(&[]),
        replay(&["--baseline", "nonsense", "--candidate", "http://127.0.0.1:9"]),
        replay(&["--baseline", "http://192.0.2.1", "--candidate", "http://127.0.0.1:9"]),
        replay(&[&both[..], &["--percent", "25", "--rate", "5/s"]].concat()),
        replay(&[&both[..], &["--percent", "0"]].concat()),
        replay(&[&both[..], &["--header", "Authorization=env:CUTOVER_TEST_NO_SUCH_VARIABLE"]].concat()),
        run(["canary", "no-such.toml"]),
        run(["no-such-command"]),
    ] {
        assert_eq!(wrong.code, 2, "{wrong:?}");
        assert!(!out.exists(), "nothing is written when the words are wrong: {wrong:?}");
    }
}

#[test]
fn a_policy_with_an_unknown_key_is_usage() {
    let folder = scratch();
    let policy = folder.path().join("cutover.toml");
    fs::write(&policy, "[policy]\nmargin_of_p50 = 3\n").expect("a scratch file can be written");
    let ran = run(["report", text(&folder.path().join("x.run")), "--policy", text(&policy)]);
    check_told(&ran, 2, &["margin_of_p50", "cutover.toml"]);
}
