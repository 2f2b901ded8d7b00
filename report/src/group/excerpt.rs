//! Bounded pieces of a response around a place.

use super::Excerpt;
use std::ops::Range;

/// Bytes of a body or value that one excerpt shows.
pub(crate) const MAX_EXCERPT: usize = 2048;
/// Bytes shown before the differing part where that alone fills the excerpt.
const LEAD: usize = 256;

impl Excerpt {
    /// At most `room` bytes of `whole` around `differing`; `near` says where to look where this side lacks the part.
    pub(crate) fn around(
        whole: &[u8],
        differing: Option<&Range<usize>>,
        near: Option<&Range<usize>>,
        room: usize,
    ) -> Excerpt {
        let part = differing.or(near).cloned().unwrap_or(0..0);
        let part = part.start.min(whole.len())
            ..part.end.clamp(part.start, whole.len().max(part.start)).min(whole.len());
        let spare = room.saturating_sub(part.len());
        let lead = (spare / 2).max(LEAD.min(room / 2));
        let start = character_start(whole, part.start.saturating_sub(lead));
        let end = character_start(whole, (start + room).min(whole.len()));
        let shown = part.start.max(start)..part.end.min(end).max(part.start.max(start));
        let mut text = String::from_utf8_lossy(&whole[start..shown.start.min(end).max(start)]).into_owned();
        let from = text.len();
        text.push_str(&String::from_utf8_lossy(&whole[shown.start.min(end)..shown.end.min(end)]));
        let to = text.len();
        text.push_str(&String::from_utf8_lossy(&whole[shown.end.min(end)..end]));
        Excerpt {
            text,
            differing: differing.map(|_| from..to),
            omitted_before: start as u64,
            omitted_after: (whole.len() - end) as u64,
        }
    }

    /// A short value as a whole.
    pub(crate) fn value(text: Option<&str>) -> Excerpt {
        let Some(text) = text else { return Excerpt::default() };
        let shown = &text[..text.floor_char_boundary(MAX_EXCERPT)];
        Excerpt {
            text: shown.to_owned(),
            differing: Some(0..shown.len()),
            omitted_before: 0,
            omitted_after: (text.len() - shown.len()) as u64,
        }
    }
}

/// The start of the UTF-8 character that has the byte at `at`.
fn character_start(bytes: &[u8], at: usize) -> usize {
    if at >= bytes.len() {
        return bytes.len();
    }
    let back = bytes[..=at].iter().rev().take(4).position(|b| b & 0xc0 != 0x80);
    at - back.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(whole: &str, part: Option<Range<usize>>, room: usize, expected: &str) {
        let found = Excerpt::around(whole.as_bytes(), part.as_ref(), None, room);
        let (before, rest) = found.text.split_at(found.differing.as_ref().map_or(0, |r| r.start));
        let (part, after) = rest.split_at(found.differing.as_ref().map_or(0, Range::len));
        let text = format!("{}+{before}[{part}]{after}+{}", found.omitted_before, found.omitted_after);
        assert_eq!(text, expected);
    }

    #[test]
    fn excerpts_lie_around_the_part() {
        check("abcdef", Some(2..4), 100, "0+ab[cd]ef+0");
        check("0123456789", Some(5..6), 5, "3+34[5]67+2");
        check("0123456789", Some(2..9), 4, "0+01[23]+6");
        check("ééééé", Some(4..6), 5, "2+é[é]+4");
        check("abc", None, 2, "0+[]ab+1");
        check("abc", Some(7..9), 100, "0+abc[]+0");
        check("", Some(0..0), 100, "0+[]+0");
    }

    #[test]
    fn any_bytes_and_ranges_have_an_excerpt() {
        for start in 0..12 {
            for end in start..12 {
                for room in 0..12 {
                    let bytes = b"\xff\xf0\x9f\x98\x80a\x80\x80\xc3\xa9";
                    let found = Excerpt::around(bytes, Some(&(start..end)), None, room);
                    assert!(found.text.is_char_boundary(found.differing.unwrap().end));
                }
            }
        }
    }
}
