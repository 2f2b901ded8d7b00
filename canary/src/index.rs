//! The index of a walk: one page and one document over the reports of its steps.
//!
//! The page is in the style of the reports; the document is its content for programs.

use crate::folder::KIND;
use crate::outcome::{HTML_REPORT, REPORT_FILES, Reports, StepResult, Walk, WalkEnd};
use report::render::{IndexPage, IndexRow};
use report::summary::{Effect, Verdict};
use serde_json::{Map, Value, json};

/// The version of the document. Grows when a name changes its meaning.
const SCHEMA_VERSION: u32 = 1;

/// The document.
pub(crate) fn json(walk: &Walk) -> String {
    let document = document(walk);
    let mut text = serde_json::to_string_pretty(&document).expect("strings and numbers are JSON");
    text.push('\n');
    text
}

/// The document as a value.
pub fn document(walk: &Walk) -> Value {
    let not_walked: Vec<f64> = walk.not_walked.iter().map(|percent| percent.value()).collect();
    json!({
        "schema_version": SCHEMA_VERSION,
        "kind": KIND,
        "verdict": walk.verdict.name(),
        "exit_code": walk.verdict.exit_code(),
        "ended": walk.ended.name(),
        "steps": walk.steps.iter().map(step_document).collect::<Vec<_>>(),
        "steps_not_walked_percent": not_walked,
    })
}

fn step_document(step: &StepResult) -> Value {
    let files: Map<String, Value> = match step.reports {
        Reports::Written => REPORT_FILES
            .iter()
            .map(|(kind, name)| ((*kind).to_owned(), Value::from(format!("{}/{name}", step.folder))))
            .collect(),
        Reports::None => Map::new(),
    };
    let runs: Vec<String> = step.runs.iter().map(|name| format!("{}/{name}", step.folder)).collect();
    let reasons: Vec<Value> = step
        .reasons
        .iter()
        .map(|reason| json!({ "code": reason.code.name(), "text": reason.text, "endpoint": reason.endpoint }))
        .collect();
    json!({
        "percent": step.percent.value(),
        "verdict": step.verdict.name(),
        "exit_code": step.verdict.exit_code(),
        "headline": step.headline,
        "reasons": reasons,
        "needs": step.needs,
        "replayed_seconds": step.replayed.as_secs_f64(),
        "reports": files,
        "runs": runs,
    })
}

/// The page. Everything in it that came from outside is escaped by the renderer.
pub(crate) fn html(walk: &Walk) -> String {
    let left = walk.not_walked.iter().map(|percent| IndexRow {
        step: format!("step {percent} %"),
        percent: percent.value(),
        verdict: None,
        reasons: Vec::new(),
        report: None,
        duration: None,
    });
    report::render::index(&IndexPage {
        title: "Canary walk".to_owned(),
        verdict: walk.verdict,
        headline: summary_line(walk),
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        rows: walk.steps.iter().map(row).chain(left).collect(),
    })
}

fn row(step: &StepResult) -> IndexRow {
    let deciding = step.reasons.iter().filter(|reason| reason.effect != Effect::Note);
    let needs = step.needs.iter().map(|need| format!("It would have needed {need}."));
    let reasons: Vec<String> = needs.chain(deciding.map(|reason| reason.text.clone())).collect();
    IndexRow {
        step: format!("step {} %", step.percent),
        percent: step.percent.value(),
        verdict: Some(step.verdict),
        reasons: if reasons.is_empty() { vec![step.headline.clone()] } else { reasons },
        report: match step.reports {
            Reports::Written => Some(format!("{}/{HTML_REPORT}", step.folder)),
            Reports::None => None,
        },
        duration: Some(step.replayed),
    }
}

/// One line on how far the walk came.
pub fn summary_line(walk: &Walk) -> String {
    let go = walk.steps.iter().take_while(|step| step.verdict == Verdict::Go).last();
    let proven = match go {
        Some(step) => format!("go up to {} % of production", step.percent),
        None => "no step is go".to_owned(),
    };
    let end = match walk.ended {
        WalkEnd::Complete => format!("all {} steps walked", walk.steps.len()),
        WalkEnd::StoppedAtStep => "stopped at the first step that is not go".to_owned(),
        WalkEnd::Interrupted => "interrupted".to_owned(),
        WalkEnd::Failed => "the walk could not go on".to_owned(),
        WalkEnd::Walking => "the walk goes on".to_owned(),
    };
    format!("{proven}; {end}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::worst;
    use corpus::units::Percent;
    use std::path::PathBuf;
    use std::time::Duration;

    fn walk(headline: &str) -> Walk {
        let percent = |value| Percent::new(value).unwrap();
        let step = StepResult {
            percent: percent(25.0),
            folder: "step-025".to_owned(),
            verdict: Verdict::NoGo,
            headline: headline.to_owned(),
            reasons: Vec::new(),
            needs: Vec::new(),
            runs: vec!["run-1.run".to_owned()],
            replayed: Duration::from_secs(30),
            reports: Reports::Written,
        };
        let steps = vec![step];
        Walk {
            verdict: worst(&steps, 1),
            ended: WalkEnd::StoppedAtStep,
            steps,
            not_walked: vec![percent(50.0)],
            out: PathBuf::from("out"),
        }
    }

    #[test]
    fn the_document_names_every_file() {
        let document = document(&walk("no-go"));
        assert_eq!(document["verdict"], "no-go");
        assert_eq!(document["exit_code"], 10);
        assert_eq!(document["steps"][0]["reports"]["junit"], "step-025/junit.xml");
        assert_eq!(document["steps"][0]["runs"][0], "step-025/run-1.run");
        assert_eq!(document["steps_not_walked_percent"][0], 50.0);
    }

    #[test]
    fn captured_text_stays_text() {
        let page = html(&walk("</p><script>alert(1)</script>\u{1b}[31m\" onload='x'"));
        assert!(!page.contains("<script>alert"), "{page}");
        assert!(!page.contains('\u{1b}'));
        assert!(page.contains("&lt;script&gt;"));
    }
}
