//! How often the API may be asked. A limit there is a least gap between two calls of a kind by one key.

use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard};
use tokio::time::{Instant, sleep_until};

/// A 429 may close a kind of call for so long at most, whatever it says: a wrong word must not blind anybody.
const LONGEST: Duration = Duration::from_secs(60);

/// A kind of call, each with a limit of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    Instances,
    Endpoints,
    Account,
}

impl Asked {
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Instances => "/api/v1/instances/",
            Self::Endpoints => "/api/v0/endptjobs/",
            Self::Account => "/api/v0/users/current/",
        }
    }
}

/// Lets one call of each kind through at a time, and the next one after the gap.
#[derive(Debug)]
pub struct Pace {
    instances: Mutex<Gate>,
    endpoints: Mutex<Gate>,
    account: Mutex<Gate>,
}

#[derive(Debug)]
struct Gate {
    gap: Duration,
    opens: Option<Instant>,
    /// Set by a 429.
    closed_until: Option<Instant>,
}

impl Default for Pace {
    /// The gaps as published; for the account none is, so it gets that of the list.
    fn default() -> Self {
        let second = Duration::from_secs(1);
        Self::with([second, 3 * second, second])
    }
}

/// The right to make a call. The gap begins when it is dropped, which is after the answer: what is measured
/// there is when calls arrive, and a slow one may arrive late.
#[derive(Debug)]
pub(super) struct Turn<'a>(MutexGuard<'a, Gate>);

impl Pace {
    fn with(gaps: [Duration; 3]) -> Self {
        let [instances, endpoints, account] = gaps.map(|gap| {
            Mutex::new(Gate {
                gap,
                opens: None,
                closed_until: None,
            })
        });
        Self {
            instances,
            endpoints,
            account,
        }
    }

    /// Waits for a turn.
    ///
    /// # Errors
    ///
    /// The service has asked for a longer pause, of which so much is left.
    pub(super) async fn turn(&self, asked: Asked) -> Result<Turn<'_>, Duration> {
        let gate = match asked {
            Asked::Instances => &self.instances,
            Asked::Endpoints => &self.endpoints,
            Asked::Account => &self.account,
        };
        let gate = gate.lock().await;
        if let Some(until) = gate.closed_until {
            let left = until.saturating_duration_since(Instant::now());
            if !left.is_zero() {
                return Err(left);
            }
        }
        if let Some(opens) = gate.opens {
            sleep_until(opens).await;
        }
        Ok(Turn(gate))
    }
}

impl Turn<'_> {
    /// Lets nobody through for this time.
    pub(super) fn close(&mut self, wait: Duration) {
        self.0.closed_until = Some(Instant::now() + wait.min(LONGEST));
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.opens = Some(Instant::now() + self.0.gap);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GAP: Duration = Duration::from_millis(40);

    #[tokio::test]
    async fn calls_of_a_kind_keep_their_gap() {
        let pace = Pace::with([GAP, 3 * GAP, GAP]);
        drop(pace.turn(Asked::Instances).await);
        drop(pace.turn(Asked::Endpoints).await);
        drop(pace.turn(Asked::Account).await);
        let begin = Instant::now();
        let turn = pace.turn(Asked::Instances).await;
        assert!(begin.elapsed() > GAP / 2);
        // A slow call: the gap begins after it.
        tokio::time::sleep(5 * GAP).await;
        let end = Instant::now();
        drop(turn);
        drop(pace.turn(Asked::Instances).await);
        assert!(end.elapsed() >= GAP);
        drop(pace.turn(Asked::Endpoints).await);
        let end = Instant::now();
        drop(pace.turn(Asked::Endpoints).await);
        assert!(end.elapsed() > 2 * GAP);
    }

    #[tokio::test]
    async fn a_pause_that_was_asked_for_is_kept() {
        let pace = Pace::with([Duration::ZERO; 3]);
        let mut turn = pace.turn(Asked::Instances).await.unwrap();
        turn.close(GAP);
        drop(turn);
        let left = pace.turn(Asked::Instances).await.unwrap_err();
        assert!(left <= GAP, "{left:?}");
        assert!(pace.turn(Asked::Account).await.is_ok());
        tokio::time::sleep(2 * GAP).await;
        let mut turn = pace.turn(Asked::Instances).await.unwrap();
        turn.close(Duration::from_secs(86_400));
        drop(turn);
        assert!(pace.turn(Asked::Instances).await.unwrap_err() <= LONGEST);
    }
}
