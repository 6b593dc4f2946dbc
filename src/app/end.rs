//! How a house ends.

use std::pin::pin;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::App;
use crate::admin;
use crate::config::Config;
use crate::proxy::Life;

/// How much time the file gives at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Patience {
    /// While everybody is still let in.
    delay: Duration,
    /// For what runs then.
    limit: Duration,
}

impl Patience {
    pub(super) fn of(config: &Config) -> Self {
        Self {
            delay: config.listen.drain_delay.get(),
            limit: config.listen.drain.get(),
        }
    }
}

impl App {
    /// Resolves when another process has taken this one's place, which then has to stop.
    pub fn replaced(&self) -> impl Future<Output = ()> + Send + use<> {
        self.successor.comes()
    }

    /// The longest that [`App::stop`] may take, by the file in force.
    pub fn longest_end(&self) -> Duration {
        let patience = *self.patience.borrow();
        patience.delay + patience.limit
    }

    /// Ends the house; see [`App::stop_unless`].
    pub async fn stop(self) -> u64 {
        self.stop_unless(std::future::pending()).await
    }

    /// Ends the house: not ready while clients are asked to leave, then no new connections, and
    /// running requests get the configured time to finish. From the moment that `hurry` completes,
    /// nothing is waited for. Gives the number of answers that were cut.
    pub async fn stop_unless(mut self, hurry: impl Future<Output = ()>) -> u64 {
        let Patience { delay, limit } = *self.patience.borrow();
        let mut hurry = pin!(hurry);
        let mut hurried = false;
        self.leaving.store(true, Ordering::Relaxed);
        // Whoever has taken over is ready, and nobody has to be given time to notice.
        if !delay.is_zero() && !self.successor.is_there() {
            self.life.send_replace(Life::Leaving);
            tokio::select! {
                () = tokio::time::sleep(delay) => {}
                () = self.successor.comes() => {}
                () = &mut hurry => hurried = true,
            }
        }
        // With its copies of the listeners, which would stay open.
        let desk = self.successor.close().await;
        let limit = if hurried { Duration::ZERO } else { limit };
        self.life.send_replace(Life::Draining(limit));
        let threads = std::mem::take(&mut self.threads);
        let mut ended = pin!(tokio::task::spawn_blocking(|| {
            let joined = threads.into_iter().map(std::thread::JoinHandle::join);
            joined.filter(Result::is_err).count()
        }));
        let panics = tokio::select! {
            panics = &mut ended => panics,
            () = &mut hurry, if !hurried => {
                self.life.send_replace(Life::Draining(Duration::ZERO));
                ended.await
            }
        };
        if !matches!(panics, Ok(0)) {
            tracing::error!("A worker has ended in a panic");
        }
        if self.successor.is_there() {
            self.tasks.shutdown().await;
            if let Some(file) = self.socket.take() {
                // The successor may have the socket too, or another one by its file.
                match admin::answers_at(file.path()) {
                    Ok(()) => file.leave(),
                    Err(_) => drop(file),
                }
            }
        } else {
            // While its listener is open.
            drop(self.socket.take());
            self.tasks.shutdown().await;
        }
        // Whoever starts next finds all that was learned.
        let owners = std::sync::Arc::clone(&self.publisher.current().owners);
        if tokio::task::spawn_blocking(move || owners.release())
            .await
            .is_err()
        {
            tracing::error!("The table of owners could not be closed");
        }
        if let Some(desk) = desk {
            desk.remove().await;
        }
        let cut = self.workers.iter().map(|cell| cell.cut_at_end.get()).sum();
        if cut > 0 {
            tracing::warn!(cut, "Answers were cut: they had no more time to finish");
        }
        cut
    }
}
