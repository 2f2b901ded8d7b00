//! `cutover corpus`: words to that crate's configuration, call, print.

use crate::cli::Common;
use crate::exit::Exit;

/// The words of `cutover corpus`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

/// Runs the command.
pub(crate) fn run(_args: Args, _common: &Common) -> anyhow::Result<Exit> {
    anyhow::bail!("this build has no corpus yet")
}
