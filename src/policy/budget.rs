//! The retry budget: second tries may be at most a fifth of what is in flight, and a few are
//! always allowed. It keeps retries from becoming the load that keeps a backend down.

/// Second tries that are always allowed at once.
const FLOOR: u32 = 3;

/// Whether one more second try may start, with `retries` of them among `in_flight` requests.
pub fn retry_allowed(retries: u32, in_flight: u32) -> bool {
    retries < FLOOR.max(in_flight / 5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fifth_and_never_less_than_three() {
        assert!(retry_allowed(2, 0));
        assert!(!retry_allowed(3, 10));
        assert!(retry_allowed(19, 100));
        assert!(!retry_allowed(20, 100));
    }
}
