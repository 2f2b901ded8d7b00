//! Outside text made visible: what no renderer may pass on as it is.
//!
//! After [`visible`] a text has no control, bidirectional or invisible formatting character, and is bounded.

use std::borrow::Cow;
use std::fmt::Write as _;

/// What becomes of line breaks and tabs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lines {
    /// They stay: the text stands in a block of its own.
    Keep,
    /// They are shown as symbols: the text is one line.
    Show,
}

/// How much of a text is shown, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limit(pub(super) usize);

/// Names: endpoints, paths, URLs.
pub(super) const NAME: Limit = Limit(200);
/// Sentences with names in them.
pub(super) const SENTENCE: Limit = Limit(1_000);

/// The text with every character that acts instead of showing replaced by a visible sign, cut at `limit`.
///
/// C0 controls become their pictures (U+2400 and on); the rest, bidirectional overrides among them, their code point
/// in brackets.
pub(super) fn visible(text: &str, lines: Lines, limit: Limit) -> Cow<'_, str> {
    let cut = text.char_indices().nth(limit.0).map(|(at, _)| at);
    let shown = cut.map_or(text, |at| &text[..at]);
    if cut.is_none() && !shown.chars().any(|c| acts(c, lines)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(shown.len() + 16);
    for c in shown.chars() {
        push_visible(&mut out, c, lines);
    }
    if let Some(at) = cut {
        let rest = text[at..].chars().count();
        let _ = write!(out, "… ({rest} more characters)");
    }
    Cow::Owned(out)
}

fn push_visible(out: &mut String, c: char, lines: Lines) {
    if !acts(c, lines) {
        out.push(c);
        return;
    }
    match u32::from(c) {
        code @ 0..=0x1f => out.push(char::from_u32(0x2400 + code).unwrap_or('\u{fffd}')),
        0x7f => out.push('\u{2421}'),
        code => {
            let _ = write!(out, "⟨U+{code:04X}⟩");
        }
    }
}

/// Whether a character does something other than show itself.
fn acts(c: char, lines: Lines) -> bool {
    if lines == Lines::Keep && matches!(c, '\n' | '\t') {
        return false;
    }
    c.is_control()
        || matches!(u32::from(c),
            0x00ad | 0x034f | 0x061c | 0x115f | 0x1160 | 0x17b4 | 0x17b5 | 0x180b..=0x180f | 0x200b..=0x200f
            | 0x2028..=0x202e | 0x2060..=0x206f | 0x3164 | 0xfe00..=0xfe0f | 0xfeff | 0xffa0 | 0xfff0..=0xfffb
            | 0x1bca0..=0x1bca3 | 0x1d173..=0x1d17a | 0xe0000..=0xe0fff
            // Non-characters are errors in some XML and HTML readers.
            | 0xfdd0..=0xfdef)
        || u32::from(c) & 0xfffe == 0xfffe
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &str, expected: &str) {
        assert_eq!(visible(input, Lines::Show, Limit(12)), expected, "{input:?}");
    }

    #[test]
    fn acting_characters_are_shown() {
        check("plain é 漢字", "plain é 漢字");
        check("a\x1b[31m", "a␛[31m");
        check("a\nb\tc\r", "a␊b␉c␍");
        check("\u{0}\u{7f}\u{85}", "␀␡⟨U+0085⟩");
        check("x\u{202e}y\u{2066}", "x⟨U+202E⟩y⟨U+2066⟩");
        check("\u{feff}\u{e0041}", "⟨U+FEFF⟩⟨U+E0041⟩");
        check("\u{ffff}", "⟨U+FFFF⟩");
    }

    #[test]
    fn long_texts_are_cut_and_say_so() {
        check("123456789012", "123456789012");
        check("1234567890123456", "123456789012… (4 more characters)");
    }

    #[test]
    fn blocks_keep_their_lines() {
        assert_eq!(visible("a\n\tb\r\u{200b}", Lines::Keep, NAME), "a\n\tb␍⟨U+200B⟩");
    }
}
