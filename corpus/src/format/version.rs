//! The version of the container, as a type with its rule for what a change may do.

use std::fmt;

/// A format version.
///
/// **Bump rule.** `minor` goes up when older readers of the same major still read the file correctly: a new
/// frame kind that they may skip, bytes appended to the seal. `major` goes up for everything else: another
/// record layout, frame layout or meaning. A reader refuses a newer major and reads every older one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// Incompatible changes.
    pub major: u16,
    /// Compatible additions.
    pub minor: u16,
}

impl Version {
    /// What this program writes.
    pub const CURRENT: Version = Version { major: 1, minor: 0 };

    /// Whether this program reads files of this version.
    pub fn is_readable(self) -> bool {
        (1..=Version::CURRENT.major).contains(&self.major)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}
