//! Looks at all entries: how many there are at each backend, and which are over.

use std::collections::HashMap;

use super::entry::Entry;
use super::table::Table;
use super::words::Tally;

const MOST_DROPPED: usize = 1_024;

#[derive(Debug, Default)]
struct Sum {
    live: usize,
    done: usize,
    oldest_live: Option<u32>,
}

impl Table {
    /// Counts all entries, a shard at a time, by rule and backend.
    pub(super) fn tallies(&self, now: u32) -> Vec<Tally> {
        let mut sums: HashMap<(u16, u16), Sum> = HashMap::new();
        for index in 0..self.shards() {
            let shard = self.shard(index);
            for entry in shard.entries().iter().filter(|entry| !entry.is_over(now)) {
                let sum = sums.entry((entry.rule, entry.backend)).or_default();
                sum.add(entry);
            }
        }
        let tallies = sums.into_iter().map(|((rule, backend), sum)| Tally {
            rule: self.rules.name(rule),
            backend: self.backends.name(backend),
            live: sum.live,
            done: sum.done,
            oldest_live: sum.oldest_live,
        });
        let mut tallies: Vec<Tally> = tallies.collect();
        tallies.sort_by(|a, b| (&a.rule, &a.backend).cmp(&(&b.rule, &b.backend)));
        tallies
    }

    /// Drops what is over among at most this many shards, from `cursor` on, which moves. Of one shard at
    /// most [`MOST_DROPPED`] at a time: its lock is not held for long.
    pub(super) fn drop_expired(&self, cursor: &mut usize, shards: usize, now: u32) {
        for _ in 0..shards.min(self.shards()) {
            *cursor = (*cursor + 1) % self.shards();
            let mut shard = self.shard(*cursor);
            let over = shard.entries().iter().filter(|entry| entry.is_over(now));
            let over: Vec<_> = over.map(Entry::key).take(MOST_DROPPED).collect();
            for key in over {
                self.expire(&mut shard, key);
            }
        }
    }
}

impl Sum {
    fn add(&mut self, entry: &Entry) {
        if entry.is_done() {
            self.done += 1;
            return;
        }
        self.live += 1;
        let oldest = self.oldest_live.get_or_insert(entry.created);
        *oldest = entry.created.min(*oldest);
    }
}
