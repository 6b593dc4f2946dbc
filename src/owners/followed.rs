//! Since when the table learns by each rule: what a rule speaks of and was made before is not known.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use super::table::lock;
use super::words::LONGEST_ID;

/// More rules than this are not followed, and so are never fully known.
const MOST_RULES: usize = 4_096;

/// When each rule began, in unix seconds.
pub(super) type Begins = BTreeMap<Arc<str>, u32>;

/// The rules in force.
#[derive(Debug, Default)]
pub(super) struct Followed(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Which rules are in force has been told. Before, they are those of the file.
    is_told: bool,
    rules: BTreeMap<Arc<str>, Begin>,
    /// The disk has to be told.
    waits: bool,
}

#[derive(Debug, Clone, Copy)]
struct Begin {
    since: u32,
    /// It has been in force ever since rules were told, so what a predecessor has followed goes on.
    from_start: bool,
}

/// Whether a rule of this name is followed at all.
fn is_fit(name: &str) -> bool {
    !name.is_empty() && name.len() <= LONGEST_ID
}

impl Followed {
    /// These rules are in force from now on, and no others. One that was in force before keeps its time.
    /// Returns those that began or ended.
    pub(super) fn follow(&self, rules: &[&str], now: u32) -> Vec<Arc<str>> {
        let mut state = lock(&self.0);
        let mut before = std::mem::take(&mut state.rules);
        let mut changed = Vec::new();
        let fit = rules.iter().filter(|name| is_fit(name));
        for name in fit.take(MOST_RULES) {
            if let Some((name, mut begin)) = before.remove_entry(*name) {
                // It is in force now: a later time is of a clock that was wrong.
                state.waits |= begin.since > now;
                begin.since = begin.since.min(now);
                state.rules.insert(name, begin);
            } else if !state.rules.contains_key(*name) {
                let name: Arc<str> = (*name).into();
                changed.push(Arc::clone(&name));
                let begin = Begin {
                    since: now,
                    from_start: !state.is_told,
                };
                state.rules.insert(name, begin);
            }
        }
        changed.extend(before.into_keys());
        state.is_told = true;
        state.waits |= !changed.is_empty();
        changed
    }

    /// Since when a rule is in force.
    pub(super) fn since(&self, rule: &str) -> Option<u32> {
        lock(&self.0).rules.get(rule).map(|begin| begin.since)
    }

    /// All that are in force.
    pub(super) fn all(&self) -> Begins {
        let state = lock(&self.0);
        let rules = state.rules.iter();
        rules
            .map(|(name, begin)| (Arc::clone(name), begin.since))
            .collect()
    }

    /// Takes over what a file tells, which is taken over for the first time.
    pub(super) fn take_over(&self, begins: &Begins) {
        let mut state = lock(&self.0);
        state.waits = true;
        if !state.is_told {
            let known = begins.iter().map(|(name, since)| {
                let begin = Begin {
                    since: *since,
                    from_start: true,
                };
                (Arc::clone(name), begin)
            });
            state.rules = known.collect();
            return;
        }
        for (name, begin) in &mut state.rules {
            if let Some(since) = begins.get(name).filter(|_| begin.from_start) {
                begin.since = begin.since.min(*since);
            }
        }
    }

    /// Another process has not followed this rule all the time: it begins anew.
    pub(super) fn doubt(&self, rule: &str, now: u32) {
        let mut state = lock(&self.0);
        if let Some(begin) = state.rules.get_mut(rule) {
            begin.since = begin.since.max(now);
            begin.from_start = false;
            state.waits = true;
        }
    }

    /// Whether the disk has to be told.
    pub(super) fn waits(&self) -> bool {
        lock(&self.0).waits
    }

    /// The disk is told by the next write.
    pub(super) fn take(&self) -> bool {
        std::mem::take(&mut lock(&self.0).waits)
    }

    /// The disk was not told.
    pub(super) fn put_back(&self) {
        lock(&self.0).waits = true;
    }
}
