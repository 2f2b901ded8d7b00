//! Content codings undone, within limits (RFC 9110 section 8.4).
//!
//! Bodies come from outside: a few bytes may unfold to gigabytes, or ask for gigabytes of window.
//! Invariant: no more than [`ContentLimits::max_output`] bytes and one decoder window are ever held per
//! coding, and the raw body is untouched, so that a caller can fall back to it.

use std::borrow::Cow;
use std::io::Read;

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use flate2::{Decompress, FlushDecompress, Status};
use thiserror::Error;

/// Bytes decoded at a time.
const CHUNK: usize = 32 * 1024;
/// Bytes of an unknown coding's name kept in its error.
const MAX_NAME: usize = 64;

/// A content coding that can be undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Coding {
    /// No coding.
    Identity,
    /// RFC 1952; also `x-gzip`.
    Gzip,
    /// RFC 1950, and the raw RFC 1951 that some servers send under its name.
    Deflate,
    /// RFC 7932.
    Brotli,
    /// RFC 8878.
    Zstd,
}

impl Coding {
    /// The coding of this name, whatever its case.
    pub fn parse(name: &[u8]) -> Option<Self> {
        let codings: [(&[u8], Self); 6] = [
            (b"gzip", Self::Gzip),
            (b"x-gzip", Self::Gzip),
            (b"deflate", Self::Deflate),
            (b"br", Self::Brotli),
            (b"zstd", Self::Zstd),
            (b"identity", Self::Identity),
        ];
        codings.into_iter().find(|(known, _)| name.eq_ignore_ascii_case(known)).map(|(_, coding)| coding)
    }

    /// The registered name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
        }
    }
}

/// Bounds on decoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentLimits {
    /// Bytes of output, of each coding in a chain.
    pub max_output: usize,
    /// Output bytes per byte of the body as received, counted once output passes `ratio_floor`.
    pub max_ratio: usize,
    /// Bytes of output up to which any ratio is fine.
    pub ratio_floor: usize,
    /// Codings in a chain, identity not counted.
    pub max_codings: usize,
    /// Base-two logarithm of the largest zstd window; RFC 9659 allows senders 23.
    pub max_zstd_window_log: u32,
}

impl Default for ContentLimits {
    fn default() -> Self {
        Self {
            max_output: 64 << 20,
            max_ratio: 200,
            ratio_floor: 1 << 20,
            max_codings: 4,
            max_zstd_window_log: 23,
        }
    }
}

/// Why content could not be decoded.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ContentError {
    /// Output beyond [`ContentLimits::max_output`].
    #[error("decode {encoding} content: more than {limit} bytes")]
    TooLarge {
        /// The coding that was being undone.
        encoding: &'static str,
        /// The limit in bytes.
        limit: usize,
    },
    /// Output beyond [`ContentLimits::max_ratio`] times the body.
    #[error("decode {encoding} content: more than {limit} times the size of the body")]
    RatioExceeded {
        /// The coding that was being undone.
        encoding: &'static str,
        /// The limit as a factor.
        limit: usize,
    },
    /// A window beyond [`ContentLimits::max_zstd_window_log`].
    #[error("decode zstd content: its window is larger than 2^{limit} bytes")]
    WindowTooLarge {
        /// The limit as a base-two logarithm.
        limit: u32,
    },
    /// The bytes are not of that coding, or are cut.
    #[error("decode {encoding} content: corrupt or cut after {output} bytes of output")]
    Corrupt {
        /// The coding that was being undone.
        encoding: &'static str,
        /// Bytes decoded before the fault.
        output: usize,
    },
    /// A coding that we do not know.
    #[error("decode content: unknown encoding {encoding:?}")]
    Unknown {
        /// Its name, escaped and cut to 64 bytes.
        encoding: String,
    },
    /// More than [`ContentLimits::max_codings`].
    #[error("decode content: more than {limit} encodings")]
    TooManyEncodings {
        /// The limit.
        limit: usize,
    },
}

/// Decoded content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content<'a> {
    /// The bytes; borrowed where no coding was applied.
    pub bytes: Cow<'a, [u8]>,
    /// What was peculiar.
    pub note: ContentNote,
}

