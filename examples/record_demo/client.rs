//! Sends the planned traffic: each session in order on its carrier, sessions independent of one another.

use crate::plan::{Carrier, PROXY_CONNECTIONS, Visit, Wanted};
use anyhow::{Context, Result, bail};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Sends everything and returns how many requests were answered.
pub(crate) async fn run(server: SocketAddr, visits: Vec<Visit>) -> Result<usize> {
    let begin = Instant::now();
    let mut proxy = Vec::new();
    for _ in 0..PROXY_CONNECTIONS {
        proxy.push(Arc::new(Mutex::new(connect(server).await?)));
    }
    let mut sessions = JoinSet::new();
    for visit in visits {
        let shared = match visit.carrier {
            Carrier::Own => None,
            Carrier::Proxy(index) => Some(Arc::clone(&proxy[index])),
        };
        sessions.spawn(session(server, begin, visit.requests, shared));
    }
    let mut answered = 0;
    while let Some(session) = sessions.join_next().await {
        answered += session.context("run a session")??;
    }
    Ok(answered)
}

async fn connect(server: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect(server).await.context("connect to the legacy backend")?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn session(
    server: SocketAddr,
    begin: Instant,
    requests: Vec<Wanted>,
    shared: Option<Arc<Mutex<TcpStream>>>,
) -> Result<usize> {
    let mut own: Option<TcpStream> = None;
    let mut tags: HashMap<u64, String> = HashMap::new();
    let answered = requests.len();
    for wanted in requests {
        tokio::time::sleep_until(begin + wanted.at).await;
        let bytes = with_tag(&wanted, &tags);
        let head = match &shared {
            Some(stream) => exchange(&mut *stream.lock().await, &bytes).await?,
            None => {
                if own.is_none() {
                    own = Some(connect(server).await?);
                }
                let stream = own.as_mut().context("a connection was made above")?;
                exchange(stream, &bytes).await?
            }
        };
        if let (Some(product), Some(tag)) = (wanted.revalidates, field(&head, "etag")) {
            tags.insert(product, tag.to_owned());
        }
    }
    Ok(answered)
}

/// The request, made conditional where its product's tag is known.
fn with_tag(wanted: &Wanted, tags: &HashMap<u64, String>) -> Vec<u8> {
    let tag = wanted.revalidates.and_then(|product| tags.get(&product));
    let Some(tag) = tag else { return wanted.bytes.clone() };
    let mut bytes = wanted.bytes.strip_suffix(b"\r\n").unwrap_or(&wanted.bytes).to_vec();
    bytes.extend_from_slice(format!("If-None-Match: {tag}\r\n\r\n").as_bytes());
    bytes
}

/// Sends one request and reads its whole answer; returns the answer's head in lower case.
async fn exchange(stream: &mut TcpStream, request: &[u8]) -> Result<String> {
    stream.write_all(request).await.context("send a request")?;
    let mut answer = Vec::new();
    loop {
        if let Some(head) = whole(&answer, request.starts_with(b"HEAD")) {
            return Ok(head);
        }
        if stream.read_buf(&mut answer).await.context("read an answer")? == 0 {
            bail!(
                "the legacy backend closed the connection inside an answer to {:?}",
                String::from_utf8_lossy(request)
            );
        }
    }
}

/// The head of an answer that is there in whole.
fn whole(answer: &[u8], to_head: bool) -> Option<String> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    let bodiless = to_head || head.contains(" 204 ") || head.contains(" 304 ");
    let body = &answer[end..];
    let there = match field(&head, "content-length").and_then(|length| length.parse::<usize>().ok()) {
        _ if bodiless => true,
        Some(length) => body.len() >= length,
        None => body.ends_with(b"0\r\n\r\n"),
    };
    there.then_some(head)
}

fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}
