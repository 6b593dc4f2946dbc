//! The table as the rest of the house sees it.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use super::late::{Late, Line, What};
use super::open::Open;
use super::place::Place;
use super::retry::Retry;
use super::table::{Table, lock};
use super::words::{Health, Learned, Learnt, Listed, Opened, Owned, Settings, Tally};
use super::writer::Slot;

/// Shards that one sweep looks through: all of them in 16 s.
const SWEPT: usize = 4;
/// How long a flush is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Which backend owns which id. Dropping it writes what waits, and waits for that.
#[derive(Debug)]
pub struct Owners {
    pub(super) table: Arc<Table>,
    pub(super) slot: Arc<Slot>,
    pub(super) late: Arc<Late>,
    pub(super) writer: Option<JoinHandle<()>>,
    pub(super) retry: Mutex<Retry>,
    pub(super) released: AtomicBool,
}

impl Owners {
    /// Opens the table of a state folder. It always gives one: what could not be used is told in
    /// [`Opened`]. Waits for a predecessor at most as long as the settings say; reading a million entries
    /// takes some seconds. `now` is in unix seconds, as it is everywhere here.
    pub fn open(settings: Settings, now: u32) -> (Arc<Self>, Opened) {
        Open::run(settings, now)
    }

    /// A table in memory only, for tests and for looking at a file. Its `since` is 0.
    pub fn memory(capacity: usize) -> Arc<Self> {
        Open::memory(capacity, 0)
    }

    /// The owner of an id. Its time to live begins again.
    pub fn find(&self, rule: &str, id: &[u8], now: u32) -> Option<Owned> {
        self.table.find(rule, id, now)
    }

    /// Learns the owner of an id: in memory at once, on disk within about 100 ms and one fsync. Never waits
    /// for the disk, except after [`Owners::release`], when a line is written to `owners.late`.
    pub fn learn(&self, learned: Learned<'_>, now: u32) -> Learnt {
        let learnt = self.table.learn(&learned, now);
        let is_learned = !matches!(learnt, Learnt::TooLong | Learnt::NoRoom);
        // Looked at after the table has it: before the flag, the release writes it.
        if is_learned && self.late.writes() {
            self.late.tell(&self.table, &Line::of(&learned, now));
        }
        learnt
    }

    /// Nothing more will happen to this id: it is no longer live, and its owner is known until it expires.
    /// Returns whether it is known.
    pub fn finish(&self, rule: &str, id: &[u8], now: u32) -> bool {
        let is_known = self.table.finish(rule, id, now);
        if is_known && self.late.writes() {
            let line = Line::about(What::Done, rule, id, now);
            self.late.tell(&self.table, &line);
        }
        is_known
    }

    /// Drops an id. Returns whether it was known.
    pub fn forget(&self, rule: &str, id: &[u8], now: u32) -> bool {
        let is_known = self.table.forget(rule, id);
        if is_known && self.late.writes() {
            let line = Line::about(What::Gone, rule, id, now);
            self.late.tell(&self.table, &line);
        }
        is_known
    }

    /// The id as clients know it, of one that a backend knows by another.
    pub fn original(&self, rule: &str, backend: &str, theirs: &str) -> Option<Arc<str>> {
        self.table.original(rule, backend, theirs)
    }

    /// These rules are in force from now on, and no others: to be told before the first request and with each
    /// change. A rule that was in force without a gap, over restarts too, keeps the time at which it began; one
    /// that comes back begins anew. On disk as soon as what is learned. A name that is too long to be learned by
    /// is left out, and so are more than 4 096 rules.
    pub fn follows(&self, rules: &[&str], now: u32) {
        let changed = self.table.followed.follow(rules, now);
        if self.table.followed.waits() && self.table.keeps.load(Relaxed) {
            self.table.bell.ring();
        }
        if self.late.writes() {
            for rule in changed {
                let line = Line::about(What::Rule, &rule, b"", now);
                self.late.tell(&self.table, &line);
            }
        }
    }

    /// Since when a rule is in force, in unix seconds: what it speaks of and was made before is not known.
    /// `None` if it is not. Never before the table itself began.
    pub fn since(&self, rule: &str) -> Option<u32> {
        let began = self.table.counts.since.load(Relaxed);
        let since = self.table.followed.since(rule)?;
        Some(since.max(began))
    }

    /// Whether a table was left in a state folder, and so may know of something even if no rule is in force.
    pub fn are_left_in(folder: &Path) -> bool {
        Place::new(folder.to_owned()).has_table()
    }

