//! The parsers against test data from outside: framing cases, fuzzer corpora, bombs and suites.
//!
//! The data is found through `CUTOVER_TEST_DATA`; without it every test here says so and passes, unless
//! `CUTOVER_REQUIRE` names `data`.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests fail, and say what was skipped, like tests"
)]

mod bombs;
mod framing;
mod fuzz;
mod json;
mod jsonpath;
mod llhttp;
mod reader;
mod support;
