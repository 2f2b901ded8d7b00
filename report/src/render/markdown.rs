//! Markdown for pull requests and step summaries: the most important first, and never more than they take.
//!
//! Outside text stands in code spans, where Markdown, HTML, mentions and links mean nothing, or is escaped.

use super::number;
use super::text::{Limit, Lines, visible};
use super::words;
use crate::summary::{BackendAccount, Decision, DifferenceGroup, Metric, Reason, Scope, Summary, Verdict};
use std::fmt::Write as _;

/// Bytes in all: comments on pull requests take 64 KiB.
const BUDGET: usize = 60_000;
/// Bytes kept for what stands at the end.
const TAIL: usize = 4_000;
const REASONS: usize = 10;
const METRICS: usize = 40;
const GROUPS: usize = 20;
const NAME: Limit = Limit(120);
const TEXT: Limit = Limit(400);

/// Renders a summary as GitHub-flavoured Markdown of at most 60 kB.
pub fn markdown(summary: &Summary) -> String {
    let mut out = Bounded { text: String::new(), left_out: 0 };
    out.push(&format!("## {} {}\n\n", sign(summary.verdict), escape(&heading(summary))));
    out.push(&format!("{}\n\n", escape(&words::coverage(summary))));
    reasons(&mut out, "What to look at first", &words::deciding(summary));
    metrics(&mut out, summary);
    groups(&mut out, summary);
    reasons(&mut out, "Warnings that did not decide", &summary.warnings.iter().collect::<Vec<_>>());
    not_checked(&mut out, summary);
    out.finish(&tail(summary))
}

/// Text that stops growing at its budget, and says so.
struct Bounded {
    text: String,
    left_out: usize,
}

impl Bounded {
    /// Adds a piece whole, or counts it as left out.
    fn push(&mut self, piece: &str) {
        if self.text.len() + piece.len() + TAIL <= BUDGET {
            self.text.push_str(piece);
        } else {
            self.left_out += 1;
        }
    }

    fn finish(mut self, tail: &str) -> String {
        if self.left_out > 0 {
            let _ = write!(self.text, "\n{} more entries are left out here.\n\n", self.left_out);
        }
        if self.text.len() + tail.len() <= BUDGET {
            self.text.push_str(tail);
        }
        self.text
    }
}

fn sign(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Go => "✅",
        Verdict::NoGo => "❌",
        Verdict::Inconclusive => "❔",
    }
}

fn heading(summary: &Summary) -> String {
    match summary.headline.strip_prefix(summary.verdict.name()) {
        Some(rest) => format!("{}{rest}", words::verdict(summary.verdict)),
        None => format!("{}: {}", words::verdict(summary.verdict), summary.headline),
    }
}

fn reasons(out: &mut Bounded, title: &str, reasons: &[&Reason]) {
    if reasons.is_empty() {
        return;
    }
    out.push(&format!("### {title}\n\n"));
    for reason in reasons.iter().take(REASONS) {
        let remedy =
            reason.remedy.as_ref().map(|remedy| format!("<br>{}", escape(remedy))).unwrap_or_default();
        out.push(&format!("- {} (`{}`){remedy}\n", escape(&reason.text), reason.code.name()));
    }
    more(out, reasons.len(), REASONS);
    out.push("\n");
}

fn more(out: &mut Bounded, total: usize, shown: usize) {
    if total > shown {
        out.push(&format!("\n{} more are in the JSON report.\n", number::count((total - shown) as u64)));
    }
}

