//! pcapng: sections of either byte order, interfaces with their own link type and clock.
//!
//! Format: draft-ietf-opsawg-pcapng. Blocks are framed here, so that no claimed length takes memory, and
//! parsed by `pcap-parser`; times are computed here, for any resolution and byte order of the offset.

use super::window::{CAPACITY, Window};
use super::{Packet, Read, SourceError};
use crate::link::LinkType;
use corpus::time::CaptureTime;
use pcap_parser::{
    Block, EnhancedPacketBlock, InterfaceDescriptionBlock, OptionCode, PcapError, SimplePacketBlock, nom,
};
use std::io;

pub(super) const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;
/// Smallest block: type, length, length.
const MIN_BLOCK: u32 = 12;
/// Most interfaces of one section; packets of others are counted as bad.
const MAX_INTERFACES: usize = 65_536;

/// The state of reading one pcapng file.
#[derive(Default)]
pub(super) struct Sections {
    big_endian: bool,
    interfaces: Vec<Interface>,
    /// The latest time seen, for packets that carry none.
    last: CaptureTime,
}

#[derive(Clone, Copy)]
struct Interface {
    link: LinkType,
    snaplen: u32,
    clock: Clock,
}

/// How an interface counts time.
#[derive(Clone, Copy)]
struct Clock {
    units_per_second: u64,
    offset_seconds: i64,
}

impl Clock {
    /// The moment of `ticks`, clamped to what 64 bits of nanoseconds hold.
    fn time(self, ticks: u64) -> CaptureTime {
        let nanos = u128::from(ticks) * 1_000_000_000 / u128::from(self.units_per_second.max(1));
        let offset = i128::from(self.offset_seconds) * 1_000_000_000;
        let sum = i128::try_from(nanos).unwrap_or(i128::MAX).saturating_add(offset);
        CaptureTime(u64::try_from(sum.max(0)).unwrap_or(u64::MAX))
    }

    /// From the raw options: pcap-parser reads neither powers of two nor big-endian offsets.
    fn of(block: &InterfaceDescriptionBlock<'_>, big_endian: bool) -> Self {
        let mut clock = Clock { units_per_second: 1_000_000, offset_seconds: 0 };
        for option in &block.options {
            let value = option.as_bytes().unwrap_or_default();
            match (option.code, value) {
                (OptionCode::IfTsresol, [resolution, ..]) => clock.units_per_second = resolve(*resolution),
                (OptionCode::IfTsoffset, value) if value.len() == 8 => {
                    let bytes = value.try_into().expect("the length was just checked");
                    clock.offset_seconds =
                        if big_endian { i64::from_be_bytes(bytes) } else { i64::from_le_bytes(bytes) };
                }
                _ => {}
            }
        }
        clock
    }
}

/// Units per second of an `if_tsresol`, clamped to 64 bits.
fn resolve(resolution: u8) -> u64 {
    let power = u32::from(resolution & 0x7f);
    let base: u64 = if resolution & 0x80 == 0 { 10 } else { 2 };
    base.checked_pow(power).unwrap_or(u64::MAX)
}

/// A block's frame, before its content is looked at.
struct Frame {
    kind: u32,
    len: u32,
}

