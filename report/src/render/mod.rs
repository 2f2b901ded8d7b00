//! Renderers: the summary as a page, as JUnit XML, as Markdown and for a terminal.
//!
//! All of them are pure functions of the one value. Captured text is outside text: each renderer has one function
//! that writes it, and none writes it any other way.

mod html;
mod index;
mod json;
mod junit;
mod markdown;
mod number;
mod terminal;
mod text;
mod words;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod hostile;
// The fixture is also a module of the example that renders it, where `summary` lies elsewhere.
#[cfg(test)]
use crate::summary;

pub use html::html;
pub use index::{IndexPage, IndexRow, index};
pub use json::json;
pub use junit::junit;
pub use markdown::markdown;
pub use terminal::{Color, terminal};
