//! The page: one self-contained file that works offline, without script, on a phone and on paper.
//!
//! Verdict and reasons come first, then everything they rest on. Each section bounds what it shows and says what it
//! left out, so that no input makes a page that cannot be opened.

mod accounting;
mod axis;
pub(super) mod badge;
mod chart;
mod curves;
mod differences;
mod endpoints;
mod forest;
pub(super) mod markup;
mod metrics;
mod overview;
pub(super) mod page;
mod svg;

use super::words;
use crate::summary::Summary;

/// Renders a summary as one self-contained HTML file.
pub fn html(summary: &Summary) -> String {
    let title = format!("{}: {}", words::verdict(summary.verdict), summary.headline);
    page::page(&page::Frame { title: &title, tool_version: &summary.tool_version }, |m| {
        overview::bar(m, summary);
        m.raw("<main id=\"main\">\n");
        overview::overview(m, summary);
        metrics::metrics(m, summary);
        curves::latency(m, summary);
        curves::over_time(m, summary);
        endpoints::endpoints(m, summary);
        differences::differences(m, summary);
        accounting::not_checked(m, summary);
        accounting::accounting(m, summary);
        accounting::reproduce(m, summary);
        m.raw("</main>\n");
    })
}
