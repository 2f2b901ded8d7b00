//! An incremental body decoder that hands out ranges of its input and copies nothing but trailers.
//!
//! Invariant: any split of the same bytes into pieces gives the same payload, trailers, end and error.

use std::ops::Range;

use super::error::{BodyError, BodyErrorKind as Kind};
use super::framing::BodyLength;
use super::headers::Headers;
use super::oddity::{Oddities, Oddity};
use super::{Limits, Strictness, parse, scan};

/// Bytes of one chunk size line, extensions included; of no memory, but nobody sends more.
const MAX_CHUNK_LINE: u32 = 16 * 1024;
/// Bytes of the trailer section, which is buffered.
const MAX_TRAILERS: usize = 64 * 1024;

/// Decodes one body; made from its [`BodyLength`].
#[derive(Debug, Clone)]
pub struct BodyDecoder {
    state: State,
    strictness: Strictness,
    offset: u64,
    missing: u64,
    oddities: Oddities,
    trailer_bytes: Vec<u8>,
    trailers: Headers,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Length(u64),
    UntilClose,
    /// In a chunk size line: the size so far and the bytes of the line so far.
    ChunkLine {
        size: u64,
        line: u32,
        part: LinePart,
    },
    ChunkData(u64),
    /// Behind chunk data, before its CR.
    ChunkCr,
    ChunkLf,
    Trailers,
    Done,
}

/// Where in a chunk size line we are (RFC 9112 section 7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LinePart {
    /// Before the first digit.
    Start,
    Digits,
    /// White space behind the size or an extension: only `;` or, leniently, the line end may follow.
    Blank,
    ExtensionStart,
    ExtensionName,
    ValueStart,
    Value,
    Quoted,
    QuotedEscape,
    QuotedEnd,
    /// Behind something that is no extension, followed leniently to the line end.
    Junk,
    Lf,
}

/// One step of decoding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Bytes of the input that are used up; the next call starts behind them.
    pub consumed: usize,
    /// The payload among them; may be empty.
    pub data: Range<usize>,
}

/// What the end of the stream means for a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completion {
    /// The body is whole, though bytes may have been skipped.
    Complete,
    /// The body was cut; `missing` is how much payload lacks, where that can be told.
    Incomplete {
        /// Bytes that the announced length, or the current chunk, still lacks.
        missing: Option<u64>,
    },
}

/// What a gap in the stream does to a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GapOutcome {
    /// The whole gap lies inside payload: it was skipped, decoding goes on behind it.
    Inside,
    /// The gap starts inside the body and hides its framing or its end: `payload` bytes of it were
    /// certainly payload. The decoder stays as it was; look for the next message start.
    Lost {
        /// Bytes of the gap that lie in the announced length or the current chunk.
        payload: u64,
    },
}

impl BodyDecoder {
    /// A decoder at the first byte behind the head.
    pub fn new(length: BodyLength, strictness: Strictness) -> Self {
        let state = match length {
            BodyLength::None | BodyLength::Length(0) => State::Done,
            BodyLength::Length(length) => State::Length(length),
            BodyLength::Chunked => CHUNK_LINE,
            BodyLength::UntilClose | BodyLength::Tunnel => State::UntilClose,
        };
        Self {
            state,
            strictness,
            offset: 0,
            missing: 0,
            oddities: Oddities::NONE,
            trailer_bytes: Vec::new(),
            trailers: Headers::new(),
        }
    }

    /// Decodes the start of `input`: up to the end of the first run of payload in it, or of the body.
    /// Uses at least one byte unless `input` is empty or the body is done; call again with the rest.
    ///
    /// # Errors
    ///
    /// [`BodyError`] for malformed chunks or trailers; the stream's framing is lost then.
    pub fn decode(&mut self, input: &[u8]) -> Result<Step, BodyError> {
        let mut at = 0;
        while at < input.len() {
            match self.state {
                State::Done => break,
                State::Length(left) => {
                    let (len, rest) = take(input, at, left);
                    self.state = if rest == 0 { State::Done } else { State::Length(rest) };
                    return Ok(self.data(at, len));
                }
                State::ChunkData(left) => {
                    let (len, rest) = take(input, at, left);
                    self.state = if rest == 0 { State::ChunkCr } else { State::ChunkData(rest) };
                    return Ok(self.data(at, len));
                }
                State::UntilClose => return Ok(self.data(at, input.len() - at)),
                State::Trailers => at = self.trailers_from(input, at)?,
                State::ChunkLine { size, line, part } => {
                    self.state =
                        self.chunk_line(input[at], size, line, part).map_err(|kind| self.error(kind, at))?;
                    at += 1;
                }
                State::ChunkCr | State::ChunkLf => {
                    self.chunk_end(input[at]).map_err(|kind| self.error(kind, at))?;
                    at += 1;
                }
            }
        }
        Ok(self.data(at, 0))
    }

