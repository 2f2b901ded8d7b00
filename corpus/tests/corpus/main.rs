//! The file format from outside: what is written is read, and what is broken is named.

mod container;
mod damage;
mod golden;
mod rewrite;
mod secrets;
mod support;
