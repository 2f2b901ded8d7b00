//! The summary as one JSON document: what `report --json` prints and what `docs/report.schema.json` describes.

use crate::summary::Summary;

/// The document, indented, with a line end. The same summary gives the same bytes.
pub fn json(summary: &Summary) -> String {
    let mut text =
        serde_json::to_string_pretty(summary).expect("a summary holds only texts, numbers and lists");
    text.push('\n');
    text
}