fn metrics(out: &mut Bounded, summary: &Summary) {
    let judged: Vec<&Metric> = summary.metrics.iter().filter(|metric| words::judged(metric)).collect();
    let open = |m: &&&Metric| m.scope == Scope::Overall || m.decision != Decision::Ok;
    let rows: Vec<&&Metric> = judged.iter().filter(open).collect();
    if rows.is_empty() {
        return;
    }
    out.push("### Metrics against their margins\n\n");
    out.push("| | Scope | Metric | Baseline | Candidate | Difference | Interval | Margin |\n");
    out.push("|---|---|---|--:|--:|--:|--:|--:|\n");
    for metric in rows.iter().take(METRICS) {
        let figures = words::figures(metric);
        let (sign, kind) = (words::decision_sign(metric.decision), words::metric(metric.metric));
        let scope = metric.scope.endpoint().map_or_else(|| metric.scope.to_string(), |name| code(name, NAME));
        out.push(&format!(
            "| {sign} {} | {scope} | {kind} | {} | {} | {} | {} | {} |\n",
            words::decision(metric.decision),
            figures.baseline,
            figures.candidate,
            figures.difference,
            figures.interval,
            figures.margin,
        ));
    }
    more(out, rows.len(), METRICS);
    let fine = judged.len() - rows.len();
    if fine > 0 {
        out.push(&format!(
            "\n{} of endpoints are within their margins.\n",
            number::counted(fine as u64, "more metric", "more metrics")
        ));
    }
    out.push("\n");
}

fn groups(out: &mut Bounded, summary: &Summary) {
    if summary.difference_groups.is_empty() {
        return;
    }
    out.push("### Differences\n\n");
    for group in summary.difference_groups.iter().take(GROUPS) {
        out.push(&difference(group));
    }
    more(out, summary.difference_groups.len(), GROUPS);
    out.push("\n");
}

fn difference(group: &DifferenceGroup) -> String {
    let mut text = format!(
        "- **{}** at {} of {}: {} ({} of those compared){}\n",
        escape(&group.title),
        code(&group.path, NAME),
        code(&group.endpoint, NAME),
        number::counted(group.pairs, "pair", "pairs"),
        number::percent(group.share),
        if group.counts { "" } else { "; does not count" },
    );
    if let Some(example) = group.examples.first() {
        for (side, excerpt) in [("baseline", &example.baseline), ("candidate", &example.candidate)] {
            let shown = words::around(excerpt, 160);
            let _ = writeln!(text, "  - {side}: {}", code(shown, NAME));
        }
    }
    text
}

fn not_checked(out: &mut Bounded, summary: &Summary) {
    if summary.not_checked.is_empty() {
        return;
    }
    out.push("### Not checked\n\n");
    for item in summary.not_checked.iter().take(REASONS) {
        out.push(&format!("- {} {}\n", number::count(item.count), escape(&item.text)));
    }
    more(out, summary.not_checked.len(), REASONS);
    out.push("\n");
}

fn tail(summary: &Summary) -> String {
    let mut text = String::from("### Accounting\n\n");
    for backend in summary.accounting.backends.iter().take(3) {
        let _ = writeln!(text, "- {}", account(backend));
    }
    let inputs = &summary.inputs;
    let _ = write!(
        text,
        "\nPolicy {}, corpus {}, seed {}, cutover {}.\n",
        code(&beginning(&inputs.policy_digest), NAME),
        code(&beginning(&inputs.corpus_digest), NAME),
        inputs.seed,
        escape(&summary.tool_version),
    );
    text
}

/// Enough of a digest to tell it from others.
fn beginning(digest: &str) -> String {
    digest.chars().take(12).collect()
}

fn account(backend: &BackendAccount) -> String {
    let sum = |classes: &std::collections::BTreeMap<String, u64>| {
        number::count(classes.values().fold(0, |sum: u64, n| sum.saturating_add(*n)))
    };
    format!(
        "{}: {} planned = {} sent + {} not sent; {} sent = {} responses + {} failures{}",
        escape(&backend.role),
        number::count(backend.planned),
        number::count(backend.sent),
        sum(&backend.not_sent),
        number::count(backend.sent),
        number::count(backend.responses),
        sum(&backend.failures),
        if backend.balances { "" } else { " (**does not balance**)" },
    )
}

