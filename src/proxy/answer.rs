//! The body of a backend's response. That of HTTP/1.1 holds its connection, which is free for another
//! request when the body is at its end; one that is dropped before that closes it.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::pool::Single;
use super::stream::Stream;
use crate::http1;

/// See the module.
#[derive(Debug)]
pub(super) enum Answer {
    Single(Single),
    /// A stream of a shared connection.
    Shared(Incoming),
    /// Read by us already, in part or whole.
    Ahead(Box<Ahead>),
    /// It was at its end, or is not wanted.
    Gone,
}

/// What was read, or made of that, and what follows.
#[derive(Debug)]
pub(super) struct Ahead {
    pub(super) first: Bytes,
    /// There is none after what was read whole.
    pub(super) rest: Option<Answer>,
    /// The connection by which it came, if that can serve again.
    pub(super) idle: Option<Single>,
}

impl Ahead {
    #[cold]
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Break>>> {
        let first = std::mem::take(&mut self.first);
        match &mut self.rest {
            _ if !first.is_empty() => Poll::Ready(Some(Ok(Frame::data(first)))),
            Some(rest) => Pin::new(rest).poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    #[cold]
    fn is_end(&self) -> bool {
        self.first.is_empty() && self.rest.as_ref().is_none_or(Body::is_end_stream)
    }

    #[cold]
    fn size_hint(&self) -> SizeHint {
        let first = self.first.len() as u64;
        let Some(rest) = &self.rest else {
            return SizeHint::with_exact(first);
        };
        let rest = rest.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower() + first);
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper + first);
        }
        hint
    }

    #[cold]
    fn leave(self) -> Option<Single> {
        self.idle.or_else(|| self.rest?.leave())
    }
}

impl Answer {
    /// Lets it go. Its connection, if it can serve again.
    pub(super) fn leave(&mut self) -> Option<Single> {
        match std::mem::replace(self, Self::Gone) {
            Self::Single(single) => Some(single).filter(Single::is_idle),
            Self::Ahead(ahead) => ahead.leave(),
            Self::Shared(_) | Self::Gone => None,
        }
    }

    /// The socket below, when HTTP has ended on it.
    pub(super) fn into_stream(self) -> Option<Stream> {
        match self {
            Self::Single(single) => {
                let (stream, ahead) = single.into_stream()?;
                Some(stream.with_more_ahead(ahead))
            }
            Self::Shared(_) | Self::Ahead(_) | Self::Gone => None,
        }
    }
}

/// Why a body broke.
#[derive(Debug)]
pub(super) enum Break {
    Single(http1::Error),
    Shared(hyper::Error),
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Single(error) => error.fmt(f),
            Self::Shared(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Break {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Single(error) => Some(error),
            Self::Shared(error) => Some(error),
        }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Break;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Break>>> {
        match self.get_mut() {
            Self::Single(single) => single.poll_frame(cx).map_err(Break::Single),
            Self::Shared(body) => Pin::new(body).poll_frame(cx).map_err(Break::Shared),
            Self::Ahead(ahead) => ahead.poll_frame(cx),
            Self::Gone => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Single(single) => single.is_end(),
            Self::Shared(body) => body.is_end_stream(),
            Self::Ahead(ahead) => ahead.is_end(),
            Self::Gone => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Single(single) => single.size_hint(),
            Self::Shared(body) => body.size_hint(),
            Self::Ahead(ahead) => ahead.size_hint(),
            Self::Gone => SizeHint::with_exact(0),
        }
    }
}