/// What was peculiar about decoded content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentNote {
    /// Nothing.
    Clean,
    /// A coding was named, but the body is empty, which no coder produces.
    EmptyBody,
    /// This many bytes followed the end of the coded data and were left out.
    TrailingBytes(usize),
}

/// Undoes the codings of `encodings`, the values of all Content-Encoding fields in their order: each a
/// comma-separated list in the order in which the codings were applied.
///
/// # Errors
///
/// [`ContentError`]; the body as received is then all there is.
pub fn decode<'a, 'e>(
    body: &'a [u8],
    encodings: impl IntoIterator<Item = &'e [u8]>,
    limits: &ContentLimits,
) -> Result<Content<'a>, ContentError> {
    let codings = parse_codings(encodings, limits)?;
    let mut content = Content { bytes: Cow::Borrowed(body), note: ContentNote::Clean };
    if codings.is_empty() {
        return Ok(content);
    }
    if body.is_empty() {
        content.note = ContentNote::EmptyBody;
        return Ok(content);
    }
    for coding in codings.into_iter().rev() {
        let mut sink = Sink { out: Vec::new(), coding, received: body.len(), limits };
        let used = sink.decode(&content.bytes)?;
        let trailing = content.bytes.len() - used;
        if trailing > 0 {
            content.note = ContentNote::TrailingBytes(trailing);
        }
        content.bytes = Cow::Owned(sink.out);
    }
    Ok(content)
}

fn parse_codings<'e>(
    encodings: impl IntoIterator<Item = &'e [u8]>,
    limits: &ContentLimits,
) -> Result<Vec<Coding>, ContentError> {
    let mut codings = Vec::new();
    let names = encodings.into_iter().flat_map(|value| value.split(|b| *b == b',')).map(<[u8]>::trim_ascii);
    for name in names.filter(|name| !name.is_empty()) {
        match Coding::parse(name) {
            Some(Coding::Identity) => {}
            Some(_) if codings.len() >= limits.max_codings => {
                return Err(ContentError::TooManyEncodings { limit: limits.max_codings });
            }
            Some(coding) => codings.push(coding),
            None => {
                let encoding = name[..name.len().min(MAX_NAME)].escape_ascii().to_string();
                return Err(ContentError::Unknown { encoding });
            }
        }
    }
    Ok(codings)
}

/// Output of one coding, with its bounds.
struct Sink<'l> {
    out: Vec<u8>,
    coding: Coding,
    received: usize,
    limits: &'l ContentLimits,
}