    /// Whether the body has ended; bytes behind it belong to the next message.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// The trailer fields; empty until the body is done. They must not be merged into the head.
    pub fn trailers(&self) -> &Headers {
        &self.trailers
    }

    /// What was tolerated so far.
    pub fn oddities(&self) -> Oddities {
        self.oddities
    }

    /// Payload bytes skipped as gaps so far.
    pub fn missing(&self) -> u64 {
        self.missing
    }

    /// Says that the stream ended here.
    pub fn finish_at_eof(&self) -> Completion {
        match self.state {
            State::Done | State::UntilClose => Completion::Complete,
            State::Length(left) | State::ChunkData(left) => Completion::Incomplete { missing: Some(left) },
            _ => Completion::Incomplete { missing: None },
        }
    }

    /// Skips `gap` bytes that were never seen, if all of them are certainly payload.
    pub fn skip(&mut self, gap: u64) -> GapOutcome {
        let state = match self.state {
            State::Length(left) if gap == left => State::Done,
            State::Length(left) if gap < left => State::Length(left - gap),
            State::ChunkData(left) if gap == left => State::ChunkCr,
            State::ChunkData(left) if gap < left => State::ChunkData(left - gap),
            State::UntilClose => State::UntilClose,
            State::Length(left) | State::ChunkData(left) => return GapOutcome::Lost { payload: left },
            state if gap == 0 => state,
            _ => return GapOutcome::Lost { payload: 0 },
        };
        self.state = state;
        self.missing += gap;
        self.offset += gap;
        GapOutcome::Inside
    }

    fn data(&mut self, at: usize, len: usize) -> Step {
        self.offset += (at + len) as u64;
        Step { consumed: at + len, data: at..at + len }
    }

    fn error(&self, kind: Kind, at: usize) -> BodyError {
        BodyError { kind, offset: self.offset + at as u64 }
    }

    fn tolerate(&mut self, oddity: Oddity, kind: Kind) -> Result<(), Kind> {
        match self.strictness {
            Strictness::Strict => Err(kind),
            Strictness::Lenient => {
                self.oddities.insert(oddity);
                Ok(())
            }
        }
    }

    fn chunk_line(&mut self, byte: u8, size: u64, line: u32, part: LinePart) -> Result<State, Kind> {
        if line >= MAX_CHUNK_LINE {
            return Err(Kind::ChunkLineTooLong);
        }
        let mut size = size;
        let part = match (part, byte) {
            (LinePart::Lf, b'\n') => return Ok(behind_chunk_line(size)),
            (LinePart::Lf, _) => return Err(Kind::BareCr),
            (LinePart::Start | LinePart::Digits, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                let digit = u64::from(char::from(byte).to_digit(16).unwrap_or_default());
                size = size.checked_mul(16).ok_or(Kind::ChunkSizeOverflow)? | digit;
                LinePart::Digits
            }
            (LinePart::Start, b' ' | b'\t') => {
                self.tolerate(Oddity::ChunkSizeSpace, Kind::InvalidChunkSize)?;
                LinePart::Start
            }
            (LinePart::Start, _) => return Err(Kind::InvalidChunkSize),
            (LinePart::Digits, b' ' | b'\t') => LinePart::Blank,
            (_, b'\r' | b'\n') => {
                self.chunk_line_may_end(part)?;
                if byte == b'\n' {
                    self.tolerate(Oddity::BareLf, Kind::BareLf)?;
                    return Ok(behind_chunk_line(size));
                }
                LinePart::Lf
            }
            (LinePart::Digits | LinePart::Blank, b';') => LinePart::ExtensionStart,
            (LinePart::Digits, _) => return Err(Kind::InvalidChunkSize),
            (_, 0..=8 | 11..=31 | 127) => return Err(Kind::InvalidExtension),
            (part, byte) => match next_in_extension(part, byte) {
                Some(part) => part,
                None => {
                    self.tolerate(Oddity::ChunkExtension, Kind::InvalidExtension)?;
                    LinePart::Junk
                }
            },
        };
        Ok(State::ChunkLine { size, line: line + 1, part })
    }

