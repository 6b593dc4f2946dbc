//! The thread that writes. It takes all that waits, in one transaction, at most each [`PACE`]: what was
//! learned is on disk within that and one fsync. When the disk fails it lets the file go, memory serves on,
//! what was missed waits, and an order opens the file again.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::change::{self, Batch};
use super::disk::Disk;
use super::late::Late;
use super::place::{Found, Place, Taken};
use super::table::{Table, lock};
use super::trouble::Trouble;

/// The least time from one commit to the next.
const PACE: Duration = Duration::from_millis(100);
/// A transaction takes no more shards once it has this many rows: it must not outgrow memory.
const MOST_ROWS: usize = 32_768;

/// The open file, for the writer and for who lists it.
pub(super) type Slot = Mutex<Option<Arc<Disk>>>;

/// What the writer works with.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) table: Arc<Table>,
    pub(super) place: Place,
    pub(super) slot: Arc<Slot>,
    pub(super) late: Arc<Late>,
    /// Whether what was on disk has been taken over.
    pub(super) loaded: AtomicBool,
    /// Which shard is written next.
    pub(super) next: usize,
}

/// What is to be done next.
#[derive(Debug, Clone, Copy)]
struct Todo {
    retry: Option<u32>,
    flush: Option<u64>,
    release: bool,
    stop: bool,
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(self) -> Result<JoinHandle<()>, Trouble> {
        let thread = thread::Builder::new().name("owners".to_owned());
        Ok(thread.spawn(move || self.run())?)
    }

    fn run(mut self) {
        loop {
            let todo = self.todo();
            let began = Instant::now();
            if let Some(now) = todo.retry {
                self.reopen(now);
            }
            let must_all = todo.flush.is_some() || todo.release || todo.stop;
            let well = self.write(must_all);
            if todo.release || todo.stop {
                self.let_go();
            }
            // Without a disk, what a process knew when it ended is not lost either.
            if todo.release || todo.stop && !well && !self.late.writes() {
                self.tell_rest_late();
            }
            self.table.bell.order(|orders| {
                if let Some(flush) = todo.flush {
                    orders.flushed = flush;
                    orders.flushed_well = well;
                }
                orders.released |= todo.release;
                orders.ended |= todo.stop;
            });
            if todo.stop {
                return;
            }
            let rest = PACE.saturating_sub(began.elapsed());
            self.table.bell.wait(
                Some(rest),
                |orders| orders.flushes > orders.flushed || orders.release || orders.stop,
                |_| (),
            );
        }
    }

    fn todo(&self) -> Todo {
        let has_disk = lock(&self.slot).is_some();
        self.table.bell.wait(
            None,
            |orders| {
                orders.stirred && has_disk
                    || orders.retry.is_some()
                    || orders.flushes > orders.flushed
                    || orders.release
                    || orders.stop
            },
            |orders| Todo {
                retry: {
                    orders.stirred = false;
                    orders.retry.take()
                },
                flush: (orders.flushes > orders.flushed).then_some(orders.flushes),
                release: std::mem::take(&mut orders.release),
                stop: orders.stop,
            },
        )
    }

    /// Writes what waits; all of it, or as much as one transaction takes. Returns whether the disk has it.
    fn write(&mut self, all: bool) -> bool {
        let Some(disk) = lock(&self.slot).clone() else {
            return false;
        };
        self.table.bell.hush();
        let mut left = self.table.shards();
        // With the first transaction, even if nothing else has changed.
        let mut has_rules = self.table.followed.take();
        while left > 0 {
            let batches = self.take(&mut left);
            if batches.is_empty() && !has_rules {
                continue;
            }
            if let Err(trouble) = change::write(&self.table, &disk, &batches) {
                tracing::error!(%trouble, "The table of owners is in memory only: it cannot be written");
                for batch in batches {
                    batch.put_back(&self.table);
                }
                if has_rules {
                    self.table.followed.put_back();
                }
                self.table.counts.fail();
                drop(disk);
                self.let_go();
                return false;
            }
            has_rules = false;
            if !all && left > 0 {
                // The rest after a pause.
                self.table.bell.ring();
                break;
            }
        }
        true
    }

    /// Takes what waits in the next shards, as long as one transaction has room.
    fn take(&mut self, left: &mut usize) -> Vec<Batch> {
        let (mut batches, mut rows) = (Vec::new(), 0);
        while *left > 0 && rows < MOST_ROWS {
            if let Some(batch) = Batch::take(&self.table, self.next) {
                rows += batch.len();
                batches.push(batch);
            }
            self.next = (self.next + 1) % self.table.shards();
            *left -= 1;
        }
        batches
    }

    fn let_go(&self) {
        let disk = lock(&self.slot).take();
        // Who lists it holds it a moment longer.
        if let Some(disk) = disk.and_then(Arc::into_inner)
            && let Err(trouble) = disk.close()
        {
            tracing::warn!(%trouble, "The table of owners was not closed well");
        }
    }

    fn reopen(&self, now: u32) {
        if lock(&self.slot).is_some() {
            return;
        }
        match self.try_open(now) {
            Ok(taken) => {
                tracing::info!(
                    entries = taken.entries,
                    "The table of owners is on disk again"
                );
            }
            Err(Trouble::Busy) => self.table.bell.order(|orders| orders.is_busy = true),
            Err(trouble) => {
                self.table.bell.order(|orders| orders.is_busy = false);
                self.table.counts.fail();
                tracing::warn!(%trouble, "The table of owners stays in memory");
            }
        }
    }

    fn try_open(&self, now: u32) -> Result<Taken, Trouble> {
        let begin = change::about(&self.table);
        let found = self.place.open(&begin, Duration::ZERO, now)?;
        if let (Some(aside), Some(broken)) = (&found.set_aside, &found.broken) {
            tracing::error!(aside = %aside.display(), %broken, "A table of owners was moved aside");
        }
        let taken = adopt(&self.table, &found, &self.loaded, now)?;
        self.place.keep_secret(found.about.secret)?;
        self.late.rewind();
        *lock(&self.slot) = Some(Arc::new(found.disk));
        Ok(taken)
    }

    /// What could not be written before the file was let go is told the other way, as far as its text is
    /// known.
    fn tell_rest_late(&self) {
        self.table.keeps.store(false, Relaxed);
        let lines = change::rest(&self.table);
        let told = lines
            .iter()
            .take_while(|line| self.late.tell(&self.table, line));
        let missed = lines.len() - told.count();
        if missed > 0 {
            tracing::error!(
                missed,
                "Owners are forgotten: neither the disk nor a successor has them"
            );
        }
    }
}

/// Takes over what is in a file that was just opened, and sees to it that the file gets what it lacks.
pub(super) fn adopt(
    table: &Table,
    found: &Found,
    loaded: &AtomicBool,
    now: u32,
) -> Result<Taken, Trouble> {
    if found.about.secret != *table.secret() {
        return Err(Trouble::OtherKey);
    }
    if found.is_new {
        // What memory holds is not in it.
        table.mark_all();
        loaded.store(true, Relaxed);
        return Ok(Taken::default());
    }
    let is_first = !loaded.load(Relaxed);
    let taken = found.load(table, is_first, now)?;
    if is_first {
        table.counts.since.fetch_min(found.about.since, Relaxed);
        table.followed.take_over(&found.about.rules);
    }
    loaded.store(true, Relaxed);
    Ok(taken)
}
