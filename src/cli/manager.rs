//! What a service manager is told (`sd_notify`): that the house is ready, reads its file again, ends,
//! and lives. Without a manager nothing is said.

use std::sync::Arc;
use std::time::Duration;

use sd_notify::NotifyState;

use crate::stats::{Cells, WorkerCell};

/// Beyond the longest end that the file allows.
const SLACK: Duration = Duration::from_secs(5);

pub(super) fn ready() {
    tell(&[NotifyState::Ready]);
}

/// Between this and [`ready`] the file is read.
pub(super) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::debug!(%error, "There is no clock for the service manager"),
    }
}

/// The house ends, and may take this long.
pub(super) fn stopping(longest: Duration) {
    let micros = u32::try_from((longest + SLACK).as_micros()).unwrap_or(u32::MAX);
    tell(&[
        NotifyState::Stopping,
        NotifyState::ExtendTimeoutUsec(micros),
    ]);
}

/// Tells the manager, if it asks for that, that all workers live: twice in the time after which it
/// would restart the house. Never returns.
pub(super) async fn keep_watched(workers: Arc<Cells<WorkerCell>>) {
    let Some(limit) = sd_notify::watchdog_enabled().filter(|limit| !limit.is_zero()) else {
        return std::future::pending().await;
    };
    let mut seen = ticks(&workers);
    let mut interval = tokio::time::interval(limit / 2);
    interval.tick().await;
    loop {
        interval.tick().await;
        let now = ticks(&workers);
        match seen.iter().zip(&now).position(|(then, now)| then == now) {
            None => tell(&[NotifyState::Watchdog]),
            Some(worker) => tracing::error!(worker, "A worker does not move"),
        }
        seen = now;
    }
}

fn ticks(workers: &Cells<WorkerCell>) -> Vec<u64> {
    let cells = workers.by_worker();
    cells
        .map(|cell| cell.map_or(0, |cell| cell.ticks.get()))
        .collect()
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "The service manager cannot be told");
    }
}
