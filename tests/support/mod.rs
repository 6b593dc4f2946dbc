//! What tests and benches share: a running house, mock origins that misbehave on command, and a
//! client that sees every byte. Nothing here sleeps and hopes: waiting means looking at a
//! condition until a deadline.
#![allow(
    dead_code,
    unused_imports,
    reason = "each user of this room needs another part of it"
)]

pub(crate) mod client;
pub(crate) mod counts;
pub(crate) mod dns;
pub(crate) mod frames;
pub(crate) mod house;
pub(crate) mod load;
pub(crate) mod logs;
pub(crate) mod message;
pub(crate) mod origin;
pub(crate) mod script;
pub(crate) mod serverless;
pub(crate) mod tls;
pub(crate) mod vast;
pub(crate) mod vast_rows;

use std::time::{Duration, Instant};

/// No single wait of a test may be longer.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// Looks at a condition until it holds.
///
/// # Panics
///
/// It does not hold before the deadline.
pub(crate) async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + DEADLINE;
    while !holds() {
        assert!(Instant::now() < end, "still not so: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Awaits something that must happen before the deadline.
///
/// # Panics
///
/// It does not.
pub(crate) async fn soon<F: Future>(what: &str, future: F) -> F::Output {
    tokio::time::timeout(DEADLINE, future)
        .await
        .unwrap_or_else(|_| panic!("took too long: {what}"))
}

/// Bytes without a pattern that chunk borders could hide in.
pub(crate) fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}
