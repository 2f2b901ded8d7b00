//! What was written is read back: exchanges, late responses, runs, with and without a seal.

use crate::support::*;
use corpus::ids::PlanSeq;
use corpus::run::*;
use corpus::select::Selection;
use corpus::{Bodies, CorpusReader, CorpusWriter, LateResponse, Overwrite, RunReader};

#[test]
fn a_corpus_round_trips() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("a.corpus");
    let mut exchanges = mixed(500);
    exchanges.push(exchange(500, "/large", &Numbers(9).bytes(3_000_000)));
    exchanges.push(exchange(501, "/large", &Numbers(9).bytes(3_000_000)));
    write(&path, &exchanges);

    let (stored, damage) = read(&path);
    assert_eq!(damage, []);
    assert!(stored.iter().map(|item| &item.exchange).eq(&exchanges));
    let reader = CorpusReader::open(&path).expect("a corpus");
    assert_eq!(reader.exchange_count(), 502);
    assert_eq!(reader.seal(), Some(&seal()));
    let mut expected = header();
    expected.redaction.key_check = key().check_value();
    assert_eq!(reader.header(), &expected);
    let names: Vec<_> = reader.endpoints().iter().map(|(_, name, count)| (name.to_owned(), count)).collect();
    let wanted = [
        ("GET /", 100),
        ("GET /items/{id}", 100),
        ("GET /large", 2),
        ("GET /lost", 100),
        ("GET /random", 100),
        ("GET /users/{name}/posts", 100),
    ];
    assert_eq!(names, wanted.map(|(name, count)| (name.to_owned(), count)));
    let size = std::fs::metadata(&path).expect("a file").len();
    assert!(size < 3_600_000, "bodies are stored once: {size} bytes");
}

#[test]
fn many_segments_are_read_in_order_and_sought() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("a.corpus");
    let mut numbers = Numbers(3);
    let target = |n: u64| if n < 100 { "/early" } else { "/late" };
    let exchanges: Vec<_> = (0..300).map(|n| exchange(n, target(n), &numbers.bytes(100_000))).collect();
    write(&path, &exchanges);
    let reader = CorpusReader::open(&path).expect("a corpus");
    assert!(reader.segment_count() >= 3);
    let select = |selection: &Selection| {
        let (stored, damage) = split(reader.exchanges(selection, Bodies::Load));
        assert_eq!(damage, []);
        stored.into_iter().map(|item| item.exchange).collect::<Vec<_>>()
    };
    assert_eq!(select(&Selection::all()), exchanges);
    let range = exchanges[150].request_time.first..exchanges[160].request_time.first;
    assert_eq!(select(&Selection { time: Some(range), ..Selection::all() }), exchanges[150..160]);
    let early = reader.endpoints().id_of("GET /early").expect("an endpoint");
    assert_eq!(select(&Selection { endpoints: Some(vec![early]), ..Selection::all() }), exchanges[..100]);
    let (skipped, _) = split(reader.exchanges(&Selection::all(), Bodies::Skip));
    let response = skipped[0].exchange.response.as_ref().expect("a response");
    assert_eq!((response.body.bytes.len(), response.body.wire_len), (0, 100_000));
}

#[test]
fn late_responses_are_joined() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("a.corpus");
    let mut writer = CorpusWriter::create(&path, &header(), &key(), Overwrite::Refuse).expect("a file");
    let first = unanswered(0, "/slow");
    writer.append(&first).expect("an append");
    for n in 1..2000 {
        writer.append(&exchange(n, "/x", &Numbers(n).bytes(9000))).expect("an append");
    }
    let late = LateResponse {
        response_time: span(5, 6),
        response: response(201, b"at last"),
        incomplete: Vec::new(),
    };
    writer.append_late(first.id, late.clone()).expect("an append");
    writer.flush().expect("a flush");
    for sealed in [false, true] {
        if sealed {
            std::mem::replace(&mut writer, unsealed(&dir.path().join("other"), &[]))
                .seal(seal())
                .expect("a seal");
        }
        let (stored, damage) = read(&path);
        assert_eq!((stored.len(), damage), (2000, vec![]));
        let joined = &stored[0].exchange;
        assert_eq!(joined.response.as_ref(), Some(&late.response));
        assert_eq!(joined.response_time, Some(late.response_time));
        assert!(joined.is_complete());
    }
}

