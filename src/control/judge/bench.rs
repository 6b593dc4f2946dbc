//! The judge's bench: a docket for each route that has a candidate and a guard.

use std::collections::BTreeMap;

use super::docket::Docket;
use super::finding::Finding;
use super::terms::Terms;
use crate::config::Config;
use crate::policy::guard::Verdict;
use crate::snapshot::Snapshot;

/// All routes before the judge. Seconds are those of the workers' clock.
#[derive(Debug, Default)]
pub(in crate::control) struct Bench {
    dockets: BTreeMap<String, Docket>,
    /// The last second that was looked at.
    looked: u64,
    /// The present one.
    second: u64,
}

impl Bench {
    /// The routes are those of this snapshot from now on. A route whose backends are the same goes on.
    pub(in crate::control) fn follow(&mut self, snapshot: &Snapshot, config: &Config) {
        let mut old = std::mem::take(&mut self.dockets);
        for (route, written) in snapshot.routes.iter().zip(&config.routes) {
            let Some(cohorts) = &route.cohorts else {
                continue;
            };
            let terms = Terms::of(&written.guard);
            let docket = match old.remove(&*route.name) {
                Some(mut docket) if docket.is_of(cohorts) => {
                    docket.set_terms(terms, self.second);
                    docket
                }
                _ => {
                    let share = route.split.hundredths();
                    Docket::new(cohorts.clone(), terms, share, self.second)
                }
            };
            self.dockets.insert(route.name.to_string(), docket);
        }
    }

    /// Time goes by, and the seconds that have settled are read.
    pub(in crate::control) fn look(&mut self, second: u64) {
        (self.looked, self.second) = (second, second);
        for docket in self.dockets.values_mut() {
            docket.look(second);
        }
    }

    /// It is later than at the last look.
    pub(in crate::control) fn is_second(&mut self, second: u64) {
        self.second = self.second.max(second);
    }

    /// The candidate's share has changed, at some time since the last look.
    pub(in crate::control) fn shift(&mut self, route: &str, from: u16, to: u16) {
        let seconds = self.looked..=self.second + 1;
        if let Some(docket) = self.dockets.get_mut(route) {
            let mut from = from;
            for second in seconds {
                docket.shift(second, from, to);
                from = to;
            }
        }
    }

    /// What was seen of a route so far is void. `attempt` is the number of the ramp's automatic retry.
    pub(in crate::control) fn restart(&mut self, route: &str, attempt: u8) {
        let second = self.second + 1;
        if let Some(docket) = self.dockets.get_mut(route) {
            docket.restart(second, attempt);
        }
    }

    /// What follows for a route; `None` where nobody watches.
    pub(in crate::control) fn verdict(&self, route: &str, overdue: bool) -> Option<Verdict> {
        let docket = self.dockets.get(route)?;
        Some(docket.verdict(overdue))
    }

    /// Whether the candidate of a route does not get the share that it was meant to get.
    pub(in crate::control) fn ratio_alarm(&self, route: &str) -> bool {
        self.dockets.get(route).is_some_and(Docket::ratio_alarm)
    }

    /// What is known of a route.
    pub(in crate::control) fn finding(&self, route: &str, verdict: Verdict) -> Option<Finding> {
        let docket = self.dockets.get(route)?;
        Some(docket.finding(verdict))
    }
}
