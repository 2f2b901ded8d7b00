//! The index page of a canary walk: one row for each step, with a link to its report.

use super::html::badge::{banner, verdict_chip};
use super::html::markup::Markup;
use super::html::page::{Frame, page};
use super::number;
use crate::summary::Verdict;
use std::fmt::Write as _;
use std::time::Duration;

/// What the index page says.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexPage {
    /// What was walked: `Canary walk`, or the name of its configuration.
    pub title: String,
    /// The worst verdict of the walk.
    pub verdict: Verdict,
    /// One line: how far the walk came and why it ended there.
    pub headline: String,
    /// Version of the tool that walked.
    pub tool_version: String,
    /// The steps in their order, those that were not reached included.
    pub rows: Vec<IndexRow>,
}

/// One step of the walk.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexRow {
    /// The step's name.
    pub step: String,
    /// The step's percent of production, 0..100 and above.
    pub percent: f64,
    /// Its verdict; `None` where the walk did not come to it.
    pub verdict: Option<Verdict>,
    /// Why, most important first, one sentence each.
    pub reasons: Vec<String>,
    /// Its report, as a path relative to the index page.
    pub report: Option<String>,
    /// How long the step took.
    pub duration: Option<Duration>,
}

/// How many reasons a row shows.
const REASONS: usize = 3;

/// Renders the index page as one self-contained HTML file.
pub fn index(walk: &IndexPage) -> String {
    page(&Frame { title: &walk.title, tool_version: &walk.tool_version }, |m| {
        m.raw("<main id=\"main\">");
        banner(m, walk.verdict, &walk.title, &walk.headline, "");
        m.raw("<section aria-labelledby=\"steps\"><h2 id=\"steps\">Steps</h2>");
        m.raw("<div class=\"card scroll\" role=\"region\" aria-labelledby=\"steps\" tabindex=\"0\"><table><thead><tr>");
        m.raw("<th scope=\"col\">Step</th><th scope=\"col\" class=\"r\">Of production</th><th scope=\"col\">Verdict</th>");
        m.raw("<th scope=\"col\">Why</th><th scope=\"col\" class=\"r\">Duration</th><th scope=\"col\">Report</th>");
        m.raw("</tr></thead><tbody>\n");
        for row in &walk.rows {
            index_row(m, row);
        }
        m.raw("</tbody></table></div></section></main>\n");
    })
}

fn index_row(m: &mut Markup, row: &IndexRow) {
    m.raw("<tr><th scope=\"row\" class=\"step\">").name(&row.step).raw("</th><td class=\"num\">");
    m.text(&number::percent(row.percent / 100.0)).raw("</td><td>");
    match row.verdict {
        Some(verdict) => verdict_chip(m, verdict),
        None => {
            m.raw("<span class=\"chip t-plain\">not reached</span>");
        }
    }
    m.raw("</td><td class=\"where\">");
    for reason in row.reasons.iter().take(REASONS) {
        m.raw("<p>").text(reason).raw("</p>");
    }
    if row.reasons.len() > REASONS {
        m.raw("<span class=\"muted\">")
            .text(&format!("and {} more", row.reasons.len() - REASONS))
            .raw("</span>");
    }
    let took = row.duration.map_or_else(|| number::NONE.to_owned(), |d| number::seconds(d.as_secs_f64()));
    m.raw("</td><td class=\"num\">").text(&took).raw("</td><td>");
    match &row.report {
        Some(path) => {
            m.raw("<a").attr("href", &relative_url(path)).raw(">report<span class=\"sr\"> of ");
            m.name(&row.step).raw("</span></a>");
        }
        None => {
            m.raw(number::NONE);
        }
    }
    m.raw("</td></tr>\n");
}

/// A relative path as a URL that can have no scheme and no host.
fn relative_url(path: &str) -> String {
    let mut url = String::from("./");
    for byte in path.trim_start_matches(['/', '\\']).bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'/') {
            url.push(char::from(byte));
        } else {
            let _ = write!(url, "%{byte:02X}");
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: &str) {
        assert_eq!(relative_url(path), expected);
    }

    #[test]
    fn links_stay_beside_the_page() {
        check("step-1/report.html", "./step-1/report.html");
        check("javascript:alert(1)", "./javascript%3Aalert%281%29");
        check("//host/x", "./host/x");
        check("a b?c#d%", "./a%20b%3Fc%23d%25");
    }

    #[test]
    fn steps_that_were_not_reached_are_shown() {
        let row = |verdict, report: Option<&str>| IndexRow {
            step: "<i>25 %".to_owned(),
            percent: 25.0,
            verdict,
            reasons: vec!["p99 of <b>GET /x</b>".to_owned(); 4],
            report: report.map(str::to_owned),
            duration: report.map(|_| Duration::from_secs(95)),
        };
        let html = index(&IndexPage {
            title: "Canary walk".to_owned(),
            verdict: Verdict::NoGo,
            headline: "stopped at 25 %".to_owned(),
            tool_version: "0.1.0".to_owned(),
            rows: vec![row(Some(Verdict::NoGo), Some("25/report.html")), row(None, None)],
        });
        assert!(html.contains("not reached") && html.contains("and 1 more") && html.contains("1 min 35 s"));
        assert!(html.contains("href=\"./25/report.html\""));
        assert!(!html.contains("<b>GET") && !html.contains("<i>25"));
    }
}
