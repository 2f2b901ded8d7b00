//! `cutover demo`: the whole story on two built-in backends, told as it happens.

use crate::cli::Common;
use crate::cli::canary::{Announcer, StopOnSignal, verdict_exit, walk_lines};
use crate::demo::evidence::Named;
use crate::demo::{self, Candidate, Stage};
use crate::exit::Exit;
use crate::output::{self, printable};
use canary::Walk;
use replay::StopHandle;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::PathBuf;

/// The words of `cutover demo`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Walk a candidate that breaks what migrations break
    #[arg(long)]
    bad: bool,
    /// The folder to fill; emptied first where an earlier demo made it
    #[arg(long, value_name = "FOLDER", default_value = "cutover-demo")]
    out: PathBuf,
}

/// Runs the command.
pub(crate) fn run(args: Args, common: &Common) -> anyhow::Result<Exit> {
    let candidate = if args.bad { Candidate::Bad } else { Candidate::Good };
    let talks = !common.json && !common.quiet;
    let stage = Stage::set(&args.out, candidate)?;
    if talks {
        output::print(&opening(&stage))?;
    }
    let stop = StopHandle::new();
    let _signals = StopOnSignal::watch(stop.clone())?;
    let walk = stage.walk(&mut Announcer::new(common), &stop)?;
    let named = match candidate {
        Candidate::Good => Vec::new(),
        Candidate::Bad => demo::named(&walk)?,
    };
    if common.json {
        output::print_json(&document(&walk, &named))?;
    } else {
        output::print(&closing(&walk, &named))?;
    }
    Ok(verdict_exit(walk.verdict))
}

/// What was recorded, who is asked, and by what it will be judged.
fn opening(stage: &Stage) -> String {
    let ledger = &stage.captured.ledger;
    let [legacy, candidate] = stage.addresses();
    let incomplete: u64 = ledger.exchanges_incomplete.values().sum();
    format!(
        "recorded {} requests from a capture of the legacy backend: {} exchanges complete, {incomplete} not\n\
         legacy at {legacy}, candidate at {candidate}\n\
         the policy, fixed before the first request:\n\n{}",
        ledger.requests,
        ledger.exchanges_complete,
        indented(demo::POLICY)
    )
}

fn indented(text: &str) -> String {
    text.lines().fold(String::new(), |mut out, line| {
        let space = if line.is_empty() { "" } else { "    " };
        writeln!(out, "{space}{line}").expect("writing to a string succeeds");
        out
    })
}

/// Verdicts and where to read on; for a bad candidate, what was planted and where it is named.
fn closing(walk: &Walk, named: &[Named]) -> String {
    let mut text = String::new();
    if !named.is_empty() {
        text.push_str("planted, and where the reports name it:\n");
    }
    for Named { fault, found } in named {
        writeln!(text, "  {}", fault.text()).expect("writing to a string succeeds");
        if found.is_empty() {
            text.push_str("    not named by any report\n");
        }
        for (folder, evidence) in found {
            writeln!(text, "    {folder}: {}", printable(evidence)).expect("writing to a string succeeds");
        }
    }
    if !named.is_empty() {
        text.push('\n');
    }
    text + &walk_lines(walk)
}

fn document(walk: &Walk, named: &[Named]) -> Value {
    let mut document = canary::document(walk);
    let planted: Vec<Value> = named
        .iter()
        .map(|Named { fault, found }| {
            let found: Vec<Value> =
                found.iter().map(|(step, text)| json!({ "step": step, "text": text })).collect();
            json!({ "fault": fault.text(), "named_by": found })
        })
        .collect();
    document["planted_faults"] = Value::from(planted);
    document["folder"] = Value::from(walk.out.display().to_string());
    document
}
