//! A bare server for measurements: `bench_server PORT [STALL_AT_MS STALL_MS]`.
//!
//! Stamps every arrival and every answer, reads the planned time (nanoseconds) from the last part of the target
//! `/at/NANOSECONDS`, and can stall once, as a whole, after its first request. `GET /quit` makes it print
//! what it saw, against the plan, as `name value` lines, and end.

#![expect(clippy::print_stdout, reason = "what it saw is its result")]

use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok";

/// One request: planned, arrived and answered, in nanoseconds (arrived and answered on the server's clock).
#[derive(Debug, Clone, Copy)]
struct Stamp {
    planned: i64,
    arrived: i64,
    answered: i64,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<u64> = std::env::args().skip(1).map(|word| word.parse()).collect::<Result<_, _>>()?;
    let stall = match words.as_slice() {
        [_] => None,
        [_, at, length] => Some((Duration::from_millis(*at), Duration::from_millis(*length))),
        _ => return Err("usage: bench_server PORT [STALL_AT_MS STALL_MS]".into()),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let stamps = runtime.block_on(serve(words[0], stall))?;
    report(stamps);
    Ok(())
}

async fn serve(port: u64, stall: Option<(Duration, Duration)>) -> std::io::Result<Vec<Stamp>> {
    let listener = TcpListener::bind(("127.0.0.1", u16::try_from(port).unwrap_or(0))).await?;
    let (sender, mut stamps) = mpsc::channel(1 << 20);
    let (quit, mut quitting) = mpsc::channel(1);
    let start = Instant::now();
    let mut connections = tokio::task::JoinSet::new();
    let mut stall = Stall { planned: stall, first: None };
    let mut seen = Vec::new();
    loop {
        tokio::select! {
            biased;
            _ = quitting.recv() => {
                while let Ok(stamp) = stamps.try_recv() {
                    seen.push(stamp);
                }
                return Ok(seen);
            }
            Some(stamp) = stamps.recv() => {
                seen.push(stamp);
                stall.after(start);
            }
            accepted = listener.accept() => {
                let (stream, _) = accepted?;
                stream.set_nodelay(true)?;
                connections.spawn(connection(stream, start, sender.clone(), quit.clone()));
            }
        }
    }
}

/// Stops the whole thread once.
struct Stall {
    planned: Option<(Duration, Duration)>,
    first: Option<Instant>,
}

impl Stall {
    fn after(&mut self, _start: Instant) {
        let first = *self.first.get_or_insert_with(Instant::now);
        if let Some((at, length)) = self.planned
            && first.elapsed() >= at
        {
            self.planned = None;
            let until = Instant::now() + length;
            while let Some(left) = until.checked_duration_since(Instant::now()) {
                std::thread::park_timeout(left);
            }
        }
    }
}

async fn connection(
    mut stream: TcpStream,
    start: Instant,
    stamps: mpsc::Sender<Stamp>,
    quit: mpsc::Sender<()>,
) {
    let now = || i64::try_from(start.elapsed().as_nanos()).unwrap_or(i64::MAX);
    let mut bytes = Vec::with_capacity(4096);
    loop {
        match stream.read_buf(&mut bytes).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let arrived = now();
        while let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            bytes.drain(..end + 4);
            let target = head.split(' ').nth(1).unwrap_or_default();
            if stream.write_all(ANSWER).await.is_err() {
                return;
            }
            if target == "/quit" {
                let _ = quit.send(()).await;
                return;
            }
            let planned = target.rsplit('/').next().and_then(|digits| digits.parse().ok()).unwrap_or(0);
            if stamps.send(Stamp { planned, arrived, answered: now() }).await.is_err() {
                return;
            }
        }
    }
}

fn report(mut stamps: Vec<Stamp>) {
    stamps.sort_by_key(|stamp| stamp.planned);
    let gaps = |of: fn(&Stamp) -> i64| {
        stamps.windows(2).map(move |pair| of(&pair[1]) - of(&pair[0])).collect::<Vec<_>>()
    };
    let (planned, arrived) = (gaps(|stamp| stamp.planned), gaps(|stamp| stamp.arrived));
    let mut errors: Vec<i64> =
        planned.iter().zip(&arrived).map(|(planned, arrived)| (planned - arrived).abs()).collect();
    errors.sort_unstable();
    let bursts = planned
        .iter()
        .zip(&arrived)
        .filter(|(planned, arrived)| **planned >= 50_000 && arrived.abs() < 50_000);
    let bursts = 100.0 * bursts.count() as f64 / planned.len().max(1) as f64;
    let (planned_span, arrived_span) =
        (planned.iter().sum::<i64>() as f64, arrived.iter().sum::<i64>() as f64);
    // The clocks are aligned at the request that came through fastest.
    let origin = stamps.iter().map(|stamp| stamp.arrived - stamp.planned).min().unwrap_or(0);
    let mut waits: Vec<i64> = stamps.iter().map(|stamp| stamp.answered - stamp.planned - origin).collect();
    waits.sort_unstable();
    println!("requests {}", stamps.len());
    println!("gap_error_us_p50 {:.1}", quantile(&errors, 0.5));
    println!("gap_error_us_p99 {:.1}", quantile(&errors, 0.99));
    println!("drift_percent {:.4}", 100.0 * (arrived_span / planned_span - 1.0));
    println!("bursts_percent {bursts:.2}");
    println!("wait_us_p50 {:.0}", quantile(&waits, 0.5));
    println!("wait_us_p99 {:.0}", quantile(&waits, 0.99));
    println!("wait_us_p999 {:.0}", quantile(&waits, 0.999));
    println!("wait_us_max {:.0}", quantile(&waits, 1.0));
}

/// In microseconds.
fn quantile(sorted: &[i64], quantile: f64) -> f64 {
    let rank = ((sorted.len() as f64 * quantile).ceil() as usize).clamp(1, sorted.len().max(1));
    sorted.get(rank - 1).copied().unwrap_or(0) as f64 / 1000.0
}
