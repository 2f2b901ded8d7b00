//! One instance of the demo's API on a loopback port, on a thread and runtime of its own.
//!
//! Latencies are drawn from one log-normal distribution whatever the build, so that a good candidate
//! differs from the legacy by chance alone.

use super::draw::Draw;
use super::faults::{self, Capacity};
use super::shop::{self, Answer, Build, Call, Noise, Route};
use bytes::Bytes;
use corpus::time::CaptureTime;
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
    IF_NONE_MATCH, VARY,
};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::io::{self, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// Median of the time that an answer takes, before the timer's rounding.
const MEDIAN_MS: f64 = 8.0;
/// Spread of its logarithm: p95 is about 14 ms, p99 about 18 ms. A busy machine adds a few milliseconds of its own,
/// which must stay small beside these.
const SPREAD: f64 = 0.35;
/// The longest answer, so that one draw cannot decide a quantile.
const SLOWEST_MS: f64 = 40.0;
/// Bodies of requests beyond this are refused.
const BODY_LIMIT: usize = 64 * 1024;
/// Bodies from this length are compressed for clients that accept gzip: all but errors, so that no planted fault
/// moves a body across the limit.
const GZIP_FROM: usize = 100;
/// Pieces of a chunked answer.
const CHUNK: usize = 256;

/// A running instance. Ends when dropped.
#[derive(Debug)]
pub(crate) struct Backend {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Backend {
    /// Starts an instance on a free port of 127.0.0.1, or on `port` where it is not 0.
    ///
    /// # Errors
    /// Where the port cannot be listened on, or the thread or its runtime cannot be made.
    pub(crate) fn start(build: Build, port: u16) -> io::Result<Backend> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name(format!("demo-{build:?}")).spawn(move || {
            if let Err(error) = runtime.block_on(serve(listener, build, stopped)) {
                tracing::error!(%error, "the demo's backend ended");
            }
        })?;
        Ok(Backend { address, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // Fails only where the thread has ended already.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            // A panic there was printed by the thread itself.
            let _ = thread.join();
        }
    }
}

async fn serve(listener: TcpListener, build: Build, mut stopped: oneshot::Receiver<()>) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let instance = Arc::new(Instance::new(build, listener.local_addr()?));
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut stopped => return Ok(()),
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept() => {
                let (stream, _) = accepted?;
                stream.set_nodelay(true)?;
                connections.spawn(converse(stream, Arc::clone(&instance)));
            }
        }
    }
}

async fn converse(stream: tokio::net::TcpStream, instance: Arc<Instance>) {
    let service = hyper::service::service_fn(move |request| {
        let instance = Arc::clone(&instance);
        async move { Ok::<_, Infallible>(instance.answer(request).await) }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a connection of the demo's backend ended");
    }
}

/// What the connections of one instance share. One thread runs them all: the locks are never contended.
#[derive(Debug)]
struct Instance {
    build: Build,
    draw: Mutex<Draw>,
    capacity: Mutex<Capacity>,
}

impl Instance {
    fn new(build: Build, address: SocketAddr) -> Instance {
        let draw = Mutex::new(Draw::of(u64::from(address.port()), build as u64));
        Instance { build, draw, capacity: Mutex::default() }
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Pieces> {
        let (head, body) = request.into_parts();
        let Ok(body) = Limited::new(body, BODY_LIMIT).collect().await else {
            return plain(StatusCode::PAYLOAD_TOO_LARGE);
        };
        let body = body.to_bytes();
        let mut draw = Draw::new(self.draw.lock().expect("no holder of the lock panics").bits());
        let refused = self.build == Build::Bad
            && self.capacity.lock().expect("no holder of the lock panics").refuses(Instant::now());
        if refused {
            return plain(StatusCode::SERVICE_UNAVAILABLE);
        }
        let call = Call {
            method: head.method.as_str(),
            path: head.uri.path(),
            query: head.uri.query().unwrap_or(""),
            if_none_match: text_of(&head.headers, IF_NONE_MATCH),
            authorization: text_of(&head.headers, AUTHORIZATION),
            body: &body,
        };
        let mut noise = Noise { now: now(), draw };
        let answer = shop::answer(self.build, &call, &mut noise);
        draw = noise.draw;
        tokio::time::sleep(self.cost(answer.route, &mut draw)).await;
        render(answer, &head.headers, &mut draw)
    }

    fn cost(&self, route: Route, draw: &mut Draw) -> Duration {
        let usual = draw.log_normal(MEDIAN_MS, SPREAD).min(SLOWEST_MS) / 1000.0;
        let extra = match route {
            Route::Products if self.build == Build::Bad => faults::slow_tail(draw),
            _ => Duration::ZERO,
        };
        Duration::from_secs_f64(usual) + extra
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "an API's answers carry the wall clock: that is the noise wanted"
)]
fn now() -> String {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    CaptureTime(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)).to_string()
}

fn text_of(headers: &HeaderMap, name: HeaderName) -> &str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
}

