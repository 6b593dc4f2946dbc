//! Instances of Vast.ai. All backends with the same key share one look at the list: the API limits how often
//! it is asked for each key and address.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::super::jitter::{jittered, jittered_up};
use super::instances::{Known, filter};
use super::source::Report;
use crate::config::model::VastDiscovery;
use crate::config::scalar::Credential;
use crate::outbound::Outside;
use crate::vast::{Key, Pace, Trouble, TroubleKind, Vast};

/// Between two looks while they fail: this often the interval at most, and no longer than that.
const MOST_PATIENCE: u32 = 8;
const LONGEST_PATIENCE: Duration = Duration::from_secs(60);
/// A quota is said to end at midnight.
const LONGEST_QUOTA: Duration = Duration::from_secs(10 * 60);

/// Whom one look is shared by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) api: String,
    pub(super) api_key: Option<Credential>,
}

impl Account {
    pub(super) fn of(wanted: &VastDiscovery) -> Self {
        Self {
            api: wanted.api.trim_end_matches('/').to_owned(),
            api_key: wanted.api_key.clone().filter(|key| !key.is_empty()),
        }
    }
}

/// So many keys are remembered, the last ones.
const MOST_PACES: usize = 32;

/// The paces of keys, however they were found: neither a file that is saved again nor the same key in two places
/// is a reason to ask sooner. Copies share them.
#[derive(Debug, Clone, Default)]
pub(in crate::control) struct Paces(Arc<Mutex<Vec<OfKey>>>);

#[derive(Debug)]
struct OfKey {
    api: String,
    key: Key,
    pace: Arc<Pace>,
}

impl Paces {
    /// That of a key, which the first one who asks begins.
    pub(in crate::control) fn of(&self, api: &str, key: &Key) -> Arc<Pace> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(one) = known.iter().find(|one| one.api == api && one.key == *key) {
            return Arc::clone(&one.pace);
        }
        if known.len() >= MOST_PACES {
            known.remove(0);
        }
        let pace = Arc::<Pace>::default();
        known.push(OfKey {
            api: api.to_owned(),
            key: key.clone(),
            pace: Arc::clone(&pace),
        });
        pace
    }
}

/// Looks at the list of one account for all backends that have instances there.
pub(super) struct Looker {
    pub(super) account: Account,
    pub(super) backends: Vec<(VastDiscovery, Report)>,
    pub(super) outside: Outside,
    /// They outlive this look: the limits do too.
    pub(super) paces: Paces,
    /// Counts the reasons to look at once.
    pub(super) now: watch::Receiver<u64>,
}

impl Looker {
    /// Looks until it is dropped.
    pub(super) async fn run(mut self) {
        let known = self.backends.iter().map(|(_, report)| report.last());
        let mut known: Vec<Known> = known.map(|last| Known::of(&last)).collect();
        let wanted: Vec<_> = self.backends.iter().map(|(wanted, _)| wanted).collect();
        let filter = filter(&wanted);
        let interval = self
            .backends
            .iter()
            .map(|(wanted, _)| wanted.interval.get());
        let interval = interval.min().unwrap_or(LONGEST_PATIENCE);
        let mut vast: Option<Vast> = None;
        let (mut failures, mut is_told_to_wait) = (0_u32, false);
        loop {
            let asked = match self.client(&mut vast).await {
                Some(vast) => vast.instances(&filter).await.map_err(Some),
                None => Err(None),
            };
            let pause = match asked {
                Ok(rows) => {
                    failures = 0;
                    let now = Instant::now().into_std();
                    for ((wanted, report), known) in self.backends.iter().zip(&mut known) {
                        let found = known.read(wanted, &rows, now);
                        if report.found(found, interval).await.is_err() {
                            return;
                        }
                    }
                    jittered(interval)
                }
                Err(trouble) => {
                    // A key that is refused may have been replaced where it was found.
                    vast.take_if(|_| trouble.as_ref().is_some_and(|trouble| !trouble.may_pass()));
                    self.tell(trouble.as_ref());
                    failures = failures.saturating_add(1);
                    is_told_to_wait = trouble.as_ref().is_some_and(is_limit);
                    jittered_up(patience(interval, failures, trouble.as_ref()))
                }
            };
            self.wait(pause, failures > 0 && is_told_to_wait).await;
        }
    }