impl Sink<'_> {
    /// Decodes `input`; says how many bytes of it were used.
    fn decode(&mut self, input: &[u8]) -> Result<usize, ContentError> {
        match self.coding {
            Coding::Identity => self.push(input).map(|()| input.len()),
            Coding::Gzip => self.gzip(input),
            Coding::Deflate => self.deflate(input),
            Coding::Brotli => self.brotli(input),
            Coding::Zstd => self.zstd(input),
        }
    }

    fn push(&mut self, bytes: &[u8]) -> Result<(), ContentError> {
        let (len, limits) = (self.out.len() + bytes.len(), self.limits);
        let encoding = self.coding.name();
        if len > limits.max_output {
            return Err(ContentError::TooLarge { encoding, limit: limits.max_output });
        }
        if len > limits.ratio_floor && len / limits.max_ratio.max(1) > self.received {
            return Err(ContentError::RatioExceeded { encoding, limit: limits.max_ratio });
        }
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    fn corrupt(&self) -> ContentError {
        ContentError::Corrupt { encoding: self.coding.name(), output: self.out.len() }
    }

    /// All members (RFC 1952 section 2.2); what follows them and is none is left over.
    fn gzip(&mut self, input: &[u8]) -> Result<usize, ContentError> {
        let mut rest = input;
        loop {
            let mut member = flate2::bufread::GzDecoder::new(&mut rest);
            self.pump(&mut member)?;
            drop(member);
            if !rest.starts_with(&[0x1f, 0x8b]) {
                return Ok(input.len() - rest.len());
            }
        }
    }

    fn pump(&mut self, reader: &mut impl Read) -> Result<(), ContentError> {
        let mut chunk = vec![0; CHUNK];
        loop {
            match reader.read(&mut chunk) {
                Ok(0) => return Ok(()),
                Ok(len) => self.push(&chunk[..len])?,
                Err(_) => return Err(self.corrupt()),
            }
        }
    }

    /// With the zlib header where there is one, else, or where that does not decode, without.
    fn deflate(&mut self, input: &[u8]) -> Result<usize, ContentError> {
        let zlib = matches!(input, [cmf, flg, ..]
            if cmf & 0x0f == 8 && (u16::from(*cmf) << 8 | u16::from(*flg)) % 31 == 0);
        if !zlib {
            return self.inflate(input, Decompress::new(false));
        }
        match self.inflate(input, Decompress::new(true)) {
            Err(ContentError::Corrupt { output, .. }) => {
                self.out.clear();
                let raw = self.inflate(input, Decompress::new(false));
                raw.map_err(|error| match error {
                    ContentError::Corrupt { encoding, .. } => ContentError::Corrupt { encoding, output },
                    other => other,
                })
            }
            other => other,
        }
    }

    fn inflate(&mut self, input: &[u8], mut state: Decompress) -> Result<usize, ContentError> {
        let mut chunk = vec![0; CHUNK];
        loop {
            let (used, made) = (state.total_in() as usize, state.total_out());
            let status = state.decompress(&input[used..], &mut chunk, FlushDecompress::None);
            let len = (state.total_out() - made) as usize;
            self.push(&chunk[..len])?;
            match status {
                Ok(Status::StreamEnd) => return Ok(state.total_in() as usize),
                Ok(_) if len > 0 || state.total_in() as usize > used => {}
                Ok(_) | Err(_) => return Err(self.corrupt()),
            }
        }
    }

    /// Without the large windows that are no part of RFC 7932.
    fn brotli(&mut self, input: &[u8]) -> Result<usize, ContentError> {
        let alloc = StandardAlloc::default;
        let mut state = BrotliState::new_strict(alloc(), alloc(), alloc());
        let mut chunk = vec![0; CHUNK];
        let (mut left, mut used, mut total) = (input.len(), 0, 0);
        loop {
            let (mut room, mut made) = (chunk.len(), 0);
            let result = BrotliDecompressStream(
                &mut left, &mut used, input, &mut room, &mut made, &mut chunk, &mut total, &mut state,
            );
            self.push(&chunk[..made])?;
            match result {
                BrotliResult::ResultSuccess => return Ok(used),
                BrotliResult::NeedsMoreOutput => {}
                BrotliResult::NeedsMoreInput | BrotliResult::ResultFailure => return Err(self.corrupt()),
            }
        }
    }

    fn zstd(&mut self, input: &[u8]) -> Result<usize, ContentError> {
        let limit = self.limits.max_zstd_window_log;
        if zstd_window(input).is_some_and(|window| window > 1 << limit.min(63)) {
            return Err(ContentError::WindowTooLarge { limit });
        }
        let mut decoder = zstd::stream::read::Decoder::with_buffer(input).map_err(|_| self.corrupt())?;
        decoder.window_log_max(limit).map_err(|_| self.corrupt())?;
        self.pump(&mut decoder)?;
        Ok(input.len())
    }
}

