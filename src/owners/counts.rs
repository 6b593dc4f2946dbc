//! What the table counts of itself.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use super::entry::Entry;

/// Counts since the start, and what the disk keeps beside the entries.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) since: AtomicU32,
    pub(super) blind_until: AtomicU32,
    longest_ttl: AtomicU32,
    pub(super) evicted: AtomicU64,
    pub(super) evicted_live: AtomicU64,
    pub(super) expired: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) write_errors: AtomicU64,
    pub(super) late_lines: AtomicU64,
}

impl Counts {
    pub(super) fn new(since: u32) -> Self {
        Self {
            since: AtomicU32::new(since),
            ..Self::default()
        }
    }

    /// Something is not known that would have been live until then.
    pub(super) fn go_blind(&self, until: u32) {
        self.blind_until.fetch_max(until, Relaxed);
    }

    /// An entry lives this long.
    pub(super) fn see_ttl(&self, ttl: u32) {
        if self.longest_ttl.load(Relaxed) < ttl {
            self.longest_ttl.fetch_max(ttl, Relaxed);
        }
    }

    /// Something was lost of which nothing is known: it may have lived as long as any other.
    pub(super) fn lose(&self, now: u32) {
        self.go_blind(now.saturating_add(self.longest_ttl.load(Relaxed)));
    }

    pub(super) fn refuse(&self, until: u32) {
        self.refused.fetch_add(1, Relaxed);
        self.go_blind(until);
    }

    pub(super) fn evict(&self, gone: &Entry, now: u32) {
        if gone.is_over(now) {
            self.expire();
            return;
        }
        self.evicted.fetch_add(1, Relaxed);
        if !gone.is_done() {
            self.evicted_live.fetch_add(1, Relaxed);
            self.go_blind(gone.expires);
        }
    }

    pub(super) fn expire(&self) {
        self.expired.fetch_add(1, Relaxed);
    }

    pub(super) fn fail(&self) {
        self.write_errors.fetch_add(1, Relaxed);
    }

    pub(super) fn late(&self) {
        self.late_lines.fetch_add(1, Relaxed);
    }
}
