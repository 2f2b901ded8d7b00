//! pcap: both byte orders, micro- and nanoseconds, and the "modified" records of old Linux kernels.
//!
//! Format: draft-ietf-opsawg-pcap. Records are parsed by `pcap-parser`; lengths are checked here first.

use super::window::{CAPACITY, Window};
use super::{Packet, Read, SourceError};
use crate::link::LinkType;
use corpus::time::CaptureTime;
use pcap_parser::{LegacyPcapBlock, PcapHeader};
use std::io;

const HEADER: usize = 24;
/// Largest packet that is taken for one: libpcap's MAXIMUM_SNAPLEN.
const MAX_PACKET: usize = 256 * 1024;

/// The state of reading one pcap file.
pub(super) struct Legacy {
    link: LinkType,
    order: ByteOrder,
    record_header: usize,
    nanos_per_unit: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ByteOrder {
    Little,
    Big,
}

impl Legacy {
    /// Reads the file header.
    pub(super) fn open<R: io::Read>(window: &mut Window<R>) -> Result<Self, SourceError> {
        let bytes = window.fill(HEADER)?;
        if bytes.len() < HEADER {
            return Err(SourceError::HeaderCut(bytes.len() as u64));
        }
        let (_, header) = pcap_parser::parse_pcap_header(bytes)
            .map_err(|_| SourceError::Damaged { what: "an unreadable pcap header", offset: 0 })?;
        window.consume(HEADER);
        Ok(Self::of(&header))
    }

    fn of(header: &PcapHeader) -> Self {
        let modified = header.is_modified_format();
        Self {
            // The upper bits hold the length of a frame check sequence; the type is in the lower 16.
            link: LinkType((header.network.0 & 0xffff) as u16),
            order: if header.is_bigendian() { ByteOrder::Big } else { ByteOrder::Little },
            record_header: if modified { 24 } else { 16 },
            nanos_per_unit: if header.is_nanosecond_precision() { 1 } else { 1000 },
        }
    }

    /// Reads the record at the window's start. The caller consumes the returned length afterwards.
    pub(super) fn next<'a, R: io::Read>(
        &self,
        window: &'a mut Window<R>,
    ) -> Result<(Read<'a>, usize), SourceError> {
        let offset = window.offset();
        let header = window.fill(self.record_header)?;
        if header.is_empty() {
            return Ok((Read::End, 0));
        }
        let cut = SourceError::Cut { what: "packet", offset };
        let Some(&[a, b, c, d]) = header.get(8..12) else { return Err(cut) };
        let captured = match self.order {
            ByteOrder::Little => u32::from_le_bytes([a, b, c, d]),
            ByteOrder::Big => u32::from_be_bytes([a, b, c, d]),
        } as usize;
        if captured > MAX_PACKET {
            return Err(SourceError::Damaged { what: "a packet that claims more than 256 KiB", offset });
        }
        let whole = self.record_header + captured;
        debug_assert!(whole < CAPACITY);
        let record = window.fill(whole)?;
        if record.len() < whole {
            return Err(cut);
        }
        let parsed = match (self.order, self.record_header) {
            (ByteOrder::Big, _) => pcap_parser::parse_pcap_frame_be(record),
            (ByteOrder::Little, 24) => pcap_parser::parse_pcap_frame_modified(record),
            (ByteOrder::Little, _) => pcap_parser::parse_pcap_frame(record),
        };
        match parsed {
            Ok((_, block)) => Ok((Read::Packet(self.packet(&block)), whole)),
            Err(_) => Err(cut),
        }
    }

    fn packet<'a>(&self, block: &LegacyPcapBlock<'a>) -> Packet<'a> {
        let nanos = u64::from(block.ts_usec) * self.nanos_per_unit;
        Packet {
            time: CaptureTime(u64::from(block.ts_sec) * 1_000_000_000 + nanos),
            link: self.link,
            wire_len: block.origlen.max(block.caplen),
            data: block.data,
        }
    }
}
