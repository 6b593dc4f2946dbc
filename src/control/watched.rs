//! What the controller remembers of each route from one look to the next.

use std::collections::BTreeMap;
use std::time::SystemTime;

use super::judge::{Blame, Blames};

/// What the controller remembers of each route from look to look. A restart forgets it.
#[derive(Debug, Default)]
pub(super) struct Watched(BTreeMap<String, Memory>);

/// Of one route.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// The gate's answer, and to which step.
    pub(super) gate: Option<(u16, bool)>,
    /// A raise by hand that is on trial: the share before it, and until when.
    pub(super) bake: Option<(u16, SystemTime)>,
    /// No step before.
    pub(super) step_after: Option<SystemTime>,
    /// When a warning was written down.
    pub(super) warned: Option<SystemTime>,
    /// When it was written down that the primary is out, too.
    pub(super) stranded: Option<SystemTime>,
    /// What was said, so that it is said once.
    pub(super) detected: bool,
    pub(super) alarmed: bool,
    /// How often its traffic was taken back.
    pub(super) rollbacks: Blames,
}

impl Watched {
    pub(super) fn of(&mut self, route: &str) -> &mut Memory {
        if !self.0.contains_key(route) {
            self.0.insert(route.to_owned(), Memory::default());
        }
        self.0.entry(route.to_owned()).or_default()
    }

    /// Its traffic was taken back.
    pub(super) fn blame(&mut self, route: &str, blame: Option<Blame>) {
        if let Some(blame) = blame {
            self.of(route).rollbacks[blame as usize] += 1;
        }
    }

    /// The gate has answered whether a ramp may step up to this share.
    pub(super) fn gate_answered(&mut self, route: &str, step: u16, yes: bool) {
        self.of(route).gate = Some((step, yes));
    }

    /// What was asked is over.
    pub(super) fn forget_gate(&mut self, route: &str) {
        self.of(route).gate = None;
    }

    /// The answer to this step, if it was asked for it.
    pub(super) fn gate(&mut self, route: &str, step: Option<u16>) -> Option<bool> {
        let (asked, yes) = self.of(route).gate?;
        (Some(asked) == step).then_some(yes)
    }

    /// What a route is brought back to: the share before a raise that is still on trial, else nothing.
    pub(super) fn raised_from(&mut self, route: &str, now: SystemTime) -> u16 {
        match self.of(route).bake.take() {
            Some((from, until)) if now < until => from,
            _ => 0,
        }
    }
}
