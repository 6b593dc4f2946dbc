//! What is laid over the file: rollbacks and an operator's percents. It survives restarts by the
//! journal, so a restart never undoes a rollback.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// Who set something, when and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// Milliseconds since 1970.
    pub at: u64,
    /// Who.
    pub actor: String,
    /// Why, in their words; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

impl Stamp {
    /// Now.
    pub fn now(actor: impl fmt::Display + Copy, reason: impl Into<String>) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            at: since.map_or(0, |since| since.as_millis() as u64),
            actor: actor.to_string(),
            reason: reason.into(),
        }
    }
}

/// A percent that an operator set without the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shifted {
    /// Hundredths of a percent.
    pub hundredths: u16,
    /// What the file said then. A file that says something else by now is newer, and wins.
    pub over: u16,
    /// Who and when.
    #[serde(flatten)]
    pub stamp: Stamp,
}

/// What is laid over one route.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteOverride {
    /// Rolled back: the candidate gets nothing until an operator resumes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<Stamp>,
    /// An operator's percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shifted: Option<Shifted>,
}

impl RouteOverride {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What is laid over the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overrides {
    /// All routes are rolled back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<Stamp>,
    /// By the route's name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub routes: BTreeMap<String, RouteOverride>,
}

impl Overrides {
    /// What is laid over a route.
    pub fn of(&self, route: &str) -> RouteOverride {
        self.routes.get(route).cloned().unwrap_or_default()
    }

    /// Alters what is laid over a route.
    pub(super) fn alter(&mut self, route: &str, alter: impl FnOnce(&mut RouteOverride)) {
        let mut over = self.of(route);
        alter(&mut over);
        if over.is_empty() {
            self.routes.remove(route);
        } else {
            self.routes.insert(route.to_owned(), over);
        }
    }

    /// Rolls all routes back, or one.
    pub(super) fn roll_back(&mut self, route: Option<&str>, stamp: Stamp) {
        match route {
            None => self.rollback = Some(stamp),
            Some(route) => self.alter(route, |over| over.rollback = Some(stamp)),
        }
    }

    /// Takes rollbacks back: all of them, or one route's.
    pub(super) fn resume(&mut self, route: Option<&str>) {
        match route {
            None => {
                self.rollback = None;
                let names: Vec<String> = self.routes.keys().cloned().collect();
                for name in names {
                    self.alter(&name, |over| over.rollback = None);
                }
            }
            Some(route) => self.alter(route, |over| over.rollback = None),
        }
    }

    /// Drops percents that were set over a file that says something else by now.
    pub(super) fn forget_older_than_file(&mut self, file_percent: impl Fn(&str) -> Option<u16>) {
        let names: Vec<String> = self.routes.keys().cloned().collect();
        for name in names {
            let file = file_percent(&name);
            self.alter(&name, |over| {
                if over
                    .shifted
                    .as_ref()
                    .is_some_and(|set| Some(set.over) != file)
                {
                    over.shifted = None;
                }
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resuming_all_takes_every_rollback_back_and_nothing_else() {
        let mut over = Overrides::default();
        over.roll_back(None, Stamp::now("a", ""));
        over.roll_back(Some("x"), Stamp::now("a", ""));
        over.alter("y", |route| {
            route.shifted = Some(Shifted {
                hundredths: 10,
                over: 5,
                stamp: Stamp::now("b", "why"),
            });
        });
        over.resume(None);
        assert_eq!(over.rollback, None);
        assert_eq!(over.routes.keys().collect::<Vec<_>>(), ["y"]);
    }

    #[test]
    fn a_newer_file_wins_over_a_percent_and_not_over_a_rollback() {
        let mut over = Overrides::default();
        over.roll_back(Some("x"), Stamp::now("a", ""));
        over.alter("x", |route| {
            route.shifted = Some(Shifted {
                hundredths: 10,
                over: 5,
                stamp: Stamp::now("b", ""),
            });
        });
        over.forget_older_than_file(|_| Some(5));
        assert!(over.of("x").shifted.is_some());
        over.forget_older_than_file(|_| Some(6));
        assert!(over.of("x").shifted.is_none());
        assert!(over.of("x").rollback.is_some());
    }
}
