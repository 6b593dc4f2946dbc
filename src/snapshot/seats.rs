//! How many tries may be on their way to a backend, over all workers, and who waits for one to end.
//! There is a shared count only where the file sets a limit, and a lock only where somebody waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::config::model;

/// `limit` of a backend, as it is in force.
#[derive(Debug)]
pub struct Limit {
    /// They outlive the snapshots, so what is on its way is counted after a reload too.
    pub seats: Arc<Seats>,
    /// Tries at a time.
    pub in_flight: u32,
    /// Requests that may wait.
    pub queue: u32,
    /// How long.
    pub queue_time: Duration,
    /// What would be refused goes to the other side.
    pub spill: bool,
}

/// How it ended for who wanted a seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// There was a free one.
    AtOnce,
    /// After waiting.
    Waited,
    /// Too many were waiting.
    Full,
    /// It waited for too long.
    Late,
    /// Its client left, or a hard rollback cut it, while it waited.
    Left,
}

impl Turn {
    /// How many there are.
    pub const COUNT: usize = 5;
    /// All of them, in the order of their indexes.
    pub const ALL: [Self; Self::COUNT] = [
        Self::AtOnce,
        Self::Waited,
        Self::Full,
        Self::Late,
        Self::Left,
    ];

    /// As it stands in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AtOnce => "at_once",
            Self::Waited => "waited",
            Self::Full => "queue_full",
            Self::Late => "queue_timeout",
            Self::Left => "left",
        }
    }
}

/// See the module.
#[derive(Debug)]
pub struct Seats {
    free: Semaphore,
    size: AtomicU32,
    /// Seats that are taken and shall not be free again.
    surplus: AtomicU32,
    taken: AtomicU32,
    waiting: AtomicU32,
    turns: [AtomicU64; Turn::COUNT],
}

impl Default for Seats {
    fn default() -> Self {
        Self {
            free: Semaphore::new(0),
            size: AtomicU32::new(0),
            surplus: AtomicU32::new(0),
            taken: AtomicU32::new(0),
            waiting: AtomicU32::new(0),
            turns: Default::default(),
        }
    }
}

impl Limit {
    pub(super) fn new(written: &model::BackendLimit, seats: Arc<Seats>) -> Self {
        Self {
            seats,
            in_flight: written.in_flight,
            queue: written.queue,
            queue_time: written.queue_time.get(),
            spill: written.spill,
        }
    }

    /// A seat, if one is free and nobody waits for it.
    pub fn seat(&self) -> Option<Seat> {
        let permit = self.seats.free.try_acquire().ok()?;
        self.seats.note(Turn::AtOnce);
        permit.forget();
        Some(Seat::new(&self.seats))
    }

    /// A place in the queue, if it is not full.
    pub fn line_up(&self) -> Option<Waiting<'_>> {
        let seats = &self.seats;
        if seats.waiting.fetch_add(1, Relaxed) >= self.queue {
            seats.waiting.fetch_sub(1, Relaxed);
            seats.note(Turn::Full);
            return None;
        }
        Some(Waiting {
            seats,
            turn: Turn::Left,
        })
    }
}

impl Seats {
    /// Sets how many there are. Who sits stays seated.
    pub(super) fn resize(&self, size: u32) {
        let old = self.size.swap(size, Relaxed);
        if size >= old {
            let more = size - old;
            let kept = self.pay(more);
            self.free.add_permits((more - kept) as usize);
        } else {
            let less = old - size;
            let gone = self.free.forget_permits(less as usize) as u32;
            self.surplus.fetch_add(less - gone, Relaxed);
        }
    }

    /// Takes up to so many off the surplus.
    fn pay(&self, most: u32) -> u32 {
        let mut paid = 0;
        let paying = self.surplus.fetch_update(Relaxed, Relaxed, |surplus| {
            paid = surplus.min(most);
            (paid > 0).then(|| surplus - paid)
        });
        if paying.is_ok() { paid } else { 0 }
    }

    fn note(&self, turn: Turn) {
        self.turns[turn as usize].fetch_add(1, Relaxed);
    }

    /// How often it ended so.
    pub fn turns(&self, turn: Turn) -> u64 {
        self.turns[turn as usize].load(Relaxed)
    }

