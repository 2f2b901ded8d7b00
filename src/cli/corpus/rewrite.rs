//! `cutover corpus pack|sample|filter`: one corpus made from another.

use super::{damage_json, open};
use crate::cli::Common;
use crate::exit::{Exit, Hint};
use crate::output::{print, print_json, printable};
use ::corpus::format::FormatErrorKind;
use ::corpus::rewrite::{self, Rewritten};
use ::corpus::select::{Selection, SessionShare};
use ::corpus::units::{ByteCount, Fraction};
use ::corpus::{FormatError, Overwrite};
use serde_json::json;
use std::path::{Path, PathBuf};

/// Where the new corpus goes.
#[derive(Debug, clap::Args)]
struct Output {
    /// The new corpus
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Replace the new corpus where there is one already
    #[arg(long)]
    force: bool,
}

/// The words of `cutover corpus pack`.
#[derive(Debug, clap::Args)]
pub(super) struct Pack {
    /// The corpus file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    output: Output,
}

/// The words of `cutover corpus sample`.
#[derive(Debug, clap::Args)]
pub(super) struct Sample {
    /// How many of the sessions, such as 10%
    #[arg(value_name = "SHARE")]
    share: Fraction,
    /// The corpus file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Choose others of the sessions
    #[arg(long, default_value_t = 0, value_name = "N")]
    seed: u64,
    #[command(flatten)]
    output: Output,
}

/// The words of `cutover corpus filter`.
#[derive(Debug, clap::Args)]
pub(super) struct Filter {
    /// What to keep: fields method, target, path, host, status, header:NAME,
    /// endpoint, session, complete; operators ==, !=, ~ (regular expression),
    /// and, or, not, parentheses
    #[arg(value_name = "EXPR", verbatim_doc_comment)]
    expression: ::corpus::select::Filter,
    /// The corpus file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    output: Output,
}

/// Runs `pack`.
pub(super) fn pack(args: &Pack, common: &Common) -> anyhow::Result<Exit> {
    let source = open(&args.file)?;
    let rewritten = rewrite::pack(&source, &args.output.output, args.output.overwrite()).map_err(hinted)?;
    tell(&args.file, &args.output, &rewritten, common)
}

/// Runs `sample`.
pub(super) fn sample(args: &Sample, common: &Common) -> anyhow::Result<Exit> {
    let sessions = Some(SessionShare { fraction: args.share, seed: args.seed });
    copy(&args.file, &Selection { sessions, ..Selection::all() }, &args.output, common)
}

/// Runs `filter`.
pub(super) fn filter(args: &Filter, common: &Common) -> anyhow::Result<Exit> {
    let filter = Some(args.expression.clone());
    copy(&args.file, &Selection { filter, ..Selection::all() }, &args.output, common)
}

fn copy(file: &Path, selection: &Selection, output: &Output, common: &Common) -> anyhow::Result<Exit> {
    let source = open(file)?;
    let rewritten = rewrite::copy(&source, selection, &output.output, output.overwrite()).map_err(hinted)?;
    tell(file, output, &rewritten, common)
}

impl Output {
    fn overwrite(&self) -> Overwrite {
        if self.force { Overwrite::Replace } else { Overwrite::Refuse }
    }
}

fn hinted(error: FormatError) -> anyhow::Error {
    let exists = *error.kind() == FormatErrorKind::Exists;
    let error = anyhow::Error::new(error);
    if exists { error.context(Hint("--force replaces it".to_owned())) } else { error }
}

/// Says what the new corpus holds. What could not be read of the old one is named, and is a failure.
fn tell(file: &Path, output: &Output, rewritten: &Rewritten, common: &Common) -> anyhow::Result<Exit> {
    let size = |path: &Path| std::fs::metadata(path).map(|metadata| metadata.len());
    let (before, after) = (size(file)?, size(&output.output)?);
    for damage in &rewritten.damage {
        tracing::error!("damage {}", printable(&damage.to_string()));
    }
    if common.json {
        print_json(&json!({
            "exchanges": rewritten.kept,
            "left_out": rewritten.left_out,
            "bytes_before": before,
            "bytes_after": after,
            "damaged": rewritten.damaged,
            "damage": rewritten.damage.iter().map(damage_json).collect::<Vec<_>>(),
        }))?;
    } else if !common.quiet {
        let (before, after) = (ByteCount(before), ByteCount(after));
        print(&format!(
            "{} exchanges written, {} left out; {before} -> {after}",
            rewritten.kept, rewritten.left_out
        ))?;
    }
    Ok(if rewritten.damaged == 0 { Exit::Done } else { Exit::Failed })
}
