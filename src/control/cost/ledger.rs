//! The books of one backend: what it has cost, and who has kept it busy.

use std::time::Duration;

use super::account::Account;
use super::price::{Price, PriceSource};
use super::side::SideBook;
use super::sights::BackendCost;
use crate::policy::cost::{Budget, CALM, Calm, HOUR, Trail};
use crate::snapshot::Snapshot;
use crate::stats::Side;

/// A window of the figures.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) span: Duration,
    /// Between two readings.
    pub(super) step: Duration,
}

/// The last five minutes, the last hour.
pub(super) const WINDOWS: [Span; 2] = [
    Span {
        span: Duration::from_secs(300),
        step: Duration::from_secs(10),
    },
    Span {
        span: HOUR,
        step: Duration::from_secs(60),
    },
];

/// The books of one backend. Times are the workers', but for those of [`Account`].
#[derive(Debug)]
pub(super) struct Ledger {
    pub(super) account: Account,
    price: Option<Price>,
    /// Of what was found out; a word of the file is one that somebody has thought about.
    calm: Calm,
    /// Dollars since the start.
    total: f64,
    /// Seconds of tries of all sides, since the start.
    busy: f64,
    sides: Vec<SideBook>,
    cost_trails: [Trail<f64>; WINDOWS.len()],
    busy_trails: [Trail<f64>; WINDOWS.len()],
    /// The snapshot that the sides are of.
    epoch: Option<u64>,
}

/// One look.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    /// On the workers' clock.
    pub(super) now: Duration,
    /// The same since 1970.
    pub(super) time: Duration,
    /// Since the last look.
    pub(super) span: Duration,
}

fn trails(now: Duration, first: f64) -> [Trail<f64>; WINDOWS.len()] {
    WINDOWS.map(|Span { span, step }| Trail::new(span, step, now, first))
}

impl Ledger {
    pub(super) fn new(account: Account, now: Duration) -> Self {
        Self {
            account,
            price: None,
            calm: Calm::default(),
            total: 0.0,
            busy: 0.0,
            sides: Vec::new(),
            cost_trails: trails(now, 0.0),
            busy_trails: trails(now, 0.0),
            epoch: None,
        }
    }

    /// The sides that use the backend by this snapshot: old ones go on.
    pub(super) fn follow(&mut self, snapshot: &Snapshot, backend: &str, now: Duration) {
        if self.epoch == Some(snapshot.epoch) {
            return;
        }
        let is_first = self.epoch.replace(snapshot.epoch).is_none();
        let mut old = std::mem::take(&mut self.sides);
        for route in &snapshot.routes {
            for side in Side::ALL {
                let arm = route.arm(side);
                let Some(arm) = arm.filter(|arm| &*arm.backend.name == backend) else {
                    continue;
                };
                let known = old.iter().position(|book| book.is_of(arm));
                self.sides.push(match known {
                    Some(at) => old.swap_remove(at).go_on(route),
                    // Its cells were made since the last look, if the books were open then.
                    None => SideBook::open(route, side, arm, now, !is_first),
                });
            }
        }
    }

    /// What has come since the last look is spent at this price.
    pub(super) fn look(&mut self, price: Option<Price>, look: Look) {
        if self.price.is_none() && price.is_some() {
            // What was done before had no price.
            self.begin_anew(look.now);
        }
        self.price = price;
        self.calm
            .look(look.now, price.filter(is_fresh).map(|price| price.per_hour));
        let rate = price.map_or(0.0, |price| price.per_hour);
        let before = look.time.saturating_sub(look.span);
        self.account.look(price, before, look.time);
        let cost = rate * look.span.as_secs_f64() / 3_600.0;
        self.total += cost;
        let span = look.span.as_secs_f64();
        let come: Vec<_> = self.sides.iter_mut().map(|side| side.look(span)).collect();
        let all: f64 = come.iter().flatten().sum();
        self.busy += all;
        if all > 0.0 {
            for (side, come) in self.sides.iter_mut().zip(come) {
                for (dollars, come) in side.dollars.iter_mut().zip(come) {
                    *dollars += cost * come / all;
                }
            }
        } else {
            self.share_idle(cost);
        }
        for trail in &mut self.cost_trails {
            trail.note(look.now, self.total);
        }
        for trail in &mut self.busy_trails {
            trail.note(look.now, self.busy);
        }
        self.sides.iter_mut().for_each(|side| side.note(look.now));
    }

    /// Time in which nothing ran is paid by the sides as the busy time of the last minutes was theirs: so
    /// do the figures for 1000 requests. After longer than that, equally.
    fn share_idle(&mut self, cost: f64) {
        let sides = self.sides.len() as f64;
        let all: f64 = self.sides.iter().map(SideBook::lately_busy).sum();
        for side in &mut self.sides {
            let part = match all > 0.0 {
                true => side.lately_busy() / all,
                false => 1.0 / sides,
            };
            side.idle += cost * part;
        }
    }

    fn begin_anew(&mut self, now: Duration) {
        self.cost_trails = trails(now, self.total);
        self.busy_trails = trails(now, self.busy);
        self.sides.iter_mut().for_each(|side| side.begin_anew(now));
    }

    pub(super) fn sight(&self, budget: Option<Budget>, look: Look) -> BackendCost {
        let spent = self.account.spent(look.time);
        BackendCost {
            price: self.price,
            unknown: None,
            spent,
            total: self.total,
            budget,
            over: budget.and_then(|budget| budget.over(&spent)),
            still: budget.and_then(|budget| budget.still(&spent, self.rate(), self.most(look.now))),
            uncounted: None,
        }
    }

    /// What a cap goes by: the most that it cost in the last minutes, where that swings.
    fn most(&self, now: Duration) -> Option<f64> {
        match self.price?.source {
            PriceSource::File => self.rate(),
            PriceSource::Instances => self.calm.most(now),
        }
    }

    fn rate(&self) -> Option<f64> {
        self.price.map(|price| price.per_hour)
    }

    /// What the backend has cost in each window and how long it was busy; `None` while it has no price.
    pub(super) fn windows(&self) -> Option<[[f64; 2]; WINDOWS.len()]> {
        self.price?;
        let mut windows = [[0.0; 2]; WINDOWS.len()];
        let trails = self.cost_trails.iter().zip(&self.busy_trails);
        for (window, (cost, busy)) in windows.iter_mut().zip(trails) {
            *window = [cost.come(self.total), busy.come(self.busy)];
        }
        Some(windows)
    }

    pub(super) fn sides(&self) -> &[SideBook] {
        &self.sides
    }
}

/// Whether it is no older than what it is asked for.
fn is_fresh(price: &Price) -> bool {
    price.age.is_none_or(|age| age < CALM)
}