    async fn client<'v>(&self, vast: &'v mut Option<Vast>) -> Option<&'v Vast> {
        if vast.is_none() {
            let written = self.account.api_key.clone();
            let find = move || Key::find(written.as_ref().map(|written| written.expose()));
            // It may stand in a file.
            let found = tokio::task::spawn_blocking(find).await.ok().flatten();
            let (key, source) = found?;
            tracing::debug!(%source, "A key for Vast.ai was found");
            let pace = self.paces.of(&self.account.api, &key);
            let made = Vast::new(&self.account.api, key, self.outside.clone());
            *vast = Some(made.paced_by(pace));
        }
        vast.as_ref()
    }

    fn tell(&self, trouble: Option<&Trouble>) {
        let why = match trouble {
            Some(trouble) => format!("{trouble} ({})", trouble.hint()),
            None => "there is no API key (set VAST_API_KEY, or write `api_key`)".to_owned(),
        };
        for (_, report) in &self.backends {
            report.failed(&why);
        }
    }

    /// Waits for the next look, or for a reason to look at once. Whoever was asked too often and wants to be left
    /// alone has a better reason.
    async fn wait(&mut self, pause: Duration, is_told_to_wait: bool) {
        let sleep = tokio::time::sleep(pause);
        if is_told_to_wait {
            sleep.await;
            return;
        }
        tokio::select! {
            () = sleep => {}
            // Without a sender nobody has reasons any more, and the pause goes on.
            changed = self.now.changed() => if changed.is_err() {
                tokio::time::sleep(pause).await;
            },
        }
    }
}

fn is_limit(trouble: &Trouble) -> bool {
    matches!(trouble.kind(), TroubleKind::Limited | TroubleKind::Quota)
}

/// What is asked for is heeded up to an end: a wrong word must not blind anybody for a day.
fn patience(interval: Duration, failures: u32, trouble: Option<&Trouble>) -> Duration {
    let times = 1 << failures.saturating_sub(1).min(MOST_PATIENCE.ilog2());
    let wait = (interval * times).min(LONGEST_PATIENCE.max(interval));
    let told = trouble.and_then(Trouble::retry_after).unwrap_or_default();
    let most = match trouble.map(Trouble::kind) {
        Some(TroubleKind::Quota) => LONGEST_QUOTA,
        _ => LONGEST_PATIENCE,
    };
    wait.max(told.min(most))
}

/// A shared reason to look at once.
pub(super) type Reasons = Arc<watch::Sender<u64>>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_grows_to_an_end() {
        let waits = |interval: u64| {
            let interval = Duration::from_secs(interval);
            [1, 2, 3, 4, 9, u32::MAX].map(|n| patience(interval, n, None).as_secs())
        };
        assert_eq!(waits(5), [5, 10, 20, 40, 40, 40]);
        assert_eq!(waits(10), [10, 20, 40, 60, 60, 60]);
        assert_eq!(waits(300), [300, 300, 300, 300, 300, 300]);
        // What is asked for is heeded up to an end.
        let told = |kind, seconds| {
            let trouble = Trouble::told(kind, Duration::from_secs(seconds));
            patience(Duration::from_secs(5), 1, Some(&trouble)).as_secs()
        };
        assert_eq!(told(TroubleKind::Limited, 17), 17);
        assert_eq!(told(TroubleKind::Limited, 86_400), 60);
        assert_eq!(told(TroubleKind::Down, 3_600), 60);
        assert_eq!(told(TroubleKind::Quota, 86_400), 600);
    }
}
