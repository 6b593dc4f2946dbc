//! From the table to the disk and back: what waits is taken, written in one transaction, and put back if
//! that fails. A change says which key to look at, not what to do: what memory holds then is written.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use redb::ReadableTable;

use super::disk::{About, Disk, told};
use super::entry::Entry;
use super::key::Key;
use super::late::{Line, What};
use super::row::Row;
use super::shard::{Pending, Shard, Told, Twin};
use super::table::Table;
use super::trouble::Trouble;

/// What memory holds of an entry.
#[derive(Debug)]
struct Kept {
    entry: Entry,
    rule: Arc<str>,
    backend: Arc<str>,
    twin: Option<Twin>,
}

/// What waited in a shard, and what memory holds of it.
#[derive(Debug)]
pub(super) struct Batch {
    shard: usize,
    pending: Pending,
    /// By key; what is missing here is gone.
    kept: HashMap<Key, Kept>,
    /// All of the shard, and not only what is pending.
    whole: bool,
}

impl Batch {
    /// Takes what waits in a shard. All of it, if too much has changed to be told one by one.
    pub(super) fn take(table: &Table, index: usize) -> Option<Self> {
        let mut shard = table.shard(index);
        if shard.pending.is_empty() && !shard.whole {
            return None;
        }
        let pending = std::mem::take(&mut shard.pending);
        let whole = std::mem::take(&mut shard.whole);
        let kept = |entry: &Entry| (entry.key(), Kept::of(table, &shard, entry));
        let kept = if whole {
            shard.entries().iter().map(kept).collect()
        } else {
            let entries = pending.keys().filter_map(|key| shard.get(*key));
            entries.map(kept).collect()
        };
        Some(Self {
            shard: index,
            pending,
            kept,
            whole,
        })
    }

    /// How many rows it may write.
    pub(super) fn len(&self) -> usize {
        self.kept.len().max(self.pending.len())
    }

    /// It could not be written: it waits again.
    pub(super) fn put_back(self, table: &Table) {
        let mut shard = table.shard(self.shard);
        shard.whole |= self.whole;
        for (key, told) in self.pending {
            match shard.pending.get_mut(&key) {
                Some(newer) if newer.is_none() => *newer = told,
                Some(_) => {}
                // What was taken has a place, even if as much came meanwhile.
                None => drop(shard.pending.insert(key, told)),
            }
        }
    }

    fn write(&self, table: &Table, rows: &mut Rows<'_, '_>) -> Result<(), Trouble> {
        if self.whole {
            for key in rows.strangers(table.range_of(self.shard), &self.kept)? {
                rows.remove(key)?;
            }
        }
        // In the order of the keys, so that neighbours are written into the same page.
        let mut keys: Vec<Key> = self.pending.keys().copied().collect();
        if self.whole {
            keys = self.kept.keys().copied().collect();
        }
        keys.sort_unstable();
        for key in keys {
            let told = self.pending.get(&key).and_then(Option::as_deref);
            match self.kept.get(&key) {
                Some(kept) => rows.put(key, kept, told)?,
                None => rows.remove(key)?,
            }
        }
        Ok(())
    }
}

impl Kept {
    fn of(table: &Table, shard: &Shard, entry: &Entry) -> Self {
        Self {
            entry: *entry,
            rule: table.rules.name(entry.rule),
            backend: table.backends.name(entry.backend),
            twin: shard.twin(entry.key()).cloned(),
        }
    }
}

/// The rows, in a transaction.
struct Rows<'a, 't> {
    table: &'a mut redb::Table<'t, u128, &'static [u8]>,
    /// The row as it is to be.
    bytes: Vec<u8>,
    /// The row as it was.
    before: Vec<u8>,
}

impl Rows<'_, '_> {
    fn put(&mut self, key: Key, kept: &Kept, told_now: Option<&Told>) -> Result<(), Trouble> {
        // The text of a row stays unless another one is told.
        self.before.clear();
        if told_now.is_none()
            && let Some(value) = self.table.get(key.0).map_err(told)?
        {
            self.before.extend_from_slice(value.value());
        }
        let before = Row::read(&self.before);
        let twin = kept.twin.as_ref();
        let (id, origin) = match (told_now, &before) {
            (Some(text), _) => (&*text.id, &*text.origin),
            (None, Some(row)) => (row.id, row.origin),
            // A twin is the only text that memory keeps for good.
            (None, None) => (twin.map_or(&[][..], |twin| twin.ours.as_bytes()), ""),
        };
        let row = Row {
            created: kept.entry.created,
            expires: kept.entry.expires,
            ttl: kept.entry.ttl,
            done: kept.entry.is_done(),
            rule: &kept.rule,
            backend: &kept.backend,
            id,
            origin,
            theirs: twin.map_or("", |twin| &*twin.theirs),
        };
        if before == Some(row) {
            return Ok(());
        }
        row.write(&mut self.bytes);
        self.table.insert(key.0, &*self.bytes).map_err(told)?;
        Ok(())
    }

