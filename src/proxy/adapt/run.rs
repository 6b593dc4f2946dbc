//! A program on a body: at once where that takes no time, and apart from the worker's other requests where it
//! may take some.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use crate::adapt::Fault;
use crate::proxy::worker::Worker;
use crate::snapshot::{Job, Made, Operation, meaning};
use crate::stats::{Adapted, Direction};

/// A body that is shorter is looked at at once.
const SHORT: usize = 64 * 1024;
/// For so long others of the worker wait for a program.
const SLICE: Duration = Duration::from_millis(2);
/// So long a body waits for its turn beside the worker. An answer that took its backend minutes shall not be lost
/// since some others came with it: that is time for ten programs at least, of which each has a second at most.
const PATIENCE: Duration = Duration::from_secs(5);

/// Runs it, and counts what came of it.
///
/// # Errors
///
/// It has come to nothing.
///
/// # Cancel safety
///
/// Dropping it lets a program that runs apart come to its end or its deadline.
pub(super) async fn run(
    worker: &Worker,
    operation: &Operation,
    direction: Direction,
    job: Job,
    deadline: Duration,
) -> Result<Made, Adapted> {
    let begun = Instant::now();
    let done = done(worker, job, deadline).await;
    let fault = done.as_ref().err().copied();
    count(worker, operation, direction, begun.elapsed(), fault);
    done
}

async fn done(worker: &Worker, job: Job, deadline: Duration) -> Result<Made, Adapted> {
    if job.body.len() <= SHORT && job.coding.is_none() {
        match job.work(SLICE.min(deadline)) {
            Err(Fault::Late) if deadline > SLICE => {}
            done => return done.map_err(|fault| meaning(&fault)),
        }
    }
    let worked = apart(&worker.apart, PATIENCE, move || job.work(deadline)).await?;
    worked.map_err(|fault| meaning(&fault))
}

/// Does some work on another thread, when it has its turn there.
///
/// # Errors
///
/// It had no turn for so long, or came to nothing.
///
/// # Cancel safety
///
/// Dropping it lets work that has begun come to its end, and that keeps its turn until then.
async fn apart<T: Send + 'static>(
    turns: &Arc<Semaphore>,
    patience: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Adapted> {
    let turn = tokio::time::timeout(patience, Arc::clone(turns).acquire_owned()).await;
    let Ok(Ok(turn)) = turn else {
        return Err(Adapted::Busy);
    };
    let worked = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        work()
    });
    // The house ends, or the work has found a way to panic.
    worked.await.map_err(|_| Adapted::Failed)
}

/// Writes into the books what a program came to.
pub(super) fn count(
    worker: &Worker,
    operation: &Operation,
    direction: Direction,
    took: Duration,
    fault: Option<Adapted>,
) {
    let cell = operation.cells.of(worker.index);
    cell.runs[direction as usize][fault.unwrap_or(Adapted::Ok) as usize].add(1);
    cell.time[direction as usize].add(took.as_nanos() as u64);
    if let Some(fault) = fault
        && worker.may_complain()
    {
        let (operation, direction) = (&*operation.name, direction.as_str());
        let fault = fault.as_str();
        tracing::warn!(operation, direction, fault, "A body could not be adapted");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn work_that_nobody_waits_for_keeps_its_turn_to_its_end() {
        let turns = Arc::new(Semaphore::new(1));
        let (begun, has_begun) = oneshot::channel();
        let (end, may_end) = mpsc::channel::<()>();
        let (ended, has_ended) = oneshot::channel();
        let work = move || {
            begun.send(()).unwrap();
            may_end.recv().unwrap();
            ended.send(()).unwrap();
        };
        tokio::select! {
            done = apart(&turns, PATIENCE, work) => panic!("it did not wait: {done:?}"),
            begun = has_begun => begun.unwrap(),
        }
        // That was dropped, as when its client leaves.
        assert_eq!(turns.available_permits(), 0);
        let busy = apart(&turns, Duration::ZERO, || ()).await;
        assert_eq!(busy, Err(Adapted::Busy));
        end.send(()).unwrap();
        let next = apart(&turns, PATIENCE, move || has_ended.blocking_recv()).await;
        assert_eq!(next, Ok(Ok(())), "the other one had ended before");
    }

    #[tokio::test]
    async fn work_that_panics_comes_to_nothing_and_gives_its_turn_back() {
        let turns = Arc::new(Semaphore::new(1));
        let panics = || -> u8 { panic!("as it shall") };
        assert_eq!(apart(&turns, PATIENCE, panics).await, Err(Adapted::Failed));
        assert_eq!(apart(&turns, PATIENCE, || 7).await, Ok(7));
    }
}
