//! The body of a streamed answer: events at the pace of a language model.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};
use tokio::time::{Sleep, sleep};

/// Server-sent events, one after the other.
pub(super) struct TokenStream {
    events: std::vec::IntoIter<Bytes>,
    wait: Pin<Box<Sleep>>,
    gap: Duration,
    /// After this many events nothing comes any more, not even the end.
    silent_after: Option<usize>,
}

impl TokenStream {
    /// Sends the first event after `first`, the others `gap` apart.
    pub(super) fn new(events: Vec<Bytes>, first: Duration, gap: Duration) -> Self {
        Self {
            events: events.into_iter(),
            wait: Box::pin(sleep(first)),
            gap,
            silent_after: None,
        }
    }

    /// Falls silent half way.
    pub(super) fn stalling(mut self) -> Self {
        self.silent_after = Some(self.events.len() / 2);
        self
    }
}

impl Body for TokenStream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.silent_after == Some(0) {
            return Poll::Pending;
        }
        if self.events.len() == 0 {
            return Poll::Ready(None);
        }
        ready!(self.wait.as_mut().poll(cx));
        self.silent_after = self.silent_after.map(|left| left - 1);
        let gap = self.gap;
        self.wait.set(sleep(gap));
        Poll::Ready(self.events.next().map(|event| Ok(Frame::data(event))))
    }
}
