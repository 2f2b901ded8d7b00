//! The report for a terminal: verdict line first, and no line wider than asked for.
//!
//! Colour is added around words of the program only; outside text has passed through [`visible`], so that no control
//! byte of it reaches the terminal.

use super::number;
use super::text::{Limit, Lines, visible};
use super::words;
use crate::summary::{BackendAccount, Decision, DifferenceGroup, Metric, Reason, Scope, Summary, Verdict};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Whether to write colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Color {
    /// With ANSI colours.
    On,
    /// Plain text.
    Off,
}

/// Lines are never narrower than this, whatever the terminal says.
const NARROWEST: usize = 60;
const REASONS: usize = 8;
const METRICS: usize = 30;
const GROUPS: usize = 10;
const SENTENCE: Limit = Limit(600);

/// Renders a summary for a terminal of `width` columns.
pub fn terminal(summary: &Summary, width: usize, color: Color) -> String {
    let mut page = Page { out: String::new(), width: width.max(NARROWEST), color };
    page.verdict(summary);
    page.reasons(&words::deciding(summary));
    page.metrics(summary);
    page.groups(summary);
    page.heading("Not checked");
    for item in &summary.not_checked {
        page.item(&format!("{} {}", number::count(item.count), item.text));
    }
    page.accounting(summary);
    let warnings: Vec<&Reason> = summary.warnings.iter().collect();
    if !warnings.is_empty() {
        page.heading("Warnings");
        page.reasons(&warnings);
    }
    page.out
}

struct Page {
    out: String,
    width: usize,
    color: Color,
}

impl Page {
    fn verdict(&mut self, summary: &Summary) {
        let line = clip(&visible(&summary.headline, Lines::Show, SENTENCE), self.width);
        let style = match summary.verdict {
            Verdict::Go => "1;32",
            Verdict::NoGo => "1;31",
            Verdict::Inconclusive => "1;33",
        };
        self.styled(&line, style);
        self.out.push('\n');
    }

    /// Text that is already visible and short, in a style.
    fn styled(&mut self, text: &str, style: &str) {
        match self.color {
            Color::On => {
                let _ = write!(self.out, "\x1b[{style}m{text}\x1b[0m");
            }
            Color::Off => self.out.push_str(text),
        }
    }

    fn heading(&mut self, title: &str) {
        self.out.push('\n');
        self.styled(title, "1");
        self.out.push('\n');
    }

    /// A paragraph with a dash before it, wrapped.
    fn item(&mut self, text: &str) {
        self.wrapped("  - ", "    ", text);
    }

    fn wrapped(&mut self, first: &str, rest: &str, text: &str) {
        let text = visible(text, Lines::Show, SENTENCE);
        let mut indent = first;
        for line in wrap(&text, self.width - columns(first)) {
            let _ = writeln!(self.out, "{indent}{line}");
            indent = rest;
        }
    }

    fn reasons(&mut self, reasons: &[&Reason]) {
        for reason in reasons.iter().take(REASONS) {
            self.item(&format!("{} [{}]", reason.text, reason.code.name()));
            if let Some(remedy) = &reason.remedy {
                self.wrapped("    ", "    ", remedy);
            }
        }
        self.more(reasons.len(), REASONS);
    }

    fn more(&mut self, total: usize, shown: usize) {
        if total > shown {
            let _ = writeln!(
                self.out,
                "    and {} more in the JSON report",
                number::count((total - shown) as u64)
            );
        }
    }

