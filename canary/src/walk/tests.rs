//! The walk over stages that answer from a script: no network, no clock.

use super::*;
use crate::config::CanarySection;
use crate::evidence::tests::{reason, time};
use crate::plan;
use report::summary::{Effect, ReasonCode};
use std::collections::VecDeque;
use std::path::Path;

/// What one replay and its judgement give.
#[derive(Clone, Copy)]
enum Scripted {
    Go,
    NoGo,
    /// Inconclusive for want of evidence.
    Short,
    /// Inconclusive for another reason.
    Doubtful,
    /// Nothing to send.
    Empty,
    /// Somebody asks for the end while it runs.
    Interrupted,
}

struct Script {
    answers: VecDeque<Scripted>,
    current: Scripted,
    stop: StopHandle,
    replayed: Vec<String>,
}

impl Stages for Script {
    fn replay(
        &mut self,
        step: &Step,
        part: u32,
        duration: Option<Duration>,
        _run: &Path,
        _observer: &mut dyn Observer,
    ) -> Result<Replayed, WalkError> {
        self.current = self.answers.pop_front().expect("the script is long enough");
        let planned = duration.unwrap_or(Duration::from_secs(10));
        self.replayed.push(format!("{}/{part}/{}s", step.percent, planned.as_secs()));
        Ok(match self.current {
            Scripted::Empty => Replayed::Nothing { why: "nothing to send".to_owned() },
            Scripted::Interrupted => {
                self.stop.stop();
                Replayed::Run { planned, ended: RunEnd::Interrupted }
            }
            _ => Replayed::Run { planned, ended: RunEnd::Completed },
        })
    }

    fn judge(&mut self, _step: &Step, _runs: &[PathBuf], _folder: &Path) -> Result<Judged, WalkError> {
        let (verdict, reasons) = match self.current {
            Scripted::Go => (Verdict::Go, Vec::new()),
            Scripted::NoGo => (Verdict::NoGo, vec![reason(ReasonCode::Worse, Effect::NoGo, None)]),
            Scripted::Short => {
                let reason = reason(ReasonCode::IntervalTooWide, Effect::BlocksGo, time(30.0));
                (Verdict::Inconclusive, vec![reason])
            }
            Scripted::Doubtful | Scripted::Interrupted | Scripted::Empty => {
                (Verdict::Inconclusive, vec![reason(ReasonCode::GeneratorLag, Effect::BlocksGo, None)])
            }
        };
        Ok(Judged { verdict, headline: verdict.name().to_owned(), reasons })
    }
}

struct Silent;

impl Observer for Silent {
    fn begins(&mut self, _step: &Step, _planned: &PlannedRun<'_>) {}
    fn progress(&mut self, _progress: &Progress) {}
    fn goes_on(&mut self, _step: &Step, _needs: &[String]) {}
    fn ends(&mut self, _result: &StepResult) {}
}

/// Walks steps 5, 25 and 50 with a 10 s window; gives the verdicts, the walk's own, and what was replayed.
fn check(after: AfterNotGo, script: &[Scripted], verdict: Verdict, ended: WalkEnd, replayed: &[&str]) {
    let out = tempfile::tempdir().unwrap();
    let section: CanarySection =
        toml::from_str("steps = [5, 25, 50]\nwindow = \"10s\"\nmax_window = \"25s\"").unwrap();
    let stop = StopHandle::new();
    let mut stages = Script {
        answers: script.iter().copied().collect(),
        current: Scripted::Go,
        stop: stop.clone(),
        replayed: Vec::new(),
    };
    let mut walker =
        Walker { stages: &mut stages, observer: &mut Silent, stop: &stop, out: out.path().to_owned() };
    let walk = walker.walk(&plan::steps(&section).unwrap(), after).unwrap();
    assert_eq!((walk.verdict, walk.ended), (verdict, ended));
    assert_eq!(stages.replayed, replayed);
    assert_eq!(walk.steps.len() + walk.not_walked.len(), 3);
    let index: serde_json::Value =
        serde_json::from_slice(&std::fs::read(out.path().join(INDEX_JSON)).unwrap()).unwrap();
    assert_eq!(index["verdict"], verdict.name());
    assert_eq!(index["exit_code"], verdict.exit_code());
    assert_eq!(index["ended"], ended.name());
}

#[test]
fn walks_on_while_steps_are_go() {
    use Scripted::Go;
    check(
        AfterNotGo::Stop,
        &[Go, Go, Go],
        Verdict::Go,
        WalkEnd::Complete,
        &["5/0/10s", "25/0/10s", "50/0/10s"],
    );
}

#[test]
fn stops_at_the_first_step_that_is_not_go() {
    use Scripted::{Doubtful, Empty, Go, NoGo};
    let stopped = WalkEnd::StoppedAtStep;
    check(AfterNotGo::Stop, &[Go, NoGo], Verdict::NoGo, stopped, &["5/0/10s", "25/0/10s"]);
    check(AfterNotGo::Stop, &[Doubtful], Verdict::Inconclusive, stopped, &["5/0/10s"]);
    check(AfterNotGo::Stop, &[Empty], Verdict::Inconclusive, stopped, &["5/0/10s"]);
    check(
        AfterNotGo::Stop,
        &[Go, Go, NoGo],
        Verdict::NoGo,
        WalkEnd::Complete,
        &["5/0/10s", "25/0/10s", "50/0/10s"],
    );
}

#[test]
fn keeps_going_where_asked_and_takes_the_worst() {
    use Scripted::{Doubtful, Go, NoGo};
    let all = ["5/0/10s", "25/0/10s", "50/0/10s"];
    check(AfterNotGo::KeepGoing, &[Doubtful, NoGo, Go], Verdict::NoGo, WalkEnd::Complete, &all);
    check(AfterNotGo::KeepGoing, &[Go, Doubtful, Go], Verdict::Inconclusive, WalkEnd::Complete, &all);
}

#[test]
fn lacking_evidence_goes_on_up_to_the_longest_window() {
    use Scripted::{Go, Short};
    check(
        AfterNotGo::Stop,
        &[Short, Go, Go, Short, Short, Short],
        Verdict::Inconclusive,
        WalkEnd::Complete,
        &["5/0/10s", "5/1/10s", "25/0/10s", "50/0/10s", "50/1/10s", "50/2/5s"],
    );
}

#[test]
fn an_interrupted_walk_is_never_go() {
    use Scripted::{Go, Interrupted};
    let interrupted = WalkEnd::Interrupted;
    check(AfterNotGo::Stop, &[Go, Interrupted], Verdict::Inconclusive, interrupted, &["5/0/10s", "25/0/10s"]);
    check(AfterNotGo::KeepGoing, &[Interrupted], Verdict::Inconclusive, interrupted, &["5/0/10s"]);
}
