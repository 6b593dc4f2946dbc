//! What is laid over the file: rollbacks, holds, ramps and an operator's percents. It survives restarts
//! by the journal, so a restart never undoes a rollback, keeps a hold and continues a ramp.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::policy::ramp::{self, Ramp};

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

/// Between which backends a share was set: others have not earned it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Between {
    /// The primary.
    pub primary: String,
    /// The candidate.
    pub candidate: String,
}

/// A percent that an operator set without the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shifted {
    /// Hundredths of a percent.
    pub hundredths: u16,
    /// What the file said then. A file that says something else by now is newer, and wins.
    pub over: u16,
    /// Between which backends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub between: Option<Between>,
    /// Who and when.
    #[serde(flatten)]
    pub stamp: Stamp,
}

/// What the guard leaves to the candidate of a route until an operator resumes, or the ramp tries again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Hundredths of a percent: nothing, or what it had before a raise that the guard has undone.
    pub hundredths: u16,
    /// When, and what was found.
    #[serde(flatten)]
    pub stamp: Stamp,
}

/// The percent that a route had when the budget of its candidate was used up. It stays the most until enough
/// of that is past.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capped {
    /// Hundredths of a percent.
    pub hundredths: u16,
    /// The candidate.
    pub backend: String,
    /// When, and what was spent.
    #[serde(flatten)]
    pub stamp: Stamp,
}

/// A ramp that has been started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Climb {
    /// Where it is.
    pub ramp: Ramp,
    /// What the file said when it was started. A file that says something else by now is newer, and wins.
    pub over: u16,
    /// Between which backends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub between: Option<Between>,
    /// Who made its last move, when and why.
    #[serde(flatten)]
    pub stamp: Stamp,
}

/// The last good value of a feature flag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flagged {
    /// Hundredths of a percent.
    pub hundredths: u16,
    /// When it came.
    #[serde(flatten)]
    pub stamp: Stamp,
}

/// What is laid over one route.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteOverride {
    /// Rolled back: the candidate gets nothing until an operator resumes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<Stamp>,
    /// Held back by the guard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
    /// Its candidate's budget is used up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Capped>,
    /// A ramp that has been started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub climb: Option<Climb>,
    /// An operator's percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shifted: Option<Shifted>,
    /// The feature flag's percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flagged: Option<Flagged>,
    /// A ramp has run: none starts by itself again, until the file has another one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ramp_has_run: bool,
}

impl RouteOverride {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The ramp goes and its share stays, as if somebody had set it. What the guard has taken back is a hold.
    fn keep_share_of_ramp(&mut self) {
        let Some(climb) = self.climb.take() else {
            return;
        };
        if !matches!(climb.ramp.state(), ramp::State::RolledBack { .. }) {
            self.shifted = Some(Shifted {
                hundredths: climb.ramp.percent(),
                over: climb.over,
                between: climb.between,
                stamp: climb.stamp,
            });
        }
    }
}

/// What the file says of a route; nothing if there is no such route.
#[derive(Debug, Default)]
pub(super) struct FileWords {
    /// Hundredths of a percent.
    pub(super) percent: Option<u16>,
    /// Its backends, if there are two.
    pub(super) between: Option<Between>,
    /// Of its ramp.
    pub(super) plan: Option<ramp::Plan>,
    /// Where a feature flag sets the percent: the most that it may set, in hundredths of a percent.
    pub(super) flag: Option<u16>,
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

    /// Steps of ramps begin again: what they have shown is known no more.
    pub(super) fn steps_anew(&mut self) {
        let laid = self.routes.values_mut();
        laid.filter_map(|over| over.climb.as_mut())
            .for_each(|climb| climb.ramp.step_anew());
    }

    /// The routes that the guard holds back, or whose ramps are over: of all, or whether this one is.
    pub(super) fn held(&self, route: Option<&str>) -> Vec<String> {
        let held = self.routes.iter().filter(|(name, over)| {
            let is_over = |climb: &Climb| climb.ramp.is_over();
            route.is_none_or(|route| route == *name)
                && (over.hold.is_some() || over.climb.as_ref().is_some_and(is_over))
        });
        held.map(|(name, _)| name.clone()).collect()
    }

    /// Takes rollbacks and holds back: all of them, or one route's. A ramp that was rolled back or
    /// aborted begins again from nothing.
    pub(super) fn resume(&mut self, route: Option<&str>, stamp: &Stamp) {
        if route.is_none() {
            self.rollback = None;
        }
        let names: Vec<String> = match route {
            None => self.routes.keys().cloned().collect(),
            Some(route) => vec![route.to_owned()],
        };
        for name in names {
            self.alter(&name, |over| {
                over.rollback = None;
                over.hold = None;
                if let Some(climb) = &mut over.climb
                    && climb.ramp.is_over()
                    && climb.ramp.resume().is_ok()
                {
                    climb.stamp = stamp.clone();
                }
            });
        }
    }

