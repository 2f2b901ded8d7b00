//! The walk over canary steps, against servers that answer from a script.

use crate::support::{Ran, run, scratch};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};

/// A server that answers every request with one status and body, until the test's process ends.
fn server(status: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || answer(stream, status));
        }
    });
    address
}

/// Reads heads of requests without bodies and answers each.
fn answer(mut stream: TcpStream, status: &str) {
    let Ok(reading) = stream.try_clone() else { return };
    let mut lines = BufReader::new(reading).lines();
    let mut head = 0;
    let mut method = String::new();
    while let Some(Ok(line)) = lines.next() {
        if head == 0 {
            method = line.split(' ').next().unwrap_or_default().to_owned();
        }
        head += 1;
        if !line.is_empty() {
            continue;
        }
        head = 0;
        let body = if method == "HEAD" { "" } else { "{}" };
        let text =
            format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{body}");
        if stream.write_all(text.as_bytes()).is_err() {
            return;
        }
    }
}

/// An address where nobody listens.
fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// A folder with a corpus and a configuration for these backends.
struct Story {
    folder: tempfile::TempDir,
}

impl Story {
    fn new(baseline: &str, candidate: &str, canary: &str) -> Story {
        let folder = scratch();
        let capture = Path::new(env!("CARGO_MANIFEST_DIR")).join("demo/legacy.pcap");
        let corpus = folder.path().join("a.corpus");
        run(["capture".as_ref(), "--read".as_ref(), capture.as_os_str(), "-o".as_ref(), corpus.as_os_str()])
            .exits(0);
        let config = format!(
            "[backends]\nbaseline = \"{baseline}\"\ncandidate = \"{candidate}\"\n[corpus]\nfile = \"a.corpus\"\n{canary}"
        );
        std::fs::write(folder.path().join("cutover.toml"), config).unwrap();
        Story { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn walk(&self, options: &[&str]) -> Ran {
        let config = self.path("cutover.toml");
        run(["canary".as_ref(), config.as_os_str()]
            .into_iter()
            .chain(options.iter().map(|option| option.as_ref())))
    }

    fn index(&self) -> serde_json::Value {
        serde_json::from_slice(&std::fs::read(self.path("canary/index.json")).unwrap()).unwrap()
    }
}

const SHORT: &str = "[canary]\nsteps = [50, 100]\nwindow = \"2s\"\nmax_window = \"2s\"\n";

#[test]
fn a_candidate_that_is_down_is_no_go_and_stops_the_walk() {
    let story = Story::new(&format!("http://{}", server("200 OK")), &format!("http://{}", nobody()), SHORT);
    let ran = story.walk(&[]).exits(10);
    assert!(ran.stdout.contains("100 %  not walked"), "{ran:?}");
    assert!(ran.stderr.contains("what gates, fixed now"), "{ran:?}");
    let index = story.index();
    assert_eq!(index["verdict"], "no-go");
    assert_eq!(index["ended"], "stopped_at_step");
    for file in [
        "index.html",
        "step-050/report.html",
        "step-050/report.json",
        "step-050/junit.xml",
        "step-050/report.md",
    ] {
        assert!(story.path("canary").join(file).is_file(), "{file}");
    }
    assert!(!story.path("canary/step-100").exists());
}

#[test]
fn keep_going_walks_every_step_and_force_replaces_an_earlier_walk() {
    let story = Story::new(&format!("http://{}", server("200 OK")), &format!("http://{}", nobody()), SHORT);
    let index = story.walk(&["--keep-going", "--json"]).exits(10).json();
    assert_eq!(index["steps"].as_array().map(Vec::len), Some(2));
    assert!(story.path("canary/step-100/report.html").is_file());
    let refused = story.walk(&[]).exits(2);
    assert!(refused.stderr.contains("--force"), "{refused:?}");
    story.walk(&["--force"]).exits(10);
    assert!(!story.path("canary/step-100").exists(), "a stale step is gone");
}

#[test]
fn equal_refusals_on_both_sides_are_never_go() {
    let refuses = format!("http://{}", server("401 Unauthorized"));
    let story = Story::new(&refuses, &format!("http://{}", server("401 Unauthorized")), SHORT);
    let ran = story.walk(&[]).exits(20);
    assert!(ran.stderr.contains("baseline_unlike_recording"), "{ran:?}");
}

#[test]
fn dead_baselines_are_never_go() {
    let story = Story::new(&format!("http://{}", nobody()), &format!("http://{}", nobody()), SHORT);
    story.walk(&[]).exits(20);
}

#[test]
fn what_cannot_be_meant_is_a_usage_error() {
    let alive = format!("http://{}", server("200 OK"));
    let check = |candidate: &str, canary: &str, expected: &str| {
        let story = Story::new(&alive, candidate, canary);
        let ran = story.walk(&[]).exits(2);
        assert!(!story.path("canary").exists(), "nothing is left to be forced: {ran:?}");
        assert!(ran.stderr.contains(expected), "{expected:?} in {ran:?}");
    };
    check(&alive, "[canary]\nstep = 5\n", "step");
    check(&alive, "[canary]\nsteps = [50, 5]\n", "steps ascend");
    check(&alive, "[canray]\n", "canray");
    check("http://no-such-host.invalid:1", SHORT, "no-such-host.invalid");
    check(&alive, &format!("{SHORT}[policy]\ncritical = [\"GET /ordres\"]\n"), "GET /ordres");
    let missing = run(["canary", "nowhere/cutover.toml"]).exits(2);
    assert!(missing.stderr.contains("nowhere/cutover.toml"), "{missing:?}");
}
