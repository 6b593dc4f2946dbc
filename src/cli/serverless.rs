//! `figshift check --connect` of a Serverless backend: its key, the endpoint, its engine. No worker is asked for:
//! that would be load, and workers would be started for it.

use std::time::{Duration, Instant};

use super::finding::Findings;
use crate::config::model::Serverless;
use crate::config::scalar::Credential;
use crate::outbound::Outside;
use crate::vast::{Key, Vast};

/// For an answer of the engine, whatever it is.
const PATIENCE: Duration = Duration::from_secs(10);
/// So much of it is read.
const LONGEST: usize = 64 * 1024;

/// Looks at a backend that hires workers.
pub(super) async fn of_workers(name: &str, written: &Serverless) -> Findings {
    let endpoint = &written.endpoint;
    let about = format!("backend `{name}`: workers of the Serverless endpoint `{endpoint}`");
    let mut own = Findings::about(about).of(name, None);
    let outside = Outside::default();
    let key = Key::find(written.api_key.as_ref().map(Credential::expose));
    match key {
        None => own.wrong(
            "key",
            "there is no API key",
            "set VAST_API_KEY, or `api_key` of `serverless`",
        ),
        Some((key, source)) => {
            own.ok("key", format!("from {source}"));
            let vast = Vast::new(&written.api, key, outside.clone());
            account(&vast, written, &mut own).await;
        }
    }
    let begun = Instant::now();
    let base = written.engine.trim_end_matches('/');
    let url = format!("{base}/");
    match outside.get(&url, None, LONGEST, PATIENCE).await {
        Ok(answer) => {
            own.ok("engine", format!("{base} answers ({})", answer.status));
            own.took(begun.elapsed());
        }
        Err(error) => {
            let text = format!("{base}: {error}");
            own.unreachable(
                "engine",
                text,
                "check `engine`, the name servers and the way out",
            );
        }
    }
    own
}

/// Whether the account has the endpoint.
async fn account(vast: &Vast, written: &Serverless, own: &mut Findings) {
    let name = &written.endpoint;
    let endpoints = match vast.endpoints().await {
        Ok(endpoints) => endpoints,
        Err(trouble) if trouble.may_pass() => {
            own.unreachable("endpoint", trouble.to_string(), trouble.hint());
            return;
        }
        Err(trouble) => {
            own.wrong("endpoint", trouble.to_string(), trouble.hint());
            return;
        }
    };
    let mut known = endpoints.iter();
    let Some(found) = known.find(|known| known.endpoint_name == *name) else {
        let names: Vec<_> = endpoints
            .iter()
            .map(|known| format!("`{}`", known.endpoint_name))
            .collect();
        let remedy = match names.is_empty() {
            true => "create it at Vast.ai; the account has none".to_owned(),
            false => format!("write one of: {}", names.join(", ")),
        };
        own.wrong("endpoint", format!("the account has no `{name}`"), remedy);
        return;
    };
    if found.api_key.is_none() {
        let remedy = "look at the endpoint at Vast.ai, or give the key the scope `misc`";
        own.wrong("endpoint", format!("no key of `{name}` is told"), remedy);
        return;
    }
    match found.endpoint_state.as_deref() {
        None | Some("active") => own.ok("endpoint", format!("`{name}` is there")),
        Some(state) => own.partly(
            "endpoint",
            format!("`{name}` is {state}"),
            "make it active at Vast.ai, or it has no workers",
        ),
    }
}
