//! Which exchanges of a corpus are meant: by time, endpoint, session and filter expression.

pub mod filter;

use crate::exchange::Exchange;
use crate::ids::{EndpointId, SessionId};
use crate::manifest::Sampling;
use crate::time::CaptureTime;
use crate::units::Fraction;
pub use filter::{Filter, FilterError};
use std::ops::Range;

/// A choice of exchanges. All parts have to agree; a part that is not set agrees with everything.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Selection {
    /// Requests that began in this time, end excluded.
    pub time: Option<Range<CaptureTime>>,
    /// Requests to one of these endpoints.
    pub endpoints: Option<Vec<EndpointId>>,
    /// Whole sessions, chosen by their hash.
    pub sessions: Option<SessionShare>,
    /// An expression.
    pub filter: Option<Filter>,
}

/// A share of the sessions. Equal seeds choose consistently: a smaller share is part of a larger one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SessionShare {
    /// How many of them.
    pub fraction: Fraction,
    /// Which of them.
    pub seed: u64,
}

impl Selection {
    /// Every exchange.
    pub fn all() -> Selection {
        Selection::default()
    }

    /// Whether `exchange` is chosen.
    pub fn holds(&self, exchange: &Exchange, endpoint: EndpointId, endpoint_name: &str) -> bool {
        self.holds_time(exchange.request_time.first)
            && self.holds_endpoint(endpoint)
            && self.holds_session(exchange.session)
            && self.filter.as_ref().is_none_or(|filter| filter.matches(exchange, endpoint_name))
    }

    /// Whether a request that began at `time` may be chosen.
    pub fn holds_time(&self, time: CaptureTime) -> bool {
        self.time.as_ref().is_none_or(|range| range.contains(&time))
    }

    /// Whether a request to `endpoint` may be chosen.
    pub fn holds_endpoint(&self, endpoint: EndpointId) -> bool {
        self.endpoints.as_ref().is_none_or(|endpoints| endpoints.contains(&endpoint))
    }

    /// Whether exchanges of `session` may be chosen.
    pub fn holds_session(&self, session: SessionId) -> bool {
        self.sessions.is_none_or(|share| share.holds(session))
    }

    /// Whether anything that began from `low` to `high` (inclusive) may be chosen.
    pub(crate) fn overlaps(&self, low: u64, high: u64) -> bool {
        self.time.as_ref().is_none_or(|range| range.start.0 <= high && low < range.end.0)
    }
}

impl SessionShare {
    /// The same share of what an earlier sampling left, chosen independently of it.
    ///
    /// By the seed alone, the sessions of a sample would all be chosen again: their ranks are the low ones.
    #[must_use]
    pub fn after(self, earlier: &Sampling) -> SessionShare {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.seed.to_le_bytes());
        hasher.update(&earlier.fraction.value().to_le_bytes());
        hasher.update(earlier.rule.as_bytes());
        SessionShare { seed: first_word(&hasher.finalize()), ..self }
    }

    /// Whether `session` is part of the share.
    pub fn holds(&self, session: SessionId) -> bool {
        session_rank(session, self.seed) < self.fraction.value()
    }
}

/// The place of a session in 0..1, even over all sessions and the same on every machine.
pub fn session_rank(session: SessionId, seed: u64) -> f64 {
    let mut input = [0; 16];
    input[..8].copy_from_slice(&session.0.to_le_bytes());
    input[8..].copy_from_slice(&seed.to_le_bytes());
    let word = first_word(&blake3::hash(&input));
    #[expect(clippy::cast_precision_loss, reason = "53 bits are kept, and exactly")]
    let rank = (word >> 11) as f64 / (1_u64 << 53) as f64;
    rank
}

fn first_word(hash: &blake3::Hash) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&hash.as_bytes()[..8]);
    u64::from_le_bytes(word)
}
