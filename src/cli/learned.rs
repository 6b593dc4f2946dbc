//! The lines of `status` about endpoints that are learned, and about workers that are hired.

use super::columns::plain;
use crate::api::{DiscoveryState, KeyState, ServerlessState, State};

/// More than these are counted.
const MOST_SHOWN: usize = 20;

/// A line for each backend that learns its endpoints, and one for each thing that it has found.
pub(super) fn lines(state: &State) -> String {
    let mut text = String::new();
    for (name, backend) in &state.backends {
        if let Some(serverless) = &backend.serverless {
            text += &format!("backend {name} {}\n", plain(&rented(serverless)));
        }
        let Some(discovery) = &backend.discovery else {
            continue;
        };
        text += &format!("backend {name} {}\n", plain(&summary(discovery)));
        for found in discovery.found.iter().take(MOST_SHOWN) {
            let ready = match (found.ready, &*found.state) {
                (true, "running") => "ready",
                (true, state) => state,
                (false, "running") => "not ready",
                (false, state) => state,
            };
            let price = found
                .dollars_per_hour
                .map(|dollars| format!(", ${dollars:.4}/h"));
            let note = match &*found.note {
                "" => String::new(),
                note => format!(": {}", note.trim_start_matches("not ready: ")),
            };
            let at = found.url.as_deref().filter(|url| *url != found.key);
            let at = at.map(|url| format!(" at {url}")).unwrap_or_default();
            let line = format!(
                "{}{at}{}, {ready}{note}",
                found.key,
                price.unwrap_or_default()
            );
            text += &format!("  {}\n", plain(&line));
        }
        let more = discovery.found.len().saturating_sub(MOST_SHOWN);
        if more > 0 {
            text += &format!("  and {more} more\n");
        }
    }
    text
}

fn rented(serverless: &ServerlessState) -> String {
    let ServerlessState {
        endpoint,
        key,
        waiting,
    } = serverless;
    let key = match key {
        KeyState::Ready => "key accepted",
        KeyState::Missing => "NO KEY for it yet: `figshift check --connect` tells why",
        KeyState::Refused => "KEY REFUSED by its engine; another one is fetched",
    };
    format!("from Serverless `{endpoint}`, {key}, {waiting} waiting for a worker")
}

fn summary(discovery: &DiscoveryState) -> String {
    let source = &discovery.source;
    let age = discovery.age_seconds.round();
    let nothing = discovery.found.is_empty();
    let mut text = match (&discovery.good_at, &discovery.error) {
        (Some(_), None) => format!("from {source}, looked for {age} s ago"),
        (Some(_), Some(_)) => format!("from {source}, last good look {age} s ago"),
        (None, _) => format!("from {source}, nothing found out yet"),
    };
    match &discovery.error {
        Some(error) => {
            let alarm = if discovery.stale { "STALE" } else { "failing" };
            text += &format!("; {alarm}: {error}");
            if !nothing {
                text += "; what was found last is kept";
            }
        }
        None if nothing && discovery.good_at.is_some() => {
            text += match &**source {
                "vastai" => "; no instance is meant by it: see `figshift vast ls`",
                _ => "; it names no endpoint",
            };
        }
        None => {}
    }
    text
}
