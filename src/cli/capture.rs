//! `cutover capture`: words to that crate's configuration, call, print the ledger.

use crate::cli::Common;
use crate::exit::{Exit, Hint, UsageError};
use crate::output::{self, Reader, Stdout, printable};
use ::capture::{CaptureError, CaptureReport, Config, Limits, Progress};
use ::corpus::digest::DigestKey;
use ::corpus::format::{FormatErrorKind, Overwrite};
use ::corpus::ledger::Ledger;
use ::corpus::manifest::SessionBy;
use ::corpus::units::Fraction;
use anyhow::Context;
use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;

/// One in a million: below that a part of production says nothing of the whole.
const LEAST_REPRESENTED: f64 = 1e-6;

/// The words of `cutover capture`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Capture files (pcap, pcapng), read as one capture
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    read: Vec<PathBuf>,
    /// The corpus to write
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// The part of production that the capture point saw: 5% for one of twenty hosts
    #[arg(long, value_name = "SHARE", default_value = "100%")]
    represents: Fraction,
    /// What tells sessions apart: connection, header:NAME, cookie:NAME, query:NAME
    #[arg(long, value_name = "RULE", value_parser = session_by)]
    session_by: Option<SessionBy>,
    /// Make tokens with the key in this file, so that corpora can be compared
    #[arg(long, value_name = "FILE")]
    redact_key: Option<PathBuf>,
    /// Replace the corpus if it exists
    #[arg(long)]
    force: bool,
}

fn session_by(rule: &str) -> Result<SessionBy, String> {
    let wrong = || "expected connection, header:NAME, cookie:NAME or query:NAME".to_owned();
    match rule.split_once(':') {
        None if rule == "connection" => Ok(SessionBy::Connection),
        Some((kind, name)) if !name.is_empty() => match kind {
            "header" => Ok(SessionBy::Header(name.to_ascii_lowercase())),
            "cookie" => Ok(SessionBy::Cookie(name.to_owned())),
            "query" => Ok(SessionBy::Query(name.to_owned())),
            _ => Err(wrong()),
        },
        _ => Err(wrong()),
    }
}

/// Runs the command.
pub(crate) fn run(args: Args, common: &Common) -> anyhow::Result<Exit> {
    let output = args.output.clone();
    let config = config(args)?;
    let mut bar = Bar::new(common);
    let result = ::capture::run(config, &mut |progress| bar.show(progress));
    bar.clear();
    let report = result.map_err(explain)?;
    if let Some(error) = &report.ledger.input_error {
        tracing::warn!("the capture breaks off: {}; the corpus holds what came before", printable(error));
    }
    if common.json {
        output::print_json(&report.ledger)?;
    } else if !common.quiet {
        print_ledger(&report, &output)?;
    }
    Ok(Exit::Done)
}

fn config(args: Args) -> anyhow::Result<Config> {
    if args.represents.value() < LEAST_REPRESENTED {
        return Err(UsageError("--represents must be at least 0.0001%".to_owned()).into());
    }
    let key = match &args.redact_key {
        Some(path) => {
            let secret =
                std::fs::read(path).with_context(|| format!("read the key file {}", path.display()))?;
            if secret.len() < 16 {
                let text = format!("the key file {} holds fewer than 16 bytes", path.display());
                return Err(anyhow::Error::from(UsageError(text))
                    .context(Hint("make one with: head -c 32 /dev/urandom > redact.key".to_owned())));
            }
            DigestKey::from_secret(&secret)
        }
        None => {
            DigestKey::random().map_err(|error| anyhow::anyhow!("take a random redaction key: {error}"))?
        }
    };
    Ok(Config {
        inputs: args.read,
        output: args.output,
        overwrite: if args.force { Overwrite::Replace } else { Overwrite::Refuse },
        represents: args.represents,
        session_by: args.session_by.unwrap_or(SessionBy::Default),
        key,
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        limits: Limits::default(),
    })
}

/// Adds what to try.
fn explain(error: CaptureError) -> anyhow::Error {
    let hint = match &error {
        CaptureError::Read { source: ::capture::SourceError::Format(_), .. } => {
            Some("capture with: tcpdump -i any -s 0 -w prod.pcap 'tcp port 80'")
        }
        CaptureError::Write(source) if *source.kind() == FormatErrorKind::Exists => {
            Some("--force replaces it")
        }
        CaptureError::Unbalanced(_) => Some("this is a defect of cutover: please report it with the capture"),
        _ => None,
    };
    let error = anyhow::Error::from(error);
    match hint {
        Some(hint) => error.context(Hint(hint.to_owned())),
        None => error,
    }
}

