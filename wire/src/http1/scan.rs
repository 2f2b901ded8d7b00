//! Byte classes and the inner loops of head parsing.
//!
//! A head of 200 bytes must cost far less than a microsecond, so values are scanned eight bytes at a
//! time in plain integer arithmetic; names, which are short, by table.

/// Token characters (RFC 9110 section 5.6.2).
const TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        table[byte] = b.is_ascii_alphanumeric()
            || matches!(
                b,
                b'!' | b'#'
                    | b'$'
                    | b'%'
                    | b'&'
                    | b'\''
                    | b'*'
                    | b'+'
                    | b'-'
                    | b'.'
                    | b'^'
                    | b'_'
                    | b'`'
                    | b'|'
                    | b'~'
            );
        byte += 1;
    }
    table
};

const ONES: u64 = u64::from_ne_bytes([1; 8]);
const HIGH: u64 = ONES << 7;

/// Whether `byte` may stand in a token.
pub(super) fn is_token(byte: u8) -> bool {
    TOKEN[usize::from(byte)]
}

/// Whether `bytes` is a token.
pub(super) fn all_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|b| is_token(*b))
}

/// Space or tab.
pub(super) fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// The first position at or behind `from` whose byte is no token character; `bytes.len()` if none.
pub(super) fn token_end(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while at < bytes.len() && is_token(bytes[at]) {
        at += 1;
    }
    at
}

/// The first position at or behind `from` whose byte is no space or tab.
pub(super) fn blank_end(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while at < bytes.len() && is_blank(bytes[at]) {
        at += 1;
    }
    at
}

/// The first position at or behind `from` with a byte below `FLOOR` or DEL; `bytes.len()` if none.
///
/// With `FLOOR` = 0x20 it finds control characters (tab too), with 0x21 spaces as well.
pub(super) fn control_from<const FLOOR: u8>(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(chunk) = bytes.get(at..at + 8) {
        let word = u64::from_le_bytes(chunk.try_into().expect("the slice has eight bytes"));
        // The lowest set high bit is exact: a borrow only reaches bytes above the first match.
        let low = word.wrapping_sub(ONES * FLOOR as u64) & !word & HIGH;
        let del = word ^ (ONES * 0x7f);
        let del = del.wrapping_sub(ONES) & !del & HIGH;
        let hit = low | del;
        if hit != 0 {
            return at + (hit.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while at < bytes.len() && bytes[at] >= FLOOR && bytes[at] != 0x7f {
        at += 1;
    }
    at
}

/// `bytes` without leading and trailing spaces and tabs.
pub(super) fn trim(bytes: &[u8]) -> &[u8] {
    let start = blank_end(bytes, 0);
    let end = bytes.iter().rposition(|b| !is_blank(*b)).map_or(start, |last| last + 1);
    &bytes[start..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &[u8], from: usize, expected: usize) {
        assert_eq!(control_from::<0x20>(input, from), expected, "{}", input.escape_ascii());
        let naive =
            input.iter().skip(from).position(|b| *b < 0x20 || *b == 0x7f).map_or(input.len(), |at| at + from);
        assert_eq!(expected, naive);
    }

    #[test]
    fn control_characters_are_found_at_every_offset() {
        check(b"", 0, 0);
        check(b"abc", 0, 3);
        for at in 0..40 {
            for byte in [0, b'\t', b'\r', b'\n', 0x1f, 0x7f] {
                let mut text = vec![0xff; 40];
                text[at] = byte;
                check(&text, 0, at);
                check(&text, at + 1, 40);
            }
        }
    }
}
