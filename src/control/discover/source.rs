//! What all sources have in common but Vast.ai's, of which one look serves many backends.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use rand::RngExt as _;
use tokio::time::Instant;

use super::super::change::{Actor, Refused, What};
use super::super::discovered::{Discovered, Discovery, Found};
use super::super::door::Door;

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
    stale_after: Duration,
}

impl Report {
    /// What is known of the backend already stays, if it is from the same kind of source.
    pub(super) fn begin(
        backend: &str,
        source: &'static str,
        stale_after: Duration,
        sights: &Arc<ArcSwap<Discovered>>,
        door: &Door,
    ) -> Self {
        let report = Self {
            backend: backend.to_owned(),
            sights: Arc::clone(sights),
            door: door.clone(),
            source,
            stale_after,
        };
        report.see(|sight| {
            if sight.source != source {
                *sight = Discovery::new(source, stale_after);
            }
            sight.stale_after = stale_after;
        });
        report
    }

    fn see(&self, alter: impl Fn(&mut Discovery)) {
        self.sights.rcu(|sights| {
            let mut sights = Discovered::clone(sights);
            let sight = sights
                .entry(self.backend.clone())
                .or_insert_with(|| Discovery::new(self.source, self.stale_after));
            alter(sight);
            sights
        });
    }

    /// A look has shown this.
    ///
    /// # Errors
    ///
    /// [`Refused::Gone`]: nobody wants to know it any more.
    pub(super) async fn found(&self, found: Vec<Found>) -> Result<(), Refused> {
        let (since, good_at) = (Instant::now().into_std(), SystemTime::now());
        let was = self
            .sights
            .load()
            .get(&self.backend)
            .and_then(|sight| sight.error.clone());
        self.see(|sight| {
            sight.found.clone_from(&found);
            sight.good_at = Some(good_at);
            sight.since = since;
            sight.error = None;
            sight.looks += 1;
        });
        let backend = &*self.backend;
        if was.is_some() {
            tracing::info!(backend, "Endpoints can be looked for again");
        }
        let addresses = (self.sights.load().get(backend)).map(Discovery::addresses);
        let what = What::Addresses {
            backend: self.backend.clone(),
            addresses: addresses.unwrap_or_default(),
        };
        let change = super::super::change::Change::new(what, Actor::Discovery);
        match self.door.ask(change).await {
            Err(Refused::Gone) => Err(Refused::Gone),
            Err(refused) => {
                tracing::error!(backend, %refused, "What was found is not in force");
                Ok(())
            }
            Ok(_) => Ok(()),
        }
    }

    /// A look has shown nothing: what was found before holds. Told once for each cause.
    pub(super) fn failed(&self, why: &str) {
        let sights = self.sights.load();
        let before = sights
            .get(&self.backend)
            .and_then(|sight| sight.error.as_deref());
        if before != Some(why) {
            let backend = &*self.backend;
            let source = self.source;
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
                if report.found(found).await.is_err() {
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

/// Give or take a tenth, so that many proxies do not look in step.
pub(super) fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(rand::rng().random_range(0.9..1.1))
}
