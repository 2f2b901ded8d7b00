//! End-to-end stories: the built command line, black box, a module each.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a story that cannot go on fails where it stands, and says so"
)]

mod bad_input;
mod canary;
mod capture;
mod crash;
mod demo;
mod replay;
mod report;
mod schemas;
mod support;
mod verdicts;
