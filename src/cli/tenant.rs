//! The accounts at Vast.ai that a file means: which API, which key, for which backends.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config::model::VastDiscovery;
use crate::config::{self, Config, Loaded};
use crate::outbound::Outside;
use crate::vast::{Filter, Instance, Key, KeySource, Trouble, TroubleKind, Vast};

const DEFAULT_FILE: &str = "figshift.toml";
const DEFAULT_API: &str = "https://console.vast.ai";
/// A figshift that runs may ask with the same key.
const TRIES: u32 = 4;
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// One account.
#[derive(Debug)]
pub(super) struct Tenant {
    pub(super) api: String,
    pub(super) key: Option<(Vast, KeySource)>,
    /// The backends that ask with it.
    pub(super) backends: Vec<String>,
}

/// The file, if there is one: the one that is named must be there.
///
/// # Errors
///
/// It cannot be read, or is not in order; in words.
pub(super) fn read(file: Option<&PathBuf>) -> Result<Option<(PathBuf, Loaded)>, String> {
    let path = file.map_or(Path::new(DEFAULT_FILE), PathBuf::as_path);
    if file.is_none() && !path.exists() {
        return Ok(None);
    }
    let loaded = config::load(path).map_err(|problems| problems.to_string())?;
    Ok(Some((path.to_owned(), loaded)))
}

/// The backends that learn their endpoints from Vast.ai.
pub(super) fn rented(config: &Config) -> Vec<(&str, &VastDiscovery)> {
    let backends = config.backends.iter();
    let rented = backends.filter_map(|(name, backend)| {
        let vastai = backend.discover.as_ref()?.vastai.as_ref()?;
        Some((name.as_str(), vastai))
    });
    rented.collect()
}

/// The accounts of these backends; without any, the one that the environment says.
pub(super) fn tenants(rented: &[(&str, &VastDiscovery)]) -> Vec<Tenant> {
    let outside = Outside::default();
    let make = |api: &str, found: Option<(Key, KeySource)>, backends| Tenant {
        api: api.to_owned(),
        key: found.map(|(key, source)| (Vast::new(api, key, outside.clone()), source)),
        backends,
    };
    if rented.is_empty() {
        // As for the `vastai` command.
        let api = std::env::var("VAST_URL").ok();
        let api = api.filter(|api| !api.trim().is_empty());
        let api = api.as_deref().map_or(DEFAULT_API, str::trim);
        return vec![make(api, Key::find(None), Vec::new())];
    }
    // Whatever it is called in the file, it is one account by its key.
    let mut known: Vec<(Tenant, Option<Key>)> = Vec::new();
    for (name, vastai) in rented {
        let written = vastai.api_key.as_ref().map(|key| key.expose());
        let found = Key::find(written);
        let key = found.as_ref().map(|(key, _)| key.clone());
        let same = known
            .iter_mut()
            .find(|(tenant, other)| tenant.api == vastai.api && *other == key);
        match same {
            Some((tenant, _)) => tenant.backends.push((*name).to_owned()),
            None => {
                let tenant = make(&vastai.api, found, vec![(*name).to_owned()]);
                known.push((tenant, key));
            }
        }
    }
    known.into_iter().map(|(tenant, _)| tenant).collect()
}

/// All instances of an account. Who is told to ask less often waits, and asks again.
///
/// # Errors
///
/// There is no good answer.
pub(super) async fn instances(vast: &Vast) -> Result<Vec<Instance>, Trouble> {
    let mut tries = 1;
    loop {
        match vast.instances(&Filter::All).await {
            Err(trouble) if trouble.kind() == TroubleKind::Limited && tries < TRIES => {
                let wait = trouble.retry_after().unwrap_or(Duration::from_millis(700));
                tokio::time::sleep(wait.min(LONGEST_WAIT)).await;
                tries += 1;
            }
            answer => return answer,
        }
    }
}

/// `label "llm-prod"`, as a backend chooses its instances.
pub(super) fn choice(vastai: &VastDiscovery) -> String {
    let label = vastai
        .label
        .as_ref()
        .map(|label| format!("label {label:?}"));
    let ids: Vec<_> = vastai.ids.iter().map(u64::to_string).collect();
    let ids = (!ids.is_empty()).then(|| format!("ids {}", ids.join(", ")));
    let template = vastai
        .template
        .as_ref()
        .map(|name| format!("template {name:?}"));
    let all: Vec<_> = label.into_iter().chain(ids).chain(template).collect();
    all.join(" and ")
}

/// What it costs in an hour now: while it is stopped, its storage.
pub(super) fn price(instance: &Instance) -> Option<f64> {
    instance.dollars_per_hour_now()
}