    fn metrics(&mut self, summary: &Summary) {
        let judged: Vec<&Metric> = summary.metrics.iter().filter(|metric| words::judged(metric)).collect();
        let open = |m: &&&Metric| m.scope == Scope::Overall || m.decision != Decision::Ok;
        let rows: Vec<&&Metric> = judged.iter().filter(open).collect();
        if rows.is_empty() {
            return;
        }
        self.heading("Metrics against their margins");
        let head = format!(
            "    {:<17}{:>9}{:>10}{:>26}{:>13}",
            "", "baseline", "candidate", "difference (interval)", "margin"
        );
        self.styled(&head, "2");
        self.out.push('\n');
        let mut scope = None;
        for metric in rows.iter().take(METRICS) {
            if scope != Some(&metric.scope) {
                let name = visible(&metric.scope.to_string(), Lines::Show, SENTENCE).into_owned();
                let _ = writeln!(self.out, "  {}", clip(&name, self.width - 2));
            }
            scope = Some(&metric.scope);
            self.metric(metric);
        }
        self.more(rows.len(), METRICS);
        let fine = judged.len() - rows.len();
        if fine > 0 {
            let what = number::counted(fine as u64, "metric", "metrics");
            let _ = writeln!(self.out, "  {what} of endpoints within the margins");
        }
    }

    fn metric(&mut self, metric: &Metric) {
        let figures = words::figures(metric);
        let style = match metric.decision {
            Decision::Ok => "32",
            Decision::Undecided => "33",
            Decision::Worse => "31",
        };
        self.out.push_str("  ");
        self.styled(words::decision_sign(metric.decision), style);
        let change = if figures.interval.is_empty() {
            figures.difference
        } else {
            short(&figures.interval, &figures.difference)
        };
        let _ = writeln!(
            self.out,
            " {:<17}{:>9}{:>10}{:>26}{:>13}",
            words::metric(metric.metric),
            figures.baseline,
            figures.candidate,
            change,
            figures.margin
        );
    }

    fn groups(&mut self, summary: &Summary) {
        if summary.difference_groups.is_empty() {
            return;
        }
        self.heading("Differences");
        for group in summary.difference_groups.iter().take(GROUPS) {
            self.group(group);
        }
        self.more(summary.difference_groups.len(), GROUPS);
    }

    fn group(&mut self, group: &DifferenceGroup) {
        let pairs = number::counted(group.pairs, "pair", "pairs");
        let share = number::percent(group.share);
        let counts = if group.counts { "" } else { ", does not count" };
        self.item(&format!("{}: {} ({pairs}, {share}{counts})", group.endpoint, group.title));
        if let Some(example) = group.examples.first() {
            for (side, excerpt) in [("baseline ", &example.baseline), ("candidate", &example.candidate)] {
                let part = words::around(excerpt, self.width - 18);
                let before = if excerpt.text.starts_with(part) { "" } else { "…" };
                let after = if excerpt.text.ends_with(part) { "" } else { "…" };
                let text = format!("{before}{}{after}", visible(part, Lines::Show, SENTENCE));
                let _ = writeln!(self.out, "    {side} {}", clip(&text, self.width - 14));
            }
        }
    }

    fn accounting(&mut self, summary: &Summary) {
        self.heading("Accounting");
        for backend in &summary.accounting.backends {
            self.wrapped("  ", "    ", &account(backend));
        }
        let pairs = &summary.accounting.pairs;
        let text = format!(
            "pairs: {} planned = {} usable + {}; {} distinct exchanges, {} sessions",
            number::count(pairs.planned),
            number::count(pairs.usable),
            classes("excluded", &pairs.excluded),
            number::count(pairs.distinct),
            number::count(pairs.sessions),
        );
        self.wrapped("  ", "    ", &text);
        if !summary.accounting.balances {
            self.item("a sum does not hold: the tool is broken, trust nothing here");
        }
    }
}

/// Difference and interval in one column: `+88.0 % (+63.0 to +113)`.
fn short(interval: &str, difference: &str) -> String {
    let bare = interval.trim_end_matches(" %").trim_end_matches(" points");
    format!("{} ({})", difference.trim_end_matches(" points"), bare.replace(" to ", "..").replace(' ', ""))
}

