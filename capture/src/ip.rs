//! IP datagrams: from a datagram to the TCP segment in it.
//!
//! The IP length cuts Ethernet padding off; a length of 0 is an offloaded packet that is as long as its
//! frame (TSO, RFC 2675 aside). Fragments and tunnels are told apart and counted, not followed.
//! Invariant: no field makes it read outside the packet.

use crate::ledger::PacketClass;
use crate::link::Datagram;
use crate::tcp::Transport;

const TCP: u8 = 6;
const UDP: u8 = 17;
/// Most IPv6 extension headers that are followed.
const MAX_EXTENSIONS: usize = 16;
/// Destination ports of VXLAN (also the older Linux default) and Geneve.
const TUNNEL_PORTS: [u16; 3] = [4789, 8472, 6081];

/// The TCP header and payload in `datagram`.
pub(crate) fn transport(datagram: Datagram<'_>) -> Result<Transport<'_>, PacketClass> {
    match datagram.data.first().map(|byte| byte >> 4) {
        Some(4) => v4(datagram),
        Some(6) => v6(datagram),
        _ => Err(PacketClass::Undecodable),
    }
}

fn v4(datagram: Datagram<'_>) -> Result<Transport<'_>, PacketClass> {
    let Some(header) = datagram.data.first_chunk::<20>() else { return Err(PacketClass::Undecodable) };
    let header_len = usize::from(header[0] & 0xf) * 4;
    let total = match u16::from_be_bytes([header[2], header[3]]) {
        0 => datagram.wire_len,
        total => u32::from(total),
    };
    // A datagram that is longer than its frame does not exist on a wire.
    if header_len < 20 || (total as usize) < header_len || total > datagram.wire_len {
        return Err(PacketClass::Undecodable);
    }
    let fragment = u16::from_be_bytes([header[6], header[7]]) & 0x3fff;
    if fragment != 0 {
        return Err(PacketClass::Fragment);
    }
    let data = datagram.data.get(header_len..).ok_or(PacketClass::Undecodable)?;
    let addresses = (v4_mapped(&header[12..16]), v4_mapped(&header[16..20]));
    let payload = Payload { data, wire_len: total - header_len as u32, addresses, datagram };
    payload.of_protocol(header[9])
}

fn v4_mapped(bytes: &[u8]) -> u128 {
    bytes.iter().fold(0xffff, |address, byte| address << 8 | u128::from(*byte))
}

fn v6(datagram: Datagram<'_>) -> Result<Transport<'_>, PacketClass> {
    let Some(header) = datagram.data.first_chunk::<40>() else { return Err(PacketClass::Undecodable) };
    let behind = datagram.wire_len.saturating_sub(40);
    let wire_len = match u16::from_be_bytes([header[4], header[5]]) {
        0 => behind,
        payload => u32::from(payload),
    };
    if wire_len > behind {
        return Err(PacketClass::Undecodable);
    }
    let address = |at: usize| header[at..at + 16].iter().fold(0, |sum, byte| sum << 8 | u128::from(*byte));
    let mut protocol = header[6];
    let addresses = (address(8), address(24));
    let mut payload = Payload { data: &datagram.data[40..], wire_len, addresses, datagram };
    for _ in 0..MAX_EXTENSIONS {
        let Some(&[next, len, a, b]) = payload.data.first_chunk::<4>() else { break };
        let header_len = match protocol {
            // Hop-by-hop, routing, destination options, mobility, HIP, shim6.
            0 | 43 | 60 | 135 | 139 | 140 => (usize::from(len) + 1) * 8,
            51 => (usize::from(len) + 2) * 4,
            44 if u16::from_be_bytes([a, b]) & 0xfff9 != 0 => return Err(PacketClass::Fragment),
            44 => 8,
            _ => break,
        };
        payload = payload.behind(header_len)?;
        protocol = next;
    }
    payload.of_protocol(protocol)
}

/// What follows the IP header.
struct Payload<'a> {
    data: &'a [u8],
    wire_len: u32,
    addresses: (u128, u128),
    datagram: Datagram<'a>,
}

impl<'a> Payload<'a> {
    fn behind(self, len: usize) -> Result<Self, PacketClass> {
        let data = self.data.get(len..).ok_or(PacketClass::Undecodable)?;
        let step = u32::try_from(len).unwrap_or(u32::MAX);
        let wire_len = self.wire_len.checked_sub(step).ok_or(PacketClass::Undecodable)?;
        Ok(Self { data, wire_len, ..self })
    }

    fn of_protocol(self, protocol: u8) -> Result<Transport<'a>, PacketClass> {
        match protocol {
            TCP => {
                let captured = self.data.len().min(self.wire_len as usize);
                Transport::parse(&self.data[..captured], self.wire_len, self.addresses, self.datagram.vlan)
            }
            // IP in IP, IPv6 in IPv4, GRE.
            4 | 41 | 47 => Err(PacketClass::Tunnel),
            UDP if self.is_tunnel_port() => Err(PacketClass::Tunnel),
            0 | 43 | 44 | 51 | 60 | 135 | 139 | 140 => Err(PacketClass::Undecodable),
            _ => Err(PacketClass::NotTcp),
        }
    }

    fn is_tunnel_port(&self) -> bool {
        matches!(self.data, [_, _, a, b, ..] if TUNNEL_PORTS.contains(&u16::from_be_bytes([*a, *b])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::Vlan;

    const TCP_HEADER: [u8; 20] = [0, 80, 1, 0, 0, 0, 0, 9, 0, 0, 0, 7, 0x50, 0x18, 0, 0, 0, 0, 0, 0];

    fn v4_packet(total: u16, protocol: u8, fragment: u16, payload: &[u8]) -> Vec<u8> {
        let mut packet = vec![0x45, 0];
        packet.extend(total.to_be_bytes());
        packet.extend([0, 0]);
        packet.extend(fragment.to_be_bytes());
        packet.extend([64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
        packet.extend(payload);
        packet
    }

    fn v6_packet(len: u16, next: u8, payload: &[u8]) -> Vec<u8> {
        let mut packet = vec![0x60, 0, 0, 0];
        packet.extend(len.to_be_bytes());
        packet.extend([next, 64]);
        packet.extend([0x11; 16]);
        packet.extend([0x22; 16]);
        packet.extend(payload);
        packet
    }

    fn tcp(payload: &[u8]) -> Vec<u8> {
        [&TCP_HEADER, payload].concat()
    }

    fn check(packet: &[u8], beyond_capture: u32, expected: Result<(&[u8], u32), PacketClass>) {
        let wire_len = packet.len() as u32 + beyond_capture;
        let found = transport(Datagram { data: packet, wire_len, vlan: Vlan(0) });
        assert_eq!(found.map(|t| (t.payload, t.payload_len)), expected, "{packet:x?}");
    }

    #[test]
    fn the_ip_length_bounds_the_payload() {
        check(&v4_packet(42, 6, 0x4000, &tcp(b"ab")), 0, Ok((b"ab", 2)));
        check(&v4_packet(41, 6, 0, &tcp(b"a\0\0\0")), 0, Ok((b"a", 1)));
        check(&v4_packet(0, 6, 0, &tcp(b"abcd")), 0, Ok((b"abcd", 4)));
        check(&v4_packet(46, 6, 0, &tcp(b"ab")), 4, Ok((b"ab", 6)));
        check(&v6_packet(22, 6, &tcp(b"ab\0")), 0, Ok((b"ab", 2)));
        check(&v6_packet(0, 6, &tcp(b"ab")), 0, Ok((b"ab", 2)));
        let behind_options = [&[6u8, 0, 1, 4, 0, 0, 0, 0][..], &tcp(b"ab")].concat();
        check(&v6_packet(30, 0, &behind_options), 0, Ok((b"ab", 2)));
        let atomic_fragment = [&[6u8, 0, 0, 0, 0, 0, 0, 1][..], &tcp(b"ab")].concat();
        check(&v6_packet(30, 44, &atomic_fragment), 0, Ok((b"ab", 2)));
    }

    #[test]
    fn what_is_no_segment_is_classed() {
        check(&v4_packet(65_535, 6, 0, &tcp(b"ab")), 0, Err(PacketClass::Undecodable));
        check(&v4_packet(5, 6, 0, &tcp(b"ab")), 0, Err(PacketClass::Undecodable));
        check(&v4_packet(42, 6, 0x2000, &tcp(b"ab")), 0, Err(PacketClass::Fragment));
        check(&v4_packet(42, 6, 0x0001, &tcp(b"ab")), 0, Err(PacketClass::Fragment));
        check(&v4_packet(42, 17, 0, &tcp(b"ab")), 0, Err(PacketClass::NotTcp));
        check(&v4_packet(42, 17, 0, &[0, 1, 0x12, 0xb5]), 20, Err(PacketClass::Tunnel));
        check(&v4_packet(42, 41, 0, &tcp(b"ab")), 0, Err(PacketClass::Tunnel));
        check(&v4_packet(30, 6, 0, b"0123456789"), 0, Err(PacketClass::Undecodable));
        check(&v6_packet(30, 44, &[6, 0, 0, 9]), 30, Err(PacketClass::Fragment));
        check(&v6_packet(30, 0, &[6, 255, 0, 0]), 30, Err(PacketClass::Undecodable));
        check(&v6_packet(0, 59, b""), 0, Err(PacketClass::NotTcp));
        check(b"\x05", 0, Err(PacketClass::Undecodable));
        check(b"", 0, Err(PacketClass::Undecodable));
        let mut short_offset = v4_packet(42, 6, 0, &tcp(b"ab"));
        short_offset[20 + 12] = 0x40;
        check(&short_offset, 0, Err(PacketClass::Undecodable));
    }
}
