//! Handing a snapshot from the control plane to the workers. A worker's look costs one atomic load
//! and the copy of an `Rc`: the shared count is touched only when the snapshot has changed.

use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;

use arc_swap::{ArcSwap, Cache};

use super::Snapshot;

/// The write end; the controller has it.
#[derive(Debug, Clone)]
pub struct Publisher(Arc<ArcSwap<Snapshot>>);

impl Publisher {
    /// With a first snapshot.
    pub fn new(first: Snapshot) -> Self {
        first.settle();
        Self(Arc::new(ArcSwap::from_pointee(first)))
    }

    /// Makes a snapshot the one in force.
    pub fn publish(&self, snapshot: Snapshot) {
        snapshot.settle();
        self.0.store(Arc::new(snapshot));
    }

    /// The one in force.
    pub fn current(&self) -> Arc<Snapshot> {
        self.0.load_full()
    }

    /// A read end for one worker.
    pub fn reader(&self) -> Reader {
        let mut cache = Cache::new(Arc::clone(&self.0));
        let pin = Pin(Rc::new(Arc::clone(cache.load())));
        Reader { cache, pin }
    }
}

/// The read end of one worker.
#[derive(Debug)]
pub struct Reader {
    cache: Cache<Arc<ArcSwap<Snapshot>>, Arc<Snapshot>>,
    pin: Pin,
}

impl Reader {
    /// Pins the snapshot in force.
    pub fn pin(&mut self) -> Pin {
        let current = self.cache.load();
        if !Arc::ptr_eq(current, &self.pin.0) {
            self.pin = Pin(Rc::new(Arc::clone(current)));
        }
        self.pin.clone()
    }
}

/// Holds one snapshot for a whole exchange.
#[derive(Debug, Clone)]
#[expect(
    clippy::redundant_allocation,
    reason = "the inner count is shared by all workers, the outer one is this worker's own"
)]
pub struct Pin(Rc<Arc<Snapshot>>);

impl Pin {
    /// The snapshot for somebody outside of this worker. Rare: it touches the shared count.
    pub fn share(&self) -> Arc<Snapshot> {
        Arc::clone(&self.0)
    }
}

impl Deref for Pin {
    type Target = Snapshot;

    fn deref(&self) -> &Snapshot {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_stays_and_the_next_one_follows() {
        let publisher = Publisher::new(Snapshot::empty());
        let mut reader = publisher.reader();
        let old = reader.pin();
        publisher.publish(Snapshot {
            epoch: 1,
            ..Snapshot::empty()
        });
        assert_eq!(old.epoch, 0);
        assert_eq!(reader.pin().epoch, 1);
        assert_eq!(publisher.current().epoch, 1);
    }
}
