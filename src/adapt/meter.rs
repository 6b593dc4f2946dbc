//! What a run may use. Every operation on a value pays here, so a program cannot do much without
//! being seen, and what is used up stays used up: from then on each operation fails at once, no
//! iteration goes on, and no `try` of the program can hide it.

use std::cell::Cell;
use std::time::{Duration, Instant};

use super::fault::Fault;

/// Steps between two looks at the clock.
const STRIDE: u64 = 128;
/// Bytes that are copied in about the time of a step.
const BYTES_OF_A_STEP: u64 = 64;

/// What one run may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// From the start of the run.
    pub time: Duration,
    /// Operations on values; some 10 to 50 ns each.
    pub steps: u64,
    /// Of the output, and of all that is built on the way, together. What escapes add in print is not
    /// counted.
    pub bytes: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spent {
    Time,
    Amount,
    Depth,
}

impl From<Spent> for Fault {
    fn from(spent: Spent) -> Self {
        match spent {
            Spent::Time => Self::Late,
            Spent::Amount => Self::TooMuch,
            Spent::Depth => Self::TooDeep,
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Rest {
    /// Steps beyond those until the next look at the clock.
    steps: u64,
    bytes: u64,
    /// Of one value, as it would be printed.
    size: u64,
    deadline: Option<Instant>,
    spent: Option<Spent>,
}

struct Meter {
    /// Steps until the next look at the clock.
    left: Cell<u64>,
    rest: Cell<Rest>,
}

/// Outside of a run nothing is limited.
const UNLIMITED: Rest = Rest {
    steps: u64::MAX,
    bytes: u64::MAX,
    size: u64::MAX,
    deadline: None,
    spent: None,
};

thread_local! {
    static METER: Meter = const {
        Meter { left: Cell::new(u64::MAX), rest: Cell::new(UNLIMITED) }
    };
}

/// Puts back what was in force before a run, even if the run panics.
#[derive(Debug)]
pub(super) struct Running {
    left: u64,
    rest: Rest,
}

impl Drop for Running {
    fn drop(&mut self) {
        METER.with(|meter| {
            meter.left.set(self.left);
            meter.rest.set(self.rest);
        });
    }
}

/// From now on, this thread pays from `limits`.
pub(super) fn begin(limits: &Limits) -> Running {
    let bytes = u64::try_from(limits.bytes).unwrap_or(u64::MAX);
    let rest = Rest {
        steps: limits.steps,
        bytes,
        size: bytes,
        deadline: Instant::now().checked_add(limits.time),
        spent: None,
    };
    METER.with(|meter| Running {
        left: meter.left.replace(0),
        rest: meter.rest.replace(rest),
    })
}

/// Pays `n` steps; `false` if there are no more.
#[inline]
pub(super) fn step(n: u64) -> bool {
    METER.with(|meter| {
        let left = meter.left.get();
        if n < left {
            meter.left.set(left - n);
            true
        } else {
            meter.look(n)
        }
    })
}

/// Pays for `n` bytes that are built, and for their copying.
#[inline]
pub(super) fn bytes(n: usize) -> bool {
    let n = n as u64;
    METER.with(|meter| {
        let mut rest = meter.rest.get();
        if n > rest.bytes {
            spend(Spent::Amount);
            return false;
        }
        rest.bytes -= n;
        meter.rest.set(rest);
        step(1 + n / BYTES_OF_A_STEP)
    })
}

/// Pays for `n` bytes that are looked at.
#[inline]
pub(super) fn scan(n: usize) -> bool {
    step(1 + n as u64 / BYTES_OF_A_STEP)
}

/// Whether a value that would print as so many bytes may exist.
#[inline]
pub(super) fn fits(size: u64) -> bool {
    let most = METER.with(|meter| meter.rest.get().size);
    if size > most {
        spend(Spent::Amount);
    }
    size <= most
}

/// Looks at the clock now, before something that takes long.
pub(super) fn is_in_time() -> bool {
    METER.with(|meter| meter.look(0))
}

/// Uses up all.
#[cold]
pub(super) fn spend(why: Spent) {
    METER.with(|meter| {
        let mut rest = meter.rest.get();
        rest.spent.get_or_insert(why);
        meter.rest.set(rest);
        meter.left.set(0);
    });
}

/// What was used up, if anything.
#[inline]
pub(super) fn spent() -> Option<Spent> {
    METER.with(|meter| meter.rest.get().spent)
}

impl Meter {
    #[cold]
    fn look(&self, n: u64) -> bool {
        let mut rest = self.rest.get();
        if rest.spent.is_some() {
            return false;
        }
        let left = self.left.get().saturating_add(rest.steps);
        let is_late = rest.deadline.is_some_and(|end| Instant::now() >= end);
        if is_late || n >= left {
            spend(if is_late { Spent::Time } else { Spent::Amount });
            return false;
        }
        let left = left - n;
        let stride = if rest.deadline.is_some() {
            STRIDE
        } else {
            left
        };
        self.left.set(left.min(stride));
        rest.steps = left - left.min(stride);
        self.rest.set(rest);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        time: Duration::from_secs(60),
        steps: 1_000,
        bytes: 100,
    };

    #[test]
    fn what_is_used_up_stays_used_up() {
        let running = begin(&LIMITS);
        assert!((0..999).all(|_| step(1)));
        assert!(!step(1));
        assert_eq!(spent(), Some(Spent::Amount));
        assert!(!step(0) && !bytes(0));
        drop(running);
        assert!(step(u64::MAX / 2) && spent().is_none());
    }

    #[test]
    fn a_run_within_a_run_pays_for_itself() {
        let _outer = begin(&LIMITS);
        {
            let _inner = begin(&Limits { steps: 5, ..LIMITS });
            assert!(!step(10));
        }
        assert!(spent().is_none() && bytes(100) && !bytes(1));
        assert_eq!(spent(), Some(Spent::Amount));
    }

    #[test]
    fn the_clock_is_looked_at() {
        let time = Duration::ZERO;
        let _running = begin(&Limits { time, ..LIMITS });
        assert!(!step(1));
        assert_eq!(spent(), Some(Spent::Time));
    }
}
