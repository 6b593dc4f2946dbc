//! Waiting on conditions, never on time alone.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep};

const BETWEEN_LOOKS: Duration = Duration::from_millis(5);

/// Looks until there is something to see; panics when the time is up.
pub(crate) async fn until<T>(
    what: &str,
    limit: Duration,
    mut look: impl AsyncFnMut() -> Option<T>,
) -> T {
    let end = Instant::now() + limit;
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(Instant::now() < end, "not within {limit:?}: {what}");
        sleep(BETWEEN_LOOKS).await;
    }
}

/// A port that nobody has. It lies below those that the kernel gives to outgoing connections, so
/// while its server is dead it cannot become the source port of somebody else.
pub(crate) fn free_port() -> u16 {
    const FIRST: u16 = 10_000;
    const COUNT: u16 = 20_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Runs side by side begin at different places.
    let offset = std::process::id().wrapping_mul(97);
    loop {
        let turn = u32::from(NEXT.fetch_add(1, Ordering::Relaxed));
        let step = u16::try_from(offset.wrapping_add(turn) % u32::from(COUNT)).unwrap();
        if TcpListener::bind(("127.0.0.1", FIRST + step)).is_ok() {
            return FIRST + step;
        }
    }
}
