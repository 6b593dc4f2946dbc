//! Keys: a keyed 128-bit hash of rule and id. Who does not know the secret of the state folder cannot
//! make two ids that collide, so a key stands for its id.

use std::fmt;
use std::hash::Hasher;

use siphasher::sip128::{Hasher128, SipHasher24};

/// Stands for a rule and an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Key(pub(super) u128);

impl Key {
    /// The part that an index within a shard goes by.
    pub(super) fn low(self) -> u64 {
        self.0 as u64
    }
}

/// The key of the hash, random per state folder.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Secret([u8; 16]);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    /// A new one.
    pub(super) fn random() -> Self {
        Self(rand::random())
    }

    /// One that was kept.
    pub(super) fn from_number(number: u128) -> Self {
        Self(number.to_le_bytes())
    }

    /// To be kept.
    pub(super) fn as_number(self) -> u128 {
        u128::from_le_bytes(self.0)
    }

    /// Of an id as clients know it.
    pub(super) fn key(&self, rule: &str, id: &[u8]) -> Key {
        self.hash(&[rule.as_bytes(), id])
    }

    /// Of an id as its owner knows it.
    pub(super) fn their_key(&self, rule: &str, backend: &str, theirs: &str) -> Key {
        self.hash(&[rule.as_bytes(), backend.as_bytes(), theirs.as_bytes()])
    }

    fn hash(&self, parts: &[&[u8]]) -> Key {
        let mut hasher = SipHasher24::new_with_key(&self.0);
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                hasher.write(&[0]);
            }
            hasher.write(part);
        }
        Key(hasher.finish128().as_u128())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_and_id_are_apart() {
        let secret = Secret::random();
        assert_ne!(secret.key("jobs", b"1"), secret.key("job", b"s1"));
        assert_eq!(secret.key("jobs", b"1"), secret.key("jobs", b"1"));
        assert_ne!(secret.key("jobs", b"1"), Secret::random().key("jobs", b"1"));
    }
}
