//! The frame of every page: policy, style, script, nothing from outside the file.
//!
//! The content security policy names the style and the script by their hashes and allows nothing else, so a text that
//! were to break out of its place could neither run nor load anything.

use super::markup::Markup;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("page.js");

/// What the frame needs to know of a page.
pub(in crate::render) struct Frame<'a> {
    /// The document's title.
    pub(in crate::render) title: &'a str,
    /// Version of the tool, for the foot.
    pub(in crate::render) tool_version: &'a str,
}

/// A whole page around a body.
pub(in crate::render) fn page(frame: &Frame<'_>, body: impl FnOnce(&mut Markup)) -> String {
    let mut m = Markup::default();
    m.raw("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    m.raw("<meta http-equiv=\"Content-Security-Policy\"").attr("content", &policy()).raw(">\n");
    m.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    m.raw("<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n");
    m.raw("<meta name=\"robots\" content=\"noindex\">\n");
    m.raw("<title>").text(frame.title).raw("</title>\n");
    m.raw("<style>").raw(STYLE).raw("</style>\n</head>\n<body>\n");
    body(&mut m);
    m.raw("<footer class=\"foot\">Made by cutover ").name(frame.tool_version);
    m.raw(". This file is complete: it loads nothing and sends nothing.</footer>\n");
    m.raw("<script>").raw(SCRIPT).raw("</script>\n</body>\n</html>\n");
    m.into_string()
}

fn policy() -> String {
    format!(
        "default-src 'none'; style-src '{}'; script-src '{}'; img-src data:; base-uri 'none'; form-action 'none'",
        source_hash(STYLE),
        source_hash(SCRIPT)
    )
}

/// A hash source of the policy (CSP level 3, section 2.3.1).
fn source_hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_the_csp_specification() {
        assert_eq!(
            source_hash("alert('Hello, world.');"),
            "sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng="
        );
    }

    #[test]
    fn style_and_script_cannot_end_their_element() {
        for source in [STYLE, SCRIPT] {
            assert!(!source.contains("</") && !source.contains("<!--") && !source.contains('\r'));
        }
    }
}
