//! What discovery means: other endpoints, and one that has proven itself.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::SystemTime;

use super::change::{Answer, Refused};
use super::controller::Controller;
use super::last_found::{Proven, place_of};
use super::overrides::Stamp;
use super::plan::Plan;
use crate::snapshot::{Address, Endpoint};

impl Controller {
    /// The endpoints of a backend are these now, if it is looked for them in this place. Nothing moves where they
    /// are the same.
    pub(super) fn apply_addresses(
        &mut self,
        backend: &str,
        place: &str,
        mut addresses: Vec<Address>,
        stamp: Stamp,
    ) -> Answer {
        if place_of(&self.config, backend).is_none_or(|meant| meant != place) {
            return Err(Refused::NotDiscovered(backend.to_owned()));
        }
        addresses.sort_by(|one, other| one.key.cmp(&other.key));
        addresses.dedup_by(|one, other| one.key == other.key);
        let before = self.found.addresses.get(backend);
        if before.is_some_and(|before| *before == addresses) {
            return Ok(self.nothing_moved());
        }
        let before = before.cloned().unwrap_or_default();
        let reason = difference(backend, &before, &addresses);
        let mut found = (*self.found).clone();
        found.addresses.insert(backend.to_owned(), addresses);
        found.places.insert(backend.to_owned(), place.to_owned());
        let done = self.put_in_force(Plan {
            what: "discovery",
            found: Arc::new(found),
            // It is kept in a file of its own.
            needs_journal: false,
            is_quiet: true,
            ..self.plan(None, stamp)
        })?;
        tracing::info!(backend, change = reason, "Endpoints have changed");
        self.keep_found(&Proven::new());
        Ok(done)
    }

    /// What has proven itself goes to whoever takes over.
    pub(super) fn hand_over_found(&self) {
        let snapshot = self.publisher.current();
        let members = snapshot.backends.iter().flat_map(|backend| {
            let members = backend.members.iter();
            members.map(move |member| (&backend.name, &member.endpoint))
        });
        let proven = members.filter(|(_, endpoint)| endpoint.proves && endpoint.carries());
        let proven =
            proven.map(|(backend, endpoint)| (backend.to_string(), endpoint.key.to_string()));
        self.keep_found(&proven.collect());
    }

    fn keep_found(&self, proven: &Proven) {
        let folder = &self.config.state_dir;
        if let Err(error) = self.found.keep(folder, proven, SystemTime::now()) {
            tracing::warn!(%error, "Cannot keep what was discovered; a restart has to look for it anew");
        }
    }

    /// An endpoint has answered well: traffic to it begins to rise, if it is still there.
    pub(super) fn apply_proof(&self, endpoint: &Arc<Endpoint>, backend: &str) {
        let snapshot = self.publisher.current();
        let of_backend = snapshot
            .backends
            .iter()
            .find(|known| *known.name == *backend);
        let mut members = of_backend.into_iter().flat_map(|known| &known.members);
        if !members.any(|member| Arc::ptr_eq(&member.endpoint, endpoint)) {
            return;
        }
        // Without a clock there are no workers yet, and so no traffic that could rise.
        let now = self.born.map(|born| born.elapsed()).unwrap_or_default();
        endpoint.fitness.enter(now);
        let (key, url) = (&*endpoint.key, &*endpoint.url);
        tracing::info!(backend, endpoint = key, url, "An endpoint is ready");
    }
}

/// More than these are counted.
const MOST_TOLD: usize = 10;

/// What comes, goes and moves, in a line.
fn difference(backend: &str, before: &[Address], after: &[Address]) -> String {
    let keys = |list: &[Address]| -> BTreeSet<String> {
        list.iter().map(|address| address.key.clone()).collect()
    };
    let (old, new) = (keys(before), keys(after));
    let moved = after.iter().filter(|address| {
        let old = before.iter().find(|old| old.key == address.key);
        old.is_some_and(|old| old != *address)
    });
    let come = new.difference(&old).map(|key| format!("+{key}"));
    let gone = old.difference(&new).map(|key| format!("-{key}"));
    let moved = moved.map(|address| format!("~{} at {}", address.key, address.url));
    let mut all: Vec<String> = come.chain(gone).chain(moved).collect();
    let more = all.len().saturating_sub(MOST_TOLD);
    all.truncate(MOST_TOLD);
    if more > 0 {
        all.push(format!("and {more} more"));
    }
    match all.as_slice() {
        [] => format!("{backend}: none"),
        all => format!("{backend}: {}", all.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_names_all_that_has_changed() {
        let address = |key: &str, port: u16| Address {
            key: key.to_owned(),
            url: format!("http://h:{port}"),
            weight: 1,
        };
        let before = [address("a", 1), address("b", 2), address("c", 3)];
        let after = [address("b", 2), address("c", 4), address("d", 5)];
        let told = difference("new", &before, &after);
        assert_eq!(told, "new: +d, -a, ~c at http://h:4");
    }
}
