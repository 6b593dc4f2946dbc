//! How a table is opened: it always is, and tells what could not be used.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use super::change::about;
use super::disk::{About, WORTH_COMPACTING};
use super::followed::Begins;
use super::key::Secret;
use super::late::Late;
use super::place::{Found, Place, Taken};
use super::room::Owners;
use super::table::{Table, lock};
use super::trouble::Trouble;
use super::words::{Opened, Settings};
use super::writer::{Slot, Writer, adopt};

/// A table that is being opened.
pub(super) struct Open {
    place: Place,
    table: Arc<Table>,
    slot: Arc<Slot>,
    late: Arc<Late>,
    loaded: AtomicBool,
    opened: Opened,
}

impl Open {
    pub(super) fn run(settings: Settings, now: u32) -> (Arc<Owners>, Opened) {
        let Some(folder) = settings.folder else {
            return (Self::memory(settings.capacity, now), nothing(now));
        };
        let place = Place::new(folder);
        let begin = About {
            secret: place.secret().unwrap_or_else(Secret::random),
            since: now,
            blind_until: 0,
            rules: Begins::new(),
        };
        let found = place.open(&begin, settings.wait, now);
        let secret = found
            .as_ref()
            .map_or(begin.secret, |found| found.about.secret);
        let mut open = Self {
            table: Arc::new(Table::new(secret, settings.capacity, now)),
            slot: Arc::default(),
            late: Arc::new(Late::new(Some(place.late()))),
            loaded: AtomicBool::new(false),
            opened: nothing(now),
            place,
        };
        open.table.keeps.store(true, Relaxed);
        match found {
            Ok(found) => open.load(found, now),
            Err(trouble) => open.opened.memory_only = Some(trouble),
        }
        open.take_over_late(now);
        open.finish()
    }

    pub(super) fn memory(capacity: usize, since: u32) -> Arc<Owners> {
        let table = Arc::new(Table::new(Secret::random(), capacity, since));
        Arc::new(house(
            table,
            Arc::default(),
            Arc::new(Late::new(None)),
            None,
        ))
    }

    /// Takes over what is in the file. If that cannot be read to its end, another file takes its place, and
    /// what was read is kept.
    fn load(&mut self, mut found: Found, now: u32) {
        self.opened.set_aside = found.set_aside.take();
        self.opened.broken = found.broken.take();
        match adopt(&self.table, &found, &self.loaded, now) {
            Ok(taken) => self.accept(found, taken),
            Err(trouble) if trouble.is_the_file() => match self.replace(found, now) {
                Ok(found) => {
                    self.opened.broken = Some(trouble);
                    self.accept(found, Taken::default());
                }
                Err(trouble) => self.opened.memory_only = Some(trouble),
            },
            Err(trouble) => self.opened.memory_only = Some(trouble),
        }
    }

    fn replace(&mut self, found: Found, now: u32) -> Result<Found, Trouble> {
        found.disk.close()?;
        let mut found = self.place.begin_anew(&about(&self.table), now)?;
        self.opened.set_aside = found.set_aside.take();
        adopt(&self.table, &found, &self.loaded, now)?;
        Ok(found)
    }

    fn accept(&mut self, mut found: Found, taken: Taken) {
        self.opened.entries = taken.entries;
        self.opened.expired = taken.expired;
        if let Err(trouble) = self.place.keep_secret(found.about.secret) {
            tracing::warn!(%trouble, "A successor will have to wait for the table of owners");
        }
        if let Err(trouble) = found.disk.compact(&self.place.table(), WORTH_COMPACTING) {
            tracing::warn!(%trouble, "The table of owners stays as large as it is");
        }
        *lock(&self.slot) = Some(Arc::new(found.disk));
    }

    fn take_over_late(&mut self, now: u32) {
        loop {
            match self.late.take_over(&self.table, now) {
                Ok(0) => return,
                Ok(lines) => self.opened.late += lines,
                Err(error) => {
                    self.table.counts.fail();
                    tracing::error!(%error, "What a predecessor tells of owners cannot be read");
                    return;
                }
            }
        }
    }

    fn finish(mut self) -> (Arc<Owners>, Opened) {
        let writer = Writer {
            table: Arc::clone(&self.table),
            place: self.place,
            slot: Arc::clone(&self.slot),
            late: Arc::clone(&self.late),
            loaded: self.loaded,
            next: 0,
        };
        let writer = match writer.start() {
            Ok(thread) => Some(thread),
            Err(trouble) => {
                self.table.keeps.store(false, Relaxed);
                lock(&self.slot).take();
                self.opened.memory_only = Some(trouble);
                None
            }
        };
        self.opened.since = self.table.counts.since.load(Relaxed);
        let owners = house(self.table, self.slot, self.late, writer);
        (Arc::new(owners), self.opened)
    }
}

fn house(
    table: Arc<Table>,
    slot: Arc<Slot>,
    late: Arc<Late>,
    writer: Option<JoinHandle<()>>,
) -> Owners {
    Owners {
        table,
        slot,
        late,
        writer,
        retry: Mutex::default(),
        released: AtomicBool::new(false),
    }
}

fn nothing(since: u32) -> Opened {
    Opened {
        entries: 0,
        expired: 0,
        late: 0,
        set_aside: None,
        broken: None,
        memory_only: None,
        since,
    }
}
