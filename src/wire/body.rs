//! The body of a request on its way to a backend: an enum, not a boxed trait object.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::replay::{ReplayBody, ReplayError};

/// See the variants.
#[derive(Debug)]
pub enum RequestBody {
    /// None.
    Empty,
    /// Straight from the client, for one try.
    Once(Incoming),
    /// From the client, and kept for a second try.
    Replay(ReplayBody<Incoming>),
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = ReplayError<hyper::Error>;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match self.get_mut() {
            Self::Empty => Poll::Ready(None),
            Self::Once(body) => Pin::new(body).poll_frame(cx).map_err(ReplayError::Client),
            Self::Replay(body) => Pin::new(body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Once(body) => body.is_end_stream(),
            Self::Replay(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Once(body) => body.size_hint(),
            Self::Replay(body) => body.size_hint(),
        }
    }
}
