//! Differences, side by side, with the differing parts marked; noise and ignored differences shown as such.

use super::super::text::{Limit, Lines, visible};
use super::super::{number, words};
use super::markup::Markup;
use super::overview::left_out;
use crate::summary::{DifferenceExample, DifferenceGroup, Excerpt, Highlight, Summary};

/// Groups on the page.
const GROUPS: usize = 100;
/// Groups that stand open.
const OPEN: usize = 2;
/// Rows of the tables of noise and rules.
const ROWS: usize = 200;
/// Characters of an excerpt before and after the marked part, and of that part.
const AROUND: usize = 700;
/// Bytes of examples on the page, however hostile: then groups go without.
const BUDGET: usize = 8 << 20;

/// The section.
pub(super) fn differences(m: &mut Markup, summary: &Summary) {
    m.raw(
        "<section aria-labelledby=\"differences\"><h2 id=\"differences\">Differences</h2><p class=\"lead\">",
    );
    m.raw("Responses of the candidate that are not those of the baseline, grouped by cause, the gravest first.</p>");
    if summary.difference_groups.is_empty() {
        m.raw("<p class=\"card pad\">None, but for what is listed below as noise or ignored.</p>");
    }
    let before = m.len();
    for (position, difference) in summary.difference_groups.iter().take(GROUPS).enumerate() {
        group(m, difference, position < OPEN, m.len() - before < BUDGET);
    }
    left_out(m, summary.difference_groups.len(), GROUPS);
    m.raw("</section>\n");
    noise(m, summary);
    ignored(m, summary);
}

fn group(m: &mut Markup, group: &DifferenceGroup, open: bool, examples: bool) {
    m.raw("<details class=\"card group\"").raw(if open { " open" } else { "" }).raw("><summary><span>");
    m.text(&group.title).raw("</span><span class=\"share num\">");
    m.text(&format!("{} of compared pairs", number::percent(group.share)))
        .raw("</span><span class=\"where2 meta\">");
    m.raw(if group.counts {
        "<span class=\"chip t-no\">counts</span>"
    } else {
        "<span class=\"chip t-plain\">does not count</span>"
    });
    m.raw("<span>").name(&words::readable(&group.severity)).raw("</span><span>").name(&group.endpoint);
    m.raw("</span><code>")
        .name(&group.path)
        .raw("</code></span></summary><div class=\"in\"><dl class=\"facts\">");
    let mut fact = |name: &'static str, value: &str| {
        m.raw("<div><dt>").raw(name).raw("</dt><dd>").text(value).raw("</dd></div>");
    };
    fact("Kind", &words::readable(&group.kind));
    if let Some(change) = &group.change {
        fact("Change", change);
    }
    let pairs = number::counted(group.pairs, "pair", "pairs");
    fact(
        "Seen in",
        &format!("{pairs} of about {}", number::counted(group.exchanges, "exchange", "exchanges")),
    );
    let (first, last) =
        (number::seconds(group.first_second as f64), number::seconds(group.last_second as f64));
    fact("When", &format!("from {first} to {last} of the run"));
    if !group.also_at.is_empty() {
        let shown: Vec<&str> = group.also_at.iter().take(8).map(String::as_str).collect();
        fact("Also at", &shown.join(", "));
    }
    fact("Id", &group.id);
    m.raw("</dl>");
    if examples {
        for shown in group.examples.iter().take(3) {
            example(m, shown);
        }
    } else {
        m.raw("<p class=\"muted\">Its examples are left out: the page is full.</p>");
    }
    m.raw("</div></details>\n");
}

fn example(m: &mut Markup, example: &DifferenceExample) {
    m.raw("<div class=\"ex\"><h4>").text(&example.request).raw("</h4><p class=\"meta\"><span>exchange ");
    m.name(&example.exchange).raw("</span><span>at ").text(&number::seconds(example.second as f64));
    m.raw("</span></p><div class=\"pair\"><div><div class=\"side\">Baseline</div>");
    excerpt(m, &example.baseline);
    m.raw("</div><div><div class=\"side c\">Candidate</div>");
    excerpt(m, &example.candidate);
    m.raw("</div></div></div>\n");
}

