//! Live status on stderr, and the wall clock.
//!
//! On a terminal one block is redrawn in place; in a pipe nothing is shown.

use crate::cli::Common;
use replay::{BackendProgress, Observer, Progress};
use std::io::{IsTerminal, Write};
use std::time::Duration;

/// Shows a replay's progress.
pub(crate) struct Live {
    shown: Shown,
    lines: usize,
    started: std::time::Instant,
}

/// Whether anybody looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    OnTerminal,
    Nowhere,
}

impl Live {
    /// Shows on a terminal, unless asked to be quiet.
    pub(crate) fn new(common: &Common) -> Live {
        let looked_at = std::io::stderr().is_terminal() && !common.quiet;
        let shown = if looked_at { Shown::OnTerminal } else { Shown::Nowhere };
        Live { shown, lines: 0, started: std::time::Instant::now() }
    }

    fn draw(&mut self, text: &str) {
        let up = if self.lines > 0 { format!("\x1b[{}A", self.lines) } else { String::new() };
        let block: String = text.lines().map(|line| format!("\x1b[2K{line}\n")).collect();
        self.lines = text.lines().count();
        // A terminal that has gone away is no reason to end the work.
        let _ = std::io::stderr().write_all(format!("{up}{block}").as_bytes());
    }

    /// Clears the block.
    pub(crate) fn finish(&mut self) {
        if self.lines > 0 {
            let _ = std::io::stderr().write_all(format!("\x1b[{}A\x1b[0J", self.lines).as_bytes());
            self.lines = 0;
        }
    }
}

impl Observer for Live {
    fn progress(&mut self, progress: &Progress) {
        if self.shown == Shown::OnTerminal {
            let text = block(progress, self.started.elapsed());
            self.draw(&text);
        }
    }
}

fn block(progress: &Progress, elapsed: Duration) -> String {
    let planned = progress.planned_rate.map_or("max".to_owned(), |rate| rate.to_string());
    let late = progress.lateness_p99.map_or("-".to_owned(), millis);
    let head = format!(
        "{:>6.1} s of {:.1} s   planned {planned}   late p99 {late}",
        elapsed.as_secs_f64(),
        progress.duration.as_secs_f64()
    );
    let lines = progress.backends.iter().map(line);
    std::iter::once(head).chain(lines).map(|line| line + "\n").collect()
}

fn line(backend: &BackendProgress) -> String {
    format!(
        "{:<9} {:>8.1}/s  sent {:>8}  open {:>5}  failed {:>5}  p50 {:>8}  p99 {:>8}",
        backend.role.name(),
        backend.sent_rate,
        backend.sent,
        backend.open,
        backend.failed,
        backend.p50.map_or("-".to_owned(), millis),
        backend.p99.map_or("-".to_owned(), millis),
    )
}

fn millis(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

/// Says one line on stderr, made safe for a terminal.
pub(crate) fn say(line: &str) {
    // Nothing is left to be told to anybody when stderr is closed.
    let _ = std::io::stderr().write_all(format!("{}\n", crate::output::printable(line)).as_bytes());
}

/// The wall clock, in nanoseconds since 1970: for headers that people read, never for measuring.
#[expect(clippy::disallowed_methods, reason = "the root package is where the wall clock is read")]
pub(crate) fn unix_time_ns() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use corpus::run::Role;

    #[test]
    fn a_block_has_a_line_for_each_backend() {
        let backend = BackendProgress {
            role: Role::Baseline,
            sent_rate: 99.5,
            sent: 200,
            failed: 1,
            open: 3,
            p50: Some(Duration::from_micros(1500)),
            p99: None,
        };
        let progress = Progress {
            duration: Duration::from_secs(60),
            planned_rate: corpus::units::RequestRate::new(100.0),
            backends: vec![backend],
            ..Progress::default()
        };
        let expected = "   2.0 s of 60.0 s   planned 100.0/s   late p99 -\n\
            baseline      99.5/s  sent      200  open     3  failed     1  p50  1.50 ms  p99        -\n";
        assert_eq!(block(&progress, Duration::from_secs(2)), expected);
    }
}
