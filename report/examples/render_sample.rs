//! Renders made-up summaries in every form, to look at: `cargo run -p report --example render_sample -- FOLDER`.

use report::summary;
use std::path::PathBuf;
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
    Ok(())
}
