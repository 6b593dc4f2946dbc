//! Deadlines without a timer each: armed ones lie in a slab that the worker's tick looks through.
//! Arming and disarming cost a slot and no timer-wheel entry; the price is a precision of one tick.

use std::borrow::Borrow;
use std::cell::RefCell;
use std::rc::Rc;
use std::task::{Context, Waker};
use std::time::Duration;

use slab::Slab;

/// All armed deadlines of one worker.
#[derive(Debug, Default)]
pub(super) struct Deadlines(RefCell<Slab<Armed>>);

#[derive(Debug)]
struct Armed {
    at: Duration,
    fired: bool,
    waker: Option<Waker>,
}

impl Deadlines {
    /// Arms a deadline; dropping it disarms it.
    pub(super) fn arm(&self, at: Duration) -> Deadline<&Self> {
        let key = self.insert(at);
        Deadline { all: self, key }
    }

    /// The same, for what is kept longer than a borrow.
    pub(super) fn arm_kept(self: &Rc<Self>, at: Duration) -> Deadline<Rc<Self>> {
        let key = self.insert(at);
        Deadline {
            all: Rc::clone(self),
            key,
        }
    }

    fn insert(&self, at: Duration) -> usize {
        self.0.borrow_mut().insert(Armed {
            at,
            fired: false,
            waker: None,
        })
    }

    /// Fires what is due and wakes who waits for it.
    pub(super) fn fire(&self, now: Duration) {
        for (_, armed) in self.0.borrow_mut().iter_mut() {
            if armed.at <= now && !armed.fired {
                armed.fired = true;
                if let Some(waker) = armed.waker.take() {
                    waker.wake();
                }
            }
        }
    }

    /// Wakes everybody who waits, whether due or not: there is something else to look at.
    pub(super) fn wake_all(&self) {
        for (_, armed) in self.0.borrow().iter() {
            if let Some(waker) = &armed.waker {
                waker.wake_by_ref();
            }
        }
    }
}

/// One armed deadline.
#[derive(Debug)]
pub(super) struct Deadline<D: Borrow<Deadlines>> {
    all: D,
    key: usize,
}

impl<D: Borrow<Deadlines>> Deadline<D> {
    /// Whether it has fired; else the task is woken when it does.
    pub(super) fn poll_fired(&self, cx: &Context<'_>) -> bool {
        let mut all = self.all.borrow().0.borrow_mut();
        let Some(armed) = all.get_mut(self.key) else {
            return false;
        };
        if !armed.fired {
            match &mut armed.waker {
                Some(waker) => waker.clone_from(cx.waker()),
                none => *none = Some(cx.waker().clone()),
            }
        }
        armed.fired
    }

    /// Sets it to a later time.
    pub(super) fn rearm(&self, at: Duration) {
        if let Some(armed) = self.all.borrow().0.borrow_mut().get_mut(self.key) {
            armed.at = at;
            armed.fired = false;
        }
    }
}

impl<D: Borrow<Deadlines>> Drop for Deadline<D> {
    fn drop(&mut self) {
        self.all.borrow().0.borrow_mut().try_remove(self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fires_when_due_and_not_after_disarming() {
        let all = Deadlines::default();
        let cx = Context::from_waker(Waker::noop());
        let early = all.arm(Duration::from_secs(1));
        let late = all.arm(Duration::from_secs(3));
        all.fire(Duration::from_secs(2));
        assert!(early.poll_fired(&cx));
        assert!(!late.poll_fired(&cx));
        early.rearm(Duration::from_secs(4));
        assert!(!early.poll_fired(&cx));
        drop(late);
        all.fire(Duration::from_secs(5));
        assert!(early.poll_fired(&cx));
        drop(early);
        assert!(all.0.borrow().is_empty());
    }
}
