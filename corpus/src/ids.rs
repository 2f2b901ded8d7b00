//! Typed identifiers. Each is unique within one file and is shown to people as fixed-width hex.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:016x}", self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = std::num::ParseIntError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                u64::from_str_radix(text, 16).map($name)
            }
        }
    };
}

id! {
    /// One exchange. Derived from the flow, the time of its first packet and its place on the
    /// connection, so that the same capture gives the same ids.
    ExchangeId
}
id! {
    /// One recorded TCP connection.
    ConnectionId
}
id! {
    /// One session: exchanges of one client whose order matters.
    SessionId
}

/// An endpoint of one file: an index into its table of endpoint names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EndpointId(pub u32);

/// The place of one planned request in a plan, counted from 0 in planned order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PlanSeq(pub u64);
