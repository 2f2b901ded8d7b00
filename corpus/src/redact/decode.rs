//! Undoing the encodings in which values stand in heads. Each gives nothing where there is nothing to undo.

/// Whether this is of the alphabets of base64 and base64url.
pub(super) fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}

fn digit(byte: Option<&u8>) -> Option<u32> {
    byte.and_then(|byte| char::from(*byte).to_digit(16))
}

/// Takes apart from left to right: `step` gives a decoded character and how many bytes it took.
fn replace(bytes: &[u8], step: impl Fn(&[u8]) -> Option<(u32, usize)>) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(bytes.len());
    let (mut at, mut changed) = (0, false);
    while at < bytes.len() {
        match step(&bytes[at..]) {
            Some((code, len)) => {
                changed = true;
                match u8::try_from(code) {
                    Ok(byte) => out.push(byte),
                    Err(_) => out.push(b'?'),
                }
                at += len.max(1);
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    changed.then_some(out)
}

/// `%41` (RFC 3986, section 2.1).
pub(super) fn percent(bytes: &[u8]) -> Option<Vec<u8>> {
    if !bytes.contains(&b'%') {
        return None;
    }
    replace(bytes, |rest| match rest {
        [b'%', high, low, ..] => Some((digit(Some(high))? << 4 | digit(Some(low))?, 3)),
        _ => None,
    })
}

/// `&#65;` and `&#x41;`.
pub(super) fn html(bytes: &[u8]) -> Option<Vec<u8>> {
    if !bytes.windows(2).any(|window| window == b"&#") {
        return None;
    }
    replace(bytes, |rest| {
        let len = entity_len(rest)?;
        let inner = std::str::from_utf8(&rest[2..len - 1]).ok()?;
        let code = match inner.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => inner.parse().ok()?,
        };
        Some((code, len))
    })
}

/// The length of the numeric character reference that `rest` begins with.
pub(super) fn entity_len(rest: &[u8]) -> Option<usize> {
    const LONGEST: usize = 10;
    let inner = rest.strip_prefix(b"&#")?;
    let end = inner.iter().take(LONGEST).position(|b| *b == b';')?;
    let numeric = end > 0 && inner[..end].iter().all(u8::is_ascii_alphanumeric);
    numeric.then_some(end + 3)
}

/// `\u0041` (RFC 8259, section 7).
pub(super) fn json(bytes: &[u8]) -> Option<Vec<u8>> {
    if !bytes.contains(&b'\\') {
        return None;
    }
    replace(bytes, |rest| match rest {
        [b'\\', b'u', digits @ ..] => {
            let code = (0..4).try_fold(0, |code, at| digit(digits.get(at)).map(|digit| code << 4 | digit));
            code.map(|code| (code, 6))
        }
        [b'\\', b'n', ..] => Some((u32::from(b'\n'), 2)),
        [b'\\', escaped @ (b'"' | b'\\' | b'/'), ..] => Some((u32::from(*escaped), 2)),
        _ => None,
    })
}

/// A run of hex digits as the text that it stands for.
pub(super) fn hex(run: &[u8]) -> Option<Vec<u8>> {
    if !run.len().is_multiple_of(2) || !run.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let bytes = run.chunks_exact(2).map(|pair| {
        let code = digit(pair.first())? << 4 | digit(pair.get(1))?;
        u8::try_from(code).ok()
    });
    bytes.collect::<Option<Vec<u8>>>().filter(|bytes| is_text(bytes))
}

/// A run of base64 or base64url, padding left out, as the text that it stands for.
pub(super) fn base64(run: &[u8]) -> Option<Vec<u8>> {
    if run.len() % 4 == 1 {
        return None;
    }
    let mut out = Vec::with_capacity(run.len() / 4 * 3 + 2);
    for chunk in run.chunks(4) {
        let mut bits = 0_u32;
        for byte in chunk {
            bits = bits << 6 | sextet(*byte)?;
        }
        bits <<= 6 * (4 - chunk.len());
        let [_, bytes @ ..] = bits.to_be_bytes();
        out.extend_from_slice(&bytes[..chunk.len() - 1]);
        // Most runs are no base64 of text, and the first bytes tell.
        if !is_text(&out[out.len() + 1 - chunk.len()..]) {
            return None;
        }
    }
    Some(out)
}

fn sextet(byte: u8) -> Option<u32> {
    Some(u32::from(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    }))
}

fn is_text(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| byte.is_ascii_graphic() || matches!(byte, b' ' | b'\n' | b'\r' | b'\t'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(found: Option<Vec<u8>>, expected: Option<&str>) {
        assert_eq!(found.as_deref(), expected.map(str::as_bytes));
    }

    #[test]
    fn encodings_are_undone() {
        check(percent(b"a%41%4z%"), Some("aA%4z%"));
        check(percent(b"a"), None);
        check(html(b"&#65;&#x42;&#;&amp;"), Some("AB&#;&amp;"));
        check(json(br"\u0041\n\u12"), Some("A\n\\u12"));
        check(hex(b"4142"), Some("AB"));
        check(hex(b"ff00"), None);
        check(base64(b"QUJD"), Some("ABC"));
        check(base64(b"QUJDRA"), Some("ABCD"));
        check(base64(b"____"), None);
    }
}
