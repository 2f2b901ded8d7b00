//! Counting: every packet and every payload byte in exactly one class.
//!
//! Invariant: a packet is classed once, where it is decoded; a payload byte once, where it is consumed
//! or dropped. [`Tally::ledger`] refuses to give a balance that does not add up.

use corpus::exchange::Incomplete;
use corpus::ledger::Ledger;
use std::collections::BTreeMap;

/// What became of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PacketClass {
    /// A TCP segment with payload.
    TcpPayload,
    /// A TCP segment without payload.
    TcpEmpty,
    /// IP, but another protocol.
    NotTcp,
    /// Not IP.
    NotIp,
    /// A fragment of an IP datagram.
    Fragment,
    /// Wrapped in a tunnel that is not followed.
    Tunnel,
    /// Headers that are cut or contradict one another.
    Undecodable,
    /// Of a link type that is not read.
    UnknownLink,
    /// A record of the capture file that holds no usable packet.
    BadRecord,
}

/// What became of a captured payload byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PayloadClass {
    /// Part of a recorded message or of a response without request.
    InMessages,
    /// Seen before.
    Duplicate,
    /// Seen before with other content; the first copy was used.
    Conflicting,
    /// On a connection that left HTTP (Upgrade, CONNECT).
    Opaque,
    /// On a connection that carries no HTTP/1.1.
    NotHttp,
    /// Between a loss and the next message.
    Skipped,
}

/// Payload bytes that are known to be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MissingClass {
    /// The capture lacks the packet.
    Lost,
    /// The snapshot length cut the packet.
    Truncated,
}

/// A bound that bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    /// Connections tracked at once: the least recently active one was ended.
    Connections,
    /// Bytes held for reassembly: a hole was given up early.
    ReassemblyBytes,
    /// Bytes kept of one body.
    BodyBytes,
    /// Bytes kept of all bodies that are still open.
    OpenBytes,
    /// Exchanges put in order: one was written before its response was seen.
    OrderingWindow,
}

const PACKETS: [(PacketClass, &str); 9] = [
    (PacketClass::TcpPayload, "tcp_payload"),
    (PacketClass::TcpEmpty, "tcp_empty"),
    (PacketClass::NotTcp, "not_tcp"),
    (PacketClass::NotIp, "not_ip"),
    (PacketClass::Fragment, "fragment"),
    (PacketClass::Tunnel, "tunnel"),
    (PacketClass::Undecodable, "undecodable"),
    (PacketClass::UnknownLink, "unknown_link"),
    (PacketClass::BadRecord, "bad_record"),
];
const PAYLOAD: [(PayloadClass, &str); 6] = [
    (PayloadClass::InMessages, "in_messages"),
    (PayloadClass::Duplicate, "duplicate"),
    (PayloadClass::Conflicting, "conflicting"),
    (PayloadClass::Opaque, "opaque"),
    (PayloadClass::NotHttp, "not_http"),
    (PayloadClass::Skipped, "skipped"),
];
const MISSING: [(MissingClass, &str); 2] =
    [(MissingClass::Lost, "lost"), (MissingClass::Truncated, "truncated")];
const LIMITS: [(Limit, &str); 5] = [
    (Limit::Connections, "connections"),
    (Limit::ReassemblyBytes, "reassembly_bytes"),
    (Limit::BodyBytes, "body_bytes"),
    (Limit::OpenBytes, "open_bytes"),
    (Limit::OrderingWindow, "ordering_window"),
];

/// The classes of a balance that does not add up: a defect of this program.
#[derive(Debug, thiserror::Error)]
#[error("balance the capture: {what} add up to {sum}, but there were {total}")]
pub struct Unbalanced {
    what: &'static str,
    sum: u64,
    total: u64,
}

/// Running counts of one capture.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    bytes: u64,
    packets_total: u64,
    packets: [u64; PACKETS.len()],
    payload_total: u64,
    payload: [u64; PAYLOAD.len()],
    missing: [u64; MISSING.len()],
    limits: [u64; LIMITS.len()],
    connections: u64,
    http_connections: u64,
    requests: u64,
    responses: u64,
    interim: u64,
    complete: u64,
    incomplete: BTreeMap<Incomplete, u64>,
    answered: u64,
    orphans: u64,
}

impl Tally {
    /// A packet read, of so many captured bytes.
    pub(crate) fn packet_read(&mut self, captured: usize) {
        self.packets_total += 1;
        self.bytes += captured as u64;
    }

    pub(crate) fn packet(&mut self, class: PacketClass) {
        self.packets[class as usize] += 1;
    }

    /// Payload that a segment brought.
    pub(crate) fn payload_seen(&mut self, bytes: usize) {
        self.payload_total += bytes as u64;
    }

