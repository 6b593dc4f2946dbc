//! Hard rollbacks, as epochs. A request has pinned a snapshot, and its candidate is cut off from it
//! once a later snapshot says so. The word comes down with the snapshot, so a request can only be
//! older than the rollback, and is cut, or younger, and finds a candidate at 0 %.

use std::collections::BTreeMap;

/// What has been cut so far. The default is nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cuts {
    /// Of the last rollback of all routes, also of those that have left the file.
    all: u64,
    /// Of the last rollback of one route, by its name; it may have left the file since.
    routes: BTreeMap<Box<str>, u64>,
}

impl Cuts {
    /// The epoch of the last one; 0 before the first.
    pub fn latest(&self) -> u64 {
        self.routes
            .values()
            .fold(self.all, |last, at| last.max(*at))
    }

    /// Whether a request of this route that has pinned that epoch is cut off from its candidate.
    pub fn reach(&self, route: &str, epoch: u64) -> bool {
        let own = self.routes.get(route).copied().unwrap_or(0);
        epoch < self.all.max(own)
    }

    /// Notes one: of a route, or of all.
    pub(super) fn add(&mut self, route: Option<&str>, epoch: u64) {
        match route {
            None => self.all = epoch,
            Some(route) => {
                self.routes.insert(route.into(), epoch);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_older_is_reached_and_what_is_younger_is_not() {
        let mut cuts = Cuts::default();
        assert_eq!(cuts.latest(), 0);
        assert!(!cuts.reach("a", 0));
        cuts.add(Some("a"), 5);
        assert!(cuts.reach("a", 4));
        assert!(!cuts.reach("a", 5) && !cuts.reach("b", 4));
        cuts.add(None, 7);
        assert!(cuts.reach("a", 6) && cuts.reach("b", 6) && cuts.reach("gone", 6));
        assert!(!cuts.reach("b", 7));
        cuts.add(Some("b"), 9);
        assert_eq!(cuts.latest(), 9);
        assert!(cuts.reach("b", 8) && !cuts.reach("a", 8));
    }
}
