//! TCP headers (RFC 9293 section 3.1) and sequence arithmetic.

use crate::ledger::PacketClass;
use crate::link::Vlan;

/// A TCP segment with the addresses it went between.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Transport<'a> {
    /// Source address (IPv4 as mapped IPv6) and port.
    pub(crate) source: Endpoint,
    /// Destination.
    pub(crate) destination: Endpoint,
    /// The VLAN.
    pub(crate) vlan: Vlan,
    /// Sequence number of the first byte (or of SYN).
    pub(crate) seq: u32,
    /// Next sequence number that the sender expects, where it says so.
    pub(crate) ack: Option<u32>,
    /// SYN, FIN, RST.
    pub(crate) flags: Flags,
    /// What was captured of the payload.
    pub(crate) payload: &'a [u8],
    /// Length of the payload on the wire, never below `payload.len()`.
    pub(crate) payload_len: u32,
}

/// An address and a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Endpoint {
    pub(crate) address: u128,
    pub(crate) port: u16,
}

/// The flags that matter here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Flags(u8);

impl Flags {
    const FIN: u8 = 1;
    const SYN: u8 = 2;
    const RST: u8 = 4;
    const ACK: u8 = 16;

    pub(crate) fn fin(self) -> bool {
        self.0 & Self::FIN != 0
    }

    pub(crate) fn syn(self) -> bool {
        self.0 & Self::SYN != 0
    }

    pub(crate) fn rst(self) -> bool {
        self.0 & Self::RST != 0
    }
}

impl<'a> Transport<'a> {
    /// Parses a segment of `wire_len` bytes of which `data` was captured.
    pub(crate) fn parse(
        data: &'a [u8],
        wire_len: u32,
        (source, destination): (u128, u128),
        vlan: Vlan,
    ) -> Result<Self, PacketClass> {
        let Some(header) = data.first_chunk::<20>() else { return Err(PacketClass::Undecodable) };
        let word =
            |at: usize| u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        let port = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
        let header_len = u32::from(header[12] >> 4) * 4;
        if header_len < 20 || header_len > wire_len {
            return Err(PacketClass::Undecodable);
        }
        let flags = Flags(header[13]);
        Ok(Self {
            source: Endpoint { address: source, port: port(0) },
            destination: Endpoint { address: destination, port: port(2) },
            vlan,
            seq: word(4),
            ack: (header[13] & Flags::ACK != 0).then(|| word(8)),
            flags,
            // Options cut by the snapshot length leave no payload.
            payload: data.get(header_len as usize..).unwrap_or_default(),
            payload_len: wire_len - header_len,
        })
    }
}

/// A position in one direction of a connection: a sequence number that does not wrap.
///
/// Its lower 32 bits are the sequence number itself.
pub(crate) type Offset = u64;

/// The position of sequence number `seq`, taken to lie within 2 GiB of `near`.
pub(crate) fn unwrap_seq(seq: u32, near: Offset) -> Offset {
    let distance = i64::from(seq.wrapping_sub(near as u32) as i32);
    near.wrapping_add_signed(distance)
}

/// A first position: far enough from 0 that earlier ones exist.
pub(crate) fn first_offset(seq: u32) -> Offset {
    (1 << 40) | u64::from(seq)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_do_not_wrap() {
        let check = |near: u32, seq: u32, expected: i64| {
            let near = first_offset(near);
            assert_eq!(unwrap_seq(seq, near).wrapping_sub(near) as i64, expected, "{near} {seq}");
        };
        check(5, 5, 0);
        check(u32::MAX, 3, 4);
        check(3, u32::MAX, -4);
        check(0, 0x7fff_ffff, 0x7fff_ffff);
        check(0, 0x8000_0000, -0x8000_0000);
    }
}
