//! Lists the live ids of a backend: which they are is in memory, their text is on disk, or waits for it.

use std::collections::HashMap;
use std::sync::Arc;

use super::disk::Disk;
use super::entry::Entry;
use super::key::Key;
use super::row::Row;
use super::shard::Told;
use super::table::Table;
use super::words::Listed;

/// A live entry, and its text if that has not reached the disk.
struct Live {
    entry: Entry,
    told: Option<Box<Told>>,
    theirs: Option<Arc<str>>,
}

impl Table {
    /// Shows the live ids of a backend. No lock is held while they are shown.
    pub(super) fn each_live(
        &self,
        disk: Option<&Disk>,
        backend: &str,
        now: u32,
        visit: &mut dyn FnMut(Listed<'_>),
    ) {
        let Some(backend) = self.backends.find(backend) else {
            return;
        };
        for index in 0..self.shards() {
            let mut live = self.live_of(index, backend, now);
            if let Some(disk) = disk
                && !live.is_empty()
            {
                let shown = disk.each(self.range_of(index), |key, row| {
                    let is_told = live.get(&key).is_some_and(|live| live.told.is_none());
                    if is_told && let Some(live) = live.remove(&key) {
                        self.show(&live, Some(&row), visit);
                    }
                    true
                });
                if let Err(trouble) = shown {
                    tracing::error!(%trouble, "The ids of owners cannot be read from disk");
                }
            }
            for live in live.values() {
                self.show(live, None, visit);
            }
        }
    }

    fn live_of(&self, index: usize, backend: u16, now: u32) -> HashMap<Key, Live> {
        let shard = self.shard(index);
        let entries = shard.entries().iter();
        let entries = entries.filter(|entry| entry.backend == backend && entry.is_live(now));
        let live = entries.map(|entry| {
            let key = entry.key();
            let live = Live {
                entry: *entry,
                told: shard.pending.get(&key).cloned().flatten(),
                theirs: shard.twin(key).map(|twin| Arc::clone(&twin.theirs)),
            };
            (key, live)
        });
        live.collect()
    }

    fn show(&self, live: &Live, row: Option<&Row<'_>>, visit: &mut dyn FnMut(Listed<'_>)) {
        let id = match (&live.told, row) {
            (Some(told), _) => Some(&*told.id),
            (None, Some(row)) => Some(row.id).filter(|id| !id.is_empty()),
            (None, None) => None,
        };
        let origin = match (&live.told, row) {
            (Some(told), _) => &*told.origin,
            (None, Some(row)) => row.origin,
            (None, None) => "",
        };
        visit(Listed {
            rule: &self.rules.name(live.entry.rule),
            id: id.map(String::from_utf8_lossy).as_deref(),
            created: live.entry.created,
            origin,
            theirs: live.theirs.as_deref(),
        });
    }
}
