//! A part of the table: entries in a dense vector, an index of slots, the ids that owners know them by,
//! and what the disk does not have yet.

use std::collections::HashMap;
use std::sync::Arc;

use hashbrown::HashTable;

use super::entry::Entry;
use super::key::Key;

/// More changes than this wait for the disk as one: all of the shard is written then.
pub(super) const MOST_PENDING: usize = 2_048;
/// How many entries are looked at for one that makes room.
const SAMPLE: usize = 16;

/// The text of an entry, which memory keeps only until the disk has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) id: Box<[u8]>,
    pub(super) origin: Box<str>,
}

/// An id under both its names. Ours is empty if it is not UTF-8: then there is no way back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Twin {
    pub(super) ours: Arc<str>,
    pub(super) theirs: Arc<str>,
}

/// Changes that the disk does not have, by key, with the text if the disk does not have that either.
pub(super) type Pending = HashMap<Key, Option<Box<Told>>>;

/// A part of the table.
#[derive(Debug, Default)]
pub(super) struct Shard {
    entries: Vec<Entry>,
    slots: HashTable<u32>,
    twins: HashMap<Key, Twin>,
    pub(super) pending: Pending,
    /// More has changed than [`Shard::pending`] tells.
    pub(super) whole: bool,
    draw: u64,
}

impl Shard {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Where an entry stands, until the next insertion or removal.
    pub(super) fn slot(&self, key: Key) -> Option<usize> {
        let entries = &self.entries;
        let found = self.slots.find(key.low(), |&slot| {
            entries
                .get(slot as usize)
                .is_some_and(|entry| entry.key() == key)
        });
        found.map(|&slot| slot as usize)
    }

    pub(super) fn get(&self, key: Key) -> Option<&Entry> {
        self.entries.get(self.slot(key)?)
    }

    pub(super) fn get_mut(&mut self, key: Key) -> Option<&mut Entry> {
        let slot = self.slot(key)?;
        self.entries.get_mut(slot)
    }

    /// Adds an entry whose key is not there yet.
    pub(super) fn push(&mut self, entry: Entry) {
        let Ok(slot) = u32::try_from(self.entries.len()) else {
            return;
        };
        if self.entries.len() == self.entries.capacity() {
            // By a quarter and not to the double: slack is memory.
            self.entries.reserve_exact((self.entries.len() / 4).max(64));
        }
        self.entries.push(entry);
        let entries = &self.entries;
        self.slots
            .insert_unique(entry.key().low(), slot, |&slot| low_at(entries, slot));
    }

    /// Takes an entry out; the last one moves to its slot.
    pub(super) fn remove(&mut self, key: Key) -> Option<(Entry, Option<Twin>)> {
        let slot = self.slot(key)?;
        let last = self.entries.len() - 1;
        let entry = self.entries.swap_remove(slot);
        if let Ok(found) = self.slots.find_entry(key.low(), |&at| at as usize == slot) {
            found.remove();
        }
        if let Some(moved) = self.entries.get(slot) {
            let low = moved.key().low();
            if let Some(at) = self.slots.find_mut(low, |&at| at as usize == last) {
                *at = slot as u32;
            }
        }
        Some((entry, self.twins.remove(&key)))
    }

    /// Of some entries by chance the one that is missed least: one that is over, else one that is done,
    /// else the one that is over soonest.
    pub(super) fn least(&mut self, now: u32) -> Option<Key> {
        let len = self.entries.len();
        if len == 0 {
            return None;
        }
        let start = if len <= SAMPLE { 0 } else { self.next_draw() };
        let step = if len <= SAMPLE {
            1
        } else {
            self.next_draw() | 1
        };
        let picked = (0..SAMPLE.min(len) as u64).filter_map(|nth| {
            let at = start.wrapping_add(nth.wrapping_mul(step)) % len as u64;
            self.entries.get(at as usize)
        });
        let least = picked.min_by_key(|entry| {
            let class = match (entry.is_over(now), entry.is_done()) {
                (true, _) => 0,
                (false, true) => 1,
                (false, false) => 2,
            };
            (class, entry.expires)
        });
        least.map(Entry::key)
    }