/// Progress on stderr, where that is a terminal.
struct Bar {
    visible: bool,
    drawn: bool,
}

impl Bar {
    fn new(common: &Common) -> Bar {
        Bar { visible: std::io::stderr().is_terminal() && !common.quiet, drawn: false }
    }

    fn show(&mut self, progress: Progress) {
        if !self.visible {
            return;
        }
        const WIDTH: u64 = 30;
        let total = progress.total.0.max(1);
        let share = progress.read.0.min(total) * WIDTH / total;
        let filled = "#".repeat(usize::try_from(share).unwrap_or(0));
        let line = format!("\rread [{filled:<30}] {} of {}\x1b[K", progress.read, progress.total);
        // A terminal that is gone takes its progress bar along.
        let _ = std::io::stderr().write_all(line.as_bytes());
        self.drawn = true;
    }

    fn clear(&mut self) {
        if self.drawn {
            let _ = std::io::stderr().write_all(b"\r\x1b[K");
        }
    }
}

/// The balance as a table: each total above the classes that make it up.
fn print_ledger(report: &CaptureReport, output: &std::path::Path) -> anyhow::Result<()> {
    let text = ledger_text(&report.ledger);
    let mut out = Stdout::lock();
    for line in text.lines() {
        if out.line(line)? == Reader::Gone {
            return Ok(());
        }
    }
    if let Some((first, last)) = report.window {
        let seconds = last.since(first).as_secs_f64();
        out.line(&format!("{:<40} {first} to {last} ({seconds:.3} s)", "window"))?;
    }
    out.line(&format!("{:<40} {}", "corpus", printable(&output.display().to_string())))?;
    out.finish()?;
    Ok(())
}

fn ledger_text(ledger: &Ledger) -> String {
    let mut table = Table(String::new());
    table.total("packets", ledger.packets);
    table.parts(&ledger.packets_by_class);
    let payload: u64 =
        ledger.payload_bytes_by_class.iter().filter(|(name, _)| !is_missing(name)).map(|(_, n)| n).sum();
    let (missing, seen): (BTreeMap<_, _>, BTreeMap<_, _>) =
        ledger.payload_bytes_by_class.clone().into_iter().partition(|(name, _)| is_missing(name));
    table.total("TCP payload, bytes", payload);
    table.parts(&seen);
    if !missing.is_empty() {
        table.total("TCP payload missing, bytes", missing.values().sum());
        table.parts(&missing);
    }
    table.total("connections", ledger.connections);
    table.part("with HTTP", ledger.http_connections);
    table.part("without", ledger.connections - ledger.http_connections);
    table.total("requests", ledger.requests);
    table.part("complete exchanges", ledger.exchanges_complete);
    for (reason, count) in &ledger.exchanges_incomplete {
        table.part(reason.name(), *count);
    }
    table.total("responses", ledger.responses);
    table.part("to a recorded request", ledger.responses - ledger.responses_without_request);
    table.part("without request", ledger.responses_without_request);
    if ledger.interim_responses > 0 {
        table.total("interim responses", ledger.interim_responses);
    }
    if !ledger.limits_reached.is_empty() {
        table.total("limits reached", ledger.limits_reached.values().sum());
        table.parts(&ledger.limits_reached);
    }
    table.0
}

/// Missing bytes are no part of what was captured.
fn is_missing(class: &str) -> bool {
    matches!(class, "lost" | "truncated")
}

struct Table(String);

impl Table {
    fn total(&mut self, name: &str, count: u64) {
        self.0 += &format!("{name:<30}{count:>16}\n");
    }

    fn part(&mut self, name: &str, count: u64) {
        if count > 0 {
            self.0 += &format!("  {:<28}{count:>16}\n", name.replace('_', " "));
        }
    }

    fn parts(&mut self, counts: &BTreeMap<String, u64>) {
        counts.iter().for_each(|(name, count)| self.part(name, *count));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_rules() {
        assert_eq!(session_by("connection"), Ok(SessionBy::Connection));
        assert_eq!(session_by("header:X-User"), Ok(SessionBy::Header("x-user".to_owned())));
        assert_eq!(session_by("cookie:SID"), Ok(SessionBy::Cookie("SID".to_owned())));
        assert_eq!(session_by("query:u"), Ok(SessionBy::Query("u".to_owned())));
        assert!(session_by("header:").is_err());
        assert!(session_by("user").is_err());
    }
}
