//! Link-layer frames: from a packet's bytes to its IP datagram.
//!
//! Link types are those of <https://www.tcpdump.org/linktypes.html>. VLAN ids are handed on, because equal
//! addresses on two VLANs are two connections. Invariant: every packet that is not handed on is given a class.

use crate::ledger::PacketClass;

/// How packets of an interface begin: a LINKTYPE value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LinkType(pub(crate) u16);

/// An IP datagram as found in a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Datagram<'a> {
    /// What was captured of it; may be followed by padding.
    pub(crate) data: &'a [u8],
    /// Bytes on the wire from its start to the end of the frame, never below `data.len()`.
    pub(crate) wire_len: u32,
    /// The VLAN it was on.
    pub(crate) vlan: Vlan,
}

/// The VLAN ids of a frame, outermost first, 12 bits each; 0 without one (id 0 is a priority tag only).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct Vlan(pub(crate) u32);

const NULL: u16 = 0;
const ETHERNET: u16 = 1;
const LOOP: u16 = 108;
const LINUX_SLL: u16 = 113;
const LINUX_SLL2: u16 = 276;
const IPV4: u16 = 228;
const IPV6: u16 = 229;
/// LINKTYPE_RAW, and the values that DLT_RAW has on BSD systems.
const RAW: [u16; 3] = [101, 12, 14];
/// Most tags of one frame that are followed.
const MAX_TAGS: usize = 4;

impl LinkType {
    /// The datagram in a frame of this type.
    pub(crate) fn datagram(self, data: &[u8], wire_len: u32) -> Result<Datagram<'_>, PacketClass> {
        let frame = Frame { data, wire_len, vlan: Vlan(0) };
        match self.0 {
            ETHERNET => frame.behind(12)?.ether_type(),
            LINUX_SLL => frame.behind(14)?.ether_type(),
            LINUX_SLL2 => {
                let [a, b] = frame.two(0)?;
                frame.behind(20)?.payload(u16::from_be_bytes([a, b]))
            }
            NULL => frame.family(),
            LOOP => frame.family(),
            IPV4 | IPV6 => frame.datagram(),
            raw if RAW.contains(&raw) => frame.datagram(),
            _ => Err(PacketClass::UnknownLink),
        }
    }
}

/// A frame from some header on.
#[derive(Clone, Copy)]
struct Frame<'a> {
    data: &'a [u8],
    wire_len: u32,
    vlan: Vlan,
}

impl<'a> Frame<'a> {
    fn behind(self, len: usize) -> Result<Self, PacketClass> {
        let data = self.data.get(len..).ok_or(PacketClass::Undecodable)?;
        let wire_len = self.wire_len.saturating_sub(u32::try_from(len).unwrap_or(u32::MAX));
        Ok(Self { data, wire_len, ..self })
    }

    fn two(self, at: usize) -> Result<[u8; 2], PacketClass> {
        match self.data.get(at..at + 2) {
            Some(&[a, b]) => Ok([a, b]),
            _ => Err(PacketClass::Undecodable),
        }
    }

