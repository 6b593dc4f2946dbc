//! Which users of a sticky split have been counted in this session: two bits for each of 65 536 groups of
//! users, by bits of the sticky hash that do not decide the side. Users of one group count as one, which loses
//! units and favours no side. The bits are shared by the workers, since a user's connections are: nearly
//! always they are only read.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

const WORDS: usize = (1 << 16) / 64;

/// The bits of one route.
#[derive(Debug)]
pub(super) struct Sessions {
    seen: Box<[AtomicU64]>,
    failed: Box<[AtomicU64]>,
}

impl Default for Sessions {
    fn default() -> Self {
        let zero = || (0..WORDS).map(|_| AtomicU64::new(0)).collect();
        Self {
            seen: zero(),
            failed: zero(),
        }
    }
}

impl Sessions {
    /// Notes that a user was seen; whether for the first time.
    pub(super) fn see(&self, user: u16) -> bool {
        set(&self.seen, user)
    }

    /// Whether a request of the user has gone badly.
    pub(super) fn has_failed(&self, user: u16) -> bool {
        let (word, bit) = place(user);
        self.failed[word].load(Relaxed) & bit != 0
    }

    /// Notes that a request of the user went badly; whether for the first time.
    pub(super) fn fail(&self, user: u16) -> bool {
        set(&self.failed, user)
    }

    /// A new session begins for everybody.
    pub(super) fn clear(&self) {
        for word in self.seen.iter().chain(&self.failed) {
            word.store(0, Relaxed);
        }
    }
}

fn place(user: u16) -> (usize, u64) {
    (usize::from(user) / 64, 1 << (user % 64))
}

fn set(words: &[AtomicU64], user: u16) -> bool {
    let (word, bit) = place(user);
    let word = &words[word];
    // A look first: a write would take the line away from the other workers each time.
    word.load(Relaxed) & bit == 0 && word.fetch_or(bit, Relaxed) & bit == 0
}
