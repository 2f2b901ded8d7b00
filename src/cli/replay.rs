//! `cutover replay`: words to that crate's configuration, call, print.

use crate::cli::Common;
use crate::exit::{Exit, UsageError};
use crate::output;
use crate::progress::Live;
use corpus::Overwrite;
use corpus::run::{BodyKeeping, Scale};
use corpus::units::{Fraction, Percent, RequestRate, Speed, UnitError, parse_duration};
use replay::settings::Settings;
use replay::{
    Baseline, Certificates, Config, Connections, HeaderSetting, HostHeader, Quantiles, ReplayError, Roots,
    RunSummary, Secret, StopHandle, Target,
};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The words of `cutover replay`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The corpus to replay
    corpus: PathBuf,
    /// The legacy backend (http://host:port), or `recorded`
    #[arg(long, value_name = "URL")]
    baseline: String,
    /// The new backend
    #[arg(long, value_name = "URL")]
    candidate: String,
    /// A second instance of the legacy backend, to tell noise
    #[arg(long, value_name = "URL")]
    control: Option<String>,
    /// The run file to write
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Replace the run file if it exists
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    load: Load,
    #[command(flatten)]
    requests: Requests,
    #[command(flatten)]
    connections: Connecting,
    /// Read [replay] and [policy] from this file
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
}

/// How much, how long.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Load")]
struct Load {
    /// Percent of production's rate [default: 100]
    #[arg(long, group = "scale", value_name = "N")]
    percent: Option<Percent>,
    /// Requests a second for each backend, such as 500/s
    #[arg(long, group = "scale", value_name = "N/s")]
    rate: Option<RequestRate>,
    /// Recorded time times this (2x), or max: closed loop, never judged
    #[arg(long, group = "scale", value_name = "FACTOR")]
    speed: Option<Speed>,
    /// How long; the corpus repeats [default: one pass]
    #[arg(long, value_parser = duration, value_name = "TIME")]
    duration: Option<Duration>,
    /// A ceiling on the rate for each backend
    #[arg(long, value_name = "N/s")]
    max_rate: Option<RequestRate>,
    /// Seed of everything drawn [default: 0]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Share of requests sent to the control or repeated [default: 20%]
    #[arg(long, value_name = "SHARE")]
    noise_share: Option<Fraction>,
    /// Lag of repeats [default: 500ms]
    #[arg(long, value_parser = duration, value_name = "TIME")]
    repeat_lag: Option<Duration>,
}

/// What is sent and kept.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Requests")]
struct Requests {
    /// Set a header field on all requests: 'Name=value' or 'Name=env:VAR'
    #[arg(long, value_name = "FIELD")]
    header: Vec<String>,
    /// The same for the baseline (and the control) only
    #[arg(long, value_name = "FIELD")]
    baseline_header: Vec<String>,
    /// The same for the candidate only
    #[arg(long, value_name = "FIELD")]
    candidate_header: Vec<String>,
    /// Host of requests: target, recorded, or a name [default: target]
    #[arg(long, value_name = "HOST")]
    host_header: Option<String>,
    /// Time from the real send to giving up [default: 10s]
    #[arg(long, value_parser = duration, value_name = "TIME")]
    deadline: Option<Duration>,
    /// Response bodies to keep: all, sample or digest [default: all]
    #[arg(long, value_parser = bodies, value_name = "WHICH")]
    bodies: Option<BodyKeeping>,
}

/// How backends are reached.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Connections")]
struct Connecting {
    /// Connections to each backend [default: as recorded]
    #[arg(long, value_name = "N")]
    connections: Option<NonZeroU32>,
    /// Trust the certificates of this PEM file, and no others
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Do not check certificates; said in the run
    #[arg(long)]
    insecure: bool,
    /// Use this address instead of asking the resolver
    #[arg(long, value_name = "HOST:PORT:ADDR")]
    resolve: Vec<String>,
    /// Allow a target that is not private, or was recorded
    #[arg(long, value_name = "HOST")]
    allow_host: Vec<String>,
}

fn duration(text: &str) -> Result<Duration, UnitError> {
    parse_duration(text)
}

fn bodies(text: &str) -> Result<BodyKeeping, String> {
    match text {
        "all" => Ok(BodyKeeping::All),
        "sample" => Ok(BodyKeeping::Sample),
        "digest" => Ok(BodyKeeping::Digest),
        _ => Err("expected all, sample or digest".to_owned()),
    }
}

