//! The engines of client connections within their limits, and how such a connection ends.

use std::error::Error as _;

use hyper::server::conn::{http1, http2};
use hyper_util::rt::TokioTimer;

use super::local::Local;
use super::pace::Pace;
use super::problem::Problem;
use crate::snapshot::ClientLimits;
use crate::stats::Fault;

/// Header lines that hyper has room for without an allocation.
const INLINE_HEADERS: usize = 100;
/// Bytes of an answer that wait in a stream: with all streams of a connection, that is what a client
/// which takes nothing can make figshift hold.
const HELD_BY_STREAM: usize = 64 * 1024;

pub(super) fn http1(limits: &ClientLimits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.max_header_size(limits.head);
    // More than these need an allocation for each head.
    if limits.headers > INLINE_HEADERS {
        builder.max_headers(limits.headers);
    }
    builder
}

/// h2 itself ends connections with too many CONTINUATION frames for the size of a head, or too many
/// streams that are reset before they are accepted.
pub(super) fn http2(limits: &ClientLimits) -> http2::Builder<Local> {
    let mut builder = http2::Builder::new(Local);
    builder
        .timer(TokioTimer::new())
        .enable_connect_protocol()
        .max_header_list_size(u32::try_from(limits.head).unwrap_or(u32::MAX))
        .max_concurrent_streams(limits.streams)
        .max_send_buf_size(HELD_BY_STREAM);
    builder
}

/// How a connection has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// By what its engine made of it.
    Itself,
    /// The engine was flooded with frames.
    Flood,
    /// Its head was late.
    SlowHead,
    /// It was told to, at once.
    Told,
    /// Not yet: it is silent, and may do without an engine until it says something.
    Rests,
}

impl Ended {
    pub(super) fn of_http2(result: hyper::Result<()>) -> Self {
        let error = result.err();
        let source = error.as_ref().and_then(|error| error.source());
        let source = source.and_then(|source| source.downcast_ref::<h2::Error>());
        let calm = |error: &h2::Error| error.reason() == Some(h2::Reason::ENHANCE_YOUR_CALM);
        match source {
            Some(error) if error.is_library() && calm(error) => Self::Flood,
            _ => Self::Itself,
        }
    }
}

/// What is left to do for a connection of HTTP/1: to be read on for a moment, after these words if
/// there are any.
pub(super) struct LastWords(pub(super) Option<Problem>);

pub(super) fn last_words(pace: &Pace, ended: Ended) -> Option<LastWords> {
    let words = match ended {
        Ended::Told | Ended::Rests => return None,
        Ended::Itself | Ended::Flood => pace.withheld().map(Problem::of_refusal),
        Ended::SlowHead => pace.owes_nothing().then(|| {
            let detail = "The request head did not arrive in time";
            Problem::of_fault(Fault::SlowHead, detail)
        }),
    };
    (words.is_some() || pace.is_left_unread()).then_some(LastWords(words))
}
