//! The page: one self-contained file that works offline, without script, on a phone and on paper.

pub(super) mod badge;
pub(super) mod markup;
pub(super) mod page;
mod svg;
