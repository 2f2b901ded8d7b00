//! End-to-end stories: the built command line, black box, a module each.

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
