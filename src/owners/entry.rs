//! What memory holds of an id: 36 bytes, whatever the id is.

use super::key::Key;

const DONE: u8 = 1;
const TWIN: u8 = 2;
const UNTOLD: u8 = 4;

/// An id and its owner.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    /// In four parts, since the alignment of a `u128` would cost 12 bytes an entry.
    key: [u32; 4],
    /// When its owner was learned, in unix seconds.
    pub(super) created: u32,
    /// When it is forgotten, in unix seconds.
    pub(super) expires: u32,
    /// Seconds from its last use until then.
    pub(super) ttl: u32,
    /// The number of its rule.
    pub(super) rule: u16,
    /// The number of its backend.
    pub(super) backend: u16,
    flags: u8,
}

impl Entry {
    /// One that is learned now.
    pub(super) fn new(key: Key, rule: u16, backend: u16, ttl: u32, now: u32) -> Self {
        let ttl = ttl.max(1);
        Self {
            key: split(key),
            created: now,
            expires: now.saturating_add(ttl),
            ttl,
            rule,
            backend,
            flags: 0,
        }
    }

    /// Which it is.
    pub(super) fn key(&self) -> Key {
        let [a, b, c, d] = self.key.map(u128::from);
        Key(a << 96 | b << 64 | c << 32 | d)
    }

    /// Nothing more will happen to it.
    pub(super) fn is_done(&self) -> bool {
        self.flags & DONE != 0
    }

    /// See [`Entry::is_done`].
    pub(super) fn set_done(&mut self, is: bool) {
        self.set(DONE, is);
    }

    /// Its owner knows it by another id.
    pub(super) fn has_twin(&self) -> bool {
        self.flags & TWIN != 0
    }

    /// See [`Entry::has_twin`].
    pub(super) fn set_twin(&mut self, is: bool) {
        self.set(TWIN, is);
    }

    /// The text of its id has not reached the disk and is not in memory either.
    pub(super) fn is_untold(&self) -> bool {
        self.flags & UNTOLD != 0
    }

    /// See [`Entry::is_untold`].
    pub(super) fn set_untold(&mut self, is: bool) {
        self.set(UNTOLD, is);
    }

    fn set(&mut self, flag: u8, is: bool) {
        if is {
            self.flags |= flag;
        } else {
            self.flags &= !flag;
        }
    }

    /// Its time is over.
    pub(super) fn is_over(&self, now: u32) -> bool {
        self.expires <= now
    }

    /// Neither done nor over.
    pub(super) fn is_live(&self, now: u32) -> bool {
        !self.is_done() && !self.is_over(now)
    }

    /// It was used. Its time begins again only if an eighth of it has gone since the last time, so that
    /// what is asked for each second is written seldom. Returns whether it did.
    pub(super) fn refresh(&mut self, now: u32) -> bool {
        let fresh = now.saturating_add(self.ttl);
        let is_due = fresh > self.expires && fresh - self.expires > self.ttl / 8;
        if is_due {
            self.expires = fresh;
        }
        is_due
    }
}

fn split(key: Key) -> [u32; 4] {
    [96, 64, 32, 0].map(|shift| (key.0 >> shift) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_small_and_keeps_its_key() {
        assert_eq!(size_of::<Entry>(), 36);
        let key = Key(0x0123_4567_89ab_cdef_0011_2233_4455_6677);
        assert_eq!(Entry::new(key, 1, 2, 3, 4).key(), key);
    }

    #[test]
    fn its_time_begins_again_after_an_eighth_of_it() {
        let mut entry = Entry::new(Key(1), 0, 0, 800, 1_000);
        assert!(!entry.refresh(1_100));
        assert_eq!(entry.expires, 1_800);
        assert!(entry.refresh(1_101));
        assert_eq!(entry.expires, 1_901);
        assert!(!entry.refresh(5), "a clock that went back changes nothing");
    }
}
