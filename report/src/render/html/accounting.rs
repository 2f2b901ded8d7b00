//! The end of the page: what was not checked, the balance of everything, inputs and how to get it again.

use super::super::{number, words};
use super::markup::Markup;
use super::overview::left_out;
use crate::summary::{BackendAccount, Inputs, RunInput, Summary};
use std::collections::BTreeMap;

/// Rows of one list.
const ROWS: usize = 100;

/// What the verdict says nothing about.
pub(super) fn not_checked(m: &mut Markup, summary: &Summary) {
    m.raw("<section aria-labelledby=\"unchecked\"><h2 id=\"unchecked\">Not checked</h2><div class=\"card pad\">");
    let missing = &summary.coverage.endpoints_not_replayed;
    if summary.not_checked.is_empty() && missing.is_empty() {
        m.raw("<p>Everything that was recorded was replayed and compared.</p>");
    }
    m.raw("<ul class=\"plainlist\">");
    for item in summary.not_checked.iter().take(ROWS) {
        m.raw("<li><b class=\"num\">")
            .text(&number::count(item.count))
            .raw("</b> ")
            .text(&item.text)
            .raw(" <code>");
        m.name(&item.what).raw("</code></li>\n");
    }
    m.raw("</ul>");
    left_out(m, summary.not_checked.len(), ROWS);
    if !missing.is_empty() {
        m.raw("<details class=\"more\"><summary>");
        m.text(&number::counted(
            missing.len() as u64,
            "endpoint was recorded and not replayed",
            "endpoints were recorded and not replayed",
        ));
        m.raw("</summary><ul class=\"plainlist\">");
        for endpoint in missing.iter().take(ROWS) {
            m.raw("<li>").name(&endpoint.endpoint).raw(" <span class=\"muted num\">");
            m.text(&number::counted(endpoint.recorded, "request", "requests")).raw("</span></li>\n");
        }
        m.raw("</ul>");
        left_out(m, missing.len(), ROWS);
        m.raw("</details>");
    }
    m.raw("</div></section>\n");
}

/// Every request and pair in exactly one class.
pub(super) fn accounting(m: &mut Markup, summary: &Summary) {
    let accounting = &summary.accounting;
    m.raw("<section aria-labelledby=\"accounting\"><h2 id=\"accounting\">Accounting</h2><p class=\"lead\">");
    m.raw("Every planned request is in exactly one class. ");
    m.raw(if accounting.balances {
        "All sums hold."
    } else {
        "A sum does NOT hold: the tool is broken, trust nothing here."
    });
    m.raw("</p><div class=\"card balance\">");
    for backend in &accounting.backends {
        account(m, backend);
    }
    let pairs = &accounting.pairs;
    m.raw("<h3>Pairs</h3>");
    sum(m, "planned", pairs.planned, "usable", pairs.usable, "excluded", &pairs.excluded);
    m.raw("<p class=\"muted small\">");
    m.text(&format!("{} measure noise.", number::counted(accounting.noise_pairs, "more pair", "more pairs")));
    m.raw("</p>");
    if !accounting.damage.is_empty() {
        m.raw("<h3>Damage</h3><ul class=\"plainlist\">");
        for damage in accounting.damage.iter().take(ROWS) {
            m.raw("<li>").text(damage).raw("</li>\n");
        }
        m.raw("</ul>");
        left_out(m, accounting.damage.len(), ROWS);
    }
    m.raw("</div></section>\n");
}

fn account(m: &mut Markup, backend: &BackendAccount) {
    m.raw("<h3>").name(&backend.role).raw(" <span class=\"muted\">").name(&backend.url).raw("</span>");
    m.raw(if backend.balances {
        ""
    } else {
        " <span class=\"chip t-no\"><b aria-hidden=\"true\">✗</b>does not balance</span>"
    });
    m.raw("</h3>");
    sum(m, "planned", backend.planned, "sent", backend.sent, "not sent", &backend.not_sent);
    sum(m, "sent", backend.sent, "responses", backend.responses, "failures", &backend.failures);
    let mut notes = Vec::new();
    if backend.retried_stale > 0 {
        notes.push(format!("{} sent again on a new connection", number::count(backend.retried_stale)));
    }
    if let Some(lateness) = backend.lateness_p99_us {
        notes.push(format!("99 % were sent at most {} late", number::latency(lateness)));
    }
    if !notes.is_empty() {
        m.raw("<p class=\"muted small\">").text(&notes.join("; ")).raw("</p>");
    }
}

