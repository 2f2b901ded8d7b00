//! A scripted backend: HTTP/1.1 over keep-alive on 127.0.0.1, a thread for each connection, answers by a function.
//!
//! It ends with its owner: the listener and every connection are shut down when it is dropped.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use wire::http1::{BodyDecoder, Framing, Limits, Progress, RequestHead, Strictness, parse_request_head};

/// What a backend does with one request.
pub(crate) enum Answer {
    /// A response with this status, these header lines and this body.
    Response(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// Exactly these bytes, then the connection is closed.
    Raw(Vec<u8>),
    /// The connection is closed without a byte.
    Close,
}

/// A response of JSON.
pub(crate) fn json(status: u16, body: impl Into<String>) -> Answer {
    Answer::Response(status, vec![("Content-Type", "application/json".to_owned())], body.into().into_bytes())
}

/// One request as the backend saw it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// Method.
    pub(crate) method: String,
    /// Target.
    pub(crate) target: String,
}

/// A running backend.
pub(crate) struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

struct Shared {
    answer: Box<dyn Fn(&Seen) -> Answer + Send + Sync>,
    seen: Mutex<Vec<Seen>>,
    connections: Mutex<Vec<TcpStream>>,
    ended: std::sync::atomic::AtomicBool,
}

impl Server {
    /// Starts a backend on a free port.
    pub(crate) fn start(answer: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
        let address = listener.local_addr().expect("a bound listener has an address");
        let shared = Arc::new(Shared {
            answer: Box::new(answer),
            seen: Mutex::default(),
            connections: Mutex::default(),
            ended: false.into(),
        });
        let acceptor = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || accept(&listener, &shared)
        });
        Server { address, shared, acceptor: Some(acceptor) }
    }

    /// Its URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it has seen so far, in the order of arrival.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().expect("no handler panics while it holds the lock").clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.ended.store(true, std::sync::atomic::Ordering::SeqCst);
        // Wakes the acceptor; where that fails the port is gone and so is the acceptor.
        let _ = TcpStream::connect(self.address);
        for connection in self.shared.connections.lock().expect("as above").drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
        self.acceptor.take().map(JoinHandle::join);
    }
}

/// A URL of 127.0.0.1 at which nobody listens.
pub(crate) fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
    format!("http://{}", listener.local_addr().expect("a bound listener has an address"))
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut handlers = Vec::new();
    for stream in listener.incoming() {
        if shared.ended.load(std::sync::atomic::Ordering::SeqCst) {
            break;
        }
        let Ok(stream) = stream else { continue };
        // Without this a response of several writes waits for the peer's delayed acknowledgement.
        let _ = stream.set_nodelay(true);
        if let Ok(copy) = stream.try_clone() {
            shared.connections.lock().expect("as above").push(copy);
        }
        let shared = Arc::clone(shared);
        handlers.push(std::thread::spawn(move || {
            // A connection that the other side ends is no failure of the test's backend.
            let _ = serve(stream, &shared);
        }));
    }
    handlers.into_iter().for_each(|handler| drop(handler.join()));
}

fn serve(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    let mut buffer = Vec::new();
    while let Some(head) = read_request(&mut stream, &mut buffer)? {
        let seen = seen_of(&head);
        shared.seen.lock().expect("as above").push(seen.clone());
        match (shared.answer)(&seen) {
            Answer::Response(status, headers, body) => {
                stream.write_all(&response(status, &headers, &body, seen.method == "HEAD"))?;
            }
            Answer::Raw(bytes) => {
                stream.write_all(&bytes)?;
                return stream.shutdown(Shutdown::Both);
            }
            Answer::Close => return stream.shutdown(Shutdown::Both),
        }
    }
    Ok(())
}

/// The next request's head, its body read and thrown away; `None` where the connection ends.
fn read_request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<Option<RequestHead>> {
    let bad = |error: &dyn std::fmt::Display| io::Error::new(io::ErrorKind::InvalidData, error.to_string());
    let (head, consumed) = loop {
        let parsed = parse_request_head(buffer, Strictness::Strict, &Limits::default());
        match parsed.map_err(|error| bad(&error))? {
            Progress::Done(parsed) => break (parsed.head, parsed.consumed),
            Progress::NeedMore if !fill(stream, buffer)? => return Ok(None),
            Progress::NeedMore => {}
        }
    };
    buffer.drain(..consumed);
    let framing = Framing::of_request(&head.as_ref(), Strictness::Strict).map_err(|error| bad(&error))?;
    let mut decoder = BodyDecoder::new(framing.body, Strictness::Strict);
    while !decoder.is_done() {
        let step = decoder.decode(buffer).map_err(|error| bad(&error))?;
        buffer.drain(..step.consumed);
        if !decoder.is_done() && step.consumed == 0 && !fill(stream, buffer)? {
            return Ok(None);
        }
    }
    Ok(Some(head))
}

fn fill(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<bool> {
    let mut piece = [0; 4096];
    let read = stream.read(&mut piece)?;
    buffer.extend_from_slice(&piece[..read]);
    Ok(read > 0)
}

fn seen_of(head: &RequestHead) -> Seen {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Seen { method: text(head.method.as_bytes()), target: text(&head.target) }
}

fn response(status: u16, headers: &[(&'static str, String)], body: &[u8], head_only: bool) -> Vec<u8> {
    let mut bytes = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n", body.len()).into_bytes();
    headers.iter().for_each(|(name, value)| bytes.extend(format!("{name}: {value}\r\n").bytes()));
    bytes.extend_from_slice(b"\r\n");
    if !head_only {
        bytes.extend_from_slice(body);
    }
    bytes
}
