//! One reader of the events: first those of the journal, then the live ones, without a gap and none
//! twice. It listens before it reads the journal, and knows by their numbers what it has had.

use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::spawn_blocking;

use super::words;
use crate::api::JournalEntry;
use crate::control::{Entry, Events, read_journal, read_journal_after};

/// Where a reader begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// After the entry with this number.
    After(u64),
    /// With this many of the past.
    Last(usize),
}

/// See the module.
#[derive(Debug)]
pub(super) struct Follower {
    journal: Arc<Path>,
    live: Receiver<Arc<Entry>>,
    /// Read from the journal and not yet given.
    past: VecDeque<Entry>,
    /// The number of the last one that was given, or needs not be.
    given: u64,
    /// Live ones were lost to slowness: the journal has them.
    behind: bool,
}

impl Follower {
    /// # Errors
    ///
    /// The journal cannot be read.
    pub(super) async fn start(
        journal: Arc<Path>,
        events: &Events,
        start: Start,
    ) -> io::Result<Self> {
        let live = events.listen();
        let path = Arc::clone(&journal);
        let (given, past) = reading(move || begin(&path, start)).await?;
        Ok(Self {
            journal,
            live,
            past: past.into(),
            given,
            behind: false,
        })
    }

    /// Waits for the next entry; `Ok(None)` when there will be none. Nothing is lost when the wait is given up.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub(super) async fn next(&mut self) -> io::Result<Option<JournalEntry>> {
        loop {
            if self.behind {
                let (path, given) = (Arc::clone(&self.journal), self.given);
                self.past = reading(move || read_journal_after(&path, given))
                    .await?
                    .into();
                self.behind = false;
            }
            while let Some(entry) = self.past.pop_front() {
                if let Some(told) = self.give(&entry) {
                    return Ok(Some(told));
                }
            }
            match self.live.recv().await {
                Ok(entry) => {
                    if let Some(told) = self.give(&entry) {
                        return Ok(Some(told));
                    }
                }
                Err(RecvError::Lagged(_)) => self.behind = true,
                Err(RecvError::Closed) => return Ok(None),
            }
        }
    }

    fn give(&mut self, entry: &Entry) -> Option<JournalEntry> {
        (entry.seq > self.given).then(|| {
            self.given = entry.seq;
            words::entry(entry)
        })
    }
}

/// What counts as given at the start, and what of the past follows.
fn begin(journal: &Path, start: Start) -> io::Result<(u64, Vec<Entry>)> {
    let seq = |entry: Option<&Entry>| entry.map_or(0, |entry| entry.seq);
    match start {
        Start::Last(most) => {
            let entries = read_journal(journal, most.max(1))?;
            if most == 0 {
                return Ok((seq(entries.last()), Vec::new()));
            }
            Ok((0, entries))
        }
        Start::After(after) => {
            let newest = seq(read_journal(journal, 1)?.last());
            // A number that is not there yet is of another journal: all of this one is news.
            let after = if after > newest { 0 } else { after };
            Ok((after, read_journal_after(journal, after)?))
        }
    }
}

/// Some megabytes at most, but from a disk that may be slow.
async fn reading<T: Send + 'static>(
    read: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    spawn_blocking(read).await.map_err(io::Error::other)?
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::io::Write as _;

    use tempfile::TempDir;

    use super::*;
    use crate::control::{Overrides, Stamp};

    struct House {
        _folder: TempDir,
        journal: Arc<Path>,
        events: Events,
    }

    impl House {
        /// With so many entries in its journal.
        fn with(past: u64) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let house = Self {
                journal: folder.path().join("journal").into(),
                _folder: folder,
                events: Events::new(),
            };
            (1..=past).for_each(|seq| drop(house.write(seq)));
            house
        }

        fn write(&self, seq: u64) -> Entry {
            let entry = Entry {
                seq,
                hard: false,
                epoch: seq,
                what: "shift".to_owned(),
                route: None,
                stamp: Stamp::now("test", ""),
                moves: Vec::new(),
                overrides: Overrides::default(),
            };
            let mut open = OpenOptions::new();
            let mut file = open.append(true).create(true).open(&self.journal).unwrap();
            writeln!(file, "{}", serde_json::to_string(&entry).unwrap()).unwrap();
            entry
        }

        fn happen(&self, seq: u64) {
            self.events.tell(self.write(seq));
        }

        async fn follow(&self, start: Start) -> Follower {
            let journal = Arc::clone(&self.journal);
            Follower::start(journal, &self.events, start).await.unwrap()
        }
    }

    impl Follower {
        async fn seqs(&mut self, count: usize) -> Vec<u64> {
            let mut seqs = Vec::new();
            while seqs.len() < count {
                seqs.push(self.next().await.unwrap().unwrap().seq);
            }
            seqs
        }
    }

    #[tokio::test]
    async fn the_past_as_far_as_asked_and_then_what_happens() {
        for (start, past) in [
            (Start::Last(0), 6..=6),
            (Start::Last(2), 4..=6),
            (Start::Last(9), 1..=6),
            (Start::After(0), 1..=6),
            (Start::After(3), 4..=6),
            (Start::After(5), 6..=6),
            // Of another journal, which had come further.
            (Start::After(6), 1..=6),
        ] {
            let house = House::with(5);
            let mut follower = house.follow(start).await;
            house.happen(6);
            let wanted: Vec<u64> = past.chain([7]).collect();
            house.happen(7);
            assert_eq!(follower.seqs(wanted.len()).await, wanted, "{start:?}");
        }
    }

    #[tokio::test]
    async fn what_is_in_both_is_given_once() {
        let house = House::with(3);
        let mut follower = house.follow(Start::Last(2)).await;
        // It was written before the journal was read, and is told only now.
        let late = house.write(4);
        let mut second = house.follow(Start::After(3)).await;
        house.events.tell(late);
        house.happen(5);
        assert_eq!(follower.seqs(4).await, [2, 3, 4, 5]);
        assert_eq!(second.seqs(2).await, [4, 5]);
    }

    #[tokio::test]
    async fn who_falls_behind_misses_nothing() {
        let house = House::with(0);
        let mut follower = house.follow(Start::Last(0)).await;
        (1..=300).for_each(|seq| house.happen(seq));
        assert_eq!(follower.seqs(100).await, (1..=100).collect::<Vec<_>>());
        (301..=600).for_each(|seq| house.happen(seq));
        assert_eq!(follower.seqs(500).await, (101..=600).collect::<Vec<_>>());
        // A wait that is given up in the middle of the catching up loses nothing.
        (601..=900).for_each(|seq| house.happen(seq));
        let mut next = Box::pin(follower.next());
        let polled = std::future::poll_fn(|cx| std::task::Poll::Ready(next.as_mut().poll(cx)));
        let begin = match polled.await {
            std::task::Poll::Pending => 601,
            // The journal was read that fast.
            std::task::Poll::Ready(entry) => entry.unwrap().unwrap().seq + 1,
        };
        drop(next);
        let rest: Vec<u64> = (begin..=900).collect();
        assert_eq!(follower.seqs(rest.len()).await, rest);
    }

    #[tokio::test]
    async fn it_ends_with_the_house() {
        let House {
            events, journal, ..
        } = House::with(0);
        let start = Follower::start(journal, &events, Start::Last(0));
        let mut follower = start.await.unwrap();
        drop(events);
        assert_eq!(follower.next().await.unwrap(), None);
    }
}