/// The window that the first frame asks for (RFC 8878 section 3.1.1.1); `None` for a frame of a single
/// segment, whose window is its content.
fn zstd_window(input: &[u8]) -> Option<u64> {
    let [0x28, 0xb5, 0x2f, 0xfd, descriptor, window, ..] = input else { return None };
    if descriptor & 0x20 != 0 {
        return None;
    }
    let base = 1_u64 << (10 + (window >> 3));
    Some(base + base / 8 * u64::from(window & 7))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;

    const TEXT: &[u8] = b"the text, the text, the text, and its end";
    /// "hello world" as the reference coder writes it; no brotli coder is among our dependencies.
    const BROTLI: &[u8] = b"\x0b\x05\x80hello world\x03";

    fn gzip(data: &[u8]) -> Vec<u8> {
        let mut coder = GzEncoder::new(Vec::new(), Compression::best());
        coder.write_all(data).unwrap();
        coder.finish().unwrap()
    }

    fn zlib(data: &[u8]) -> Vec<u8> {
        let mut coder = ZlibEncoder::new(Vec::new(), Compression::best());
        coder.write_all(data).unwrap();
        coder.finish().unwrap()
    }

    fn raw_deflate(data: &[u8]) -> Vec<u8> {
        let mut coder = DeflateEncoder::new(Vec::new(), Compression::best());
        coder.write_all(data).unwrap();
        coder.finish().unwrap()
    }

    fn run(body: &[u8], encoding: &str) -> Result<(Vec<u8>, ContentNote), ContentError> {
        decode(body, [encoding.as_bytes()], &ContentLimits::default())
            .map(|content| (content.bytes.into_owned(), content.note))
    }

    fn check(body: &[u8], encoding: &str, expected: &[u8]) {
        assert_eq!(run(body, encoding), Ok((expected.to_vec(), ContentNote::Clean)), "{encoding}");
    }

    #[test]
    fn every_coding_is_undone() {
        check(TEXT, "", TEXT);
        check(TEXT, "identity", TEXT);
        check(&gzip(TEXT), "gzip", TEXT);
        check(&gzip(TEXT), "X-GZIP , identity", TEXT);
        check(&zlib(TEXT), "deflate", TEXT);
        check(&raw_deflate(TEXT), "deflate", TEXT);
        check(&zstd::encode_all(TEXT, 3).unwrap(), "zstd", TEXT);
        check(BROTLI, "br", b"hello world");
        check(&gzip(&zlib(TEXT)), "deflate, gzip", TEXT);
        check(&[gzip(TEXT), gzip(TEXT)].concat(), "gzip", &[TEXT, TEXT].concat());
    }

    #[test]
    fn codings_in_several_fields_are_one_list() {
        let body = gzip(&zlib(TEXT));
        let content = decode(&body, [&b"deflate"[..], b"gzip"], &ContentLimits::default()).unwrap();
        assert_eq!(&content.bytes[..], TEXT);
    }

    #[test]
    fn what_cannot_be_decoded_says_why() {
        for encoding in ["gzip", "deflate", "zstd", "br"] {
            let body = match encoding {
                "gzip" => gzip(TEXT),
                "deflate" => zlib(TEXT),
                "zstd" => zstd::encode_all(TEXT, 3).unwrap(),
                _ => BROTLI.to_vec(),
            };
            for cut in 1..body.len() {
                let error = run(&body[..cut], encoding).unwrap_err();
                assert!(matches!(error, ContentError::Corrupt { .. }), "{encoding} cut at {cut}: {error}");
            }
            assert!(matches!(run(b"not coded", encoding), Err(ContentError::Corrupt { .. })));
        }
        assert_eq!(run(b"x", "gzip, \x1b[m"), Err(ContentError::Unknown { encoding: "\\x1b[m".to_owned() }));
        assert_eq!(run(b"x", "br,br,br,br,br"), Err(ContentError::TooManyEncodings { limit: 4 }));
        assert_eq!(run(b"", "gzip"), Ok((Vec::new(), ContentNote::EmptyBody)));
        let padded = [gzip(TEXT), vec![0; 3]].concat();
        assert_eq!(run(&padded, "gzip"), Ok((TEXT.to_vec(), ContentNote::TrailingBytes(3))));
    }

    #[test]
    fn limits_hold() {
        let zeros = vec![0; 8 << 20];
        let ratio = Err(ContentError::RatioExceeded { encoding: "gzip", limit: 200 });
        assert_eq!(run(&gzip(&zeros), "gzip"), ratio);
        let limits = ContentLimits { max_ratio: 10_000, max_output: 1 << 20, ..ContentLimits::default() };
        let error = decode(&gzip(&zeros), [&b"gzip"[..]], &limits).unwrap_err();
        assert_eq!(error, ContentError::TooLarge { encoding: "gzip", limit: 1 << 20 });
    }
}
