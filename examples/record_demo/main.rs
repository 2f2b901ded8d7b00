//! Records the demo's capture again: `cargo run --release --example record_demo -- demo/legacy.pcap`.
//!
//! Starts the demo's legacy backend, records its port with tcpdump (which must be installed and allowed to
//! capture on loopback) while realistic traffic runs against it, and leaves an ordinary capture file. The
//! traffic's plan repeats from its seed; packet times are real.

#[path = "../../src/demo/backend.rs"]
mod backend;
mod client;
#[path = "../../src/demo/draw.rs"]
mod draw;
#[expect(dead_code, reason = "the legacy build has no faults")]
#[path = "../../src/demo/faults.rs"]
mod faults;
mod plan;
#[expect(dead_code, reason = "the recording needs the legacy build only")]
#[path = "../../src/demo/shop.rs"]
mod shop;

use anyhow::{Context, Result, bail};
use std::io::{BufRead, BufReader, Write as _};
use std::process::{Child, Command, Stdio};

fn main() -> Result<()> {
    let Some(path) = std::env::args().nth(1) else { bail!("usage: record_demo OUTPUT.pcap") };
    let backend = backend::Backend::start(shop::Build::Legacy, 0).context("start the legacy backend")?;
    let mut tcpdump = start_tcpdump(&path, backend.address().port())?;
    let visits = plan::visits(plan::SEED);
    let requests: usize = visits.iter().map(|visit| visit.requests.len()).sum();
    writeln!(std::io::stderr(), "{} sessions, {requests} requests, {:?}", visits.len(), plan::WINDOW)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let sent = runtime.block_on(client::run(backend.address(), visits))?;
    stop(&mut tcpdump)?;
    writeln!(std::io::stderr(), "{sent} requests answered, recorded in {path}")?;
    Ok(())
}

/// Starts tcpdump and waits until it says that it listens.
fn start_tcpdump(path: &str, port: u16) -> Result<Child> {
    let mut child = Command::new("tcpdump")
        .args([
            "-i",
            "lo",
            "-s",
            "0",
            "-Z",
            "root",
            "-B",
            "16384",
            "-w",
            path,
            "tcp",
            "port",
            &port.to_string(),
        ])
        .stderr(Stdio::piped())
        .spawn()
        .context("start tcpdump")?;
    let said = BufReader::new(child.stderr.as_mut().context("read what tcpdump says")?);
    for line in said.lines() {
        let line = line.context("read what tcpdump says")?;
        if line.contains("listening on") {
            return Ok(child);
        }
        writeln!(std::io::stderr(), "tcpdump: {line}")?;
    }
    bail!("tcpdump ended before it listened")
}

/// Interrupts tcpdump, so that it writes what it still holds, and waits for its end.
fn stop(tcpdump: &mut Child) -> Result<()> {
    let asked =
        Command::new("kill").args(["-INT", &tcpdump.id().to_string()]).status().context("stop tcpdump")?;
    anyhow::ensure!(asked.success(), "tcpdump could not be interrupted");
    tcpdump.wait().context("wait for tcpdump")?;
    Ok(())
}
