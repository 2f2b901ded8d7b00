//! `cutover`: parses the words, starts logging, runs one command and maps its result to an exit code.
//!
//! Everything that commands do is in the crates below; only this package knows clap, terminals,
//! environment variables and exit codes.

mod cli;
mod demo;
mod exit;
mod output;
mod progress;

use clap::Parser;
use std::io::IsTerminal;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return exit::of_clap(&error).into(),
    };
    start_logging(&cli.common);
    match cli.command.run(&cli.common) {
        Ok(exit) => exit.into(),
        Err(error) => {
            output::print_error(&error);
            exit::of_error(&error).into()
        }
    }
}

/// Logs go to stderr: warnings by default, nothing below errors with `-q`, more with each `-v`.
fn start_logging(common: &cli::Common) {
    let level = match (common.quiet, common.verbose) {
        (true, _) => "error",
        (false, 0) => "warn",
        (false, 1) => "info",
        (false, 2) => "debug",
        (false, _) => "trace",
    };
    let filter = tracing_subscriber::EnvFilter::try_from_env("CUTOVER_LOG").unwrap_or_else(|_| level.into());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .without_time()
        .init();
}
