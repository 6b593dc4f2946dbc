//! What all sources have in common but Vast.ai's, of which one look serves many backends.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use tokio::time::Instant;

use super::super::change::{Actor, Change, Refused, What};
use super::super::discovered::{Discovered, Discovery, Found, addresses};
use super::super::door::Door;
use super::super::jitter::jittered;
use super::super::last_found::place;
use crate::config::model::Discover;

/// What was found is old when this many intervals have brought nothing new, and not before a minute.
const STALE_AFTER: u32 = 6;
const SOONEST_STALE: Duration = Duration::from_secs(60);

/// Where endpoints are learned from.
pub(super) trait Source: Send {
    /// Looks once, and says when it is worth to look again. Nothing that was found before counts.
    ///
    /// # Errors
    ///
    /// It cannot be found out; the text says why, without a secret.
    fn look(&mut self) -> impl Future<Output = Result<Seen, String>> + Send;

    /// Time to the next look after one that failed.
    fn patience(&self) -> Duration;
}

/// What a look has shown.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) found: Vec<Found>,
    /// Worth a look again after this time.
    pub(super) again: Duration,
}

/// Where the finds of one backend go.
#[derive(Debug, Clone)]
pub(super) struct Report {
    pub(super) backend: String,
    pub(super) sights: Arc<ArcSwap<Discovered>>,
    pub(super) door: Door,
    source: &'static str,
    /// Where it is looked for.
    place: String,
    /// What was found is old this long after the next look should have been.
    grace: Duration,
}

impl Report {
    /// What is known of the backend already stays, if it was found in the same place.
    pub(super) fn begin(
        backend: &str,
        discover: &Discover,
        interval: Duration,
        sights: &Arc<ArcSwap<Discovered>>,
        door: &Door,
    ) -> Self {
        let report = Self {
            backend: backend.to_owned(),
            sights: Arc::clone(sights),
            door: door.clone(),
            source: discover.source(),
            place: place(discover),
            grace: (interval * STALE_AFTER).max(SOONEST_STALE),
        };
        report.see(|sight| {
            if sight.place != report.place {
                *sight = report.blank();
            }
        });
        report
    }

    fn blank(&self) -> Discovery {
        Discovery::new(self.source, &self.place, self.grace)
    }

    fn see(&self, alter: impl Fn(&mut Discovery)) {
        self.sights.rcu(|sights| {
            let mut sights = Discovered::clone(sights);
            let sight = sights.entry(self.backend.clone());
            alter(sight.or_insert_with(|| self.blank()));
            sights
        });
    }

    fn seen<T>(&self, read: impl FnOnce(&Discovery) -> T) -> Option<T> {
        self.sights.load().get(&self.backend).map(read)
    }

    /// What was found last.
    pub(super) fn last(&self) -> Vec<Found> {
        self.seen(|sight| sight.found.clone()).unwrap_or_default()
    }

    /// A look has shown this, and the next one comes after `again`.
    ///
    /// # Errors
    ///
    /// [`Refused::Gone`]: nobody wants to know it any more.
    pub(super) async fn found(&self, found: Vec<Found>, again: Duration) -> Result<(), Refused> {
        let what = What::Addresses {
            backend: self.backend.clone(),
            place: self.place.clone(),
            addresses: addresses(&found),
        };
        match self.door.ask(Change::new(what, Actor::Discovery)).await {
            Ok(_) => {}
            Err(Refused::Gone) => return Err(Refused::Gone),
            // The file says something else by now, and so will another look.
            Err(Refused::NotDiscovered(_)) => return Ok(()),
            Err(refused) => {
                self.failed(&format!("what was found cannot be used: {refused}"));
                return Ok(());
            }
        }
        let (since, good_at) = (Instant::now().into_std(), SystemTime::now());
        if self.seen(|sight| sight.error.is_some()) == Some(true) {
            tracing::info!(backend = self.backend, "Endpoints can be looked for again");
        }
        self.see(|sight| {
            sight.found.clone_from(&found);
            sight.good_at = Some(good_at);
            sight.since = since;
            sight.stale_after = again + self.grace;
            sight.error = None;
            sight.looks += 1;
        });
        Ok(())
    }

    /// A look has shown nothing: what was found before holds. Told once for each cause.
    pub(super) fn failed(&self, why: &str) {
        if self.seen(|sight| sight.error.as_deref() == Some(why)) != Some(true) {
            let (backend, source) = (&*self.backend, self.source);
            tracing::error!(
                backend,
                source,
                why,
                "Endpoints cannot be looked for: those that were found last are kept"
            );
        }
        self.see(|sight| {
            sight.error = Some(why.to_owned());
            sight.looks += 1;
            sight.failed += 1;
        });
    }
}

/// Looks until it is dropped.
pub(super) async fn keep_looking(mut source: impl Source, report: Report) {
    loop {
        let pause = match source.look().await {
            Ok(Seen { found, again }) => {
                if report.found(found, again).await.is_err() {
                    return;
                }
                again
            }
            Err(why) => {
                report.failed(&why);
                source.patience()
            }
        };
        tokio::time::sleep(jittered(pause)).await;
    }
}
