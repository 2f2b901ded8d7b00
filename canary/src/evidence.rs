//! Whether more time would decide a step, and what it would have needed.
//!
//! Invariant: only a verdict that lacks nothing but evidence goes on; a step that is doubtful for any other
//! reason would stay so.

use report::summary::{Effect, Reason, ReasonCode, Verdict};

/// What a step does after it was judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// The verdict stands.
    Stand,
    /// More of the same would decide it.
    GoOn,
}

/// What to do with a verdict and its reasons.
pub(crate) fn next(verdict: Verdict, reasons: &[Reason]) -> Next {
    let blocking: Vec<&Reason> = reasons.iter().filter(|reason| blocks(reason)).collect();
    let curable = verdict == Verdict::Inconclusive
        && !blocking.is_empty()
        && blocking.iter().all(|reason| lacks_evidence(reason) && !needs_larger_corpus(reason));
    if curable { Next::GoOn } else { Next::Stand }
}

/// What an inconclusive step would have needed, a sentence each.
pub(crate) fn needs(verdict: Verdict, reasons: &[Reason]) -> Vec<String> {
    if verdict != Verdict::Inconclusive {
        return Vec::new();
    }
    let blocking: Vec<&Reason> = reasons.iter().filter(|reason| blocks(reason)).collect();
    let mut sentences = Vec::new();
    let larger: Vec<&Reason> =
        blocking.iter().copied().filter(|reason| needs_larger_corpus(reason)).collect();
    if !larger.is_empty() {
        sentences.push(larger_corpus(&larger));
    }
    let waits = blocking.iter().filter(|reason| lacks_evidence(reason) && !needs_larger_corpus(reason));
    if let Some(sentence) = more_time(&waits.copied().collect::<Vec<_>>()) {
        sentences.push(sentence);
    }
    let others = blocking.iter().filter(|reason| !lacks_evidence(reason));
    sentences.extend(others.filter_map(|reason| reason.remedy.clone()));
    sentences.dedup();
    sentences
}

fn blocks(reason: &Reason) -> bool {
    matches!(reason.effect, Effect::BlocksGo | Effect::BlocksAll)
}

fn lacks_evidence(reason: &Reason) -> bool {
    matches!(
        reason.code,
        ReasonCode::InsufficientSamples
            | ReasonCode::IntervalTooWide
            | ReasonCode::TooFewBlocks
            | ReasonCode::TooFewSessions
    )
}

fn needs_larger_corpus(reason: &Reason) -> bool {
    reason.needs.as_ref().is_some_and(|needs| needs.larger_corpus)
}

fn larger_corpus(reasons: &[&Reason]) -> String {
    let wanted = reasons.iter().filter_map(|reason| reason.needs.as_ref()?.distinct_exchanges).max();
    let has = reasons.iter().filter_map(|reason| reason.needs.as_ref()?.corpus_has).min();
    let numbers = match (wanted, has) {
        (Some(wanted), Some(has)) => format!(": about {wanted} distinct exchanges, where it has {has}"),
        (Some(wanted), None) => format!(": about {wanted} distinct exchanges"),
        _ => String::new(),
    };
    format!("a larger corpus{numbers}; only repeats were left, and repeats are no new evidence")
}

fn more_time(reasons: &[&Reason]) -> Option<String> {
    let seconds = reasons
        .iter()
        .filter_map(|reason| reason.needs.as_ref()?.more_seconds)
        .filter(|seconds| seconds.is_finite())
        .max_by(f64::total_cmp);
    match seconds {
        Some(seconds) => Some(format!("about {:.0} s more at this load", seconds.ceil())),
        None if !reasons.is_empty() => Some("a longer window".to_owned()),
        None => None,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use report::summary::Needs;
    use std::collections::BTreeMap;

    pub(crate) fn reason(code: ReasonCode, effect: Effect, needs: Option<Needs>) -> Reason {
        let text = code.name().to_owned();
        let remedy = Some(format!("cure {}", code.name()));
        Reason { code, effect, text, endpoint: None, metric: None, remedy, needs, numbers: BTreeMap::new() }
    }

    pub(crate) fn time(seconds: f64) -> Option<Needs> {
        Some(Needs {
            more_seconds: Some(seconds),
            distinct_exchanges: None,
            corpus_has: None,
            larger_corpus: false,
        })
    }

    fn corpus(wanted: u64, has: u64) -> Option<Needs> {
        Some(Needs {
            more_seconds: None,
            distinct_exchanges: Some(wanted),
            corpus_has: Some(has),
            larger_corpus: true,
        })
    }

    fn check(verdict: Verdict, reasons: &[Reason], expected: Next, sentences: &[&str]) {
        assert_eq!(next(verdict, reasons), expected);
        assert_eq!(needs(verdict, reasons), sentences);
    }

    #[test]
    fn only_missing_evidence_goes_on() {
        use Effect::{BlocksAll, BlocksGo, NoGo, Note};
        let wide = || reason(ReasonCode::IntervalTooWide, BlocksGo, time(12.3));
        let few = || reason(ReasonCode::InsufficientSamples, BlocksGo, corpus(3000, 900));
        let lag = || reason(ReasonCode::GeneratorLag, BlocksGo, None);
        let unlike = || reason(ReasonCode::BaselineUnlikeRecording, BlocksAll, None);
        let worse = || reason(ReasonCode::Worse, NoGo, None);
        let note = || reason(ReasonCode::DeadRule, Note, None);
        let larger = "a larger corpus: about 3000 distinct exchanges, where it has 900; only repeats were left, \
                      and repeats are no new evidence";
        check(Verdict::Go, &[note()], Next::Stand, &[]);
        check(Verdict::NoGo, &[worse(), wide()], Next::Stand, &[]);
        check(Verdict::Inconclusive, &[wide(), note()], Next::GoOn, &["about 13 s more at this load"]);
        check(
            Verdict::Inconclusive,
            &[wide(), few()],
            Next::Stand,
            &[larger, "about 13 s more at this load"],
        );
        check(
            Verdict::Inconclusive,
            &[wide(), lag()],
            Next::Stand,
            &["about 13 s more at this load", "cure generator_lag"],
        );
        check(Verdict::Inconclusive, &[unlike()], Next::Stand, &["cure baseline_unlike_recording"]);
        check(Verdict::Inconclusive, &[], Next::Stand, &[]);
    }
}
