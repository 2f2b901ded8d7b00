//! A capture file of either format, told apart by its first bytes.

use super::legacy::Legacy;
use super::pcapng::{SECTION_HEADER, Sections};
use super::window::Window;
use super::{Read, SourceError};
use std::fs::File;
use std::io;
use std::path::Path;

/// A capture file being read.
pub(crate) struct CaptureFile<R = File> {
    window: Window<R>,
    format: Format,
    /// Length of the record handed out last, still in the window.
    handed_out: usize,
}

enum Format {
    Legacy(Legacy),
    Sections(Sections),
}

impl CaptureFile {
    /// Opens a file and reads its header.
    pub(crate) fn open(path: &Path) -> Result<Self, SourceError> {
        Self::new(File::open(path)?)
    }
}

impl<R: io::Read> CaptureFile<R> {
    /// Reads the header of `input`.
    pub(crate) fn new(input: R) -> Result<Self, SourceError> {
        let mut window = Window::new(input);
        let bytes = window.fill(4)?;
        let magic = match *bytes {
            [] => return Err(SourceError::Empty),
            [a, b, c, d, ..] => u32::from_le_bytes([a, b, c, d]),
            _ => return Err(SourceError::HeaderCut(bytes.len() as u64)),
        };
        let format = match magic {
            0xa1b2_c3d4 | 0xd4c3_b2a1 | 0xa1b2_3c4d | 0x4d3c_b2a1 | 0xa1b2_cd34 => {
                Format::Legacy(Legacy::open(&mut window)?)
            }
            SECTION_HEADER => Format::Sections(Sections::default()),
            _ => return Err(SourceError::Format(describe(window.bytes()))),
        };
        Ok(Self { window, format, handed_out: 0 })
    }

    /// Bytes read so far.
    pub(crate) fn offset(&self) -> u64 {
        self.window.offset() + self.handed_out as u64
    }

    /// The next packet.
    pub(crate) fn next(&mut self) -> Result<Read<'_>, SourceError> {
        self.window.consume(std::mem::take(&mut self.handed_out));
        let (read, len) = match &mut self.format {
            Format::Legacy(legacy) => legacy.next(&mut self.window)?,
            Format::Sections(sections) => sections.next(&mut self.window)?,
        };
        self.handed_out = len;
        Ok(read)
    }
}

/// What a file that is no capture looks like, for the error.
fn describe(bytes: &[u8]) -> String {
    let known: [(&[u8], &str); 4] = [
        (b"\x1f\x8b", "gzip data: decompress it first"),
        (b"\x28\xb5\x2f\xfd", "zstd data: decompress it first"),
        (b"PK", "a zip archive: unpack it first"),
        (b"{", "JSON"),
    ];
    let name = known.iter().find(|(magic, _)| bytes.starts_with(magic)).map(|(_, name)| (*name).to_owned());
    name.unwrap_or_else(|| format!("\"{}\"", bytes[..bytes.len().min(4)].escape_ascii()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pcap(big_endian: bool, magic: u32, records: &[(u32, u32, &[u8])]) -> Vec<u8> {
        let word = |value: u32| if big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
        let mut file = word(magic).to_vec();
        file.extend(if big_endian { [0, 2, 0, 4] } else { [2, 0, 4, 0] });
        for value in [0, 0, 65_535, 1] {
            file.extend(word(value));
        }
        for (seconds, fraction, data) in records {
            for value in [*seconds, *fraction, data.len() as u32, 1000] {
                file.extend(word(value));
            }
            file.extend(*data);
        }
        file
    }

    fn check(bytes: &[u8], expected: &str) {
        let mut seen = String::new();
        let mut file = match CaptureFile::new(bytes) {
            Ok(file) => file,
            Err(error) => return assert_eq!(error.to_string(), expected),
        };
        loop {
            match file.next() {
                Ok(Read::Packet(packet)) => {
                    seen += &format!("{}:{}/{} ", packet.time.0, packet.data.len(), packet.wire_len)
                }
                Ok(Read::BadRecord) => seen += "bad ",
                Ok(Read::End) => break seen += "end",
                Err(error) => break seen += &error.to_string(),
            }
        }
        assert_eq!(seen, expected);
    }

    #[test]
    fn pcap_of_both_byte_orders_and_resolutions() {
        let records: &[(u32, u32, &[u8])] = &[(1, 5, b"abc"), (2, 0, b"")];
        for big_endian in [false, true] {
            check(&pcap(big_endian, 0xa1b2_c3d4, records), "1000005000:3/1000 2000000000:0/1000 end");
            check(&pcap(big_endian, 0xa1b2_3c4d, records), "1000000005:3/1000 2000000000:0/1000 end");
        }
    }

    #[test]
    fn what_is_no_capture_is_named() {
        check(b"", "the file is empty");
        check(b"ab", "the file ends inside its header, after 2 bytes");
        check(
            b"\x1f\x8b\x08\x00",
            "neither pcap nor pcapng: the file begins with gzip data: decompress it first",
        );
        check(b"GET /", "neither pcap nor pcapng: the file begins with \"GET \"");
    }

    #[test]
    fn a_cut_file_is_read_to_the_cut() {
        let whole = pcap(false, 0xa1b2_c3d4, &[(1, 0, b"abc"), (2, 0, b"def")]);
        check(&whole[..20], "the file ends inside its header, after 20 bytes");
        check(&whole[..whole.len() - 1], "1000000000:3/1000 the file ends inside a packet at byte 43");
        check(&whole[..50], "1000000000:3/1000 the file ends inside a packet at byte 43");
        let mut huge = whole;
        huge[24 + 8..24 + 12].copy_from_slice(&u32::MAX.to_le_bytes());
        check(&huge, "a packet that claims more than 256 KiB at byte 24");
    }
}
