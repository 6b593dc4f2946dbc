//! The fixed limit of errors, watched in one of two ways.

use std::time::Duration;

use super::terms::Terms;
use crate::policy::guard::{Exact, Reason, Simple, Tally};

/// Watches the limit.
#[derive(Debug)]
pub(super) enum Limit {
    Window(Simple),
    Evidence(Exact),
}

impl Limit {
    /// By the terms, from `now` on. `usual` is the primary's rate of errors, if it is known: a limit that
    /// this rate alone would exceed by chance is raised to one that it would not.
    pub(super) fn new(terms: &Terms, usual: Option<f64>, now: Duration) -> Self {
        let mut window = terms.limit;
        if let Some(rate) = usual {
            window.limit = window.limit.max(window.lowest_limit(rate));
        }
        if terms.limit_by_evidence {
            let settings = &terms.settings;
            let (chance, horizon) = (settings.false_rollback, settings.horizon);
            Self::Evidence(Exact::new(window.limit, chance, horizon, now))
        } else {
            Self::Window(Simple::new(window))
        }
    }

    /// Takes a second; the reason, when the limit is exceeded.
    pub(super) fn feed(&mut self, now: Duration, second: Tally) -> Option<Reason> {
        match self {
            Self::Window(simple) => simple.feed(now, second),
            Self::Evidence(exact) => exact.feed(now, second).cloned(),
        }
    }
}
