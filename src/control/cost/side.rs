//! One side of a route in the books of its backend.

use std::sync::Arc;
use std::time::Duration;

use super::ledger::{Span, WINDOWS};
use super::sights::SideCost;
use crate::policy::cost::{Add, Busy, Trail, per_1000};
use crate::snapshot::{Arm, Route};
use crate::stats::{Cells, Class, Purpose, Side, SideCell};

/// Counts that only rise, since the book was opened.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Sums {
    /// Seconds of tries, by what they were for.
    pub(super) busy: [f64; Purpose::COUNT],
    /// Requests that the client got a good answer to, from this side.
    pub(super) good: u64,
}

impl Add for Sums {
    fn since(self, earlier: Self) -> Self {
        let [requests, retries] = Purpose::ALL.map(|purpose| {
            let purpose = purpose as usize;
            (self.busy[purpose] - earlier.busy[purpose]).max(0.0)
        });
        Self {
            busy: [requests, retries],
            good: self.good.saturating_sub(earlier.good),
        }
    }
}

/// What was counted of one side.
#[derive(Debug)]
pub(super) struct SideBook {
    pub(super) route: Box<str>,
    pub(super) side: Side,
    cells: Arc<Cells<SideCell>>,
    /// Where what was drawn for the other side and served by this one is counted.
    other: Option<Arc<Cells<SideCell>>>,
    clock: Busy,
    /// Of all tries that ended without an answer to a client.
    retries: f64,
    good: u64,
    sums: Sums,
    /// Busy time that was told for requests and turned out to be for retries.
    owed: f64,
    pub(super) dollars: [f64; Purpose::COUNT],
    /// Its part of what the backend has cost while nothing ran on it.
    pub(super) idle: f64,
    trails: [Trail<Sums>; WINDOWS.len()],
}

impl SideBook {
    /// Begins with what the cells say now. `is_new` says that nothing can have been counted before the
    /// book's time.
    pub(super) fn open(route: &Route, side: Side, arm: &Arm, now: Duration, is_new: bool) -> Self {
        let other = route.arm(side.other());
        let mut book = Self {
            route: route.name.clone(),
            side,
            cells: Arc::clone(&arm.cells),
            other: other.map(|other| Arc::clone(&other.cells)),
            clock: Busy::new(0.0, 0),
            retries: 0.0,
            good: 0,
            sums: Sums::default(),
            owed: 0.0,
            dollars: [0.0; Purpose::COUNT],
            idle: 0.0,
            trails: WINDOWS.map(|Span { span, step }| Trail::new(span, step, now, Sums::default())),
        };
        if !is_new {
            let (ended, retries, running) = book.read();
            book.clock = Busy::new(ended, running);
            book.retries = retries;
            book.good = book.read_good();
        }
        book
    }

    pub(super) fn is_of(&self, arm: &Arm) -> bool {
        Arc::ptr_eq(&self.cells, &arm.cells)
    }

    /// It goes on in this route, of which the other side may be another one now.
    #[must_use]
    pub(super) fn go_on(mut self, route: &Route) -> Self {
        let other = route.arm(self.side.other()).map(|other| &other.cells);
        let same = match (&self.other, other) {
            (Some(mine), Some(theirs)) => Arc::ptr_eq(mine, theirs),
            (mine, theirs) => mine.is_none() && theirs.is_none(),
        };
        if !same {
            self.other = other.map(Arc::clone);
            self.good = self.read_good();
        }
        self
    }

    /// What follows is told anew.
    pub(super) fn begin_anew(&mut self, now: Duration) {
        let sums = self.sums;
        self.trails = WINDOWS.map(|Span { span, step }| Trail::new(span, step, now, sums));
    }

    /// The busy time that has come since the last look.
    pub(super) fn look(&mut self, span: f64) -> [f64; Purpose::COUNT] {
        let (ended, retries, running) = self.read();
        let all = self.clock.look(ended, running, span);
        let wasted = (retries - self.retries).max(0.0);
        self.retries = retries;
        // A try that fails after minutes was told for requests while it ran.
        let useful = all - wasted - self.owed;
        self.owed = (-useful).max(0.0);
        let come = [useful.max(0.0), wasted];
        for (sum, come) in self.sums.busy.iter_mut().zip(come) {
            *sum += come;
        }
        let good = self.read_good();
        self.sums.good += good.saturating_sub(self.good);
        self.good = good;
        come
    }

    /// Puts readings aside.
    pub(super) fn note(&mut self, now: Duration) {
        for trail in &mut self.trails {
            trail.note(now, self.sums);
        }
    }

    /// What it costs, by what the whole backend has cost in each window and how long it was busy.
    pub(super) fn sight(&self, of_all: [[f64; 2]; WINDOWS.len()]) -> SideCost {
        let come = |window: usize| {
            let trail = self.trails.get(window)?;
            Some(trail.come(self.sums))
        };
        let figure = |window: usize| {
            let [cost, busy_of_all] = *of_all.get(window)?;
            let come = come(window)?;
            per_1000(cost, come.busy[0], busy_of_all, come.good)
        };
        let wasted = come(0).and_then(|come| {
            let [useful, wasted] = come.busy;
            (useful + wasted > 0.0).then(|| wasted / (useful + wasted))
        });
        SideCost {
            per_1000: figure(0),
            per_1000_hour: figure(1),
            wasted,
            dollars: self.dollars,
            idle: self.idle,
        }
    }

    /// Seconds of tries in the shorter window.
    pub(super) fn lately_busy(&self) -> f64 {
        let come = self.trails.first().map(|trail| trail.come(self.sums));
        come.map_or(0.0, |come| come.busy.iter().sum())
    }

    /// Seconds of tries that have ended, those of them that served nobody, and how many tries run.
    fn read(&self) -> (f64, f64, i64) {
        let (mut nanoseconds, mut running) = ([0u64; Purpose::COUNT], 0);
        for cell in self.cells.iter() {
            for (sum, busy) in nanoseconds.iter_mut().zip(&cell.busy) {
                *sum = sum.wrapping_add(busy.get());
            }
            running += cell.in_flight.get();
        }
        let [requests, retries] = nanoseconds.map(|n| n as f64 / 1e9);
        (requests + retries, retries, running)
    }

    /// Good answers of this side: to what was drawn for it, and to what fell back to it.
    fn read_good(&self) -> u64 {
        let count = |cells: &Cells<SideCell>, elsewhere: usize| -> u64 {
            let counts = cells.iter().map(|cell| &cell.requests[elsewhere]);
            counts
                .map(|classes| classes[Class::Ok as usize].get())
                .sum()
        };
        let other = self.other.as_deref();
        count(&self.cells, 0) + other.map_or(0, |other| count(other, 1))
    }
}
