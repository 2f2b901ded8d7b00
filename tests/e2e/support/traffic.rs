//! Captures written by the tests themselves: conversations as pcap files, every packet declared.

use std::path::Path;

/// A conversation: one connection's exchanges in order.
pub(crate) struct Conversation {
    /// The client's port: tells connections apart.
    pub(crate) client_port: u16,
    /// For each exchange its time in nanoseconds since the capture's start, the request and the response.
    pub(crate) exchanges: Vec<(u64, Vec<u8>, Vec<u8>)>,
}

/// A `GET` with a client of its own and a JSON answer, both as bytes.
pub(crate) fn get(target: &str, client: &str, status: u16, body: &str) -> (Vec<u8>, Vec<u8>) {
    let request = format!("GET {target} HTTP/1.1\r\nHost: shop.example\r\nX-Forwarded-For: {client}\r\n\r\n");
    let response = format!(
        "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    (request.into_bytes(), response.into_bytes())
}

/// Writes the conversations as a pcap file with nanoseconds and raw IPv4 packets, in the order of time.
pub(crate) fn write_pcap(path: &Path, conversations: &[Conversation]) {
    let mut packets: Vec<(u64, Vec<u8>)> = conversations.iter().flat_map(packets_of).collect();
    packets.sort_by_key(|(time, _)| *time);
    let mut file = Vec::new();
    for word in [0xa1b2_3c4d_u32, 0x0004_0002, 0, 0, 65_535, 101] {
        file.extend_from_slice(&word.to_le_bytes());
    }
    for (time, packet) in packets {
        let seconds = 1_700_000_000 + u32::try_from(time / 1_000_000_000).expect("a short capture");
        let nanos = u32::try_from(time % 1_000_000_000).expect("below a second");
        let len = u32::try_from(packet.len()).expect("a small packet");
        for word in [seconds, nanos, len, len] {
            file.extend_from_slice(&word.to_le_bytes());
        }
        file.extend_from_slice(&packet);
    }
    std::fs::write(path, file).expect("a scratch file can be written");
}

fn packets_of(conversation: &Conversation) -> Vec<(u64, Vec<u8>)> {
    const SYN: u8 = 0x02;
    const ACK: u8 = 0x10;
    const FIN: u8 = 0x01;
    let start = conversation.exchanges.first().map_or(0, |(time, ..)| *time);
    let (mut client, mut server) = (1000_u32, 9000_u32);
    let port = conversation.client_port;
    let mut packets = vec![
        (start, tcp(Side::Client(port), client, 0, SYN, b"")),
        (start + 10_000, tcp(Side::Server(port), server, client + 1, SYN | ACK, b"")),
        (start + 20_000, tcp(Side::Client(port), client + 1, server + 1, ACK, b"")),
    ];
    (client, server) = (client + 1, server + 1);
    let mut last = start;
    for (time, request, response) in &conversation.exchanges {
        packets.push((time + 30_000, tcp(Side::Client(port), client, server, ACK, request)));
        client += u32::try_from(request.len()).expect("a small request");
        packets.push((time + 900_000, tcp(Side::Server(port), server, client, ACK, response)));
        server += u32::try_from(response.len()).expect("a small response");
        last = time + 1_000_000;
    }
    packets.push((last, tcp(Side::Client(port), client, server, FIN | ACK, b"")));
    packets.push((last + 10_000, tcp(Side::Server(port), server, client + 1, FIN | ACK, b"")));
    packets
}

enum Side {
    Client(u16),
    Server(u16),
}

/// One IPv4 packet with one TCP segment; checksums are left out, as offloading leaves them out.
fn tcp(from: Side, seq: u32, ack: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let (client_address, server_address) = ([10, 0, 0, 1], [10, 0, 0, 2]);
    let (source, target, source_port, target_port) = match from {
        Side::Client(port) => (client_address, server_address, port, 80),
        Side::Server(port) => (server_address, client_address, 80, port),
    };
    let total = u16::try_from(40 + payload.len()).expect("a small packet");
    let mut packet = vec![0x45, 0];
    packet.extend_from_slice(&total.to_be_bytes());
    packet.extend_from_slice(&[0, 0, 0x40, 0, 64, 6, 0, 0]);
    packet.extend_from_slice(&source);
    packet.extend_from_slice(&target);
    packet.extend_from_slice(&u16::to_be_bytes(source_port));
    packet.extend_from_slice(&u16::to_be_bytes(target_port));
    packet.extend_from_slice(&seq.to_be_bytes());
    packet.extend_from_slice(&ack.to_be_bytes());
    packet.extend_from_slice(&[0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    packet.extend_from_slice(payload);
    packet
}
