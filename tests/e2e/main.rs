//! End-to-end stories: the built command line, black box, a module each.

mod canary;
mod demo;
mod support;
