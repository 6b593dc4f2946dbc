//! The text that the sample backends "generate": the same prompt always gives the same words.

use std::hash::Hasher;

use siphasher::sip::SipHasher13;

/// Each idea in the wording of the legacy backend and of its successor.
const WORDS: [[&str; 2]; 24] = [
    ["the", "the"],
    ["a", "one"],
    ["old", "old"],
    ["new", "new"],
    ["tree", "fig"],
    ["grows", "climbs"],
    ["slowly", "gently"],
    ["around", "around"],
    ["its", "its"],
    ["host", "host"],
    ["and", "and"],
    ["roots", "roots"],
    ["reach", "touch"],
    ["deep", "deep"],
    ["into", "into"],
    ["warm", "warm"],
    ["ground", "soil"],
    ["while", "while"],
    ["branches", "branches"],
    ["carry", "bear"],
    ["light", "light"],
    ["quickly", "swiftly"],
    ["until", "until"],
    ["morning", "dawn"],
];

/// Whose wording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Legacy,
    Successor,
}

impl Dialect {
    /// Only the backend called `legacy` speaks the old way.
    pub(super) fn of(backend: &str) -> Self {
        if backend == "legacy" {
            Self::Legacy
        } else {
            Self::Successor
        }
    }
}

/// A number that stands for the prompt.
pub(super) fn fingerprint(prompt: &str) -> u64 {
    let mut hasher = SipHasher13::new();
    hasher.write(prompt.as_bytes());
    hasher.finish()
}

/// `count` tokens for the prompt; all but the first begin with a space, as a tokenizer's would.
pub(super) fn generate(prompt: &str, count: usize, dialect: Dialect) -> Vec<String> {
    let mut state = fingerprint(prompt);
    (0..count)
        .map(|place| {
            // Knuth's 64-bit generator: the high bits are good enough to pick words.
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let pick = (state >> 33) as usize % WORDS.len();
            let [legacy, successor] = WORDS[pick];
            let word = if dialect == Dialect::Legacy {
                legacy
            } else {
                successor
            };
            if place == 0 {
                word.to_owned()
            } else {
                format!(" {word}")
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_prompt_gives_the_same_words() {
        let first = generate("hello", 30, Dialect::Legacy);
        assert_eq!(first, generate("hello", 30, Dialect::Legacy));
        assert_ne!(first, generate("hallo", 30, Dialect::Legacy));
        assert_eq!(first.len(), 30);
    }

    #[test]
    fn the_successor_says_the_same_a_little_differently() {
        let (old, new) = (
            generate("hello", 60, Dialect::Legacy),
            generate("hello", 60, Dialect::Successor),
        );
        let same = old.iter().zip(&new).filter(|(old, new)| old == new).count();
        assert!((1..60).contains(&same), "{same} of 60 words are the same");
    }
}
