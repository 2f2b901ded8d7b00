//! From capture files to a corpus: the one loop over all packets.

use crate::config::{Config, Limits};
use crate::connection::At;
use crate::engine::Engine;
use crate::error::CaptureError;
use crate::flow::Flows;
use crate::ip;
use crate::ledger::PacketClass;
use crate::sequencer::{Late, Leaving, Outlet};
use crate::sink::{self, Sink};
use crate::source::{CaptureFile, Packet, Read, SourceError};
use corpus::digest::DigestKey;
use corpus::exchange::Exchange;
use corpus::format::CorpusWriter;
use corpus::ledger::Ledger;
use corpus::manifest::{CorpusHeader, CorpusSeal, Sampling};
use corpus::time::CaptureTime;
use corpus::units::{ByteCount, Fraction};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// What came of a capture.
#[derive(Debug, Clone, PartialEq)]
pub struct CaptureReport {
    /// The balance, as it stands in the corpus.
    pub ledger: Ledger,
    /// The first and the last packet.
    pub window: Option<(CaptureTime, CaptureTime)>,
}

/// How far a capture is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of the capture files read.
    pub read: ByteCount,
    /// Bytes of the capture files in all; 0 where that is not known.
    pub total: ByteCount,
}

/// Reads capture files and writes a corpus. `watch` is told of the progress every few MiB.
///
/// A file that breaks off is read to there; the ledger then says so in `input_error`.
///
/// # Errors
/// Where a file is no capture or breaks off before its first packet, where the corpus exists and is not to be
/// replaced, or cannot be written; and where the balance does not add up, which is a defect of this program.
pub fn run(config: Config, watch: &mut dyn FnMut(Progress)) -> Result<CaptureReport, CaptureError> {
    let inputs = Inputs::survey(&config.inputs)?;
    let header = CorpusHeader {
        tool_version: config.tool_version.clone(),
        represents: config.represents,
        sampling: Sampling { rule: "all".to_owned(), fraction: Fraction::ONE },
        session_by: config.session_by.clone(),
        redaction: corpus::redact::Redactor::new(&config.key).info(),
    };
    let writer = CorpusWriter::create(&config.output, &header, &config.key, config.overwrite)
        .map_err(CaptureError::Write)?;
    let sink = Sink::new(writer, config.session_by, config.key.clone());
    let (batches, queue) = sink::queue();
    let engine = Engine::new(config.limits, config.key, Box::new(batches));
    let (writer, pass) = thread::scope(|scope| {
        let writing = scope.spawn(move || sink.run(&queue));
        let pass = inputs.read_all(engine, watch);
        let writer = writing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        (writer, pass)
    });
    let writer = writer.map_err(CaptureError::Write)?;
    let report = pass?;
    let seal = CorpusSeal { window: report.window, ledger: report.ledger.clone() };
    writer.seal(seal).map_err(CaptureError::Write)?;
    Ok(report)
}

/// The capture files in the order of their first packets.
struct Inputs {
    paths: Vec<PathBuf>,
    total: u64,
}

impl Inputs {
    /// Looks at the first packet of each file.
    fn survey(paths: &[PathBuf]) -> Result<Self, CaptureError> {
        let mut firsts = Vec::with_capacity(paths.len());
        let mut total = 0_u64;
        for path in paths {
            let first =
                first_packet(path).map_err(|source| CaptureError::Read { path: path.clone(), source })?;
            total += File::open(path).and_then(|file| file.metadata()).map_or(0, |metadata| metadata.len());
            firsts.push((first, path.clone()));
        }
        firsts.sort_by_key(|(first, _)| *first);
        Ok(Self { paths: firsts.into_iter().map(|(_, path)| path).collect(), total })
    }

    fn read_all(
        self,
        engine: Engine,
        watch: &mut dyn FnMut(Progress),
    ) -> Result<CaptureReport, CaptureError> {
        let mut pass = Pass::new(engine);
        let mut done = 0;
        for (number, path) in self.paths.iter().enumerate() {
            let mut watch = |read: u64| {
                watch(Progress { read: ByteCount(done + read), total: ByteCount(self.total) });
            };
            let (read, broken) = pass.read_file(path, &mut watch)?;
            done += read;
            if let Some(error) = broken {
                let file =
                    if self.paths.len() > 1 { format!("file {}: ", number + 1) } else { String::new() };
                pass.input_error.get_or_insert(format!("{file}{error}"));
            }
        }
        pass.finish()
    }
}

fn first_packet(path: &Path) -> Result<Option<CaptureTime>, SourceError> {
    let mut file = CaptureFile::open(path)?;
    loop {
        match file.next()? {
            Read::Packet(packet) => return Ok(Some(packet.time)),
            Read::BadRecord => {}
            Read::End => return Ok(None),
        }
    }
}