    /// Requests that wait.
    pub fn waiting(&self) -> u32 {
        self.waiting.load(Relaxed)
    }

    /// Requests that sit.
    pub fn taken(&self) -> u32 {
        self.taken.load(Relaxed)
    }
}

/// A place in the queue, given up when dropped.
#[derive(Debug)]
pub struct Waiting<'a> {
    seats: &'a Arc<Seats>,
    turn: Turn,
}

impl Waiting<'_> {
    /// Waits for a seat, in the order in which waiting began.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it leaves the queue, and a seat that was just given to it goes to the next.
    pub async fn seat(&mut self) -> Seat {
        // It is never closed.
        if let Ok(permit) = self.seats.free.acquire().await {
            permit.forget();
        }
        self.turn = Turn::Waited;
        Seat::new(self.seats)
    }

    /// It has waited for too long.
    pub fn is_late(mut self) {
        self.turn = Turn::Late;
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.seats.waiting.fetch_sub(1, Relaxed);
        self.seats.note(self.turn);
    }
}

/// A seat, given back when dropped.
#[derive(Debug)]
pub struct Seat(Arc<Seats>);

impl Seat {
    fn new(seats: &Arc<Seats>) -> Self {
        seats.taken.fetch_add(1, Relaxed);
        Self(Arc::clone(seats))
    }

    /// Whether it belongs to this limit.
    pub fn is_of(&self, limit: &Limit) -> bool {
        Arc::ptr_eq(&self.0, &limit.seats)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Relaxed);
        if self.0.pay(1) == 0 {
            self.0.free.add_permits(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::scalar::Duration as Span;
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Waker};

    fn limit(in_flight: u32, queue: u32) -> Limit {
        let written = model::BackendLimit {
            in_flight,
            queue,
            queue_time: Span::from_secs(1),
            spill: false,
        };
        let limit = Limit::new(&written, Arc::default());
        limit.seats.resize(in_flight);
        limit
    }

    fn is_seated(waiting: &mut (impl Future<Output = Seat> + Unpin)) -> Option<Seat> {
        let mut cx = Context::from_waker(Waker::noop());
        match pin!(waiting).poll(&mut cx) {
            std::task::Poll::Ready(seat) => Some(seat),
            std::task::Poll::Pending => None,
        }
    }

    #[test]
    fn who_waits_first_sits_first_and_nobody_passes() {
        let limit = limit(1, 2);
        let seat = limit.seat().unwrap();
        let (mut one, mut two) = (limit.line_up().unwrap(), limit.line_up().unwrap());
        assert!(limit.line_up().is_none());
        let (mut first, mut second) = (Box::pin(one.seat()), Box::pin(two.seat()));
        assert!(is_seated(&mut second).is_none());
        assert!(is_seated(&mut first).is_none());
        drop(seat);
        assert!(limit.seat().is_none(), "it is promised");
        let seat = is_seated(&mut second).unwrap();
        drop(first);
        drop(one);
        drop(seat);
        assert!(limit.seat().is_some());
        drop(second);
        drop(two);
        let seats = &limit.seats;
        assert_eq!((seats.waiting(), seats.taken()), (0, 0));
        let turns = Turn::ALL.map(|turn| seats.turns(turn));
        assert_eq!(turns, [2, 1, 1, 0, 1]);
    }

    #[test]
    fn it_grows_and_shrinks_under_those_who_sit() {
        let limit = limit(3, 0);
        let seats = &limit.seats;
        let mut held: Vec<_> = (0..3).map(|_| limit.seat().unwrap()).collect();
        seats.resize(1);
        assert!(limit.seat().is_none());
        held.pop();
        assert!(limit.seat().is_none());
        held.pop();
        assert!(limit.seat().is_none());
        seats.resize(2);
        let second = limit.seat().unwrap();
        assert!(limit.seat().is_none());
        drop((held, second));
        let both = [limit.seat().unwrap(), limit.seat().unwrap()];
        assert!(limit.seat().is_none());
        // Shrunk and grown again while they sit.
        seats.resize(0);
        seats.resize(2);
        drop(both);
        let both = [limit.seat().unwrap(), limit.seat().unwrap()];
        assert!(limit.seat().is_none());
        drop(both);
        assert_eq!(seats.taken(), 0);
    }
}
