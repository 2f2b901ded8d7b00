//! A page under construction. Markup is only ever a string of the program; everything else is written as text.
//!
//! Invariant: no value from outside reaches the page but through [`Markup::text`], [`Markup::block`] and
//! [`Markup::attr`], which all end in one escaping function.

use super::super::text::{Limit, Lines, NAME, SENTENCE, visible};
use super::svg::Svg;

/// HTML so far.
#[derive(Debug, Default)]
pub(in crate::render) struct Markup(String);

impl Markup {
    /// Adds markup. It is `'static`, so that no captured text can come in this way.
    pub(in crate::render) fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Adds a text of one line, at most a sentence long.
    pub(in crate::render) fn text(&mut self, text: &str) -> &mut Self {
        self.limited(text, Lines::Show, SENTENCE)
    }

    /// Adds a text of one line, at most as long as a name.
    pub(in crate::render) fn name(&mut self, text: &str) -> &mut Self {
        self.limited(text, Lines::Show, NAME)
    }

    /// Adds a text that keeps its lines; it has been cut by the caller.
    pub(in crate::render) fn block(&mut self, text: &str) -> &mut Self {
        self.limited(text, Lines::Keep, Limit(usize::MAX))
    }

    /// Adds an attribute to the tag that was just opened.
    pub(in crate::render) fn attr(&mut self, name: &'static str, value: &str) -> &mut Self {
        self.raw(" ").raw(name).raw("=\"");
        self.limited(value, Lines::Show, SENTENCE);
        self.raw("\"")
    }

    /// Adds a drawing.
    pub(in crate::render) fn svg(&mut self, svg: &Svg) -> &mut Self {
        self.0.push_str(svg.as_str());
        self
    }

    /// Bytes so far.
    pub(in crate::render) fn len(&self) -> usize {
        self.0.len()
    }

    /// The page.
    pub(in crate::render) fn into_string(self) -> String {
        self.0
    }

    fn limited(&mut self, text: &str, lines: Lines, limit: Limit) -> &mut Self {
        escape(&mut self.0, &visible(text, lines, limit));
        self
    }
}

/// Escapes for text and for quoted attributes alike.
fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '`' => out.push_str("&#96;"),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &str, text: &str) {
        let mut markup = Markup::default();
        markup.raw("<i").attr("title", input).raw(">").text(input).raw("</i>");
        assert_eq!(markup.into_string(), format!("<i title=\"{text}\">{text}</i>"));
    }

    #[test]
    fn outside_text_is_only_text() {
        check("plain", "plain");
        check("</script><b onx=\"1\">'&`", "&lt;/script&gt;&lt;b onx=&quot;1&quot;&gt;&#39;&amp;&#96;");
        check("a\u{0}\n\u{202e}b", "a␀␊⟨U+202E⟩b");
    }
}
