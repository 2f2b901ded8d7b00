//! Cuts, flips, and frames that were moved: each is detected, or the content is identical.

use crate::support::*;
use corpus::exchange::Exchange;
use corpus::format::FormatErrorKind;
use corpus::ids::ExchangeId;
use corpus::run::*;
use corpus::select::Selection;
use corpus::{Bodies, CorpusReader, CorpusWriter, Overwrite, RunReader};
use std::ops::Range;
use std::path::{Path, PathBuf};

struct Sample {
    dir: tempfile::TempDir,
    exchanges: Vec<Exchange>,
    bytes: Vec<u8>,
}

/// A sealed corpus of many small blocks.
fn sample(count: u64) -> Sample {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("whole");
    let exchanges = mixed_below(count, 300);
    let mut writer = unsealed(&path, &[]);
    for (n, exchange) in exchanges.iter().enumerate() {
        writer.append(exchange).expect("an append");
        if n % 7 == 6 {
            writer.flush().expect("a flush");
        }
    }
    writer.seal(seal()).expect("a seal");
    let bytes = std::fs::read(&path).expect("a file");
    Sample { dir, exchanges, bytes }
}

impl Sample {
    fn with(&self, bytes: &[u8]) -> PathBuf {
        let path = self.dir.path().join("changed");
        std::fs::write(&path, bytes).expect("a file");
        path
    }

    /// Where each frame is, from the first.
    fn frames(&self) -> Vec<Range<usize>> {
        let starts: Vec<usize> = (0..self.bytes.len() - 4)
            .filter(|at| self.bytes[*at..*at + 4] == *b"\xF7ctF")
            .filter(|at| {
                let sum = u32::from_le_bytes(self.bytes[at + 32..at + 36].try_into().expect("4 bytes"));
                crc32c::crc32c(&self.bytes[*at..at + 32]) == sum
            })
            .collect();
        let len =
            |at: usize| u32::from_le_bytes(self.bytes[at + 8..at + 12].try_into().expect("4 bytes")) as usize;
        starts.into_iter().map(|at| at..at + 36 + len(at)).collect()
    }
}

enum Seen {
    Refused,
    /// Something is said: no seal, or damage.
    Told {
        exchanges: Vec<Exchange>,
        lost: Vec<ExchangeId>,
    },
    Clean(Vec<Exchange>),
}

fn look(path: &Path) -> Seen {
    let Ok(reader) = CorpusReader::open(path) else { return Seen::Refused };
    let (stored, damage) = split(reader.exchanges(&Selection::all(), Bodies::Load));
    let exchanges = stored.into_iter().map(|item| item.exchange).collect();
    if reader.seal().is_none() || !damage.is_empty() {
        let lost = damage.into_iter().flat_map(|damage| damage.exchanges).collect();
        return Seen::Told { exchanges, lost };
    }
    Seen::Clean(exchanges)
}

/// Whether `part` has nothing that `whole` lacks, in the same order.
fn is_part(part: &[Exchange], whole: &[Exchange]) -> bool {
    let mut whole = whole.iter();
    part.iter().all(|exchange| whole.any(|known| known == exchange))
}

#[test]
fn every_cut_is_told() {
    let sample = sample(25);
    for len in 0..sample.bytes.len() {
        match look(&sample.with(&sample.bytes[..len])) {
            Seen::Refused => {}
            Seen::Clean(_) => panic!("a cut at {len} was not told"),
            Seen::Told { exchanges, .. } => assert!(
                exchanges == sample.exchanges[..exchanges.len()],
                "a cut at {len} changed what was before it"
            ),
        }
    }
    // Cut behind the last record block: all is there.
    let frames = sample.frames();
    let end = frames[frames.len() - 3].end;
    let Seen::Told { exchanges, .. } = look(&sample.with(&sample.bytes[..end])) else { panic!("told") };
    assert!(exchanges == sample.exchanges);
}

