//! `cutover corpus verify`: reads everything and names what is damaged.

use super::{damage_json, open, state};
use crate::cli::Common;
use crate::exit::Exit;
use crate::output::{print, print_json, printable};
use serde_json::json;
use std::path::Path;

/// Runs the command: exit 0 for a sealed or unsealed file that is whole, 1 where something is damaged.
pub(super) fn run(path: &Path, common: &Common) -> anyhow::Result<Exit> {
    let reader = open(path)?;
    let verified = reader.verify();
    let clean = verified.damage.is_empty();
    if common.json {
        print_json(&json!({
            "state": if clean { state(&reader) } else { "damaged" },
            "sealed": reader.seal().is_some(),
            "exchanges": verified.exchanges,
            "segments": reader.segment_count(),
            "torn_bytes": reader.torn_bytes(),
            "digest": reader.digest(),
            "damage": verified.damage.iter().map(damage_json).collect::<Vec<_>>(),
        }))?;
    } else {
        print(&text(&reader, &verified))?;
    }
    Ok(if clean { Exit::Done } else { Exit::Failed })
}

fn text(reader: &::corpus::CorpusReader, verified: &::corpus::Verified) -> String {
    let whole = if verified.damage.is_empty() { "whole" } else { "damaged" };
    let mut text = format!(
        "{whole}, {}: {} exchanges in {} segments",
        state(reader),
        verified.exchanges,
        reader.segment_count()
    );
    if reader.torn_bytes() > 0 {
        text.push_str(&format!("\nthe last {} bytes are a write that was cut off", reader.torn_bytes()));
    }
    for damage in &verified.damage {
        text.push_str(&format!("\ndamage {}", printable(&damage.to_string())));
    }
    text
}
