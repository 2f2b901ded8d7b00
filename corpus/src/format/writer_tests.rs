//! Writing to disks that fail, and how much is ever uncommitted.

use super::endpoints::EndpointMemory;
use super::exchange_block::ExchangeBlock;
use super::output::{FrameWriter, Output};
use super::segment::SegmentWriter;
use super::*;
use crate::exchange::{Exchange, Span};
use crate::ids::{ConnectionId, ExchangeId, SessionId};
use crate::manifest::{CorpusHeader, CorpusSeal, RedactionInfo, Sampling, SessionBy};
use crate::message::{Body, Protocol, Request, Response};
use crate::select::Selection;
use crate::time::CaptureTime;
use crate::units::Fraction;
use std::io::{Error, ErrorKind, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How an output fails at one of its writes.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    /// No space: nothing of it is written.
    Full,
    /// Half of it is written, and cutting that off fails too.
    Short,
    /// The write succeeds, and the last sync fails.
    Sync,
    None,
}

struct Failing {
    file: std::fs::File,
    writes: Arc<AtomicUsize>,
    at: usize,
    fault: Fault,
}

impl Output for Failing {
    fn write_all(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        let now = self.writes.fetch_add(1, Ordering::Relaxed);
        match self.fault {
            Fault::Full if now == self.at => Err(ErrorKind::StorageFull.into()),
            Fault::Short if now == self.at => {
                Write::write_all(&mut self.file, &bytes[..bytes.len() / 2])?;
                Err(Error::from(ErrorKind::StorageFull))
            }
            _ => Write::write_all(&mut self.file, bytes),
        }
    }

    fn cut(&mut self, len: u64) -> std::io::Result<()> {
        if self.fault == Fault::Short { Err(ErrorKind::Other.into()) } else { self.file.set_len(len) }
    }

    fn sync(&mut self) -> std::io::Result<()> {
        if self.fault == Fault::Sync { Err(ErrorKind::QuotaExceeded.into()) } else { self.file.sync_all() }
    }
}

fn writer(path: &Path, fault: Fault, at: usize) -> Result<(CorpusWriter, Arc<AtomicUsize>), FormatError> {
    let writes = Arc::new(AtomicUsize::new(0));
    let file = std::fs::File::create(path).expect("a file");
    let output = Failing { file, writes: Arc::clone(&writes), at, fault };
    let header = CorpusHeader {
        tool_version: "0".to_owned(),
        represents: Fraction::ONE,
        sampling: Sampling { rule: "all".to_owned(), fraction: Fraction::ONE },
        session_by: SessionBy::Default,
        redaction: RedactionInfo::default(),
    };
    let out = FrameWriter::over(Box::new(output), path, 1)?;
    let writer = CorpusWriter {
        segments: SegmentWriter::over(out, FileKind::Corpus, &header)?,
        block: ExchangeBlock::default(),
        endpoints: EndpointMemory::default(),
    };
    Ok((writer, writes))
}

fn exchange(n: u64, len: usize) -> Exchange {
    let span = Span { first: CaptureTime(n), last: CaptureTime(n) };
    let mut content = n.to_le_bytes().to_vec();
    content.resize(len, 7);
    let body = Body { wire_len: len as u64, bytes: content.into(), ..Body::default() };
    Exchange {
        id: ExchangeId(n),
        connection: ConnectionId(1),
        session: SessionId(1),
        request_time: span,
        request: Request {
            protocol: Protocol::Http11,
            method: b"GET".to_vec(),
            target: b"/".to_vec(),
            headers: wire::http1::Headers::new(),
            body: Body::default(),
            malformed: None,
        },
        response_time: Some(span),
        response: Some(Response {
            protocol: Protocol::Http11,
            status: 200,
            headers: wire::http1::Headers::new(),
            interim: Vec::new(),
            body,
            malformed: None,
        }),
        incomplete: Vec::new(),
    }
}

/// Writes 40 exchanges, each flushed; gives back how many flushes succeeded and the first error.
fn fill(writer: &mut CorpusWriter) -> (u64, Option<FormatError>) {
    for n in 0..40 {
        if let Err(error) = writer.append(&exchange(n, 100)).and_then(|()| writer.flush()) {
            return (n, Some(error));
        }
    }
    (40, None)
}

fn read(path: &Path) -> Vec<u64> {
    let reader = CorpusReader::open(path).expect("what was committed opens");
    assert_eq!(reader.seal(), None);
    let items = reader.exchanges(&Selection::all(), Bodies::Load);
    items.map(|item| item.expect("no damage").exchange.id.0).collect()
}

#[test]
fn a_failed_write_is_told_at_every_later_one_and_costs_nothing_committed() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("a.corpus");
    for fault in [Fault::Full, Fault::Short] {
        // The first two writes are the header; without them there is no corpus.
        for at in 2..82 {
            let (mut writer, _) = writer(&path, fault, at).expect("a header");
            let (committed, error) = fill(&mut writer);
            let error = error.expect("an error");
            assert!(error.to_string().starts_with("write "), "{error}");
            for later in [writer.append(&exchange(99, 1)), writer.flush(), writer.seal(CorpusSeal::default())]
            {
                let later = later.expect_err("an error");
                assert_eq!(*later.kind(), FormatErrorKind::Poisoned, "{later}");
            }
            assert_eq!(read(&path), (0..committed).collect::<Vec<_>>(), "{fault:?} at write {at}");
        }
    }
    for at in 0..2 {
        assert!(writer(&path, Fault::Full, at).is_err());
    }
}

#[test]
fn a_failed_sync_is_an_error_of_the_seal() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("a.corpus");
    let (mut writer, _) = writer(&path, Fault::Sync, 0).expect("a header");
    assert!(fill(&mut writer).1.is_none());
    let error = writer.seal(CorpusSeal::default()).expect_err("an error").to_string();
    assert!(error.starts_with("sync "), "{error}");
}

#[test]
fn at_most_a_mebibyte_is_uncommitted() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("a.corpus");
    for len in [50, 5_000, 300_000, 500_000] {
        let (mut writer, _) = writer(&path, Fault::None, 0).expect("a header");
        let count = 3_000_000 / (len as u64 + 200);
        (0..count).for_each(|n| writer.append(&exchange(n, len)).expect("an append"));
        let uncommitted = (count - read(&path).len() as u64) * len as u64;
        assert!(uncommitted <= 1 << 20, "{uncommitted} bytes in bodies of {len}");
    }
}
