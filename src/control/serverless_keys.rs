//! The keys of Serverless endpoints. One is fetched from Vast.ai's API when its backend appears, again long before
//! it ends, and at once when the engine does not take it. Workers find it in its slot; none is in any text.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tokio::task::JoinHandle;

use super::discover::Paces;
use crate::config::Config;
use crate::config::model::{Serverless, ServerlessMode};
use crate::config::scalar::Credential;
use crate::outbound::Outside;
use crate::snapshot::{Backend, KeySlot, Publisher};
use crate::vast::{Key, Vast};

/// How soon a new backend is noticed, and a key that was refused.
const LOOK: Duration = Duration::from_millis(100);
/// Keys end after about a week, and Vast.ai's own client renews them after three days.
const RENEW: Duration = Duration::from_secs(24 * 3600);
/// How soon another key of the account is noticed, which stands in a file.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// Before the next question after some that failed, or some keys that were refused: doubled each time, up to the
/// second. A first key that is refused is replaced at once.
const SOON: Duration = Duration::from_secs(4);
const LATER: Duration = Duration::from_secs(5 * 60);
/// A key that lasts for so long was good.
const LASTS: Duration = Duration::from_secs(10 * 60);

/// Whose keys are kept.
#[derive(Debug, Clone)]
pub struct ServerlessKeys {
    /// Where the slots are.
    pub publisher: Publisher,
    /// What says where the keys are from.
    pub config: Arc<ArcSwap<Config>>,
    /// The client.
    pub outside: Outside,
}

