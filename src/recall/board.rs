//! Where the control plane asks the workers. A question hangs on the board until its asker lets it go;
//! each worker passes by with its tick and leaves an answer in a place of its own.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwapOption;

use super::decision::Decision;
use crate::snapshot::Snapshot;

/// The board of a house; copies are the same board.
#[derive(Debug, Clone)]
pub struct Board(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    question: ArcSwapOption<Question>,
    /// Secret, so that no client can choose ids that look the same.
    keys: RandomState,
    workers: usize,
}

#[derive(Debug)]
struct Question {
    id: u64,
    /// One place for each worker; empty until it has looked.
    answers: Box<[OnceLock<Option<Found>>]>,
}

/// What a worker remembers of a request.
#[derive(Debug, Clone)]
pub struct Found {
    /// The newest with that id.
    pub decision: Decision,
    /// It is still on its way.
    pub running: bool,
    /// How many with that id are remembered, this one counted.
    pub count: usize,
    /// The state that it was pinned to, if that is remembered too.
    pub snapshot: Option<Arc<Snapshot>>,
}

impl Board {
    /// For this many workers.
    pub fn new(workers: usize) -> Self {
        Self(Arc::new(Shared {
            question: ArcSwapOption::empty(),
            keys: RandomState::new(),
            workers,
        }))
    }

    /// What stands for a request id.
    pub fn hash(&self, id: &[u8]) -> u64 {
        self.0.keys.hash_one(id)
    }

    /// Hangs up a question for a request. There is room for one: an earlier one that still hangs is
    /// not answered any more, so askers take turns.
    pub fn ask(&self, id: &[u8]) -> Asked {
        let question = Arc::new(Question {
            id: self.hash(id),
            answers: (0..self.0.workers).map(|_| OnceLock::new()).collect(),
        });
        self.0.question.store(Some(question.clone()));
        Asked {
            board: self.clone(),
            question,
        }
    }

    /// A worker passes by: one load, unless there is a question that it has not answered.
    pub(super) fn answer(&self, worker: usize, find: impl FnOnce(u64) -> Option<Found>) {
        let question = self.0.question.load();
        if let Some(question) = &*question
            && let Some(place) = question.answers.get(worker)
        {
            place.get_or_init(|| find(question.id));
        }
    }
}

/// A question that hangs on the board as long as this value lives.
#[derive(Debug)]
pub struct Asked {
    board: Board,
    question: Arc<Question>,
}

impl Asked {
    /// Whether every worker has looked.
    pub fn is_answered(&self) -> bool {
        let mut answers = self.question.answers.iter();
        answers.all(|answer| answer.get().is_some())
    }

    /// The newest that was found so far, with the count over all workers.
    pub fn newest(&self) -> Option<Found> {
        let answers = self.question.answers.iter();
        let found = || answers.clone().filter_map(|answer| answer.get()?.as_ref());
        let newest = found().max_by_key(|found| found.decision.arrived)?;
        Some(Found {
            count: found().map(|found| found.count).sum(),
            ..newest.clone()
        })
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        // Answers hold snapshots, so none is left hanging.
        self.board.0.question.store(None);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn found(id: u64, arrived: u64) -> Found {
        Found {
            decision: Decision::new(id, Duration::from_micros(arrived)),
            running: false,
            count: 2,
            snapshot: None,
        }
    }

    #[test]
    fn the_newest_of_all_workers_is_the_answer() {
        let board = Board::new(3);
        assert_ne!(board.hash(b"one"), board.hash(b"two"));
        let asked = board.ask(b"one");
        assert!(!asked.is_answered() && asked.newest().is_none());
        for (worker, arrived) in [(0, Some(5)), (2, Some(9)), (1, None)] {
            assert!(!asked.is_answered());
            board.answer(worker, |id| {
                assert_eq!(id, board.hash(b"one"));
                arrived.map(|arrived| found(id, arrived))
            });
            board.answer(worker, |_| panic!("asked twice"));
        }
        assert!(asked.is_answered());
        let newest = asked.newest().unwrap();
        assert_eq!((newest.decision.arrived, newest.count), (9, 4));
        drop(asked);
        board.answer(0, |_| panic!("asked nothing"));
    }
}