fn account(backend: &BackendAccount) -> String {
    format!(
        "{}: {} planned = {} sent + {}; {} sent = {} responses + {}{}",
        backend.role,
        number::count(backend.planned),
        number::count(backend.sent),
        classes("not sent", &backend.not_sent),
        number::count(backend.sent),
        number::count(backend.responses),
        classes("failures", &backend.failures),
        if backend.balances { "" } else { " (does NOT balance)" },
    )
}

/// `212 failures (70 timeout, 142 connection reset)`.
fn classes(name: &str, classes: &BTreeMap<String, u64>) -> String {
    let sum = classes.values().fold(0u64, |sum, n| sum.saturating_add(*n));
    let known = classes.iter().filter(|(_, n)| **n > 0);
    let shown: Vec<String> =
        known.map(|(k, n)| format!("{} {}", number::count(*n), words::readable(k))).collect();
    let inside = if shown.is_empty() { String::new() } else { format!(" ({})", shown.join(", ")) };
    format!("{} {name}{inside}", number::count(sum))
}

/// Columns of a text, never fewer than a terminal takes: what may be wide counts as wide.
fn columns(text: &str) -> usize {
    text.chars().map(column).sum()
}

fn column(c: char) -> usize {
    match u32::from(c) {
        0x1100..=0x115f
        | 0x2329..=0x232a
        | 0x2e80..=0xa4cf
        | 0xa960..=0xa97f
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe10..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f000..=0x1faff
        | 0x2_0000..=0x3_ffff => 2,
        _ => 1,
    }
}

/// The beginning of a text that fits, with a sign where there is more.
fn clip(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += column(c);
        if used > width {
            break;
        }
        out.push(c);
    }
    out.push('…');
    out
}

/// Lines of at most `width` columns, broken at spaces, and within words that are longer.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split(' ') {
        if used > 0 && used + 1 + columns(word) > width {
            lines.push(String::new());
            used = 0;
        }
        if used > 0 {
            lines.last_mut().expect("there is a line").push(' ');
            used += 1;
        }
        for c in word.chars() {
            if used + column(c) > width {
                lines.push(String::new());
                used = 0;
            }
            lines.last_mut().expect("there is a line").push(c);
            used += column(c);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::super::fixture::sample;
    use super::*;

    fn check(text: &str, width: usize, expected: &[&str]) {
        assert_eq!(wrap(text, width), expected);
    }

    #[test]
    fn lines_are_broken_between_words_if_they_can_be() {
        check("one two three", 8, &["one two", "three"]);
        check("abcdefghij kl", 4, &["abcd", "efgh", "ij", "kl"]);
        check("漢字漢字", 5, &["漢字", "漢字"]);
        check("", 5, &[""]);
    }

    #[test]
    fn it_fits_eighty_columns_and_begins_with_the_verdict() {
        for verdict in [Verdict::Go, Verdict::NoGo, Verdict::Inconclusive] {
            let text = terminal(&sample(verdict), 80, Color::Off);
            assert!(text.starts_with(&format!("{verdict} for reads: 37 % of traffic\n")), "{text}");
            for line in text.lines() {
                assert!(columns(line) <= 80, "{} columns: {line}", columns(line));
            }
        }
    }

    #[test]
    fn colours_only_add_to_the_text() {
        let summary = sample(Verdict::NoGo);
        let mut plain = terminal(&summary, 80, Color::On);
        for code in ["1;31", "1", "2", "31", "32", "33", "0"] {
            plain = plain.replace(&format!("\x1b[{code}m"), "");
        }
        assert_eq!(plain, terminal(&summary, 80, Color::Off));
    }

    #[test]
    fn verdicts_as_a_whole() {
        insta::assert_snapshot!("go", terminal(&sample(Verdict::Go), 80, Color::Off));
        insta::assert_snapshot!("no_go", terminal(&sample(Verdict::NoGo), 80, Color::Off));
        insta::assert_snapshot!("inconclusive", terminal(&sample(Verdict::Inconclusive), 80, Color::Off));
    }
}