impl Sections {
    /// Reads blocks until a packet, a bad packet record or the end. The caller consumes the returned
    /// length afterwards.
    pub(super) fn next<'a, R: io::Read>(
        &mut self,
        window: &'a mut Window<R>,
    ) -> Result<(Read<'a>, usize), SourceError> {
        loop {
            let offset = window.offset();
            let Some(frame) = self.frame(window)? else { return Ok((Read::End, 0)) };
            let len = frame.len as usize;
            let packet = matches!(frame.kind, SIMPLE_PACKET | ENHANCED_PACKET);
            if len > CAPACITY || !(packet || matches!(frame.kind, SECTION_HEADER | INTERFACE)) {
                skip_block(window, frame.len)?;
                if packet {
                    return Ok((Read::BadRecord, 0));
                }
                continue;
            }
            if window.fill(len)?.len() < len {
                return Err(SourceError::Cut { what: "block", offset });
            }
            if packet {
                return Ok((self.packet(&window.bytes()[..len]), len));
            }
            self.describe(&window.bytes()[..len]).map_err(|what| SourceError::Damaged { what, offset })?;
            window.consume(len);
        }
    }

    fn frame<R: io::Read>(&mut self, window: &mut Window<R>) -> Result<Option<Frame>, SourceError> {
        let offset = window.offset();
        let bytes = window.fill(MIN_BLOCK as usize)?;
        if bytes.is_empty() {
            return Ok(None);
        }
        if bytes.len() < MIN_BLOCK as usize {
            return Err(SourceError::Cut { what: "block", offset });
        }
        let word = |at: usize| [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
        if u32::from_le_bytes(word(0)) == SECTION_HEADER {
            self.big_endian = match word(8) {
                [0x1a, 0x2b, 0x3c, 0x4d] => true,
                [0x4d, 0x3c, 0x2b, 0x1a] => false,
                _ => return Err(SourceError::Damaged { what: "a section of unknown byte order", offset }),
            };
        }
        let read = if self.big_endian { u32::from_be_bytes } else { u32::from_le_bytes };
        let frame = Frame { kind: read(word(0)), len: read(word(4)) };
        if frame.len < MIN_BLOCK || !frame.len.is_multiple_of(4) {
            return Err(SourceError::Damaged { what: "a block of impossible length", offset });
        }
        Ok(Some(frame))
    }

    fn parse<'a>(&self, block: &'a [u8]) -> Result<Block<'a>, nom::Err<PcapError<&'a [u8]>>> {
        let parsed = if self.big_endian {
            pcap_parser::parse_block_be(block)
        } else {
            pcap_parser::parse_block_le(block)
        };
        parsed.map(|(_, block)| block)
    }

    /// Takes in a section header or an interface description.
    fn describe(&mut self, block: &[u8]) -> Result<(), &'static str> {
        match self.parse(block) {
            Ok(Block::SectionHeader(_)) => self.interfaces.clear(),
            Ok(Block::InterfaceDescription(description)) if self.interfaces.len() < MAX_INTERFACES => {
                self.interfaces.push(Interface {
                    link: LinkType((description.linktype.0 & 0xffff) as u16),
                    snaplen: description.snaplen,
                    clock: Clock::of(&description, self.big_endian),
                });
            }
            Ok(_) => {}
            Err(_) => return Err("an unreadable section or interface block"),
        }
        Ok(())
    }

    fn packet<'a>(&mut self, block: &'a [u8]) -> Read<'a> {
        match self.parse(block) {
            Ok(Block::EnhancedPacket(packet)) => self.enhanced(&packet),
            Ok(Block::SimplePacket(packet)) => self.simple(&packet),
            _ => Read::BadRecord,
        }
    }

    fn enhanced<'a>(&mut self, packet: &EnhancedPacketBlock<'a>) -> Read<'a> {
        let captured = packet.data.get(..packet.caplen as usize);
        let interface = self.interfaces.get(packet.if_id as usize);
        let (Some(data), Some(interface)) = (captured, interface) else { return Read::BadRecord };
        let ticks = u64::from(packet.ts_high) << 32 | u64::from(packet.ts_low);
        self.last = interface.clock.time(ticks);
        Read::Packet(Packet {
            time: self.last,
            link: interface.link,
            wire_len: packet.origlen.max(packet.caplen),
            data,
        })
    }

    /// A packet without a time of its own: it gets that of the packet before.
    fn simple<'a>(&self, packet: &SimplePacketBlock<'a>) -> Read<'a> {
        let Some(interface) = self.interfaces.first() else { return Read::BadRecord };
        let limit = if interface.snaplen == 0 { u32::MAX } else { interface.snaplen };
        let captured = (packet.origlen.min(limit) as usize).min(packet.data.len());
        Read::Packet(Packet {
            time: self.last,
            link: interface.link,
            wire_len: packet.origlen,
            data: &packet.data[..captured],
        })
    }
}

/// Passes over a block of any length.
fn skip_block<R: io::Read>(window: &mut Window<R>, len: u32) -> Result<(), SourceError> {
    let offset = window.offset();
    if window.skip(u64::from(len))? < u64::from(len) {
        return Err(SourceError::Cut { what: "block", offset });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_of_every_resolution_clamp() {
        let check = |resolution: u8, offset_seconds: i64, ticks: u64, nanos: u64| {
            let clock = Clock { units_per_second: resolve(resolution), offset_seconds };
            assert_eq!(clock.time(ticks), CaptureTime(nanos), "{resolution:#x} {offset_seconds} {ticks}");
        };
        check(6, 0, 1_500_000, 1_500_000_000);
        check(9, 0, 7, 7);
        check(0, 0, 2, 2_000_000_000);
        check(0x80, 0, 2, 2_000_000_000);
        check(0x8a, 0, 1536, 1_500_000_000);
        check(0xbf, 0, 1 << 63, 1_000_000_000);
        check(0x7f, 0, u64::MAX, 1_000_000_000);
        check(6, -1, 1_500_000, 500_000_000);
        check(6, i64::MIN, 1, 0);
        check(0, i64::MAX, u64::MAX, u64::MAX);
    }
}
