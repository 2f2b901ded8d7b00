//! Renderers: the summary as a page, as JUnit XML, as Markdown and for a terminal.
//!
//! All of them are pure functions of the one value. Captured text is outside text: each renderer has one function
//! that writes it, and none writes it any other way.

mod html;
mod index;
mod number;
mod text;
mod words;

#[cfg(test)]
mod fixture;
// The fixture is also a module of the example that renders it, where `summary` lies elsewhere.
#[cfg(test)]
use crate::summary;

pub use html::html;
pub use index::{IndexPage, IndexRow, index};
