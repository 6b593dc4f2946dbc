//! The cohorts of a route.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;

use super::limits::Limits;
use super::sessions::Sessions;
use super::slot::{SideCounts, SideSlot, Slot};
use super::unit::{Draw, Unit};
use crate::stats::{Cells, Class, Histogram, HistogramTotals, Side};

/// Seconds that are remembered. More than twice [`Cohorts::DEADLINE`], so that a reader that is late
/// still finds what it looks for.
const SLOTS: usize = 64;
/// The rows of the limits.
const PRIMARY: usize = 0;
const ROLLBACK: usize = 1;
const PROMOTION: usize = 2;

/// The last seconds of one worker.
#[derive(Debug)]
struct Ring {
    slots: [Slot; SLOTS],
    /// How long the primary's units took to an answer, in microseconds.
    latency: Histogram,
}

impl Default for Ring {
    fn default() -> Self {
        Self {
            slots: std::array::from_fn(|_| Slot::default()),
            latency: Histogram::default(),
        }
    }
}

impl Ring {
    fn slot(&self, second: u64) -> &Slot {
        &self.slots[(second % SLOTS as u64) as usize]
    }
}

/// A second of a route, all workers together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cohort {
    /// The primary's counts.
    pub primary: SideCounts,
    /// The candidate's.
    pub candidate: SideCounts,
}

impl Cohort {
    /// Whether all units have ended.
    pub fn is_settled(&self) -> bool {
        [&self.primary, &self.candidate]
            .into_iter()
            .all(|side| side.ended >= side.n)
    }
}

/// The cohorts of a route: one ring for each worker, and what they share.
#[derive(Debug)]
pub struct Cohorts {
    rings: Cells<Ring>,
    limits: ArcSwapOption<Limits>,
    /// Only on a sticky split.
    sessions: Option<Sessions>,
}

impl Cohorts {
    /// How long a unit is waited for: a cohort that is older is read as it is.
    pub const DEADLINE: Duration = Duration::from_secs(30);

    /// For this many workers; `sticky` if users are drawn and not requests.
    pub fn new(workers: usize, sticky: bool) -> Self {
        Self {
            rings: Cells::new(workers),
            limits: ArcSwapOption::empty(),
            sessions: sticky.then(Sessions::default),
        }
    }

    /// Whether users are drawn and not requests.
    pub fn is_sticky(&self) -> bool {
        self.sessions.is_some()
    }

    /// The split has drawn. `now` is the time of arrival on the workers' common clock.
    pub fn draw(&self, worker: usize, now: Duration, side: Side, draw: Draw) -> Option<Unit> {
        let (user, first) = match (draw, &self.sessions) {
            (Draw::None, _) => return None,
            (Draw::User(user), Some(sessions)) => (Some(user), sessions.see(user)),
            (Draw::User(_), None) | (Draw::Request, _) => (None, true),
        };
        let second = now.as_secs();
        let slot = self.rings.of(worker).slot(second);
        if !slot.is_of(second) {
            slot.begin(second, self.limits.load().as_deref());
        }
        if first {
            slot.sides[side as usize].drawn.up();
        }
        Some(Unit {
            second,
            side,
            user,
            timed: first,
            entered: false,
            answered: false,
            slow: 0,
            counted: false,
        })
    }

    /// The first try begins on the side that was drawn.
    pub fn enter(&self, worker: usize, unit: &mut Unit) {
        if self.has_failed(unit) {
            return;
        }
        if let Some(side) = self.side(worker, unit) {
            side.n.up();
            unit.entered = true;
        }
    }

    /// A good answer is here, `us` microseconds after arrival.
    pub fn answer(&self, worker: usize, unit: &mut Unit, us: u64) {
        if !unit.entered || unit.answered {
            return;
        }
        unit.answered = true;
        let ring = self.rings.of(worker);
        let slot = ring.slot(unit.second);
        if unit.timed && unit.side == Side::Primary {
            ring.latency.record(us);
        }
        if !slot.is_of(unit.second) {
            return;
        }
        let side = &slot.sides[unit.side as usize];
        side.answered.up();
        if unit.timed && slot.limit(PRIMARY, 0) > 0 {
            unit.counted = true;
            for u in 0..3 {
                side.ok[u].up();
                let (narrow, wide) = rows(unit.side);
                if us > slot.limit(narrow, u) {
                    side.slow[u].up();
                    unit.slow |= 1 << u;
                }
                if us > slot.limit(wide, u) {
                    side.slow_to_promote[u].up();
                    unit.slow |= 8 << u;
                }
            }
        }
    }