/// `14,000 planned = 13,990 sent + 10 not sent (10 breaker)`.
fn sum(
    m: &mut Markup,
    whole: &'static str,
    all: u64,
    part: &'static str,
    done: u64,
    rest: &'static str,
    classes: &BTreeMap<String, u64>,
) {
    let missing: u64 = classes.values().fold(0, |sum, n| sum.saturating_add(*n));
    let term = |m: &mut Markup, n: u64, name: &'static str| {
        m.raw("<b>").text(&number::count(n)).raw("</b> ").raw(name);
    };
    m.raw("<p class=\"sum\">");
    term(m, all, whole);
    m.raw(" = ");
    term(m, done, part);
    m.raw(" + ");
    term(m, missing, rest);
    let shown: Vec<String> = classes
        .iter()
        .filter(|(_, n)| **n > 0)
        .map(|(k, n)| format!("{} {}", number::count(*n), words::readable(k)))
        .collect();
    if !shown.is_empty() {
        m.raw(" <span class=\"muted\">(").text(&shown.join(", ")).raw(")</span>");
    }
    m.raw("</p>");
}

/// Inputs and commands.
pub(super) fn reproduce(m: &mut Markup, summary: &Summary) {
    m.raw(
        "<section aria-labelledby=\"reproduce\"><h2 id=\"reproduce\">Inputs, and how to get this again</h2>",
    );
    m.raw("<div class=\"card pad\">");
    for item in summary.reproduce.iter().take(20) {
        m.raw("<p>").text(&item.what).raw("</p><pre>").block(&item.command).raw("</pre>");
    }
    m.raw("<p class=\"muted small\">Same run, policy and seed give the same report, byte for byte.</p>");
    inputs(m, summary, &summary.inputs);
    m.raw("</div></section>\n");
}

fn inputs(m: &mut Markup, summary: &Summary, inputs: &Inputs) {
    m.raw("<dl class=\"kv\">");
    let mut fact = |name: &'static str, value: &str, mono: bool| {
        m.raw("<dt>").raw(name).raw(if mono { "</dt><dd><code>" } else { "</dt><dd>" }).text(value);
        m.raw(if mono { "</code></dd>" } else { "</dd>" });
    };
    for run in inputs.runs.iter().take(ROWS) {
        fact("Run", &run.digest, true);
        fact("", &run_line(run), false);
    }
    fact("Corpus", &inputs.corpus_digest, true);
    fact("Policy", &inputs.policy_digest, true);
    let seed = format!("{} with {}", inputs.seed, number::counted(inputs.resamples, "resample", "resamples"));
    fact("Seed", &seed, false);
    fact("Tool", &format!("cutover {}", summary.tool_version), false);
    m.raw("</dl><details class=\"more\"><summary>The policy in force</summary><pre>");
    let policy = serde_json::to_string_pretty(&inputs.policy).unwrap_or_default();
    let shown: String = policy.chars().take(40_000).collect();
    m.block(&shown).raw("</pre></details>");
}

fn run_line(run: &RunInput) -> String {
    format!(
        "{}, {}, {} over the corpus, deadline {}, seed {}, made by cutover {}, {}",
        run.load,
        number::seconds(run.duration_seconds),
        number::counted(u64::from(run.passes), "pass", "passes"),
        number::latency(run.deadline_us),
        run.seed,
        run.tool_version,
        run.ended.as_ref().map_or_else(
            || "unsealed: the replay was killed".to_owned(),
            |e| format!("ended: {}", words::readable(e))
        ),
    )
}
