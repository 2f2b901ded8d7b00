//! The table of connections, by addresses, ports and VLAN.
//!
//! Bounded: beyond its limit the least recently active connections are ended. Packet time alone decides
//! when a silent or closed connection is dropped. Invariant: the same packets give the same decisions.

use crate::connection::{At, Connection};
use crate::engine::Engine;
use crate::http1::{End, Side};
use crate::ledger::Limit;
use crate::link::Vlan;
use crate::tcp::{Endpoint, Transport};
use corpus::ids::ConnectionId;
use corpus::time::CaptureTime;
use std::collections::HashMap;
use std::time::Duration;

/// What names a connection: its two endpoints, the lower first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct FlowKey {
    lower: Endpoint,
    higher: Endpoint,
    vlan: Vlan,
}

impl FlowKey {
    fn of(segment: &Transport<'_>) -> (Self, Side) {
        let (source, destination, vlan) = (segment.source, segment.destination, segment.vlan);
        if source <= destination {
            (Self { lower: source, higher: destination, vlan }, Side::Lower)
        } else {
            (Self { lower: destination, higher: source, vlan }, Side::Higher)
        }
    }
}

/// Packets between two looks at all connections.
const SWEEP_PACKETS: u64 = 100_000;
/// Packet time between two looks at all connections.
const SWEEP_TIME: Duration = Duration::from_secs(1);

/// The connections being followed.
pub(crate) struct Flows {
    places: HashMap<FlowKey, usize>,
    connections: Vec<Option<(FlowKey, Box<Connection>)>>,
    free: Vec<usize>,
    now: CaptureTime,
    swept: At,
}

impl Flows {
    pub(crate) fn new() -> Self {
        let swept = At { time: CaptureTime(0), packet: 0 };
        Self { places: HashMap::new(), connections: Vec::new(), free: Vec::new(), now: CaptureTime(0), swept }
    }

    /// Takes a segment.
    pub(crate) fn segment(&mut self, segment: &Transport<'_>, at: At, engine: &mut Engine) {
        self.now = self.now.max(at.time);
        let (key, side) = FlowKey::of(segment);
        let place = match self.places.get(&key) {
            Some(place) => *place,
            None => self.insert(key, at, engine),
        };
        let Some((_, connection)) = &mut self.connections[place] else { return };
        if connection.is_succeeded_by(side, segment) {
            connection.finish(End::BrokenOff, engine);
            **connection = connection_of(&key, at, engine);
        }
        connection.segment(side, segment, at, engine);
        let due =
            at.packet - self.swept.packet >= SWEEP_PACKETS || self.now.since(self.swept.time) >= SWEEP_TIME;
        if due {
            self.swept = At { time: self.now, packet: at.packet };
            self.sweep(engine);
            engine.turn(self.now);
        }
    }

    fn insert(&mut self, key: FlowKey, at: At, engine: &mut Engine) -> usize {
        if self.places.len() >= engine.limits.connections {
            self.make_room(engine);
        }
        let entry = Some((key, Box::new(connection_of(&key, at, engine))));
        let place = match self.free.pop() {
            Some(place) => {
                self.connections[place] = entry;
                place
            }
            None => {
                self.connections.push(entry);
                self.connections.len() - 1
            }
        };
        self.places.insert(key, place);
        place
    }

    /// Drops what is closed or silent, and gives up what waited too long.
    fn sweep(&mut self, engine: &mut Engine) {
        for place in 0..self.connections.len() {
            let Some((_, connection)) = &mut self.connections[place] else { continue };
            let silent = self.now.since(connection.last());
            let kept = if connection.is_closed() { engine.limits.linger } else { engine.limits.idle };
            if silent > kept {
                self.remove(place, End::BrokenOff, engine);
            } else {
                connection.check_waits(self.now, engine);
            }
        }
    }

    /// Ends the least recently active connections, a few percent at once; closed ones first.
    fn make_room(&mut self, engine: &mut Engine) {
        let entries = self.connections.iter().enumerate();
        let mut ages: Vec<(bool, CaptureTime, usize)> = entries
            .filter_map(|(place, entry)| entry.as_ref().map(|(_, connection)| (place, connection)))
            .map(|(place, connection)| (!connection.is_closed(), connection.last(), place))
            .collect();
        ages.sort_unstable();
        for (open, _, place) in ages.into_iter().take(engine.limits.connections / 32 + 1) {
            if open {
                engine.tally.limit(Limit::Connections);
            }
            self.remove(place, if open { End::Evicted } else { End::BrokenOff }, engine);
        }
    }

    fn remove(&mut self, place: usize, end: End, engine: &mut Engine) {
        if let Some((key, mut connection)) = self.connections[place].take() {
            connection.finish(end, engine);
            self.places.remove(&key);
            self.free.push(place);
        }
    }

    /// The capture ends here.
    pub(crate) fn finish(&mut self, engine: &mut Engine) {
        for place in 0..self.connections.len() {
            self.remove(place, End::BrokenOff, engine);
        }
    }
}

/// A new connection; its id is a keyed digest of what names it and of when it began.
fn connection_of(key: &FlowKey, at: At, engine: &mut Engine) -> Connection {
    let mut name = [0; 48];
    name[..16].copy_from_slice(&key.lower.address.to_be_bytes());
    name[16..32].copy_from_slice(&key.higher.address.to_be_bytes());
    name[32..34].copy_from_slice(&key.lower.port.to_be_bytes());
    name[34..36].copy_from_slice(&key.higher.port.to_be_bytes());
    name[36..40].copy_from_slice(&key.vlan.0.to_be_bytes());
    name[40..].copy_from_slice(&at.time.0.to_be_bytes());
    let [a, b, c, d, e, f, g, h, ..] = engine.key.digest(&name).0;
    engine.tally.connection();
    Connection::new(ConnectionId(u64::from_be_bytes([a, b, c, d, e, f, g, h])), at.time)
}
