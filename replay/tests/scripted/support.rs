//! Small corpora, servers that do as they are told, and the stories that join them.

use corpus::digest::DigestKey;
use corpus::exchange::{Exchange, Span};
use corpus::ids::{ConnectionId, ExchangeId, SessionId};
use corpus::ledger::Ledger;
use corpus::manifest::{CorpusHeader, CorpusSeal, RedactionInfo, Sampling, SessionBy};
use corpus::message::{Body, Protocol, Request, Response};
use corpus::run::{Joined, Role};
use corpus::time::CaptureTime;
use corpus::units::Fraction;
use corpus::{CorpusWriter, Overwrite, RunReader};
use replay::{Baseline, Config, RunSummary, StopHandle, Target, Unobserved};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use wire::http1::Headers;

/// One recorded request: session, connection, milliseconds from the start, target.
pub(crate) struct Recorded(pub(crate) u64, pub(crate) u64, pub(crate) u64, pub(crate) String);

/// `count` requests of `sessions` sessions, each on a connection of its own, `gap` milliseconds apart.
pub(crate) fn evenly(count: u64, sessions: u64, gap: u64) -> Vec<Recorded> {
    (0..count)
        .map(|n| Recorded(n % sessions, n % sessions, n * gap, format!("/{}/{n}", n % sessions)))
        .collect()
}

fn exchange(index: u64, recorded: &Recorded) -> Exchange {
    let at = CaptureTime(1_700_000_000_000_000_000 + recorded.2 * 1_000_000);
    let fields: [(&str, &str); 2] = [("Host", "shop.example"), ("Accept", "*/*")];
    Exchange {
        id: ExchangeId(index + 1),
        connection: ConnectionId(recorded.1),
        session: SessionId(recorded.0),
        request_time: Span { first: at, last: at },
        request: Request {
            protocol: Protocol::Http11,
            method: b"GET".to_vec(),
            target: recorded.3.clone().into_bytes(),
            headers: fields.into_iter().collect(),
            body: Body::default(),
            malformed: None,
        },
        response_time: Some(Span { first: at, last: at }),
        response: Some(Response {
            protocol: Protocol::Http11,
            status: 200,
            headers: Headers::new(),
            interim: Vec::new(),
            body: Body { bytes: "recorded".into(), wire_len: 8, ..Body::default() },
            malformed: None,
        }),
        incomplete: Vec::new(),
    }
}

/// A replay of a small corpus at scripted servers, and a folder for its files.
pub(crate) struct Story {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) config: Config,
}

impl Story {
    /// All of `recorded` at the two servers, without repeats, with a deadline that a busy machine keeps.
    pub(crate) fn new(recorded: &[Recorded], baseline: &Server, candidate: &Server) -> Story {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("small.corpus");
        let header = CorpusHeader {
            tool_version: "0".to_owned(),
            represents: Fraction::ONE,
            sampling: Sampling { rule: "all".to_owned(), fraction: Fraction::ONE },
            session_by: SessionBy::Default,
            redaction: RedactionInfo::default(),
        };
        let key = DigestKey::from_bytes([1; 32]);
        let mut writer = CorpusWriter::create(&file, &header, &key, Overwrite::Refuse).unwrap();
        for (index, one) in recorded.iter().enumerate() {
            writer.append(&exchange(index as u64, one)).unwrap();
        }
        writer.seal(CorpusSeal { window: None, ledger: Ledger::default() }).unwrap();
        let mut config = Config::new(
            file,
            folder.path().join("out.run"),
            Baseline::Backend(Target::new(baseline.url())),
            Target::new(candidate.url()),
        );
        config.noise_share = Fraction::new(0.0).unwrap();
        config.deadline = Duration::from_secs(20);
        Story { folder, config }
    }

    /// Runs it and checks what must hold in every run.
    pub(crate) fn run(&self) -> Told {
        self.run_until(&StopHandle::new())
    }

    pub(crate) fn run_until(&self, stop: &StopHandle) -> Told {
        let summary = replay::run(self.config.clone(), &mut Unobserved, stop).unwrap();
        let reader = RunReader::open(&self.config.output).unwrap();
        assert_eq!(reader.seal(), Some(&summary.seal));
        let joined: Vec<Joined> = reader.joined().map(Result::unwrap).collect();
        for one in &joined {
            assert_eq!(one.outcomes.len(), one.planned.arms.len(), "one outcome for each arm");
        }
        for backend in &summary.seal.accounting {
            assert!(backend.balances(), "{backend:?}");
            let due = joined.iter().flat_map(|one| &one.planned.arms).filter(|arm| arm.role == backend.role);
            assert_eq!(backend.planned, due.count() as u64);
        }
        Told { summary, joined }
    }
}

