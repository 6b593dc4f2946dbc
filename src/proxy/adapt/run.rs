//! A program on a body: at once where that takes no time, and apart from the worker's other requests where it
//! may take some.

use std::time::{Duration, Instant};

use crate::adapt::Fault;
use crate::proxy::worker::Worker;
use crate::snapshot::{Job, Made, Operation, meaning};
use crate::stats::{Adapted, Direction};

/// A body that is shorter is looked at at once.
const SHORT: usize = 64 * 1024;
/// For so long others of the worker wait for a program.
const SLICE: Duration = Duration::from_millis(2);

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
    let waited = tokio::time::timeout(deadline, worker.apart.acquire()).await;
    let Ok(Ok(_permit)) = waited else {
        return Err(Adapted::Busy);
    };
    let worked = tokio::task::spawn_blocking(move || job.work(deadline)).await;
    match worked {
        Ok(done) => done.map_err(|fault| meaning(&fault)),
        // The house ends, or the program has found a way to panic.
        Err(_) => Err(Adapted::Failed),
    }
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
