//! What a service outside has said, or why it has said nothing.

use std::fmt;
use std::time::Duration;

use http::HeaderMap;

/// An answer, whatever its status. Redirects are not followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// 100 to 599.
    pub status: u16,
    /// `Retry-After` of a 429 or 503, if it can be read; at most an hour.
    pub retry_after: Option<Duration>,
    /// All headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Vec<u8>,
}

/// Why there is no answer. The texts never hold the URL, which may hold a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoAnswer {
    /// There is no client to ask with.
    Client(String),
    /// Not within this time.
    Late(Duration),
    /// No connection, or it broke.
    Broken(String),
    /// The body is longer than this many bytes.
    TooLong(usize),
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Client(why) => write!(f, "the HTTP client cannot be made: {why}"),
            Self::Late(limit) => write!(f, "no answer within {} s", limit.as_secs_f64()),
            Self::Broken(why) => write!(f, "no answer: {why}"),
            Self::TooLong(limit) => write!(f, "the answer is longer than {limit} bytes"),
        }
    }
}

impl std::error::Error for NoAnswer {}
