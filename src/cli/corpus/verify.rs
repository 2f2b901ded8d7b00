//! `cutover corpus verify`: reads everything and names what is damaged.

use super::{damage_json, open, state};
use crate::cli::Common;
use crate::exit::Exit;
use crate::output::{print, print_json, printable};
use ::corpus::{CorpusReader, Verified};
use serde_json::json;
use std::path::Path;

/// Runs the command: exit 0 for a sealed file that is whole, 1 where it is unsealed, cut off or damaged.
pub(super) fn run(path: &Path, common: &Common) -> anyhow::Result<Exit> {
    let reader = open(path)?;
    let verified = reader.verify();
    if common.json {
        print_json(&json!({
            "state": if verified.damage.is_empty() { state(&reader) } else { "damaged" },
            "sealed": reader.seal().is_some(),
            "exchanges": verified.exchanges,
            "segments": reader.segment_count(),
            "torn_bytes": reader.torn_bytes(),
            "digest": reader.digest(),
            "damage": verified.damage.iter().map(damage_json).collect::<Vec<_>>(),
        }))?;
    } else {
        print(&text(&reader, &verified))?;
    }
    Ok(if is_whole(&reader, &verified) { Exit::Done } else { Exit::Failed })
}

/// Whether everything is there that was ever to be: an unsealed file is the part that was committed.
fn is_whole(reader: &CorpusReader, verified: &Verified) -> bool {
    reader.seal().is_some() && reader.torn_bytes() == 0 && verified.damage.is_empty()
}

fn text(reader: &CorpusReader, verified: &Verified) -> String {
    let (exchanges, segments) = (verified.exchanges, reader.segment_count());
    let mut text = if is_whole(reader, verified) {
        format!("whole, sealed: {exchanges} exchanges in {segments} segments")
    } else if !verified.damage.is_empty() {
        format!("damaged, {}: {exchanges} exchanges in {segments} segments", state(reader))
    } else {
        format!("{}: {exchanges} exchanges committed, no damage", state(reader))
    };
    if reader.torn_bytes() > 0 {
        text.push_str(&format!("; {} bytes at the end are a write that was cut off", reader.torn_bytes()));
    }
    for damage in &verified.damage {
        text.push_str(&format!("\ndamage {}", printable(&damage.to_string())));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::corpus::digest::DigestKey;
    use ::corpus::manifest::{CorpusHeader, CorpusSeal, RedactionInfo, Sampling, SessionBy};
    use ::corpus::units::Fraction;
    use ::corpus::{CorpusWriter, Overwrite};

    /// What is said of a corpus without exchanges, after `change` was done to its bytes.
    fn check(change: fn(&mut Vec<u8>), expected: &str, whole: bool) {
        let folder = tempfile::tempdir().expect("a directory");
        let path = folder.path().join("a.corpus");
        let header = CorpusHeader {
            tool_version: "0.1.0".to_owned(),
            represents: Fraction::ONE,
            sampling: Sampling { rule: "all".to_owned(), fraction: Fraction::ONE },
            session_by: SessionBy::Default,
            redaction: RedactionInfo { headers: Vec::new(), key_check: [0; 8] },
        };
        let key = DigestKey::from_bytes([7; 32]);
        let writer = CorpusWriter::create(&path, &header, &key, Overwrite::Refuse).expect("a new file");
        let begun = std::fs::metadata(&path).expect("a file").len();
        writer.seal(CorpusSeal::default()).expect("a seal");
        let mut bytes = std::fs::read(&path).expect("a file");
        assert!(bytes.len() as u64 > begun + 17, "a seal takes room");
        bytes.truncate(if whole { bytes.len() } else { usize::try_from(begun).expect("small") + 17 });
        change(&mut bytes);
        std::fs::write(&path, &bytes).expect("a file");
        let reader = open(&path).expect("a corpus");
        let verified = reader.verify();
        assert_eq!(text(&reader, &verified), expected);
        assert_eq!(is_whole(&reader, &verified), whole);
    }

    #[test]
    fn only_a_sealed_file_is_whole() {
        check(|_| (), "whole, sealed: 0 exchanges in 0 segments", true);
        check(|bytes| bytes.truncate(bytes.len() - 17), "unsealed: 0 exchanges committed, no damage", false);
        let torn =
            "unsealed: 0 exchanges committed, no damage; 17 bytes at the end are a write that was cut off";
        check(|_| (), torn, false);
    }
}