/// Keeps the keys of the Serverless endpoints that the configuration in force names, until it is dropped.
pub async fn keep_serverless_keys(keys: ServerlessKeys) {
    let mut kept: HashMap<String, Keeping> = HashMap::new();
    let paces = Paces::default();
    let mut epoch = None;
    loop {
        let snapshot = keys.publisher.current();
        snapshot.backends.iter().for_each(|backend| trust(backend));
        if epoch != Some(snapshot.epoch) {
            epoch = Some(snapshot.epoch);
            let config = keys.config.load();
            let mut before = std::mem::take(&mut kept);
            for backend in &snapshot.backends {
                let written = config.backends.get(&*backend.name);
                let written = written.and_then(|written| written.serverless.as_ref());
                let (Some(terms), Some(written)) = (&backend.serverless, written) else {
                    continue;
                };
                let keeping = match before.remove(&*backend.name) {
                    Some(known) if Arc::ptr_eq(&known.slot, &terms.key) => known,
                    _ => {
                        Keeping::start(&backend.name, &terms.key, written, (&keys.outside, &paces))
                    }
                };
                kept.insert(backend.name.to_string(), keeping);
            }
            // What nobody needs any more ends here.
            drop(before);
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// A backend that has got its key can be asked, and needs no other proof; nothing rises, since it is as well as
/// before. Without a key its side is bypassed: that it has none yet says nothing of it.
fn trust(backend: &Backend) {
    let terms = backend.serverless.as_ref();
    if terms.is_some_and(|terms| terms.key.get().is_some()) {
        for member in &backend.members {
            member.endpoint.fitness.trust();
        }
    }
}

/// A key that is kept. Ends with its value.
struct Keeping {
    slot: Arc<KeySlot>,
    task: JoinHandle<()>,
}

impl Drop for Keeping {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Keeping {
    fn start(
        backend: &str,
        slot: &Arc<KeySlot>,
        written: &Serverless,
        (outside, paces): (&Outside, &Paces),
    ) -> Self {
        let keeper = Keeper {
            backend: backend.to_owned(),
            slot: Arc::clone(slot),
            written: written.clone(),
            vast: None,
            paces: paces.clone(),
            outside: outside.clone(),
            told: None,
        };
        Self {
            slot: Arc::clone(slot),
            task: tokio::spawn(keeper.run()),
        }
    }
}

/// After so many of them.
fn doubled(times: u32) -> Duration {
    match times {
        0 => Duration::ZERO,
        times => (SOON * 2u32.pow((times - 1).min(8))).min(LATER),
    }
}

fn find(written: &Serverless) -> Option<Key> {
    let key = written.api_key.as_ref().map(Credential::expose);
    Key::find(key).map(|(key, _)| key)
}

/// Keeps the key of one endpoint.
struct Keeper {
    backend: String,
    slot: Arc<KeySlot>,
    written: Serverless,
    /// Made with this key of the account.
    vast: Option<(Vast, Key)>,
    /// All questions by one key keep one pace, whoever asks.
    paces: Paces,
    outside: Outside,
    /// The last trouble that was told.
    told: Option<String>,
}

impl Keeper {
    async fn run(mut self) {
        // How often in a row the key was refused soon, or could not be had.
        let (mut refusals, mut failures) = (0, 0);
        loop {
            let was_refused = self.slot.is_refused();
            let (rest, patience) = match self.fetch().await {
                Ok(key) => {
                    failures = 0;
                    self.slot.set(&key);
                    self.is_well(was_refused);
                    let rest = match self.written.mode {
                        ServerlessMode::Worker => RENEW,
                        ServerlessMode::Openai => LOOK_AGAIN,
                    };
                    (rest, doubled(refusals))
                }
                Err((trouble, wait)) => {
                    failures += 1;
                    self.tell(trouble);
                    let wait = doubled(failures).max(wait.unwrap_or_default());
                    (wait, wait)
                }
            };
            let since = Instant::now();
            while since.elapsed() < rest && !(self.slot.is_refused() && since.elapsed() >= patience)
            {
                tokio::time::sleep(LOOK).await;
            }
            refusals = match self.slot.is_refused() && since.elapsed() < LASTS {
                true => refusals + 1,
                false => 0,
            };
        }
    }

    /// The key.
    ///
    /// # Errors
    ///
    /// Why there is none, in words without a secret, and after which time there may be one.
    async fn fetch(&mut self) -> Result<String, (String, Option<Duration>)> {
        let Some(key) = find(&self.written) else {
            let hint = "no API key: set VAST_API_KEY, or `api_key` of `serverless`";
            return Err((hint.to_owned(), None));
        };
        if self.written.mode == ServerlessMode::Openai {
            return Ok(key.expose().to_owned());
        }
        let vast = match &self.vast {
            Some((vast, known)) if *known == key => vast.clone(),
            // The first one, or the file of the account's key has changed.
            _ => {
                let api = self.written.api.trim_end_matches('/');
                let pace = self.paces.of(api, &key);
                Vast::new(api, key.clone(), self.outside.clone()).paced_by(pace)
            }
        };
        self.vast = Some((vast.clone(), key));
        let endpoints = vast.endpoints().await.map_err(|trouble| {
            let wait = trouble.retry_after();
            (format!("{trouble}: {}", trouble.hint()), wait)
        })?;
        let name = &self.written.endpoint;
        let found = endpoints
            .iter()
            .find(|endpoint| endpoint.endpoint_name == *name);
        let Some(found) = found else {
            let names: Vec<_> = endpoints
                .iter()
                .map(|known| known.endpoint_name.as_str())
                .collect();
            let names = names.join(", ");
            let text = format!("the account has no Serverless endpoint `{name}`; it has: {names}");
            return Err((text, None));
        };
        let state = found.endpoint_state.as_deref().unwrap_or("active");
        if state != "active" {
            let backend = &*self.backend;
            tracing::warn!(
                backend,
                endpoint = name,
                state,
                "A Serverless endpoint is not active"
            );
        }
        match &found.api_key {
            Some(key) => Ok(key.expose().to_owned()),
            None => Err(("the API tells no key of the endpoint".to_owned(), None)),
        }
    }

    fn is_well(&mut self, refused: bool) {
        let (backend, endpoint) = (&*self.backend, &*self.written.endpoint);
        if self.told.take().is_some() || refused {
            tracing::info!(backend, endpoint, "A Serverless endpoint has its key again");
        } else {
            tracing::debug!(backend, endpoint, "A Serverless endpoint has its key");
        }
    }

    /// The same is told once.
    fn tell(&mut self, trouble: String) {
        if self.told.as_ref() != Some(&trouble) {
            let (backend, endpoint) = (&*self.backend, &*self.written.endpoint);
            tracing::warn!(
                backend,
                endpoint,
                trouble,
                "The key of a Serverless endpoint cannot be had"
            );
            self.told = Some(trouble);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_refused_again_and_again_asks_seldom() {
        let seconds: Vec<_> = (0..9).map(|times| doubled(times).as_secs()).collect();
        assert_eq!(seconds, [0, 4, 8, 16, 32, 64, 128, 256, 300]);
        assert_eq!(doubled(u32::MAX), LATER);
    }
}
