//! What is counted of a Serverless backend: what its engine said, and what became of requests at workers.

use super::counter::Counter;
use super::histogram::Histogram;

/// What the engine said when it was asked for a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Here is one.
    Ready,
    /// There is none yet.
    Waiting,
    /// The key is not, or no longer, good.
    Unauthorized,
    /// It is asked too often.
    Limited,
    /// A worker to which nothing may be sent.
    BadUrl,
    /// Nothing, in time.
    Late,
    /// Something else, or there was no connection.
    Error,
}

impl Asked {
    /// How many there are.
    pub const COUNT: usize = 7;
    /// All of them, in the order of their indexes.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Ready,
        Self::Waiting,
        Self::Unauthorized,
        Self::Limited,
        Self::BadUrl,
        Self::Late,
        Self::Error,
    ];

    /// As it stands in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Waiting => "waiting",
            Self::Unauthorized => "unauthorized",
            Self::Limited => "limited",
            Self::BadUrl => "bad_url",
            Self::Late => "late",
            Self::Error => "error",
        }
    }
}

/// What became of a request that was sent to a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worked {
    /// A head that goes to the client, whatever its status.
    Answered,
    /// 401: what lets a request in was not accepted.
    Unauthorized,
    /// 422: the envelope was not accepted.
    BadEnvelope,
    /// 429: others wait there already.
    Busy,
    /// 500 without a word: the model has failed.
    Failed,
    /// No connection.
    Connect,
    /// It broke before its head.
    Reset,
    /// No head in time.
    Timeout,
}

impl Worked {
    /// How many there are.
    pub const COUNT: usize = 8;
    /// All of them, in the order of their indexes.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Answered,
        Self::Unauthorized,
        Self::BadEnvelope,
        Self::Busy,
        Self::Failed,
        Self::Connect,
        Self::Reset,
        Self::Timeout,
    ];

    /// As it stands in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Unauthorized => "unauthorized",
            Self::BadEnvelope => "bad_envelope",
            Self::Busy => "busy",
            Self::Failed => "failed",
            Self::Connect => "connect",
            Self::Reset => "reset",
            Self::Timeout => "timeout",
        }
    }
}

/// What one worker thread has seen of one Serverless backend.
#[derive(Debug, Default)]
pub struct ServerlessCell {
    /// Answers of the engine.
    pub asked: [Counter; Asked::COUNT],
    /// Requests sent to a worker, by what became of them.
    pub worked: [Counter; Worked::COUNT],
    /// Of those, after which another worker was asked for.
    pub again: [Counter; Worked::COUNT],
    /// From the first question to the first worker, of requests that got one.
    pub waits: Histogram,
    /// Load units of requests that got a worker, rounded.
    pub cost: Counter,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_match_the_lists() {
        for (index, asked) in Asked::ALL.into_iter().enumerate() {
            assert_eq!(asked as usize, index);
        }
        for (index, worked) in Worked::ALL.into_iter().enumerate() {
            assert_eq!(worked as usize, index);
        }
    }
}
