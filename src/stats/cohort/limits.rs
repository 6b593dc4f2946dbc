//! What counts as slow.

/// Limits of latency in microseconds, for p50, p95, p99. Above is slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For the primary.
    pub primary: [u64; 3],
    /// For the candidate, by the rollback margin.
    pub rollback: [u64; 3],
    /// For the candidate, by the promotion margin, which is the wider one.
    pub promotion: [u64; 3],
}
