//! What discovery means: other endpoints, and one that has proven itself.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::change::{Answer, Refused};
use super::controller::Controller;
use super::last_found;
use super::overrides::Stamp;
use super::plan::Plan;
use crate::snapshot::{Address, Endpoint};

impl Controller {
    /// The endpoints of a backend are these now. Nothing moves where they are the same.
    pub(super) fn apply_addresses(
        &mut self,
        backend: &str,
        mut addresses: Vec<Address>,
        stamp: Stamp,
    ) -> Answer {
        let known = self.config.backends.get(backend);
        if known.is_none_or(|known| known.discover.is_none()) {
            return Err(Refused::NotDiscovered(backend.to_owned()));
        }
        addresses.sort_by(|one, other| one.key.cmp(&other.key));
        addresses.dedup_by(|one, other| one.key == other.key);
        let before = self.addresses.get(backend).cloned().unwrap_or_default();
        if before == addresses {
            return Ok(self.nothing_moved());
        }
        let reason = difference(backend, &before, &addresses);
        let mut all = (*self.addresses).clone();
        all.insert(backend.to_owned(), addresses);
        let stamp = Stamp {
            reason: reason.clone(),
            ..stamp
        };
        let done = self.put_in_force(Plan {
            what: "discovery",
            addresses: Arc::new(all),
            // It is kept in a file of its own.
            needs_journal: false,
            ..self.plan(None, stamp)
        })?;
        tracing::info!(backend, change = reason, "Endpoints have changed");
        if let Err(error) = last_found::keep(&self.config, &self.addresses) {
            tracing::warn!(%error, "Cannot keep what was discovered; a restart has to look for it anew");
        }
        Ok(done)
    }

    /// An endpoint has answered well, and traffic to it begins to rise; or its breaker has tripped, and it
    /// gets none before it has done so again.
    pub(super) fn apply_proof(&self, endpoint: &Endpoint, backend: &str, proven: bool) {
        let (key, url) = (&*endpoint.key, &*endpoint.url);
        if proven {
            // Without a clock there are no workers yet, and so no traffic that could rise.
            let now = self.born.map(|born| born.elapsed()).unwrap_or_default();
            endpoint.fitness.enter(now);
            tracing::info!(backend, endpoint = key, url, "An endpoint is ready");
        } else {
            endpoint.fitness.doubt();
            tracing::warn!(
                backend,
                endpoint = key,
                url,
                "An endpoint has to show again that it is ready"
            );
        }
    }
}

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
    let all: Vec<String> = come.chain(gone).chain(moved).collect();
    format!("{backend}: {}", all.join(", "))
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