/// What came of a story.
pub(crate) struct Told {
    pub(crate) summary: RunSummary,
    pub(crate) joined: Vec<Joined>,
}

impl Told {
    /// `responses`, failures and requests not sent of one backend, as one line.
    pub(crate) fn of(&self, role: Role) -> String {
        let books = self.summary.seal.accounting.iter().find(|books| books.role == role).unwrap();
        let failures = books.failures.iter().map(|(kind, count)| format!(" {count} {}", kind.name()));
        let not_sent = books.not_sent.iter().map(|(why, count)| format!(" {count} {}", why.name()));
        let rest: String = failures.chain(not_sent).collect();
        format!("{} of {}{rest}", books.responses, books.planned)
    }
}

/// What a server does with a request.
#[derive(Clone)]
pub(crate) enum Act {
    /// These bytes, and the connection stays open.
    Say(Vec<u8>),
    /// These bytes, and the connection is closed.
    SayAndClose(Vec<u8>),
    /// These bytes in pieces of one.
    Trickle(Vec<u8>),
    /// Nothing, until the client gives up.
    Hang,
    /// A reset.
    Reset,
}

impl Act {
    /// A small whole response.
    pub(crate) fn ok() -> Act {
        Act::Say(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_vec())
    }

    pub(crate) fn say(text: &str) -> Act {
        Act::Say(text.replace('|', "\r\n").into_bytes())
    }

    pub(crate) fn say_and_close(text: &str) -> Act {
        Act::SayAndClose(text.replace('|', "\r\n").into_bytes())
    }
}

/// A request as a server saw it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) connection: usize,
    pub(crate) target: String,
    pub(crate) head: String,
}

/// A server on a port of its own.
pub(crate) struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    connections: Arc<AtomicUsize>,
}

impl Server {
    /// Does for each request what `script` says; it gets the count of requests before on the connection.
    pub(crate) fn start(script: impl Fn(&Seen, usize) -> Act + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, connections) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
        let (log, count, script) = (seen.clone(), connections.clone(), Arc::new(script));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let connection = count.fetch_add(1, Ordering::SeqCst);
                let (log, script) = (log.clone(), script.clone());
                std::thread::spawn(move || serve(stream, connection, &log, script.as_ref()));
            }
        });
        Server { address, seen, connections }
    }

    pub(crate) fn ok() -> Server {
        Server::start(|_, _| Act::ok())
    }

    /// Nobody listens here.
    pub(crate) fn refusing() -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        Server { address, seen: Arc::default(), connections: Arc::default() }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

fn serve(
    mut stream: TcpStream,
    connection: usize,
    log: &Mutex<Vec<Seen>>,
    script: &(impl Fn(&Seen, usize) -> Act + ?Sized),
) {
    let mut served = 0;
    drop(stream.set_nodelay(true));
    while let Some(head) = read_head(&mut stream) {
        let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
        let seen = Seen { connection, target, head };
        log.lock().unwrap().push(seen.clone());
        match script(&seen, served) {
            Act::Say(bytes) => drop(stream.write_all(&bytes)),
            Act::SayAndClose(bytes) => {
                drop(stream.write_all(&bytes));
                return;
            }
            Act::Trickle(bytes) => bytes.chunks(1).for_each(|piece| drop(stream.write_all(piece))),
            Act::Hang => drop(stream.read(&mut [0; 1])),
            Act::Reset => {
                // Unread bytes in the receive buffer make the kernel reset instead of close.
                return reset(&stream);
            }
        }
        served += 1;
    }
}

fn reset(stream: &TcpStream) {
    let linger = libc::linger { l_onoff: 1, l_linger: 0 };
    reset_on_close(stream, &linger);
}

#[expect(unsafe_code, reason = "std cannot set SO_LINGER on stable")]
fn reset_on_close(stream: &TcpStream, linger: &libc::linger) {
    use std::os::fd::AsRawFd;
    let size = libc::socklen_t::try_from(size_of::<libc::linger>()).unwrap();
    // SAFETY: the descriptor is open, and the pointer and size are those of a live linger value.
    unsafe {
        libc::setsockopt(
            stream.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_LINGER,
            std::ptr::from_ref(linger).cast(),
            size,
        )
    };
}

fn read_head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return None,
        }
    }
    Some(String::from_utf8_lossy(&head).into_owned())
}
