//! End-to-end stories: the built command line, black box, a module each.

mod support;
