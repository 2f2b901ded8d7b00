//! `cutover corpus cat`: exchanges, one a line, as they are read.

use super::{open, shown, state};
use crate::cli::Common;
use crate::exit::{Exit, UsageError};
use crate::output::{Reader, Stdout, printable};
use ::corpus::exchange::Exchange;
use ::corpus::message::{Body, BodyExtent, Malformed};
use ::corpus::select::{Filter, Selection};
use ::corpus::{Bodies, CorpusReader, Stored};
use base64::Engine;
use serde_json::{Map, Value, json};
use std::path::PathBuf;
use wire::http1::Headers;

/// The words of `cutover corpus cat`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The corpus file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Add headers and bodies to each exchange (with --json)
    #[arg(long)]
    bodies: bool,
    /// Print only what this expression names, such as 'status >= 500'
    #[arg(long, value_name = "EXPR")]
    filter: Option<Filter>,
    /// Print at most so many exchanges
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

/// Runs the command. Damage is named on stderr, and is a failure once everything else was printed.
pub(super) fn run(args: &Args, common: &Common) -> anyhow::Result<Exit> {
    if args.bodies && !common.json {
        return Err(UsageError("--bodies needs --json".to_owned()).into());
    }
    let reader = open(&args.file)?;
    if reader.seal().is_none() {
        tracing::warn!("the corpus is {}: it holds what was committed", state(&reader));
    }
    let selection = Selection { filter: args.filter.clone(), ..Selection::all() };
    let bodies = if args.bodies { Bodies::Load } else { Bodies::Skip };
    let mut out = Stdout::lock();
    let (mut printed, mut exit) = (0, Exit::Done);
    for item in reader.exchanges(&selection, bodies) {
        if args.limit.is_some_and(|limit| printed >= limit) {
            break;
        }
        match item {
            Err(damage) => {
                tracing::error!("damage {}", printable(&damage.to_string()));
                exit = Exit::Failed;
            }
            Ok(stored) => {
                let text =
                    if common.json { json_line(&reader, &stored, args.bodies)? } else { line(&stored) };
                if out.line(&text)? == Reader::Gone {
                    return Ok(Exit::Done);
                }
                printed += 1;
            }
        }
    }
    Ok(if out.finish()? == Reader::Gone { Exit::Done } else { exit })
}

/// For people: time, session, request, status, lengths.
fn line(stored: &Stored) -> String {
    let exchange = &stored.exchange;
    let request = &exchange.request;
    let response = exchange.response.as_ref();
    let status = response.map_or("-".to_owned(), |response| response.status.to_string());
    let len = response.map_or("-".to_owned(), |response| response.body.wire_len.to_string());
    let what = match &request.malformed {
        Some(malformed) => format!("(malformed: {})", shown(malformed.reason.as_bytes())),
        None => format!("{} {}{}", shown(&request.method), shown(request.host()), shown(&request.target)),
    };
    let reasons: Vec<_> = exchange.incomplete.iter().map(|reason| reason.name()).collect();
    let incomplete =
        if reasons.is_empty() { String::new() } else { format!("  incomplete: {}", reasons.join(", ")) };
    format!(
        "{}  {}  {what}  {status}  {} B -> {len} B{incomplete}",
        exchange.request_time.first, exchange.session, request.body.wire_len
    )
}

fn json_line(reader: &CorpusReader, stored: &Stored, bodies: bool) -> serde_json::Result<String> {
    let exchange = &stored.exchange;
    let request = &exchange.request;
    let response = exchange.response.as_ref();
    let mut line = Map::new();
    let mut set = |name: &str, value: Value| drop(line.insert(name.to_owned(), value));
    set("id", exchange.id.to_string().into());
    set("time", exchange.request_time.first.to_string().into());
    set("connection", exchange.connection.to_string().into());
    set("session", exchange.session.to_string().into());
    set("protocol", request.protocol.name().into());
    set("method", text(&request.method));
    set("target", text(&request.target));
    set("host", text(request.host()));
    set("endpoint", reader.endpoints().name(stored.endpoint).into());
    set("status", response.map(|response| response.status).into());
    set("request_body_len", request.body.wire_len.into());
    set("response_body_len", response.map(|response| response.body.wire_len).into());
    set("complete", exchange.is_complete().into());
    set("incomplete", exchange.incomplete.iter().map(|reason| reason.name()).collect());
    if bodies {
        add_bodies(&mut line, exchange);
    }
    serde_json::to_string(&line)
}

/// Everything else that is known of an exchange.
fn add_bodies(line: &mut Map<String, Value>, exchange: &Exchange) {
    let (request, response) = (&exchange.request, exchange.response.as_ref());
    let mut set = |name: &str, value: Value| drop(line.insert(name.to_owned(), value));
    let time = |time: ::corpus::time::CaptureTime| Value::from(time.to_string());
    set("request_end", time(exchange.request_time.last));
    set("response_time", exchange.response_time.map_or(Value::Null, |span| time(span.first)));
    set("response_end", exchange.response_time.map_or(Value::Null, |span| time(span.last)));
    set("interim", response.map_or(Value::Null, |response| json!(response.interim)));
    set("request_headers", headers(&request.headers));
    set("response_headers", response.map_or(Value::Null, |response| headers(&response.headers)));
    set("request_body", body(&request.body));
    set("response_body", response.map_or(Value::Null, |response| body(&response.body)));
    set("request_malformed", malformed(request.malformed.as_ref()));
    set("response_malformed", malformed(response.and_then(|response| response.malformed.as_ref())));
}

/// Field lines as `[name, value]`, in order.
fn headers(headers: &Headers) -> Value {
    headers.iter().map(|(name, value)| json!([text(name), text(value)])).collect()
}

fn body(body: &Body) -> Value {
    let mut found = content(&body.bytes);
    let extent = match body.extent {
        BodyExtent::Whole => "whole",
        BodyExtent::Gap { missing } => {
            found["missing"] = missing.into();
            "gap"
        }
        BodyExtent::Truncated => "truncated",
        BodyExtent::CutShort => "cut_short",
        BodyExtent::Limited => "limited",
    };
    found["extent"] = extent.into();
    if !body.trailers.is_empty() {
        found["trailers"] = headers(&body.trailers);
    }
    if let Some(digest) = body.digest {
        found["digest"] = digest.to_string().into();
    }
    found
}

fn malformed(malformed: Option<&Malformed>) -> Value {
    malformed.map_or(Value::Null, |malformed| {
        let mut found = content(&malformed.raw);
        found["len"] = malformed.len.into();
        found["reason"] = malformed.reason.clone().into();
        found
    })
}

/// `{"text": ..}` where the bytes are UTF-8, else `{"base64": ..}`.
fn content(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => json!({ "text": text }),
        Err(_) => json!({ "base64": base64::engine::general_purpose::STANDARD.encode(bytes) }),
    }
}

/// Bytes of a head as JSON text; each byte that is no UTF-8 becomes the replacement character.
fn text(bytes: &[u8]) -> Value {
    String::from_utf8_lossy(bytes).into()
}