    /// A step of splitmix64: spread, not secret.
    fn next_draw(&mut self) -> u64 {
        self.draw = self.draw.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.draw;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn twin(&self, key: Key) -> Option<&Twin> {
        self.twins.get(&key)
    }

    /// Sets or clears under which id the owner knows an entry; gives back the former one.
    pub(super) fn set_twin(&mut self, key: Key, twin: Option<Twin>) -> Option<Twin> {
        let entry = self.get_mut(key)?;
        entry.set_twin(twin.is_some());
        match twin {
            Some(twin) => self.twins.insert(key, twin),
            None => self.twins.remove(&key),
        }
    }

    /// Whether another change can be noted by itself.
    pub(super) fn has_room(&self) -> bool {
        self.pending.len() < MOST_PENDING
    }

    /// Notes that the disk has to be told of this key. If too much waits already, the text is lost, and
    /// the entry is marked for it.
    pub(super) fn mark(&mut self, key: Key, told: Option<Box<Told>>) {
        if let Some(waiting) = self.pending.get_mut(&key) {
            if told.is_some() {
                *waiting = told;
            }
            return;
        }
        if self.has_room() {
            self.pending.insert(key, told);
            return;
        }
        self.whole = true;
        if told.is_some()
            && let Some(entry) = self.get_mut(key)
        {
            entry.set_untold(true);
        }
    }
}

fn low_at(entries: &[Entry], slot: u32) -> u64 {
    entries
        .get(slot as usize)
        .map_or(0, |entry| entry.key().low())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(key: u128, ttl: u32) -> Entry {
        Entry::new(Key(key), 0, 0, ttl, 100)
    }

    #[test]
    fn a_removed_entry_leaves_the_others_where_they_are_found() {
        let mut shard = Shard::default();
        // The same low half: the index has to compare.
        let keys: Vec<Key> = (0..200u128).map(|n| Key(n << 64 | (n % 3))).collect();
        for key in &keys {
            shard.push(entry(key.0, 10));
        }
        for (gone, key) in keys.iter().enumerate() {
            assert_eq!(shard.remove(*key).map(|(entry, _)| entry.key()), Some(*key));
            assert!(shard.slot(*key).is_none());
            for left in &keys[gone + 1..] {
                assert_eq!(shard.get(*left).map(Entry::key), Some(*left));
            }
        }
        assert_eq!(shard.len(), 0);
    }

    #[test]
    fn what_is_over_goes_before_what_is_done_before_what_is_over_soonest() {
        let mut shard = Shard::default();
        shard.push(entry(1, 50));
        shard.push(entry(2, 20));
        shard.push(entry(3, 90));
        shard.get_mut(Key(3)).unwrap().set_done(true);
        assert_eq!(shard.least(130), Some(Key(2)), "over");
        assert_eq!(shard.least(110), Some(Key(3)), "done");
        shard.remove(Key(3));
        assert_eq!(shard.least(110), Some(Key(2)), "soonest");
        assert_eq!(Shard::default().least(0), None);
    }

    #[test]
    fn too_many_changes_become_one() {
        let mut shard = Shard::default();
        let told = Told {
            id: Box::default(),
            origin: Box::default(),
        };
        for key in 0..MOST_PENDING as u128 + 1 {
            shard.push(entry(key, 10));
            shard.mark(Key(key), Some(Box::new(told.clone())));
        }
        assert!(shard.whole);
        assert_eq!(shard.pending.len(), MOST_PENDING);
        assert!(!shard.get(Key(0)).unwrap().is_untold());
        assert!(shard.get(Key(MOST_PENDING as u128)).unwrap().is_untold());
    }
}