    pub(crate) fn payload(&mut self, class: PayloadClass, bytes: usize) {
        self.payload[class as usize] += bytes as u64;
    }

    /// Payload counted before is something else, and is counted again.
    pub(crate) fn payload_moved(&mut self, class: PayloadClass, bytes: usize) {
        self.payload[class as usize] -= bytes as u64;
    }

    pub(crate) fn missing(&mut self, class: MissingClass, bytes: u64) {
        let sum = &mut self.missing[class as usize];
        *sum = sum.saturating_add(bytes);
    }

    pub(crate) fn limit(&mut self, limit: Limit) {
        self.limits[limit as usize] += 1;
    }

    pub(crate) fn connection(&mut self) {
        self.connections += 1;
    }

    pub(crate) fn http_connection(&mut self) {
        self.http_connections += 1;
    }

    pub(crate) fn request(&mut self) {
        self.requests += 1;
    }

    pub(crate) fn interim(&mut self) {
        self.interim += 1;
    }

    /// A final response began.
    pub(crate) fn response(&mut self) {
        self.responses += 1;
    }

    pub(crate) fn orphan(&mut self) {
        self.orphans += 1;
    }

    /// An exchange is settled: `reasons` are why it is not whole, `answered` whether it has a response.
    pub(crate) fn exchange(&mut self, reasons: &[Incomplete], answered: Answered) {
        match reasons.first() {
            None => self.complete += 1,
            Some(reason) => *self.incomplete.entry(*reason).or_default() += 1,
        }
        self.answered += u64::from(answered == Answered::Yes);
    }

    /// The balance.
    ///
    /// # Errors
    /// Where a sum does not agree with its total.
    pub(crate) fn ledger(&self) -> Result<Ledger, Unbalanced> {
        let agree = |what, sum, total| {
            if sum == total { Ok(()) } else { Err(Unbalanced { what, sum, total }) }
        };
        let incomplete: u64 = self.incomplete.values().sum();
        agree("packet classes", self.packets.iter().sum(), self.packets_total)?;
        agree("payload classes", self.payload.iter().sum(), self.payload_total)?;
        agree("exchanges", self.complete + incomplete, self.requests)?;
        agree("responses with and without request", self.answered + self.orphans, self.responses)?;
        let ledger = Ledger {
            packets: self.packets_total,
            bytes: self.bytes,
            packets_by_class: named(&PACKETS, &self.packets),
            payload_bytes_by_class: named(&PAYLOAD, &self.payload)
                .into_iter()
                .chain(named(&MISSING, &self.missing))
                .collect(),
            connections: self.connections,
            http_connections: self.http_connections,
            requests: self.requests,
            responses: self.responses,
            interim_responses: self.interim,
            exchanges_complete: self.complete,
            exchanges_incomplete: self.incomplete.clone(),
            responses_without_request: self.orphans,
            limits_reached: named(&LIMITS, &self.limits),
            input_error: None,
        };
        agree("the ledger's own sums", u64::from(ledger.balances()), 1)?;
        Ok(ledger)
    }
}

/// Whether an exchange has a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answered {
    Yes,
    No,
}

/// The counts that are not 0, by name. `names` stand in the order of their declaration.
fn named<C: Copy>(names: &[(C, &str)], counts: &[u64]) -> BTreeMap<String, u64> {
    let all = names.iter().zip(counts);
    all.filter(|(_, count)| **count > 0).map(|((_, name), count)| ((*name).to_owned(), *count)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_at_the_place_of_their_class() {
        assert!(PACKETS.iter().enumerate().all(|(at, (class, _))| *class as usize == at));
        assert!(PAYLOAD.iter().enumerate().all(|(at, (class, _))| *class as usize == at));
        assert!(MISSING.iter().enumerate().all(|(at, (class, _))| *class as usize == at));
        assert!(LIMITS.iter().enumerate().all(|(at, (class, _))| *class as usize == at));
    }

    #[test]
    fn a_balance_that_does_not_add_up_is_refused() {
        let mut tally = Tally::default();
        tally.packet_read(60);
        assert_eq!(
            tally.ledger().map_err(|error| error.to_string()),
            Err("balance the capture: packet classes add up to 0, but there were 1".to_owned())
        );
        tally.packet(PacketClass::TcpEmpty);
        let ledger = tally.ledger().expect("it adds up now");
        assert_eq!((ledger.packets, ledger.bytes), (1, 60));
        tally.request();
        assert!(tally.ledger().is_err());
        tally.exchange(&[Incomplete::NoResponse], Answered::No);
        assert!(tally.ledger().is_ok());
    }
}