    fn chunk_line_may_end(&mut self, part: LinePart) -> Result<(), Kind> {
        match part {
            LinePart::Digits
            | LinePart::ExtensionName
            | LinePart::Value
            | LinePart::QuotedEnd
            | LinePart::Junk => Ok(()),
            LinePart::Blank => self.tolerate(Oddity::ChunkSizeSpace, Kind::InvalidChunkSize),
            _ => self.tolerate(Oddity::ChunkExtension, Kind::InvalidExtension),
        }
    }

    fn chunk_end(&mut self, byte: u8) -> Result<(), Kind> {
        self.state = match (self.state, byte) {
            (State::ChunkCr, b'\r') => State::ChunkLf,
            (State::ChunkCr, b'\n') => {
                self.tolerate(Oddity::BareLf, Kind::BareLf)?;
                CHUNK_LINE
            }
            (State::ChunkLf, b'\n') => CHUNK_LINE,
            (State::ChunkLf, _) => return Err(Kind::BareCr),
            _ => return Err(Kind::MissingChunkEnd),
        };
        Ok(())
    }

    /// Takes trailer bytes up to the end of a line, and parses the section at its blank line.
    fn trailers_from(&mut self, input: &[u8], at: usize) -> Result<usize, BodyError> {
        let room = MAX_TRAILERS - self.trailer_bytes.len();
        let window = &input[at..input.len().min(at + room)];
        if window.is_empty() {
            return Err(self.error(Kind::Trailer(super::HeadErrorKind::HeadTooLarge), at));
        }
        let line_end = memchr::memchr(b'\n', window).map(|lf| lf + 1);
        let end = at + line_end.unwrap_or(window.len());
        let line_start = memchr::memrchr(b'\n', &self.trailer_bytes).map_or(0, |lf| lf + 1);
        self.trailer_bytes.extend_from_slice(&input[at..end]);
        let blank = matches!(&self.trailer_bytes[line_start..], b"\n" | b"\r\n");
        if line_end.is_none() || !blank {
            return Ok(end);
        }
        let section_start = self.offset + end as u64 - self.trailer_bytes.len() as u64;
        let limits = Limits::default();
        match parse::parse_trailers(&self.trailer_bytes, self.strictness, &limits) {
            Ok(Some((trailers, oddities))) => {
                self.trailers = trailers;
                self.oddities = self.oddities.union(oddities);
                self.state = State::Done;
                Ok(end)
            }
            Ok(None) => Ok(end),
            Err(error) => Err(BodyError {
                kind: Kind::Trailer(error.kind),
                offset: section_start + error.offset as u64,
            }),
        }
    }
}

const CHUNK_LINE: State = State::ChunkLine { size: 0, line: 0, part: LinePart::Start };

fn behind_chunk_line(size: u64) -> State {
    if size == 0 { State::Trailers } else { State::ChunkData(size) }
}

/// Length of the payload at `at`, and what is left of it behind the input.
fn take(input: &[u8], at: usize, left: u64) -> (usize, u64) {
    let len = usize::try_from(left).unwrap_or(usize::MAX).min(input.len() - at);
    (len, left - len as u64)
}