    /// The first try has ended, `us` microseconds after arrival.
    pub fn end(&self, worker: usize, mut unit: Unit, class: Class, us: u64) {
        if !unit.entered {
            return;
        }
        if class == Class::Ok {
            self.answer(worker, &mut unit, us);
        }
        // Of several requests of a user at once, the first that goes badly counts, and the others not at all.
        let again = class.is_bad()
            && unit
                .user
                .zip(self.sessions.as_ref())
                .is_some_and(|(user, sessions)| !sessions.fail(user));
        let slot = self.rings.of(worker).slot(unit.second);
        if !slot.is_of(unit.second) {
            return;
        }
        let side = &slot.sides[unit.side as usize];
        if class.is_bad() {
            take_back(side, &unit);
        }
        if again {
            side.n.down();
            if unit.answered {
                side.answered.down();
            }
            return;
        }
        if !unit.answered {
            side.answered.up();
            if class == Class::Cancelled && unit.timed {
                waited_in_vain(slot, side, unit.side, us);
            }
        }
        if class.is_bad() {
            side.bad.up();
        }
        // Last: a reader takes a second for settled by this count.
        side.ended.up_last();
    }

    /// What a second has come to so far. Nothing once it is forgotten.
    pub fn read(&self, second: u64) -> Cohort {
        let mut sums = [SideCounts::default(); 2];
        for ring in self.rings.iter() {
            ring.slot(second).read(second, &mut sums);
        }
        let [primary, candidate] = sums;
        Cohort { primary, candidate }
    }

    /// How long the primary's units took to an answer, since the beginning.
    pub fn primary_latency(&self) -> HistogramTotals {
        let mut totals = HistogramTotals::default();
        for ring in self.rings.iter() {
            totals.add(&ring.latency);
        }
        totals
    }

    /// Sets what is slow, for seconds that have not begun.
    pub fn set_limits(&self, limits: Limits) {
        self.limits.store(Some(Arc::new(limits)));
    }

    /// A new session begins for all users.
    pub fn begin_session(&self) {
        if let Some(sessions) = &self.sessions {
            sessions.clear();
        }
    }

    fn side(&self, worker: usize, unit: &Unit) -> Option<&SideSlot> {
        let slot = self.rings.of(worker).slot(unit.second);
        slot.is_of(unit.second)
            .then(|| &slot.sides[unit.side as usize])
    }

    fn has_failed(&self, unit: &Unit) -> bool {
        match (unit.user, &self.sessions) {
            (Some(user), Some(sessions)) => sessions.has_failed(user),
            _ => false,
        }
    }
}

/// The limits of a side: to tell what is slow, and what is too slow to promote.
fn rows(side: Side) -> (usize, usize) {
    match side {
        Side::Primary => (PRIMARY, PRIMARY),
        Side::Candidate => (ROLLBACK, PROMOTION),
    }
}

/// A unit that was good so far and then broke: its latency means nothing.
fn take_back(side: &SideSlot, unit: &Unit) {
    if !unit.counted {
        return;
    }
    for u in 0..3 {
        side.ok[u].down();
        if unit.slow & 1 << u != 0 {
            side.slow[u].down();
        }
        if unit.slow & 8 << u != 0 {
            side.slow_to_promote[u].down();
        }
    }
}

/// The client has left: by a limit that had passed it was slow, by another one nobody knows.
fn waited_in_vain(slot: &Slot, side: &SideSlot, which: Side, us: u64) {
    let (_, wide) = rows(which);
    for u in 0..3 {
        let limit = slot.limit(wide, u);
        if limit > 0 && us > limit {
            side.ok[u].up();
            side.slow[u].up();
            side.slow_to_promote[u].up();
        }
    }
}
