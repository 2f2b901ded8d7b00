//! `cutover canary`: words to that crate's configuration, call, print.

mod announce;
mod signals;

pub(crate) use announce::{Announcer, verdict_exit, walk_lines};
pub(crate) use signals::StopOnSignal;

use crate::cli::Common;
use crate::exit::{Exit, Hint, UsageError};
use crate::output;
use canary::{AfterNotGo, ConfigError, FolderError, WalkError};
use corpus::Overwrite;
use replay::StopHandle;
use std::path::PathBuf;
use std::time::SystemTime;

/// The words of `cutover canary`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The file that names backends, corpus, steps and policy
    #[arg(value_name = "CUTOVER.TOML")]
    config: PathBuf,
    /// Walk every step, whatever its verdict
    #[arg(long)]
    keep_going: bool,
    /// Replace the runs and reports of an earlier walk
    #[arg(long)]
    force: bool,
}

/// Runs the command.
pub(crate) fn run(args: Args, common: &Common) -> anyhow::Result<Exit> {
    let file = canary::File::read(&args.config).map_err(config_error)?;
    let lookup = |name: &str| std::env::var(name).ok();
    let mut config = canary::Config::of_file(&file, &lookup, wall_clock).map_err(config_error)?;
    config.overwrite = if args.force { Overwrite::Replace } else { Overwrite::Refuse };
    config.after = if args.keep_going { AfterNotGo::KeepGoing } else { AfterNotGo::Stop };
    let stop = StopHandle::new();
    let _signals = StopOnSignal::watch(stop.clone())?;
    let mut announcer = Announcer::new(common);
    let walk = canary::walk(config, &mut announcer, &stop).map_err(walk_error)?;
    if common.json {
        output::print_json(&canary::document(&walk))?;
    } else {
        output::print(&walk_lines(&walk))?;
    }
    Ok(verdict_exit(walk.verdict))
}

/// The wall clock, nanoseconds since 1970; only runs' headers hold it.
#[expect(clippy::disallowed_methods, reason = "the root package passes the wall clock in")]
pub(crate) fn wall_clock() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// What is wrong with a configuration is the caller's to change.
fn config_error(error: ConfigError) -> anyhow::Error {
    anyhow::Error::new(UsageError(chain_text(&error)))
}

/// What of a walk's errors are the caller's words.
pub(crate) fn walk_error(error: WalkError) -> anyhow::Error {
    let usage = match &error {
        WalkError::Replay { source, .. } => source.is_usage(),
        WalkError::Policy { .. }
        | WalkError::Folder(FolderError::Exists { .. } | FolderError::Foreign { .. }) => true,
        WalkError::Folder(_) | WalkError::Judge { .. } => false,
    };
    let hint = match &error {
        WalkError::Folder(FolderError::Exists { .. }) => Some("--force replaces the earlier walk"),
        WalkError::Folder(FolderError::Foreign { .. }) => Some("name another folder as `out` in [canary]"),
        _ => None,
    };
    let error = match usage {
        true => anyhow::Error::new(UsageError(chain_text(&error))),
        false => anyhow::Error::new(error),
    };
    match hint {
        Some(hint) => error.context(Hint(hint.to_owned())),
        None => error,
    }
}

/// An error with its causes on one line; a cause that ends the text before it is not said twice.
fn chain_text(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.ends_with(&said) {
            text.push_str(": ");
            text.push_str(said.trim_end());
        }
        cause = error.source();
    }
    text
}