/// The next part within extensions; `None` where `byte` breaks the grammar.
fn next_in_extension(part: LinePart, byte: u8) -> Option<LinePart> {
    use LinePart::{
        Blank, ExtensionName, ExtensionStart, Junk, Quoted, QuotedEnd, QuotedEscape, Value, ValueStart,
    };
    Some(match (part, byte) {
        (Junk, _) => Junk,
        (Quoted, b'"') => QuotedEnd,
        (Quoted, b'\\') => QuotedEscape,
        (Quoted | QuotedEscape, _) => Quoted,
        (ValueStart, b'"') => Quoted,
        (ExtensionStart | ValueStart | Blank, b' ' | b'\t') => part,
        (ExtensionName | Value | QuotedEnd, b' ' | b'\t') => Blank,
        (ExtensionName | Value | QuotedEnd, b';') => ExtensionStart,
        (ExtensionName, b'=') => ValueStart,
        (ExtensionStart | ExtensionName, byte) if scan::is_token(byte) => ExtensionName,
        (ValueStart | Value, byte) if scan::is_token(byte) => Value,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Payload, trailers and end of `input`, or why not.
    fn check(input: &str, strictness: Strictness, expected: Result<&str, Kind>) {
        let mut body = BodyDecoder::new(BodyLength::Chunked, strictness);
        let (mut at, mut payload) = (0, Vec::new());
        let found = loop {
            let rest = &input.as_bytes()[at..];
            match body.decode(rest) {
                Err(error) => break Err(error.kind),
                Ok(step) => {
                    payload.extend_from_slice(&rest[step.data]);
                    at += step.consumed;
                    if body.is_done() || at == input.len() {
                        let (text, end) = (payload.escape_ascii(), body.finish_at_eof());
                        break Ok(format!("{text} {:?} {end:?}", body.trailers()));
                    }
                }
            }
        };
        assert_eq!(found, expected.map(str::to_owned), "{input:?}");
    }

    #[test]
    fn chunks() {
        use Strictness::{Lenient, Strict};
        check("5\r\nhello\r\n0\r\n\r\n", Strict, Ok("hello [] Complete"));
        check("5;a=\"x;\\\"y\" ; b\r\nhello\r\n00\r\nT: v\r\n\r\n", Strict, Ok("hello [T: v] Complete"));
        check("5\r\nhel", Strict, Ok("hel [] Incomplete { missing: Some(2) }"));
        check("5\r\nhello\r\n0\r\nT: v\r\n", Strict, Ok("hello [] Incomplete { missing: None }"));
        check("5 \r\nhello\r\n0\r\n\r\n", Strict, Err(Kind::InvalidChunkSize));
        check("5 \r\nhello\n0\n\n", Lenient, Ok("hello [] Complete"));
        check("5;=\r\nhello\r\n0\r\n\r\n", Strict, Err(Kind::InvalidExtension));
        check("5;=\r\nhello\r\n0\r\n\r\n", Lenient, Ok("hello [] Complete"));
        check("5\r\nhelloX", Lenient, Err(Kind::MissingChunkEnd));
        check("10000000000000000\r\n", Lenient, Err(Kind::ChunkSizeOverflow));
        let bad_name = Kind::Trailer(crate::http1::HeadErrorKind::InvalidFieldName);
        check("0\r\nbad trailer\r\n\r\n", Strict, Err(bad_name));
    }

    #[test]
    fn gaps() {
        let mut body = BodyDecoder::new(BodyLength::Length(10), Strictness::Lenient);
        assert_eq!(body.decode(b"abc").map(|step| step.consumed), Ok(3));
        assert_eq!(body.skip(8), GapOutcome::Lost { payload: 7 });
        assert_eq!(body.skip(5), GapOutcome::Inside);
        assert_eq!(body.finish_at_eof(), Completion::Incomplete { missing: Some(2) });
        assert_eq!(body.skip(2), GapOutcome::Inside);
        assert_eq!((body.is_done(), body.missing()), (true, 7));
        assert_eq!(body.skip(1), GapOutcome::Lost { payload: 0 });

        let mut chunked = BodyDecoder::new(BodyLength::Chunked, Strictness::Lenient);
        assert_eq!(chunked.skip(1), GapOutcome::Lost { payload: 0 });
        assert_eq!(chunked.decode(b"8\r\nab").map(|step| step.data), Ok(3..5));
        assert_eq!(chunked.skip(6), GapOutcome::Inside);
        assert_eq!(chunked.decode(b"\r\n0\r\n\r\n").map(|step| step.consumed), Ok(7));
        assert!(chunked.is_done());
    }
}
