//! The table in memory: shards behind a lock each, held for a look or an insertion. It has no clock and
//! knows no disk; it notes what the disk has to be told of.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::bell::Bell;
use super::counts::Counts;
use super::entry::Entry;
use super::followed::Followed;
use super::key::{Key, Secret};
use super::names::Names;
use super::shard::{Shard, Told, Twin};
use super::words::{LONGEST_ID, Learned, Learnt, Owned};

const MOST_SHARDS: usize = 64;
/// Fewer entries than this are not worth another shard.
const WORTH_A_SHARD: usize = 256;

/// All entries.
#[derive(Debug)]
pub(super) struct Table {
    secret: Secret,
    pub(super) capacity: usize,
    len: AtomicUsize,
    shards: Box<[Mutex<Shard>]>,
    pub(super) rules: Names,
    pub(super) backends: Names,
    /// From the id at an owner to the entry. Locked within a shard's lock, never around one.
    theirs: Mutex<HashMap<Key, Key>>,
    pub(super) counts: Counts,
    /// Since when the rules are in force.
    pub(super) followed: Followed,
    /// Whether there is a disk that changes are noted for.
    pub(super) keeps: AtomicBool,
    /// Rung when the first change waits.
    pub(super) bell: Bell,
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Table {
    pub(super) fn new(secret: Secret, capacity: usize, since: u32) -> Self {
        let capacity = capacity.clamp(1, u32::MAX as usize);
        let most = (capacity / WORTH_A_SHARD).clamp(1, MOST_SHARDS);
        // The largest power of two, so that a shard is a range of keys.
        let shards = 1usize << most.ilog2();
        Self {
            secret,
            capacity,
            len: AtomicUsize::new(0),
            shards: (0..shards).map(|_| Mutex::default()).collect(),
            rules: Names::default(),
            backends: Names::default(),
            theirs: Mutex::default(),
            counts: Counts::new(since),
            followed: Followed::default(),
            keeps: AtomicBool::new(false),
            bell: Bell::default(),
        }
    }

    pub(super) fn secret(&self) -> &Secret {
        &self.secret
    }

    pub(super) fn len(&self) -> usize {
        self.len.load(Relaxed)
    }

    /// Changes that wait for the disk; those of a whole shard count as its entries, those of rules as one.
    pub(super) fn behind(&self) -> usize {
        let waiting = |index| {
            let shard = self.shard(index);
            let whole = if shard.whole { shard.len() } else { 0 };
            whole.max(shard.pending.len())
        };
        let rules = usize::from(self.followed.waits());
        (0..self.shards()).map(waiting).sum::<usize>() + rules
    }

    pub(super) fn shards(&self) -> usize {
        self.shards.len()
    }

    pub(super) fn shard_of(&self, key: Key) -> usize {
        // Of 1 shard the shift would be by all bits.
        key.0
            .checked_shr(u128::BITS - self.shards.len().ilog2())
            .unwrap_or(0) as usize
    }

    /// The keys of a shard: from the first to the last.
    pub(super) fn range_of(&self, shard: usize) -> (Key, Key) {
        let bits = u128::BITS - self.shards.len().ilog2();
        let first = (shard as u128).checked_shl(bits).unwrap_or(0);
        let last = first | u128::MAX.checked_shr(u128::BITS - bits).unwrap_or(0);
        (Key(first), Key(last))
    }

    pub(super) fn shard(&self, index: usize) -> MutexGuard<'_, Shard> {
        // An index is made by `shard_of` or counts up to `shards`.
        lock(&self.shards[index])
    }