/// Runs the command.
pub(crate) fn run(args: Args, common: &Common) -> anyhow::Result<Exit> {
    let config = config(&args)?;
    if config.certificates == Certificates::Unchecked {
        crate::progress::say("warning: certificates are not checked (--insecure)");
    }
    let mut prepared = replay::prepare(config).map_err(usage)?;
    if let Some(path) = &args.policy {
        let policy = policy(path)?;
        let checked = policy.check_endpoints(&prepared.header().endpoints);
        checked.map_err(|error| UsageError(format!("{}: {error}", path.display())))?;
        prepared.fix_policy(policy.canonical_json());
    }
    if !common.quiet {
        crate::progress::say(&announcement(prepared.header()));
    }
    for doubt in prepared.doubts() {
        crate::progress::say(&format!("warning: {doubt}"));
    }
    let stop = StopHandle::new();
    let signals = crate::cli::canary::StopOnSignal::watch(stop.clone())?;
    let mut live = Live::new(common);
    let summary = prepared.run(&mut live, &stop).map_err(usage)?;
    live.finish();
    drop(signals);
    if common.json {
        output::print_json(&document(&summary))?;
    } else {
        output::print(&table(&summary))?;
    }
    Ok(Exit::Done)
}

/// Marks errors of the caller's words, so that the process ends as it does for them.
fn usage(error: ReplayError) -> anyhow::Error {
    let words = error.is_usage();
    let chain = anyhow::Error::new(error);
    if words { anyhow::Error::new(UsageError(format!("{chain:#}"))) } else { chain }
}

fn config(args: &Args) -> anyhow::Result<Config> {
    let all = headers(&args.requests.header)?;
    let with = |own: &[String]| -> anyhow::Result<Vec<HeaderSetting>> {
        let mut set = all.clone();
        set.extend(headers(own)?);
        Ok(set)
    };
    let target = |url: &str, own: &[String]| -> anyhow::Result<Target> {
        Ok(Target { url: url.to_owned(), headers: with(own)? })
    };
    let baseline = match args.baseline.as_str() {
        "recorded" => Baseline::Recorded,
        url => Baseline::Backend(target(url, &args.requests.baseline_header)?),
    };
    let candidate = target(&args.candidate, &args.requests.candidate_header)?;
    let mut config = Config::new(args.corpus.clone(), args.output.clone(), baseline, candidate);
    if let Some(path) = &args.policy {
        settings(path)?.apply(&mut config, path.parent().unwrap_or(Path::new(""))).map_err(usage)?;
    }
    let control = args.control.as_deref().map(|url| target(url, &args.requests.baseline_header));
    config.control = control.transpose()?;
    config.overwrite = if args.force { Overwrite::Replace } else { Overwrite::Refuse };
    config.started_unix_ns = crate::progress::unix_time_ns();
    args.load.apply(&mut config);
    args.requests.apply(&mut config);
    args.connections.apply(&mut config);
    Ok(config)
}

impl Load {
    fn apply(&self, config: &mut Config) {
        let percent = self.percent.map(Scale::Percent);
        let scale = percent.or(self.rate.map(Scale::Rate)).or(self.speed.map(Scale::Speed));
        config.scale = scale.unwrap_or(config.scale);
        config.duration = self.duration.or(config.duration);
        config.max_rate = self.max_rate.or(config.max_rate);
        config.seed = self.seed.unwrap_or(config.seed);
        config.noise_share = self.noise_share.unwrap_or(config.noise_share);
        config.repeat_lag = self.repeat_lag.unwrap_or(config.repeat_lag);
    }
}

impl Requests {
    fn apply(&self, config: &mut Config) {
        if let Some(host) = &self.host_header {
            config.host_header = HostHeader::from_word(host);
        }
        config.deadline = self.deadline.unwrap_or(config.deadline);
        config.bodies = self.bodies.unwrap_or(config.bodies);
    }
}

impl Connecting {
    fn apply(&self, config: &mut Config) {
        if let Some(connections) = self.connections {
            config.connections = Connections::Pool(connections);
        }
        if let Some(path) = &self.ca {
            config.roots = Roots::File(path.clone());
        }
        if self.insecure {
            config.certificates = Certificates::Unchecked;
        }
        config.resolve.extend(self.resolve.iter().cloned());
        config.allow_hosts.extend(self.allow_host.iter().cloned());
    }
}

/// Reads `Name=value` and `Name=env:VAR`. No message shows a value.
fn headers(fields: &[String]) -> anyhow::Result<Vec<HeaderSetting>> {
    let read = |field: &String| {
        let wrong = |reason: &str| UsageError(format!("read a header field: {reason}"));
        let (name, value) =
            field.split_once('=').ok_or_else(|| wrong("expected 'Name=value' or 'Name=env:VAR'"))?;
        let value = match value.strip_prefix("env:") {
            None => Secret::new(value),
            Some(variable) => {
                let value = std::env::var_os(variable)
                    .ok_or_else(|| wrong(&format!("the environment variable {variable} is not set")))?;
                Secret::new(std::os::unix::ffi::OsStringExt::into_vec(value))
            }
        };
        Ok(HeaderSetting { name: name.trim().to_owned(), value })
    };
    fields.iter().map(read).collect()
}