    fn remove(&mut self, key: Key) -> Result<(), Trouble> {
        self.table.remove(key.0).map_err(told)?;
        Ok(())
    }

    /// The keys of a range that memory does not hold.
    fn strangers(
        &self,
        (first, last): (Key, Key),
        kept: &HashMap<Key, Kept>,
    ) -> Result<Vec<Key>, Trouble> {
        let mut strangers = Vec::new();
        for found in self.table.range(first.0..=last.0).map_err(told)? {
            let key = Key(found.map_err(told)?.0.value());
            if !kept.contains_key(&key) {
                strangers.push(key);
            }
        }
        Ok(strangers)
    }
}

/// Writes batches in one transaction.
pub(super) fn write(table: &Table, disk: &Disk, batches: &[Batch]) -> Result<(), Trouble> {
    disk.write(
        |entries| {
            let mut rows = Rows {
                table: entries,
                bytes: Vec::new(),
                before: Vec::new(),
            };
            batches
                .iter()
                .try_for_each(|batch| batch.write(table, &mut rows))
        },
        &about(table),
    )
}

/// What waits and can be told in lines, for want of a disk. It waits no longer.
pub(super) fn rest(table: &Table) -> Vec<Line> {
    let batches = (0..table.shards()).filter_map(|shard| Batch::take(table, shard));
    let mut lines = Vec::new();
    for mut batch in batches {
        for (key, told) in batch.pending {
            let (Some(told), Some(kept)) = (told, batch.kept.remove(&key)) else {
                continue;
            };
            let about = |what| Line::about(what, &kept.rule, &told.id, kept.entry.created);
            lines.push(Line {
                backend: kept.backend.to_string(),
                ttl: kept.entry.ttl,
                origin: told.origin.to_string(),
                theirs: kept.twin.as_ref().map(|twin| twin.theirs.to_string()),
                ..about(What::Learned)
            });
            if kept.entry.is_done() {
                lines.push(about(What::Done));
            }
        }
    }
    lines
}

/// What the disk keeps beside the entries.
pub(super) fn about(table: &Table) -> About {
    About {
        secret: *table.secret(),
        since: table.counts.since.load(Relaxed),
        blind_until: table.counts.blind_until.load(Relaxed),
        rules: table.followed.all(),
    }
}

impl Table {
    /// Takes over a row, unless memory knows better. Returns whether it did.
    pub(super) fn take_in(&self, key: Key, row: &Row<'_>, is_first: bool, now: u32) -> bool {
        let numbers = (
            self.rules.number(row.rule),
            self.backends.number(row.backend),
        );
        let (Some(rule), Some(backend)) = numbers else {
            self.counts.refuse(row.expires);
            return false;
        };
        let mut entry = Entry::new(key, rule, backend, row.ttl, row.created);
        entry.expires = row.expires;
        entry.set_done(row.done);
        entry.set_untold(row.id.is_empty());
        self.counts.see_ttl(row.ttl);
        let mut shard = self.shard(self.shard_of(key));
        // In a shard of which more has changed than is told, a row may be of an entry that is gone.
        let is_stale = shard.whole && !is_first;
        if is_stale || shard.slot(key).is_some() || shard.pending.contains_key(&key) {
            return false;
        }
        if !self.admit(&mut shard, entry, now) {
            self.counts.refuse(row.expires);
            return false;
        }
        if !row.theirs.is_empty() {
            let twin = Twin {
                ours: str::from_utf8(row.id).unwrap_or("").into(),
                theirs: row.theirs.into(),
            };
            self.set_twin(&mut shard, key, Some(twin));
        }
        true
    }

    /// All has to be written.
    pub(super) fn mark_all(&self) {
        for index in 0..self.shards() {
            self.shard(index).whole = true;
        }
        self.bell.ring();
    }

    /// A row is over: the disk has to drop it.
    pub(super) fn drop_row(&self, key: Key) {
        let mut shard = self.shard(self.shard_of(key));
        if shard.slot(key).is_none() {
            shard.mark(key, None);
            self.bell.ring();
        }
    }
}

#[cfg(test)]
#[path = "change_tests.rs"]
mod tests;
