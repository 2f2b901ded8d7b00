//! Replays by the command line: what it prints, how it ends, what a kill or a signal leaves, and a real server's own log.

use crate::support::{Ran, cutover, program, run, scratch};
use corpus::RunReader;
use corpus::run::RunEnd;
use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A server that answers everything and knows when it did.
struct Server {
    address: SocketAddr,
    answered: Arc<Mutex<Vec<Instant>>>,
}

impl Server {
    fn start() -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let answered = Arc::new(Mutex::new(Vec::new()));
        let log = answered.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let log = log.clone();
                std::thread::spawn(move || answer(stream, &log));
            }
        });
        Server { address, answered }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn count(&self) -> usize {
        self.answered.lock().unwrap().len()
    }

    fn count_before(&self, moment: Instant) -> usize {
        self.answered.lock().unwrap().iter().filter(|at| **at < moment).count()
    }
}

fn answer(mut stream: TcpStream, log: &Mutex<Vec<Instant>>) {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    while let Ok(read @ 1..) = stream.read(&mut piece) {
        bytes.extend_from_slice(&piece[..read]);
        while let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head: Vec<u8> = bytes.drain(..end + 4).collect();
            let body: &[u8] = if head.starts_with(b"HEAD") { b"" } else { b"{}" };
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
            let _ = stream.write_all(body);
            log.lock().unwrap().push(Instant::now());
        }
    }
}

/// The shipped capture as a corpus.
fn demo_corpus(folder: &Path) -> PathBuf {
    let capture = Path::new(env!("CARGO_MANIFEST_DIR")).join("demo/legacy.pcap");
    let corpus = folder.join("a.corpus");
    let words = ["capture", "--read", capture.to_str().unwrap(), "-o", corpus.to_str().unwrap(), "-q"];
    run(words).exits(0);
    corpus
}

/// Words of a replay at two servers.
fn words(corpus: &Path, run: &Path, baseline: &str, candidate: &str, more: &[&str]) -> Vec<String> {
    let fixed = ["replay", corpus.to_str().unwrap(), "--baseline", baseline, "--candidate", candidate, "-o"];
    let all = fixed.into_iter().chain([run.to_str().unwrap()]).chain(more.iter().copied());
    all.map(str::to_owned).collect()
}

