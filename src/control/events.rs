//! What happens, told as it happens to whoever listens. The journal has it already, so a listener
//! that falls behind has missed nothing that it could not read there.

use std::sync::Arc;

use tokio::sync::broadcast;

use super::journal::Entry;

/// Entries that a slow listener may be behind.
const BEHIND: usize = 64;

/// Where to listen; cheap to copy.
#[derive(Debug, Clone)]
pub struct Events(broadcast::Sender<Arc<Entry>>);

impl Events {
    pub(crate) fn new() -> Self {
        Self(broadcast::Sender::new(BEHIND))
    }

    /// Tells an entry that is on disk and in force.
    pub(crate) fn tell(&self, entry: Entry) {
        // Mostly nobody listens.
        drop(self.0.send(Arc::new(entry)));
    }

    /// Every entry from now on, each after it is in the journal.
    pub fn listen(&self) -> broadcast::Receiver<Arc<Entry>> {
        self.0.subscribe()
    }
}