fn plain(status: StatusCode) -> Response<Pieces> {
    let mut response =
        Response::new(Pieces::sized(Bytes::from_static(b"{\"error\":{\"message\":\"try later\"}}")));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn render(answer: Answer, asked: &HeaderMap, draw: &mut Draw) -> Response<Pieces> {
    let mut response = Response::new(Pieces::default());
    *response.status_mut() =
        StatusCode::from_u16(answer.status).expect("the shop answers with known statuses");
    let headers = response.headers_mut();
    for (name, value) in answer.headers {
        headers.insert(name, HeaderValue::try_from(value).expect("the shop's header values are ASCII"));
    }
    let id = format!("{:016x}", draw.bits());
    headers.insert("x-request-id", HeaderValue::try_from(id).expect("hex is ASCII"));
    let Some(body) = answer.body else { return response };
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    let text = body.to_string();
    let squeezed = (text.len() >= GZIP_FROM && text_of(asked, ACCEPT_ENCODING).contains("gzip"))
        .then(|| gzip(text.as_bytes()))
        .and_then(Result::ok);
    if squeezed.is_some() {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    let bytes = squeezed.map_or_else(|| Bytes::from(text), Bytes::from);
    // Lists are streamed as they come from the database, the rest is built first.
    *response.body_mut() =
        if answer.route == Route::CustomerOrders { Pieces::chunked(bytes) } else { Pieces::sized(bytes) };
    response
}

fn gzip(text: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text)?;
    encoder.finish()
}

/// A body in pieces: with a length where it is known, chunked where not.
#[derive(Debug, Default)]
struct Pieces {
    left: VecDeque<Bytes>,
    length: Option<u64>,
}

impl Pieces {
    fn sized(bytes: Bytes) -> Pieces {
        Pieces { length: Some(bytes.len() as u64), left: VecDeque::from([bytes]) }
    }

    fn chunked(mut bytes: Bytes) -> Pieces {
        let mut left = VecDeque::new();
        while !bytes.is_empty() {
            left.push_back(bytes.split_to(bytes.len().min(CHUNK)));
        }
        Pieces { left, length: None }
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.left.pop_front().map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(SizeHint::default, |_| {
            SizeHint::with_exact(self.left.iter().map(|piece| piece.len() as u64).sum())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;
    use std::net::TcpStream;

    fn fetch(backend: &Backend, request: &str) -> String {
        let mut stream = TcpStream::connect(backend.address()).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn check(request: &str, expected: &[&str]) {
        let backend = Backend::start(Build::Legacy, 0).unwrap();
        let answer = fetch(&backend, request);
        for part in expected {
            assert!(answer.contains(part), "{part:?} in {answer}");
        }
    }

    #[test]
    fn answers_over_http() {
        check(
            "GET /products/1 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
            &["200 OK", "content-length", "stock"],
        );
        check(
            "GET /customers/1/orders HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
            &["200 OK", "transfer-encoding: chunked"],
        );
        check(
            "GET /products HTTP/1.1\r\nhost: a\r\naccept-encoding: gzip\r\nconnection: close\r\n\r\n",
            &["content-encoding: gzip"],
        );
        check("GET  /x HTTP/1.1\r\n\r\n", &["400 Bad Request"]);
    }

    #[test]
    fn ends_when_dropped() {
        let backend = Backend::start(Build::Bad, 0).unwrap();
        let address = backend.address();
        drop(backend);
        assert!(TcpStream::connect(address).is_err());
    }
}
