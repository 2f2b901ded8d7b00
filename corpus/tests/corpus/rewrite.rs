//! One corpus made from another: nothing changes but what was asked for.

use crate::support::*;
use corpus::rewrite::{copy, pack};
use corpus::select::{Selection, SessionShare};
use corpus::{CorpusReader, Overwrite};

fn open(path: &std::path::Path) -> CorpusReader {
    CorpusReader::open(path).expect("a corpus")
}

#[test]
fn a_packed_corpus_has_the_same_content_in_less_space() {
    let dir = tempfile::tempdir().expect("a directory");
    let (whole, packed) = (dir.path().join("whole"), dir.path().join("packed"));
    let mut numbers = Numbers(5);
    let bodies: Vec<_> = (0..40).map(|_| numbers.bytes(30_000)).collect();
    let exchanges: Vec<_> =
        (0..160).map(|n| exchange(n, "/b", &bodies[usize::try_from(n % 40).expect("small")])).collect();
    write(&whole, &exchanges);
    let source = open(&whole);
    let rewritten = pack(&source, &packed, Overwrite::Refuse).expect("a packed corpus");
    assert_eq!((rewritten.kept, rewritten.left_out, rewritten.damaged), (160, 0, 0));
    let (stored, damage) = read(&packed);
    assert_eq!(damage, []);
    assert!(stored.iter().map(|item| &item.exchange).eq(&exchanges));
    let reader = open(&packed);
    assert_eq!((reader.header(), reader.seal()), (source.header(), source.seal()));
    assert_eq!(reader.endpoints(), source.endpoints());
    assert_eq!(reader.verify().damage, []);
    let size = |path| std::fs::metadata(path).expect("a file").len();
    assert!(size(&packed) < 40 * 30_000 + 20_000, "each body is there once: {}", size(&packed));
}

#[test]
fn bodies_of_earlier_segments_are_found() {
    let dir = tempfile::tempdir().expect("a directory");
    let (whole, packed) = (dir.path().join("whole"), dir.path().join("packed"));
    let bodies: Vec<_> = (0..60_u8).map(|n| vec![n; 500_000]).collect();
    let body = |n: u64| &bodies[usize::try_from(n % 60).expect("small")];
    let exchanges: Vec<_> = (0..120).map(|n| exchange(n, &format!("/b/{n}"), body(n))).collect();
    write(&whole, &exchanges);
    pack(&open(&whole), &packed, Overwrite::Refuse).expect("a packed corpus");
    assert!(open(&packed).segment_count() >= 2);
    let (stored, damage) = read(&packed);
    assert_eq!(damage, []);
    assert!(stored.iter().map(|item| &item.exchange).eq(&exchanges));
}

#[test]
fn a_sample_keeps_whole_sessions_and_the_percent_of_production() {
    let dir = tempfile::tempdir().expect("a directory");
    let (whole, half, fifth) = (dir.path().join("w"), dir.path().join("h"), dir.path().join("f"));
    let mut exchanges = mixed(1000);
    (0..).zip(&mut exchanges).for_each(|(n, exchange)| exchange.session.0 = n % 100);
    write(&whole, &exchanges);
    let share = |text: &str, of, to| {
        let sessions = Some(SessionShare { fraction: text.parse().expect("a fraction"), seed: 0 });
        let selection = Selection { sessions, ..Selection::all() };
        copy(&open(of), &selection, to, Overwrite::Refuse).expect("a sample")
    };
    let kept = share("50%", &whole, &half).kept;
    assert!((300..700).contains(&kept), "{kept}");
    share("20%", &half, &fifth);
    let header = open(&fifth).header().clone();
    assert!((header.sampling.fraction.value() - 0.1).abs() < 1e-12);
    assert_eq!(header.sampling.rule, "all; 50% of sessions by hash, seed 0; 20% of sessions by hash, seed 0");
    let sessions = |path| {
        let (stored, _) = read(path);
        stored.into_iter().map(|item| item.exchange.session.0).collect::<std::collections::BTreeSet<_>>()
    };
    assert!(sessions(&fifth).is_subset(&sessions(&half)));
    let (stored, _) = read(&half);
    for session in sessions(&half) {
        assert_eq!(stored.iter().filter(|item| item.exchange.session.0 == session).count(), 10);
    }
    assert_eq!(open(&fifth).seal(), open(&whole).seal());
}