    /// An EtherType, perhaps of VLAN tags, and what it announces.
    fn ether_type(self) -> Result<Datagram<'a>, PacketClass> {
        let mut frame = self;
        for _ in 0..=MAX_TAGS {
            let kind = u16::from_be_bytes(frame.two(0)?);
            frame = frame.behind(2)?;
            if !matches!(kind, 0x8100 | 0x88a8 | 0x9100 | 0x9200) {
                return frame.payload(kind);
            }
            let id = u32::from(u16::from_be_bytes(frame.two(0)?) & 0xfff);
            frame = frame.behind(2)?;
            frame.vlan = Vlan(frame.vlan.0 << 12 | id);
        }
        Err(PacketClass::Undecodable)
    }

    fn payload(self, ether_type: u16) -> Result<Datagram<'a>, PacketClass> {
        match ether_type {
            0x0800 | 0x86dd => self.datagram(),
            // MPLS, PPPoE sessions, transparent bridging.
            0x8847 | 0x8848 | 0x8864 | 0x6558 => Err(PacketClass::Tunnel),
            _ => Err(PacketClass::NotIp),
        }
    }

    /// A protocol family of BSD systems, in the byte order of the capturing host (NULL) or of the
    /// network (LOOP). Families are below 256, so that either order tells itself.
    fn family(self) -> Result<Datagram<'a>, PacketClass> {
        let family = match self.data {
            [0, 0, 0, family, ..] | [family, 0, 0, 0, ..] => *family,
            [_, _, _, _, ..] => return Err(PacketClass::NotIp),
            _ => return Err(PacketClass::Undecodable),
        };
        match family {
            // AF_INET everywhere; AF_INET6 of NetBSD and OpenBSD, FreeBSD, Darwin, Linux, Windows.
            2 | 24 | 28 | 30 | 10 | 23 => self.behind(4)?.datagram(),
            _ => Err(PacketClass::NotIp),
        }
    }

    fn datagram(self) -> Result<Datagram<'a>, PacketClass> {
        Ok(Datagram { data: self.data, wire_len: self.wire_len, vlan: self.vlan })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(link: u16, frame: &[u8], expected: Result<(&[u8], u32), PacketClass>) {
        let found = LinkType(link).datagram(frame, frame.len() as u32 + 5);
        let found = found.map(|datagram| (datagram.data, datagram.vlan.0));
        assert_eq!(found, expected, "link type {link}: {}", frame.escape_ascii());
    }

    #[test]
    fn datagrams_are_found_in_every_link_type() {
        check(1, b"DDDDDDSSSSSS\x08\x00E..", Ok((b"E..", 0)));
        check(1, b"DDDDDDSSSSSS\x81\x00\xe0\x07\x86\xdd`..", Ok((b"`..", 7)));
        check(1, b"DDDDDDSSSSSS\x88\xa8\x00\x02\x81\x00\x00\x03\x08\x00E", Ok((b"E", 2 << 12 | 3)));
        check(0, b"\x02\0\0\0E", Ok((b"E", 0)));
        check(0, b"\0\0\0\x1eE", Ok((b"E", 0)));
        check(108, b"\0\0\0\x02E", Ok((b"E", 0)));
        check(101, b"E", Ok((b"E", 0)));
        check(12, b"E", Ok((b"E", 0)));
        check(228, b"E", Ok((b"E", 0)));
        check(229, b"`", Ok((b"`", 0)));
        check(113, b"TTAALLAAAAAAAA\x08\x00E", Ok((b"E", 0)));
        check(113, b"TTAALLAAAAAAAA\x81\x00\x00\x09\x08\x00E", Ok((b"E", 9)));
        check(276, b"\x08\x00RRIIIITTPLAAAAAAAAE", Ok((b"E", 0)));
    }

    #[test]
    fn what_is_no_datagram_is_classed() {
        check(1, b"DDDDDDSSSSSS\x08\x06...", Err(PacketClass::NotIp));
        check(1, b"DDDDDDSSSSSS\x88\x47...", Err(PacketClass::Tunnel));
        check(1, b"DDDDDDSSSSSS\x88", Err(PacketClass::Undecodable));
        check(
            1,
            b"DDDDDDSSSSSS\x81\x00\0\0\x81\x00\0\0\x81\x00\0\0\x81\x00\0\0\x81\x00\0\0",
            Err(PacketClass::Undecodable),
        );
        check(0, b"\x02\0\0", Err(PacketClass::Undecodable));
        check(0, b"\x02\x01\0\0E", Err(PacketClass::NotIp));
        check(276, b"\x08\x00RRIIIITTPLAAAAAAA", Err(PacketClass::Undecodable));
        check(147, b"E", Err(PacketClass::UnknownLink));
    }
}
