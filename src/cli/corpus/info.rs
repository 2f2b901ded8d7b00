//! `cutover corpus info`: what a fair replay needs to know.

use super::{damage_json, open, shown, state};
use crate::cli::Common;
use crate::exit::Exit;
use crate::output::{print, print_json, printable};
use ::corpus::manifest::SessionBy;
use ::corpus::rewrite::seal_of;
use ::corpus::select::Selection;
use ::corpus::units::{ByteCount, RequestRate};
use ::corpus::{Bodies, CorpusReader};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

/// Sessions and connections are counted up to here; above it they are "at least".
const COUNTED: usize = 1 << 20;

/// What is found by reading the records.
struct Counted {
    sessions: HashSet<u64>,
    connections: HashSet<u64>,
    damage: Vec<::corpus::Damage>,
}

/// Runs the command.
pub(super) fn run(path: &Path, common: &Common) -> anyhow::Result<Exit> {
    let reader = open(path)?;
    let size = std::fs::metadata(path)?.len();
    let counted = count(&reader);
    let facts = facts(&reader, size, &counted);
    if common.json {
        print_json(&facts)?
    } else {
        print(&text(&reader, size, &counted, &facts))?
    }
    Ok(Exit::Done)
}

fn count(reader: &CorpusReader) -> Counted {
    let mut counted = Counted { sessions: HashSet::new(), connections: HashSet::new(), damage: Vec::new() };
    for item in reader.exchanges(&Selection::all(), Bodies::Skip) {
        match item {
            Err(damage) => counted.damage.push(damage),
            Ok(stored) => {
                add(&mut counted.sessions, stored.exchange.session.0);
                add(&mut counted.connections, stored.exchange.connection.0);
            }
        }
    }
    counted
}

fn add(set: &mut HashSet<u64>, id: u64) {
    if set.len() < COUNTED {
        set.insert(id);
    }
}

/// The whole answer, as JSON; the text is made from the same values.
fn facts(reader: &CorpusReader, size: u64, counted: &Counted) -> Value {
    let header = reader.header();
    let window = reader.window();
    let seal = seal_of(reader);
    let rate = recorded_rate(reader);
    let fraction = header.sampling.fraction.value() * header.represents.value();
    json!({
        "state": if counted.damage.is_empty() { state(reader) } else { "damaged" },
        "sealed": reader.seal().is_some(),
        "format_version": reader.version().to_string(),
        "tool_version": header.tool_version,
        "digest": reader.digest(),
        "bytes": size,
        "segments": reader.segment_count(),
        "exchanges": reader.exchange_count(),
        "sessions": counted.sessions.len(),
        "connections": counted.connections.len(),
        "window": window.map(|(first, last)| json!({ "first": first.to_string(), "last": last.to_string() })),
        "clock": "packet time",
        "represents": header.represents.value(),
        "sampling": { "rule": header.sampling.rule, "fraction": header.sampling.fraction.value() },
        "recorded_rate_per_second": rate,
        "production_rate_per_second": rate.filter(|_| fraction > 0.0).map(|rate| rate / fraction),
        "session_by": session_by(&header.session_by),
        "redaction": {
            "headers": header.redaction.headers,
            "key_check": hex(&header.redaction.key_check),
        },
        "endpoints": reader.endpoints().iter()
            .map(|(_, name, count)| json!({ "endpoint": name, "exchanges": count }))
            .collect::<Vec<_>>(),
        "ledger": seal.ledger,
        "torn_bytes": reader.torn_bytes(),
        "damage": counted.damage.iter().map(damage_json).collect::<Vec<_>>(),
    })
}

/// Exchanges a second over the window; `None` where there is no time to count by.
fn recorded_rate(reader: &CorpusReader) -> Option<f64> {
    let (first, last) = reader.window()?;
    let seconds = last.since(first).as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a rate has no more than 53 bits that matter")]
    let rate = (seconds > 0.0).then(|| reader.exchange_count() as f64 / seconds);
    rate
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn session_by(rule: &SessionBy) -> String {
    match rule {
        SessionBy::Default => "default".to_owned(),
        SessionBy::Connection => "connection".to_owned(),
        SessionBy::Header(name) => format!("header:{name}"),
        SessionBy::Cookie(name) => format!("cookie:{name}"),
        SessionBy::Query(name) => format!("query:{name}"),
    }
}

fn text(reader: &CorpusReader, size: u64, counted: &Counted, facts: &Value) -> String {
    let header = reader.header();
    let mut lines = vec![format!(
        "{}, format {}, written by cutover {}, {}",
        facts["state"].as_str().unwrap_or_default(),
        reader.version(),
        shown(header.tool_version.as_bytes()),
        ByteCount(size)
    )];
    let mut fact = |name: &str, value: String| lines.push(format!("{name:<12}{value}"));
    fact("exchanges", reader.exchange_count().to_string());
    fact(
        "sessions",
        format!(
            "{}, by {}",
            at_least(counted.sessions.len()),
            shown(session_by(&header.session_by).as_bytes())
        ),
    );
    fact("connections", at_least(counted.connections.len()));
    if let Some((first, last)) = reader.window() {
        let length = Duration::from_millis(u64::try_from(last.since(first).as_millis()).unwrap_or(u64::MAX));
        fact("window", format!("{first} to {last} ({length:?}, packet time)"));
    }
    let rule = shown(header.sampling.rule.as_bytes());
    fact("represents", format!("{} of production", header.represents));
    fact("sampled", format!("{} ({rule})", header.sampling.fraction));
    let rate = |name: &str| {
        facts[name].as_f64().and_then(RequestRate::new).map_or("unknown".to_owned(), |r| r.to_string())
    };
    fact(
        "rate",
        format!(
            "{} recorded, {} in production",
            rate("recorded_rate_per_second"),
            rate("production_rate_per_second")
        ),
    );
    fact(
        "redacted",
        format!(
            "{} header fields and credentials in URLs; key check {}",
            header.redaction.headers.len(),
            hex(&header.redaction.key_check)
        ),
    );
    let ledger = seal_of(reader).ledger;
    fact(
        "ledger",
        format!(
            "{} packets, {} requests, {} responses, {} complete",
            ledger.packets, ledger.requests, ledger.responses, ledger.exchanges_complete
        ),
    );
    for (reason, count) in &ledger.exchanges_incomplete {
        fact("", format!("{count} incomplete: {}", reason.name()));
    }
    if reader.seal().is_none() {
        lines.push("unsealed: the capture did not end; what was committed is here".to_owned());
    }
    lines.extend(counted.damage.iter().map(|damage| format!("damage {}", printable(&damage.to_string()))));
    lines.push(format!("\n{:>12}  endpoint", "exchanges"));
    let mut endpoints: Vec<_> = reader.endpoints().iter().collect();
    endpoints.sort_by_key(|(_, _, count)| std::cmp::Reverse(*count));
    lines.extend(endpoints.iter().map(|(_, name, count)| format!("{count:>12}  {}", shown(name.as_bytes()))));
    lines.join("\n")
}

fn at_least(count: usize) -> String {
    if count < COUNTED { count.to_string() } else { format!("at least {count}") }
}