#[test]
fn an_unsealed_file_has_what_was_committed() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("a.corpus");
    let exchanges = mixed(3000);
    let mut writer = unsealed(&path, &exchanges[..2000]);
    writer.flush().expect("a flush");
    exchanges[2000..2010].iter().for_each(|exchange| writer.append(exchange).expect("an append"));
    let (stored, damage) = read(&path);
    assert_eq!(damage, []);
    assert!(stored.iter().map(|item| &item.exchange).eq(&exchanges[..2000]));
    let reader = CorpusReader::open(&path).expect("a corpus");
    assert_eq!(reader.seal(), None);
    assert_eq!(reader.exchange_count(), 2000);
    let window = (exchanges[0].request_time.first, exchanges[1999].request_time.first);
    assert_eq!(reader.window(), Some(window));
}

#[test]
fn the_same_exchanges_make_the_same_bytes() {
    let dir = tempfile::tempdir().expect("a directory");
    let paths = ["a", "b"].map(|name| dir.path().join(name));
    paths.iter().for_each(|path| write(path, &mixed(2000)));
    let [a, b] = paths.map(|path| std::fs::read(path).expect("a file"));
    assert!(a == b);
}

#[test]
fn a_run_round_trips_in_the_order_of_the_plan() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("a.run");
    let mut writer = run_writer(&path);
    let content = |seq: u64| format!("body {}", seq % 10).into_bytes();
    for seq in 0..5000_u64 {
        writer.planned(&planned(seq)).expect("an append");
        if seq >= 10 {
            // Outcomes come later and out of order; the very first comes last.
            let done = if seq % 2 == 0 { seq - 9 } else { seq - 10 + 1 - 2 };
            for arm in ARMS {
                writer.outcome(&outcome(done, arm, &content(done))).expect("an append");
            }
        }
    }
    writer.seal(&RunSeal { ended: Some(RunEnd::Completed), ..RunSeal::default() }).expect("a seal");

    let reader = RunReader::open(&path).expect("a run");
    assert_eq!(reader.header(), &run_header());
    assert_eq!(reader.seal().and_then(|seal| seal.ended), Some(RunEnd::Completed));
    let joined: Vec<_> = reader.joined().collect::<Result<_, _>>().expect("no damage");
    assert_eq!(joined.len(), 5000);
    for (seq, joined) in (0..).zip(&joined) {
        assert_eq!(joined.planned.seq, PlanSeq(seq));
        for known in &joined.outcomes {
            let mut expected = outcome(seq, known.arm, &content(seq));
            assert_eq!(known.times, expected.times);
            if let (OutcomeResult::Response(found), OutcomeResult::Response(wanted)) =
                (&known.result, &mut expected.result)
            {
                let Kept::Stored(body) = &found.body.kept else { panic!("a stored body") };
                assert_eq!(reader.load(body).expect("a body"), content(seq));
                wanted.body.kept = found.body.kept.clone();
            }
            assert_eq!(known, &expected);
        }
    }
}

#[test]
fn files_are_private_and_never_replaced_unasked() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("a.corpus");
    std::fs::write(&path, "precious").expect("a file");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).expect("rights");
    let refused = CorpusWriter::create(&path, &header(), &key(), Overwrite::Refuse);
    let error = refused.err().expect("an error");
    let message = error.to_string();
    assert!(message.ends_with("a.corpus: the file exists already"), "{message}");
    assert!(std::error::Error::source(&error).is_none(), "it is said once");
    assert_eq!(std::fs::read(&path).expect("a file"), b"precious");
    write(&path, &mixed(3));
    let mode = std::fs::metadata(&path).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