    /// Drops percents and ramps that were set over a file that says something else by now, ramps and
    /// flags that it does not want any more, and gives the ramps the plans and the flags the bounds that it has.
    pub(super) fn forget_older_than_file(&mut self, file: impl Fn(&str) -> FileWords) {
        let names: Vec<String> = self.routes.keys().cloned().collect();
        for name in names {
            let file = file(&name);
            self.alter(&name, |over| {
                let is_older = |percent, between: &Option<Between>| {
                    Some(percent) != file.percent || between.is_some() && *between != file.between
                };
                over.shifted.take_if(|set| is_older(set.over, &set.between));
                over.climb
                    .take_if(|climb| is_older(climb.over, &climb.between));
                over.ramp_has_run &= file.plan.is_some();
                match file.plan {
                    Some(plan) => {
                        if let Some(climb) = &mut over.climb {
                            climb.ramp.set_plan(plan);
                        }
                    }
                    None => over.keep_share_of_ramp(),
                }
                over.flagged.take_if(|_| file.flag.is_none());
                if let (Some(flagged), Some(max)) = (&mut over.flagged, file.flag) {
                    flagged.hundredths = flagged.hundredths.min(max);
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
                between: None,
                stamp: Stamp::now("b", "why"),
            });
        });
        over.resume(None, &Stamp::now("c", ""));
        assert_eq!(over.rollback, None);
        assert_eq!(over.routes.keys().collect::<Vec<_>>(), ["y"]);
    }

    #[test]
    fn a_flag_holds_while_the_file_has_one_and_within_its_bound() {
        let mut over = Overrides::default();
        over.alter("x", |route| {
            route.flagged = Some(Flagged {
                hundredths: 3_000,
                stamp: Stamp::now("flag", ""),
            });
        });
        let says = |percent, flag| FileWords {
            percent: Some(percent),
            flag,
            ..FileWords::default()
        };
        let held = |over: &Overrides| over.of("x").flagged.map(|flag| flag.hundredths);
        over.forget_older_than_file(|_| says(0, Some(10_000)));
        over.forget_older_than_file(|_| says(500, Some(3_000)));
        assert_eq!(held(&over), Some(3_000));
        over.forget_older_than_file(|_| says(500, Some(2_000)));
        assert_eq!(held(&over), Some(2_000));
        over.forget_older_than_file(|_| says(500, None));
        assert_eq!(held(&over), None);
    }

    fn climbing(state: &str) -> Overrides {
        let mut ramp = Ramp::new(ramp::Plan::default(), 0);
        ramp.start().unwrap();
        ramp.promote(false).unwrap();
        if state == "aborted" {
            ramp.abort().unwrap();
        }
        let mut over = Overrides::default();
        over.alter("x", |route| {
            route.ramp_has_run = true;
            route.climb = Some(Climb {
                ramp,
                over: 5,
                between: Some(between("vastai")),
                stamp: Stamp::now("ramp", ""),
            });
        });
        over
    }

    fn between(candidate: &str) -> Between {
        Between {
            primary: "legacy".to_owned(),
            candidate: candidate.to_owned(),
        }
    }

    fn says(candidate: &str, plan: bool) -> FileWords {
        FileWords {
            percent: Some(5),
            between: Some(between(candidate)),
            plan: plan.then(ramp::Plan::default),
            flag: None,
        }
    }

    #[test]
    fn a_share_belongs_to_the_backends_that_have_earned_it() {
        let mut over = climbing("up");
        over.forget_older_than_file(|_| says("vastai", true));
        assert_eq!(over.of("x").climb.unwrap().ramp.percent(), 100);
        over.forget_older_than_file(|_| says("another", true));
        assert_eq!(over.of("x").climb, None);
        assert!(over.of("x").ramp_has_run);
    }

    #[test]
    fn a_ramp_that_is_no_longer_in_the_file_leaves_its_share() {
        for (state, share) in [("up", 100), ("aborted", 0)] {
            let mut over = climbing(state);
            over.forget_older_than_file(|_| says("vastai", false));
            let laid = over.of("x");
            assert_eq!(laid.climb, None);
            assert_eq!(laid.shifted.unwrap().hundredths, share, "{state}");
            assert!(!laid.ramp_has_run);
        }
    }

    #[test]
    fn a_newer_file_wins_over_a_percent_and_not_over_a_rollback() {
        let mut over = Overrides::default();
        over.roll_back(Some("x"), Stamp::now("a", ""));
        over.alter("x", |route| {
            route.shifted = Some(Shifted {
                hundredths: 10,
                over: 5,
                between: None,
                stamp: Stamp::now("b", ""),
            });
        });
        let says = |percent| FileWords {
            percent: Some(percent),
            ..FileWords::default()
        };
        over.forget_older_than_file(|_| says(5));
        assert!(over.of("x").shifted.is_some());
        over.forget_older_than_file(|_| says(6));
        assert!(over.of("x").shifted.is_none());
        assert!(over.of("x").rollback.is_some());
    }
}
