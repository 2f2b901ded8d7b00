//! The table of endpoints: sortable and filterable where scripts run, complete in itself where they do not.

use super::super::number;
use super::badge::decision_chip;
use super::markup::Markup;
use crate::summary::{Decision, EndpointRow, Summary};

/// Rows on the page: more would make it slow to open.
const ROWS: usize = 500;

/// The section.
pub(super) fn endpoints(m: &mut Markup, summary: &Summary) {
    m.raw("<section aria-labelledby=\"endpoints\"><h2 id=\"endpoints\">Endpoints</h2>");
    if summary.endpoints.is_empty() {
        m.raw("<p class=\"card pad\">No endpoint was replayed.</p></section>\n");
        return;
    }
    let mut rows: Vec<&EndpointRow> = summary.endpoints.iter().collect();
    rows.sort_by_key(|row| std::cmp::Reverse((gravity(row), row.pairs)));
    let left = rows.len().saturating_sub(ROWS);
    m.raw("<p class=\"lead\">Those with the gravest decisions first, then by traffic.");
    if left > 0 {
        m.text(&format!(
            " {} are left out here; the JSON report has them all.",
            number::counted(left as u64, "endpoint", "endpoints")
        ));
    }
    m.raw("</p><div class=\"card\">");
    m.raw("<div class=\"tools\" data-for=\"endpoint-table\" hidden><label>Filter <input type=\"search\" autocomplete=\"off\"");
    m.raw(" placeholder=\"part of a path\"></label><label><input type=\"checkbox\"> only with errors, changes or open ");
    m.raw("decisions</label><span class=\"muted small\" role=\"status\"></span></div>\n");
    m.raw("<div class=\"scroll\" role=\"region\" aria-labelledby=\"endpoints\" tabindex=\"0\">");
    m.raw("<table id=\"endpoint-table\" data-sort><thead><tr><th scope=\"col\">Endpoint</th><th scope=\"col\">Decision</th>");
    for head in ["Pairs", "p50", "p99", "Errors", "Status changes", "Body differences"] {
        m.raw("<th scope=\"col\" class=\"r\">").raw(head).raw("</th>");
    }
    m.raw("</tr></thead>\n<tbody>");
    for row in rows.into_iter().take(ROWS) {
        endpoint(m, row);
    }
    m.raw("</tbody></table></div></div></section>\n");
}

fn gravity(row: &EndpointRow) -> Option<Decision> {
    row.decision.filter(|decision| *decision != Decision::Ok)
}

fn endpoint(m: &mut Markup, row: &EndpointRow) {
    let events = row.status_changes + row.mismatches + row.baseline.errors + row.candidate.errors;
    let plain = gravity(row).is_none() && events == 0;
    m.raw("<tr data-plain=\"")
        .raw(if plain { "1" } else { "0" })
        .raw("\"><th scope=\"row\" class=\"where\">");
    m.name(&row.endpoint).raw("</th><td").attr("data-v", &rank(row)).raw(">");
    match row.decision {
        Some(decision) => decision_chip(m, decision),
        None => {
            m.raw("<span class=\"muted\">");
            m.raw(if row.named { "no metric" } else { "pooled" }).raw("</span>");
        }
    }
    m.raw("</td>");
    cell(m, row.pairs as f64, &number::count(row.pairs), &format!("{} of all", number::percent(row.share)));
    let latency = |m: &mut Markup, baseline: Option<f64>, candidate: Option<f64>| {
        let sort = candidate.unwrap_or(f64::INFINITY);
        cell(
            m,
            sort,
            &number::latency_or_none(candidate),
            &format!("baseline {}", number::latency_or_none(baseline)),
        );
    };
    latency(m, row.baseline.p50_us, row.candidate.p50_us);
    latency(m, row.baseline.p99_us, row.candidate.p99_us);
    let errors = number::count(row.candidate.errors);
    cell(
        m,
        row.candidate.errors as f64,
        &errors,
        &format!("baseline {}", number::count(row.baseline.errors)),
    );
    for events in [row.status_changes, row.mismatches] {
        let share =
            if row.pairs > 0 { number::percent(events as f64 / row.pairs as f64) } else { String::new() };
        cell(m, events as f64, &number::count(events), if events > 0 { &share } else { "" });
    }
    m.raw("</tr>\n");
}

fn rank(row: &EndpointRow) -> String {
    row.decision.map_or_else(String::new, |decision| (decision as u8).to_string())
}

fn cell(m: &mut Markup, sort: f64, value: &str, sub: &str) {
    let sort = if sort.is_finite() { format!("{sort}") } else { String::new() };
    m.raw("<td class=\"num\"").attr("data-v", &sort).raw(">").text(value);
    if !sub.is_empty() {
        m.raw("<span class=\"sub\">").text(sub).raw("</span>");
    }
    m.raw("</td>");
}