fn excerpt(m: &mut Markup, excerpt: &Excerpt) {
    let [before, marked, after] = parts(&excerpt.text, excerpt.highlight);
    let start = before.char_indices().rev().nth(AROUND - 1).map_or(0, |(at, _)| at);
    m.raw("<pre>");
    omitted(m, excerpt.omitted_before + start as u64, "before");
    m.block(&before[start..]);
    if excerpt.highlight.is_some() {
        let marked = if marked.is_empty() { "∅" } else { marked };
        m.raw("<mark>").block(&visible(marked, Lines::Keep, Limit(AROUND))).raw("</mark>");
    }
    let end = after.char_indices().nth(AROUND).map_or(after.len(), |(at, _)| at);
    m.block(&after[..end]);
    omitted(m, excerpt.omitted_after + (after.len() - end) as u64, "after");
    m.raw("</pre>");
}

/// The text before, in and after the marked part. A range that does not fit the text marks nothing.
fn parts(text: &str, highlight: Option<Highlight>) -> [&str; 3] {
    let Some(Highlight { start, end }) = highlight else { return ["", "", text] };
    match (text.get(..start), text.get(start..end), text.get(end..)) {
        (Some(before), Some(marked), Some(after)) => [before, marked, after],
        _ => ["", "", text],
    }
}

fn omitted(m: &mut Markup, bytes: u64, side: &'static str) {
    if bytes > 0 {
        m.raw("<span class=\"muted\">")
            .text(&format!(" … {} {side} … ", number::bytes(bytes)))
            .raw("</span>");
    }
}

fn noise(m: &mut Markup, summary: &Summary) {
    m.raw("<section aria-labelledby=\"noise\"><h2 id=\"noise\">Noise</h2><p class=\"lead\">");
    m.raw("What differs between a backend and itself is no difference of the candidate. It is measured, not guessed: ");
    m.raw("a place counts only beyond the share seen there.</p>");
    if summary.noise.is_empty() {
        m.raw("<p class=\"card pad\">No noise was seen.</p></section>\n");
        return;
    }
    m.raw("<div class=\"card scroll\" role=\"region\" aria-labelledby=\"noise\" tabindex=\"0\"><table><thead><tr>");
    m.raw("<th scope=\"col\">Endpoint</th><th scope=\"col\">Place</th><th scope=\"col\">Kind</th>");
    m.raw("<th scope=\"col\" class=\"r\">Of noise pairs</th><th scope=\"col\" class=\"r\">Of pairs</th></tr></thead><tbody>\n");
    for row in summary.noise.iter().take(ROWS) {
        m.raw("<tr><th scope=\"row\" class=\"where\">")
            .name(&row.endpoint)
            .raw("</th><td><code>")
            .name(&row.path);
        m.raw("</code></td><td>").name(&words::readable(&row.kind)).raw("</td><td class=\"num\">");
        m.text(&format!("{} of {}", number::percent(row.noise_share), number::count(row.noise_pairs)));
        m.raw("</td><td class=\"num\">");
        m.text(&format!("{} of {}", number::percent(row.pair_share), number::count(row.pairs)))
            .raw("</td></tr>\n");
    }
    m.raw("</tbody></table></div>");
    left_out(m, summary.noise.len(), ROWS);
    m.raw("</section>\n");
}

fn ignored(m: &mut Markup, summary: &Summary) {
    if summary.ignored.is_empty() {
        return;
    }
    m.raw("<section aria-labelledby=\"ignored\"><h2 id=\"ignored\">Ignored by the policy</h2>");
    m.raw("<div class=\"card scroll\" role=\"region\" aria-labelledby=\"ignored\" tabindex=\"0\"><table><thead><tr>");
    m.raw("<th scope=\"col\">Rule</th><th scope=\"col\">Reason given</th><th scope=\"col\" class=\"r\">Differences hidden</th>");
    m.raw("</tr></thead><tbody>\n");
    for rule in summary.ignored.iter().take(ROWS) {
        m.raw("<tr><th scope=\"row\" class=\"where\"><code>")
            .name(&rule.rule)
            .raw("</code></th><td>")
            .text(&rule.reason);
        m.raw("</td><td class=\"num\">").text(&number::count(rule.hits));
        if rule.hits == 0 {
            m.raw("<span class=\"sub\">a dead rule</span>");
        }
        m.raw("</td></tr>\n");
    }
    m.raw("</tbody></table></div>");
    left_out(m, summary.ignored.len(), ROWS);
    m.raw("</section>\n");
}