    fn home(&self, key: Key) -> MutexGuard<'_, Shard> {
        self.shard(self.shard_of(key))
    }

    pub(super) fn find(&self, rule: &str, id: &[u8], now: u32) -> Option<Owned> {
        let key = self.secret.key(rule, id);
        let mut shard = self.home(key);
        let entry = shard.get_mut(key)?;
        if entry.is_over(now) {
            self.expire(&mut shard, key);
            return None;
        }
        let refreshed = entry.refresh(now);
        let entry = *entry;
        // A text that was lost comes back with the first use that finds room for it.
        let heals = entry.is_untold() && shard.has_room();
        if refreshed || heals {
            let told = heals.then(|| told(id, ""));
            self.mark_again(&mut shard, key, told);
        }
        let theirs = entry
            .has_twin()
            .then(|| shard.twin(key).map(|twin| Arc::clone(&twin.theirs)));
        drop(shard);
        Some(Owned {
            backend: self.backends.name(entry.backend),
            theirs: theirs.flatten(),
            done: entry.is_done(),
            created: entry.created,
        })
    }

    pub(super) fn learn(&self, learned: &Learned<'_>, now: u32) -> Learnt {
        if is_too_long(learned) {
            self.counts.refuse(now.saturating_add(learned.ttl));
            return Learnt::TooLong;
        }
        let rule = self.rules.number(learned.rule);
        let backend = self.backends.number(learned.backend);
        let (Some(rule), Some(backend)) = (rule, backend) else {
            self.counts.refuse(now.saturating_add(learned.ttl));
            return Learnt::NoRoom;
        };
        let key = self.secret.key(learned.rule, learned.id);
        let fresh = Entry::new(key, rule, backend, learned.ttl, now);
        self.counts.see_ttl(fresh.ttl);
        let mut shard = self.home(key);
        match shard.get(key) {
            Some(entry) if entry.is_over(now) => self.expire(&mut shard, key),
            // What the former owner calls it means nothing to the next one.
            Some(entry) if entry.backend != backend => self.set_twin(&mut shard, key, None),
            _ => {}
        }
        let known = shard.get_mut(key).map(|entry| {
            let learnt = self.relearn(entry, &fresh, learned);
            (learnt, entry.is_untold() || !learned.origin.is_empty())
        });
        if known.is_none() && !self.admit(&mut shard, fresh, now) {
            self.counts.refuse(fresh.expires);
            return Learnt::NoRoom;
        }
        let (learnt, is_untold) = known.unwrap_or((Learnt::New, true));
        if let Some(theirs) = learned.theirs {
            let is_other = !theirs.is_empty() && theirs.as_bytes() != learned.id;
            let twin = is_other.then(|| Twin {
                ours: str::from_utf8(learned.id).unwrap_or("").into(),
                theirs: theirs.into(),
            });
            self.set_twin(&mut shard, key, twin);
        }
        let told = is_untold.then(|| told(learned.id, learned.origin));
        self.mark_again(&mut shard, key, told);
        learnt
    }

    fn relearn(&self, entry: &mut Entry, fresh: &Entry, learned: &Learned<'_>) -> Learnt {
        if entry.backend != fresh.backend {
            let from = self.backends.name(entry.backend);
            let untold = entry.is_untold();
            *entry = *fresh;
            entry.set_untold(untold);
            return Learnt::Moved { from };
        }
        entry.ttl = fresh.ttl;
        entry.expires = entry.expires.max(fresh.expires);
        if !learned.origin.is_empty() {
            // Made again under the same id: there is work that is not done.
            entry.set_done(false);
        }
        Learnt::Known
    }

    /// Adds an entry that is not there, and takes another one out if there is no room. `false` if there is
    /// none in this shard either.
    pub(super) fn admit(&self, shard: &mut Shard, entry: Entry, now: u32) -> bool {
        let reserved = self.len.fetch_update(Relaxed, Relaxed, |len| {
            (len < self.capacity).then_some(len + 1)
        });
        if reserved.is_err() {
            let Some(least) = shard.least(now) else {
                return false;
            };
            // Its place is given on, and is free for nobody else meanwhile.
            if let Some(gone) = self.extract(shard, least) {
                self.counts.evict(&gone, now);
            }
        }
        shard.push(entry);
        true
    }

    pub(super) fn finish(&self, rule: &str, id: &[u8], now: u32) -> bool {
        let key = self.secret.key(rule, id);
        let mut shard = self.home(key);
        let Some(entry) = shard.get_mut(key).filter(|entry| !entry.is_over(now)) else {
            return false;
        };
        if !entry.is_done() {
            entry.set_done(true);
            let told = entry.is_untold().then(|| told(id, ""));
            self.mark_again(&mut shard, key, told);
        }
        true
    }

    pub(super) fn forget(&self, rule: &str, id: &[u8]) -> bool {
        let key = self.secret.key(rule, id);
        self.take_out(&mut self.home(key), key).is_some()
    }

    /// When the present owner was learned.
    pub(super) fn created(&self, rule: &str, id: &[u8]) -> Option<u32> {
        let key = self.secret.key(rule, id);
        self.home(key).get(key).map(|entry| entry.created)
    }

    pub(super) fn original(&self, rule: &str, backend: &str, theirs: &str) -> Option<Arc<str>> {
        let their_key = self.secret.their_key(rule, backend, theirs);
        let key = *lock(&self.theirs).get(&their_key)?;
        let shard = self.home(key);
        let twin = shard.twin(key)?;
        let is_it = *twin.theirs == *theirs && !twin.ours.is_empty();
        is_it.then(|| Arc::clone(&twin.ours))
    }

    #[cfg(test)]
    pub(super) fn ways_back(&self) -> usize {
        lock(&self.theirs).len()
    }

    /// Sets or clears the id at the owner, both ways.
    pub(super) fn set_twin(&self, shard: &mut Shard, key: Key, twin: Option<Twin>) {
        let Some(entry) = shard.get(key).copied() else {
            return;
        };
        if twin.is_none() && !entry.has_twin() {
            return;
        }
        // A former owner's key is not known any more: what it leads to is compared when it is asked for.
        let new = twin.as_ref().map(|twin| self.their_key(&entry, twin));
        let former = shard.set_twin(key, twin);
        let former = former.map(|twin| self.their_key(&entry, &twin));
        let mut theirs = lock(&self.theirs);
        if let Some(former) = former.filter(|former| theirs.get(former) == Some(&key)) {
            theirs.remove(&former);
        }
        if let Some(new) = new {
            theirs.insert(new, key);
        }
    }

    fn their_key(&self, entry: &Entry, twin: &Twin) -> Key {
        let rule = self.rules.name(entry.rule);
        let backend = self.backends.name(entry.backend);
        self.secret.their_key(&rule, &backend, &twin.theirs)
    }

    pub(super) fn expire(&self, shard: &mut Shard, key: Key) {
        if self.take_out(shard, key).is_some() {
            self.counts.expire();
        }
    }

    fn take_out(&self, shard: &mut Shard, key: Key) -> Option<Entry> {
        let entry = self.extract(shard, key)?;
        self.len.fetch_sub(1, Relaxed);
        Some(entry)
    }

    fn extract(&self, shard: &mut Shard, key: Key) -> Option<Entry> {
        self.set_twin(shard, key, None);
        let (entry, _) = shard.remove(key)?;
        if self.keeps.load(Relaxed) {
            shard.mark(key, None);
            self.bell.ring();
        } else {
            shard.pending.remove(&key);
        }
        Some(entry)
    }

    /// Notes a change of an entry that is there. Without a disk, the text is kept as long as there is room.
    fn mark_again(&self, shard: &mut Shard, key: Key, told: Option<Box<Told>>) {
        let keeps = self.keeps.load(Relaxed);
        if !keeps && told.is_none() {
            return;
        }
        if told.is_some()
            && let Some(entry) = shard.get_mut(key)
        {
            entry.set_untold(false);
        }
        shard.mark(key, told);
        if keeps {
            self.bell.ring();
        }
    }
}

fn told(id: &[u8], origin: &str) -> Box<Told> {
    let end = origin.floor_char_boundary(LONGEST_ID);
    Box::new(Told {
        id: id.into(),
        origin: origin.get(..end).unwrap_or_default().into(),
    })
}

fn is_too_long(learned: &Learned<'_>) -> bool {
    let names = [learned.rule, learned.backend, learned.theirs.unwrap_or("")];
    learned.id.len() > LONGEST_ID || names.iter().any(|name| name.len() > LONGEST_ID)
}
