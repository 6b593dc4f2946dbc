//! Numbers with one writer. An increment is a relaxed load and a relaxed store, not a locked
//! instruction, because no other thread ever writes the same number.

use std::sync::atomic::{
    AtomicI64, AtomicU32, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};

/// Counts up. Only its own worker may call [`Counter::add`].
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub(super) const fn zero() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Adds `n`.
    pub fn add(&self, n: u64) {
        self.0.store(self.0.load(Relaxed).wrapping_add(n), Relaxed);
    }

    /// The count so far.
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// Goes up and down. Only its own worker may change it.
#[derive(Debug, Default)]
pub struct Gauge(AtomicI64);

impl Gauge {
    /// One more.
    pub fn up(&self) {
        self.0.store(self.0.load(Relaxed) + 1, Relaxed);
    }

    /// One less.
    pub fn down(&self) {
        self.0.store(self.0.load(Relaxed) - 1, Relaxed);
    }

    /// So many.
    pub fn set(&self, value: i64) {
        self.0.store(value, Relaxed);
    }

    /// The present value.
    pub fn get(&self) -> i64 {
        self.0.load(Relaxed)
    }
}

/// A count that is started anew, such as that of one second. Only its own worker may change it.
#[derive(Debug, Default)]
pub(super) struct Tally(AtomicU32);

impl Tally {
    pub(super) fn up(&self) {
        self.0
            .store(self.0.load(Relaxed).saturating_add(1), Relaxed);
    }

    /// The same, seen only with all that was written before.
    pub(super) fn up_last(&self) {
        self.0
            .store(self.0.load(Relaxed).saturating_add(1), Release);
    }

    /// The count; all that was written before [`Tally::up_last`] is seen after it.
    pub(super) fn get_first(&self) -> u64 {
        u64::from(self.0.load(Acquire))
    }

    pub(super) fn down(&self) {
        self.0
            .store(self.0.load(Relaxed).saturating_sub(1), Relaxed);
    }

    pub(super) fn clear(&self) {
        self.0.store(0, Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        u64::from(self.0.load(Relaxed))
    }
}
