//! Asking the workers what became of a request. They look at the board ten times a second, and there
//! is room for one question on it, so those who ask take turns here.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

use crate::recall::{Board, Found};

/// How often to look whether all have answered.
const LOOK: Duration = Duration::from_millis(20);
/// Ten times what a worker needs that is well.
const PATIENCE: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Debug)]
pub struct Inquirer {
    board: Board,
    turn: Mutex<()>,
}

/// What came of a question.
#[derive(Debug)]
pub(super) enum Told {
    /// Remembered.
    Found(Box<Found>),
    /// No worker remembers it.
    Unknown,
    /// Some worker has not answered, and the others do not remember it.
    Silence,
}

impl Inquirer {
    /// For the board that the workers look at.
    pub fn new(board: Board) -> Self {
        Self {
            board,
            turn: Mutex::new(()),
        }
    }

    /// Waits for its turn and for the workers.
    pub(super) async fn ask(&self, id: &str) -> Told {
        let turn = self.turn.lock().await;
        let asked = self.board.ask(id.as_bytes());
        let end = Instant::now() + PATIENCE;
        while !asked.is_answered() && Instant::now() < end {
            sleep(LOOK).await;
        }
        let told = match asked.newest() {
            Some(found) => Told::Found(Box::new(found)),
            None if asked.is_answered() => Told::Unknown,
            None => Told::Silence,
        };
        // Not the other way round: it would take down the question of the next one.
        drop(asked);
        drop(turn);
        told
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::recall::Memory;
    use crate::stats::Fault;

    /// As a worker does, only more often.
    async fn look(memory: &Memory) {
        loop {
            memory.answer();
            sleep(Duration::from_millis(5)).await;
        }
    }

    #[tokio::test]
    async fn a_worker_that_is_silent_is_waited_for_and_told_of() {
        let board = Board::new(2);
        let inquirer = Inquirer::new(board.clone());
        let memory = Memory::new(board, 0);
        memory.refused(b"known", Duration::ZERO, 0, Fault::BadRequest, 400);
        for (id, is_found) in [("known", true), ("unknown", false)] {
            let asking = inquirer.ask(id);
            let looking = look(&memory);
            let begun = Instant::now();
            let told = tokio::select! { told = asking => told, () = looking => Told::Unknown };
            assert!(begun.elapsed() >= PATIENCE);
            match told {
                Told::Found(found) => assert!(is_found && found.count == 1),
                Told::Silence => assert!(!is_found),
                Told::Unknown => panic!("one worker was not asked"),
            }
        }
    }

    #[tokio::test]
    async fn questions_at_once_do_not_lose_each_other() {
        let board = Board::new(1);
        let inquirer = Arc::new(Inquirer::new(board.clone()));
        let memory = Memory::new(board, 0);
        for n in 0..20 {
            let id = format!("id {n}");
            memory.refused(id.as_bytes(), Duration::ZERO, n, Fault::NoRoute, 404);
        }
        let looking = look(&memory);
        let mut asking = tokio::task::JoinSet::new();
        for n in 0..40 {
            let inquirer = Arc::clone(&inquirer);
            asking.spawn(async move { (n, inquirer.ask(&format!("id {n}")).await) });
        }
        // One that does not wait for its answer is in nobody's way.
        let impatient = Arc::clone(&inquirer);
        drop(tokio::time::timeout(LOOK, impatient.ask("id 0")).await);
        let all = tokio::select! { all = asking.join_all() => all, () = looking => Vec::new() };
        assert_eq!(all.len(), 40);
        for (n, told) in all {
            match told {
                Told::Found(found) => assert_eq!(found.decision.epoch, n),
                other => assert!(n >= 20 && matches!(other, Told::Unknown), "{n}: {other:?}"),
            }
        }
    }
}
