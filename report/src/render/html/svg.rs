//! Drawings: SVG made by this program from numbers alone.

use std::fmt::Write as _;

/// One finished drawing. Only the chart modules make it, and none of them is given captured text.
#[derive(Debug)]
pub(in crate::render) struct Svg(String);

impl Svg {
    /// Wraps a drawing whose every part is a number or a string of the program.
    pub(super) fn of_numbers(svg: String) -> Svg {
        Svg(svg)
    }

    /// The element.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Writes into a drawing; writing into a string cannot fail.
pub(super) fn put(out: &mut String, piece: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(piece);
}