#[test]
fn every_flipped_byte_is_told_and_costs_one_block() {
    let sample = sample(25);
    // A block of 7 exchanges, or those whose bodies lie in it: among them every fifth, which share one.
    let most = 7 + sample.exchanges.len() / 5;
    for at in 0..sample.bytes.len() {
        let mut bytes = sample.bytes.clone();
        bytes[at] ^= 1 << (at % 8);
        match look(&sample.with(&bytes)) {
            Seen::Refused => panic!("a flip at {at} cost the whole file"),
            Seen::Clean(exchanges) => assert!(exchanges == sample.exchanges, "a flip at {at} was not told"),
            Seen::Told { exchanges, lost } => {
                assert!(is_part(&exchanges, &sample.exchanges), "a flip at {at} changed content");
                let missing = sample.exchanges.len() - exchanges.len();
                assert!(missing <= most, "a flip at {at} cost {missing} exchanges");
                let unnamed: Vec<_> = sample
                    .exchanges
                    .iter()
                    .filter(|known| !exchanges.contains(known) && !lost.contains(&known.id))
                    .collect();
                assert!(unnamed.is_empty(), "a flip at {at} lost exchanges without naming them");
            }
        }
    }
}

#[test]
fn moved_frames_are_told() {
    let sample = sample(60);
    let frames = sample.frames();
    let piece = |range: &Range<usize>| sample.bytes[range.clone()].to_vec();
    let tail = sample.bytes[frames.last().expect("frames").end..].to_vec();
    let file = |order: &[usize]| {
        let mut bytes = sample.bytes[..frames[0].start].to_vec();
        order.iter().for_each(|at| bytes.extend(piece(&frames[*at])));
        bytes.extend(&tail);
        bytes
    };
    let all: Vec<usize> = (0..frames.len()).collect();
    assert!(file(&all) == sample.bytes);
    let check = |order: &[usize], what: &str| match look(&sample.with(&file(order))) {
        Seen::Clean(_) => panic!("not told: {what}"),
        Seen::Told { exchanges, .. } => assert!(is_part(&exchanges, &sample.exchanges), "{what}"),
        Seen::Refused => {}
    };
    for at in 0..all.len() {
        let mut missing = all.clone();
        missing.remove(at);
        check(&missing, &format!("frame {at} missing"));
        let mut repeated = all.clone();
        repeated.insert(at, at);
        check(&repeated, &format!("frame {at} twice"));
        if at + 1 < all.len() {
            let mut swapped = all.clone();
            swapped.swap(at, at + 1);
            check(&swapped, &format!("frames {at} and {} swapped", at + 1));
        }
    }
}

#[test]
fn a_lost_body_block_names_the_exchanges_that_need_it() {
    let sample = sample(60);
    let frames = sample.frames();
    let bodies = frames.iter().position(|range| sample.bytes[range.start + 4] == 2).expect("a body block");
    let mut bytes = sample.bytes.clone();
    bytes[frames[bodies].start + 40] ^= 4;
    let Seen::Told { exchanges, lost } = look(&sample.with(&bytes)) else { panic!("told") };
    let wanted: Vec<_> =
        sample.exchanges.iter().filter(|known| !exchanges.contains(known)).map(|known| known.id).collect();
    assert!(!lost.is_empty());
    assert_eq!(lost, wanted);
}