fn start(words: &[String]) -> Child {
    cutover(words).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn json_has_its_names_and_the_books_balance() {
    let folder = scratch();
    let corpus = demo_corpus(folder.path());
    let (baseline, candidate) = (Server::start(), Server::start());
    let out = folder.path().join("a.run");
    let more = ["--rate", "200/s", "--duration", "2s", "--json", "--noise-share", "10%"];
    let told = run(words(&corpus, &out, &baseline.url(), &candidate.url(), &more)).exits(0).json();
    let backends = told["backends"].as_array().unwrap();
    assert_eq!(backends.len(), 2);
    for backend in backends {
        let sum = |key: &str| {
            backend[key].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum::<u64>()
        };
        let count = |key: &str| backend[key].as_u64().unwrap();
        assert_eq!(count("planned"), count("sent") + sum("not_sent"));
        assert_eq!(count("sent"), count("responses") + sum("failures"));
        for times in ["latency_us", "service_us", "blocked_us", "lateness_us"] {
            for quantile in ["p50", "p90", "p99", "p999", "max"] {
                assert!(backend[times].get(quantile).is_some(), "{times} {quantile}");
            }
        }
        assert!(backend["latency_us"]["p50"].is_u64() && backend["url"].is_string());
    }
    let planned = backends[0]["planned"].as_u64().unwrap();
    assert!((380..=500).contains(&planned), "{planned}");
    run(words(&corpus, &out, &baseline.url(), &candidate.url(), &["--duration", "100ms"])).exits(1);
}

fn check_refused(more: &[&str], baseline: &str, said: &str) {
    let folder = scratch();
    let corpus = demo_corpus(folder.path());
    let out = folder.path().join("a.run");
    let Ran { code, stderr, .. } = run(words(&corpus, &out, baseline, "http://127.0.0.1:9", more));
    assert_eq!(code, 2, "{stderr}");
    assert!(stderr.contains(said), "{stderr}");
    assert!(!out.exists(), "nothing is written for words that are refused");
}

#[test]
fn wrong_words_are_refused() {
    check_refused(&[], "http://8.8.8.8", "public");
    check_refused(&[], "http://nowhere.invalid", "resolve nowhere.invalid");
    check_refused(&[], "127.0.0.1:80", "expected http://");
    check_refused(&["--percent", "5", "--speed", "2x"], "http://127.0.0.1:9", "cannot be used with");
    check_refused(
        &["--header", "Authorization=env:CUTOVER_NOT_SET"],
        "http://127.0.0.1:9",
        "CUTOVER_NOT_SET",
    );
    check_refused(&["--header", "Content-Length=1"], "http://127.0.0.1:9", "itself");
}

#[test]
fn secrets_reach_the_backend_and_nothing_else() {
    let folder = scratch();
    let corpus = demo_corpus(folder.path());
    let server = Server::start();
    let out = folder.path().join("a.run");
    let more = ["--duration", "300ms", "--header", "Authorization=env:CUTOVER_TEST_TOKEN", "-vvv"];
    let mut command = cutover(words(&corpus, &out, &server.url(), &server.url(), &more));
    let output = command.env("CUTOVER_TEST_TOKEN", "Bearer zebra-4711").output().unwrap();
    assert!(output.status.success());
    let all = [output.stdout, output.stderr, std::fs::read(&out).unwrap()].concat();
    assert!(!all.windows(10).any(|window| window == b"zebra-4711"));
    let header = RunReader::open(&out).unwrap().header().clone();
    assert_eq!(header.backends[0].headers_set, ["Authorization"]);
}

#[test]
fn a_signal_ends_it_soon_and_leaves_a_sealed_run() {
    let folder = scratch();
    let corpus = demo_corpus(folder.path());
    let server = Server::start();
    let out = folder.path().join("a.run");
    let mut child =
        start(&words(&corpus, &out, &server.url(), &server.url(), &["--rate", "300/s", "--duration", "1m"]));
    while server.count() < 50 {
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        std::thread::yield_now();
    }
    let signalled = Instant::now();
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let status = child.wait().unwrap();
    let took = signalled.elapsed();
    assert_eq!(status.code(), Some(0));
    assert!(took < Duration::from_secs(3), "{took:?}");
    let late = server.count() - server.count_before(signalled + Duration::from_millis(500));
    assert_eq!(late, 0, "requests more than half a second after the signal");
    let reader = RunReader::open(&out).unwrap();
    assert_eq!(reader.seal().and_then(|seal| seal.ended), Some(RunEnd::Interrupted));
    assert!(
        reader.joined().all(|joined| joined.is_ok_and(|one| one.outcomes.len() == one.planned.arms.len()))
    );
}

/// Replays, kills after `moment`, and reads what is left.
fn kill_after(corpus: &Path, out: &Path, moment: Duration) {
    let server = Server::start();
    let more = ["--rate", "200/s", "--duration", "1m", "--noise-share", "0", "-q"];
    let mut child = start(&words(corpus, out, &server.url(), &server.url(), &more));
    while server.count() == 0 {
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        std::thread::yield_now();
    }
    let until = Instant::now() + moment;
    while let Some(left) = until.checked_duration_since(Instant::now()) {
        std::thread::park_timeout(left);
    }
    child.kill().unwrap();
    let killed = Instant::now();
    child.wait().unwrap();
    let reader = RunReader::open(out).unwrap();
    assert!(reader.seal().is_none(), "a killed run says that it is partial");
    let outcomes: usize = reader.joined().map(|joined| joined.unwrap().outcomes.len()).sum();
    // Committed is what is older than a second; the rest is the recorder's own step and a busy machine.
    let due = killed.checked_sub(Duration::from_millis(1500)).map_or(0, |before| server.count_before(before));
    assert!(outcomes >= due, "{outcomes} outcomes of {due} that were committed, after {moment:?}");
}

#[test]
fn a_kill_at_any_moment_leaves_what_was_committed() {
    let folder = scratch();
    let corpus = demo_corpus(folder.path());
    std::thread::scope(|scope| {
        for lane in 0..10_u64 {
            let (corpus, folder) = (&corpus, folder.path());
            scope.spawn(move || {
                for turn in 0..5_u64 {
                    let moment = Duration::from_millis((lane * 379 + turn * 911) % 2300);
                    kill_after(corpus, &folder.join(format!("{lane}-{turn}.run")), moment);
                }
            });
        }
    });
}

/// An nginx with a log of its own; ends when dropped.
struct Nginx {
    child: Child,
    log: PathBuf,
    url: String,
}

impl Nginx {
    fn start(nginx: &Path, folder: &Path, name: &str) -> Nginx {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let place = folder.join(name);
        std::fs::create_dir_all(&place).unwrap();
        let root = place.display();
        let config = format!(
            "daemon off; worker_processes 1; pid {root}/pid; error_log {root}/error.log;
            events {{ worker_connections 2048; }}
            http {{
              client_body_temp_path {root}/a; proxy_temp_path {root}/b; fastcgi_temp_path {root}/c;
              uwsgi_temp_path {root}/d; scgi_temp_path {root}/e;
              log_format plain '$request_method $request_uri'; access_log {root}/access.log plain;
              server {{ listen 127.0.0.1:{port}; location / {{ return 200 'hello'; }} }}
            }}"
        );
        let file = place.join("nginx.conf");
        std::fs::write(&file, config).unwrap();
        let quiet =
            |command: &mut Command| command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let child = quiet(Command::new(nginx).arg("-e").arg(place.join("error.log")).arg("-c").arg(&file));
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            std::thread::yield_now();
        }
        Nginx { child, log: place.join("access.log"), url: format!("http://127.0.0.1:{port}") }
    }

    /// Ends it, and its log with it.
    fn log(mut self) -> Vec<String> {
        let quit = Command::new("kill").args(["-QUIT", &self.child.id().to_string()]).status();
        assert!(quit.unwrap().success());
        self.child.wait().unwrap();
        std::fs::read_to_string(&self.log).unwrap().lines().map(str::to_owned).collect()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Ended already where its log was read.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn every_planned_request_is_in_nginx_own_log_once_and_in_order() {
    let Some(nginx) = program("nginx") else { return };
    let folder = scratch();
    let corpus = demo_corpus(folder.path());
    let (baseline, candidate) =
        (Nginx::start(&nginx, folder.path(), "baseline"), Nginx::start(&nginx, folder.path(), "candidate"));
    let out = folder.path().join("a.run");
    let more = ["--speed", "10x", "--noise-share", "0", "-q"];
    run(words(&corpus, &out, &baseline.url, &candidate.url, &more)).exits(0);
    let reader = RunReader::open(&out).unwrap();
    let mut planned: Vec<_> = reader.joined().map(|joined| joined.unwrap().planned).collect();
    planned.sort_by_key(|one| one.seq);
    assert!(planned.len() > 100, "{}", planned.len());
    for log in [baseline.log(), candidate.log()] {
        let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
        log.iter().enumerate().for_each(|(place, line)| places.entry(line).or_default().push(place));
        assert_eq!(log.len(), planned.len());
        let line = |one: &corpus::run::Planned| {
            format!("{} {}", String::from_utf8_lossy(&one.method), String::from_utf8_lossy(&one.target))
        };
        let mut counts: HashMap<String, usize> = HashMap::new();
        planned.iter().for_each(|one| *counts.entry(line(one)).or_default() += 1);
        assert!(
            counts
                .iter()
                .all(|(line, count)| places.get(line.as_str()).is_some_and(|all| all.len() == *count))
        );
        let mut last: HashMap<_, usize> = HashMap::new();
        for one in &planned {
            let after = last.get(&one.session).copied();
            let line = line(one);
            let next = places[line.as_str()].iter().find(|place| after.is_none_or(|after| **place > after));
            last.insert(
                one.session,
                *next.unwrap_or_else(|| panic!("{line} is not in the order of its session")),
            );
        }
    }
}
