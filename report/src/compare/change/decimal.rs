//! Decimal numbers as written: sign, digits and exponent, without binary rounding.

/// Digits beyond which a number is not classified.
const MAX_DIGITS: usize = 48;
/// Exponents beyond which a number is not classified.
const MAX_EXPONENT: i64 = 10_000;

/// A decimal number: `digits * 10^exponent`, without leading or trailing zeros in `digits`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decimal {
    pub(super) negative: bool,
    /// Values 0 to 9, most significant first; empty for zero.
    pub(super) digits: Vec<u8>,
    pub(super) exponent: i64,
    /// Decimals as written: 2 for `1.50`.
    pub(super) decimals: usize,
}

impl Decimal {
    /// Reads a number of JSON's grammar; `None` where it is none, or too long to classify.
    pub(super) fn parse(text: &str) -> Option<Decimal> {
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, written) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
            None => (rest, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let is_number = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        let too_long = whole.len() + fraction.len() > MAX_DIGITS || written.abs() > MAX_EXPONENT;
        if whole.is_empty() || !is_number(whole) || !is_number(fraction) || too_long {
            return None;
        }
        let mut digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).map(|b| b - b'0').collect();
        let mut exponent = written - fraction.len() as i64;
        let trailing = digits.iter().rev().take_while(|d| **d == 0).count();
        digits.truncate(digits.len() - trailing);
        exponent += trailing as i64;
        let leading = digits.iter().take_while(|d| **d == 0).count();
        digits.drain(..leading);
        if digits.is_empty() {
            exponent = 0;
        }
        Some(Decimal { negative, digits, exponent, decimals: fraction.len() })
    }

    pub(super) fn is_zero(&self) -> bool {
        self.digits.is_empty()
    }

    /// Whether it has no part behind the decimal point.
    pub(super) fn is_whole(&self) -> bool {
        self.exponent >= 0
    }

    /// Digits behind the decimal point that the value needs.
    pub(super) fn scale(&self) -> usize {
        usize::try_from(-self.exponent).unwrap_or(0)
    }

    /// Digits before the decimal point; 0 for values below 1.
    pub(super) fn whole_digits(&self) -> i64 {
        self.digits.len() as i64 + self.exponent
    }

    /// The magnitude with `scale` digits behind the point, cut, not rounded; `None` where it does not fit.
    pub(super) fn scaled(&self, scale: usize) -> Option<u128> {
        let shift = self.exponent + scale as i64;
        let kept = self.digits.len() as i64 + shift.min(0);
        let kept = usize::try_from(kept).unwrap_or(0).min(self.digits.len());
        let mut value: u128 = 0;
        for digit in &self.digits[..kept] {
            value = value.checked_mul(10)?.checked_add(u128::from(*digit))?;
        }
        let zeros = if value == 0 { 0 } else { u32::try_from(shift.max(0)).ok()? };
        value.checked_mul(10_u128.checked_pow(zeros)?)
    }
}
