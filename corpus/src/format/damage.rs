//! What a damaged file has lost, named.

use crate::ids::ExchangeId;
use std::fmt;

/// A part of a file that cannot be read, and the exchanges that went with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The segment, counted from 0, where that is known.
    pub segment: Option<u32>,
    /// The record or body block within the segment, counted from 0, where that is known.
    pub block: Option<u32>,
    /// Where in the file, in bytes.
    pub offset: u64,
    /// The exchanges that are lost, or those of them that are known by id.
    pub exchanges: Vec<ExchangeId>,
    /// How many exchanges (in a run: records) are lost; `None` where nobody can know.
    pub count: Option<u64>,
    /// What is wrong.
    pub reason: String,
}

impl Damage {
    pub(super) fn at(offset: u64, reason: impl fmt::Display) -> Damage {
        Damage {
            segment: None,
            block: None,
            offset,
            exchanges: Vec::new(),
            count: None,
            reason: reason.to_string(),
        }
    }

    pub(super) fn in_segment(mut self, segment: u32) -> Damage {
        self.segment = Some(segment);
        self
    }

    pub(super) fn in_block(mut self, block: u32) -> Damage {
        self.block = Some(block);
        self
    }

    pub(super) fn losing(mut self, exchanges: Vec<ExchangeId>) -> Damage {
        self.count = Some(exchanges.len() as u64);
        self.exchanges = exchanges;
        self
    }

    pub(super) fn counting(mut self, count: u64) -> Damage {
        self.count = Some(count);
        self
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMED: usize = 8;
        write!(f, "at byte {}", self.offset)?;
        if let Some(segment) = self.segment {
            write!(f, ", segment {segment}")?;
        }
        if let Some(block) = self.block {
            write!(f, ", block {block}")?;
        }
        write!(f, ": {}; lost: ", self.reason)?;
        match self.count {
            None => f.write_str("an unknown number of records")?,
            Some(0) => f.write_str("no records")?,
            Some(1) => f.write_str("1 record")?,
            Some(count) => write!(f, "{count} records")?,
        }
        for (place, id) in self.exchanges.iter().take(NAMED).enumerate() {
            write!(f, "{}{id}", if place == 0 { " (" } else { ", " })?;
        }
        match self.exchanges.len() {
            0 => Ok(()),
            known if known > NAMED => write!(f, " and {} more)", known - NAMED),
            _ => f.write_str(")"),
        }
    }
}

impl std::error::Error for Damage {}