#[test]
fn other_files_get_their_own_sentence() {
    let sample = sample(5);
    let check = |bytes: &[u8], expected: FormatErrorKind| {
        let error = CorpusReader::open(&sample.with(bytes)).expect_err("an error");
        assert_eq!(error.kind(), &expected);
    };
    check(b"", FormatErrorKind::Empty);
    check(b"hello", FormatErrorKind::Foreign);
    check(&[0xD4; 5000], FormatErrorKind::Foreign);
    check(&sample.bytes[..5], FormatErrorKind::Short { len: 5 });
    check(&sample.bytes[..30], FormatErrorKind::Short { len: 30 });
    let run = sample.dir.path().join("run");
    run_writer(&run).seal(&RunSeal::default()).expect("a seal");
    let error = CorpusReader::open(&run).expect_err("an error").to_string();
    assert!(error.ends_with("this is a run file, and a corpus file is needed"), "{error}");
    let error = RunReader::open(&sample.with(&sample.bytes)).expect_err("an error").to_string();
    assert!(error.ends_with("this is a corpus file, and a run file is needed"), "{error}");
    let mut newer = sample.bytes.clone();
    newer[8] = 9;
    let sum = crc32c::crc32c(&newer[..16]).to_le_bytes();
    newer[16..20].copy_from_slice(&sum);
    let error = CorpusReader::open(&sample.with(&newer)).expect_err("an error").to_string();
    assert!(
        error.ends_with("format version 9.0, and this program reads up to 1.0: update the program"),
        "{error}"
    );
}

#[test]
fn a_full_disk_is_an_error_at_every_place() {
    let full = Path::new("/dev/full");
    let failed = CorpusWriter::create(full, &header(), &key(), Overwrite::Replace).err().expect("an error");
    assert!(std::error::Error::source(&failed).expect("a cause").to_string().contains("No space left"));
}

#[test]
fn hostile_bytes_neither_panic_nor_take_memory() {
    let sample = sample(25);
    let mut numbers = Numbers(42);
    for round in 0..600 {
        let mut bytes = sample.bytes.clone();
        for _ in 0..=numbers.below(6) {
            let at = usize::try_from(numbers.below(bytes.len() as u64)).expect("small");
            match numbers.below(4) {
                0 => bytes[at] = numbers.next().to_le_bytes()[0],
                1 => bytes.truncate(at.max(1)),
                2 => drop(bytes.splice(at..at, numbers.bytes(5))),
                _ => drop(bytes.drain(at..(at + 30).min(bytes.len()))),
            }
            if bytes.is_empty() {
                bytes.push(0);
            }
        }
        // Checksums of frames are mended in every other round, so that what lies behind them is reached too.
        if round % 2 == 0 {
            mend(&mut bytes);
        }
        let path = sample.with(&bytes);
        let _ = look(&path);
        let _ = RunReader::open(&path);
    }
}

/// Makes the checksums of whatever looks like a frame right again.
fn mend(bytes: &mut [u8]) {
    for at in 0..bytes.len().saturating_sub(36) {
        if bytes[at..at + 4] != *b"\xF7ctF" {
            continue;
        }
        let len = u32::from_le_bytes(bytes[at + 8..at + 12].try_into().expect("4 bytes")) as usize;
        if let Some(payload) = bytes.get(at + 36..at.saturating_add(36).saturating_add(len)) {
            let sum = crc32c::crc32c(payload).to_le_bytes();
            bytes[at + 28..at + 32].copy_from_slice(&sum);
        }
        let sum = crc32c::crc32c(&bytes[at..at + 32]).to_le_bytes();
        bytes[at + 32..at + 36].copy_from_slice(&sum);
    }
}

#[test]
fn a_damaged_run_keeps_its_order_and_names_its_loss() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("a.run");
    let mut writer = run_writer(&path);
    for seq in 0..20_000 {
        writer.planned(&planned(seq)).expect("an append");
        for arm in ARMS {
            writer.outcome(&outcome(seq, arm, b"x")).expect("an append");
        }
    }
    writer.seal(&RunSeal::default()).expect("a seal");
    let mut bytes = std::fs::read(&path).expect("a file");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, &bytes).expect("a file");
    let reader = RunReader::open(&path).expect("a run");
    let (mut seqs, mut damage) = (Vec::new(), 0);
    for item in reader.joined() {
        match item {
            Ok(joined) => seqs.push(joined.planned.seq.0),
            Err(_) => damage += 1,
        }
    }
    assert!(damage > 0);
    assert!(seqs.len() > 15_000 && seqs.is_sorted());
}
