//! The words of the command line: clap types and help texts only.
//!
//! Each command's own words and the call into its crate are in `cli/<command>.rs`.

pub(crate) mod canary;
mod capture;
mod corpus;
mod demo;
mod replay;
mod report;

use crate::exit::Exit;
use clap::{ArgAction, Args, Parser, Subcommand};

/// Can the new backend take this much of production's traffic, as correctly and as fast as the old one?
#[derive(Debug, Parser)]
#[command(name = "cutover", version, max_term_width = 80, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options that every command takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Common {
    /// Print the result as JSON on stdout
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print results and errors only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Say more on stderr; twice or three times for more
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the whole story on two built-in backends
    Demo(demo::Args),
    /// Record HTTP exchanges from a packet capture into a corpus
    Capture(capture::Args),
    /// Look into a corpus, check it, or make another of it
    Corpus(corpus::Args),
    /// Replay a corpus at two backends and record every outcome
    Replay(Box<replay::Args>),
    /// Compare and judge runs: go, no-go or inconclusive
    Report(report::Args),
    /// Walk the canary steps: replay, judge, report, next or stop
    Canary(canary::Args),
}

impl Command {
    /// Runs the command.
    pub(crate) fn run(self, common: &Common) -> anyhow::Result<Exit> {
        match self {
            Command::Demo(args) => demo::run(args, common),
            Command::Capture(args) => capture::run(args, common),
            Command::Corpus(args) => corpus::run(args, common),
            Command::Replay(args) => replay::run(*args, common),
            Command::Report(args) => report::run(args, common),
            Command::Canary(args) => canary::run(args, common),
        }
    }
}
