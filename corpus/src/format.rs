//! The container of corpora and runs. `FORMAT.md` beside this crate specifies the bytes.
//!
//! A file is a header, frames, and a seal. Frames form segments: bodies, records, and the segment's index.
//! Writers only append, one write a frame, so that whatever was written before a kill is read afterwards.

mod bodies;
mod codec;
mod columns;
mod damage;
mod endpoints;
mod error;
mod exchange_block;
mod exchanges;
mod fields;
mod frame;
mod index;
mod input;
mod joined;
mod layout;
mod output;
mod packed;
mod reader;
mod record;
mod record_read;
mod run_reader;
mod run_record;
mod run_writer;
mod scan;
mod segment;
mod strings;
mod version;
mod view;
mod writer;
#[cfg(test)]
mod writer_tests;

pub use damage::Damage;
pub use error::{FileKind, FormatError, FormatErrorKind};
pub use exchanges::Exchanges;
pub use joined::JoinedIter;
pub use output::Overwrite;
pub(crate) use packed::PackedWriter;
pub use reader::{Bodies, CorpusReader, Stored, Verified};
pub use record::LateResponse;
pub use run_reader::RunReader;
pub use run_writer::RunWriter;
pub use version::Version;
pub use writer::CorpusWriter;
