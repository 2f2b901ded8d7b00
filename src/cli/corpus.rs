//! `cutover corpus`: words to that crate's configuration, call, print.

mod cat;
mod info;
mod rewrite;
mod verify;

use crate::cli::Common;
use crate::exit::Exit;
use ::corpus::{CorpusReader, Damage};
use anyhow::Context;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// The words of `cutover corpus`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Say what a corpus holds and what it stands for
    Info(File),
    /// Print exchanges, one a line
    Cat(cat::Args),
    /// Read everything and name what is damaged
    Verify(File),
    /// Write the corpus again, as small as can be
    Pack(rewrite::Pack),
    /// Write a share of the sessions to a new corpus
    Sample(rewrite::Sample),
    /// Write the exchanges that an expression names to a new corpus
    Filter(rewrite::Filter),
}

/// A corpus to be read.
#[derive(Debug, clap::Args)]
struct File {
    /// The corpus file
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Runs the command.
pub(crate) fn run(args: Args, common: &Common) -> anyhow::Result<Exit> {
    match args.command {
        Command::Info(File { file }) => info::run(&file, common),
        Command::Cat(args) => cat::run(&args, common),
        Command::Verify(File { file }) => verify::run(&file, common),
        Command::Pack(args) => rewrite::pack(&args, common),
        Command::Sample(args) => rewrite::sample(&args, common),
        Command::Filter(args) => rewrite::filter(&args, common),
    }
}

fn open(path: &Path) -> anyhow::Result<CorpusReader> {
    CorpusReader::open(path).context("cannot read the corpus")
}

/// How a file ended: `sealed` or `unsealed`.
fn state(reader: &CorpusReader) -> &'static str {
    if reader.seal().is_some() { "sealed" } else { "unsealed" }
}

/// A loss in JSON.
fn damage_json(damage: &Damage) -> Value {
    json!({
        "segment": damage.segment,
        "block": damage.block,
        "offset": damage.offset,
        "reason": damage.reason,
        "lost": damage.count,
        "exchanges": damage.exchanges.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

/// Captured bytes as one line of text that can do nothing to a terminal.
fn shown(bytes: &[u8]) -> String {
    crate::output::printable(&String::from_utf8_lossy(bytes)).replace('\n', "\\n")
}
