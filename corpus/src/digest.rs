//! Keyed digests: equal content stays equal inside one file, and says nothing without the key.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A secret key of digests and tokens. Never written anywhere; only its check value is.
#[derive(Clone, PartialEq, Eq)]
pub struct DigestKey([u8; 32]);

impl DigestKey {
    /// A key from 32 bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> DigestKey {
        DigestKey(bytes)
    }

    /// A key derived from text of any length, such as a key file's content.
    pub fn from_secret(secret: &[u8]) -> DigestKey {
        DigestKey(blake3::derive_key("cutover 2026 redaction key", secret))
    }

    /// A key from the operating system's random source.
    ///
    /// # Errors
    /// Where the operating system gives no random bytes.
    pub fn random() -> Result<DigestKey, getrandom::Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        Ok(DigestKey(bytes))
    }

    /// A value by which two files made with one key recognise each other; it does not give the key away.
    pub fn check_value(&self) -> [u8; 8] {
        let digest = blake3::keyed_hash(&self.0, b"check value");
        let mut check = [0; 8];
        check.copy_from_slice(&digest.as_bytes()[..8]);
        check
    }

    /// The digest of `content`.
    pub fn digest(&self, content: &[u8]) -> Digest {
        truncate(&blake3::keyed_hash(&self.0, content))
    }

    /// A digest taken as the content arrives.
    pub fn hasher(&self) -> DigestHasher {
        DigestHasher(blake3::Hasher::new_keyed(&self.0))
    }
}

impl fmt::Debug for DigestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DigestKey(..)")
    }
}

fn truncate(hash: &blake3::Hash) -> Digest {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.as_bytes()[..16]);
    Digest(bytes)
}

/// An incremental [`Digest`].
#[derive(Clone)]
pub struct DigestHasher(blake3::Hasher);

impl DigestHasher {
    /// Takes the next piece of content.
    pub fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// The digest of all pieces so far.
    pub fn finish(&self) -> Digest {
        truncate(&self.0.finalize())
    }
}

/// The first 128 bits of a keyed BLAKE3 digest. Comparable only under one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Digest(pub [u8; 16]);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