fn announcement(header: &corpus::run::RunHeader) -> String {
    let load = &header.load;
    let rate = load.planned_rate.map_or("as fast as possible".to_owned(), |rate| rate.to_string());
    let percent = load.percent_achieved.map(|percent| format!(", {:.3} % of production", percent.value()));
    let left: u64 = header.left_out.values().sum();
    let left_out =
        if left == 0 { String::new() } else { format!("; {left} of {} left out", header.corpus_exchanges) };
    format!(
        "replaying {} requests over {:.1} s at {rate}{}{left_out}",
        header.planned_requests,
        load.duration.as_secs_f64(),
        percent.unwrap_or_default(),
    )
}

/// The document of `--json`.
fn document(summary: &RunSummary) -> serde_json::Value {
    let load = &summary.header.load;
    serde_json::json!({
        "ended": summary.ended().name(),
        "planned_rate": load.planned_rate.map(RequestRate::per_second),
        "percent_achieved": load.percent_achieved.map(Percent::value),
        "duration_s": load.duration.as_secs_f64(),
        "left_out": summary.header.left_out,
        "redacted_credentials_left_out": summary.redacted_dropped,
        "interim_responses": summary.interim_responses,
        "warnings": summary.seal.warnings,
        "backends": summary.backends,
    })
}

/// The summary for people.
fn table(summary: &RunSummary) -> String {
    let mut text = format!(
        "{:<10} {:>9} {:>9} {:>9} {:>7} {:>8} {:>9} {:>9} {:>9} {:>9}\n",
        "backend", "planned", "sent", "responses", "failed", "not sent", "p50", "p90", "p99", "late p99"
    );
    for backend in &summary.backends {
        let (latency, lateness) = (&backend.latency_us, &backend.lateness_us);
        text.push_str(&format!(
            "{:<10} {:>9} {:>9} {:>9} {:>7} {:>8} {:>9} {:>9} {:>9} {:>9}\n",
            backend.role.name(),
            backend.planned,
            backend.sent,
            backend.responses,
            backend.failures.values().sum::<u64>(),
            backend.not_sent.values().sum::<u64>(),
            time(latency, latency.p50),
            time(latency, latency.p90),
            time(latency, latency.p99),
            time(lateness, lateness.p99),
        ));
    }
    for backend in &summary.backends {
        let failures = backend.failures.iter().map(|(kind, count)| format!("{count} {}", kind.name()));
        let not_sent =
            backend.not_sent.iter().map(|(reason, count)| format!("{count} not sent: {}", reason.name()));
        let both: Vec<String> = failures.chain(not_sent).collect();
        if !both.is_empty() {
            text.push_str(&format!("{}: {}\n", backend.role.name(), both.join(", ")));
        }
    }
    if summary.redacted_dropped > 0 {
        let count = summary.redacted_dropped;
        text.push_str(&format!(
            "{count} recorded requests went without their redacted credentials (--header sets others)\n"
        ));
    }
    if summary.ended() != corpus::run::RunEnd::Completed {
        text.push_str(&format!("the run ended before its plan: {}\n", summary.ended().name()));
    }
    summary.doubts.iter().for_each(|doubt| text.push_str(&format!("doubt: {doubt}\n")));
    text
}

#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
fn time(quantiles: &Quantiles, micros: Option<u64>) -> String {
    match (micros, quantiles.censored_above_us) {
        (Some(micros), _) if micros < 10_000 => format!("{:.2} ms", micros as f64 / 1e3),
        (Some(micros), _) => format!("{:.0} ms", micros as f64 / 1e3),
        (None, Some(above)) if quantiles.samples > 1 => format!("> {:.0} s", above as f64 / 1e6),
        (None, _) => "-".to_owned(),
    }
}

/// The text of a `cutover.toml`.
fn read(path: &Path) -> anyhow::Result<String> {
    let failed = |error| UsageError(format!("read {}: {error}", path.display()));
    Ok(std::fs::read_to_string(path).map_err(failed)?)
}

fn settings(path: &Path) -> anyhow::Result<Settings> {
    Settings::parse(&read(path)?).map_err(|error| UsageError(format!("{}: {error}", path.display())).into())
}

/// The policy that is fixed before the first request.
fn policy(path: &Path) -> anyhow::Result<report::policy::Policy> {
    let policy = report::policy::parse(&read(path)?);
    Ok(policy.map_err(|error| UsageError(format!("{}: {error}", path.display())))?)
}
