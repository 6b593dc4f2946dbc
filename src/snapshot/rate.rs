//! Requests of one client in a time, over all workers. There is shared state only where the file
//! sets a limit.
//!
//! A client is a place of so many, found by a secret hash, so memory has an end whatever clients
//! send. Two who share a place share its rate: among ten thousand clients that is one in a hundred.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::route::Sticky;
use crate::config::model;

/// Places of clients.
const PLACES: u64 = 1 << 20;

/// `rate_limit` of a route, as it is in force.
pub struct RateLimit {
    /// Where the key of a client is read from.
    pub key: Sticky,
    written: model::RateLimit,
    limiter: DefaultKeyedRateLimiter<u32>,
    clock: DefaultClock,
    secret: RandomState,
    refused: AtomicU64,
}

impl RateLimit {
    /// `None` for a rate that is none.
    pub(super) fn new(written: &model::RateLimit, key: Sticky) -> Option<Self> {
        let each = written.per.get().checked_div(written.requests)?;
        let burst = NonZeroU32::new(written.burst.unwrap_or(written.requests))?;
        let quota = Quota::with_period(each)?.allow_burst(burst);
        Some(Self {
            key,
            written: written.clone(),
            limiter: RateLimiter::dashmap(quota),
            clock: DefaultClock::default(),
            secret: RandomState::new(),
            refused: AtomicU64::new(0),
        })
    }

    /// Whether it does what the file says.
    pub(super) fn is_as(&self, written: &model::RateLimit) -> bool {
        self.written == *written
    }

    /// Counts a request of the client with this key.
    ///
    /// # Errors
    ///
    /// It is one too many, for so long.
    pub fn count(&self, key: &[u8]) -> Result<(), Duration> {
        let place = (self.secret.hash_one(key) % PLACES) as u32;
        self.limiter.check_key(&place).map_err(|until| {
            self.refused.fetch_add(1, Relaxed);
            until.wait_time_from(self.clock.now())
        })
    }

    /// Forgets clients that have all of their rate again.
    pub fn sweep(&self) {
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
    }

    /// Requests that were one too many.
    pub fn refused(&self) -> u64 {
        self.refused.load(Relaxed)
    }

    /// Clients that are remembered.
    pub fn clients(&self) -> usize {
        self.limiter.len()
    }
}

impl fmt::Debug for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimit")
            .field("written", &self.written)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::scalar::{Duration as Span, StickyKey};

    fn rate(requests: u32, per: Span, burst: Option<u32>) -> RateLimit {
        let written = model::RateLimit {
            requests,
            per,
            burst,
            key: StickyKey::ClientIp,
        };
        RateLimit::new(&written, Sticky::ClientIp).unwrap()
    }

    #[test]
    fn each_client_has_its_own_rate_and_is_told_when_to_come_again() {
        let rate = rate(2, Span::from_secs(3600), Some(3));
        for key in [b"a", b"b"] {
            for _ in 0..3 {
                assert!(rate.count(key).is_ok());
            }
            let wait = rate.count(key).unwrap_err();
            let half_an_hour = Duration::from_secs(1800);
            assert!(wait <= half_an_hour && wait > half_an_hour / 2, "{wait:?}");
        }
        assert_eq!((rate.refused(), rate.clients()), (2, 2));
        rate.sweep();
        assert_eq!(rate.clients(), 2, "they still owe");
    }

    #[test]
    fn memory_has_an_end_and_is_given_back() {
        let rate = rate(1000, Span::from_secs(1), Some(1));
        let new = |key: &u64| rate.count(&key.to_le_bytes()).is_ok();
        let served = (0..2_000_000u64).filter(new).count();
        assert!(served > 500_000, "{served}");
        assert!(rate.clients() <= PLACES as usize);
        std::thread::sleep(Duration::from_millis(5));
        rate.sweep();
        assert_eq!(rate.clients(), 0);
    }
}