/// Bytes read between two reports of progress.
const WATCH_EVERY: u64 = 4 << 20;
/// Packets between two looks at the ordering window.
const TURN_EVERY: u64 = 64;

/// One pass over all packets.
struct Pass {
    engine: Engine,
    flows: Flows,
    packets: u64,
    window: Option<(CaptureTime, CaptureTime)>,
    input_error: Option<String>,
}

impl Pass {
    fn new(engine: Engine) -> Self {
        Self { engine, flows: Flows::new(), packets: 0, window: None, input_error: None }
    }

    /// Reads one file; returns the bytes read and why it ended early, if it did.
    fn read_file(
        &mut self,
        path: &Path,
        watch: &mut dyn FnMut(u64),
    ) -> Result<(u64, Option<SourceError>), CaptureError> {
        let file =
            CaptureFile::open(path).map_err(|source| CaptureError::Read { path: path.to_owned(), source })?;
        Ok(self.read(file, watch))
    }

    fn read<R: io::Read>(
        &mut self,
        mut file: CaptureFile<R>,
        watch: &mut dyn FnMut(u64),
    ) -> (u64, Option<SourceError>) {
        let mut watched = 0;
        let broken = loop {
            match file.next() {
                Ok(Read::Packet(packet)) => self.packet(&packet),
                Ok(Read::BadRecord) => {
                    self.engine.tally.packet_read(0);
                    self.engine.tally.packet(PacketClass::BadRecord);
                }
                Ok(Read::End) => break None,
                Err(error) => break Some(error),
            }
            if file.offset() - watched >= WATCH_EVERY {
                watched = file.offset();
                watch(watched);
            }
            if !self.engine.is_open() {
                break None;
            }
        };
        (file.offset(), broken)
    }

    fn packet(&mut self, packet: &Packet<'_>) {
        self.packets += 1;
        let time = packet.time;
        let (first, last) = self.window.get_or_insert((time, time));
        (*first, *last) = ((*first).min(time), (*last).max(time));
        self.engine.tally.packet_read(packet.data.len());
        let segment = packet.link.datagram(packet.data, packet.wire_len).and_then(ip::transport);
        let class = match &segment {
            Ok(segment) if segment.payload_len > 0 => PacketClass::TcpPayload,
            Ok(_) => PacketClass::TcpEmpty,
            Err(class) => *class,
        };
        self.engine.tally.packet(class);
        if let Ok(segment) = &segment {
            let at = At { time, packet: self.packets };
            self.flows.segment(segment, at, &mut self.engine);
        }
        if self.packets.is_multiple_of(TURN_EVERY) {
            self.engine.turn(time);
        }
    }

    fn finish(mut self) -> Result<CaptureReport, CaptureError> {
        self.flows.finish(&mut self.engine);
        let (tally, outlet) = self.engine.finish();
        drop(outlet);
        let mut ledger = tally.ledger().map_err(CaptureError::Unbalanced)?;
        ledger.input_error = self.input_error;
        Ok(CaptureReport { ledger, window: self.window })
    }
}

/// Gathers exchanges in memory, late responses joined.
#[derive(Clone, Default)]
struct Gathered(Arc<Mutex<Vec<Exchange>>>);

impl Outlet for Gathered {
    fn leave(&mut self, leaving: Leaving) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match leaving {
            Leaving::Exchange(exchange) => all.push(*exchange),
            Leaving::Late(late) => {
                let Late { id, span, response, incomplete } = *late;
                if let Some(exchange) = all.iter_mut().find(|exchange| exchange.id == id) {
                    exchange.response = Some(response);
                    exchange.response_time = Some(span);
                    exchange.incomplete = incomplete;
                }
            }
        }
    }
}

/// Reads one capture from memory: what it holds, before redaction, and its balance. For tests of what
/// lies between packets and the corpus, and for fuzzing.
///
/// # Errors
/// As [`run`].
#[doc(hidden)]
pub fn exchanges_of(capture: &[u8], limits: Limits) -> Result<(Vec<Exchange>, CaptureReport), CaptureError> {
    let gathered = Gathered::default();
    let engine = Engine::new(limits, DigestKey::from_bytes([0; 32]), Box::new(gathered.clone()));
    let mut pass = Pass::new(engine);
    let path = PathBuf::from("memory");
    let file = CaptureFile::new(capture).map_err(|source| CaptureError::Read { path, source })?;
    let (_, broken) = pass.read(file, &mut |_| ());
    pass.input_error = broken.map(|error| error.to_string());
    let report = pass.finish()?;
    let exchanges = std::mem::take(&mut *gathered.0.lock().unwrap_or_else(PoisonError::into_inner));
    Ok((exchanges, report))
}
