//! From what is known of endpoints that are learned to the API's types.

use std::time::Instant;

use super::moment::rfc3339;
use super::view::View;
use crate::api::{DiscoveryState, FoundState};
use crate::control::{Doubts, Found};
use crate::snapshot::Backend;

/// How the look for a backend's endpoints stands; `None` where they stand in the file.
pub(super) fn state(view: &View, backend: &Backend) -> Option<DiscoveryState> {
    backend.source?;
    let known = view.finds.known.load();
    let discovery = known.get(&*backend.name)?;
    let (now, doubts) = (Instant::now(), view.finds.doubts.load());
    let found = discovery.found.iter();
    Some(DiscoveryState {
        source: discovery.source.to_owned(),
        good_at: discovery.good_at.map(rfc3339),
        age_seconds: (discovery.age(now).as_secs_f64() * 10.0).round() / 10.0,
        stale: discovery.is_stale(now),
        error: discovery.error.clone(),
        found: found.map(|found| one(found, backend, &doubts)).collect(),
    })
}

fn one(found: &Found, backend: &Backend, doubts: &Doubts) -> FoundState {
    let mut members = backend.members.iter().map(|member| &member.endpoint);
    let endpoint = members.find(|endpoint| *endpoint.key == found.key);
    let place = (backend.name.to_string(), found.key.clone());
    let is_ready = endpoint.is_some_and(|endpoint| endpoint.fitness.sight().proven);
    let doubt = doubts.get(&place).filter(|_| !is_ready);
    FoundState {
        key: found.key.clone(),
        url: found.url.clone(),
        state: found.state.as_str().to_owned(),
        ready: is_ready,
        note: match doubt {
            Some(doubt) => format!("not ready: {doubt}"),
            None => found.note.clone(),
        },
        dollars_per_hour: found.dollars_per_hour,
    }
}

/// The backends whose endpoints have not been found out for too long.
pub(super) fn stale(view: &View) -> impl Iterator<Item = String> + use<> {
    let (now, known) = (Instant::now(), view.finds.known.load());
    let stale = known
        .iter()
        .filter(|(_, discovery)| discovery.is_stale(now));
    let names: Vec<String> = stale.map(|(name, _)| name.clone()).collect();
    names.into_iter()
}
