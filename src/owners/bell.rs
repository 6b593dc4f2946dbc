//! Calls the writer when something waits for it, at no cost while it is called already.

use std::sync::atomic::{
    AtomicBool,
    Ordering::{AcqRel, Release},
};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What the writer is asked for, and what it has answered.
#[derive(Debug, Default)]
pub(super) struct Orders {
    /// A change waits.
    pub(super) stirred: bool,
    /// How often a flush was asked for, and the last of them that was answered.
    pub(super) flushes: u64,
    pub(super) flushed: u64,
    /// Whether all was on disk at that answer.
    pub(super) flushed_well: bool,
    /// Let the file go.
    pub(super) release: bool,
    /// It was let go.
    pub(super) released: bool,
    /// Try to open the file, at this time.
    pub(super) retry: Option<u32>,
    /// At the last try another process had it.
    pub(super) is_busy: bool,
    /// Write what waits, and end.
    pub(super) stop: bool,
    /// The writer has ended.
    pub(super) ended: bool,
}

/// Orders and the bell for them.
#[derive(Debug, Default)]
pub(super) struct Bell {
    rung: AtomicBool,
    orders: Mutex<Orders>,
    moved: Condvar,
}

impl Bell {
    /// A change waits. Costs one swap unless it is the first since the writer looked.
    pub(super) fn ring(&self) {
        if !self.rung.swap(true, AcqRel) {
            self.order(|orders| orders.stirred = true);
        }
    }

    /// Before the writer takes what waits: what comes from now on rings again.
    pub(super) fn hush(&self) {
        self.rung.store(false, Release);
    }

    /// Changes the orders and tells all who wait for them.
    pub(super) fn order<T>(&self, change: impl FnOnce(&mut Orders) -> T) -> T {
        let mut orders = self.lock();
        let given = change(&mut orders);
        self.moved.notify_all();
        given
    }

    /// Waits until the orders are as asked, at most `patience`; then looks at or changes them.
    pub(super) fn wait<T>(
        &self,
        patience: Option<Duration>,
        mut until: impl FnMut(&Orders) -> bool,
        then: impl FnOnce(&mut Orders) -> T,
    ) -> T {
        let mut orders = self.lock();
        match patience {
            Some(patience) => {
                let waited = self
                    .moved
                    .wait_timeout_while(orders, patience, |orders| !until(orders));
                orders = waited.unwrap_or_else(PoisonError::into_inner).0;
            }
            None => {
                let waited = self.moved.wait_while(orders, |orders| !until(orders));
                orders = waited.unwrap_or_else(PoisonError::into_inner);
            }
        }
        then(&mut orders)
    }

    fn lock(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
