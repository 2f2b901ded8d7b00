//! Everything that is drawn comes from here: a pure function of the seed, so that equal inputs give equal plans.

use corpus::ids::SessionId;

/// What is drawn: each purpose has its own stream, so that one draw says nothing about another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The order in which sessions are taken.
    Session,
    /// Which requests are sent for noise.
    Noise,
    /// Which backend is sent to first in a second.
    Order,
    /// Whose bodies are kept.
    Bodies,
}

/// 64 drawn bits for `value`.
pub(crate) fn bits(seed: u64, purpose: Purpose, value: u64) -> u64 {
    mix(mix(seed ^ (purpose as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)) ^ value)
}

/// A drawn number in 0..1.
#[expect(clippy::cast_precision_loss, reason = "53 bits fit a double exactly")]
pub(crate) fn unit(seed: u64, purpose: Purpose, value: u64) -> f64 {
    (bits(seed, purpose, value) >> 11) as f64 / (1_u64 << 53) as f64
}

/// The place of a session in the order in which sessions are taken.
pub(crate) fn session_order(seed: u64, session: SessionId) -> u64 {
    bits(seed, Purpose::Session, session.0)
}

/// The finaliser of splitmix64 (Steele, Lea and Flood, OOPSLA 2014).
fn mix(mut value: u64) -> u64 {
    value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_even_and_apart() {
        let mean: f64 = (0..10_000).map(|n| unit(7, Purpose::Noise, n)).sum::<f64>() / 10_000.0;
        assert!((mean - 0.5).abs() < 0.02, "{mean}");
        assert_ne!(bits(7, Purpose::Noise, 1), bits(7, Purpose::Order, 1));
        assert_ne!(bits(7, Purpose::Noise, 1), bits(8, Purpose::Noise, 1));
    }
}
