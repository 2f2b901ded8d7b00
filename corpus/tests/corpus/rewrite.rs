//! One corpus made from another: nothing changes but what was asked for.

use crate::support::*;
use corpus::rewrite::{copy, pack};
use corpus::select::{Selection, SessionShare};
use corpus::{CorpusReader, Overwrite};
use std::collections::BTreeSet;
use std::path::Path;

fn open(path: &Path) -> CorpusReader {
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

/// A sample of a corpus, and how many exchanges it kept.
fn sample(share: &str, of: &Path, to: &Path) -> u64 {
    let sessions = Some(SessionShare { fraction: share.parse().expect("a fraction"), seed: 0 });
    copy(&open(of), &Selection { sessions, ..Selection::all() }, to, Overwrite::Refuse)
        .expect("a sample")
        .kept
}

fn sessions(path: &Path) -> BTreeSet<u64> {
    read(path).0.into_iter().map(|item| item.exchange.session.0).collect()
}

/// Exchanges a second of what the capture point saw: the recorded rate by the sampling fraction.
fn rate(path: &Path) -> f64 {
    let reader = open(path);
    let (first, last) = reader.window().expect("a window");
    let count = u32::try_from(reader.exchange_count()).expect("few");
    f64::from(count) / last.since(first).as_secs_f64() / reader.header().sampling.fraction.value()
}

#[test]
fn a_sample_keeps_whole_sessions() {
    let dir = tempfile::tempdir().expect("a directory");
    let (whole, half) = (dir.path().join("w"), dir.path().join("h"));
    let mut exchanges = mixed(1000);
    (0..).zip(&mut exchanges).for_each(|(n, exchange)| exchange.session.0 = n % 100);
    write(&whole, &exchanges);
    let kept = sample("50%", &whole, &half);
    assert!((300..700).contains(&kept), "{kept}");
    let (stored, _) = read(&half);
    for session in sessions(&half) {
        assert_eq!(stored.iter().filter(|item| item.exchange.session.0 == session).count(), 10);
    }
    assert_eq!(open(&half).seal(), open(&whole).seal());
}

#[test]
fn a_sample_of_a_sample_takes_its_share_of_what_is_left() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = |name: &str| dir.path().join(name);
    let exchanges: Vec<_> = (0..5000)
        .map(|n| {
            let mut exchange = exchange(n, "/", b"");
            exchange.session.0 = n;
            exchange
        })
        .collect();
    write(&path("whole"), &exchanges);
    sample("20%", &path("whole"), &path("fifth"));
    sample("50%", &path("fifth"), &path("tenth"));
    sample("50%", &path("tenth"), &path("twentieth"));
    for (name, expected) in [("fifth", 1000), ("tenth", 500), ("twentieth", 250)] {
        let kept = open(&path(name)).exchange_count();
        assert!(kept.abs_diff(expected) < expected / 5, "{name}: {kept}, not about {expected}");
    }
    assert!(sessions(&path("tenth")).is_subset(&sessions(&path("fifth"))));
    let rule = "all; sessions by hash, 20% asked, seed 0; sessions by hash, 50% asked, seed 0";
    assert_eq!(open(&path("tenth")).header().sampling.rule, rule);
    sample("50%", &path("fifth"), &path("again"));
    assert_eq!(sessions(&path("again")), sessions(&path("tenth")), "the same words choose the same");
}

#[test]
fn a_sample_of_uneven_sessions_keeps_the_rate_of_production() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = |name: &str| dir.path().join(name);
    let mut exchanges = mixed(2000);
    // Session k is about twice as long as session k + 1.
    (1_u64..).zip(&mut exchanges).for_each(|(n, exchange)| exchange.session.0 = n.trailing_zeros().into());
    write(&path("whole"), &exchanges);
    let production = rate(&path("whole"));
    let mut source = path("whole");
    for share in ["70%", "80%"] {
        let to = path(share);
        let before = open(&source).exchange_count();
        let kept = sample(share, &source, &to);
        assert!(0 < kept && kept < before, "{kept} of {before}");
        assert!((rate(&to) / production - 1.0).abs() < 0.01, "{share}: {} not {production}", rate(&to));
        source = to;
    }
}

#[test]
fn samples_of_nothing_and_of_everything() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = |name: &str| dir.path().join(name);
    write(&path("none"), &[]);
    write(&path("some"), &mixed(50));
    for (share, of, kept, fraction) in
        [("10%", "none", 0, 0.1), ("100%", "some", 50, 1.0), ("0%", "some", 0, 0.0)]
    {
        let to = path(share);
        assert_eq!(sample(share, &path(of), &to), kept);
        let told = open(&to).header().sampling.fraction.value();
        assert!((told - fraction).abs() < 1e-12, "{share} of {of}: {told}");
    }
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