    /// How many ids of each rule each backend owns, in the order of their names. Looks at all entries, a
    /// shard at a time.
    pub fn tallies(&self, now: u32) -> Vec<Tally> {
        self.table.tallies(now)
    }

    /// Whether a backend was ever given anything since this process knows the table.
    pub fn has_any(&self, backend: &str) -> bool {
        self.table.backends.find(backend).is_some()
    }

    /// How the table is.
    pub fn health(&self) -> Health {
        let table = &*self.table;
        let counts = &table.counts;
        Health {
            entries: table.len(),
            capacity: table.capacity,
            since: counts.since.load(Relaxed),
            evicted_live: counts.evicted_live.load(Relaxed),
            evicted: counts.evicted.load(Relaxed),
            blind_until: counts.blind_until.load(Relaxed),
            expired: counts.expired.load(Relaxed),
            refused: counts.refused.load(Relaxed),
            write_errors: counts.write_errors.load(Relaxed),
            behind: match self.late.is_nowhere() {
                true => 0,
                false => table.behind(),
            },
            on_disk: self.is_on_disk(),
            late_lines: counts.late_lines.load(Relaxed),
        }
    }

    fn is_on_disk(&self) -> bool {
        lock(&self.slot).is_some()
    }

    /// To be called each second, by one caller. Drops some of what has expired, tries to open the file
    /// again if there is none, and takes over what a predecessor has written to `owners.late`.
    pub fn sweep(&self, now: u32) {
        let mut retry = lock(&self.retry);
        self.table.drop_expired(&mut retry.swept, SWEPT, now);
        if self.writer.is_none() || self.late.writes() {
            return;
        }
        let is_busy = self.table.bell.order(|orders| orders.is_busy);
        if retry.is_due(self.is_on_disk(), is_busy, now) {
            self.table.bell.order(|orders| orders.retry = Some(now));
        }
        if let Err(error) = retry.take_over(&self.late, &self.table, now) {
            self.table.counts.fail();
            tracing::error!(%error, "What a predecessor tells of owners cannot be read");
        }
    }

    /// Waits until all that was learned before is on disk, at most 10 s. `false` if it is not.
    pub fn flush(&self) -> bool {
        if self.writer.is_none() {
            return false;
        }
        let bell = &self.table.bell;
        let mine = bell.order(|orders| {
            orders.flushes += 1;
            orders.flushes
        });
        bell.wait(
            Some(PATIENCE),
            |orders| orders.flushed >= mine || orders.ended,
            |orders| orders.flushed >= mine && orders.flushed_well,
        )
    }

    /// Writes what waits and lets the file go, for another process; waits for that at most 10 s. What is
    /// learned from now on is written to `owners.late` at once, where that process reads it.
    pub fn release(&self) {
        if self.writer.is_none() || self.released.swap(true, Relaxed) {
            return;
        }
        // First this: what is learned during the last write is told there as well.
        self.late.begin();
        let bell = &self.table.bell;
        bell.order(|orders| orders.release = true);
        bell.wait(
            Some(PATIENCE),
            |orders| orders.released || orders.ended,
            |_| (),
        );
    }

    /// Lists the live ids of a backend, in no order: what would be stranded without it. Reads them from
    /// disk; not for the data plane.
    pub fn each_live(&self, backend: &str, now: u32, mut visit: impl FnMut(Listed<'_>)) {
        let disk = lock(&self.slot).clone();
        let disk = disk.as_deref();
        self.table.each_live(disk, backend, now, &mut visit);
    }
}

impl Drop for Owners {
    fn drop(&mut self) {
        let Some(writer) = self.writer.take() else {
            return;
        };
        self.table.bell.order(|orders| orders.stop = true);
        if writer.join().is_err() {
            tracing::error!("The writer of the table of owners has ended before");
        }
    }
}

#[cfg(test)]
#[path = "bounds_tests.rs"]
mod bounds_tests;
#[cfg(test)]
#[path = "crash_tests.rs"]
mod crash_tests;
#[cfg(test)]
#[path = "damage_tests.rs"]
mod damage_tests;
#[cfg(test)]
#[path = "followed_tests.rs"]
mod followed_tests;
#[cfg(test)]
#[path = "handover_tests.rs"]
mod handover_tests;
#[cfg(test)]
#[path = "model_tests.rs"]
mod model_tests;
#[cfg(test)]
#[path = "restart_tests.rs"]
mod restart_tests;