/// Outside text in a sentence: every character that could begin markup is escaped; mentions, references and links are
/// broken by an empty comment, since they are found only after escapes are resolved.
fn escape(text: &str) -> String {
    let text = visible(text, Lines::Show, TEXT);
    let mut out = String::with_capacity(text.len() + 16);
    let mut before = ' ';
    let mut digits_only = true;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '@' => out.push_str("@<!-- -->"),
            '#' => out.push_str("\\#<!-- -->"),
            ':' if rest.peek().is_some_and(|next| *next != ' ') => out.push_str(":<!-- -->"),
            '.' if matches!(before, 'w' | 'W') => out.push_str("<!-- -->."),
            c if acts(c) || (digits_only && matches!(c, '-' | '+' | '=' | '.')) => out.extend(['\\', c]),
            c => out.push(c),
        }
        digits_only &= c.is_ascii_digit();
        before = c;
    }
    out
}

/// Whether a character can begin markup anywhere in a line.
fn acts(c: char) -> bool {
    matches!(c, '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '|' | '~' | '!' | '$')
}

/// Outside text as code, in tables too.
fn code(text: &str, limit: Limit) -> String {
    let text = visible(text, Lines::Show, limit);
    let plain = !text.contains(['`', '|']) && !text.trim().is_empty() && text.trim() == text;
    if plain {
        return format!("`{text}`");
    }
    // A code span cannot hold these in a table: as an element, with every sign as a reference.
    let mut out = String::from("<code>");
    for c in text.chars() {
        if c.is_ascii_punctuation() {
            let _ = write!(out, "&#{};", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out.push_str("</code>");
    out
}

#[cfg(test)]
mod tests {
    use super::super::fixture::sample;
    use super::*;

    fn check(input: &str, in_sentence: &str, as_code: &str) {
        assert_eq!(escape(input), in_sentence);
        assert_eq!(code(input, NAME), as_code);
    }

    #[test]
    fn outside_text_is_only_text() {
        check("GET /orders/{id}", "GET /orders/\\{id\\}", "`GET /orders/{id}`");
        check("a|b", "a\\|b", "<code>a&#124;b</code>");
        check("`x`", "\\`x\\`", "<code>&#96;x&#96;</code>");
        check("<img src=x>", "&lt;img src=x&gt;", "`<img src=x>`");
        check("@team #12", "@<!-- -->team \\#<!-- -->12", "`@team #12`");
        check(
            "https://e.org www.e.org",
            "https:<!-- -->//e.org www<!-- -->.e.org",
            "`https://e.org www.e.org`",
        );
        check("a\n- b", "a␊- b", "`a␊- b`");
        check("", "", "<code></code>");
        check("- x", "\\- x", "`- x`");
        check("12. x.y :a:", "12\\. x.y :<!-- -->a:", "`12. x.y :a:`");
    }

    #[test]
    fn no_input_makes_it_longer_than_a_comment() {
        let mut summary = sample(Verdict::NoGo);
        let long = "`|<@".repeat(2_000);
        let reason = Reason { text: long.clone(), remedy: Some(long.clone()), ..summary.reasons[0].clone() };
        summary.reasons = vec![reason.clone(); 300];
        summary.warnings = vec![reason; 300];
        summary.headline = long.clone();
        for group in &mut summary.difference_groups {
            group.title = long.clone();
            group.path = long.clone();
            group.endpoint = long.clone();
        }
        let text = markdown(&summary);
        assert!(text.len() <= BUDGET, "{}", text.len());
        assert!(text.contains("### Accounting"));
    }

    #[test]
    fn verdicts_as_a_whole() {
        insta::assert_snapshot!("go", markdown(&sample(Verdict::Go)));
        insta::assert_snapshot!("no_go", markdown(&sample(Verdict::NoGo)));
        insta::assert_snapshot!("inconclusive", markdown(&sample(Verdict::Inconclusive)));
    }
}
