//! `cutover report`: words to that crate's configuration, call, print.

use crate::cli::Common;
use crate::exit::{Exit, Hint, UsageError};
use crate::output;
use anyhow::Context;
use report::render::{self, Color};
use report::summary::{Summary, Verdict};
use report::{Config, DEFAULT_SEED, ReportError};
use std::fs::OpenOptions;
use std::io::{ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};

/// The words of `cutover report`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Run files; several are judged together
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// Judge by the policy of this file; it must be the one replay was given
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Write the report as one HTML file
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write the report as JSON
    #[arg(long, value_name = "FILE")]
    json_file: Option<PathBuf>,
    /// Write the report as JUnit XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write the report as Markdown
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Overwrite files that exist
    #[arg(long)]
    force: bool,
}

/// Runs the command.
pub(crate) fn run(args: Args, common: &Common) -> anyhow::Result<Exit> {
    let outputs = outputs(&args);
    refuse_to_overwrite(&args, &outputs)?;
    let policy = args.policy.as_deref().map(read_policy).transpose()?;
    let config = Config { runs: args.runs.clone(), policy, seed: DEFAULT_SEED };
    let summary = report::build(&config).map_err(of_report)?;
    for (path, render) in &outputs {
        write(path, &render(&summary), args.force)?;
    }
    if common.json {
        output::print(&render::json(&summary))?;
    } else {
        output::print(&render::terminal(&summary, width(), color()))?;
    }
    Ok(match summary.verdict {
        Verdict::Go => Exit::Done,
        Verdict::NoGo => Exit::NoGo,
        Verdict::Inconclusive => Exit::Inconclusive,
    })
}

type Renderer = fn(&Summary) -> String;

fn outputs(args: &Args) -> Vec<(PathBuf, Renderer)> {
    let wanted: [(&Option<PathBuf>, Renderer); 4] = [
        (&args.html, render::html),
        (&args.json_file, render::json),
        (&args.junit, render::junit),
        (&args.markdown, render::markdown),
    ];
    wanted.into_iter().filter_map(|(path, render)| Some((path.clone()?, render))).collect()
}

/// Refuses before the work what would be refused after it.
fn refuse_to_overwrite(args: &Args, outputs: &[(PathBuf, Renderer)]) -> anyhow::Result<()> {
    for (index, (path, _)) in outputs.iter().enumerate() {
        let twice = outputs[..index].iter().any(|(other, _)| other == path) || args.runs.contains(path);
        if twice {
            return Err(UsageError(format!("{} is named twice", path.display())).into());
        }
        if !args.force && path.exists() {
            return Err(exists(path));
        }
    }
    Ok(())
}

fn exists(path: &Path) -> anyhow::Error {
    anyhow::anyhow!("write {}: the file exists", path.display())
        .context(Hint("--force overwrites it".to_owned()))
}

fn read_policy(path: &Path) -> anyhow::Result<report::policy::Policy> {
    let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()));
    let text = text.map_err(usage)?;
    report::policy::parse(&text).with_context(|| format!("read {}", path.display())).map_err(usage)
}

/// Words that do not fit the runs are usage errors; runs that cannot be read are not.
fn of_report(error: ReportError) -> anyhow::Error {
    match error {
        ReportError::Open { .. } => error.into(),
        ReportError::NoRun
        | ReportError::Mixed { .. }
        | ReportError::Repeated { .. }
        | ReportError::Policy(_) => usage(error.into()),
    }
}

fn usage(error: anyhow::Error) -> anyhow::Error {
    UsageError(format!("{error:#}")).into()
}

fn write(path: &Path, text: &str, force: bool) -> anyhow::Result<()> {
    let mut options = OpenOptions::new();
    let options = if force { options.create(true).truncate(true) } else { options.create_new(true) };
    let written = options.write(true).open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    match written {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(exists(path)),
        other => other.with_context(|| format!("write {}", path.display())),
    }
}

/// The terminal's width as the shell says it, else 100 columns.
fn width() -> usize {
    let said = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    said.unwrap_or(100)
}

fn color() -> Color {
    let wanted = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    if wanted { Color::On } else { Color::Off }
}
