//! Rate limits forget the clients that have not come for a while, so that what is remembered is
//! what is needed.

use std::time::Duration;

use tokio::time::MissedTickBehavior;

use crate::snapshot::Publisher;

/// How often.
const EVERY: Duration = Duration::from_secs(10);

/// Sweeps the rate limits in force, for good.
pub async fn sweep_rates(publisher: Publisher) {
    let mut interval = tokio::time::interval(EVERY);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        let snapshot = publisher.current();
        for rate in snapshot
            .routes
            .iter()
            .filter_map(|route| route.rate.as_ref())
        {
            rate.sweep();
        }
    }
}