#[test]
fn a_filter_keeps_what_it_names() {
    let dir = tempfile::tempdir().expect("a directory");
    let (whole, some) = (dir.path().join("w"), dir.path().join("s"));
    write(&whole, &mixed(100));
    let filter = Some("endpoint == 'GET /lost' and status == none".parse().expect("a filter"));
    let rewritten = copy(&open(&whole), &Selection { filter, ..Selection::all() }, &some, Overwrite::Refuse);
    assert_eq!(rewritten.map(|r| (r.kept, r.left_out)).expect("a copy"), (20, 80));
    assert_eq!(open(&some).endpoints().len(), 1);
}

#[test]
fn a_corpus_is_never_written_over_itself() {
    let dir = tempfile::tempdir().expect("a directory");
    let whole = dir.path().join("w");
    write(&whole, &mixed(10));
    let error = pack(&open(&whole), &whole, Overwrite::Replace).expect_err("an error").to_string();
    assert!(error.ends_with("this is the file that is being read"), "{error}");
    assert_eq!(read(&whole).0.len(), 10);
}

#[test]
fn what_a_damaged_source_lost_is_told_by_every_copy() {
    let dir = tempfile::tempdir().expect("a directory");
    let (whole, packed, copied) = (dir.path().join("w"), dir.path().join("p"), dir.path().join("c"));
    let mut writer = unsealed(&whole, &[]);
    for exchange in mixed_below(50, 100) {
        writer.append(&exchange).expect("an append");
        writer.flush().expect("a flush");
    }
    writer.seal(seal()).expect("a seal");
    let mut bytes = std::fs::read(&whole).expect("a file");
    let middle = bytes.len() / 3;
    bytes[middle] ^= 16;
    std::fs::write(&whole, &bytes).expect("a file");
    let source = open(&whole);
    let pack = pack(&source, &packed, Overwrite::Refuse).expect("a packed corpus");
    let copy = copy(&source, &Selection::all(), &copied, Overwrite::Refuse).expect("a copy");
    for (path, rewritten) in [(&packed, pack), (&copied, copy)] {
        assert!(rewritten.damaged > 0 && rewritten.kept + rewritten.lost >= 50, "{rewritten:?}");
        let ledger = open(path).seal().expect("a seal").ledger.clone();
        let told = ledger.input_error.expect("a sentence");
        assert!(told.starts_with("the corpus that this one was made from is damaged: "), "{told}");
        assert_eq!(open(path).verify().damage, []);
    }
}

#[test]
fn a_flipped_byte_of_a_packed_corpus_is_told_by_name_or_by_count() {
    let dir = tempfile::tempdir().expect("a directory");
    let (whole, packed) = (dir.path().join("w"), dir.path().join("p"));
    let exchanges = mixed_below(25, 60);
    write(&whole, &exchanges);
    pack(&open(&whole), &packed, Overwrite::Refuse).expect("a packed corpus");
    let bytes = std::fs::read(&packed).expect("a file");
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        std::fs::write(&packed, &changed).expect("a file");
        let (stored, damage) = read(&packed);
        let lost: u64 = damage.iter().map(|damage| damage.count.unwrap_or(25)).sum();
        assert!(stored.len() as u64 + lost >= 25, "a flip at {at} lost exchanges without counting them");
        let mut known = exchanges.iter();
        assert!(stored.iter().all(|item| known.any(|known| *known == item.exchange)), "a flip at {at}");
    }
}
