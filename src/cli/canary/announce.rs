//! What a walk says on the way and at its end.
//!
//! The way goes to stderr, results to stdout; captured text is made safe for a terminal.

use crate::cli::Common;
use crate::exit::Exit;
use crate::output::printable;
use canary::{Observer, PlannedRun, REPORT_FILES, Reports, Step, StepResult, Walk};
use replay::Progress;
use report::summary::{Effect, Gate, GatingMetric, GatingSet, Verdict};
use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};

/// Reasons said for a step; the rest is in its report.
const REASONS_SHOWN: usize = 12;

/// The exit code of a verdict.
pub(crate) fn verdict_exit(verdict: Verdict) -> Exit {
    match verdict {
        Verdict::Go => Exit::Done,
        Verdict::NoGo => Exit::NoGo,
        Verdict::Inconclusive => Exit::Inconclusive,
    }
}

/// Says on stderr what a walk does.
#[derive(Debug)]
pub(crate) struct Announcer {
    voice: Voice,
    /// Columns of the status line that stands on the terminal.
    drawn: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Voice {
    Quiet,
    Lines,
    /// Lines, and a status line that is redrawn.
    Terminal,
}

impl Announcer {
    /// As the caller's options and stderr allow.
    pub(crate) fn new(common: &Common) -> Announcer {
        let voice = match common.quiet {
            true => Voice::Quiet,
            false if std::io::stderr().is_terminal() => Voice::Terminal,
            false => Voice::Lines,
        };
        Announcer { voice, drawn: 0 }
    }

    fn say(&mut self, text: &str) {
        if self.voice == Voice::Quiet {
            return;
        }
        self.wipe();
        // Nothing is left to be told to anybody when stderr is closed.
        let _ = writeln!(std::io::stderr(), "{}", printable(text));
    }

    fn wipe(&mut self) {
        if self.drawn > 0 {
            // As above.
            let _ = write!(std::io::stderr(), "\r{:width$}\r", "", width = self.drawn);
            self.drawn = 0;
        }
    }
}

impl Observer for Announcer {
    fn begins(&mut self, step: &Step, planned: &PlannedRun<'_>) {
        let seconds = planned.duration.as_secs_f64();
        self.say(&format!(
            "step {} %: {} requests to each backend in {seconds:.0} s; what gates, fixed now:",
            step.percent, planned.requests
        ));
        for line in gating_lines(planned.gating) {
            self.say(&format!("  {line}"));
        }
    }

    fn progress(&mut self, progress: &Progress) {
        if self.voice != Voice::Terminal {
            return;
        }
        let line = progress_line(progress);
        self.wipe();
        // As in `say`.
        let _ = write!(std::io::stderr(), "{line}");
        self.drawn = line.chars().count();
    }

    fn goes_on(&mut self, step: &Step, needs: &[String]) {
        self.say(&format!("step {} %: goes on, it lacks {}", step.percent, needs.join("; ")));
    }

    fn ends(&mut self, result: &StepResult) {
        self.say(&step_text(result));
    }
}

fn progress_line(progress: &Progress) -> String {
    let mut line =
        format!("  {:.0}/{:.0} s", progress.elapsed.as_secs_f64(), progress.duration.as_secs_f64());
    for backend in &progress.backends {
        let p50 =
            backend.p50.map_or_else(|| "-".to_owned(), |p50| format!("{:.1} ms", p50.as_secs_f64() * 1000.0));
        write!(
            line,
            "  {} {:.0}/s p50 {p50} failed {}",
            backend.role.name(),
            backend.sent_rate,
            backend.failed
        )
        .expect("writing to a string succeeds");
    }
    line
}

/// A step's verdict with its reasons.
fn step_text(step: &StepResult) -> String {
    let mut text = format!("step {} %: {}", step.percent, step.headline);
    let deciding: Vec<_> = step.reasons.iter().filter(|reason| reason.effect != Effect::Note).collect();
    for reason in deciding.iter().take(REASONS_SHOWN) {
        write!(text, "\n  {}: {}", reason.code.name(), reason.text).expect("writing to a string succeeds");
    }
    if deciding.len() > REASONS_SHOWN {
        write!(text, "\n  and {} more in the report", deciding.len() - REASONS_SHOWN)
            .expect("writing to a string succeeds");
    }
    for need in &step.needs {
        write!(text, "\n  it would have needed {need}").expect("writing to a string succeeds");
    }
    text
}

/// The result of a walk: a line for each step with its report, then the verdict.
pub(crate) fn walk_lines(walk: &Walk) -> String {
    let mut text = String::new();
    let mut line =
        |args: std::fmt::Arguments<'_>| writeln!(text, "{args}").expect("writing to a string succeeds");
    for step in &walk.steps {
        let report = match step.reports {
            Reports::Written => walk.out.join(&step.folder).join(REPORT_FILES[0].1).display().to_string(),
            Reports::None => "no report".to_owned(),
        };
        line(format_args!("{:>5} %  {:<12}  {report}", step.percent.to_string(), step.verdict.name()));
    }
    for percent in &walk.not_walked {
        line(format_args!("{:>5} %  not walked", percent.to_string()));
    }
    line(format_args!("{}: {}", walk.verdict.name(), canary::summary_line(walk)));
    line(format_args!("index: {}", walk.out.join("index.html").display()));
    printable(&text)
}

/// The gating set, a line for each scope.
pub(crate) fn gating_lines(gating: &GatingSet) -> Vec<String> {
    let mut lines: Vec<(String, Vec<String>)> = Vec::new();
    for metric in gating.metrics.iter().filter(|metric| metric.gate != Gate::Shown) {
        let scope = metric.scope.to_string();
        match lines.last_mut().filter(|(last, _)| *last == scope) {
            Some((_, metrics)) => metrics.push(metric_text(metric)),
            None => lines.push((scope, vec![metric_text(metric)])),
        }
    }
    lines.into_iter().map(|(scope, metrics)| format!("{scope}: {}", metrics.join(", "))).collect()
}

fn metric_text(metric: &GatingMetric) -> String {
    let margin = match (metric.margin_ratio, metric.margin_us, metric.margin_points) {
        (Some(ratio), Some(micros), _) => {
            format!("+{:.0} % or {:.0} ms", 100.0 * (ratio - 1.0), micros / 1000.0)
        }
        (_, _, Some(points)) => format!("+{points} points"),
        _ => "no margin".to_owned(),
    };
    let part = if metric.gate == Gate::Alarm { " (alarm only)" } else { "" };
    format!("{} {margin}{part}", metric.metric.short())
}
