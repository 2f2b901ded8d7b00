//! Verdicts and decisions as badges: word and sign, and colour on top.

use super::super::words;
use super::markup::Markup;
use crate::summary::{Decision, Verdict};

/// The class that gives a verdict's colours.
fn tone(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Go => "t-go",
        Verdict::NoGo => "t-no",
        Verdict::Inconclusive => "t-inc",
    }
}

/// A verdict in a line of text.
pub(in crate::render) fn verdict_chip(m: &mut Markup, verdict: Verdict) {
    let sign = match verdict {
        Verdict::Go => "✓",
        Verdict::NoGo => "✗",
        Verdict::Inconclusive => "?",
    };
    chip(m, tone(verdict), sign, words::verdict(verdict));
}

/// What an interval says, in a cell.
pub(super) fn decision_chip(m: &mut Markup, decision: Decision) {
    let tone = match decision {
        Decision::Ok => "t-go",
        Decision::Undecided => "t-inc",
        Decision::Worse => "t-no",
    };
    chip(m, tone, words::decision_sign(decision), words::decision(decision));
}

fn chip(m: &mut Markup, tone: &'static str, sign: &'static str, word: &'static str) {
    m.raw("<span class=\"chip ").raw(tone).raw("\"><b aria-hidden=\"true\">").raw(sign).raw("</b>");
    m.raw(word).raw("</span>");
}

/// The banner at the head of a page: icon, word, and what it means.
///
/// The heading is the verdict, with what follows it in the headline where that begins with the verdict.
pub(in crate::render) fn banner(
    m: &mut Markup,
    verdict: Verdict,
    kind: &str,
    headline: &str,
    meaning: &'static str,
) {
    m.raw("<div class=\"verdict ").raw(tone(verdict)).raw("\">");
    m.raw("<svg class=\"icon\" viewBox=\"0 0 24 24\" aria-hidden=\"true\" fill=\"none\" stroke=\"currentColor\" ");
    m.raw("stroke-width=\"2\" stroke-linecap=\"round\" stroke-linejoin=\"round\"><circle cx=\"12\" cy=\"12\" r=\"10\"/>");
    m.raw(match verdict {
        Verdict::Go => "<path d=\"m7.5 12.4 3.1 3.1 6-6.6\"/>",
        Verdict::NoGo => "<path d=\"m8.5 8.5 7 7m0-7-7 7\"/>",
        Verdict::Inconclusive => {
            "<path d=\"M9.2 9.3a2.9 2.9 0 0 1 5.6.9c0 1.9-2.8 2.5-2.8 4\"/><path d=\"M12 17.3v.01\"/>"
        }
    });
    m.raw("</svg><div><span class=\"kind\">").text(kind).raw("</span><h1>").raw(words::verdict(verdict));
    let rest = headline.strip_prefix(verdict.name()).filter(|rest| rest.starts_with(' '));
    if let Some(rest) = rest {
        m.text(rest);
    }
    m.raw("</h1>");
    if rest.is_none() {
        m.raw("<p class=\"head\">").text(headline).raw("</p>");
    }
    m.raw("<p class=\"head\">").raw(meaning).raw("</p></div></div>\n");
}
