//! Renders made-up summaries in every form, to look at: `cargo run -p report --example render_sample -- FOLDER`.

use report::render::{IndexPage, IndexRow};
use report::summary;
use std::path::PathBuf;
use std::time::Duration;
use std::{env, fs, io};
use summary::Verdict;

#[path = "../src/render/fixture.rs"]
mod fixture;

fn main() -> io::Result<()> {
    let folder = PathBuf::from(env::args_os().nth(1).ok_or_else(|| io::Error::other("no folder was given"))?);
    fs::create_dir_all(&folder)?;
    for verdict in [Verdict::Go, Verdict::NoGo, Verdict::Inconclusive] {
        let sample = fixture::sample(verdict);
        let name = verdict.name();
        fs::write(folder.join(format!("{name}.html")), report::render::html(&sample))?;
        fs::write(folder.join(format!("{name}.xml")), report::render::junit(&sample))?;
        fs::write(folder.join(format!("{name}.md")), report::render::markdown(&sample))?;
        fs::write(
            folder.join(format!("{name}.txt")),
            report::render::terminal(&sample, 80, report::render::Color::Off),
        )?;
    }
    fs::write(folder.join("index.html"), report::render::index(&walk()))
}

/// A walk that stopped at its second step.
fn walk() -> IndexPage {
    let row = |percent: f64, verdict: Option<Verdict>, reasons: &[&str]| IndexRow {
        step: format!("step {percent} %"),
        percent,
        verdict,
        reasons: reasons.iter().map(|reason| (*reason).to_owned()).collect(),
        report: verdict.map(|verdict| format!("{}.html", verdict.name())),
        duration: verdict.map(|_| Duration::from_secs(121)),
    };
    IndexPage {
        title: "Canary walk".to_owned(),
        verdict: Verdict::NoGo,
        headline: "no-go at 25 %: the walk stopped there, after go at 10 %".to_owned(),
        tool_version: "0.1.0".to_owned(),
        rows: vec![
            row(10.0, Some(Verdict::Go), &["go for reads: 37 % of traffic"]),
            row(
                25.0,
                Some(Verdict::NoGo),
                &[
                    "bodies of GET /orders/{id} differ in 4.8 % of pairs beyond noise, margin 0.1 points",
                    "p99 latency of GET /payments/{uuid} is 212 % slower (+168 to +261 %), margin +25 %",
                ],
            ),
            row(50.0, None, &[]),
            row(100.0, None, &[]),
        ],
    }
}
